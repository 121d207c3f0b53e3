package report

import (
	"encoding/hex"
	"slices"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// What a builder keeps of a release at most.
const (
	mostDecisions = 1000
	mostEffects   = 1000
	mostExemplars = 10
	mostWarnings  = 20
)

// Builder reads a release's records in order and keeps what its report needs,
// in bounded memory however long the release ran. The zero value is not ready;
// use New.
type Builder struct {
	plan      plan.Plan
	decisions ends[Decision]
	effects   ends[*Effect]
	open      map[engine.EffectID]*Effect
	route     engine.EffectID // the last weight asked for

	phase engine.Phase
	since time.Time
	// decided is the promotion or rollback that stands.
	decided *Decision
	// standing is the last verdict of the comparison with all its figures.
	standing  *judge.Verdict
	traffic   traffic
	spent     judge.Harm // as of the last verdict with all its figures
	exemplars []string
	warnings  []string
	last      uint64
}

// New gives a builder that has seen nothing.
func New() *Builder {
	return &Builder{
		decisions: ends[Decision]{most: mostDecisions}, effects: ends[*Effect]{most: mostEffects},
		open: map[engine.EffectID]*Effect{},
	}
}

// Add takes the next record. The journal keeps a quiet look's verdict without
// its figures; where the caller has folded the record and puts the decision as
// engine.Step gave it into the record, a person's later command is shown with
// the figures that stood when it was given.
func (b *Builder) Add(rec journal.Record) {
	b.last = rec.Seq
	switch e := rec.Event.(type) {
	case engine.Started:
		if rec.Seq == 1 {
			b.plan = e.Plan
			b.traffic = newTraffic(e.Plan.Metrics)
		}
	case engine.Looked:
		b.looked(e)
	case engine.Acknowledged:
		b.acknowledged(e)
	}
	d := rec.Decision
	if d.Phase != b.phase {
		b.phase, b.since = d.Phase, d.At
	}
	for _, e := range rec.Effects {
		b.asked(e, d.At)
	}
	b.decide(rec)
}

func (b *Builder) looked(e engine.Looked) {
	b.traffic.add(e)
	if b.decided == nil && len(e.Exemplars) > 0 {
		b.exemplars = cleaned(e.Exemplars[:min(len(e.Exemplars), mostExemplars)])
	}
	for _, w := range e.Warnings {
		if w = clean(w); len(b.warnings) < mostWarnings && !slices.Contains(b.warnings, w) {
			b.warnings = append(b.warnings, w)
		}
	}
}

// decide keeps a decision, unless it was to stay and asked for nothing.
func (b *Builder) decide(rec journal.Record) {
	d := rec.Decision
	if v := d.Verdict; v != nil && b.decided == nil && full(v) {
		b.standing = v
		if v.Harm.Budget > 0 {
			b.spent = v.Harm
		}
	}
	if d.Kind == engine.Stay && len(rec.Effects) == 0 {
		return
	}
	out := decision(rec)
	if d.Verdict != nil {
		out.Verdict, out.Metric, out.Segment = string(d.Verdict.Outcome), clean(d.Verdict.Metric), clean(d.Verdict.Segment)
		out.Comparisons, out.ComparisonsOmitted = compared(b.plan.Metrics, d.Verdict.Comparisons)
	} else if _, ordered := rec.Event.(engine.Commanded); ordered && d.Kind != engine.Refuse && b.standing != nil {
		out.Comparisons, out.ComparisonsOmitted = compared(b.plan.Metrics, b.standing.Comparisons)
	}
	b.decisions.add(out)
	switch {
	case d.Kind == engine.RollBack && d.Reason.Code != release.RollingDown:
		b.traffic.decided(d.Kind)
		b.decided = &out
	case d.Kind == engine.Promote:
		b.traffic.decided(d.Kind)
		b.decided = &out
	}
}

// full says whether a verdict has the figures of both arms, not a glance only.
func full(v *judge.Verdict) bool {
	return len(v.Comparisons) > 0 && v.Comparisons[0].Kind != ""
}

func decision(rec journal.Record) Decision {
	d := rec.Decision
	out := Decision{
		Seq: rec.Seq, Time: d.At.UTC(), Decision: string(d.Kind), Phase: string(d.Phase), Step: d.Step,
		Weight: engine.Percent(d.Weight), WeightPercent: percentOf(d.Weight),
		Reason: reason(d.Reason), Who: clean(d.Who), Comparisons: []Comparison{},
	}
	if rec.Hash != (journal.Hash{}) {
		out.SHA256 = hex.EncodeToString(rec.Hash[:])
	}
	switch e := rec.Event.(type) {
	case engine.Started:
		out.Who = clean(e.By)
	case engine.Commanded:
		out.From = clean(e.From)
	}
	return out
}

// asked keeps an effect. A weight replaces one that is still open.
func (b *Builder) asked(e engine.Effect, at time.Time) {
	out := &Effect{ID: clean(e.ID().String()), Time: at.UTC(), State: "pending"}
	switch e := e.(type) {
	case engine.SetRoute:
		w := engine.CandidateWeight(e.Route)
		out.Effect, out.Weight, out.WeightPercent = "set-weight", engine.Percent(w), known(percentOf(w))
		if r := b.open[b.route]; r != nil {
			r.State = "replaced"
			delete(b.open, b.route)
		}
		b.route = e.ID()
	case engine.Notify:
		out.Effect, out.Urgency, out.Title = "notice", string(e.Notice.Urgency), clean(e.Notice.Title)
	}
	b.open[e.ID()] = out
	b.effects.add(out)
}

func (b *Builder) acknowledged(e engine.Acknowledged) {
	out := b.open[e.Effect]
	if out == nil {
		return
	}
	if e.Failure != nil {
		out.State, out.Failure = "failed", clean(e.Failure.Text)
		out.Failures++
	} else {
		done := e.At.UTC()
		out.State, out.Done, out.Failure = "done", &done, ""
	}
	if e.Failure == nil || out.Effect == "notice" {
		delete(b.open, e.Effect) // a weight that failed is tried again
	}
}

// ends keeps the first and the last of a long row.
type ends[T any] struct {
	most       int
	head, tail []T
	n          int
}

func (e *ends[T]) add(x T) {
	e.n++
	if len(e.head) < e.most/2 {
		e.head = append(e.head, x)
		return
	}
	if len(e.tail) == e.most {
		e.tail = append(e.tail[:0], e.tail[e.most-e.most/2:]...)
	}
	e.tail = append(e.tail, x)
}

// kept gives what is kept, in order, and how many are missing in the middle.
func (e *ends[T]) kept() ([]T, int) {
	tail := e.tail[max(0, len(e.tail)-e.most/2):]
	all := append(append(make([]T, 0, len(e.head)+len(tail)), e.head...), tail...)
	return all, e.n - len(all)
}
