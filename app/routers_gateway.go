package app

import (
	"cmp"
	"context"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/traffic/gatewayapi"
	"github.com/linnet-project/linnet/traffic/traefik"
)

func gatewayAPIRouter(_ context.Context, t spec.Traffic, f spec.File) (run.Router, error) {
	client, err := cluster(t.GatewayAPI.Cluster)
	if err != nil {
		return nil, err
	}
	cfg := gatewayConfig(t)
	cfg.Client, cfg.Service = client, f.Service
	return gatewayapi.New(cfg)
}

// gatewayConfig is what a file says of a route.
func gatewayConfig(t spec.Traffic) gatewayapi.Config {
	c := t.GatewayAPI
	cfg := gatewayapi.Config{
		Kind: gatewayapi.HTTPRoutes(), Name: c.HTTPRoute, Rules: c.Rules,
		Arms: []gatewayapi.Arm{{Name: release.Baseline, Backend: c.Baseline}, {Name: release.Candidate, Backend: c.Candidate}},
	}
	if c.GRPCRoute != "" {
		cfg.Kind, cfg.Name = gatewayapi.GRPCRoutes(), c.GRPCRoute
	}
	return cfg
}

func traefikRouter(_ context.Context, t spec.Traffic, f spec.File) (run.Router, error) {
	if c := t.Traefik.File; c != nil {
		return traefik.NewFile(traefik.FileConfig{
			Path: c.Path, Weighted: cmp.Or(c.Service, f.Service), Service: f.Service, API: t.Traefik.API,
			Arms: traefikArms(c.Baseline, c.Candidate),
		})
	}
	client, err := cluster(t.Traefik.Service.Cluster)
	if err != nil {
		return nil, err
	}
	cfg := traefikConfig(t)
	cfg.Client, cfg.Service = client, f.Service
	return traefik.NewService(cfg)
}

// traefikConfig is what a file says of a TraefikService.
func traefikConfig(t spec.Traffic) traefik.ServiceConfig {
	c := t.Traefik.Service
	return traefik.ServiceConfig{Name: c.Name, API: t.Traefik.API, Arms: traefikArms(c.Baseline, c.Candidate)}
}

func traefikArms(baseline, candidate string) []traefik.Arm {
	return []traefik.Arm{{Name: release.Baseline, Backend: baseline}, {Name: release.Candidate, Backend: candidate}}
}
