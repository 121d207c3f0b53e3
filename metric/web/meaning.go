package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/secret"
)

// unaddressed is an error without the address, which may hold what is asked.
func unaddressed(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// unreachable gives an error of the transport its meaning.
func (w *Client) unreachable(ctx context.Context, err error) error {
	err = unaddressed(err)
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%s: %w: %w", w.url, cause, release.ErrUnavailable)
	}
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &certificate):
		return invalid("%s: %v (caFile, serverName or insecure change what is accepted)", w.url, err)
	case errors.As(err, &record), strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return invalid("%s: the server does not speak TLS on this port", w.url)
	case errors.Is(err, release.ErrInvalid):
		return err
	}
	return refusal{error: fmt.Errorf("%s: %w: %w", w.url, err, release.ErrUnavailable), again: true}
}

// broken is the error of a body that could not be read to its end.
func (w *Client) broken(ctx context.Context, body *bounded) error {
	switch cause := context.Cause(ctx); {
	case body.left <= 0:
		return invalid("%s: answers with more than %d MiB; narrow the selector", w.url, body.most>>20)
	case body.err == nil:
		return nil
	case cause != nil:
		return fmt.Errorf("%s: %w: %w", w.url, cause, release.ErrUnavailable)
	}
	return refusal{error: fmt.Errorf("%s: %w: %w", w.url, body.err, release.ErrUnavailable), again: true}
}

// unlike is the error of an answer that is something else altogether.
func (w *Client) unlike(ctx context.Context, resp *http.Response, body *bounded, secrets []string) error {
	if err := w.broken(ctx, body); err != nil {
		return err
	}
	what := resp.Header.Get("Content-Type")
	switch {
	case body.left == body.most:
		what = "nothing, with status " + strconv.Itoa(resp.StatusCode)
	case what == "":
		what = "something without a type"
	case strings.HasPrefix(what, jsonType):
		what += " that is neither an object nor a list"
	}
	return w.strange("%s", Clip(secret.Told(what, secrets)))
}

func (w *Client) strange(format string, args ...any) error {
	return invalid("%s answered %s, not %s; is the url right?", w.url, fmt.Sprintf(format, args...), w.api.Title)
}

// Strange is the error of an answer that the API does not give.
func (w *Client) Strange(what string) error { return w.strange("%s", what) }

// refused gives an answer other than success its meaning.
func (w *Client) refused(ctx context.Context, resp *http.Response, body io.Reader, q Question, secrets []string) error {
	text, _ := io.ReadAll(io.LimitReader(body, 64<<10))
	if to := resp.Header.Get("Location"); resp.StatusCode/100 == 3 {
		if u, err := url.Parse(to); err == nil {
			u.User, u.RawQuery, u.Fragment, u.RawFragment = nil, "", "", ""
			to = u.String()
		}
		return invalid("%s redirects to %s; give the address itself (a login page would need a credential)", w.url, Clip(secret.Told(to, secrets)))
	}
	var said Trouble
	if q.Explain != nil {
		said = q.Explain(text)
	}
	if said == (Trouble{}) && !strings.Contains(resp.Header.Get("Content-Type"), "html") {
		said.Message = strings.TrimSpace(string(text))
	}
	err := w.meaning(resp.StatusCode, said, q, secrets)
	if resp.StatusCode == http.StatusUnauthorized && w.tokens != nil {
		_, token, _ := strings.Cut(resp.Request.Header.Get("Authorization"), " ")
		if w.tokens.drop(ctx, token) {
			err = refusal{error: err, again: true} // it may have been revoked before its time
		}
	}
	var r refusal
	if errors.As(err, &r) {
		r.pause = retryAfter(resp.Header, w.api.Reset)
		return r
	}
	return err
}

// meaning turns what a server says into one of the meanings of release.
func (w *Client) meaning(status int, t Trouble, q Question, secrets []string) error {
	said := strconv.Itoa(status)
	if t.Kind != "" {
		said += " (" + Clip(secret.Told(t.Kind, secrets)) + ")"
	}
	if t.Message != "" {
		said += ": " + Clip(secret.Told(t.Message, secrets))
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return invalid("%s refuses %s: %s", w.url, w.credential(), said)
	case status == http.StatusNotFound:
		path, _, _ := strings.Cut(q.Path, "?") // what follows may be a key
		return fmt.Errorf("%s%s is not there (%s); a path prefix may be missing in the url: %w", w.url, path, said, release.ErrNotFound)
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500, t.Down:
		return refusal{error: fmt.Errorf("%s answered %s: %w", w.url, said, release.ErrUnavailable), again: !t.Vain}
	}
	return invalid("%s refuses %s: %s", w.url, q.About, said)
}

// Clip shortens what a server said to what a message can hold.
func Clip(s string) string {
	if len(s) > maxMessage {
		return strings.ToValidUTF8(s[:maxMessage], "") + "…"
	}
	return s
}
