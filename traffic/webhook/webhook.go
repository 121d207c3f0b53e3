package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/contract"
)

type endpoint struct {
	cfg  Config
	url  *url.URL
	http *http.Client
}

// shown is the URL as errors tell it: a query may hold a key.
func (e *endpoint) shown() string { return e.url.Scheme + "://" + e.url.Host + e.url.EscapedPath() }

// call posts one request.
func (e *endpoint) call(ctx context.Context, _ string, request []byte) (contract.Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, e.cfg.Timeout, fmt.Errorf("no answer within %s", e.cfg.Timeout))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url.String(), bytes.NewReader(request))
	if err != nil {
		return contract.Answer{}, invalid("%v", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	hide := []string{e.url.RawQuery}
	for _, values := range e.url.Query() {
		hide = append(hide, values...) // as the other side reads them
	}
	for name, value := range e.cfg.Headers {
		r.Header.Set(name, value)
	}
	if e.cfg.BearerTokenFile != "" {
		token, err := e.token()
		if err != nil {
			return contract.Answer{}, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		hide = append(hide, token)
	}
	got, err := e.http.Do(r)
	if err != nil {
		return contract.Answer{}, unreachable(ctx, err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(io.LimitReader(got.Body, contract.MaxAnswer+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return contract.Answer{}, fmt.Errorf("answer broken off: %w: %w", context.Cause(ctx), release.ErrUnavailable)
	case err != nil:
		return contract.Answer{}, fmt.Errorf("answer broken off: %w: %w", err, release.ErrUnavailable)
	case len(text) > contract.MaxAnswer:
		return contract.Answer{}, invalid("answers with more than %d bytes", contract.MaxAnswer)
	}
	return contract.Answer{Text: text, Failed: e.failed(got), Hide: hide}, nil
}

// unreachable gives an error of the transport its meaning.
func unreachable(ctx context.Context, err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err // without the URL, whose query may hold a key
	}
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", context.Cause(ctx), release.ErrUnavailable)
	case errors.As(err, &certificate):
		return invalid("%v (caFile, serverName or insecureSkipVerify change what is accepted)", err)
	case errors.As(err, &record), strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return invalid("the server does not speak TLS on this port")
	case errors.Is(err, release.ErrInvalid): // a certificate of ours that cannot be read
		return err
	}
	return fmt.Errorf("%w: %w", err, release.ErrUnavailable)
}

// failed gives a status its meaning, nil where it is a success.
func (e *endpoint) failed(got *http.Response) error {
	meaning := release.ErrInvalid
	switch s := got.StatusCode; {
	case s >= 200 && s < 300:
		return nil
	case s >= 300 && s < 400:
		return invalid("status %d, a redirect, which is not followed: give the address itself", s)
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		return invalid("status %d: it refuses %s", s, e.credential())
	case s == http.StatusNotFound:
		meaning = release.ErrNotFound
	case s == http.StatusConflict || s == http.StatusPreconditionFailed:
		meaning = release.ErrConflict
	case s == http.StatusRequestTimeout || s == http.StatusTooManyRequests || s >= 500:
		meaning = release.ErrUnavailable
	}
	return fmt.Errorf("status %d: %w", got.StatusCode, meaning)
}

// credential names what requests are authorized with, never its value.
func (e *endpoint) credential() string {
	switch {
	case e.cfg.BearerTokenFile != "":
		return "the token of " + e.cfg.BearerTokenFile + ", or what it may do"
	case e.cfg.CertFile != "":
		return "the certificate of " + e.cfg.CertFile + ", or what it may do"
	}
	return "a request without credential (bearerTokenFile or a client certificate would be one)"
}
