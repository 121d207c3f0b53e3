package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/proxy"
)

// proxyOptions are the flags of `linnet proxy`.
type proxyOptions struct {
	service, listen, admin, tokenFile, state  string
	arms                                      []string
	stickyCookie, stickyHeader, tester, probe string
}

func (p *process) proxy() *cobra.Command {
	var o proxyOptions
	cmd := &cobra.Command{
		Use:   "proxy --service NAME --arm baseline=URL --arm candidate=URL",
		Short: "Run the splitter alone; releases steer it through its admin API",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return p.serveProxy(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.service, "service", "", "the service whose traffic is split")
	f.StringArrayVar(&o.arms, "arm", nil, "an arm and its upstream, name=URL or name@version=URL; the first is the baseline")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address that takes the traffic")
	f.StringVar(&o.admin, "admin", "127.0.0.1:8441", "address of the admin API and /metrics")
	f.StringVar(&o.tokenFile, "token-file", "", "file with the admin API's token (or "+tokenVariable+")")
	f.StringVar(&o.state, "state", "", "file that keeps weights over restarts")
	f.StringVar(&o.stickyCookie, "sticky-cookie", "", "cookie that keeps a user in one arm")
	f.StringVar(&o.stickyHeader, "sticky-header", "", "header that keeps a user in one arm")
	f.StringVar(&o.tester, "tester-header", "", "header by which a tester chooses the arm")
	f.StringVar(&o.probe, "health", "", "path that is probed on every upstream")
	must(cmd.MarkFlagRequired("service"))
	must(cmd.MarkFlagRequired("arm"))
	return cmd
}

func (p *process) serveProxy(ctx context.Context, o proxyOptions) error {
	log, err := p.logger()
	if err != nil {
		return err
	}
	cfg := proxy.Config{
		Service: o.service, StickyCookie: o.stickyCookie, StickyHeader: o.stickyHeader, TesterHeader: o.tester,
		HealthPath: o.probe, StateFile: o.state, Logger: log, Now: time.Now,
	}
	for _, a := range o.arms {
		name, url, ok := strings.Cut(a, "=")
		if !ok {
			return fmt.Errorf("--arm %q: expected name=URL: %w", a, release.ErrInvalid)
		}
		name, version, _ := strings.Cut(name, "@")
		cfg.Arms = append(cfg.Arms, proxy.Upstream{Name: name, URL: url, Version: version})
	}
	token, err := proxyToken(o.tokenFile)
	if err != nil {
		return err
	}
	server, err := proxy.New(cfg)
	if err != nil {
		return err
	}
	admin, err := server.AdminHandler(token)
	if err != nil {
		return err
	}
	return p.listenProxy(ctx, server, admin, o)
}

// listenProxy serves both addresses until the context ends, then drains.
func (p *process) listenProxy(ctx context.Context, server *proxy.Server, admin http.Handler, o proxyOptions) error {
	traffic, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	control, err := new(net.ListenConfig).Listen(ctx, "tcp", o.admin)
	if err != nil {
		return errors.Join(fmt.Errorf("--admin: %w", err), traffic.Close())
	}
	api := &http.Server{Handler: admin, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 64 << 10}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return server.Serve(traffic) })
	group.Go(func() error { server.Run(ctx); return nil })
	group.Go(func() error {
		if err := api.Serve(control); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		return errors.Join(server.Shutdown(short), api.Close())
	})
	p.say("traffic on http://%s, admin API on http://%s", traffic.Addr(), control.Addr())
	return group.Wait()
}
