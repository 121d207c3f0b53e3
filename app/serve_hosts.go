package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// hosts are the splitters, metric stores and front doors that live in this
// process, one host a service. Traffic and data go through them, so they outlive
// the releases that brought them: they stay until the next release of their
// service brings others, and come back when the server is started again.
type hosts struct {
	data string
	log  *slog.Logger
	// allowed refuses a file that may not use what it names.
	allowed func(spec.File) error
	ctx     context.Context
	group   *errgroup.Group

	// changing is held by who brings or replaces a host, mu for a look at all.
	changing sync.Mutex
	mu       sync.Mutex
	all      map[string]*host
	// inner gives the splitters' own metrics to the stores beside them.
	inner net.Listener
}

// hosting tells whether a file has something live in this process.
func hosting(f spec.File) bool { return inside(f) || f.Analysis.Source.Embedded != nil }

// openHosts brings back what was served before. What cannot be, an address that
// is taken, say, is told and tried again. One of several machines serves nothing of
// the kind, and not what a server without --db left in its data folder either.
func (s *serving) openHosts(ctx context.Context) (func() error, error) {
	s.hosts = &hosts{data: s.data, log: s.log, ctx: ctx, group: s.group, all: map[string]*host{}}
	s.hosts.allowed = func(f spec.File) error { return s.refused(f.Name, f) }
	kept, err := filepath.Glob(filepath.Join(s.hosts.folder(), "*.yaml"))
	if err != nil {
		return nil, err
	}
	if s.db.Kind() == database.Postgres {
		if len(kept) > 0 {
			s.log.Info("splitters and stores of an earlier server without --db are not brought back", "folder", s.hosts.folder(), "services", len(kept))
		}
		return s.hosts.close, nil
	}
	var left []string
	for _, name := range kept {
		if err := s.hosts.restore(ctx, name); err != nil {
			s.log.Error("a service's splitter or store is not back yet", "file", name, "error", err)
			left = append(left, name)
		}
	}
	s.group.Go(func() error { s.hosts.insist(ctx, left); return nil })
	return s.hosts.close, nil
}

// hostAgain is how often it is tried to bring back what could not be.
const hostAgain = 5 * time.Second

// insist tries again to bring back what could not be.
func (h *hosts) insist(ctx context.Context, left []string) {
	tick := time.NewTicker(hostAgain)
	defer tick.Stop()
	for len(left) > 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var still []string
		for _, name := range left {
			if err := h.restore(ctx, name); err != nil {
				still = append(still, name)
			}
		}
		left = still
	}
}

func (h *hosts) known(service string) *host {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all[service]
}

func (h *hosts) folder() string { return filepath.Join(h.data, "hosts") }

// restore brings back the host of a file that was kept. A release may have
// brought a newer one meanwhile.
func (h *hosts) restore(ctx context.Context, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	f, err := spec.Parse(name, text)
	if err != nil {
		return err
	}
	if h.known(f.Service) != nil {
		return nil
	}
	if err := h.allowed(f); err != nil {
		return err
	}
	_, err = h.of(ctx, f)
	return err
}

// of gives the host that a file asks for: the one that is there, where it is the
// same, or a new one in its place.
func (h *hosts) of(ctx context.Context, f spec.File) (*tenancy, error) {
	h.changing.Lock()
	defer h.changing.Unlock()
	now := h.known(f.Service)
	if now == nil {
		now = &host{hosts: h, service: f.Service}
	}
	if !now.serves(f) {
		if err := h.free(f); err != nil {
			return nil, err
		}
		if err := now.change(ctx, f); err != nil {
			return nil, err
		}
		h.mu.Lock()
		h.all[f.Service] = now
		h.mu.Unlock()
		if err := h.keep(f); err != nil {
			h.log.Warn("a service's splitter or store will not be back after a restart", "service", f.Service, "error", err)
		}
	}
	return &tenancy{host: now, term: now.term.Load()}, nil
}

// free refuses an address that another service's splitter has.
func (h *hosts) free(f spec.File) error {
	for service, other := range h.all {
		if service != f.Service && inside(f) && inside(other.file) && other.file.Traffic.Proxy.Listen == f.Traffic.Proxy.Listen {
			return fmt.Errorf("traffic.proxy.listen: %s takes the traffic of %s; give %s an address of its own: %w",
				f.Traffic.Proxy.Listen, service, f.Service, release.ErrConflict)
		}
	}
	return nil
}

// keep writes down what to bring back after a restart.
func (h *hosts) keep(f spec.File) error {
	if err := os.MkdirAll(h.folder(), 0o700); err != nil {
		return err
	}
	name := filepath.Join(h.folder(), f.Service+".yaml")
	if err := os.WriteFile(name+".new", f.Text, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// metricsURL is where a store beside a splitter scrapes the splitter's metrics.
func (h *hosts) metricsURL(service string) (string, error) {
	if h.inner == nil {
		inner, err := new(net.ListenConfig).Listen(h.ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return "", fmt.Errorf("metrics of splitters: %w", err)
		}
		h.inner = inner
		server := &http.Server{Handler: http.HandlerFunc(h.metrics), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: requestHeaders}
		h.group.Go(func() error {
			if err := server.Serve(inner); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
		h.group.Go(func() error { <-h.ctx.Done(); return server.Close() })
	}
	return "http://" + h.inner.Addr().String() + "/" + service, nil
}

func (h *hosts) metrics(w http.ResponseWriter, r *http.Request) {
	now := h.known(strings.TrimPrefix(r.URL.Path, "/"))
	if now == nil || now.splitter.Load() == nil {
		http.NotFound(w, r)
		return
	}
	now.splitter.Load().MetricsHandler().ServeHTTP(w, r)
}

// close ends all hosts, draining what is in flight.
func (h *hosts) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all sync.WaitGroup
	errs := make(chan error, len(h.all))
	for _, one := range h.all {
		all.Go(func() { errs <- one.close() })
	}
	all.Wait()
	close(errs)
	var list []error
	for err := range errs {
		list = append(list, err)
	}
	return errors.Join(list...)
}

// same tells whether two files have the same live in this process.
func same(a, b spec.File) bool {
	return reflect.DeepEqual(a.Traffic.Proxy, b.Traffic.Proxy) && inside(a) == inside(b) &&
		reflect.DeepEqual(a.Baseline, b.Baseline) && reflect.DeepEqual(a.Candidate, b.Candidate) &&
		reflect.DeepEqual(a.Analysis.Source.Embedded, b.Analysis.Source.Embedded)
}
