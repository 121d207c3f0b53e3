package proxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// badProbes is how many in a row make an upstream unhealthy. One good one
// makes it healthy again, and the very first probe counts alone.
const badProbes = 2

// health is what is known of an upstream.
type health struct {
	mu     sync.Mutex
	probed bool
	bad    int // bad probes in a row
	since  time.Time
	err    error
}

// probe asks the upstream for its health path.
func (u *upstream) probe(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, cfg.HealthTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.target.JoinPath(cfg.HealthPath).String(), nil)
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", "linnet-probe")
	answer, err := u.transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 400 {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	_, err = io.CopyN(io.Discard, answer.Body, 64<<10)
	if err == io.EOF {
		err = nil
	}
	return err
}

// note takes the outcome of a probe in.
func (u *upstream) note(err error) {
	h := &u.state
	h.mu.Lock()
	defer h.mu.Unlock()
	first := !h.probed
	h.probed, h.err = true, err
	if err == nil {
		h.bad = 0
	} else {
		h.bad++
	}
	healthy := u.healthy.Load()
	switch {
	case err == nil && !healthy:
		u.log.Info("upstream is healthy again", "url", u.URL)
	case err != nil && healthy && (first || h.bad >= badProbes):
		u.log.Warn("upstream is unhealthy", "url", u.URL, "problem", err)
	case first:
		h.since = u.now()
		return
	default:
		return
	}
	u.healthy.Store(!healthy)
	h.since = u.now()
}

// form is the upstream as the admin API shows it.
func (u *upstream) form() upstreamForm {
	h := &u.state
	h.mu.Lock()
	defer h.mu.Unlock()
	form := upstreamForm{
		Arm: u.Name, URL: u.URL, Version: u.Version,
		Healthy: u.healthy.Load(), Probed: h.probed, Since: h.since.Round(0),
	}
	if h.err != nil {
		form.Error = h.err.Error()
	}
	return form
}

// trusted tells whether the peer of a connection may say who asked.
func (s *Server) trusted(peer string) bool {
	at, err := netip.ParseAddrPort(peer)
	if err != nil {
		return false
	}
	addr := at.Addr().Unmap().WithZone("")
	if s.cfg.TrustedProxies == nil {
		return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
	}
	for _, prefix := range s.cfg.TrustedProxies {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}
