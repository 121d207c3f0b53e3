package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// Problem is what every error looks like (RFC 9457).
type Problem struct {
	Type   string `json:"type" format:"uri-reference" example:"urn:linnet:problem:not-found" doc:"A stable name for this kind of problem; its last part is the code."`
	Title  string `json:"title" example:"Not Found" doc:"The status in words."`
	Status int    `json:"status" minimum:"400" maximum:"599" example:"404" doc:"The status of HTTP."`
	Code   string `json:"code" enum:"malformed,too-slow,invalid,invalid-file,not-logged-in,denied,not-found,method,conflict,unconfirmed,changed,key-reused,too-large,content-type,guard-rails,too-fast,unavailable,internal" doc:"What kind of problem it is, for programs."`
	Detail string `json:"detail" doc:"What is wrong and what to do about it, for people."`
	// Errors are all that is wrong with what was sent, each with its place.
	Errors []Fault `json:"errors,omitempty" doc:"All that is wrong with what was sent."`
	// Findings are the guard rails that a release does not meet.
	Findings []Finding `json:"findings,omitempty" doc:"The guard rails that the release does not meet."`

	wait time.Duration
}

// Fault is one thing that is wrong with what was sent.
type Fault struct {
	Location string `json:"location,omitempty" example:"query.limit" doc:"Where in the request: path, query, header or body, and a name."`
	Line     int    `json:"line,omitempty" doc:"In a file: the line, from 1."`
	Column   int    `json:"column,omitempty" doc:"In a file: the column in characters, from 1."`
	Path     string `json:"path,omitempty" example:"spec.steps[1].weight" doc:"In a file: the key."`
	Problem  string `json:"problem" doc:"What is wrong."`
	Hint     string `json:"hint,omitempty" doc:"What to do."`
}

// Finding is a guard rail that a release does not meet.
type Finding struct {
	Rule  string     `json:"rule" doc:"The rule's name."`
	Text  string     `json:"text" doc:"What is wrong and what to do."`
	Until *time.Time `json:"until,omitempty" doc:"When it will be met by itself; absent where it will not."`
}

// Refusal says that a request is not let in, as whoever knows the credentials
// puts it: 401 for not logged in, 403 for not this way, 429 for too fast.
type Refusal struct {
	Status int
	Why    string
	// Header goes with the answer.
	Header http.Header
}

// Error implements error.
func (r *Refusal) Error() string { return r.Why }

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.wait+time.Second-1)/time.Second)))
	}
	return h
}

// codes are what a problem of a status is called where nothing else is known.
var codes = map[int]string{
	http.StatusBadRequest: "malformed", http.StatusUnauthorized: "not-logged-in", http.StatusForbidden: "denied",
	http.StatusNotFound: "not-found", http.StatusMethodNotAllowed: "method", http.StatusNotAcceptable: "content-type",
	http.StatusRequestTimeout: "too-slow", http.StatusConflict: "conflict", http.StatusPreconditionFailed: "changed",
	http.StatusRequestEntityTooLarge: "too-large", http.StatusUnsupportedMediaType: "content-type",
	http.StatusUnprocessableEntity: "invalid", http.StatusTooManyRequests: "too-fast", http.StatusServiceUnavailable: "unavailable",
}

// problem makes one of a status.
func problem(status int, format string, args ...any) *Problem {
	code := codes[status]
	if code == "" {
		code = "internal"
	}
	return (&Problem{Status: status, Title: http.StatusText(status), Detail: fmt.Sprintf(format, args...)}).called(code)
}

// called gives a problem a code of its own.
func (p *Problem) called(code string) *Problem {
	p.Code, p.Type = code, "urn:linnet:problem:"+code
	return p
}

// again is when to ask again something that is not available.
const again = 5 * time.Second

// problemOf turns an error into what is answered. Of an error that has none of
// our meanings nothing is told.
func problemOf(err error) *Problem {
	var known *Problem
	var refusal *Refusal
	var denied *control.Denied
	var refused *control.Refused
	var moved *control.Moved
	var unconfirmed *control.Unconfirmed
	var file spec.Errors
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &refusal):
		return problem(refusal.Status, "%s", refusal.Why)
	case errors.As(err, &denied):
		return problem(http.StatusForbidden, "%s", release.Plain(err))
	case errors.As(err, &refused):
		p := problem(http.StatusUnprocessableEntity, "%s", release.Plain(err)).called("guard-rails")
		p.Findings = findings(refused.Findings)
		return p
	case errors.As(err, &unconfirmed):
		return problem(http.StatusConflict, "%s", release.Plain(err)).called("unconfirmed")
	case errors.As(err, &moved):
		return problem(http.StatusPreconditionFailed, "%s", release.Plain(err))
	case errors.As(err, &file):
		return invalidFile(file)
	case errors.Is(err, release.ErrNotFound):
		return problem(http.StatusNotFound, "%s", release.Plain(err))
	case errors.Is(err, release.ErrConflict):
		return problem(http.StatusConflict, "%s", release.Plain(err))
	case errors.Is(err, release.ErrInvalid):
		return problem(http.StatusUnprocessableEntity, "%s", release.Plain(err))
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return unavailable("it took too long, or the server stops; ask again")
	case errors.Is(err, release.ErrUnavailable):
		return unavailable(release.Plain(err))
	}
	return problem(http.StatusInternalServerError, "something went wrong in Linnet itself; its log says what")
}

// unavailable is a problem that may be over soon.
func unavailable(detail string) *Problem {
	p := problem(http.StatusServiceUnavailable, "%s", detail)
	p.wait = again
	return p
}

func invalidFile(all spec.Errors) *Problem {
	p := problem(http.StatusUnprocessableEntity, "the file has %d errors; the first: %s", len(all), all[0].Error()).called("invalid-file")
	if len(all) == 1 {
		p.Detail = "the file has an error: " + all[0].Error()
	}
	for _, e := range all {
		p.Errors = append(p.Errors, Fault{Location: "body.file", Line: e.Line, Column: e.Column, Path: e.Path, Problem: e.Problem, Hint: e.Hint})
	}
	return p
}

func findings(all []control.Finding) []Finding {
	var out []Finding
	for _, f := range all {
		out = append(out, Finding{Rule: f.Rule, Text: f.Text, Until: moment(f.Until)})
	}
	return out
}

// explain makes a problem of what the reading of a request found. What was sent
// is not sent back: it may be long, or secret.
func explain(_ huma.Context, _ string, v any) (any, error) {
	found, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := problem(found.Status, "%s", found.Detail)
	for _, e := range found.Errors {
		p.Errors = append(p.Errors, Fault{Location: e.Location, Problem: e.Message})
	}
	if len(p.Errors) > 0 {
		p.Detail = fmt.Sprintf("the request is not as the API takes it: %s: %s; /docs says what it takes", p.Errors[0].Location, p.Errors[0].Problem)
	}
	return p, nil
}
