package forecast

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// seeded are streams of chance for tests.
func seeded(seed uint64) Draws {
	return func(stream uint64) Chance { return rand.New(rand.NewPCG(seed, stream*0x9e3779b97f4a7c15)) }
}

func guardrail(name string, kind release.Kind, worse release.Direction, tolerance float64) release.Metric {
	return release.Metric{Name: name, Kind: kind, Worse: worse, Severity: release.Guardrail, Method: release.Sequential, Tolerance: tolerance}
}

// busy is a service of every kind of metric, in a plan of two steps.
func busy() Scene {
	metrics := []release.Metric{
		guardrail("errors", release.Ratio, release.Higher, 0.1),
		guardrail("latency", release.Histogram, release.Higher, 0.05),
		guardrail("logins", release.Count, release.Lower, 0.1),
		guardrail("cpu", release.Gauge, release.Higher, 0.2),
		guardrail("success", release.Ratio, release.Lower, 0.02),
	}
	s := Scene{Draws: seeded(1), Plan: plan.Plan{
		Name: "shop-2", Metrics: metrics, Every: 15 * time.Second, Delay: 5 * time.Second,
		WarmUp: time.Minute, FalseRollback: 0.01,
		Steps: []plan.Step{
			{Weight: 10_000, AtLeast: 2 * time.Minute, AtMost: 10 * time.Minute},
			{Weight: 50_000, AtLeast: 2 * time.Minute, AtMost: 10 * time.Minute},
		},
	}}
	s.Service.Rate = 1000
	for _, m := range metrics {
		s.Service.Metrics = append(s.Service.Metrics, Assume(m))
	}
	s.Service.Metrics[1].Shape = Counted([]float64{0.05, 0.1, 0.5, 1}, []int64{400, 350, 200, 45, 5})
	s.Service.Metrics[2].Level = 50
	return s
}

func TestTheThresholdIsThatOfAllMetrics(t *testing.T) {
	s := busy()
	s.Plan.Metrics[3].Severity = release.Warning
	s.Plan.Metrics[0].By = []string{"region"}
	s.Plan.Metrics[1].Limit = &release.Limit{Value: 0.5, Quantile: 0.9}
	s.Plan.HarmBudget = 100
	s.Plan.Share = release.Share{Of: s.Plan.Metrics[0].Name, Tolerance: 0.2, OnFewer: release.ActFail, OnMore: release.ActFail}
	all := judge.Config{Metrics: s.Plan.Metrics, FalseRollback: s.Plan.FalseRollback, Share: s.Plan.Share, HarmBudget: 100}
	for i, m := range s.Plan.Metrics {
		got, want := threshold(s.alone(i), m.Name), threshold(all, m.Name)
		if d := got - want; d > 1e-5 || d < -1e-5 || want < 3 {
			t.Errorf("%s: alone it fails at %g, with the others at %g", m.Name, got, want)
		}
	}
}

func TestPlayTellsTheSameAgain(t *testing.T) {
	s := busy()
	s.Paths = 50
	for _, c := range []Cell{{Step: 1, Metric: 0}, {Step: 0, Metric: 3}, {Step: 0, Metric: everyMetric}} {
		a, b := s.Play(c), s.Play(c)
		if len(a.seen) != len(b.seen) {
			t.Fatalf("%v: %d effects, then %d", c, len(a.seen), len(b.seen))
		}
		for x, one := range a.seen {
			if p, q := one.within(one.most), b.seen[x].within(one.most); p != q {
				t.Errorf("%v x%g: %g, then %g", c, x, p, q)
			}
		}
		if p, _ := a.passed.quantile(0.5); c.Metric == everyMetric {
			if q, _ := b.passed.quantile(0.5); p != q {
				t.Errorf("pass after %d, then %d looks", p, q)
			}
		}
	}
}

// TestMoreHarmIsSeenSooner: luck is shared by effects, so that it holds path by
// path and not only on average.
func TestMoreHarmIsSeenSooner(t *testing.T) {
	s := busy()
	s.Paths = 50
	for m := range s.Plan.Metrics {
		r := s.newRunner(Cell{Step: 0, Metric: m})
		before := 1.0
		for _, x := range []float64{3, 2, 1.5, 1.2} {
			seen := r.until(x, fine, power)
			if now := seen.within(seen.most / 2); now > before+0.05 {
				t.Errorf("%s: x%g is seen in %g of the releases, a greater effect in %g", s.Plan.Metrics[m].Name, x, now, before)
			} else {
				before = now
			}
		}
	}
}

func TestForecastOfEveryKind(t *testing.T) {
	heavy(t)
	s := busy()
	s.Paths = 50
	s.Service.Users = 20
	var found []Found
	for _, c := range s.Cells() {
		found = append(found, s.Play(c))
	}
	for _, c := range s.Wishes(found) {
		found = append(found, s.Play(c))
	}
	f := s.Forecast(found)
	if len(f.Steps) != 2 || len(f.Metrics) != 5 {
		t.Fatalf("%d steps, %d metrics", len(f.Steps), len(f.Metrics))
	}
	for i, step := range f.Steps {
		if len(step.Metrics) != 5 || step.Pass.Median == nil || *step.Pass.Median < 120 {
			t.Fatalf("step %d: %d metrics, pass %+v", i+1, len(step.Metrics), step.Pass)
		}
		for j, m := range step.Metrics {
			if m.Metric != s.Plan.Metrics[j].Name || len(m.Effects) != 3 || m.SeenAtMost == nil {
				t.Errorf("step %d: %+v", i+1, m)
				continue
			}
			least, most := 1e9, *m.SeenAtMost
			if m.SeenAtLeast != nil {
				least = *m.SeenAtLeast
			}
			if most > least || most < 1.02 {
				t.Errorf("step %d, %s: sees x%g by atLeast and x%g by atMost", i+1, m.Metric, least, most)
			}
			for k := 1; k < len(m.Curve); k++ {
				if m.Curve[k].Effect >= m.Curve[k-1].Effect || m.Curve[k].Time < m.Curve[k-1].Time-45 {
					t.Errorf("step %d, %s: the curve turns back: %v", i+1, m.Metric, m.Curve)
				}
			}
		}
	}
	if e := f.Steps[1].Exposed; e.Requests != 500 || *e.Users != 10 {
		t.Errorf("half of 1000 requests and 20 users a second are %+v", e)
	}
	if text := f.Text(); len(text) < 1000 {
		t.Error(text)
	}
}

// TestAdviceIsPlayedAndSeesWhatIsWanted: a step too small for its errors is told
// of weights that see x2, each sooner than the one before, and they do.
func TestAdviceIsPlayedAndSeesWhatIsWanted(t *testing.T) {
	heavy(t)
	s := agreed()
	s.Paths = 200
	s.Plan.Steps[0].Weight = 1000
	errors := Cell{Step: 0, Metric: 0}
	found := []Found{s.Play(errors)}
	wishes := s.Wishes(found)
	if len(wishes) == 0 {
		t.Fatal("nothing is wished for")
	}
	for _, c := range wishes {
		found = append(found, s.Play(c))
	}
	a := s.Forecast(found).Steps[0].Better
	if a == nil || a.Metric != "errors" || len(a.Options) == 0 || a.Seen == nil || *a.Seen < wanted {
		t.Fatalf("advice is %+v", a)
	}
	last := Option{Time: math.Inf(1)}
	for _, o := range a.Options {
		if o.Weight <= last.Weight || o.Time >= last.Time || o.Weight >= 0.5 {
			t.Errorf("%+v after %+v", o, last)
		}
		last = o
		other := *s
		other.Draws = seeded(99)
		other.Plan.Steps = slices.Clone(s.Plan.Steps)
		other.Plan.Steps[0].Weight = release.Weight(math.Round(o.Weight * float64(release.Whole)))
		looks := int(o.Time / s.Plan.Every.Seconds())
		r := other.newRunner(errors)
		r.most = looks
		if got := r.until(wanted, rough, highPower).within(looks); got < power-0.08 {
			t.Errorf("%+v sees x2 in %g of the releases", o, got)
		}
	}
}

func TestQuitEndsAPlay(t *testing.T) {
	s := busy()
	s.Quit = func() bool { return true }
	for _, c := range s.Cells() {
		if f := s.Play(c); f.passed.n() != 0 {
			t.Errorf("%v was played after the end", c)
		}
	}
	s.Forecast([]Found{s.Play(s.Cells()[0])})
}

func TestCheckScene(t *testing.T) {
	if err := busy().Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Scene){
		"no steps":         func(s *Scene) { s.Plan.Steps = nil },
		"no looks":         func(s *Scene) { s.Plan.Every = 0 },
		"no chance":        func(s *Scene) { s.Draws = nil },
		"no weight":        func(s *Scene) { s.Plan.Steps[0].Weight = 0 },
		"no traffic":       func(s *Scene) { s.Service.Rate = 0 },
		"missing profiles": func(s *Scene) { s.Service.Metrics = nil },
	} {
		s := busy()
		spoil(&s)
		if s.Check() == nil {
			t.Errorf("%s: nobody minds", name)
		}
	}
}

// heavy marks a test that draws much: with -short it is skipped. make test runs
// it without the race detector, which has nothing to see in what has no
// goroutines.
func heavy(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("draws much: runs without -short")
	}
}
