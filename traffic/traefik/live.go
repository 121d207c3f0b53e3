package traefik

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

// live asks Traefik's own API what it serves. Its zero value asks nobody.
type live struct {
	base   string
	client *http.Client
}

const (
	// apiTimeout bounds one call of Traefik's API, and mostAPI its answer.
	apiTimeout = 3 * time.Second
	mostAPI    = 1 << 20
	// between is the time between two looks.
	between = 50 * time.Millisecond
)

func newLive(base string) (live, error) {
	if base == "" {
		return live{}, nil
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return live{}, fmt.Errorf("the URL of Traefik's API must be like http://127.0.0.1:8080, without user or query: %w", release.ErrInvalid)
	}
	dialer := &net.Dialer{Timeout: apiTimeout}
	return live{
		base: strings.TrimSuffix(base, "/"),
		client: &http.Client{Timeout: apiTimeout, Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: apiTimeout, MaxIdleConns: 2, IdleConnTimeout: time.Minute,
		}},
	}, nil
}

func (l live) asked() bool { return l.client != nil }

func (l live) close() {
	if l.asked() {
		l.client.CloseIdleConnections()
	}
}

// served is what Traefik tells of a service.
type served struct {
	Status   string   `json:"status"`
	Error    []string `json:"error"`
	Weighted struct {
		Services []weighted `json:"services"`
		Sticky   struct {
			Cookie struct {
				Name string `json:"name"`
			} `json:"cookie"`
		} `json:"sticky"`
	} `json:"weighted"`
	Mirroring struct {
		Mirrors []struct {
			Percent int64 `json:"percent"`
		} `json:"mirrors"`
	} `json:"mirroring"`
}

// String is what of it we set.
func (s served) String() string {
	var parts []string
	for _, w := range s.Weighted.Services {
		parts = append(parts, fmt.Sprintf("%d for %s", w.weight(), w.Name))
	}
	if name := s.Weighted.Sticky.Cookie.Name; name != "" {
		parts = append(parts, "the cookie "+name)
	}
	for _, p := range s.percents() {
		parts = append(parts, fmt.Sprintf("a mirror of %d%%", p))
	}
	return strings.Join(parts, ", ")
}

// weights are those of the services at some places; Traefik keeps their order.
// It is false where there are not so many.
func (s served) weights(places []int) (out []int64, ok bool) {
	for _, place := range places {
		if place >= len(s.Weighted.Services) {
			return nil, false
		}
		out = append(out, s.Weighted.Services[place].weight())
	}
	return out, true
}

func (s served) percents() (out []int64) {
	for _, m := range s.Mirroring.Mirrors {
		out = append(out, m.Percent)
	}
	return out
}

// weighted is a service within a weighted one.
type weighted struct {
	Name   string `json:"name" yaml:"name"`
	Weight *int64 `json:"weight" yaml:"weight"`
}

// weight is 1 where nothing is said.
func (w weighted) weight() int64 {
	if w.Weight == nil {
		return 1
	}
	return *w.Weight
}

// get asks for a service, "name@provider".
func (l live) get(ctx context.Context, name string) (served, error) {
	at := l.base + "/api/http/services/" + url.PathEscape(name)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return served{}, fmt.Errorf("traefik: %s: %w", at, release.ErrInvalid)
	}
	resp, err := l.client.Do(r)
	if err != nil {
		return served{}, unavailable(at, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAPI))
	switch code := resp.StatusCode; {
	case err != nil:
		return served{}, unavailable(at, err)
	case code == http.StatusNotFound:
		return served{}, fmt.Errorf("traefik: %s: it knows no service %s: %w", at, name, release.ErrNotFound)
	case code == http.StatusTooManyRequests || code >= 500:
		return served{}, fmt.Errorf("traefik: %s: %s: %w", at, resp.Status, release.ErrUnavailable)
	case code != http.StatusOK:
		return served{}, fmt.Errorf("traefik: %s: %s; is this its API, and may Linnet read it? %w", at, resp.Status, release.ErrInvalid)
	}
	var s served
	if err := json.Unmarshal(body, &s); err != nil {
		return served{}, fmt.Errorf("traefik: %s: the answer is not that of its API: %w", at, release.ErrInvalid)
	}
	if s.Status != "" && s.Status != "enabled" {
		return served{}, fmt.Errorf("traefik: the service %s is %s: %.300s: %w", name, s.Status, strings.Join(s.Error, "; "), release.ErrUnavailable)
	}
	return s, nil
}

func unavailable(at string, err error) error {
	for _, own := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, own) {
			return fmt.Errorf("traefik: %s: %w: %w", at, own, release.ErrUnavailable)
		}
	}
	return fmt.Errorf("traefik: %s: %v: %w", at, err, release.ErrUnavailable)
}

// expected is what Traefik has to serve as one service.
type expected struct {
	service string
	holds   func(served) bool
}

// weightsOf expects weights at places, and a cookie or none.
func weightsOf(service string, places []int, weights []int64, cookie string) expected {
	return expected{service, func(s served) bool {
		have, ok := s.weights(places)
		return ok && slices.Equal(have, weights) && s.Weighted.Sticky.Cookie.Name == cookie
	}}
}

// confirmed waits until Traefik serves all that is expected, or still says that
// this is not wanted any more. The change is made already, so all else that is
// wrong is release.ErrUnavailable.
func (l live) confirmed(ctx context.Context, patience time.Duration, still func(context.Context) error, all ...expected) error {
	if !l.asked() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(between)
	defer tick.Stop()
	var last error
	for {
		err := l.serves(ctx, all)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil { // a call that was cut short tells nothing
			last = err
		}
		if err := still(ctx); errors.Is(err, release.ErrConflict) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(last, release.ErrUnavailable) {
				return last
			}
			return fmt.Errorf("%v: %w", last, release.ErrUnavailable)
		}
	}
}

// serves is nil where Traefik serves all that is expected.
func (l live) serves(ctx context.Context, all []expected) error {
	for _, e := range all {
		s, err := l.get(ctx, e.service)
		if err != nil {
			return err
		}
		if !e.holds(s) {
			return fmt.Errorf("traefik: the change is made, and for %s it still serves %s; its log may say why: %w", e.service, s, release.ErrUnavailable)
		}
	}
	return nil
}

// settled waits until Traefik serves the weights that are set, as set tells them
// anew each time, and returns what it serves when the patience is over: what is
// set, or not.
func (l live) settled(ctx context.Context, name string, places []int, set func(context.Context) ([]int64, error), patience time.Duration) ([]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(between)
	defer tick.Stop()
	var last []int64
	var failure error
	for {
		want, err := set(ctx)
		if err != nil {
			return nil, err
		}
		s, err := l.get(ctx, name)
		have, ok := s.weights(places)
		if err == nil && !ok {
			err = fmt.Errorf("traefik: the service %s has %d weighted services, fewer than it should: %w", name, len(s.Weighted.Services), release.ErrUnavailable)
		}
		if err == nil && slices.Equal(have, want) || errors.Is(err, release.ErrInvalid) {
			return have, err
		}
		if ctx.Err() == nil || last == nil && failure == nil { // a call that was cut short tells nothing
			last, failure = have, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return last, failure
		}
	}
}
