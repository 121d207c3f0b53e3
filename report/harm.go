package report

import (
	"fmt"
	"math"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
)

// tally is bad requests out of all.
type tally struct{ bad, of float64 }

func (t *tally) add(o tally) { t.bad += o.bad; t.of += o.of }

// traffic sums what one metric counted of both arms over a release.
type traffic struct {
	metric *release.Metric
	// candidate is all that the candidate got before its promotion, after what
	// it got since; the baseline's counts where both had traffic.
	candidate, after, baseline tally
	promoted                   bool
}

// newTraffic watches the first ratio that is a guardrail, else the first ratio.
func newTraffic(metrics []release.Metric) traffic {
	var t traffic
	for i := range metrics {
		m := &metrics[i]
		if m.Kind == release.Ratio && (t.metric == nil ||
			t.metric.Severity != release.Guardrail && m.Severity == release.Guardrail) {
			t.metric = m
		}
	}
	return t
}

func (t *traffic) decided(kind engine.DecisionKind) {
	if kind == engine.Promote {
		t.promoted = true
		return
	}
	t.candidate.add(t.after) // promoted and taken back: all of it was exposure
	t.after, t.promoted = tally{}, false
}

// add takes the windows of one look.
func (t *traffic) add(e engine.Looked) {
	if t.metric == nil {
		return
	}
	for i := range e.Observations {
		o := &e.Observations[i]
		if o.Metric != t.metric.Name || o.Segment != "" || o.Arm != release.Candidate || !o.Window.To.After(e.Window.From) {
			continue // the first look tells the past as well, which is no part of the release
		}
		got := t.count(o)
		if t.promoted {
			t.after.add(got)
			continue
		}
		t.candidate.add(got)
		for j := range e.Observations {
			a := &e.Observations[j]
			if got.of > 0 && a.Metric == o.Metric && a.Segment == "" && a.Arm == release.Baseline && a.Window == o.Window {
				t.baseline.add(t.count(a))
			}
		}
	}
}

func (t *traffic) count(o *release.Observation) tally {
	got := tally{bad: float64(o.Events), of: math.Max(o.Of, float64(o.Events))}
	if t.metric.Worse == release.Lower {
		got.bad = got.of - got.bad
	}
	if math.IsNaN(got.of) || math.IsInf(got.of, 0) {
		return tally{}
	}
	return got
}

func (t *traffic) exposure() Exposure {
	if t.metric == nil {
		return Exposure{}
	}
	return Exposure{
		Metric: clean(t.metric.Name), Requests: int64(math.Round(t.candidate.of)), Bad: int64(math.Round(t.candidate.bad)),
	}
}

// harm tells what the candidate did to its requests, nil where nothing counted
// them. A rollback over a histogram is told by that histogram: its requests
// were slow, not failed.
func (b *Builder) harm(metrics []release.Metric) *Harm {
	if d := b.decided; d != nil && d.Decision == string(engine.RollBack) && d.Verdict == string(judge.Fail) {
		if h := slowHarm(metrics, d); h != nil {
			return h
		}
	}
	t := &b.traffic
	if t.metric == nil || t.candidate.of <= 0 || t.baseline.of <= 0 {
		return nil
	}
	return harmOf(Harm{
		Metric: clean(t.metric.Name), What: "failed",
		Requests: int64(math.Round(t.candidate.of)), Bad: int64(math.Round(t.candidate.bad)),
		Expected: t.candidate.of * t.baseline.bad / t.baseline.of,
	})
}

// slowHarm is the harm told by the histogram that decided, as a whole where it
// was compared as a whole.
func slowHarm(metrics []release.Metric, d *Decision) *Harm {
	var found *Comparison
	for i := range d.Comparisons {
		c := &d.Comparisons[i]
		if c.Metric == d.Metric && c.Against == againstBaseline && c.Bound != nil && (found == nil || c.Segment == "") {
			found = c
		}
	}
	if found == nil || found.Baseline.Value == nil {
		return nil
	}
	what := "were above "
	if found.Worse == string(release.Lower) {
		what = "were at or below "
	} else if found.Unit == "s" {
		what = "took more than "
	}
	return harmOf(Harm{
		Metric: found.Metric, What: what + bound(*found.Bound, found.Unit),
		Requests: found.Candidate.N, Bad: found.Candidate.Events,
		Expected: float64(found.Candidate.N) * *found.Baseline.Value,
	})
}

// harmOf fills in what follows from the counts.
func harmOf(h Harm) *Harm {
	h.Expected = math.Round(h.Expected*100) / 100
	h.Excess = math.Max(0, math.Round((float64(h.Bad)-h.Expected)*100)/100)
	switch {
	case h.Bad == 0:
		h.Text = fmt.Sprintf("none of the candidate's %s requests %s", count(h.Requests), h.What)
	case h.Excess < 0.5:
		h.Text = fmt.Sprintf("%s of the candidate's %s requests %s, no more than the baseline's rate would have given (%s)",
			count(h.Bad), count(h.Requests), h.What, number(h.Expected))
	default:
		h.Text = fmt.Sprintf("about %s requests were harmed: %s of the candidate's %s measured so far %s, where the baseline's rate gives %s",
			count(int64(math.Round(h.Excess))), count(h.Bad), count(h.Requests), h.What, number(h.Expected))
	}
	return &h
}
