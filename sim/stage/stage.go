// Package stage plays releases in worlds drawn from seeds, in virtual time, into a
// journal: what the pages are tested with, developed with and shown by. The same
// releases come of the same moment, to the byte.
package stage

import (
	"context"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/sim/world"
	"github.com/linnet-project/linnet/spec"
)

// Order is what a person does while a release runs.
type Order struct {
	// After is when, from the release's beginning.
	After  time.Duration
	Verb   engine.Verb
	Who    string
	Reason string
}

// Release is one release to be played.
type Release struct {
	// File is the text of the release file. Its metrics are those of the worlds:
	// errors by region, latency, cpu and memory.
	File    string
	Attempt int
	By      string
	World   world.World
	// Start is when it begins, For how long it is played at most: until then it
	// has ended, or it goes on.
	Start  time.Time
	For    time.Duration
	Orders []Order
}

// Journal is where releases are played into.
type Journal interface {
	Begin(ctx context.Context, id journal.ID, file []byte, rec journal.Record, state *engine.State) error
	Append(ctx context.Context, id journal.ID, expect uint64, rec journal.Record, state *engine.State) error
}

// Play plays one release into a journal. A file that cannot be read is
// release.ErrInvalid.
func Play(ctx context.Context, to Journal, r Release) error {
	file, err := spec.Parse("stage", []byte(r.File))
	if err != nil {
		return err
	}
	p := &player{ctx: ctx, to: to, r: r, plan: plan.Compile(file), now: r.Start, looks: map[release.Weight][]world.Look{}}
	p.id = journal.ID{Name: p.plan.Name, Attempt: r.Attempt}
	if err := p.step(engine.Started{At: r.Start, Attempt: r.Attempt, Plan: p.plan, Salt: "stage", Epoch: 1, Methods: judge.Methods, By: r.By}); err != nil {
		return err
	}
	return p.run()
}

type player struct {
	ctx   context.Context
	to    Journal
	r     Release
	id    journal.ID
	plan  plan.Plan
	state engine.State
	seq   uint64
	now   time.Time
	// looks are what is seen at each weight, played when it is first served; the
	// world begins when the candidate first gets traffic.
	looks   map[release.Weight][]world.Look
	exposed time.Time
	orders  int
}

// step folds an event into the release, records it, and does at once what it asks
// for.
func (p *player) step(e engine.Event) error {
	next, d, effects := engine.Step(p.state, e)
	p.state = next
	rec := journal.Record{Seq: p.seq + 1, At: engine.When(e), Event: e, Decision: d, Effects: effects}
	var err error
	if p.seq == 0 {
		err = p.to.Begin(p.ctx, p.id, []byte(p.r.File), rec, &p.state)
	} else {
		err = p.to.Append(p.ctx, p.id, p.seq, rec, &p.state)
	}
	if err != nil {
		return fmt.Errorf("%s, record %d: %w", p.id, rec.Seq, err)
	}
	p.seq++
	if route := p.state.Pending.Route; route != nil {
		if p.exposed.IsZero() && engine.CandidateWeight(route.Route) > 0 {
			p.exposed = p.now
		}
		return p.step(engine.Acknowledged{At: p.now, Effect: route.Effect})
	}
	if notices := p.state.Pending.Notices; len(notices) > 0 {
		return p.step(engine.Acknowledged{At: p.now, Effect: notices[0].Effect})
	}
	return nil
}

// run looks at the world at the plan's pace until the release or its time is over.
func (p *player) run() error {
	end := p.r.Start.Add(p.r.For)
	for !p.state.Over() {
		if p.now = p.now.Add(p.plan.Every); p.now.After(end) {
			return nil
		}
		for p.orders < len(p.r.Orders) && !p.r.Start.Add(p.r.Orders[p.orders].After).After(p.now) {
			o := p.r.Orders[p.orders]
			p.orders++
			at := p.r.Start.Add(o.After)
			if err := p.step(engine.Commanded{At: at, ID: fmt.Sprintf("stage-%d", p.orders), Verb: o.Verb, Who: o.Who, Reason: o.Reason,
				Groups: []string{engine.Anybody}, From: "192.0.2.17"}); err != nil {
				return err
			}
		}
		if p.state.Over() {
			return nil
		}
		if err := p.step(p.look()); err != nil {
			return err
		}
	}
	return nil
}

// look is what a process would see now: at the first time also the past of the
// baseline alone.
func (p *player) look() engine.Looked {
	seen := release.Seen{Route: p.state.Route}
	l := engine.Looked{At: p.now, Seen: &seen, Window: release.Window{From: p.now.Add(-p.plan.Every), To: p.now}}
	looks := p.at(engine.CandidateWeight(p.state.Route))
	live := 0
	for live < len(looks) && !looks[live].Live {
		live++
	}
	if p.state.LookedAt.IsZero() {
		for i := range live {
			to := p.now.Add(-time.Duration(live-i) * p.plan.Every)
			l.Observations = append(l.Observations, moved(looks[i].Observations, release.Window{From: to.Add(-p.plan.Every), To: to}, false)...)
		}
		l.Window.From = p.now.Add(-time.Duration(live+1) * p.plan.Every)
	}
	k := live + int(p.now.Sub(p.r.Start)/p.plan.Every)
	if !p.exposed.IsZero() {
		k = live + int(p.now.Sub(p.exposed)/p.plan.Every) - 1
	}
	k = min(max(k, 0), len(looks)-1)
	both := engine.CandidateWeight(p.state.Route) > 0
	l.Observations = append(l.Observations, moved(looks[k].Observations, release.Window{From: p.now.Add(-p.plan.Every), To: p.now}, both)...)
	return l
}

// at gives what is seen at a weight. A world has its candidate's traffic at every
// weight; at none its observations are left out.
func (p *player) at(w release.Weight) []world.Look {
	if kept, ok := p.looks[w]; ok {
		return kept
	}
	played := p.r.World
	played.Every = p.plan.Every
	played.Length = max(played.Length, p.r.For+p.plan.Every)
	if played.Weight = w; w == 0 {
		played.Weight = 1 // of 100,000: next to nobody, and left out
	}
	var all []world.Look
	for l := range played.Looks() {
		all = append(all, l)
	}
	p.looks[w] = all
	return all
}

// moved puts observations into a window, those of the candidate only where it has
// traffic.
func moved(seen []release.Observation, w release.Window, both bool) []release.Observation {
	out := make([]release.Observation, 0, len(seen))
	for _, o := range seen {
		if o.Arm == release.Candidate && !both {
			continue
		}
		o.Window = w
		out = append(out, o)
	}
	return out
}
