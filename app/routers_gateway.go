package app

import (
	"cmp"
	"context"

	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/traffic/gatewayapi"
	"github.com/linnet-project/linnet/traffic/traefik"
)

func gatewayAPIRouter(_ context.Context, t spec.Traffic, f spec.File) (run.Router, error) {
	c := t.GatewayAPI
	client, err := cluster(c.Cluster)
	if err != nil {
		return nil, err
	}
	cfg := gatewayapi.Config{
		Client: client, Kind: gatewayapi.HTTPRoutes(), Name: c.HTTPRoute, Rules: c.Rules, Service: f.Service,
		Arms: []gatewayapi.Arm{{Name: f.Baseline.Name, Backend: c.Baseline}, {Name: f.Candidate.Name, Backend: c.Candidate}},
	}
	if c.GRPCRoute != "" {
		cfg.Kind, cfg.Name = gatewayapi.GRPCRoutes(), c.GRPCRoute
	}
	return gatewayapi.New(cfg)
}

func traefikRouter(_ context.Context, t spec.Traffic, f spec.File) (run.Router, error) {
	arms := func(baseline, candidate string) []traefik.Arm {
		return []traefik.Arm{{Name: f.Baseline.Name, Backend: baseline}, {Name: f.Candidate.Name, Backend: candidate}}
	}
	if c := t.Traefik.File; c != nil {
		return traefik.NewFile(traefik.FileConfig{
			Path: c.Path, Weighted: cmp.Or(c.Service, f.Service), Service: f.Service, API: t.Traefik.API, Arms: arms(c.Baseline, c.Candidate),
		})
	}
	c := t.Traefik.Service
	client, err := cluster(c.Cluster)
	if err != nil {
		return nil, err
	}
	return traefik.NewService(traefik.ServiceConfig{
		Client: client, Name: c.Name, Service: f.Service, API: t.Traefik.API, Arms: arms(c.Baseline, c.Candidate),
	})
}
