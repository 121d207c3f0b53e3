package journal

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// A release that is really judged: what is loaded, with and without a
// snapshot, is the state that was recorded with the last record.
func testLoadGivesTheEnginesState(t *testing.T, w world) {
	with := quick()
	with.every = 10
	s := w.open(t, with)
	first := beginning(checkout)
	started := first.Event.(engine.Started)
	started.Plan.Metrics = []release.Metric{
		{Name: "errors", Kind: release.Ratio, Worse: release.Higher, Severity: release.Guardrail, Method: release.Sequential, Tolerance: 0.1},
		{Name: "latency", Kind: release.Histogram, Worse: release.Higher, Severity: release.Guardrail, Method: release.Sequential, Tolerance: 0.05},
		{Name: "cpu", Kind: release.Gauge, Worse: release.Higher, Severity: release.Warning, Method: release.Sequential, Tolerance: 0.1},
	}
	started.Plan.Arms = []release.Arm{{Name: release.Baseline}, {Name: release.Candidate}}
	started.Plan.Every, started.Plan.BlindFor, started.Plan.FalseRollback = 15*time.Second, time.Hour, 0.01
	started.Plan.Steps = []plan.Step{{Weight: 1_000, AtLeast: time.Hour, AtMost: 2 * time.Hour, AtDeadline: plan.Hold}}

	var state engine.State
	step := func(event engine.Event) {
		t.Helper()
		next, decision, effects := engine.Step(state, event)
		rec := Record{Seq: next.Seq, At: engine.When(event), Event: event, Decision: decision, Effects: effects}
		var err error
		if next.Seq == 1 {
			err = s.Begin(t.Context(), checkout, []byte(fileOfCheckout), rec, &next)
		} else {
			err = s.Append(t.Context(), checkout, state.Seq, rec, &next)
		}
		if err != nil {
			t.Fatal(err)
		}
		state = next
	}
	step(started)
	if state.Pending.Route != nil {
		step(engine.Acknowledged{At: day, Effect: state.Pending.Route.Effect})
	}
	random := rand.New(rand.NewPCG(21, 22))
	for state.Seq < 35 {
		step(quietLook(random, state.Seq+1).Event)
	}
	if len(state.Last.Comparisons) < len(started.Plan.Metrics) {
		t.Fatalf("nothing was judged: phase %s, %+v", state.Phase, state.Last)
	}

	fold := func(s engine.State, e engine.Event) engine.State {
		next, _, _ := engine.Step(s, e)
		return next
	}
	var snapshots int
	if err := ask(t, s.Reader, `SELECT count(*) FROM snapshots WHERE seq = 30`, &snapshots); err != nil || snapshots != 1 {
		t.Errorf("%d snapshots after record 30, %v; want 1", snapshots, err)
	}
	thawed, _, err := s.Load(t.Context(), checkout, fold)
	if err != nil {
		t.Fatal(err)
	}
	tamper(t, s, `DELETE FROM snapshots`)
	folded, _, err := s.Load(t.Context(), checkout, fold)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(thawed, folded) {
		t.Errorf("from the snapshot the state is\n%+v\nfrom the records\n%+v", thawed, folded)
	}
	if !reflect.DeepEqual(folded.Judge, state.Judge) || !reflect.DeepEqual(folded.Last, state.Last) || folded.Phase != state.Phase {
		t.Errorf("loaded the state is\n%+v\nwhen recorded it was\n%+v", folded, state)
	}
}
