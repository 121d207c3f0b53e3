package judge

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
)

// gaugeRuns is how many releases of each world are drawn; the tables in the
// documents come from -gauges 2000.
var gaugeRuns = flag.Int("gauges", 25, "how many releases of each world of gauges to draw")

// gaugeWorld draws a gauge of several instances, as recorded ones behave:
// instances differ for good and each has noise of its own, each arm has noise
// that lasts, and load is common to both.
type gaugeWorld struct {
	name                 string
	instances, apart     float64 // standard deviations: an instance's own noise, differences for good
	arm, memory          float64 // of an arm's noise
	load                 float64 // how far load swings
	a, b                 int     // instances; 0 is 6 and 2
	cold, fill           float64 // level at the start, fading within a minute; within ten
	spike                float64 // log level of one instance in one window of ten
	window               float64 // log level of the candidate in a single window
	grown                float64 // noise beside that of the past
	pastless             bool    // the first look comes with the candidate
	daily                bool    // one instance each, read in turn from a series with daily patterns
	ratio, leak, at      float64 // harm: factor, growth a look, first look
	tolerance, threshold float64
}

var (
	cpuWorld    = gaugeWorld{name: "cpu", instances: 0.03, apart: 0.03, arm: 0.026, memory: 0.7, load: 0.3}
	memoryWorld = gaugeWorld{name: "memory", instances: 0.01, apart: 0.03}
)

// with changes a world.
func (w gaugeWorld) with(name string, change func(*gaugeWorld)) gaugeWorld {
	change(&w)
	w.name += " " + name
	return w
}

// arms draws log levels: a call is a look.
func (w *gaugeWorld) arms(rng *rand.Rand) func(k int) (a, b []float64) {
	offsets := make([]float64, w.a+w.b)
	for i := range offsets {
		offsets[i] = w.apart * rng.NormFloat64()
	}
	phase, period := 2*math.Pi*rng.Float64(), 240*(0.5+rng.Float64())
	own := [2]float64{rng.NormFloat64(), rng.NormFloat64()}
	series := dailySeries(rng)
	return func(k int) (a, b []float64) {
		noise, step := 1.0, math.Sqrt(1-w.memory*w.memory)
		if k >= 0 && w.grown > 0 {
			noise = w.grown
		}
		load := w.load * math.Sin(phase+2*math.Pi*float64(k)/period)
		levels := make([]float64, len(offsets))
		for i := range own {
			own[i] = w.memory*own[i] + step*rng.NormFloat64()
		}
		for i := range levels {
			arm, shift := 0, 0.0
			if i >= w.a {
				arm, shift = 1, w.shift(k)
			}
			levels[i] = load + offsets[i] + shift + noise*(w.arm*own[arm]+w.instances*rng.NormFloat64())
			if w.daily {
				levels[i] += series()
			}
		}
		if w.spike > 0 && rng.IntN(10) == 0 {
			levels[w.a+rng.IntN(w.b)] += w.spike
		}
		return levels[:w.a], levels[w.a:]
	}
}

// shift is what the candidate's log level is shifted by, at a look.
func (w *gaugeWorld) shift(k int) float64 {
	shift := math.Log1p(-w.fill * math.Exp(-float64(k)/40))
	if w.cold > 0 {
		shift += math.Log1p((w.cold - 1) * math.Exp(-float64(k)*15/20))
	}
	if k == 40 {
		shift += w.window
	}
	if float64(k) >= w.at && w.ratio > 0 {
		shift += math.Log(w.ratio)
	}
	return shift + math.Log1p(w.leak*math.Max(0, float64(k+1)))
}

// dailySeries is a series with daily patterns at five minutes a point, spikes,
// steps, and heavy tails.
func dailySeries(rng *rand.Rand) func() float64 {
	n, spike, step, lasting, phase := 0, 0.0, 0.0, 0.0, 2*math.Pi*rng.Float64()
	return func() float64 {
		n++
		day := 2 * math.Pi * float64(n) / 576
		if rng.IntN(100) == 0 {
			spike = 0.5 + rng.Float64()
		}
		if rng.IntN(200) == 0 {
			step += 0.2 * rng.NormFloat64()
		}
		spike /= 2
		lasting = 0.7*lasting + 0.02*rng.NormFloat64()/math.Sqrt(rng.ExpFloat64()+0.2)
		return 0.4*math.Sin(day+phase) + 0.2*math.Sin(2*day) + step + spike + lasting
	}
}

// play draws one release: 60 looks of past, then half an hour, a minute of it
// warm-up. It returns how many seconds after the harm began it failed; +Inf for
// never.
func (w gaugeWorld) play(rng *rand.Rand) (seconds float64, v Verdict) {
	if w.a == 0 {
		w.a, w.b = 6, 2
	}
	m := metric(release.Gauge, release.Higher)
	m.Tolerance = w.tolerance
	cfg := Config{Metrics: []release.Metric{m}, FalseRollback: 1 / w.threshold}
	var s State
	next := w.arms(rng)
	for k := -60; k < 120; k++ {
		a, b := next(k)
		if k < 0 && w.pastless {
			continue
		}
		to := noon.Add(time.Duration(k+1) * every)
		window := release.Window{From: to.Add(-every), To: to}
		l := Look{At: to, Live: k >= 0, Settled: true, Weight: release.Whole / 20, WarmUntil: noon.Add(time.Minute)}
		l.Observations = []release.Observation{{Metric: "m", Arm: release.Baseline, Window: window, Points: exps(a)}}
		if k >= 0 {
			l.Observations = append(l.Observations, release.Observation{Metric: "m", Arm: release.Candidate, Window: window, Points: exps(b)})
		}
		if s, v = Step(cfg, s, l); v.Outcome == Fail {
			return to.Sub(noon).Seconds() - 15*w.at, v
		}
	}
	return math.Inf(1), v
}

func exps(xs []float64) []float64 {
	out := make([]float64, len(xs))
	for i, x := range xs {
		out[i] = 0.5 * math.Exp(x)
	}
	return out
}

func harmlessGauges() []gaugeWorld {
	cpu, mem := cpuWorld, memoryWorld
	worlds := []gaugeWorld{
		cpu, mem,
		cpu.with("white noise", func(w *gaugeWorld) { w.arm = 0 }),
		cpu.with("memory .5", func(w *gaugeWorld) { w.memory = 0.5 }),
		cpu.with("memory .9", func(w *gaugeWorld) { w.memory = 0.9 }),
		cpu.with("memory .9, twice the noise", func(w *gaugeWorld) { w.memory, w.arm = 0.9, 0.052 }),
		cpu.with("cold start", func(w *gaugeWorld) { w.cold = 1.9 }),
		{name: "daily patterns", daily: true, a: 1, b: 1},
		cpu.with("one instance spikes", func(w *gaugeWorld) { w.spike = 1 }),
		mem.with("one instance spikes", func(w *gaugeWorld) { w.spike = 1 }),
		cpu.with("one window spikes", func(w *gaugeWorld) { w.window = 1 }),
		mem.with("one window spikes", func(w *gaugeWorld) { w.window = 1 }),
		mem.with("fills", func(w *gaugeWorld) { w.fill = 0.2 }),
		cpu.with("noise grows twofold", func(w *gaugeWorld) { w.grown = 2 }),
		mem.with("noise grows twofold", func(w *gaugeWorld) { w.grown = 2 }),
		mem.with("noise grows fourfold", func(w *gaugeWorld) { w.grown = 4 }),
		cpu.with("instances differ by 5 %", func(w *gaugeWorld) { w.apart = 0.05 }),
		cpu.with("one instance each", func(w *gaugeWorld) { w.a, w.b = 1, 1 }),
		cpu.with("without a past", func(w *gaugeWorld) { w.pastless = true }),
		mem.with("without a past", func(w *gaugeWorld) { w.pastless = true }),
		cpu.with("two instances each", func(w *gaugeWorld) { w.a, w.b = 2, 2 }),
	}
	for i := range worlds {
		worlds[i].tolerance, worlds[i].threshold = 0.1, 400
	}
	return worlds
}

// TestHarmlessGauges: false alarms stay well below a gauge's share of a false
// rollback budget of 1 %, one of four guardrails, in half an hour of looks.
func TestHarmlessGauges(t *testing.T) {
	heavy(t)
	t.Parallel()
	for i, w := range harmlessGauges() {
		rng := rand.New(rand.NewPCG(11, uint64(i)))
		failed, passed := 0, 0
		for range *gaugeRuns {
			seconds, v := w.play(rng)
			if !math.IsInf(seconds, 1) {
				failed++
			} else if v.Outcome == Pass {
				passed++
			}
		}
		t.Logf("%-36s %4d of %d failed, %d passed", w.name, failed, *gaugeRuns, passed)
		// A share of the budget is 1 in 400, and twice that for two worlds that are
		// noisier than is promised to be seen.
		if most := 1 + *gaugeRuns/200; failed > most || passed < *gaugeRuns*9/10 {
			t.Errorf("%s: %d of %d failed, %d passed", w.name, failed, *gaugeRuns, passed)
		}
	}
}

// TestGaugesAtTheirTolerance: a level that is worse by exactly what is fine is
// the hardest that is harmless; noise that lasts long makes more of it than is
// promised.
func TestGaugesAtTheirTolerance(t *testing.T) {
	heavy(t)
	t.Parallel()
	for i, c := range []struct {
		memory, arm, most float64
		pastless          bool
	}{{0, 0, 0.02, false}, {0.5, 0.026, 0.02, false}, {0.7, 0.026, 0.02, false}, {0.7, 0.052, 0.02, false},
		{0.9, 0.026, 0.2, false}, {0.9, 0.052, 0.3, false}, {0.7, 0.026, 0.1, true}} {
		w := cpuWorld.with(fmt.Sprintf("memory %g, noise %g", c.memory, c.arm), func(w *gaugeWorld) {
			w.pastless = c.pastless
			w.memory, w.arm, w.apart, w.ratio, w.tolerance, w.threshold = c.memory, c.arm, 0, 1.1, 0.1, 400
		})
		rng := rand.New(rand.NewPCG(12, uint64(i)))
		failed := 0
		for range *gaugeRuns {
			if seconds, _ := w.play(rng); !math.IsInf(seconds, 1) {
				failed++
			}
		}
		t.Logf("%-36s %4d of %d failed", w.name, failed, *gaugeRuns)
		if float64(failed) > 1+c.most*float64(*gaugeRuns) {
			t.Errorf("%s: %d of %d failed", w.name, failed, *gaugeRuns)
		}
	}
}

// TestHarmfulGauges: how long after its beginning harm is found, from the
// candidate's start and its minute of warm-up; with the strictest of usual
// thresholds.
func TestHarmfulGauges(t *testing.T) {
	heavy(t)
	t.Parallel()
	ratio := func(r, at float64) func(*gaugeWorld) { return func(w *gaugeWorld) { w.ratio, w.at = r, at } }
	cpu, mem := cpuWorld, memoryWorld
	for i, c := range []struct {
		w                 gaugeWorld
		tolerance, within float64
	}{
		{cpu.with("x1.2", ratio(1.2, 0)), 0.1, 600},
		{cpu.with("x1.3", ratio(1.3, 0)), 0.1, 150},
		{cpu.with("x1.5", ratio(1.5, 0)), 0.1, 120},
		{cpu.with("x2", ratio(2, 0)), 0.1, 120},
		{cpu.with("x1.3 from minute 10", ratio(1.3, 40)), 0.1, 180},
		{cpu.with("x1.5 from minute 10", ratio(1.5, 40)), 0.1, 60},
		{cpu.with("x1.3", ratio(1.3, 0)), 0.2, 900},
		{cpu.with("x1.5", ratio(1.5, 0)), 0.2, 120},
		{cpu.with("x1.5 from minute 10", ratio(1.5, 40)), 0.2, 120},
		{cpu.with("x1.3, memory .9", func(w *gaugeWorld) { w.ratio, w.memory = 1.3, 0.9 }), 0.1, 150},
		{cpu.with("x1.3, one instance each", func(w *gaugeWorld) { w.ratio, w.a, w.b = 1.3, 1, 1 }), 0.1, 300},
		{cpu.with("x1.3, without a past", func(w *gaugeWorld) { w.ratio, w.pastless = 1.3, true }), 0.1, 450},
		{cpu.with("x1.3 from minute 10, no past", func(w *gaugeWorld) { w.ratio, w.at, w.pastless = 1.3, 40, true }), 0.1, 300},
		{mem.with("x1.2", ratio(1.2, 0)), 0.1, 105},
		{mem.with("x1.2 from minute 10", ratio(1.2, 40)), 0.1, 60},
		{mem.with("doubles in 30 minutes", func(w *gaugeWorld) { w.leak = 1.0 / 120 }), 0.1, 285},
		{mem.with("doubles in 90 minutes", func(w *gaugeWorld) { w.leak = 1.0 / 360 }), 0.1, 810},
	} {
		rng := rand.New(rand.NewPCG(13, uint64(i)))
		c.w.tolerance, c.w.threshold = c.tolerance, 1000
		var after []float64
		for range *gaugeRuns {
			seconds, _ := c.w.play(rng)
			after = append(after, seconds)
		}
		sort.Float64s(after)
		median := after[len(after)/2]
		t.Logf("tolerance %3.0f %%, %-32s median %4.0f s, 90 %% %4.0f s, grown by %4.1f %%", 100*c.tolerance, c.w.name,
			median, after[len(after)*9/10], 100*c.w.leak*median/15)
		if median > c.within {
			t.Errorf("%s at tolerance %g: found after %g s, expected within %g", c.w.name, c.tolerance, median, c.within)
		}
	}
}
