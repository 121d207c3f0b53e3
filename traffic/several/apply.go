package several

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// Apply makes all parts serve a route. Where parts failed the error names them,
// and says what became of the others. Its meaning is theirs where nothing at all
// was changed, and release.ErrUnavailable otherwise.
func (r *router) Apply(ctx context.Context, route release.Route) error {
	weights, err := r.rules.Weights(route)
	if err != nil {
		return err
	}
	leave, err := r.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	m := &move{router: r, route: route, weights: weights, found: make([]found, len(r.parts))}
	if m.exposed(weights) == 0 {
		// The way down needs no look at where it begins.
		return r.told("not set", r.each(func(i int) error { return m.set(ctx, i) }))
	}
	return m.do(ctx)
}

// found is what a part served before a move.
type found struct {
	weights []release.Weight
	epoch   uint64
	lease   time.Duration
	err     error // why it could not be read
}

// move is one Apply.
type move struct {
	*router
	route   release.Route
	weights []release.Weight
	found   []found
}

func (m *move) set(ctx context.Context, i int) error {
	return m.parts[i].Router.Apply(ctx, m.parts[i].only(m.route))
}

// do looks at all parts, sets at once those that go down, and then the others in
// their order. Where none goes up, those that cannot be read count as going down:
// they are not left above the rest.
func (m *move) do(ctx context.Context) error {
	errs := m.each(func(i int) error {
		m.look(ctx, i)
		if m.found[i].err == nil && m.direction(i) < 0 {
			return m.set(ctx, i)
		}
		return nil
	})
	var others []int
	rises, lowered := false, false
	for i, f := range m.found {
		switch {
		case f.err != nil:
		case m.direction(i) >= 0:
			others = append(others, i)
			rises = rises || m.direction(i) > 0
		case errs[i] == nil:
			lowered = true
		}
	}
	if !rises {
		errs = m.each(func(i int) error {
			if m.found[i].err != nil {
				return m.set(ctx, i)
			}
			return errs[i]
		})
		if err := m.told("not set", errs); err != nil {
			return err
		}
	} else if err := m.refused(errs, lowered); err != nil {
		return err
	}
	return m.inOrder(ctx, others, lowered)
}

// refused is why nothing is raised: a part that cannot be read, or one that could
// not be lowered; nil where neither is.
func (m *move) refused(errs []error, lowered bool) error {
	for i, f := range m.found {
		if f.err != nil {
			errs[i] = fmt.Errorf("what it serves cannot be read: %w", f.err)
		}
	}
	err := m.joined("nothing is raised, because", errs)
	if err != nil && lowered {
		return failure{err.Error(), release.ErrUnavailable}
	}
	return err
}

// look reads what a part serves.
func (m *move) look(ctx context.Context, i int) {
	ctx, cancel := context.WithTimeout(ctx, lookWait)
	defer cancel()
	f := &m.found[i]
	seen, err := m.parts[i].Router.Observed(ctx)
	f.epoch, f.lease, f.err = seen.Route.Epoch, seen.Route.Lease, err
	if err == nil {
		f.weights, f.err = m.read(seen.Route)
	}
}

// direction is above 0 where the move raises a part, and below where it lowers it:
// of the arms after the first, the first whose weight changes decides.
func (m *move) direction(i int) int {
	return slices.Compare(m.weights[1:], m.found[i].weights[1:])
}

// inOrder sets parts one after the other. One that fails takes back those that were
// raised before it, and itself where it may have been.
func (m *move) inOrder(ctx context.Context, parts []int, lowered bool) error {
	var raised []int
	for _, i := range parts {
		err := m.begin(ctx)
		if err == nil {
			err = m.set(ctx, i)
			raised = append(raised, i) // a part that refuses may have gone half the way
		}
		if err == nil {
			continue
		}
		raised = slices.DeleteFunc(raised, func(i int) bool { return m.direction(i) == 0 })
		told, all := m.putBack(ctx, raised, i)
		what := meaning(err)
		if !all || lowered {
			what = release.ErrUnavailable
		}
		return failure{fmt.Sprintf("several: %s not set to %s: %v%s", m.parts[i].Name, split.Percent(m.exposed(m.weights)), err, told), what}
	}
	return nil
}

// begin tells whether there is time for another part.
func (m *move) begin(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("not begun: %w: %w", context.Cause(ctx), release.ErrUnavailable)
	}
	return nil
}

// putBack sets parts to what they served before, all at the same time, and tells
// how that went; all is false where one of them failed. Of one it is not certain
// that it was set.
func (m *move) putBack(ctx context.Context, parts []int, uncertain int) (told string, all bool) {
	if len(parts) == 0 {
		return "", true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), backWait)
	defer cancel()
	stood := false
	errs := m.each(func(i int) error {
		if !slices.Contains(parts, i) {
			return nil
		}
		if i == uncertain {
			if stood = m.stands(ctx, i); stood {
				return nil
			}
		}
		return m.parts[i].Router.Apply(ctx, m.parts[i].only(m.before(i)))
	})
	m.remember()
	var done, failed []string
	for _, i := range parts {
		if stood && i == uncertain {
			continue
		}
		to := m.parts[i].Name + " to " + split.Percent(m.exposed(m.found[i].weights))
		if errs[i] == nil {
			done = append(done, to)
		} else {
			failed = append(failed, fmt.Sprintf("%s (%v)", to, errs[i]))
		}
	}
	if len(done) > 0 {
		told = "; put back: " + strings.Join(done, ", ")
	}
	if len(failed) > 0 {
		told += "; NOT put back: " + strings.Join(failed, ", ")
	}
	return told, len(failed) == 0
}

// stands tells whether a part still serves what it did before the move.
func (m *move) stands(ctx context.Context, i int) bool {
	seen, err := m.parts[i].Router.Observed(ctx)
	if err != nil {
		return false
	}
	weights, err := m.read(seen.Route)
	return err == nil && slices.Equal(weights, m.found[i].weights)
}

// before is the route back. Its epoch is that of the move, which may be tried
// again and must not be older then than what is served. A lease stays one: what
// goes back from a promotion, say, must not stay for good.
func (m *move) before(i int) release.Route {
	route := m.route
	route.Weights = split.Of(m.rules.Arms, m.found[i].weights)
	route.Lease = cmp.Or(m.found[i].lease, route.Lease)
	if m.exposed(m.found[i].weights) == 0 {
		route.Testers, route.Sticky, route.Mirror = release.Testers{}, release.Sticky{}, 0
	}
	return route
}

// undone is a move that was taken back: its stamp, and the epoch and weights
// before it.
type undone struct {
	split.Stamp
	before  uint64
	weights []release.Weight
}

// remember lets whoever reads back know that the move was taken back by us, not
// by a person.
func (m *move) remember() {
	m.undone = undone{split.StampOf(m.route), m.found[0].epoch, m.found[0].weights}
	for _, f := range m.found {
		m.undone.before = min(m.undone.before, f.epoch)
	}
}

// exposed is the weight of all arms but the first.
func (r *router) exposed(weights []release.Weight) (sum release.Weight) {
	for _, w := range weights[1:] {
		sum += w
	}
	return sum
}

// told says which parts were not set, and which were; nil where all were. What was
// done in part can be tried again.
func (r *router) told(what string, errs []error) error {
	err := r.joined(what, errs)
	var fine []string
	for i := range errs {
		if errs[i] == nil {
			fine = append(fine, r.parts[i].Name)
		}
	}
	if err == nil || len(fine) == 0 {
		return err
	}
	return failure{err.Error() + "; set in " + strings.Join(fine, ", "), release.ErrUnavailable}
}

// joined makes one error of those of parts, nil where there is none. It means what
// all of them mean, and release.ErrUnavailable where they do not agree.
func (r *router) joined(what string, errs []error) error {
	var text []string
	var all error
	for i, err := range errs {
		if err == nil {
			continue
		}
		text = append(text, fmt.Sprintf("%s in %s: %v", what, r.parts[i].Name, err))
		if all == nil {
			all = meaning(err)
		} else if all != meaning(err) {
			all = release.ErrUnavailable
		}
	}
	if all == nil {
		return nil
	}
	return failure{"several: " + strings.Join(text, "; "), all}
}

// failure is an error in the words of parts, which name their meanings; that of all
// together may be another.
type failure struct {
	text    string
	meaning error
}

func (f failure) Error() string { return f.text }
func (f failure) Unwrap() error { return f.meaning }

// meaning is what an error means; one without meaning may be anything.
func meaning(err error) error {
	for _, m := range []error{release.ErrUnavailable, release.ErrInvalid, release.ErrNotFound, release.ErrConflict} {
		if errors.Is(err, m) {
			return m
		}
	}
	return release.ErrUnavailable
}
