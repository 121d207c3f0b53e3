package report_test

import (
	"math"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

var start = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)

const every = 15 * time.Second

// behaviour is what one arm does to its requests.
type behaviour struct {
	errors float64 // share that fails
	slow   float64 // share that takes more than 250 ms
	cpu    float64
}

// world runs a release through the engine: looks at made-up traffic, does every
// effect at once, and keeps the records.
type world struct {
	t                   *testing.T
	state               engine.State
	records             []journal.Record
	now                 time.Time
	rate                float64 // requests a second of both arms
	baseline, candidate behaviour
	// eu, where set, is how the candidate fails in region=eu.
	eu     float64
	carry  map[string]float64
	absent bool // the source is down
}

func (w *world) step(e engine.Event) engine.Decision {
	s, d, effects := engine.Step(w.state, e)
	w.state = s
	w.records = append(w.records, journal.Record{Seq: s.Seq, At: s.Now, Event: e, Decision: d, Effects: effects})
	for _, e := range effects {
		w.step(engine.Acknowledged{At: s.Now.Add(200 * time.Millisecond), Effect: e.ID()})
	}
	return d
}

func begin(t *testing.T, p plan.Plan) *world {
	w := &world{
		t: t, now: start, rate: 500, carry: map[string]float64{},
		baseline:  behaviour{errors: 0.005, slow: 0.02, cpu: 0.5},
		candidate: behaviour{errors: 0.005, slow: 0.02, cpu: 0.5},
	}
	w.step(engine.Started{At: start, Attempt: 1, Plan: p, Salt: "salt", Epoch: 1, Methods: judge.Methods})
	return w
}

// whole turns an amount into events, and keeps what is left for the next look.
func (w *world) whole(key string, x float64) int64 {
	x += w.carry[key]
	n := math.Floor(x)
	w.carry[key] = x - n
	return int64(n)
}

func (w *world) look() engine.Decision {
	w.now = w.now.Add(every)
	e := engine.Looked{At: w.now, Window: release.Window{From: w.now.Add(-every), To: w.now}}
	if w.absent {
		for _, m := range w.state.Plan.Metrics {
			e.Problems = append(e.Problems, release.Problem{Metric: m.Name, Reason: release.Reason{
				Code: release.SourceDown, Text: m.Name + ": http://localhost:9090: connection refused"}})
		}
		return w.step(e)
	}
	share := float64(engine.CandidateWeight(w.state.Route)) / float64(release.Whole)
	e.Observations = append(w.observe(release.Baseline, 1-share, w.baseline, e.Window), w.observe(release.Candidate, share, w.candidate, e.Window)...)
	if w.candidate.errors > 0.01 && share > 0 {
		e.Exemplars = []string{"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"}
	}
	return w.step(e)
}

func (w *world) observe(arm string, share float64, b behaviour, in release.Window) []release.Observation {
	if share == 0 {
		return nil
	}
	var out []release.Observation
	for _, m := range w.state.Plan.Metrics {
		o := release.Observation{Metric: m.Name, Arm: arm, Window: in}
		n := math.Round(w.rate * every.Seconds() * share)
		switch m.Kind {
		case release.Ratio:
			o.Of = n
			if len(m.By) == 0 {
				o.Events = w.whole(m.Name+arm, n*b.errors)
				break
			}
			for _, region := range []string{"eu", "us"} {
				part := o
				part.Segment, part.Of = "region="+region, n/2
				failing := b.errors
				if region == "eu" && arm == release.Candidate && w.eu > 0 {
					failing = w.eu
				}
				part.Events = w.whole(m.Name+arm+region, n/2*failing)
				o.Events += part.Events
				out = append(out, part)
			}
		case release.Histogram:
			slow := w.whole(m.Name+arm, n*b.slow)
			fast := int64(n) - slow
			o.Bounds = []float64{0.1, 0.25, 1}
			o.Counts = []int64{fast / 2, fast - fast/2, slow - slow/10, slow / 10}
		case release.Gauge:
			wiggle := 0.01 * math.Sin(float64(w.state.Seq)*1.7+float64(len(arm)))
			o.Points = []float64{b.cpu + wiggle, b.cpu - wiggle/2}
		}
		out = append(out, o)
	}
	return out
}

// until looks until the release is in a phase, at most so many times.
func (w *world) until(most int, phases ...engine.Phase) *world {
	w.t.Helper()
	for range most {
		for _, p := range phases {
			if w.state.Phase == p {
				return w
			}
		}
		w.look()
	}
	w.t.Fatalf("after %d looks it is %q: %s", most, w.state.Phase, w.state.Why.Text)
	return w
}

func (w *world) looks(n int) *world {
	for range n {
		w.look()
	}
	return w
}

func (w *world) order(verb engine.Verb, who, why string) {
	w.now = w.now.Add(time.Second)
	w.step(engine.Commanded{At: w.now, ID: who + string(verb), Verb: verb, Who: who, Reason: why})
}

func (w *world) report() report.Release {
	b := report.New()
	for _, rec := range w.records {
		b.Add(rec)
	}
	return b.Finish(w.state)
}

// errorsMetric, latencyMetric and cpuMetric are declared as a file's defaults
// would.
func errorsMetric() release.Metric {
	return release.Metric{
		Name: "errors", Kind: release.Ratio, Worse: release.Higher, Severity: release.Guardrail, Method: release.Sequential,
		Events: `http_requests_total{status=~"5.."}`, Of: "http_requests_total", Tolerance: 0.1,
	}
}

func latencyMetric() release.Metric {
	return release.Metric{
		Name: "latency", Kind: release.Histogram, Worse: release.Higher, Severity: release.Guardrail, Method: release.Sequential,
		Events: "http_request_duration_seconds", Tolerance: 0.05,
	}
}

func cpuMetric() release.Metric {
	return release.Metric{
		Name: "cpu", Kind: release.Gauge, Worse: release.Higher, Severity: release.Warning, Method: release.Sequential,
		Events: "process_cpu_cores", Tolerance: 0.2,
	}
}

func checkout(metrics ...release.Metric) plan.Plan {
	return plan.Plan{
		Name: "checkout-1.5.0", Service: "checkout", Hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		Arms: []release.Arm{
			{Name: release.Baseline, Version: "1.4.1", Commit: "8b3f1c2"},
			{Name: release.Candidate, Version: "1.5.0", Commit: "d41c9aa", Image: "registry.example/checkout@sha256:1b4f"},
		},
		Steps: []plan.Step{
			{Weight: 1_000, AtLeast: time.Minute, AtMost: time.Hour},
			{Weight: 10_000, AtLeast: time.Minute, AtMost: time.Hour},
			{Weight: 50_000, AtLeast: time.Minute, AtMost: time.Hour},
		},
		Metrics: metrics, Every: every, BlindFor: 10 * time.Minute, FalseRollback: 0.01,
		Watch: time.Minute, Recovery: time.Minute,
		Links: []release.Link{{Name: "runbook", URL: "https://wiki.example/checkout?x=1&y=(2)"}},
	}
}

// The stories that the golden files tell.

// badErrors: the candidate fails ten times as often and is found out.
func badErrors(t *testing.T) *world {
	w := begin(t, checkout(errorsMetric(), latencyMetric()))
	w.candidate.errors = 0.05
	return w.until(60, engine.RolledBack)
}

// badLatency: nothing fails, but the candidate is slow at the second step.
func badLatency(t *testing.T) *world {
	w := begin(t, checkout(errorsMetric(), latencyMetric()))
	w.until(200, engine.Shifting, engine.Observing)
	for range 400 {
		if w.state.Step == 1 {
			break
		}
		w.look()
	}
	w.candidate.slow = 0.1
	return w.until(60, engine.RollingBack, engine.Recovering)
}

// promotion: a good candidate goes all the way.
func promotion(t *testing.T) *world {
	w := begin(t, checkout(errorsMetric(), latencyMetric()))
	w.rate = 5000
	return w.until(400, engine.Promoted)
}

// abortion: a person ends it.
func abortion(t *testing.T) *world {
	w := begin(t, checkout(errorsMetric(), latencyMetric()))
	w.looks(3)
	w.order(engine.Pause, "ann", "deploy freeze")
	w.looks(2)
	w.order(engine.Abort, "bob", "the database migration was forgotten")
	return w.looks(1)
}

// waiting: with a segment, a gauge and a limit, it waits for an approval.
func waiting(t *testing.T) *world {
	errors, limited := errorsMetric(), errorsMetric()
	errors.By = []string{"region"}
	limited.Name, limited.Limit, limited.LimitOnly = "availability", &release.Limit{Value: 0.03}, true
	p := checkout(errors, limited, latencyMetric(), cpuMetric())
	p.Steps[1].Approval = release.Approval{From: "release-managers", Quorum: 1}
	p.WarmUp = time.Minute
	w := begin(t, p)
	w.rate = 5000
	return w.until(400, engine.Waiting).looks(2)
}

// segment: one region fails.
func segment(t *testing.T) *world {
	errors := errorsMetric()
	errors.By = []string{"region"}
	w := begin(t, checkout(errors, latencyMetric()))
	w.eu = 0.08
	return w.until(200, engine.RollingBack, engine.Recovering)
}

// blind: the source goes down in the middle.
func blind(t *testing.T) *world {
	w := begin(t, checkout(errorsMetric(), latencyMetric()))
	w.looks(4)
	w.absent = true
	return w.looks(3)
}

var stories = map[string]func(*testing.T) *world{
	"errors": badErrors, "latency": badLatency, "promoted": promotion, "aborted": abortion,
	"waiting": waiting, "segment": segment, "blind": blind,
}
