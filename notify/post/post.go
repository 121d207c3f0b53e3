// Package post sends JSON to a channel's server as all channels do: within a
// time, without following redirects to other hosts, with errors that say whether
// another try may help and hold no secret.
package post

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/secret"
)

const (
	// maxAnswer and maxShown bound what is read of an answer, and what of it an
	// error shows, in bytes.
	maxAnswer  = 64 << 10
	maxShown   = 300
	maxSecret  = 8 << 10
	mostHops   = 5
	maxAskWait = time.Hour
)

// Request is one post.
type Request struct {
	Client *http.Client
	// URL is where, Hidden the secrets that nothing may show: keys, tokens.
	URL    string
	Hidden []string
	Header map[string]string
	// Body is written as JSON, unless it is []byte.
	Body any
	// Timeout bounds it all.
	Timeout time.Duration
}

// Answer is what came back with a status below 300.
type Answer struct {
	Header http.Header
	Body   []byte
}

// Do sends a request. Its error wraps release.ErrInvalid for what would be refused
// again and release.ErrUnavailable for what may go right later; Sent tells how long
// the server asks us to wait.
func Do(ctx context.Context, r Request) (Answer, release.Sent, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	body, ok := r.Body.([]byte)
	if !ok {
		var err error
		if body, err = json.Marshal(r.Body); err != nil {
			return Answer{}, release.Sent{}, fmt.Errorf("%w: %w", err, release.ErrInvalid)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(body))
	if err != nil {
		return Answer{}, release.Sent{}, fmt.Errorf("its url is not one that can be asked: %w", release.ErrInvalid)
	}
	where := secret.Hidden(req.URL.Scheme+"://"+req.URL.Host, r.Hidden)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "linnet")
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	resp, err := stays(r.Client).Do(req)
	if err != nil {
		return Answer{}, release.Sent{}, unreachable(ctx, where, r, err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil && resp.StatusCode/100 == 2 {
		return Answer{}, release.Sent{}, unreachable(ctx, where, r, err)
	}
	if resp.StatusCode/100 == 2 {
		return Answer{resp.Header, got}, release.Sent{}, nil
	}
	return Answer{resp.Header, got}, release.Sent{Wait: wait(resp.Header)}, fmt.Errorf("%s answered %d%s: %w", where, resp.StatusCode, Shown(got, r.Hidden), meaning(resp.StatusCode))
}

// stays is a client that follows no redirect to another host: what we send is for
// the one that was named.
func stays(c *http.Client) *http.Client {
	own := *c
	own.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		first := via[0].URL
		if req.URL.Host != first.Host || req.URL.Scheme != first.Scheme || len(via) > mostHops {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &own
}

// unreachable is the error of a request that had no answer. What net/http says
// may hold the URL, and that a secret.
func unreachable(ctx context.Context, where string, r Request, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%s did not answer within %s: %w", where, r.Timeout, release.ErrUnavailable)
	}
	return fmt.Errorf("%s: %s: %w", where, secret.Told(err.Error(), r.Hidden), release.ErrUnavailable)
}

// meaning is what a status means. A timeout, a conflict and too many requests may
// go right later; another refusal would come again.
func meaning(status int) error {
	switch {
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status == http.StatusTooEarly, status/100 == 5:
		return release.ErrUnavailable
	}
	return release.ErrInvalid
}

// wait is how long a server asks us to wait, in seconds.
func wait(h http.Header) time.Duration {
	n, err := strconv.ParseUint(h.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, maxAskWait)
}

// Shown is what a server said, cut short and without secrets, as the end of an
// error.
func Shown(body []byte, hidden []string) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(body), "?")), " ")
	if text = secret.Told(text, hidden); len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	if text == "" {
		return ""
	}
	return ": " + text
}

// Secret reads a secret from a file, when it is used, so that it can be changed.
// Its error names the file. One that is missing or empty may be being changed this
// moment: that is release.ErrUnavailable.
func Secret(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("secret: %w: %w", err, release.ErrUnavailable)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	value := strings.TrimSpace(string(text))
	switch {
	case err != nil:
		return "", fmt.Errorf("secret: %w: %w", err, release.ErrUnavailable)
	case value == "":
		return "", fmt.Errorf("secret: %s is empty; write it there: %w", file, release.ErrUnavailable)
	case len(text) > maxSecret:
		return "", fmt.Errorf("secret: %s has more than %d bytes; is it the right file?: %w", file, maxSecret, release.ErrInvalid)
	case strings.ContainsAny(value, "\r\n\x00"):
		return "", fmt.Errorf("secret: %s has several lines; write one: %w", file, release.ErrInvalid)
	}
	return value, nil
}

// Cut shortens a text to so many characters, and says so.
func Cut(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}
