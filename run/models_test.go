package run_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// fault is what a model does instead of its work; nil for nothing.
type fault func(ctx context.Context) error

func hang(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func down(context.Context) error {
	return fmt.Errorf("connection refused: %w", release.ErrUnavailable)
}

func faulty(f fault, ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if f == nil {
		return nil
	}
	return f(ctx)
}

// router is a provider with epochs and leases.
type router struct {
	w  *world
	mu sync.Mutex

	route   release.Route
	expires time.Time // zero without lease
	lapsed  bool

	// tolerant takes every epoch, as providers without versions do.
	tolerant                       bool
	applyFault, seeFault, renewing fault
	unready                        fault
	writers                        []string
	applies, renewals              int
	applied                        []release.Route
}

func (r *router) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

func (r *router) fault(of *fault) fault {
	r.mu.Lock()
	defer r.mu.Unlock()
	return *of
}

// Apply holds the caller to the order of things: the journal has the effect
// before it begins.
func (r *router) Apply(ctx context.Context, route release.Route) error {
	r.set(func() { r.applies++ })
	if err := faulty(r.fault(&r.applyFault), ctx); err != nil {
		return err
	}
	if !r.isRecorded(route) {
		r.w.Errorf("a route that is not in the journal: %+v", route)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle()
	if !r.tolerant && (route.Epoch < r.route.Epoch || route.Epoch == r.route.Epoch && r.lapsed) {
		return fmt.Errorf("epoch %d, served is %d: %w", route.Epoch, r.route.Epoch, release.ErrConflict)
	}
	r.route, r.lapsed, r.expires = route, false, time.Time{}
	if route.Lease > 0 {
		r.expires = time.Now().Add(route.Lease)
	}
	r.applied = append(r.applied, route)
	return nil
}

func (r *router) isRecorded(route release.Route) bool {
	for _, rec := range r.w.records() {
		for _, e := range rec.Effects {
			if e, ok := e.(engine.SetRoute); ok && e.Route.Epoch == route.Epoch {
				return slices.Equal(e.Route.Weights, route.Weights) && e.Effect.Seq == rec.Seq
			}
		}
	}
	return false
}

func (r *router) Observed(ctx context.Context) (release.Seen, error) {
	if err := faulty(r.fault(&r.seeFault), ctx); err != nil {
		return release.Seen{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle()
	return release.Seen{Route: r.route, Lapsed: r.lapsed, Writers: r.writers}, nil
}

// Ready says what a test wants of the candidate; the baseline is never asked
// for.
func (r *router) Ready(ctx context.Context, arm string) error {
	if arm != release.Candidate {
		r.w.Errorf("asked whether %q is ready", arm)
	}
	return faulty(r.fault(&r.unready), ctx)
}

// Renew is refused where there is nothing to renew.
func (r *router) Renew(ctx context.Context, owner string, epoch uint64, lease time.Duration) error {
	if err := faulty(r.fault(&r.renewing), ctx); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle()
	if r.lapsed || r.expires.IsZero() || epoch != r.route.Epoch || owner != r.route.Owner {
		return fmt.Errorf("nothing to renew at epoch %d: %w", epoch, release.ErrConflict)
	}
	r.renewals++
	r.expires = time.Now().Add(lease)
	return nil
}

// settle ends a lease that ran out.
func (r *router) settle() {
	if !r.expires.IsZero() && !time.Now().Before(r.expires) {
		lapsed := split(0)
		lapsed.Owner, lapsed.Epoch = r.route.Owner, r.route.Epoch
		r.route, r.lapsed, r.expires = lapsed, true, time.Time{}
	}
}

func (r *router) weight() release.Weight {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle()
	return engine.CandidateWeight(r.route)
}

func (r *router) count(of *int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return *of
}

// source knows 3,000 requests a second, split by what the provider serves. The
// baseline fails 2 in 1,000 of them, the candidate as many or 100.
type source struct {
	w  *world
	mu sync.Mutex

	bad bool
	// fault, where set, is asked first with each query; odd answers instead.
	fault func(ctx context.Context, q release.Query) error
	odd   func(q release.Query) (release.Answer, bool)
	asked map[string][]release.Window
}

func (s *source) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *source) Observe(ctx context.Context, q release.Query) (release.Answer, error) {
	s.mu.Lock()
	f, odd, bad := s.fault, s.odd, s.bad
	s.mu.Unlock()
	if f != nil {
		if err := f(ctx, q); err != nil {
			return release.Answer{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return release.Answer{}, err
	}
	s.set(func() { s.asked[q.Metric.Name] = append(s.asked[q.Metric.Name], q.Windows...) })
	if odd != nil {
		if a, ok := odd(q); ok {
			return a, nil
		}
	}
	return s.answer(q, s.w.router.weight(), bad), nil
}

func (s *source) answer(q release.Query, weight release.Weight, bad bool) (a release.Answer) {
	for _, w := range q.Windows {
		for i, arm := range q.Arms {
			share, wrong := release.Whole-weight, int64(2)
			if i > 0 {
				share = weight
				if bad {
					wrong = 100
				}
			}
			n := int64(w.To.Sub(w.From).Seconds() * 3000 * float64(share) / float64(release.Whole))
			if i > 0 && n == 0 {
				continue
			}
			a.Observations = append(a.Observations, release.Observation{
				Metric: q.Metric.Name, Arm: arm.Name, Window: w, Events: n * wrong / 1000, Of: float64(n),
			})
		}
	}
	return a
}

// windows are those that a metric was asked for and answered.
func (s *source) windows(metric string) []release.Window {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked[metric])
}

// channel keeps the notices that it was given.
type channel struct {
	w     *world
	mu    sync.Mutex
	fault fault
	tried int
	got   []release.Notice
}

func (c *channel) Notify(ctx context.Context, n release.Notice) error {
	c.mu.Lock()
	f := c.fault
	c.tried++
	c.mu.Unlock()
	if err := faulty(f, ctx); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, n)
	return nil
}

func (c *channel) notices() []release.Notice {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

// pages counts the notices that wake somebody.
func (c *channel) pages() (n int) {
	for _, note := range c.notices() {
		if note.Urgency == release.Page {
			n++
		}
	}
	return n
}

var errKilled = errors.New("killed")
