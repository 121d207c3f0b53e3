package control

import (
	"context"
	"slices"
	"sync"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

const (
	// mostEarlier is how many earlier releases are told beside a course, and
	// mostLookedAt how many are looked at for them.
	mostEarlier  = 10
	mostLookedAt = 30
	// mostOwn is how many ended releases' levels are kept.
	mostOwn = 500
)

// owns keeps what the baselines of ended releases did: nothing changes it.
type owns struct {
	mu   sync.Mutex
	kept []ownOf // the last used last
}

// ownOf is what the baseline of one release did, by metric.
type ownOf struct {
	id  journal.ID
	own map[ownKey]judge.Own
}

// ownKey is a metric that can be held beside another release's.
type ownKey struct {
	name  string
	kind  release.Kind
	worse release.Direction
}

func (o *owns) get(id journal.ID) (ownOf, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.kept, func(x ownOf) bool { return x.id == id })
	if i < 0 {
		return ownOf{}, false
	}
	found := o.kept[i]
	o.kept = append(append(o.kept[:i:i], o.kept[i+1:]...), found)
	return found, true
}

func (o *owns) put(one ownOf) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = append(o.kept[max(0, len(o.kept)+1-mostOwn):], one)
}

// history adds what the baseline did in earlier releases of the same service and
// environment, as far as whoever asks may see them and there is time to read them.
func (d *Desk) history(ctx context.Context, who access.Actor, s journal.Summary, metrics []release.Metric, c *report.Course) {
	earlier, missing, err := d.earlier(ctx, who, journal.Choice{Service: s.Service, Environment: s.Environment, Before: s.Place},
		func(e journal.Summary) bool { return e.Environment == s.Environment })
	if err != nil {
		c.HistoryMissing = mostEarlier
		return // the course is told without it
	}
	c.HistoryMissing = missing
	for _, e := range earlier {
		addLevels(c, metrics, e.Summary, e.ownOf)
	}
}

// measured is an ended release with what its baseline did.
type measured struct {
	journal.Summary
	ownOf
}

// earlier gives the last ended releases of a choice that fit and that somebody may
// see, at most 10, with what their baselines did; and how many there was no time to
// read.
func (d *Desk) earlier(ctx context.Context, who access.Actor, c journal.Choice, fits func(journal.Summary) bool) (all []measured, missing int, err error) {
	c.Ended, c.Most = true, mostLookedAt
	found, err := d.recent.choose(ctx, c)
	for _, e := range found {
		if e.Pruned || !fits(e) || len(all)+missing == mostEarlier || !d.Sees(who, resourceOf(e)) {
			continue
		}
		of, ok := d.owns.get(e.ID)
		if !ok {
			var bad error
			if of, bad = d.readOwn(ctx, e.ID); bad != nil {
				missing++
				continue
			}
			d.owns.put(of)
		}
		all = append(all, measured{e, of})
	}
	return all, missing, err
}

// addLevels adds what the baseline of one release did to the tracks that it can be
// held beside.
func addLevels(c *report.Course, metrics []release.Metric, e journal.Summary, of ownOf) {
	for i := range c.Tracks {
		t := &c.Tracks[i]
		j := slices.IndexFunc(metrics, func(m release.Metric) bool { return m.Name == t.Metric })
		if j < 0 || t.Segment != "" {
			continue
		}
		bound := 0.0
		if t.Bound != nil {
			bound = *t.Bound
		}
		if side, ok := of.own[keyOf(metrics[j])].At(bound); ok {
			t.History = append(t.History, report.Level{Name: e.ID.Name, Attempt: e.ID.Attempt, Time: e.Started.UTC(), Value: side.Value, N: side.N})
		}
	}
}

// readOwn reads what the baseline of an ended release did.
func (d *Desk) readOwn(ctx context.Context, id journal.ID) (ownOf, error) {
	s, err := d.state(ctx, id)
	if err != nil {
		return ownOf{}, err
	}
	of := ownOf{id: id, own: map[ownKey]judge.Own{}}
	for i, m := range s.Plan.Metrics {
		if i < len(s.Judge.Metrics) && len(s.Judge.Metrics[i].Series) > 0 {
			of.own[keyOf(m)] = s.Judge.Metrics[i].Series[0].Own(m)
		}
	}
	return of, nil
}

// state is the state of a release after its last record.
func (d *Desk) state(ctx context.Context, id journal.ID) (engine.State, error) {
	free, err := slot(ctx, d.folding)
	if err != nil {
		return engine.State{}, err
	}
	defer free()
	s, _, err := d.cfg.Journal.Load(ctx, id, func(s engine.State, e engine.Event) engine.State {
		if ctx.Err() != nil {
			return s // it comes to nothing
		}
		next, _, _ := engine.Step(s, e)
		return next
	})
	if err == nil {
		err = ctx.Err()
	}
	return s, err
}

func keyOf(m release.Metric) ownKey { return ownKey{m.Name, m.Kind, m.Worse} }
