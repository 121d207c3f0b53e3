package app

import (
	"context"
	"fmt"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/traffic/proxy"
)

// routers is the table of traffic providers: by the name that a release file
// calls each, what makes its router.
var routers = map[string]func(context.Context, spec.Traffic, spec.File) (run.Router, error){
	"proxy":        proxyRouter,
	"istio":        istioRouter,
	"ingressNginx": ingressNginxRouter,
	"kubernetes":   kubernetesRouter,
	"alb":          albRouter,
}

// routerOf makes the router that a release file names, or one of several.
func (w *parts) routerOf(ctx context.Context, t spec.Traffic, f spec.File) (run.Router, error) {
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
