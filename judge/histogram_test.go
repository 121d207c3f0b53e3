package judge

import (
	"math"
	"testing"

	"github.com/linnet-project/linnet/release"
)

func TestBeyond(t *testing.T) {
	o := &release.Observation{Bounds: []float64{1, 2, 8}, Counts: []int64{5, 3, 0, 2}} // nothing in (2, 8]
	for _, c := range []struct {
		bound float64
		below bool
		want  Sum
		ok    bool
	}{
		{1, false, Sum{5, 10}, true},
		{2, false, Sum{2, 10}, true},
		{2, true, Sum{8, 10}, true},
		{4, false, Sum{2, 10}, true}, // inside an empty bucket
		{8, false, Sum{2, 10}, true},
		{1.5, false, Sum{}, false}, // inside a bucket that holds something
		{0.5, false, Sum{}, false},
		{9, false, Sum{}, false}, // some lie beyond all bounds
	} {
		if got, ok := beyond(o, c.bound, c.below); ok != c.ok || (ok && got != c.want) {
			t.Errorf("beyond %g: %+v, %v; expected %+v, %v", c.bound, got, ok, c.want, c.ok)
		}
	}
	if got, ok := beyond(&release.Observation{Bounds: []float64{1}, Counts: []int64{4, 0}}, 7, false); !ok || got != (Sum{0, 4}) {
		t.Errorf("above all bounds with nothing there: %+v, %v", got, ok)
	}
	if _, ok := beyond(&release.Observation{Bounds: []float64{1}, Counts: []int64{0, 0}}, 1, false); ok {
		t.Error("an empty histogram tells something")
	}
}

func TestThresholds(t *testing.T) {
	for _, n := range []int{1, 2, 11, 24, 40, 41, 200} {
		o := release.Observation{Counts: make([]int64, n+1)}
		for i := range n {
			o.Bounds = append(o.Bounds, float64(i+1))
			o.Counts[i] = 300
		}
		o.Counts[n] = 3
		m := metric(release.Histogram, release.Higher)
		s := newSeries(m, "")
		s.learn(m, &o)
		live := o
		s.compare(m, pair{a: &o, b: &live}, Look{Live: true}, &s)
		if got := len(s.Shares); got == 0 || got > len(thresholdShares) || len(s.Spread.Bounds) > maxBuckets {
			t.Errorf("of %d bounds, %d buckets and %d thresholds are kept", n, len(s.Spread.Bounds), got)
		}
		for i := 1; i < len(s.Shares); i++ {
			if s.Shares[i].Bound <= s.Shares[i-1].Bound {
				t.Errorf("of %d bounds, thresholds do not rise", n)
			}
		}
		if got := total(s.Spread.B); got != total(o.Counts) {
			t.Errorf("of %d bounds, %d of %d values are kept", n, got, total(o.Counts))
		}
	}
}

// merged is a histogram at half the resolution: every second bound.
func merged(o release.Observation) release.Observation {
	fine := o
	o.Bounds, o.Counts = nil, nil
	sum := int64(0)
	for i, b := range fine.Bounds {
		sum += fine.Counts[i]
		if i%2 == 1 {
			o.Bounds, o.Counts = append(o.Bounds, b), append(o.Counts, sum)
			sum = 0
		}
	}
	o.Counts = append(o.Counts, sum+fine.Counts[len(fine.Bounds)])
	return o
}

// TestBucketLayoutsMayChange: arms at different resolutions, gaps, and a layout
// that changes on the way still compare where they share a bound.
func TestBucketLayoutsMayChange(t *testing.T) {
	m := metric(release.Histogram, release.Higher)
	for _, worse := range []float64{1, 1.6} {
		s := newScene(m, 3)
		s.worse = worse
		state := s.past(config(m), 30)
		var v Verdict
		for k := range 40 {
			l := s.look(k)
			if k%3 > 0 {
				l.Observations[1] = merged(l.Observations[1])
			}
			if k > 20 {
				l.Observations[0] = merged(l.Observations[0])
			}
			if k%7 == 6 { // another layout altogether, without a bound in common
				l.Observations[1].Bounds, l.Observations[1].Counts = []float64{0.033, 0.7}, []int64{500, 900, 10}
			}
			if state, v = Step(config(m), state, l); v.Outcome == Fail {
				break
			}
		}
		if want := map[float64]Outcome{1: Pass, 1.6: Fail}[worse]; v.Outcome != want {
			t.Errorf("latency times %g: %s: %s", worse, v.Outcome, v.Reason.Text)
		}
	}
}

func TestBrokenHistogramsAreNoData(t *testing.T) {
	m := metric(release.Histogram, release.Higher)
	s := newScene(m, 3)
	for _, o := range []release.Observation{
		{Bounds: []float64{1, 2}, Counts: []int64{1, 2}},
		{Bounds: []float64{2, 1}, Counts: []int64{1, 2, 3}},
		{Bounds: []float64{1, math.Inf(1)}, Counts: []int64{1, 2, 3}},
		{Bounds: []float64{1, 2}, Counts: []int64{1, -2, 3}},
	} {
		l := s.look(0)
		l.Observations[1].Bounds, l.Observations[1].Counts = o.Bounds, o.Counts
		_, v := Step(config(m), State{}, l)
		expect(t, v, Wait, release.SourceInvalid)
	}
	l := s.look(0)
	l.Observations[1].Counts = make([]int64, len(latencyBounds)+1)
	_, v := Step(config(m), State{}, l)
	if v.Outcome != Wait || v.Fresh {
		t.Errorf("a candidate without any value: %s, fresh %v", v.Outcome, v.Fresh)
	}
}

func TestTailIsFound(t *testing.T) {
	m := metric(release.Histogram, release.Higher)
	s := newScene(m, 3)
	state := s.past(config(m), 30)
	var v Verdict
	for k := range 20 {
		l := s.look(k)
		slow := &l.Observations[1]
		slow.Counts[2] -= slow.Counts[2] / 20 // 5 % of the middle now take over a second
		slow.Counts[7] += slow.Counts[2] / 20
		if state, v = Step(config(m), state, l); v.Outcome == Fail {
			break
		}
	}
	if c := v.Comparisons[0]; v.Outcome != Fail || c.Bound < 0.5 || c.Baseline.Value > 0.01 {
		t.Errorf("%s", v.Reason.Text)
	}
}
