package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

func posInf() float64 { return math.Inf(1) }

// The journal keeps a glance of a quiet look's verdict; the report of what was
// decided is the same from it.
func TestFromTheJournal(t *testing.T) {
	for name, story := range stories {
		w := story(t)
		want := w.report()
		for i := range w.records {
			d := &w.records[i].Decision
			if d.Kind == engine.Stay && d.Verdict != nil {
				glance := *d.Verdict
				glance.Comparisons = nil
				for _, c := range d.Verdict.Comparisons {
					if c.Metric == glance.Metric && c.Segment == glance.Segment {
						glance.Comparisons = []judge.Comparison{{Metric: c.Metric, Segment: c.Segment, LogE: c.LogE, LogThreshold: c.LogThreshold}}
						break
					}
				}
				d.Verdict = &glance
			}
		}
		got := w.report()
		if got.Sentence != want.Sentence || got.Outcome != want.Outcome || len(got.Decisions) != len(want.Decisions) {
			t.Errorf("%s: from the journal %q, from the engine %q", name, got.Sentence, want.Sentence)
		}
		if name != "aborted" && len(got.Standing) != len(want.Standing) {
			t.Errorf("%s: %d comparisons from the journal, %d from the engine", name, len(got.Standing), len(want.Standing))
		}
	}
}

// A person's order is shown with the figures that stood when it was given.
func TestAnOrderHasItsFigures(t *testing.T) {
	r := abortion(t).report()
	last := r.Decisions[len(r.Decisions)-1]
	if last.Who != "bob" || last.Decision != "roll-back" || len(last.Comparisons) != 2 || last.Comparisons[0].Candidate.N != 375 {
		t.Errorf("the abort is %+v", last)
	}
	if r.Outcome != "aborted" || r.Ended {
		t.Errorf("outcome %q, ended %v", r.Outcome, r.Ended)
	}
}

func TestTheWorstIsOnTop(t *testing.T) {
	r := segment(t).report()
	if c := r.Standing[0]; c.Verdict != "fail" || c.Segment != "region=eu" || c.Evidence.Progress != 1 {
		t.Errorf("on top is %+v", c)
	}
	for i, c := range r.Standing[1:] {
		if c.Segment == "" && i > 0 && r.Standing[i].Segment != "" {
			t.Errorf("a segment that does not fail stands above %s as a whole", c.Metric)
		}
	}
}

func TestHarm(t *testing.T) {
	r := badErrors(t).report()
	h := r.Harm
	if h == nil || h.Bad != r.Exposure.Bad || h.Requests != r.Exposure.Requests || h.What != "failed" {
		t.Fatalf("errors: %+v of %+v", h, r.Exposure)
	}
	if n := float64(h.Requests); math.Abs(float64(h.Bad)-0.05*n) > 1 || math.Abs(h.Excess-0.045*n) > 1 {
		t.Errorf("errors: %+v", h) // 5 % fail where 0.5 % would have
	}
	h = badLatency(t).report().Harm
	if h == nil || h.Metric != "latency" || h.What != "took more than 250 ms" || h.Excess < 50 {
		t.Errorf("latency: %+v", h)
	}
	w := promotion(t)
	if h := w.report().Harm; h == nil || h.Excess > 1 {
		t.Errorf("a good release did harm: %+v", h)
	}
	if r := begin(t, checkout(latencyMetric())).looks(3).report(); r.Harm != nil || r.Exposure.Metric != "" {
		t.Errorf("nothing counts failures, and yet: %+v, %+v", r.Harm, r.Exposure)
	}
}

// What was promoted and taken back counts with all that it got.
func TestExposureAfterATakeBack(t *testing.T) {
	w := begin(t, checkout(errorsMetric(), latencyMetric()))
	w.rate = 5000
	w.until(400, engine.Watching)
	before := w.report().Exposure.Requests
	w.looks(2)
	if now := w.report().Exposure.Requests; now != before {
		t.Errorf("exposure grew from %d to %d after the promotion", before, now)
	}
	w.order(engine.Abort, "ann", "")
	r := w.report()
	if want := before + 2*15*5000; r.Exposure.Requests != want || r.Outcome != "aborted" {
		t.Errorf("%s with an exposure of %d, want %d", r.Outcome, r.Exposure.Requests, want)
	}
}

// A metric whose more is better counts what is missing.
func TestHarmWhereLowerIsWorse(t *testing.T) {
	m := errorsMetric()
	m.Name, m.Worse = "logins", release.Lower
	w := begin(t, checkout(m))
	w.baseline.errors, w.candidate.errors = 0.99, 0.8 // shares that go well
	r := w.until(60, engine.RollingBack, engine.Recovering).report()
	if r.Harm == nil || float64(r.Harm.Bad)/float64(r.Harm.Requests) < 0.15 || r.Harm.Excess < 10 {
		t.Errorf("harm %+v", r.Harm)
	}
}

func TestEffects(t *testing.T) {
	p := checkout(errorsMetric())
	w := &world{t: t, now: start, carry: map[string]float64{}}
	step := func(e engine.Event) []engine.Effect {
		s, d, effects := engine.Step(w.state, e)
		w.state = s
		w.records = append(w.records, journal.Record{Seq: s.Seq, At: s.Now, Event: e, Decision: d, Effects: effects})
		return effects
	}
	first := step(engine.Started{At: start, Attempt: 1, Plan: p, Methods: 1})[0]
	for i := range 3 {
		step(engine.Acknowledged{At: start.Add(time.Duration(i) * time.Second), Effect: first.ID(),
			Failure: &release.Reason{Code: release.ProviderFails, Text: "http://127.0.0.1:9: connection refused"}})
	}
	r := w.report()
	if e := r.Effects[0]; e.State != "failed" || e.Failures != 3 || !strings.Contains(e.Failure, "refused") {
		t.Errorf("the weight that cannot be set is %+v", e)
	}
	if n := len(r.Effects); n != 2 || r.Effects[1].Effect != "notice" || r.Effects[1].State != "pending" {
		t.Errorf("%d effects: %+v", n, r.Effects)
	}
	text, _, _ := rendered(t, r)
	if !strings.Contains(text, "failed 3 times") {
		t.Errorf("the text does not tell of the failing provider:\n%s", text)
	}
	step(engine.Commanded{At: start.Add(time.Minute), ID: "1", Verb: engine.Abort, Who: "ann"})
	if e := w.report().Effects[0]; e.State != "replaced" {
		t.Errorf("after the abort the first weight is %q", e.State)
	}
}

// Thousands of decisions: the first and the last are kept, and counted.
func TestVeryLong(t *testing.T) {
	w := begin(t, checkout(errorsMetric()))
	b := report.New()
	for _, rec := range w.records {
		b.Add(rec)
	}
	const n = 20_000
	s := w.state
	for i := range n {
		verb := engine.Pause
		if i%2 == 1 {
			verb = engine.Resume
		}
		e := engine.Commanded{At: start.Add(time.Duration(i) * time.Second), ID: fmt.Sprint(i), Verb: verb, Who: "ann"}
		next, d, effects := engine.Step(s, e)
		s = next
		b.Add(journal.Record{Seq: s.Seq, At: s.Now, Event: e, Decision: d, Effects: effects})
	}
	r := b.Finish(s)
	if len(r.Decisions) != 1000 || r.DecisionsOmitted != n+1-1000 {
		t.Fatalf("%d decisions kept, %d omitted", len(r.Decisions), r.DecisionsOmitted)
	}
	if r.Decisions[0].Decision != "start" || r.Decisions[999].Seq != s.Seq || r.Decisions[500].Seq != s.Seq-499 {
		t.Errorf("kept are %d … %d, %d … %d", r.Decisions[0].Seq, r.Decisions[499].Seq, r.Decisions[500].Seq, r.Decisions[999].Seq)
	}
	text, markdown, _ := rendered(t, r)
	if len(text) > 20_000 || !strings.Contains(text, "19,961 more") {
		t.Errorf("the text has %d bytes:\n%.3000s", len(text), text)
	}
	if len(markdown) > 60_000 || !strings.Contains(markdown, "19,941 earlier ones") {
		t.Errorf("the comment has %d bytes", len(markdown))
	}
}

func TestJSONFormIsStable(t *testing.T) {
	_, _, form := rendered(t, segment(t).report())
	var back report.Release
	d := json.NewDecoder(strings.NewReader(form))
	d.DisallowUnknownFields()
	if err := d.Decode(&back); err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := report.JSON(&again, back); err != nil {
		t.Fatal(err)
	}
	if again.String() != form {
		t.Error("a report read back is written differently")
	}
}

// Weights that the provider has not confirmed are not told as if it had.
func TestWeightsThatAreNotServedYet(t *testing.T) {
	r := segment(t).report()
	for _, served := range []bool{true, false} {
		r.Served = served
		text, _, _ := rendered(t, r)
		if told := strings.Contains(text, "has not confirmed these weights yet"); told == served {
			t.Errorf("served %t is told as\n%s", served, text)
		}
	}
}

// What a candidate did before the release is told by the first look, for the
// judge; it is neither exposure nor harm of this release.
func TestExposureLeavesThePastOut(t *testing.T) {
	w := begin(t, checkout(errorsMetric()))
	w.now = w.now.Add(every)
	now := release.Window{From: w.now.Add(-every), To: w.now}
	e := engine.Looked{At: w.now, Window: now}
	for _, in := range []release.Window{{From: now.From.Add(-every), To: now.From}, now} {
		for _, arm := range []string{release.Baseline, release.Candidate} {
			e.Observations = append(e.Observations, release.Observation{Metric: "errors", Arm: arm, Window: in, Events: 1, Of: 100})
		}
	}
	w.step(e)
	if got := w.report().Exposure; got.Requests != 100 || got.Bad != 1 {
		t.Errorf("exposure %+v, want 100 requests and 1 bad", got)
	}
}
