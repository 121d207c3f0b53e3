package judge_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// tale is a release, with what led to it.
type tale struct {
	state     engine.State
	events    []engine.Event
	decisions []engine.Decision
	failedAt  int // the look that failed, from 1; 0 for none
}

func (s *tale) step(e engine.Event) []engine.Effect {
	var d engine.Decision
	var effects []engine.Effect
	s.state, d, effects = engine.Step(s.state, e)
	s.events, s.decisions = append(s.events, e), append(s.decisions, d)
	return effects
}

// look observes half as many errors again at the candidate, as many requests
// each time.
func (s *tale) look(n int) {
	const every = 15 * time.Second
	to := noon.Add(time.Duration(n) * every)
	w := release.Window{From: to.Add(-every), To: to}
	side := func(arm string, events int64) release.Observation {
		return release.Observation{Metric: "errors", Arm: arm, Window: w, Events: events, Of: 1000}
	}
	s.step(engine.Looked{At: to, Window: w, Observations: []release.Observation{side(release.Baseline, 20), side(release.Candidate, 30)}})
	if s.state.Harmed && s.failedAt == 0 {
		s.failedAt = n
	}
}

func begun(methods int) *tale {
	s := &tale{}
	p := plan.Plan{
		Name: "checkout", Service: "shop", Every: 15 * time.Second, FalseRollback: 0.01, BlindFor: time.Hour,
		Arms:    []release.Arm{{Name: release.Baseline}, {Name: release.Candidate}},
		Steps:   []plan.Step{{Weight: release.Whole / 2, AtLeast: time.Hour, AtMost: 2 * time.Hour}},
		Metrics: []release.Metric{{Name: "errors", Kind: release.Ratio, Worse: release.Higher, Severity: release.Guardrail, Method: release.Sequential, Tolerance: 0.05}},
	}
	route := s.step(engine.Started{At: noon, Attempt: 1, Plan: p, Salt: "salt", Epoch: 1, Methods: methods})[0]
	s.step(engine.Acknowledged{At: noon, Effect: route.ID()})
	return s
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// Two releases that began by different versions go on side by side, each judged
// by its own, and so they are replayed.
func TestEachReleaseIsJudgedByTheMethodsItBeganWith(t *testing.T) {
	const coming = judge.Methods + 1
	if err := judge.Carried(coming); !errors.Is(err, release.ErrInvalid) {
		t.Fatalf("methods that are not there: %v", err)
	}
	judge.CarryStrict(t, coming)
	now, then := begun(judge.Methods), begun(coming)
	for n := 1; n <= 200; n++ {
		now.look(n)
		then.look(n)
	}
	if now.failedAt == 0 || then.failedAt <= now.failedAt {
		t.Errorf("failed at look %d by version %d, at %d by the stricter version %d", now.failedAt, judge.Methods, then.failedAt, coming)
	}
	for _, told := range []*tale{now, then} {
		again := &tale{}
		for _, e := range told.events {
			again.step(e)
		}
		if !reflect.DeepEqual(again.state, told.state) || !reflect.DeepEqual(again.decisions, told.decisions) {
			t.Errorf("version %d: a replay comes to something else", told.state.Methods)
		}
	}
}

// What new releases begin by is carried, or none could run.
func TestNewReleasesBeginByCarriedMethods(t *testing.T) {
	for _, version := range []int{0, judge.Methods} {
		if err := judge.Carried(version); err != nil {
			t.Error(err)
		}
	}
}
