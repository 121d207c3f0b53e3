package report_test

import (
	"reflect"
	"testing"

	"github.com/linnet-project/linnet/report"
)

// What a list is told of a release is what its record says.
func TestBrief(t *testing.T) {
	for name, story := range stories {
		w := story(t)
		want, got := w.report(), report.Brief(w.state)
		for _, of := range []struct {
			what      string
			got, want any
		}{
			{"sentence", got.Sentence, want.Sentence},
			{"where it is", []any{got.Outcome, got.Phase, got.Weight, got.Step}, []any{want.Outcome, want.Phase, want.Weight, want.Step}},
			{"steps", got.Steps, want.Steps},
			{"exposure", got.Exposure, want.Exposure},
			{"times", got.Times, want.Times},
		} {
			if !reflect.DeepEqual(of.got, of.want) {
				t.Errorf("%s, %s: %+v, want %+v", name, of.what, of.got, of.want)
			}
		}
		if want.Outcome == "running" && !reflect.DeepEqual(got.Standing, want.Standing) {
			t.Errorf("%s: it stands on %+v, want %+v", name, got.Standing, want.Standing)
		}
		if len(got.Decisions)+len(got.Effects) > 0 {
			t.Errorf("%s: decisions or effects are told", name)
		}
	}
}
