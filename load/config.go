package load

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Config says what is sent, how often, and within which bounds.
type Config struct {
	// URL is asked with GET; http or https.
	URL string
	// Header is sent with every request; may be nil.
	Header http.Header

	// Rate is the mean number of requests per second, above 0 and at most
	// 1,000,000.
	Rate float64
	// Random draws the gaps between requests from an exponential distribution,
	// as independent users would make them. Without it they are all equal.
	// Only Run's own goroutine uses it while Run runs.
	Random *rand.Rand
	// Requests ends the run after so many; 0 means that only the context ends
	// it.
	Requests uint64

	// MaxInFlight bounds the requests waiting for an answer (default 256).
	// What is due while so many wait is dropped, and counted so.
	MaxInFlight int
	// Timeout is how long one request may take (default 10 s).
	Timeout time.Duration
	// Drain is how long Run waits, at its end, for requests in flight before
	// it cuts them (default 5 s).
	Drain time.Duration

	// Keys gives the i-th request (from 0) the key of its user, sent in the
	// header KeyHeader; both are set or neither. Only Run's own goroutine
	// calls it.
	Keys      func(i uint64) string
	KeyHeader string
	// ArmHeader is the header of an answer that names the arm it came from;
	// "" where there is none.
	ArmHeader string

	// Transport carries the requests and must give up when a request's context
	// ends; nil means a connection pool of Run's own.
	Transport http.RoundTripper
}

const maxRate = 1e6

// check tells what is wrong with a configuration, wrapping release.ErrInvalid.
func (c Config) check() error {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return fmt.Errorf("load: the URL must be http:// or https:// with a host: %w", release.ErrInvalid)
	case math.IsNaN(c.Rate) || c.Rate <= 0 || c.Rate > maxRate:
		return fmt.Errorf("load: rate %v: must be above 0 and at most %v requests/s: %w", c.Rate, maxRate, release.ErrInvalid)
	case c.MaxInFlight < 0 || c.Timeout < 0 || c.Drain < 0:
		return fmt.Errorf("load: bounds must not be negative: %w", release.ErrInvalid)
	case (c.Keys == nil) != (c.KeyHeader == ""):
		return fmt.Errorf("load: Keys and KeyHeader belong together: %w", release.ErrInvalid)
	}
	return nil
}

// withDefaults fills in what was left open.
func (c Config) withDefaults() Config {
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 256
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Drain == 0 {
		c.Drain = 5 * time.Second
	}
	return c
}
