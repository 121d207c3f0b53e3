package series

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
)

func look1(t *testing.T, src Source, m release.Metric) release.Answer {
	t.Helper()
	a, err := Observe(context.Background(), src, release.Query{Metric: m, Arms: testArms,
		Windows: []release.Window{{From: at(0), To: at(20)}}}, Options{Start: at(0)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func observedOf(t *testing.T, a release.Answer, arm, segment string) release.Observation {
	t.Helper()
	i := slices.IndexFunc(a.Observations, func(o release.Observation) bool { return o.Arm == arm && o.Segment == segment })
	if i < 0 {
		t.Fatalf("no observation of the %s: %+v", arm, a)
	}
	return a.Observations[i]
}

// What was sampled stands for all, what was counted is told, and what a label
// cannot mean is not used.
func TestSampledCounters(t *testing.T) {
	src := memory{
		counter(`x{version="stable",code="200",region="eu",sample_ratio="0.1"}`, 0, 0, 10, 50, 20, 99),
		counter(`x{version="stable",code="500",region="eu",sample_ratio="1"}`, 0, 0, 10, 3, 20, 7),
		counter(`x{version="canary",code="200",region="eu"}`, 0, 0, 10, 500, 20, 993),
		counter(`x{version="canary",code="500",region="eu",sample_ratio="2"}`, 0, 0, 20, 5),
	}
	m := release.Metric{Name: "m", Kind: release.Ratio, Events: `x{code="500"}`, Of: "x", By: []string{"region"}}
	a := look1(t, src, m)
	for _, segment := range []string{"", "region=eu"} {
		o := observedOf(t, a, release.Baseline, segment)
		if o.Events != 7 || o.Of != 997 || o.Kept != (release.Kept{Events: 7, Of: 106}) {
			t.Errorf("%q: %+v, want 7 of 997, of which 7 of 106 were counted", segment, o)
		}
		o = observedOf(t, a, release.Candidate, segment)
		if o.Events != 5 || o.Of != 998 || o.Kept != (release.Kept{}) {
			t.Errorf("%q: %+v, want 5 of 998, all counted", segment, o)
		}
	}
	if len(a.Observations) != 4 {
		t.Errorf("%d observations, want one of each arm and one of each in eu", len(a.Observations))
	}
	if text := strings.Join(a.Warnings, "\n"); strings.Count(text, `sample_ratio="2"`) != 1 {
		t.Errorf("warnings %q", a.Warnings)
	}
	// It makes no segments of its own.
	m.By = []string{SampleRatio}
	if a := look1(t, src, m); len(a.Observations) != 2 {
		t.Errorf("by the label itself: %+v", a.Observations)
	}
}

func TestSampledCountWithoutExposure(t *testing.T) {
	src := memory{counter(`x{version="stable",sample_ratio="0.25"}`, 0, 0, 20, 5), counter(`x{version="canary"}`, 0, 0, 20, 5)}
	a := look1(t, src, countOf("x"))
	if o := observedOf(t, a, release.Baseline, ""); o.Events != 20 || o.Kept != (release.Kept{Events: 5}) {
		t.Errorf("%+v, want 20 of which 5 were counted", o)
	}
	if o := observedOf(t, a, release.Candidate, ""); o.Events != 5 || o.Kept != (release.Kept{}) {
		t.Errorf("%+v, want 5", o)
	}
}

func TestSampledHistograms(t *testing.T) {
	m := release.Metric{Name: "m", Kind: release.Histogram, Events: "took"}
	classic := memory{
		counter(`took_bucket{version="stable",le="1",sample_ratio="0.1"}`, 0, 0, 20, 30),
		counter(`took_bucket{version="stable",le="+Inf",sample_ratio="0.1"}`, 0, 0, 20, 40),
		counter(`took_bucket{version="stable",le="1",sample_ratio="1"}`, 0, 0, 20, 5),
		counter(`took_bucket{version="stable",le="+Inf",sample_ratio="1"}`, 0, 0, 20, 100),
	}
	native := memory{
		{Labels: classic[0].Labels, Dists: dists(0, 20, 30, 10)},
		{Labels: classic[2].Labels, Dists: dists(0, 20, 5, 95)},
	}
	for i := range native {
		native[i].Labels = counter(strings.NewReplacer("took_bucket", "took", `le="1",`, "").Replace(classic[2*i].Labels.String())).Labels
	}
	for name, src := range map[string]memory{"classic": classic, "native": native} {
		o := observedOf(t, look1(t, src, m), release.Baseline, "")
		low, all := int64(0), int64(0)
		for i, n := range o.Counts {
			if all += n; i < len(o.Bounds) && o.Bounds[i] <= 1 {
				low += n
			}
		}
		// 40 stand for ten each and 100 for themselves: as good as 500²/4,100.
		if low != 305 || all != 500 || math.Abs(o.Kept.Of-500.0*500/4100) > 1e-9 {
			t.Errorf("%s: %d up to 1 of %d, worth %g: %+v", name, low, all, o.Kept.Of, o)
		}
	}
}

// dists are native histograms with values in (0.5, 1] and (1, 2]: none at a time,
// so many at another.
func dists(from, to int, low, high float64) []Dist {
	return []Dist{
		{T: at(from).UnixMilli()},
		{T: at(to).UnixMilli(), Cells: []Cell{{Lo: 0.5, Hi: 1, N: low}, {Lo: 1, Hi: 2, N: high}}},
	}
}
