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
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/linnet-project/linnet/metric/tsdb"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/traffic/proxy"
)

// This file, routers.go and sources.go are the table of adapters: the one place
// that names them.

// parts are what a release runs with, put together and running.
type parts struct {
	router run.Router
	source run.Source
	proxy  *proxy.Server // where it lives in this process
	store  *tsdb.Store   // where it does
	door   *frontDoor    // where it takes what is sent
	// traffic and status are the addresses of this process's listeners.
	traffic, status string
	listener        net.Listener

	group   *errgroup.Group
	stop    context.CancelFunc
	closers []func() error
	// ends let go of what routers and sources hold.
	ends []func()
	// open opens a source; nil for one that nobody shares.
	open func(context.Context, spec.Source) (run.Source, error)
}

// splitterMetrics is the path of the metrics of a splitter in this process.
const splitterMetrics = "/metrics/proxy"

// drainTime is how long requests in flight may take when the process ends.
const drainTime = 10 * time.Second

// assemble puts a release's parts together and starts what runs beside it.
func (p *process) assemble(ctx context.Context, f spec.File, log *slog.Logger) (_ *parts, err error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	group, ctx := errgroup.WithContext(ctx)
	w := &parts{group: group, stop: cancel}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if f.Traffic.Proxy != nil && f.Traffic.Proxy.Listen != "" {
		err = w.embedProxy(ctx, p, f, log)
	} else {
		w.router, err = w.routerOf(ctx, f.Traffic, f)
	}
	if err != nil {
		return nil, err
	}
	if w.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	w.status = "http://" + w.listener.Addr().String()
	if p.book != nil {
		w.open = p.book.opening(f, openSource)
	}
	return w, w.measure(ctx, f, func() (run.Source, error) {
		source, err := w.embedStore(ctx, p, f, log)
		if err == nil && p.book != nil {
			source = w.watched(p.book, f, source)
		}
		return source, err
	})
}

// tokenVariable holds the admin API's token where no file does.
const tokenVariable = "LINNET_TOKEN"

func proxyToken(file string) (string, error) {
	if file != "" {
		return proxy.ReadToken(file)
	}
	if t := os.Getenv(tokenVariable); t != "" {
		return t, nil
	}
	return "", fmt.Errorf("the proxy's admin API needs a token: name its file (tokenFile, --token-file) or set %s: %w",
		tokenVariable, release.ErrInvalid)
}

// embedProxy runs the splitter inside this process.
func (w *parts) embedProxy(ctx context.Context, p *process, f spec.File, log *slog.Logger) error {
	if err := os.MkdirAll(p.data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	cfg := proxyConfig(f, log)
	cfg.StateFile = filepath.Join(p.data, "proxy-"+f.Service+".json")
	server, err := proxy.New(cfg)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", f.Traffic.Proxy.Listen)
	if err != nil {
		return fmt.Errorf("traffic.proxy.listen: %w", err)
	}
	w.proxy, w.router, w.traffic = server, server, listener.Addr().String()
	w.group.Go(func() error { return server.Serve(listener) })
	w.group.Go(func() error { server.Run(ctx); return nil })
	w.group.Go(func() error {
		<-ctx.Done()
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		return server.Shutdown(short)
	})
	return nil
}

func proxyConfig(f spec.File, log *slog.Logger) proxy.Config {
	c := f.Traffic.Proxy
	cfg := proxy.Config{
		Service: c.Service, StickyCookie: c.StickyCookie, StickyHeader: c.StickyHeader,
		TesterHeader: c.TesterHeader, HealthPath: c.HealthPath, Logger: log, Now: time.Now,
	}
	for _, arm := range []release.Arm{f.Baseline, f.Candidate} {
		cfg.Arms = append(cfg.Arms, proxy.Upstream{Name: arm.Name, URL: c.Upstreams[arm.Name], Version: arm.Version})
	}
	return cfg
}

// serveStatus gives out this process's metrics, the splitter's, and the
// embedded store's query API.
func (w *parts) serveStatus(own http.Handler) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", own)
	if w.proxy != nil {
		mux.Handle("GET "+splitterMetrics, w.proxy.MetricsHandler())
	}
	if w.store != nil {
		mux.Handle("/api/v1/", w.store.Handler())
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 64 << 10}
	w.group.Go(func() error {
		if err := server.Serve(w.listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	w.closers = append(w.closers, server.Close)
}

// close ends everything that assemble started, draining what is in flight.
func (w *parts) close() error {
	w.stop()
	errs := []error{}
	for _, c := range w.closers {
		errs = append(errs, c())
	}
	errs = append(errs, w.group.Wait())
	w.letGo()
	if len(w.closers) == 0 && w.listener != nil {
		errs = append(errs, w.listener.Close())
	}
	if w.door != nil {
		errs = append(errs, w.door.close(drainTime))
	}
	if w.store != nil {
		errs = append(errs, w.store.Close())
	}
	return errors.Join(errs...)
}

// letGo ends what routers and sources hold.
func (w *parts) letGo() {
	for _, end := range w.ends {
		end()
	}
}
