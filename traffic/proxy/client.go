package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/linnet-project/linnet/release"
)

// ClientConfig says how to reach the admin API of a proxy.
type ClientConfig struct {
	// URL is where the admin API listens: http://host:port or https://…
	URL string
	// Token is the API's bearer token.
	Token string
	// Service, where set, is the service that the proxy must serve: reading
	// from one that serves another is release.ErrNotFound.
	Service string
	// Timeout bounds each call (default 10s); a context may be shorter.
	Timeout time.Duration
}

// Client sets and reads the route of a proxy that runs elsewhere. Its methods
// mean what those of Server mean; a proxy that cannot be reached is
// release.ErrUnavailable, after which the change may have happened or not.
type Client struct {
	cfg  ClientConfig
	base *url.URL
	http *http.Client
}

// NewClient makes a Client; it does not call the proxy yet.
func NewClient(cfg ClientConfig) (*Client, error) {
	base, err := target(cfg.URL)
	if err != nil || base.Scheme == "h2c" {
		return nil, fmt.Errorf("admin url: must be http://host:port or https://host:port, without user and password: %w", release.ErrInvalid)
	}
	if err := checkToken(cfg.Token); err != nil {
		return nil, fmt.Errorf("admin API at %s: %w", base, err)
	}
	if cfg.Timeout < 0 {
		return nil, fmt.Errorf("admin API at %s: timeout %v must not be negative: %w", base, cfg.Timeout, release.ErrInvalid)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	return &Client{cfg: cfg, base: base, http: &http.Client{
		Timeout: cfg.Timeout,
		Transport: &http.Transport{
			Proxy:           http.ProxyFromEnvironment,
			IdleConnTimeout: 30 * time.Second,
		},
		// The token must not follow to where somebody else points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Apply makes the proxy serve a route; see Server.Apply.
func (c *Client) Apply(ctx context.Context, route release.Route) error {
	if err := askable(route); err != nil {
		return err
	}
	return c.call(ctx, http.MethodPut, "/v1/route", toForm(route), nil)
}

// Observed reads what the proxy serves; see Server.Observed.
func (c *Client) Observed(ctx context.Context) (release.Seen, error) {
	var form seenForm
	if err := c.call(ctx, http.MethodGet, "/v1/route", nil, &form); err != nil {
		return release.Seen{}, err
	}
	seen := release.Seen{Route: form.Route.route(), Lapsed: form.Lapsed}
	if c.cfg.Service != "" && seen.Route.Service != c.cfg.Service {
		return release.Seen{}, fmt.Errorf("the proxy at %s serves %.100q, not %q: %w",
			c.base, seen.Route.Service, c.cfg.Service, release.ErrNotFound)
	}
	return seen, nil
}

// Renew lets a lease run on; see Server.Renew.
func (c *Client) Renew(ctx context.Context, owner string, epoch uint64, lease time.Duration) error {
	return c.call(ctx, http.MethodPost, "/v1/renew", renewForm{Owner: owner, Epoch: epoch, Lease: span(lease)}, nil)
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (c *Client) call(ctx context.Context, method, path string, body, into any) error {
	var payload io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("%s %s: %v: %w", method, path, err, release.ErrInvalid)
		}
		payload = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(path).String(), payload)
	if err != nil {
		return fmt.Errorf("%s %s: %v: %w", method, path, err, release.ErrInvalid)
	}
	r.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	r.Header.Set("Content-Type", "application/json")
	got, err := c.http.Do(r)
	if err != nil {
		// err names method and URL; the token is in neither. The context's own
		// error is kept, so that callers can tell that they gave up.
		return fmt.Errorf("proxy admin API: %w", errors.Join(release.ErrUnavailable, err))
	}
	defer got.Body.Close()
	return c.read(got, into)
}

// read takes an answer apart.
func (c *Client) read(got *http.Response, into any) error {
	text, err := io.ReadAll(io.LimitReader(got.Body, bodyLimit+1))
	where := fmt.Sprintf("proxy admin API: %s %s", got.Request.Method, got.Request.URL)
	switch {
	case err != nil:
		return fmt.Errorf("%s: answer broken off: %w", where, errors.Join(release.ErrUnavailable, err))
	case len(text) > bodyLimit:
		return fmt.Errorf("%s: answer larger than %d bytes: %w", where, bodyLimit, release.ErrUnavailable)
	case got.StatusCode != http.StatusOK:
		return remoteError(where, got.StatusCode, text)
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: answer is not what a proxy says; is the url that of its admin API: %w", where, release.ErrInvalid)
	}
	return nil
}

// remoteError gives an error from the other side the meaning it had there. An
// answer that is not in our form comes from something in between, or from
// another program.
func remoteError(where string, status int, text []byte) error {
	var form errorForm
	if json.Unmarshal(text, &form) == nil {
		for _, m := range meanings {
			if m.code == form.Code && m.status == status {
				return fmt.Errorf("%s: %w", where, said{text: form.Error, meaning: m.err})
			}
		}
	}
	meaning := release.ErrInvalid
	if status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
		meaning = release.ErrUnavailable
	}
	return fmt.Errorf("%s: status %d, which is not from a proxy's admin API: %w", where, status, meaning)
}

// said is an error in the other side's words, which name its meaning already.
type said struct {
	text    string
	meaning error
}

func (e said) Error() string { return e.text }
func (e said) Unwrap() error { return e.meaning }
