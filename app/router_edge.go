package app

import (
	"context"

	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/traffic/haproxy"
	"github.com/linnet-project/linnet/traffic/nginx"
)

// haproxyRouter is a running HAProxy.
func haproxyRouter(_ context.Context, t spec.Traffic, f spec.File) (run.Router, error) {
	c := t.HAProxy
	cfg := haproxy.Config{Socket: c.Socket, Service: f.Service, Backend: c.Backend, Map: c.Map, MapFile: c.MapFile}
	for _, arm := range arms(f) {
		cfg.Arms = append(cfg.Arms, haproxy.Arm{Name: arm, Servers: c.Servers[arm], Backend: c.Backends[arm]})
	}
	return haproxy.New(cfg)
}

// nginxRouter is a file that an nginx includes.
func nginxRouter(_ context.Context, t spec.Traffic, f spec.File) (run.Router, error) {
	c := t.Nginx
	cfg := nginx.Config{
		File: c.File, Status: c.Status, Service: f.Service, Variable: c.Variable, Test: c.Test, Reload: c.Reload,
	}
	for _, arm := range arms(f) {
		cfg.Arms = append(cfg.Arms, nginx.Arm{Name: arm, Upstream: c.Upstreams[arm]})
	}
	return nginx.New(cfg)
}
