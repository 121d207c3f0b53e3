package judge

import (
	"reflect"
	"testing"

	"github.com/linnet-project/linnet/release"
)

// benchmark steps over and over with the looks of a scene.
func benchmark(b *testing.B, cfg Config, look func(k int) Look) {
	var s State
	var looks []Look
	for k := -20; k < 60; k++ {
		if l := look(k); l.Live {
			looks = append(looks, l)
		} else {
			s, _ = Step(cfg, s, l)
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		Step(cfg, s, looks[i%len(looks)])
	}
}

// benchmarkUpdate folds looks of a scene into the evidence, without a verdict.
func benchmarkUpdate(b *testing.B, m release.Metric, look func(k int) Look) {
	var s State
	var looks []Look
	for k := -60; k < 60; k++ {
		l := look(k)
		s, _ = Step(config(m), s, l)
		if l.Live {
			looks = append(looks, l)
		}
	}
	whole := &s.Metrics[0].Series[0]
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l := &looks[i%len(looks)]
		whole.compare(m, pair{a: &l.Observations[0], b: &l.Observations[1]}, *l, whole)
	}
}

func BenchmarkUpdateRatio(b *testing.B) {
	m := metric(release.Ratio, release.Higher)
	benchmarkUpdate(b, m, newScene(m, 1).look)
}

func BenchmarkUpdateHistogram20(b *testing.B) {
	m := metric(release.Histogram, release.Higher)
	benchmarkUpdate(b, m, newScene(m, 1).twenty)
}

func BenchmarkStepRatio(b *testing.B) {
	m := metric(release.Ratio, release.Higher)
	benchmark(b, config(m), newScene(m, 1).look)
}

func BenchmarkStepBayesian(b *testing.B) {
	m := metric(release.Ratio, release.Higher)
	m.Method = release.Bayesian
	benchmark(b, config(m), newScene(m, 1).look)
}

func BenchmarkBelief(b *testing.B) {
	m := metric(release.Ratio, release.Higher)
	_, v := Step(config(m), State{}, newScene(m, 1).look(0))
	for b.Loop() {
		v.Comparisons[0].Belief(m)
	}
}

func BenchmarkStepHistogram20(b *testing.B) {
	m := metric(release.Histogram, release.Higher)
	benchmark(b, config(m), newScene(m, 1).twenty)
}

// twenty is a look whose histograms have twenty bounds.
func (s *scene) twenty(k int) Look {
	l := s.look(k)
	for i := range l.Observations {
		o := &l.Observations[i]
		o.Bounds, o.Counts = nil, []int64{s.poisson(30)}
		for j := range 20 {
			o.Bounds = append(o.Bounds, 0.01*float64(j+1))
			o.Counts = append(o.Counts, s.poisson(600/float64((j+1)*(j+1))))
		}
	}
	return l
}

func BenchmarkStepGauge(b *testing.B) {
	m := metric(release.Gauge, release.Higher)
	benchmark(b, config(m), newScene(m, 1).look)
}

func BenchmarkStepHundredSegments(b *testing.B) {
	m := byRegion()
	s := newScene(m, 1)
	var regions []string
	for i := range 100 {
		regions = append(regions, string(rune('a'+i/10))+string(rune('a'+i%10)))
	}
	benchmark(b, config(m), func(k int) Look { return s.regional(k, nil, regions...) })
}

// footprint is how many bytes a value takes, with all that it points to.
func footprint(v reflect.Value) uintptr {
	inner := uintptr(0)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			inner = v.Elem().Type().Size() + footprint(v.Elem())
		}
	case reflect.Slice:
		inner = uintptr(v.Cap()) * v.Type().Elem().Size()
		for i := range v.Len() {
			inner += footprint(v.Index(i))
		}
	case reflect.String:
		inner = uintptr(v.Len())
	case reflect.Struct:
		for i := range v.NumField() {
			inner += footprint(v.Field(i))
		}
	}
	return inner
}

// TestMemory: a metric takes at most 4 KiB while its release lives, whatever
// its kind and however long.
func TestMemory(t *testing.T) {
	for _, kind := range []release.Kind{release.Ratio, release.Count, release.Gauge, release.Histogram} {
		m := metric(kind, release.Higher)
		m.Limit = &release.Limit{Value: 0.5, Quantile: 0.9}
		s := newScene(m, 1)
		var state State
		for k := -60; k < 200; k++ {
			l := s.look(k)
			if kind == release.Histogram {
				l = s.twenty(k)
			}
			state, _ = Step(config(m), state, l)
		}
		size := footprint(reflect.ValueOf(state.Metrics[0])) + reflect.TypeFor[Metric]().Size()
		if size > 4096 {
			t.Errorf("a %s takes %d bytes", kind, size)
		}
		t.Logf("a %s takes %d bytes", kind, size)
	}
}
