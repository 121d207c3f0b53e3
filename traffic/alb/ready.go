package alb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/linnet-project/linnet/release"
)

// Ready is nil where at least one target of the arm's group is healthy, and nine
// in ten of those that are not being taken away. A target whose group checks no
// health, as that of a Lambda function, counts as healthy. Otherwise the error
// wraps release.ErrUnavailable and says what the targets are.
func (r *Router) Ready(ctx context.Context, arm string) error {
	i := slices.Index(r.names, arm)
	if i < 0 {
		return fmt.Errorf("alb: arm %.100q is not known: %w", arm, release.ErrUnavailable)
	}
	at, err := r.find(ctx)
	if err != nil {
		return untold(err)
	}
	group := at.groups[i]
	var out *elb.DescribeTargetHealthOutput
	err = r.call(ctx, "DescribeTargetHealth", group, func(ctx context.Context, o options) (err error) {
		out, err = r.client.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &group}, o)
		return err
	})
	if err != nil {
		r.forget(err)
		return untold(err)
	}
	if err := readiness(out.TargetHealthDescriptions); err != nil {
		return fmt.Errorf("alb: target group %s of %s: %w", nameOf(group), arm, err)
	}
	return nil
}

// untold is the error of not knowing, whatever it comes from.
func untold(err error) error {
	if errors.Is(err, release.ErrUnavailable) {
		return fmt.Errorf("alb: %w", err)
	}
	return fmt.Errorf("alb: health is not told: %v: %w", err, release.ErrUnavailable)
}

// readiness judges the targets of a group.
func readiness(targets []types.TargetHealthDescription) error {
	healthy, counted, first := 0, 0, ""
	for _, t := range targets {
		if t.TargetHealth == nil {
			continue
		}
		switch h := *t.TargetHealth; {
		case h.State == types.TargetHealthStateEnumDraining || h.State == types.TargetHealthStateEnumUnhealthyDraining:
			continue
		case h.State == types.TargetHealthStateEnumHealthy,
			h.State == types.TargetHealthStateEnumUnavailable && h.Reason == types.TargetHealthReasonEnumHealthCheckDisabled:
			healthy++
		case first == "":
			first = explain(t)
		}
		counted++
	}
	switch {
	case counted == 0:
		return fmt.Errorf("has no targets; register them, or let the deployment: %w", release.ErrUnavailable)
	case healthy == 0, 10*healthy < 9*counted:
		return fmt.Errorf("%d of %d targets are healthy, and nine in ten must be; %s: %w", healthy, counted, first, release.ErrUnavailable)
	}
	return nil
}

// explanations of states that do not speak for themselves.
var explanations = map[types.TargetHealthReasonEnum]string{
	types.TargetHealthReasonEnumNotInUse:               "no listener or rule forwards to the group, or the target's zone is not enabled for the balancer; add the group to the forward action with weight 0",
	types.TargetHealthReasonEnumRegistrationInProgress: "it is being registered",
	types.TargetHealthReasonEnumInitialHealthChecking:  "its first health checks are under way",
	types.TargetHealthReasonEnumInvalidState:           "it is stopped or terminated",
	types.TargetHealthReasonEnumIpUnusable:             "its address is a load balancer's",
	types.TargetHealthReasonEnumNotRegistered:          "it is not registered",
}

// explain says of a target why it is not healthy.
func explain(t types.TargetHealthDescription) string {
	id := "a target"
	if t.Target != nil {
		id = aws.ToString(t.Target.Id)
		if t.Target.Port != nil {
			id = fmt.Sprintf("%s:%d", id, *t.Target.Port)
		}
	}
	text := fmt.Sprintf("%.100s is %s", id, t.TargetHealth.State)
	if t.TargetHealth.Reason != "" {
		text += fmt.Sprintf(" (%s)", t.TargetHealth.Reason)
	}
	switch why, ok := explanations[t.TargetHealth.Reason]; {
	case ok:
		text += ": " + why
	case aws.ToString(t.TargetHealth.Description) != "":
		text += fmt.Sprintf(": %.200s", *t.TargetHealth.Description)
	}
	return text
}
