package app

import (
	"context"
	"fmt"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/traffic/proxy"
	"github.com/linnet-project/linnet/traffic/several"
)

// routers is the table of traffic providers: by the name that a release file
// calls each, what makes its router.
var routers = map[string]func(context.Context, spec.Traffic, spec.File) (run.Router, error){
	"proxy":        proxyRouter,
	"istio":        istioRouter,
	"gatewayAPI":   gatewayAPIRouter,
	"traefik":      traefikRouter,
	"ingressNginx": ingressNginxRouter,
	"kubernetes":   kubernetesRouter,
	"alb":          albRouter,
	"haproxy":      haproxyRouter,
	"nginx":        nginxRouter,
	"exec":         execRouter,
	"webhook":      webhookRouter,
}

// routerOf makes the router that a release file names, or one of several.
func (w *parts) routerOf(ctx context.Context, t spec.Traffic, f spec.File) (run.Router, error) {
	if len(t.Several) > 0 {
		return w.severalRouter(ctx, t, f)
	}
	build, ok := routers[t.Provider()]
	if !ok {
		return nil, fmt.Errorf("the release file names no traffic provider that this linnet has: %w", release.ErrInvalid)
	}
	router, err := build(ctx, t, f)
	if err != nil {
		return nil, err
	}
	if c, ok := router.(interface{ Close() }); ok {
		w.ends = append(w.ends, c.Close)
	}
	return router, nil
}

// severalRouter is one router of several, in the order of the file.
func (w *parts) severalRouter(ctx context.Context, t spec.Traffic, f spec.File) (run.Router, error) {
	cfg := several.Config{Service: f.Service, Arms: arms(f)}
	for _, part := range t.Several {
		router, err := w.routerOf(ctx, part, f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part.Name, err)
		}
		asks := part.Asks()
		cfg.Parts = append(cfg.Parts, several.Part{
			Name: part.Name, Router: router, Grain: part.Grain(), Testers: asks.Testers, Sticky: asks.Sticky, Mirror: asks.Mirror,
		})
	}
	return several.New(cfg)
}

// arms are the names of a release's arms, baseline first.
func arms(f spec.File) []string { return []string{f.Baseline.Name, f.Candidate.Name} }

// proxyRouter is a `linnet proxy` elsewhere.
func proxyRouter(_ context.Context, t spec.Traffic, _ spec.File) (run.Router, error) {
	c := t.Proxy
	if c.Admin == "" {
		return nil, fmt.Errorf("traffic.proxy has neither listen and upstreams (a splitter in this process) nor admin (one elsewhere): %w", release.ErrInvalid)
	}
	token, err := proxyToken(c.TokenFile)
	if err != nil {
		return nil, err
	}
	return proxy.NewClient(proxy.ClientConfig{URL: c.Admin, Token: token, Service: c.Service})
}
