package alb

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/linnet-project/linnet/release"
)

// place holds the action that splits the traffic.
type place interface {
	// arn is that of the rule or listener, which has the tags.
	arn() string
	// actions reads all its actions.
	actions(ctx context.Context) ([]types.Action, error)
	// modify replaces all its actions.
	modify(ctx context.Context, actions []types.Action) error
}

// found is where the split is: the place, and the ARN of each arm's target
// group in the order of the arms.
type found struct {
	place
	groups []string
}

// find looks up what the Config names otherwise than by ARN. It is kept until
// AWS says that something is not there: a rule stays the same though priorities
// and conditions change meanwhile.
func (r *Router) find(ctx context.Context) (found, error) {
	if at := r.at.Load(); at != nil {
		return *at, nil
	}
	at := found{}
	var err error
	if at.place, err = r.findPlace(ctx); err != nil {
		return found{}, err
	}
	if at.groups, err = r.findGroups(ctx); err != nil {
		return found{}, err
	}
	r.at.Store(&at)
	return at, nil
}

func (r *Router) findPlace(ctx context.Context) (place, error) {
	c := r.config
	switch {
	case c.Rule != "":
		return ruleAt{r, c.Rule}, nil
	case c.Priority == 0 && c.Host == "" && c.Path == "":
		return listenerAt{r, c.Listener}, nil
	}
	rules, err := r.rules(ctx)
	if err != nil {
		return nil, err
	}
	var fit []types.Rule
	for _, rule := range rules {
		if c.fits(rule) {
			fit = append(fit, rule)
		}
	}
	if len(fit) == 1 {
		return ruleAt{r, aws.ToString(fit[0].RuleArn)}, nil
	}
	if len(fit) == 0 {
		return nil, fmt.Errorf("%s: no rule has %s; there %s: %w", c.Listener, c.wanted(), listed(rules), release.ErrNotFound)
	}
	return nil, fmt.Errorf("%s: %d rules have %s, and one is meant; name it by its priority: %s: %w",
		c.Listener, len(fit), c.wanted(), listed(fit), release.ErrInvalid)
}

// fits says whether a rule is the one that the Config means.
func (c Config) fits(rule types.Rule) bool {
	if aws.ToBool(rule.IsDefault) {
		return false
	}
	if c.Priority != 0 {
		return aws.ToString(rule.Priority) == strconv.Itoa(c.Priority)
	}
	return (c.Host == "" || slices.ContainsFunc(values(rule, "host-header"), func(v string) bool { return strings.EqualFold(v, c.Host) })) &&
		(c.Path == "" || slices.Contains(values(rule, "path-pattern"), c.Path))
}

func (c Config) wanted() string {
	if c.Priority != 0 {
		return fmt.Sprintf("priority %d", c.Priority)
	}
	var out []string
	if c.Host != "" {
		out = append(out, fmt.Sprintf("host %q", c.Host))
	}
	if c.Path != "" {
		out = append(out, fmt.Sprintf("path %q", c.Path))
	}
	return strings.Join(out, " and ")
}

// values are those of a rule's conditions on one field, old form and new.
func values(rule types.Rule, field string) (out []string) {
	for _, c := range rule.Conditions {
		if aws.ToString(c.Field) != field {
			continue
		}
		out = append(out, c.Values...)
		if c.HostHeaderConfig != nil {
			out = append(out, c.HostHeaderConfig.Values...)
		}
		if c.PathPatternConfig != nil {
			out = append(out, c.PathPatternConfig.Values...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// mostListed is how many rules a message names.
const mostListed = 10

func listed(rules []types.Rule) string {
	var out []string
	for _, rule := range rules {
		if aws.ToBool(rule.IsDefault) {
			continue
		}
		if len(out) == mostListed {
			out = append(out, "more")
			break
		}
		text := "priority " + aws.ToString(rule.Priority)
		if hosts := values(rule, "host-header"); len(hosts) > 0 {
			text += fmt.Sprintf(" with host %.200q", hosts)
		}
		if paths := values(rule, "path-pattern"); len(paths) > 0 {
			text += fmt.Sprintf(" with path %.200q", paths)
		}
		out = append(out, text)
	}
	if len(out) == 0 {
		return "are none besides the default"
	}
	return "are " + strings.Join(out, ", ")
}

// AWS pages rules; a listener has 100 unless its account's quota was raised.
const (
	pageSize = 400
	maxPages = 10
)

func (r *Router) rules(ctx context.Context) (rules []types.Rule, err error) {
	in := &elb.DescribeRulesInput{ListenerArn: &r.config.Listener, PageSize: aws.Int32(pageSize)}
	for range maxPages {
		var out *elb.DescribeRulesOutput
		err := r.call(ctx, "DescribeRules", r.config.Listener, func(ctx context.Context, o options) (err error) {
			out, err = r.client.DescribeRules(ctx, in, o)
			return err
		})
		if err != nil {
			return nil, err
		}
		rules = append(rules, out.Rules...)
		if aws.ToString(out.NextMarker) == "" {
			return rules, nil
		}
		in.Marker = out.NextMarker
	}
	return nil, fmt.Errorf("%s: has more than %d pages of rules; name the rule by its ARN: %w", r.config.Listener, maxPages, release.ErrInvalid)
}

// findGroups gives the ARN of each arm's target group.
func (r *Router) findGroups(ctx context.Context) ([]string, error) {
	groups := make([]string, len(r.config.Arms))
	for i, arm := range r.config.Arms {
		group, err := r.findGroup(ctx, arm.Group)
		if err != nil {
			return nil, err
		}
		if j := slices.Index(groups[:i], group); j >= 0 {
			return nil, fmt.Errorf("arms %s and %s have the same target group, %s: %w", r.config.Arms[j].Name, arm.Name, group, release.ErrInvalid)
		}
		groups[i] = group
	}
	return groups, nil
}

// findGroup looks a target group up by its name, where that is what is given.
func (r *Router) findGroup(ctx context.Context, given string) (string, error) {
	if groupARN.MatchString(given) {
		return given, nil
	}
	var out *elb.DescribeTargetGroupsOutput
	err := r.call(ctx, "DescribeTargetGroups", "target group "+given, func(ctx context.Context, o options) (err error) {
		out, err = r.client.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{Names: []string{given}}, o)
		return err
	})
	if err != nil {
		return "", err
	}
	if len(out.TargetGroups) != 1 {
		return "", fmt.Errorf("target group %s: AWS gives %d of that name: %w", given, len(out.TargetGroups), release.ErrNotFound)
	}
	return aws.ToString(out.TargetGroups[0].TargetGroupArn), nil
}

// ruleAt is a rule.
type ruleAt struct {
	r  *Router
	id string
}

func (p ruleAt) arn() string { return p.id }

func (p ruleAt) actions(ctx context.Context) ([]types.Action, error) {
	var out *elb.DescribeRulesOutput
	err := p.r.call(ctx, "DescribeRules", p.id, func(ctx context.Context, o options) (err error) {
		out, err = p.r.client.DescribeRules(ctx, &elb.DescribeRulesInput{RuleArns: []string{p.id}}, o)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case len(out.Rules) != 1:
		return nil, fmt.Errorf("%s: AWS gives %d rules of that ARN: %w", p.id, len(out.Rules), release.ErrNotFound)
	case aws.ToBool(out.Rules[0].IsDefault):
		return nil, fmt.Errorf("%s: is the default rule, which cannot be changed as one; name the listener alone: %w", p.id, release.ErrInvalid)
	}
	return out.Rules[0].Actions, nil
}

func (p ruleAt) modify(ctx context.Context, actions []types.Action) error {
	return p.r.call(ctx, "ModifyRule", p.id, func(ctx context.Context, o options) error {
		_, err := p.r.client.ModifyRule(ctx, &elb.ModifyRuleInput{RuleArn: &p.id, Actions: actions}, o)
		return err
	})
}

// listenerAt is a listener's default action.
type listenerAt struct {
	r  *Router
	id string
}

func (p listenerAt) arn() string { return p.id }

func (p listenerAt) actions(ctx context.Context) ([]types.Action, error) {
	var out *elb.DescribeListenersOutput
	err := p.r.call(ctx, "DescribeListeners", p.id, func(ctx context.Context, o options) (err error) {
		out, err = p.r.client.DescribeListeners(ctx, &elb.DescribeListenersInput{ListenerArns: []string{p.id}}, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(out.Listeners) != 1 {
		return nil, fmt.Errorf("%s: AWS gives %d listeners of that ARN: %w", p.id, len(out.Listeners), release.ErrNotFound)
	}
	return out.Listeners[0].DefaultActions, nil
}

func (p listenerAt) modify(ctx context.Context, actions []types.Action) error {
	return p.r.call(ctx, "ModifyListener", p.id, func(ctx context.Context, o options) error {
		_, err := p.r.client.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: &p.id, DefaultActions: actions}, o)
		return err
	})
}
