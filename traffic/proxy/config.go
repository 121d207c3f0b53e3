package proxy

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Upstream is where the requests of one arm go.
type Upstream struct {
	// Name is the arm's name, such as "baseline".
	Name string
	// URL is http://host:port, https://host:port, or h2c://host:port for
	// HTTP/2 without TLS, which gRPC servers speak. It may have a path, which
	// goes before the request's. User and password are not allowed.
	URL string
	// Version is what runs there; it labels the arm's metrics. A restart with
	// another version behind a name starts on the first arm again.
	Version string
}

// Config says how a Server behaves. Zero means the default, where there is one.
type Config struct {
	// Service is the one service that routes may name.
	Service string
	// Arms are what traffic can go to; the first is the baseline.
	Arms []Upstream

	// StickyHeader and StickyCookie name what tells users apart. The header
	// goes first; a request without it is told apart by the cookie, which the
	// proxy sets where it is missing. Where neither applies, each request is
	// drawn on its own.
	StickyHeader, StickyCookie string
	// TesterHeader, where set, lets a request name its arm.
	TesterHeader string

	// HealthPath, where set, is asked of every upstream each HealthEvery
	// (default 2s); no answer within HealthTimeout (default 2s) is a bad one.
	HealthPath                 string
	HealthEvery, HealthTimeout time.Duration

	// DialTimeout is how long a connection to an upstream may take (default
	// 5s), HeaderTimeout how long an upstream may take from the end of the
	// request to the head of its answer (default 60s; negative for no limit,
	// which streams that stay silent at first need). Bodies have no limit.
	DialTimeout, HeaderTimeout time.Duration
	// IdleTimeout is how long an unused connection to an upstream is kept
	// (default 30s), ClientIdle one to a client (default 2m).
	IdleTimeout, ClientIdle time.Duration
	// MaxHeaderBytes bounds a request's head (default 128 KiB) for Serve.
	MaxHeaderBytes int
	// TrustedProxies are the peers whose X-Forwarded headers are kept and
	// added to; those of all others are dropped. Nil means loopback, private
	// and link-local addresses; empty and not nil means nobody.
	TrustedProxies []netip.Prefix

	// StateFile, where set, keeps the route over restarts.
	StateFile string
	// Logger takes what the proxy has to say; nil means nobody listens.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now. Its readings should carry Go's
	// monotonic part, as those of time.Now do, so that a wall clock that jumps
	// neither ends nor prolongs a lease.
	Now func() time.Time
	// Draw gives evenly distributed numbers for requests that are drawn on
	// their own; requests that come at once call it at once. Nil means
	// math/rand/v2, which seeds itself.
	Draw func() uint64
}

// fill puts defaults in and reports everything that is wrong at once.
func (c *Config) fill() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("proxy: "+format, args...))
	}
	if c.Service == "" {
		wrong("service: must be named")
	}
	if len(c.Arms) == 0 {
		wrong("arms: at least one must be given, the baseline first")
	}
	seen := map[string]bool{}
	for i, arm := range c.Arms {
		if arm.Name == "" || seen[arm.Name] {
			wrong("arms[%d]: the name %q is empty or taken", i, arm.Name)
		}
		seen[arm.Name] = true
		if _, err := target(arm.URL); err != nil {
			wrong("arms[%d] (%s): %v", i, arm.Name, err)
		}
	}
	for name, value := range map[string]string{
		"sticky cookie": c.StickyCookie, "sticky header": c.StickyHeader, "tester header": c.TesterHeader,
	} {
		if value != "" && !isToken(value) {
			wrong("%s: %q has characters that a name cannot have", name, value)
		}
	}
	if c.HealthPath != "" && (c.HealthPath[0] != '/' || strings.ContainsAny(c.HealthPath, "?#")) {
		wrong("health path: %q must begin with a slash and have no query", c.HealthPath)
	}
	c.fillTimes(wrong)
	if len(errs) > 0 {
		return fmt.Errorf("%w: %w", release.ErrInvalid, errors.Join(errs...))
	}
	return nil
}

func (c *Config) fillTimes(wrong func(string, ...any)) {
	for _, f := range []struct {
		name  string
		value *time.Duration
		std   time.Duration
	}{
		{"health every", &c.HealthEvery, 2 * time.Second},
		{"health timeout", &c.HealthTimeout, 2 * time.Second},
		{"dial timeout", &c.DialTimeout, 5 * time.Second},
		{"idle timeout", &c.IdleTimeout, 30 * time.Second},
		{"client idle", &c.ClientIdle, 2 * time.Minute},
	} {
		if *f.value < 0 {
			wrong("%s: %v must not be negative", f.name, *f.value)
		}
		if *f.value == 0 {
			*f.value = f.std
		}
	}
	switch {
	case c.HeaderTimeout == 0:
		c.HeaderTimeout = time.Minute
	case c.HeaderTimeout < 0:
		c.HeaderTimeout = 0 // what http.Transport understands as no limit
	}
	if c.MaxHeaderBytes < 0 {
		wrong("max header bytes: %d must not be negative", c.MaxHeaderBytes)
	}
	if c.MaxHeaderBytes == 0 {
		c.MaxHeaderBytes = 128 << 10
	}
}

// target reads the URL of an upstream. The text is not repeated in errors, as
// it might hold a password.
func target(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("url: cannot be read; write it as http://host:port")
	case u.User != nil:
		return nil, errors.New("url: must not hold a user or password")
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "h2c":
		return nil, fmt.Errorf("url: scheme %q is none of http, https, h2c", u.Scheme)
	case u.Hostname() == "":
		return nil, errors.New("url: has no host; write it as http://host:port")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("url: must not have a query or fragment")
	}
	return u, nil
}

// isToken tells whether a text can be the name of a header or a cookie.
func isToken(text string) bool {
	return (&http.Cookie{Name: text, Value: "x"}).Valid() == nil
}
