package prometheus

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

const (
	maxBody    = 64 << 20
	maxMessage = 500
	retries    = 2
	firstPause = 200 * time.Millisecond // before the second try, then four times as long
	maxPause   = 10 * time.Second       // what a server may ask us to wait
)

// refusal is an answer that is no result, with how long the server asks us to
// wait; again says that another try may help.
type refusal struct {
	error
	again bool
	pause time.Duration
}

func (r refusal) Unwrap() error { return r.error }

// ask sends a query, again where that may help, and reads the result, of no
// more than limit series. Its error names the URL and wraps a meaning.
func (s *Source) ask(ctx context.Context, endpoint string, form url.Values, limit int) (answer, error) {
	form.Set("timeout", strconv.FormatFloat(s.config.Timeout.Seconds(), 'f', 3, 64))
	pause := firstPause
	for try := 0; ; try++ {
		got, err := s.once(ctx, endpoint, form, limit)
		var r refusal
		if err == nil || !errors.As(err, &r) || !r.again || try == retries || r.pause > maxPause {
			return got, unwrapped(err)
		}
		wait := time.NewTimer(max(pause, r.pause))
		select {
		case <-ctx.Done():
			wait.Stop()
			return answer{}, fmt.Errorf("%w: %w", context.Cause(ctx), r.error)
		case <-wait.C:
		}
		pause *= 4
	}
}

func unwrapped(err error) error {
	var r refusal
	if errors.As(err, &r) {
		return r.error
	}
	return err
}

func (s *Source) once(ctx context.Context, endpoint string, form url.Values, limit int) (answer, error) {
	late := fmt.Errorf("no answer within %s", s.config.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, s.config.Timeout, late)
	defer cancel()
	resp, err := s.send(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body := &bounded{r: resp.Body, left: maxBody}
	if resp.StatusCode != http.StatusOK {
		return answer{}, s.refused(resp, body, form.Get("query"))
	}
	peek := bufio.NewReader(body)
	if !looksLikeJSON(peek) {
		return answer{}, s.unlike(ctx, resp, body)
	}
	got, err := decode(peek, limit)
	if cause := s.broken(ctx, body); cause != nil && err != nil {
		return answer{}, cause
	}
	switch {
	case errors.Is(err, errTooMany):
		return answer{}, invalid("%s: %s matches more than %d series; narrow the selector", s.url, form.Get("query"), limit)
	case err != nil:
		return answer{}, s.strange("an answer that is not Prometheus' (%v)", err)
	case got.status != "success":
		return answer{}, s.meaning(http.StatusOK, got.errorType, got.message, form.Get("query"))
	}
	return got, nil
}

// send makes one request.
func (s *Source) send(ctx context.Context, method, endpoint string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url.String()+"/api/v1/"+endpoint, body)
	if err != nil {
		return nil, invalid("%s: %v", s.url, err)
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if err := s.authorize(req); err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, s.unreachable(ctx, err)
	}
	return resp, nil
}

// unreachable gives an error of the transport its meaning.
func (s *Source) unreachable(ctx context.Context, err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err // without the address, which we name ourselves
	}
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%s: %w: %w", s.url, cause, release.ErrUnavailable)
	}
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &certificate):
		return invalid("%s: %v (caFile, serverName or insecure change what is accepted)", s.url, err)
	case errors.As(err, &record), strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return invalid("%s: the server does not speak TLS on this port", s.url)
	case errors.Is(err, release.ErrInvalid):
		return err
	}
	return refusal{error: fmt.Errorf("%s: %w: %w", s.url, err, release.ErrUnavailable), again: true}
}

// broken is the error of a body that could not be read to its end.
func (s *Source) broken(ctx context.Context, body *bounded) error {
	switch cause := context.Cause(ctx); {
	case body.left <= 0:
		return invalid("%s: answers with more than %d MiB; narrow the selector", s.url, maxBody>>20)
	case body.err == nil:
		return nil
	case cause != nil:
		return fmt.Errorf("%s: %w: %w", s.url, cause, release.ErrUnavailable)
	}
	return refusal{error: fmt.Errorf("%s: %w: %w", s.url, body.err, release.ErrUnavailable), again: true}
}

// bounded reads up to a number of bytes and remembers why it stopped.
type bounded struct {
	r    io.Reader
	left int64
	err  error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

func looksLikeJSON(r *bufio.Reader) bool {
	for {
		c, err := r.Peek(1)
		if err != nil {
			return false
		}
		if !bytes.ContainsAny(c, " \t\r\n") {
			return c[0] == '{'
		}
		if _, err := r.Discard(1); err != nil {
			return false
		}
	}
}

// unlike is the error of an answer that is something else altogether.
func (s *Source) unlike(ctx context.Context, resp *http.Response, body *bounded) error {
	if err := s.broken(ctx, body); err != nil {
		return err
	}
	what := resp.Header.Get("Content-Type")
	if what == "" {
		what = "something without a type"
	}
	return s.strange("%s", clip(what))
}

func (s *Source) strange(format string, args ...any) error {
	return invalid("%s answered %s, not Prometheus' API; is the url right?", s.url, fmt.Sprintf(format, args...))
}

// refused gives an answer other than 200 its meaning.
func (s *Source) refused(resp *http.Response, body io.Reader, query string) error {
	text, _ := io.ReadAll(io.LimitReader(body, 64<<10))
	var said struct{ Error, ErrorType string }
	if json.Unmarshal(text, &said) != nil {
		if strings.Contains(resp.Header.Get("Content-Type"), "html") {
			text = nil
		}
		said.Error = strings.TrimSpace(string(text))
	}
	if to := resp.Header.Get("Location"); resp.StatusCode/100 == 3 {
		if u, err := url.Parse(to); err == nil {
			u.User, u.RawQuery = nil, ""
			to = u.String()
		}
		return invalid("%s redirects to %s; give the address itself (a login page would need a credential)", s.url, clip(to))
	}
	err := s.meaning(resp.StatusCode, said.ErrorType, said.Error, query)
	var r refusal
	if errors.As(err, &r) {
		r.pause = retryAfter(resp.Header)
		return r
	}
	return err
}

// meaning turns what a server says into one of the meanings of release.
func (s *Source) meaning(status int, kind, message, query string) error {
	said := strconv.Itoa(status)
	if kind != "" {
		said += " (" + clip(kind) + ")"
	}
	if message != "" {
		said += ": " + clip(message)
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return invalid("%s refuses %s with %d", s.url, s.credential(), status)
	case status == http.StatusNotFound:
		return fmt.Errorf("%s/api/v1 is not there (%s); a path prefix may be missing in the url: %w", s.url, said, release.ErrNotFound)
	case status == http.StatusTooManyRequests, status >= 500, kind == "timeout", kind == "unavailable", kind == "internal":
		return refusal{error: fmt.Errorf("%s answered %s: %w", s.url, said, release.ErrUnavailable), again: kind != "timeout"}
	}
	return invalid("%s refuses %s: %s", s.url, query, said)
}

// retryAfter is how long the server asks us to wait: a number of seconds, or a
// date, which is held against the server's own clock.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	when, err := http.ParseTime(text)
	now, err2 := http.ParseTime(h.Get("Date"))
	if err != nil || err2 != nil {
		return 0
	}
	return max(0, when.Sub(now))
}

func clip(s string) string {
	if len(s) > maxMessage {
		return strings.ToValidUTF8(s[:maxMessage], "") + "…"
	}
	return s
}
