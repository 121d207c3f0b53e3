package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/secret"
)

// MaxBody is how large an answer may be where a Question has no Most, in bytes.
const MaxBody = 64 << 20

const (
	maxMessage = 500
	maxRest    = 64 << 10
	retries    = 2
	firstPause = 200 * time.Millisecond // before the second try, then four times as long
	maxPause   = 10 * time.Second       // what a server may ask us to wait
	jsonType   = "application/json"
)

// Question is one request.
type Question struct {
	// Method is GET where it is empty.
	Method string
	// Path is added to the path of the URL, and begins with a slash; it is escaped
	// where it must be. "" adds nothing.
	Path   string
	Params url.Values
	Body   []byte
	// Headers go along; those of Config go before them.
	Headers map[string]string
	// Accept is the type of answer that is wanted; "" is JSON, and then anything
	// else is an error.
	Accept string
	// About is what is asked, for errors.
	About string
	// Most is how large the answer may be, in bytes; 0 means MaxBody.
	Most int64
	// Once says that one try must do.
	Once bool

	// Read reads the answer. It may return a Trouble; an error that wraps a
	// meaning of release is passed on, and any other says that this is not the
	// API.
	Read func(io.Reader) error
	// Explain takes the body of a refusal apart; nil shows it as it is.
	Explain func(body []byte) Trouble
}

// Trouble is what a server says went wrong.
type Trouble struct {
	Kind, Message string
	// Down says that it may go right later, whatever the status is, and Vain that
	// another try at once is of no use.
	Down, Vain bool
}

// Error implements error.
func (t Trouble) Error() string {
	switch {
	case t.Kind != "" && t.Message != "":
		return "(" + Clip(t.Kind) + "): " + Clip(t.Message)
	case t.Kind != "":
		return "(" + Clip(t.Kind) + ")"
	}
	return Clip(t.Message)
}

// refusal is an answer that is no result, with how long the server asks us to
// wait; again says that another try may help.
type refusal struct {
	error
	again bool
	pause time.Duration
}

func (r refusal) Unwrap() error { return r.error }

// Ask sends a question, again where that may help. Its error names the URL and
// wraps a meaning of release. Read is called at most once for each try.
func (w *Client) Ask(ctx context.Context, q Question) (Clock, error) {
	pause := firstPause
	for try := 0; ; try++ {
		clock, err := w.once(ctx, q)
		var r refusal
		if err == nil || !errors.As(err, &r) || !r.again || q.Once || try == retries || r.pause > maxPause {
			return clock, unwrapped(err)
		}
		wait := time.NewTimer(max(pause, r.pause))
		select {
		case <-ctx.Done():
			wait.Stop()
			return Clock{}, fmt.Errorf("%w: %w", context.Cause(ctx), r.error)
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

func (w *Client) once(ctx context.Context, q Question) (Clock, error) {
	late := fmt.Errorf("no answer within %s", w.config.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, w.config.Timeout, late)
	defer cancel()
	req, secrets, err := w.request(ctx, q)
	if err != nil {
		return Clock{}, err
	}
	sent := w.now()
	resp, err := w.client.Do(req)
	if err != nil {
		return Clock{}, w.unreachable(ctx, err)
	}
	defer finish(resp)
	clock := clockOf(resp.Header, sent, w.now())
	body := &bounded{r: resp.Body, left: MaxBody}
	if q.Most > 0 {
		body.left = q.Most
	}
	body.most = body.left
	if resp.StatusCode/100 != 2 {
		return clock, w.refused(ctx, resp, body, q, secrets)
	}
	peek := bufio.NewReader(body)
	if q.Accept == "" && !looksLikeJSON(peek) {
		return clock, w.unlike(ctx, resp, body, secrets)
	}
	err = q.Read(peek)
	if err == nil {
		return clock, nil
	}
	if cause := w.broken(ctx, body); cause != nil {
		return clock, cause
	}
	var t Trouble
	switch {
	case errors.As(err, &t):
		return clock, w.meaning(resp.StatusCode, t, q, secrets)
	case errors.Is(err, release.ErrInvalid), errors.Is(err, release.ErrUnavailable), errors.Is(err, release.ErrNotFound):
		return clock, fmt.Errorf("%s: %w", w.url, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("%s: its answer ends in the middle: %w", w.url, release.ErrUnavailable)
		return clock, refusal{error: err, again: true}
	}
	return clock, w.strange("what it cannot mean (%s)", Clip(secret.Told(err.Error(), secrets)))
}

// finish reads the little that is left of an answer which broke off our reading,
// so that its connection can be used again.
func finish(resp *http.Response) {
	if n := resp.ContentLength; n >= 0 && n <= maxRest {
		_, _ = io.Copy(io.Discard, resp.Body)
	}
	_ = resp.Body.Close()
}

func (w *Client) request(ctx context.Context, q Question) (*http.Request, []string, error) {
	method := q.Method
	if method == "" {
		method = http.MethodGet
	}
	address := w.url.String() + q.Path
	if len(q.Params) > 0 {
		address += "?" + q.Params.Encode()
	}
	var body io.Reader
	if q.Body != nil {
		body = bytes.NewReader(q.Body)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, nil, invalid("%s: %s is no path of a url, or %s no method", w.url, Clip(q.Path), Clip(method))
	}
	for name, value := range q.Headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("Accept", q.Accept)
	if q.Accept == "" {
		req.Header.Set("Accept", jsonType)
	}
	secrets, err := w.authorize(ctx, req)
	w.sent.Store(secrets)
	return req, secrets, err
}

// bounded reads up to a number of bytes and remembers why it stopped.
type bounded struct {
	r          io.Reader
	left, most int64
	err        error
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
			return c[0] == '{' || c[0] == '['
		}
		if _, err := r.Discard(1); err != nil {
			return false
		}
	}
}

// retryAfter is how long the server asks us to wait: a number of seconds, or a
// date, which is held against the server's own clock. It looks into the header
// reset where there is no Retry-After.
func retryAfter(h http.Header, reset string) time.Duration {
	text := h.Get("Retry-After")
	if text == "" && reset != "" {
		text = h.Get(reset)
	}
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
