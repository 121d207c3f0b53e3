package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/linnet-project/linnet/release"
)

// Problem is why the server did not do what it was asked.
type Problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	// Detail says what is wrong and what to do about it.
	Detail   string    `json:"detail"`
	Errors   []Fault   `json:"errors,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
}

// Error implements error: the detail, and each fault on a line of its own, as
// `linnet lint` writes them.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Detail)
	for i, f := range p.Errors {
		if len(p.Errors) == 1 || i == 20 {
			break // the detail has the first one; the rest is the file's to lint
		}
		b.WriteString("\n")
		if f.Line > 0 {
			fmt.Fprintf(&b, "%d:%d: %s: ", f.Line, f.Column, f.Path)
		}
		b.WriteString(f.Problem)
		if f.Hint != "" {
			b.WriteString("; " + f.Hint)
		}
	}
	return b.String()
}

// Unwrap gives the problem its meaning; one of who asks has none.
func (p *Problem) Unwrap() error {
	switch {
	case p.Status == http.StatusNotFound:
		return release.ErrNotFound
	case p.Status == http.StatusConflict, p.Status == http.StatusPreconditionFailed:
		return release.ErrConflict
	case p.Status == http.StatusUnprocessableEntity, p.Status == http.StatusBadRequest, p.Status == http.StatusRequestEntityTooLarge:
		return release.ErrInvalid
	case p.Status == http.StatusTooManyRequests, p.Status >= 500:
		return release.ErrUnavailable
	}
	return nil
}

// passes tells whether asking again may help.
func (p *Problem) passes() bool {
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// problemOf reads what a server answered instead of what was asked for.
func problemOf(resp *http.Response, text []byte) *Problem {
	p := &Problem{}
	kind := resp.Header.Get("Content-Type")
	if !strings.HasPrefix(kind, "application/problem+json") || json.Unmarshal(text, p) != nil || p.Detail == "" {
		p = &Problem{Detail: "it answered " + resp.Status + ", which is nothing that a Linnet says; is this its address?"}
	}
	p.Status = resp.StatusCode
	if p.Status == http.StatusUnauthorized && !strings.Contains(p.Detail, "--token-file") {
		p.Detail += "; give a token with --token-file or LINNET_TOKEN"
	}
	return p
}
