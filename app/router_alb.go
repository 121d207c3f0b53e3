package app

import (
	"context"

	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/traffic/alb"
)

// albRouter is a forward action of an Application Load Balancer.
func albRouter(ctx context.Context, t spec.Traffic, f spec.File) (run.Router, error) {
	c := t.ALB
	config := alb.Config{
		Service: f.Service, Listener: c.Listener, Rule: c.Rule, Priority: int(c.Priority), Host: c.Host, Path: c.Path,
		Region: c.Region, Profile: c.Profile, Role: c.Role, ExternalID: c.ExternalID, Endpoint: c.Endpoint,
	}
	for _, arm := range arms(f) {
		config.Arms = append(config.Arms, alb.Arm{Name: arm, Group: c.Groups[arm]})
	}
	return alb.New(ctx, config)
}
