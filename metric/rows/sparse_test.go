package rows_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/release"
)

func histogramOf(t *testing.T, all []rows.Row) []release.Observation {
	t.Helper()
	at := time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)
	for i := range all {
		all[i].To = at
	}
	a, err := rows.Observe(release.Query{
		Metric: release.Metric{Name: "took", Kind: release.Histogram}, Arms: []release.Arm{{Name: "baseline"}, {Name: "candidate"}},
		Windows: []release.Window{{From: at.Add(-time.Minute), To: at}},
	}, all)
	if err != nil || len(a.Observations) != 2 || len(a.Warnings) > 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	return a.Observations
}

// A bucket that only one arm has a row of is empty at the other.
func TestSparseBuckets(t *testing.T) {
	got := histogramOf(t, []rows.Row{
		{Arm: 0, Role: rows.Sparse, Bound: 0.1, Value: 5}, {Arm: 0, Role: rows.Sparse, Bound: 1, Value: 2},
		{Arm: 1, Role: rows.Sparse, Bound: 0.5, Value: 7}, {Arm: 1, Role: rows.Sparse, Bound: math.Inf(1), Value: 1},
	})
	for i, want := range [][]int64{{5, 0, 2, 0}, {0, 7, 0, 1}} {
		if o := got[i]; !slices.Equal(o.Bounds, []float64{0.1, 0.5, 1}) || !slices.Equal(o.Counts, want) {
			t.Errorf("arm %d: %v %v, want %v", i, o.Bounds, o.Counts, want)
		}
	}
}

// Where everything is slow, there are no rows of fast buckets any more. Their
// bounds still tell that it is.
func TestBoundsAreRemembered(t *testing.T) {
	var b rows.Bounds
	at := time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)
	q := release.Query{
		Metric: release.Metric{Name: "took", Kind: release.Histogram}, Arms: []release.Arm{{Name: "baseline"}, {Name: "candidate"}},
		Windows: []release.Window{{From: at.Add(-time.Minute), To: at}},
	}
	row := func(bound, n float64) rows.Row { return rows.Row{To: at, Role: rows.Sparse, Bound: bound, Value: n} }
	look := func(all ...rows.Row) release.Observation {
		t.Helper()
		a, err := b.Observe(q, all)
		if err != nil || len(a.Observations) != 1 {
			t.Fatalf("%+v, %v", a, err)
		}
		return a.Observations[0]
	}
	look(row(0.5, 3), row(0.1, 9), row(math.Inf(1), 1))
	if o := look(row(1, 7)); !slices.Equal(o.Bounds, []float64{0.1, 0.5, 1}) || !slices.Equal(o.Counts, []int64{0, 0, 7, 0}) {
		t.Errorf("%v %v, want seven values between 0.5 and 1", o.Bounds, o.Counts)
	}
	q.Metric.Name = "another"
	if o := look(row(2, 4)); !slices.Equal(o.Bounds, []float64{2}) {
		t.Errorf("bounds %v of another metric", o.Bounds)
	}
	for i := range 1000 {
		look(row(float64(i+2), 1))
	}
	if o := look(row(5000, 1)); len(o.Bounds) > 201 {
		t.Errorf("%d bounds are kept", len(o.Bounds))
	}
}

// Single values lie in buckets with both edges among the bounds, so that what is
// between two buckets is seen to be empty.
func TestSingleValues(t *testing.T) {
	var all []rows.Row
	for _, v := range []float64{1, 1, 3, -4, 0} {
		all = append(all, rows.Row{Arm: 0, Role: rows.Single, Value: v})
	}
	got := histogramOf(t, append(all, rows.Row{Arm: 1, Role: rows.Single, Value: 1000}))
	base, cand := got[0], got[1]
	under := func(o release.Observation, bound float64) (n int64) {
		for i, b := range o.Bounds {
			if b <= bound {
				n += o.Counts[i]
			}
		}
		return n
	}
	for bound, want := range map[float64]int64{0: 2, 0.99: 2, 1: 4, 2.7: 4, 3.4: 5, 1e9: 5} {
		if n := under(base, bound); n != want {
			t.Errorf("%d values up to %g, want %d: %v %v", n, bound, want, base.Bounds, base.Counts)
		}
	}
	if under(cand, 850) != 0 || under(cand, 1025) != 1 || !slices.Equal(base.Bounds, cand.Bounds) {
		t.Errorf("candidate: %v %v", cand.Bounds, cand.Counts)
	}
}
