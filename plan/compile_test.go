package plan

import (
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

func example(t *testing.T) spec.File {
	t.Helper()
	text, err := os.ReadFile("../spec/testdata/checkout.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f, err := spec.Parse("checkout.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestCompile(t *testing.T) {
	f := example(t)
	p := Compile(f)
	if len(p.Arms) != 2 || p.Arms[0].Name != release.Baseline || p.Arms[1].Name != release.Candidate {
		t.Errorf("arms are %+v, want baseline first", p.Arms)
	}
	last := Step{Weight: 50_000, AtLeast: 10 * time.Minute, AtMost: time.Hour, Approval: release.Approval{From: "release-managers", Quorum: 1}, AtDeadline: Ask}
	if len(p.Steps) != 3 || p.Steps[2] != last || p.Steps[0].AtDeadline != Hold {
		t.Errorf("steps are %+v", p.Steps)
	}
	if p.Lease != time.Minute || p.RollbackOver != 30*time.Second || p.Hash != f.Hash {
		t.Errorf("lease %v, rollback over %v, hash %s", p.Lease, p.RollbackOver, p.Hash)
	}
}

// A field of the plan that Compile forgets would be a default left open.
func TestCompileFillsEveryField(t *testing.T) {
	f := example(t)
	f.Traffic.Several = []spec.Traffic{{Proxy: f.Traffic.Proxy}, {ALB: &spec.ALB{}}, {Exec: &spec.Exec{Own: spec.Own{Grain: 1000, Asks: spec.Asks{
		Testers: release.Testers{Header: "X-Arm"}, Sticky: release.Sticky{Cookie: "user"}, Mirror: 1000,
	}}}}}
	v := reflect.ValueOf(Compile(f))
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is not filled in", v.Type().Field(i).Name)
		}
	}
}

func TestCompileWithoutAProviderThatLeases(t *testing.T) {
	f := example(t)
	f.Traffic.Proxy = nil
	if p := Compile(f); p.Lease != 0 {
		t.Errorf("lease is %v, want none", p.Lease)
	}
}
