package rows_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/release"
)

var (
	arms = []release.Arm{
		{Name: release.Baseline, Version: "1.4", Labels: map[string]string{"track": "stable", "app": "shop"}},
		{Name: release.Candidate, Version: "1.5", Labels: map[string]string{"track": "canary", "app": "shop"}},
	}
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	hour = release.Window{From: noon, To: noon.Add(time.Hour)}
)

func query(kind release.Kind, of string, by ...string) release.Query {
	return release.Query{Metric: release.Metric{Name: "m", Kind: kind, Events: "e", Of: of, By: by}, Arms: arms, Windows: []release.Window{hour}}
}

func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

func observe(t *testing.T, q release.Query, all ...rows.Row) release.Answer {
	t.Helper()
	a, err := rows.Observe(q, all)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestArmOf(t *testing.T) {
	for text, want := range map[string]int{
		"baseline": 0, "candidate": 1, "1.4": 0, "1.5": 1, "stable": 0, "canary": 1,
		"shop": -1 /* both */, "": -1, "other": -1,
	} {
		if got := rows.ArmOf(arms, text); got != want {
			t.Errorf("%q: arm %d, want %d", text, got, want)
		}
	}
}

// A row belongs to the window that its stretch ends in; the ends of windows are
// the last instant of the earlier one.
func TestRowsCountOnceBetweenWindows(t *testing.T) {
	q := query(release.Count, "")
	q.Windows = []release.Window{{From: at(0), To: at(10)}, {From: at(10), To: at(20)}}
	var all []rows.Row
	for m := 0; m <= 30; m += 5 {
		all = append(all, rows.Row{To: at(m), Value: 1})
	}
	a := observe(t, q, all...)
	if len(a.Observations) != 2 || a.Observations[0].Events != 2 || a.Observations[1].Events != 2 {
		t.Errorf("got %+v, want two events in each window", a.Observations)
	}
}

func TestNumbersThatCannotBe(t *testing.T) {
	a := observe(t, query(release.Ratio, "o"),
		rows.Row{To: at(1), Role: rows.Of, Value: 10}, rows.Row{To: at(1), Role: rows.Of, Value: -1},
		rows.Row{To: at(1), Role: rows.Of, Value: math.NaN()}, rows.Row{To: at(1), Role: rows.Of, Value: math.Inf(1)},
		rows.Row{To: at(1), Role: rows.Of, Value: 1e300}, rows.Row{To: at(1), Value: 3})
	if len(a.Observations) != 1 || a.Observations[0].Of != 10 || a.Observations[0].Events != 3 {
		t.Errorf("got %+v", a.Observations)
	}
	warned(t, a, "4 rows hold no number that can be")
}

func warned(t *testing.T, a release.Answer, text string) {
	t.Helper()
	if !strings.Contains(strings.Join(a.Warnings, "\n"), text) {
		t.Errorf("no warning says %q: %q", text, a.Warnings)
	}
}

func TestBadThatIsNotAmongAll(t *testing.T) {
	a := observe(t, query(release.Ratio, "o"), rows.Row{To: at(1), Role: rows.Of, Value: 5}, rows.Row{To: at(1), Value: 8})
	if o := a.Observations[0]; o.Events != 5 || o.Of != 5 {
		t.Errorf("got %+v, want 5 of 5", o)
	}
	warned(t, a, "of must count the bad ones, too")
	a = observe(t, query(release.Ratio, "o"), rows.Row{To: at(1), Value: 8})
	if len(a.Observations) != 0 {
		t.Errorf("got %+v, want nothing of bad ones without all", a.Observations)
	}
	warned(t, a, "rows of bad but none of of")
}

func TestCountWithItsExposure(t *testing.T) {
	a := observe(t, query(release.Count, "o"), rows.Row{To: at(1), Arm: 1, Role: rows.Of, Value: 2.5}, rows.Row{To: at(2), Arm: 1, Role: rows.Of, Value: 2.5})
	if len(a.Observations) != 1 || a.Observations[0].Arm != release.Candidate || a.Observations[0].Of != 5 || a.Observations[0].Events != 0 {
		t.Errorf("got %+v, want no event in an exposure of 5", a.Observations)
	}
}

func TestBucketsThatDiffer(t *testing.T) {
	bucket := func(arm int, bound, n float64) rows.Row {
		return rows.Row{To: at(1), Arm: arm, Role: rows.Bucket, Bound: bound, Value: n}
	}
	a := observe(t, query(release.Histogram, ""),
		bucket(0, 1, 3), bucket(0, 2, 4), bucket(0, math.Inf(1), 5), bucket(1, 2, 6), bucket(1, 4, 7))
	want := [][]int64{{7, 5}, {6, 7}}
	for i, o := range a.Observations {
		if !reflect.DeepEqual(o.Bounds, []float64{2}) || !reflect.DeepEqual(o.Counts, want[i]) {
			t.Errorf("%s: %v %v, want %v below and above 2", o.Arm, o.Bounds, o.Counts, want[i])
		}
	}
	warned(t, a, "different buckets")
}

func TestSampledRowsTellWhatWasKept(t *testing.T) {
	a := observe(t, query(release.Ratio, "o"),
		rows.Row{To: at(1), Role: rows.Of, Value: 1000, Kept: 0.1}, rows.Row{To: at(1), Role: rows.Of, Value: 50, Kept: 1},
		rows.Row{To: at(1), Value: 20}, rows.Row{To: at(1), Arm: 1, Role: rows.Of, Value: 70})
	if o := a.Observations[0]; o.Of != 1050 || o.Kept != (release.Kept{Events: 20, Of: 150}) {
		t.Errorf("got %+v, want 1050 of which 150 were kept", o)
	}
	if o := a.Observations[1]; o.Kept != (release.Kept{}) {
		t.Errorf("got %+v, want nothing about what was kept where all was", o)
	}
}

func TestSegmentsOfSeveralLabels(t *testing.T) {
	row := rows.Row{To: at(1), Role: rows.Of, Value: 1, Labels: map[string]string{"region": "eu", "device": "tv"}}
	half := row
	half.Labels = map[string]string{"region": "eu"}
	a := observe(t, query(release.Ratio, "o", "device", "region"), row, half)
	if len(a.Observations) != 2 || a.Observations[0].Of != 2 || a.Observations[1].Segment != "device=tv,region=eu" || a.Observations[1].Of != 1 {
		t.Errorf("got %+v", a.Observations)
	}
	warned(t, a, "lack a label of by (device, region)")
}

func TestTooManyRows(t *testing.T) {
	_, err := rows.Observe(query(release.Count, ""), make([]rows.Row, rows.Most+1))
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "group") {
		t.Errorf("error %v", err)
	}
}

// Whatever a source answers, counts are never negative, no more are bad than
// there are, and the windows are those that were asked for.
func FuzzObserve(f *testing.F) {
	f.Add(3.0, 10.0, 0.5, int64(60), byte(0))
	f.Add(math.NaN(), -1.0, math.Inf(1), int64(3600), byte(1))
	f.Add(1e300, 1e18, 0.0, int64(-5), byte(2))
	f.Add(5e-324, 0.4, 2.0, int64(7), byte(3))
	f.Fuzz(func(t *testing.T, bad, all, bound float64, second int64, kind byte) {
		q := query([]release.Kind{release.Ratio, release.Count, release.Histogram, release.Gauge}[kind%4], "o")
		to := noon.Add(time.Duration(second%100_000) * time.Second)
		a, err := rows.Observe(q, []rows.Row{
			{To: to, Value: bad, Kept: bound}, {To: to, Role: rows.Of, Value: all}, {To: to, Role: rows.Bucket, Value: all, Bound: bound, Kept: bad},
			{To: to, Role: rows.Level, Value: bad}, {To: to, Arm: int(second % 5), Role: rows.Of, Value: bad},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range a.Observations {
			if o.Window != hour || o.Events < 0 || !(o.Of >= 0) || math.IsInf(o.Of, 0) || o.Metric == "" {
				t.Errorf("%+v", o)
			}
			if q.Metric.Kind == release.Ratio && float64(o.Events) > o.Of+0.5 {
				t.Errorf("%d of %g", o.Events, o.Of)
			}
			for _, n := range o.Counts {
				if n < 0 {
					t.Errorf("%+v", o)
				}
			}
		}
	})
}

// Rows that all lie hours from what was asked for are told of: their times are in
// another zone or unit. A late row, or one in a window, is no such sign.
func TestRowsFarOutside(t *testing.T) {
	q := query(release.Count, "")
	for _, tt := range []struct {
		name    string
		minutes []int
		says    string
	}{
		{"another zone", []int{-9 * 60, -9*60 + 20}, "all 2 rows lie outside of what was asked for, which ends at 2026-03-01T13:00:00Z; the nearest is at 2026-03-01T03:20:00Z"},
		{"the future", []int{600}, "the nearest is at 2026-03-01T22:00:00Z"},
		{"late", []int{-5, -600}, ""},
		{"one within", []int{-600, 30}, ""},
		{"none", nil, ""},
	} {
		var all []rows.Row
		for _, m := range tt.minutes {
			all = append(all, rows.Row{To: at(m), Value: 1})
		}
		said := strings.Join(observe(t, q, all...).Warnings, "\n")
		if !strings.Contains(said, tt.says) || tt.says == "" && said != "" {
			t.Errorf("%s: %q, want %q", tt.name, said, tt.says)
		}
	}
}
