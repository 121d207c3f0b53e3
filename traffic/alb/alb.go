package alb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/linnet-project/linnet/awscall"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// Router splits the traffic of one service by one forward action. Its methods
// may be called at the same time; Apply and Observed follow each other.
type Router struct {
	config Config
	names  []string // of the arms, in the order of config.Arms
	client *elb.Client
	api    *awscall.API

	turn chan struct{} // holds a token while weights are written or read
	at   atomic.Pointer[found]
}

// New makes a router. It reads the AWS configuration, and asks nothing of AWS
// yet. An error wraps release.ErrInvalid and names each field that is wrong.
func New(ctx context.Context, c Config) (*Router, error) {
	region, err := c.check()
	if err != nil {
		return nil, err
	}
	r := &Router{config: c, turn: make(chan struct{}, 1)}
	r.config.Arms = slices.Clone(c.Arms)
	for _, a := range c.Arms {
		r.names = append(r.names, a.Name)
	}
	r.client, r.api, err = clientOf(ctx, c, region)
	return r, err
}

// Abilities are what the router can do beside weights.
func (r *Router) Abilities() []release.Ability {
	return []release.Ability{release.CookieSticky, release.ManyArms, release.Readiness}
}

// begin waits for the router's turn; end must be called after it.
func (r *Router) begin(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the call before has not ended: %w: %w", context.Cause(ctx), release.ErrUnavailable)
	}
}

// end gives the turn to the next.
func (r *Router) end(err error) {
	r.forget(err)
	<-r.turn
}

// forget has what is not there any more looked up again.
func (r *Router) forget(err error) {
	if errors.Is(err, release.ErrNotFound) {
		r.at.Store(nil)
	}
}

// Apply sets the weights, and returns once they are to be read back. An error
// wraps release.ErrNotFound for another service and for a rule, listener or
// target group that is not there; ErrConflict where a newer route is served;
// ErrInvalid where the route, the action, the permissions or the credentials
// will not do; and ErrUnavailable otherwise, when the weights may be set or not.
func (r *Router) Apply(ctx context.Context, route release.Route) (err error) {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer func() { r.end(err) }()
	rules := split.Rules{Service: r.config.Service, Arms: r.names, Grain: Grain, Abilities: r.Abilities()}
	weights, err := rules.Weights(route)
	if err != nil {
		return err
	}
	sticky, err := stickyOf(route.Sticky)
	if err != nil {
		return err
	}
	mark, err := stampOf(route)
	if err != nil {
		return err
	}
	at, err := r.find(ctx)
	if err != nil {
		return err
	}
	return r.set(ctx, at, change{route: route, mark: mark, weights: ownWeights(weights), sticky: sticky})
}

// change is what an Apply is to make of the action.
type change struct {
	route   release.Route
	mark    stamp
	weights []int32
	sticky  int32 // seconds, 0 for none
}

// ends says that an arm gets nothing, which group stickiness would not respect:
// AWS sends whoever has the cookie of a group to that group at any weight.
func (c change) ends() bool { return slices.Contains(c.weights, 0) }

// set reads, checks, stamps, writes, and reads back.
func (r *Router) set(ctx context.Context, at found, c change) error {
	served, err := r.read(ctx, at)
	if err != nil {
		return err
	}
	mark, err := r.stamped(ctx, at)
	if err != nil {
		return err
	}
	if err := mark.Fence(c.route); err != nil {
		return fmt.Errorf("%s: %w", at.arn(), err)
	}
	if err := r.allowed(ctx, at, served, mark, c); err != nil {
		return err
	}
	if c.ends() {
		c.sticky = 0
	}
	c.mark.weights = weightsText(at.groups, c.weights)
	if mark != c.mark {
		if err := r.stamp(ctx, at, c.mark); err != nil {
			return err
		}
	}
	err = at.modify(ctx, served.with(at.groups, c.weights, c.sticky))
	if errors.Is(err, release.ErrInvalid) && served.sticky > 0 && c.sticky == 0 {
		return r.keepSticky(ctx, at, served, c, err)
	}
	if err != nil {
		return err
	}
	if err := r.settled(ctx, at, c); err != nil {
		return err
	}
	// Where the tags cannot be read now, the next look tells who wrote last.
	if now, err := r.stamped(ctx, at); err == nil && now.Epoch > c.mark.Epoch {
		return fmt.Errorf("%s: epoch %d of %.100q was written at the same moment: %w", at.arn(), now.Epoch, now.Owner, release.ErrUnavailable)
	}
	return nil
}

// keepSticky sets the weights alone where AWS does not let the group stickiness
// be turned off. Whoever has the cookie stays where they are, so that this is
// not what was asked for, and is said.
func (r *Router) keepSticky(ctx context.Context, at found, served forward, c change, why error) error {
	if err := at.modify(ctx, served.with(at.groups, c.weights, served.sticky)); err != nil {
		return why
	}
	return fmt.Errorf("%s: the weights are set, but AWS keeps the group stickiness on, and with it users in the group of their cookie (%v); turn off stickiness.enabled of the target groups: %w",
		at.arn(), why, release.ErrUnavailable)
}

// allowed checks that the action is one in which the change does what it says.
// What somebody did to it in the middle of a release keeps no candidate from going
// back to nothing.
func (r *Router) allowed(ctx context.Context, at found, served forward, mark stamp, c change) error {
	exposes := slices.Max(c.weights[1:]) > 0
	if err := served.armsOnly(); err != nil && exposes {
		return fmt.Errorf("%s: %w", at.arn(), err)
	}
	for _, i := range served.absent {
		if c.weights[i] > 0 {
			return fmt.Errorf("%s: does not forward to %s, the group of %s; add it to the forward action with weight 0, so that its health is checked: %w",
				at.arn(), at.groups[i], r.names[i], release.ErrInvalid)
		}
	}
	if served.unknown != "" && exposes {
		return fmt.Errorf("%s: an action has %.100s, which this version of Linnet does not know and would lose; update Linnet, or take it out: %w",
			at.arn(), served.unknown, release.ErrInvalid)
	}
	if c.ends() {
		return nil
	}
	if served.sticky > 0 && c.sticky == 0 && mark.Owner != c.mark.Owner {
		return fmt.Errorf("%s: has group stickiness, with which users would stay with the candidate after a rollback; ask for sticky, or turn it off: %w",
			at.arn(), release.ErrInvalid)
	}
	if c.sticky == 0 {
		return nil
	}
	for _, group := range at.groups {
		if err := r.loose(ctx, group); err != nil {
			return err
		}
	}
	return nil
}

// loose refuses a target group that keeps users on one target: AWS then demands
// group stickiness of the action, also when an arm is to get nothing.
func (r *Router) loose(ctx context.Context, group string) error {
	var out *elb.DescribeTargetGroupAttributesOutput
	err := r.call(ctx, "DescribeTargetGroupAttributes", group, func(ctx context.Context, o options) (err error) {
		out, err = r.client.DescribeTargetGroupAttributes(ctx, &elb.DescribeTargetGroupAttributesInput{TargetGroupArn: &group}, o)
		return err
	})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(out.Attributes, func(a types.TargetGroupAttribute) bool {
		return aws.ToString(a.Key) == "stickiness.enabled" && aws.ToString(a.Value) == "true"
	}) {
		return fmt.Errorf("%s: has stickiness.enabled, for which AWS keeps users in the group too, even at weight 0; turn it off: %w", group, release.ErrInvalid)
	}
	return nil
}

// read reads the forward action.
func (r *Router) read(ctx context.Context, at found) (forward, error) {
	text := &bytes.Buffer{}
	actions, err := at.actions(keeping(ctx, text))
	if err != nil {
		return forward{}, err
	}
	f, err := forwardOf(actions, at.groups)
	if err != nil {
		return forward{}, fmt.Errorf("%s: %w", at.arn(), err)
	}
	f.unknown = unknownPart(text.Bytes())
	return f, nil
}

// AWS answers reads from copies, which are mostly up to date within a second.
// Where they are not, whoever called writes again.
const (
	settleWait = 3 * time.Second
	firstLook  = 100 * time.Millisecond
	lastLook   = time.Second
)

// settled waits until what was written is what is read. Whatever goes wrong from
// here on, the weights may be set.
func (r *Router) settled(ctx context.Context, at found, c change) error {
	late := fmt.Errorf("not within %s", settleWait)
	ctx, cancel := context.WithTimeoutCause(ctx, settleWait, late)
	defer cancel()
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		f, err := r.read(ctx, at)
		if err == nil && f.serves(c.weights, c.sticky) {
			return nil
		}
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
			continue
		case <-ctx.Done():
			wait.Stop()
		}
		what := fmt.Sprintf("read back are %s", weightsText(at.groups, f.weights))
		if err != nil {
			what = err.Error()
		}
		return fmt.Errorf("%s: %s was written, and cannot be read back (%w): %s: %w",
			at.arn(), weightsText(at.groups, c.weights), context.Cause(ctx), what, release.ErrUnavailable)
	}
}

// Observed reads the weights, and whose route they are. The epoch is the highest
// that was written; the owner is told only while the weights are those that it
// stamped, so that neither an edit by hand nor a change that came but half way
// is taken for its doing. An action with other groups than the arms', or whose
// weights are all 0, is release.ErrInvalid.
func (r *Router) Observed(ctx context.Context) (seen release.Seen, err error) {
	if err := r.begin(ctx); err != nil {
		return release.Seen{}, err
	}
	defer func() { r.end(err) }()
	at, err := r.find(ctx)
	if err != nil {
		return release.Seen{}, err
	}
	mark, err := r.stamped(ctx, at)
	if err != nil {
		return release.Seen{}, err
	}
	f, err := r.read(ctx, at)
	if err != nil {
		return release.Seen{}, err
	}
	if err := f.armsOnly(); err != nil {
		return release.Seen{}, fmt.Errorf("%s: %w", at.arn(), err)
	}
	shares, ok := f.shares()
	if !ok {
		return release.Seen{}, fmt.Errorf("%s: all weights are 0, and nobody is served: %w", at.arn(), release.ErrInvalid)
	}
	seen.Route = release.Route{Service: r.config.Service, Weights: split.Of(r.names, shares), Epoch: mark.Epoch}
	if mark.weights == weightsText(at.groups, f.weights) {
		seen.Route.Owner = mark.Owner
	}
	if f.sticky > 0 {
		seen.Route.Sticky = release.Sticky{Cookie: Cookie, For: time.Duration(f.sticky) * time.Second}
	}
	return seen, nil
}

// stickyOf is how many seconds a route keeps users in their group.
func stickyOf(s release.Sticky) (int32, error) {
	switch {
	case s.Cookie == "":
		return 0, nil
	case s.Cookie != Cookie:
		return 0, fmt.Errorf("the balancer keeps users in a group by its own cookie, %s, not by %.100q: %w", Cookie, s.Cookie, release.ErrInvalid)
	case s.For == 0:
		return int32(DefaultSticky / time.Second), nil
	case s.For < time.Second || s.For > MaxSticky || s.For%time.Second != 0:
		return 0, fmt.Errorf("users can be kept in a group for whole seconds from 1s to %s, not for %s: %w", MaxSticky, s.For, release.ErrInvalid)
	}
	return int32(s.For / time.Second), nil
}
