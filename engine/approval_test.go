package engine

import (
	"testing"
	"time"

	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// Approvals belong to an attempt: another one, of a changed file or the same,
// begins with none, whatever was approved before.
func TestAnotherAttemptStartsWithoutApprovals(t *testing.T) {
	p := plan.Plan{Name: "checkout", Service: "shop", Arms: arms, Every: 15 * time.Second,
		Approval: release.Approval{From: "managers", Quorum: 2},
		Steps:    []plan.Step{{Weight: 1000, Approval: release.Approval{From: "sre", Quorum: 1}}}}
	order := func(s State, id, who string) (State, Decision) {
		s, d, _ := Step(s, Commanded{At: noon, ID: id, Verb: Approve, Who: who, Groups: []string{"managers", "sre"}})
		return s, d
	}
	first, _, _ := Step(State{}, Started{At: noon, Attempt: 1, Plan: p, By: "sue"})
	first, _ = order(first, "1", "ann")
	first, _ = order(first, "2", "bob")
	if asked, ok := first.Asked(); !ok || asked.Gate != 1 {
		t.Fatalf("with both approvals of the release it asks for %+v", asked)
	}
	if s, d := order(first, "3", "ann"); d.Kind != Forward || CandidateWeight(s.Route) != 1000 {
		t.Fatalf("approved, it came to %s: %s", d.Kind, d.Reason.Text)
	}
	p.Hash = "another file's"
	again, _, _ := Step(State{}, Started{At: noon, Attempt: 2, Plan: p, By: "sue"})
	if asked, ok := again.Asked(); !ok || asked.Gate != 0 || asked.Missing != 2 || len(asked.Given) != 0 {
		t.Errorf("the second attempt asks for %+v", asked)
	}
}

// Where an approval needs a reason, the command that people are told has room for it.
func TestTheCommandToApproveAsksForAReason(t *testing.T) {
	for comment, want := range map[bool]string{true: "linnet release approve checkout --reason WHY", false: "linnet release approve checkout"} {
		p := plan.Plan{Name: "checkout", Service: "shop", Arms: arms, Every: 15 * time.Second,
			Steps: []plan.Step{{Weight: 1000, Approval: release.Approval{From: "sre", Quorum: 1, Comment: comment}}}}
		_, _, effects := Step(State{}, Started{At: noon, Attempt: 1, Plan: p, By: "sue"})
		if n, ok := effects[len(effects)-1].(Notify); !ok || n.Notice.Happening != release.ToldApproval || n.Notice.Next != want {
			t.Errorf("with a reason %v it asks by %+v", comment, effects)
		}
	}
}

// What was recorded before approvals had a quorum is read by the rules of then.
func TestAnOldRecordsApproval(t *testing.T) {
	p := plan.Plan{Name: "checkout", Service: "shop", Arms: arms, Every: 15 * time.Second,
		Steps: []plan.Step{{Weight: 1000, Approval: release.Approval{From: "managers"}}}}
	s, _, _ := Step(State{}, Started{At: noon, Attempt: 1, Plan: p})
	if _, d, _ := Step(s, Commanded{At: noon, ID: "1", Verb: Approve, Who: "ann"}); d.Kind != Forward {
		t.Errorf("an approval of old came to %s: %s", d.Kind, d.Reason.Text)
	}
	if _, d, _ := Step(s, Commanded{At: noon, ID: "1", Verb: Advance, Who: "ann"}); d.Kind != Forward {
		t.Errorf("an advance of old came to %s: %s", d.Kind, d.Reason.Text)
	}
}
