package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
)

// Apply scales both Deployments to what the route asks for, and waits until the
// pods are there and ready. Up it goes a few pods at a time, and no pod of the
// baseline leaves before the candidate's are ready; an Apply that runs out of
// time is release.ErrUnavailable, and the next one goes on from there. Down it
// goes at once, the baseline's new pods being asked for first; to nothing also
// where somebody has deleted the candidate.
func (r *Router) Apply(ctx context.Context, route release.Route) error {
	weights, err := r.rules.Weights(route)
	if err != nil {
		return err
	}
	total := int64(r.cfg.Replicas)
	target := int64(weights[1]) * total / int64(release.Whole)
	b, c, err := r.fresh(ctx, target == 0)
	if err != nil {
		return err
	}
	up := target >= c.replicas
	begun := b.stamp.Owner == route.Owner || c.stamp.Owner == route.Owner
	if target > c.replicas || up && !begun && !c.lost() {
		if err := r.mayBegin(ctx, b, c, begun); err != nil {
			return err
		}
	}
	if c.lost() {
		return r.withdraw(ctx, route)
	}
	if up {
		if err := r.climb(ctx, route, c.replicas, target); err != nil {
			return err
		}
	}
	_, err = r.scale(ctx, r.baseline, exactly(total-target), &route, route)
	if !up {
		err = r.lower(ctx, target, route, err)
	}
	if err != nil {
		return err
	}
	return r.await(ctx, func(b, c deployment) bool { return b.replicas == total-target && c.replicas == target }, settled)
}

// withdraw gives all to the baseline after somebody has deleted the candidate.
func (r *Router) withdraw(ctx context.Context, route release.Route) error {
	total := int64(r.cfg.Replicas)
	_, err := r.baseline.Update(ctx, func(read *unstructured.Unstructured) (*kube.Change, error) {
		if err := r.baseline.Object().Fence(read, route); err != nil {
			return nil, err
		}
		change := order(parse(read), total, &route)
		change.Annotate(aloneKey, "true")
		return change, nil
	})
	if err != nil {
		return err
	}
	// The watch may still have to tell that the candidate is gone.
	return r.await(ctx, func(b, _ deployment) bool { return b.replicas == total }, parted)
}

// lower takes the candidate down. Where the baseline could not be scaled up before,
// that holds it up only as long as the baseline has no pods that are ready, or
// serves a newer route; what failed is told all the same.
func (r *Router) lower(ctx context.Context, target int64, route release.Route, failed error) error {
	if failed != nil {
		b, err := r.baseline.Object().Get(ctx)
		if err != nil || parse(b).ready == 0 || r.baseline.Object().Fence(b, route) != nil {
			return failed
		}
	}
	_, err := r.scale(ctx, r.candidate, exactly(target), &route, route)
	switch {
	case failed == nil:
		return err
	case err != nil:
		return errors.Join(failed, err)
	}
	return fmt.Errorf("%v; the candidate was lowered all the same: %w", failed, release.ErrUnavailable)
}

// climb raises the candidate in stages, each ready before as many pods of the
// baseline go; first of all those that an Apply which was cut off has left. The
// last of the baseline go with the stamp, after it. Two who set the same route
// at once do not undo each other's stages: the candidate only gets more here,
// the baseline only less.
func (r *Router) climb(ctx context.Context, route release.Route, from, target int64) error {
	total, surge := int64(r.cfg.Replicas), int64(r.cfg.Surge)
	for stage := from; ; stage = min(stage+surge, target) {
		atLeast := func(now int64) int64 { return max(stage, min(now, target)) }
		c, err := r.scale(ctx, r.candidate, atLeast, &route, route)
		if err != nil {
			return err
		}
		stage = c.replicas
		err = r.await(ctx, func(_, c deployment) bool { return c.replicas >= stage },
			func(_, c deployment) string { return c.waits() })
		if err != nil || stage == target {
			return err
		}
		atMost := func(now int64) int64 { return min(now, total-stage) }
		if _, err := r.scale(ctx, r.baseline, atMost, nil, route); err != nil {
			return err
		}
	}
}

// scale orders as many replicas of one Deployment as to makes of those there are
// now, unless a newer route is there, and stamps it with a route where one is
// given.
func (r *Router) scale(ctx context.Context, of *kube.Reader, to func(now int64) int64, stamp *release.Route, route release.Route) (deployment, error) {
	object, err := of.Update(ctx, func(read *unstructured.Unstructured) (*kube.Change, error) {
		if err := of.Object().Fence(read, route); err != nil {
			return nil, err
		}
		d := parse(read)
		change := order(d, to(d.replicas), stamp)
		change.Unannotate(aloneKey)
		return change, nil
	})
	if err != nil {
		return deployment{}, err
	}
	return parse(object), nil
}

func exactly(n int64) func(int64) int64 { return func(int64) int64 { return n } }

// fresh reads both Deployments past any cache; on the way to nothing the candidate
// may be gone.
func (r *Router) fresh(ctx context.Context, toNothing bool) (b, c deployment, err error) {
	for _, one := range []struct {
		of   *kube.Reader
		into *deployment
	}{{r.baseline, &b}, {r.candidate, &c}} {
		object, err := one.of.Object().Get(ctx)
		if errors.Is(err, release.ErrNotFound) && one.into == &c && toNothing {
			c = gone(r.cfg.Candidate, b)
			break
		}
		if err != nil {
			return b, c, err
		}
		*one.into = parse(object)
	}
	return b, c, nil
}

// mayBegin refuses what would be unsafe to begin or to raise; begun says that the
// Deployments are this release's already. Nothing of it stands in the way of a
// step down.
func (r *Router) mayBegin(ctx context.Context, b, c deployment, begun bool) error {
	if selector := b.selector(); len(selector) > 0 && reflect.DeepEqual(selector, c.selector()) {
		return fmt.Errorf("%s and %s select the same pods, so that each takes the other's for its own; give each a label of its own: %w", b, c, release.ErrInvalid)
	}
	if sum := b.replicas + c.replicas; sum != int64(r.cfg.Replicas) && !begun {
		return fmt.Errorf("%s and %s have %d replicas together, and the release file says %d; make them the same: %w",
			b, c, sum, r.cfg.Replicas, release.ErrInvalid)
	}
	list, err := r.autoscalers.List(ctx)
	if errors.Is(err, release.ErrNotFound) {
		return nil // a cluster without autoscalers
	}
	if err != nil {
		return err
	}
	for _, scaler := range list {
		kind, _, _ := unstructured.NestedString(scaler.Object, "spec", "scaleTargetRef", "kind")
		name, _, _ := unstructured.NestedString(scaler.Object, "spec", "scaleTargetRef", "name")
		if kind == "Deployment" && (name == r.cfg.Baseline || name == r.cfg.Candidate) {
			return fmt.Errorf("the Deployment %s/%s is scaled by HorizontalPodAutoscaler %s, which would undo every weight; remove it for the release, or split by a router: %w",
				scaler.GetNamespace(), name, scaler.GetName(), release.ErrInvalid)
		}
	}
	return nil
}

// look is the time between two looks at pods on their way; they cost no call
// while the watches are well.
const look = 100 * time.Millisecond

// await waits for pods. Where the Deployments are no longer scaled as they should
// be, it is release.ErrConflict: somebody else was there.
func (r *Router) await(ctx context.Context, scaled func(b, c deployment) bool, waits func(b, c deployment) string) error {
	timer := time.NewTicker(look)
	defer timer.Stop()
	missing := ""
	for {
		b, c, err := r.both(ctx)
		if err != nil && ctx.Err() != nil && missing != "" {
			return fmt.Errorf("%s: %w: %w", missing, ctx.Err(), release.ErrUnavailable)
		}
		if err != nil {
			return err
		}
		if !scaled(b, c) {
			return fmt.Errorf("%s and %s were scaled to %d and %d by somebody else meanwhile: %w", b, c, b.replicas, c.replicas, release.ErrConflict)
		}
		if missing = waits(b, c); missing == "" {
			return nil
		}
		select { // an end is told above, with what is missing
		case <-ctx.Done():
		case <-timer.C:
		}
	}
}
