package judge

import (
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

func BenchmarkStepRatio(b *testing.B) {
	m := metric(release.Ratio, release.Higher)
	benchmark(b, config(m), newScene(m, 1).look)
}

func BenchmarkStepHistogram20(b *testing.B) {
	m := metric(release.Histogram, release.Higher)
	s := newScene(m, 1)
	benchmark(b, config(m), func(k int) Look {
		l := s.look(k)
		for i := range l.Observations {
			o := &l.Observations[i]
			o.Bounds, o.Counts = nil, []int64{s.poisson(30)}
			for j := range 20 {
				o.Bounds = append(o.Bounds, 0.01*float64(j+1))
				o.Counts = append(o.Counts, s.poisson(60/float64(j+1)))
			}
		}
		return l
	})
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
