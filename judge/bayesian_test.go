package judge

import (
	"math"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
)

// believing is a metric that is judged by probability.
func believing(kind release.Kind, worse release.Direction) release.Metric {
	m := metric(kind, worse)
	m.Method, m.MinSamples = release.Bayesian, 30
	return m
}

func TestBayesian(t *testing.T) {
	for _, c := range []struct {
		name                 string
		badA, ofA, badB, ofB int64
		outcome              Outcome
		code                 release.Code
	}{
		{"plainly worse", 10, 1000, 60, 1000, Fail, release.HarmFound},
		{"alike, few", 10, 1000, 10, 1000, Wait, release.Collecting},
		{"alike, many", 1000, 100_000, 1000, 100_000, Pass, release.HarmExcluded},
		{"somewhat worse", 1000, 100_000, 1300, 100_000, Fail, release.HarmFound},
		{"within the tolerance", 10_000, 1_000_000, 10_300, 1_000_000, Pass, release.HarmExcluded},
		{"better", 100, 1000, 20, 1000, Pass, release.HarmExcluded},
		{"too few samples", 0, 1000, 20, 29, Wait, release.TooFew},
		{"too few events", 0, 1000, 9, 1000, Wait, release.TooFew},
		{"enough events", 0, 1000, 10, 1000, Fail, release.HarmFound},
		{"no events, few requests", 0, 100, 0, 100, Wait, release.Collecting},
		{"no events, many requests", 0, 2000, 0, 2000, Pass, release.HarmExcluded},
		{"all bad on both", 5000, 5000, 5000, 5000, Pass, release.HarmExcluded},
		{"idle", 0, 0, 0, 0, Wait, release.Idle},
	} {
		m := believing(release.Ratio, release.Higher)
		_, v := Step(config(m), State{}, flat(0, release.Whole/2, c.badA, c.ofA, c.badB, c.ofB))
		if v.Outcome != c.outcome || v.Reason.Code != c.code {
			t.Errorf("%s: %s, %s: %s; want %s, %s", c.name, v.Outcome, v.Reason.Code, v.Reason.Text, c.outcome, c.code)
		}
		got := v.Comparisons[0]
		if len(got.Warnings) == 0 || !strings.Contains(got.Warnings[0], "no guarantee") {
			t.Errorf("%s: no word of what it cannot promise", c.name)
		}
		if got.LogThreshold != 0 || got.LogE != 0 {
			t.Errorf("%s: shows evidence, and has no budget for it", c.name)
		}
	}
}

// TestBayesianOfEveryKind that it can judge: harmless releases pass, and harm
// fails, whichever way is worse.
func TestBayesianOfEveryKind(t *testing.T) {
	for i, c := range kinds {
		m := believing(c.kind, c.direction)
		s := newScene(m, uint64(i)+40)
		s.rate = c.rate
		if c.kind == release.Count {
			s.rate = 20
		}
		if c.kind == release.Histogram {
			_, v := Step(config(m), State{}, s.look(0))
			expect(t, v, Wait, release.Collecting)
			continue
		}
		if v, after := s.until(config(m), Pass, 60); after == 0 {
			t.Errorf("%s worse %s: no pass: %s", c.kind, c.direction, v.Reason.Text)
		}
		s.worse = c.worse
		v, after := s.until(config(m), Fail, 60)
		if after == 0 {
			t.Errorf("%s worse %s: no fail: %s", c.kind, c.direction, v.Reason.Text)
		} else if got := v.Comparisons[0]; got.Likely < surelyWorse || !strings.Contains(v.Reason.Text, "probability") {
			t.Errorf("%s worse %s: %s", c.kind, c.direction, v.Reason.Text)
		}
	}
}

// TestBayesianPrior: what is believed beforehand holds until the data outweigh
// it.
func TestBayesianPrior(t *testing.T) {
	m := believing(release.Ratio, release.Higher)
	look := flat(0, release.Whole/2, 2, 1000, 14, 1000)
	_, weak := Step(config(m), State{}, look)
	m.Prior = release.Prior{Rate: 0.005, Weight: 100_000}
	_, strong := Step(config(m), State{}, look)
	if weak.Outcome != Fail || strong.Outcome == Fail {
		t.Errorf("weak prior: %s (%s); worth 100,000 requests: %s (%s)", weak.Outcome, weak.Reason.Text, strong.Outcome, strong.Reason.Text)
	}
	if test := strong.Comparisons[0].Test; !strings.Contains(test, "prior of 0.005 with the weight of 1e+05") && !strings.Contains(test, "100000") {
		t.Errorf("the test is called %q", test)
	}
	m.Worse, m.Prior = release.Lower, release.Prior{Rate: 0.98, Weight: 1000}
	_, v := Step(config(m), State{}, flat(0, release.Whole/2, 980, 1000, 900, 1000))
	expect(t, v, Fail, release.HarmFound)
}

// TestBayesianHasNoShareOfTheBudget: it is no test, so that others need no more
// evidence for it.
func TestBayesianHasNoShareOfTheBudget(t *testing.T) {
	one, other := metric(release.Ratio, release.Higher), believing(release.Ratio, release.Higher)
	other.Name = "other"
	if a, b := tests(config(one), release.Guardrail), tests(config(one, other), release.Guardrail); a != b {
		t.Errorf("tests weigh %g, with one by probability beside %g", a, b)
	}
	other.Limit = &release.Limit{Value: 0.5}
	if a, b := tests(config(one), release.Guardrail), tests(config(one, other), release.Guardrail); a == b {
		t.Error("its limit is a test, and does not count")
	}
}

// TestBayesianSegmentFails by itself.
func TestBayesianSegmentFails(t *testing.T) {
	m := byRegion()
	m.Method = release.Bayesian
	s := newScene(m, 3)
	var state State
	var v Verdict
	for k := range 20 {
		if state, v = Step(config(m), state, s.regional(k, map[string]float64{"eu": 8}, "eu", "us", "ap")); v.Outcome == Fail {
			break
		}
	}
	expect(t, v, Fail, release.HarmFound)
	if v.Segment == "us" || v.Segment == "ap" {
		t.Errorf("%s fails, and eu is what is worse", v.Segment)
	}
}

// TestMatchedBaseline: errors doubled on both arms between two steps, so that the
// sums over both say that the candidate is worse. It is not.
func TestMatchedBaseline(t *testing.T) {
	for _, method := range []release.Method{release.Bayesian, release.Sequential} {
		m := believing(release.Ratio, release.Higher)
		m.Method = method
		var s State
		var v Verdict
		for k := range 10 {
			s, _ = Step(config(m), s, flat(k, release.Whole/100, 99, 9900, 1, 100))
		}
		for k := range 10 {
			s, v = Step(config(m), s, flat(10+k, release.Whole/2, 100, 5000, 100, 5000))
		}
		c := v.Comparisons[0]
		if crude := c.Candidate.Value / c.Baseline.Value; crude < 1.4 {
			t.Fatalf("the sums differ by a factor of %g only: no test", crude)
		}
		if math.Abs(c.Matched.Value/c.Candidate.Value-1) > 1e-9 {
			t.Errorf("%s: %g on the candidate, %g on the baseline matched", method, c.Candidate.Value, c.Matched.Value)
		}
		if b, ok := c.Belief(m); !ok || b.Worse > 0.4 || v.Outcome == Fail {
			t.Errorf("%s: worse with a probability of %g; %s: %s", method, b.Worse, v.Outcome, v.Reason.Text)
		}
	}
}

// TestBelief: what is shown beside a sequential verdict.
func TestBelief(t *testing.T) {
	for i, c := range kinds {
		m := metric(c.kind, c.direction)
		s := newScene(m, uint64(i)+7)
		s.rate = c.rate
		var one, other State
		var v, w Verdict
		for k := range 20 {
			s.worse = 1
			one, v = Step(config(m), one, s.look(k))
			s.worse = c.worse
			other, w = Step(config(m), other, s.look(k))
		}
		fine, ok := v.Comparisons[0].Belief(m)
		bad, okToo := w.Comparisons[0].Belief(m)
		if c.kind == release.Histogram {
			if ok || okToo {
				t.Error("a histogram's shown bound is the worst of many; there is no belief about it")
			}
			continue
		}
		if !ok || !okToo || fine.Worse > 0.9 || bad.Worse < 0.95 {
			t.Errorf("%s worse %s: probability of harm %+v where there is none, %+v where there is", c.kind, c.direction, fine, bad)
		}
		if (c.kind == release.Gauge) != (bad.Per == "") || c.kind != release.Gauge && bad.Loss <= fine.Loss {
			t.Errorf("%s worse %s: loss %+v where there is no harm, %+v where there is", c.kind, c.direction, fine, bad)
		}
	}
}

// TestBeliefFigures against reckoning by hand: 60 of 1,000 against 10 of 1,000 are
// 50 in 1,000 more.
func TestBeliefFigures(t *testing.T) {
	m := metric(release.Ratio, release.Higher)
	_, v := Step(config(m), State{}, flat(0, release.Whole/2, 1000, 100_000, 6000, 100_000))
	b, ok := v.Comparisons[0].Belief(m)
	if !ok || math.Abs(b.Loss-50) > 0.2 || b.Worse < 0.999999 || b.Per != "1,000 requests" {
		t.Errorf("%+v", b)
	}
	// An absolute tolerance of six points allows it.
	m.ToleranceAbs = 0.06
	if b, _ := v.Comparisons[0].Belief(m); b.Worse > 1e-4 {
		t.Errorf("with six points allowed: %+v", b)
	}
	m.ToleranceAbs = 0.04
	if b, _ := v.Comparisons[0].Belief(m); b.Worse < 0.999 {
		t.Errorf("with four points allowed: %+v", b)
	}
	// Nothing was seen: as likely as not, hardly anything to lose.
	m.ToleranceAbs = 0
	_, v = Step(config(m), State{}, flat(0, release.Whole/100, 0, 100_000, 0, 1000))
	if b, ok := v.Comparisons[0].Belief(m); !ok || b.Worse < 0.3 || b.Worse > 0.7 || b.Loss > 0.01 {
		t.Errorf("without an error: %+v", b)
	}
	// A limit, one window alone, and a chart have none.
	m.Method, m.Limit = release.Deviation, &release.Limit{Value: 0.5}
	s, v := Step(config(m), State{}, flat(0, release.Whole/2, 10, 1000, 10, 1000))
	for _, c := range v.Comparisons {
		if b, ok := c.Belief(m); ok {
			t.Errorf("%s: %+v", c.Test, b)
		}
	}
	m.Method = release.Bayesian
	_, v = Watch(config(m), s, flat(1, release.Whole, 0, 0, 10, 1000), release.Candidate)
	for _, c := range v.Comparisons {
		if b, ok := c.Belief(m); ok {
			t.Errorf("%s: %+v", c.Test, b)
		}
	}
}

// TestBayesianUnderRepeatedLooks: what its warning says. Of harmless releases it
// fails many more than one in a hundred when it looks a hundred times; if this
// ceases to hold, the warning is wrong.
func TestBayesianUnderRepeatedLooks(t *testing.T) {
	heavy(t)
	const runs, looks = 200, 100
	m := believing(release.Ratio, release.Higher)
	m.Tolerance = 0
	failed := 0
	for run := range runs {
		s := newScene(m, uint64(run)+900)
		var state State
		var v Verdict
		for k := range looks {
			if state, v = Step(config(m), state, s.look(k)); v.Outcome == Fail {
				failed++
				break
			}
		}
	}
	t.Logf("%d of %d harmless releases failed in %d looks", failed, runs, looks)
	if failed < 2*runs/100 || failed > runs/4 {
		t.Errorf("%d of %d", failed, runs)
	}
}

// TestEffectsOfHarm: harm that is expected is found sooner, and no more of the
// harmless releases fail.
func TestEffectsOfHarm(t *testing.T) {
	looks := func(effects release.Effects) (sum int) {
		m := metric(release.Ratio, release.Higher)
		m.Effects = effects
		for seed := range uint64(30) {
			s := newScene(m, seed+77)
			s.worse = 1.4
			var state State
			var v Verdict
			for k := 0; k < 80 && v.Outcome != Fail; k++ {
				state, v = Step(config(m), state, s.look(k))
				sum++
			}
		}
		return sum
	}
	plain, right := looks(release.Effects{}), looks(release.Effects{Mean: 1.4, Spread: 1.2})
	t.Logf("%d looks, %d where it is expected", plain, right)
	if right >= plain {
		t.Errorf("%d looks to find harm that is expected, %d without", right, plain)
	}
}
