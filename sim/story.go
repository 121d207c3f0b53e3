package sim

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// Story is a release in a simulated world. It is not safe for concurrent use.
type Story struct {
	zero, now time.Time
	skew      time.Duration // how far Linnet's clock is off
	plan      plan.Plan
	router    *Router
	service   *Service

	// What keeps Linnet from seeing the traffic, and what it sees instead.
	sourceDown string
	silent     map[string]bool
	fixed      map[string][2]release.Observation

	events []engine.Event // the journal
	state  engine.State
	crash  string // where the process dies next: journal or act
	dead   bool   // until the next turn
	orders int

	out    strings.Builder
	told   release.Code // the reason of the last look that was printed
	failed string       // the last failure that was printed
}

// past is how long the service works before the release begins.
const past = 5 * time.Minute

// NewStory returns a world without load, whose figures are drawn from a seed.
func NewStory(seed uint64) *Story {
	s := &Story{
		zero:    time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC),
		service: NewService(seed),
		silent:  map[string]bool{},
		fixed:   map[string][2]release.Observation{},
	}
	s.now = s.zero
	s.router = NewRouter("shop", []string{release.Baseline, release.Candidate}, func() time.Time { return s.now })
	return s
}

// clock is what Linnet takes for the time.
func (s *Story) clock() time.Time { return s.now.Add(s.skew) }

// live lets the world go on.
func (s *Story) live(d time.Duration) {
	for range int(d / time.Second) {
		weight := s.router.Weight()
		s.now = s.now.Add(time.Second)
		s.service.Tick(s.clock(), weight)
	}
}

func (s *Story) start(by string) {
	s.now = s.zero.Add(-past)
	s.live(past)
	epoch := uint64(1)
	if seen, err := s.router.Observed(context.Background()); err == nil {
		epoch = seen.Route.Epoch + 1
	}
	s.step(engine.Started{At: s.clock(), Attempt: 1, Plan: s.plan, Salt: "salt", Epoch: epoch, Methods: 1, By: by})
	s.act()
}

// run takes turns for a while.
func (s *Story) run(d time.Duration) {
	end := s.now.Add(d)
	for {
		wait := s.plan.Every
		if wake := s.state.Wake(); !wake.IsZero() {
			wait = min(wait, max(time.Second, wake.Sub(s.clock())))
		}
		if s.now.Add(wait).After(end) {
			s.live(end.Sub(s.now))
			return
		}
		s.live(wait)
		if s.turn(); s.state.Over() {
			s.live(end.Sub(s.now))
			return
		}
	}
}

// turn is what the process does each time: act on what is unacknowledged,
// look, act, and renew the lease.
func (s *Story) turn() {
	s.dead = false
	s.act()
	if s.dead || s.state.Over() {
		return
	}
	s.step(s.gather())
	s.act()
	route := s.state.Route
	if !s.dead && s.state.Served && route.Lease > 0 {
		// A refusal shows in the next look.
		_ = s.router.Renew(context.Background(), route.Owner, route.Epoch, route.Lease)
	}
}

// step folds an event into the release and prints what came of it. The process
// may die once it is recorded.
func (s *Story) step(e engine.Event) {
	was := s.state
	next, d, effects := engine.Step(s.state, e)
	s.state, s.events = next, append(s.events, e)
	s.tell(e, was, d, effects)
	if s.crash == "journal" && next.Pending.Route != nil && (was.Pending.Route == nil || was.Pending.Route.Effect != next.Pending.Route.Effect) {
		s.die()
	}
}

// die forgets all but the journal.
func (s *Story) die() {
	fmt.Fprintf(&s.out, "%8s the process dies after: %s\n", s.time(), s.crash)
	s.crash, s.dead = "", true
	folded := engine.State{}
	for _, e := range s.events {
		folded, _, _ = engine.Step(folded, e)
	}
	if !reflect.DeepEqual(folded, s.state) {
		s.out.WriteString("         THE STATE FOLDED AGAIN DIFFERS\n")
	}
	s.state = folded
}

// act does what is recorded and not acknowledged, routes before notices.
func (s *Story) act() {
	for !s.dead && s.state.Pending.Route != nil {
		e := *s.state.Pending.Route
		err := s.router.Apply(context.Background(), e.Route)
		if s.crash == "act" {
			s.die()
			return
		}
		ack := engine.Acknowledged{At: s.clock(), Effect: e.Effect}
		if err != nil {
			ack.Failure = &release.Reason{Code: release.ProviderFails, Text: err.Error()}
		}
		s.step(ack)
		if err != nil {
			break // the next turn tries again
		}
	}
	for !s.dead && len(s.state.Pending.Notices) > 0 {
		s.step(engine.Acknowledged{At: s.clock(), Effect: s.state.Pending.Notices[0].Effect})
	}
}

// gather looks at the world through the source and the provider.
func (s *Story) gather() engine.Looked {
	to := s.clock().Add(-s.plan.Delay)
	look := engine.Looked{At: s.clock(), Window: release.Window{From: s.state.WindowTo, To: to}}
	windows := []release.Window{look.Window}
	if s.state.LookedAt.IsZero() {
		look.Window.From = to.Add(-s.plan.Every)
		windows = nil
		for at := s.zero.Add(-past); at.Before(to); at = at.Add(s.plan.Every) {
			windows = append(windows, release.Window{From: at, To: at.Add(s.plan.Every)})
		}
	}
	if seen, err := s.router.Observed(context.Background()); err == nil {
		look.Seen = &seen
	}
	for _, m := range s.plan.Metrics {
		if s.sourceDown != "" {
			why := release.Reason{Code: release.SourceDown, Text: m.Name + ": " + s.sourceDown}
			look.Problems = append(look.Problems, release.Problem{Metric: m.Name, Reason: why})
			continue
		}
		for _, w := range windows {
			if w.To.After(w.From) {
				look.Observations = append(look.Observations, s.observe(m, w)...)
			}
		}
	}
	return look
}

func (s *Story) observe(m release.Metric, w release.Window) (out []release.Observation) {
	for i, arm := range []string{release.Baseline, release.Candidate} {
		if s.silent[arm] {
			continue
		}
		if fixed, ok := s.fixed[m.Name]; ok {
			o := fixed[i]
			o.Metric, o.Arm, o.Window = m.Name, arm, w
			out = append(out, o)
			continue
		}
		out = append(out, s.service.Observe(m, arm, w)...)
	}
	return out
}
