package proxy

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server splits the traffic of one service. Make one with New, give its
// Handler to a listener (or call Serve), and let Run run beside it.
type Server struct {
	cfg    Config
	arms   []*upstream
	byName map[string]*upstream
	log    *slog.Logger

	// mu lets one change happen at a time; readers load standing.
	mu       sync.Mutex
	standing atomic.Pointer[standing]
	// changed wakes Run when the end of the lease has moved.
	changed chan struct{}

	metrics  *metrics
	inFlight atomic.Int64
	http     *http.Server
	// cut ends what is still open when a shutdown runs out of time.
	cut context.CancelFunc
}

// New makes a Server that goes on with what its state file says, and with all
// traffic on the first arm otherwise. A configuration that cannot work is
// release.ErrInvalid.
func New(cfg Config) (*Server, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Draw == nil {
		cfg.Draw = rand.Uint64
	}
	s := &Server{
		cfg:     cfg,
		byName:  map[string]*upstream{},
		log:     cfg.Logger.With("service", cfg.Service),
		changed: make(chan struct{}, 1),
	}
	s.metrics = newMetrics(s)
	buffers := newBuffers()
	for _, arm := range cfg.Arms {
		u, err := newUpstream(s, arm, buffers)
		if err != nil {
			return nil, err
		}
		s.arms = append(s.arms, u)
		s.byName[arm.Name] = u
	}
	s.standing.Store(s.load())
	s.http = s.newHTTP()
	return s, nil
}

// newHTTP speaks HTTP/1.1 and HTTP/2 without TLS. Only the head of a request
// has a time limit: bodies may stream for as long as they like.
func (s *Server) newHTTP() *http.Server {
	base, cut := context.WithCancel(context.Background())
	s.cut = cut
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           s.Handler(),
		Protocols:         protocols,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       s.cfg.ClientIdle,
		MaxHeaderBytes:    s.cfg.MaxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// Serve takes traffic from a listener until Shutdown, which makes it return
// nil.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Shutdown stops taking connections and waits for the requests in flight,
// WebSockets and streams included. What is still open when ctx ends is cut,
// and the error says that.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err == nil {
		err = s.drained(ctx)
	}
	s.cut()
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	for _, arm := range s.arms {
		arm.transport.CloseIdleConnections()
	}
	return err
}

// drained waits until nothing is in flight: http.Server does not know of
// connections that became WebSockets, nor of those of other listeners.
func (s *Server) drained(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for s.inFlight.Load() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// Run probes the upstreams and records the lapse of a lease when it happens,
// until ctx ends. Requests obey a lapse even where Run does not run.
func (s *Server) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	if s.cfg.HealthPath != "" {
		for _, arm := range s.arms {
			wg.Go(func() { arm.watch(ctx, s.cfg) })
		}
	}
	s.watchLease(ctx)
}

func (s *Server) watchLease(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if left, ok := s.standing.Load().remaining(s.cfg.Now()); ok {
			timer.Reset(left)
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
		case <-timer.C:
		}
		s.lapse()
	}
}

// Handler takes the traffic. It may serve any number of listeners.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.forward) }
