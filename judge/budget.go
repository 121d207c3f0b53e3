package judge

import (
	"fmt"
	"math"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/stats"
)

// BudgetOfHarm is what the guardrail of the harm budget is called. No metric of
// a release file can have that name.
const BudgetOfHarm = "harm budget"

// Harm is what the candidate has cost so far, by the ratio guardrail that shows
// the most: requests failed beyond those that the baseline's rate would have
// failed. Its bounds hold with 95 %, at every look and for all guardrails.
type Harm struct {
	// Metric is the guardrail that shows the most; "" where nothing is counted.
	Metric string
	// Estimate is how many requests that is, Upper at most how many, never more
	// than failed on the candidate. Budget is how many may.
	Estimate, Upper, Budget float64
	// Each is at most by how much the candidate's rate is above the baseline's,
	// and so what one more request costs at most.
	Each float64
	// Rate is how many requests a second both arms had together, of late.
	Rate float64
}

// Spending is what a metric adds to the harm so far.
type Spending struct {
	Excess stats.Excess
	Peak   float64 // the most log evidence of harm so far
	// Requests of both arms over Seconds, of late.
	Requests, Seconds float64
}

// recall is what a window keeps, with each later one, of its weight in the rate
// of requests of late.
const recall = 0.9

// budgeted says whether a metric's failures count towards the harm budget.
func (cfg Config) budgeted(m release.Metric) bool {
	return cfg.HarmBudget > 0 && m.Kind == release.Ratio && m.Severity == release.Guardrail
}

// payers counts the metrics whose failures count towards the harm budget.
func (cfg Config) payers() int {
	n := 0
	for _, m := range cfg.Metrics {
		if cfg.budgeted(m) {
			n++
		}
	}
	return n
}

// spend folds a look's windows of both arms into what the candidate costs.
func (ms *Metric) spend(m release.Metric, seen sighting) {
	for _, p := range seen.pairs {
		if p.segment != "" || p.a == nil || p.b == nil {
			continue
		}
		a, okA := count(m, 0, p.a, release.Whole)
		b, okB := count(m, 0, p.b, release.Whole)
		if !okA || !okB {
			continue
		}
		t := stats.Table{EventsA: a.Events, TrialsA: a.Trials, EventsB: b.Events, TrialsB: b.Trials}
		ms.Spent.Excess.Update(t, ms.noise(t)+chance(m, p.a, p.b, a, b))
		ms.Spent.Requests = recall*ms.Spent.Requests + float64(a.Trials+b.Trials)
		ms.Spent.Seconds = recall*ms.Spent.Seconds + p.seconds()
	}
}

// noise is the relative surplus of the variance of a window's difference, as far
// as the metric's comparison has measured it.
func (ms *Metric) noise(t stats.Table) float64 {
	if len(ms.Series) == 0 || len(ms.Series[0].Shares) == 0 {
		return (&stats.Dispersion{}).Surplus(&stats.Dispersion{}, float64(t.EventsB))
	}
	return ms.Series[0].Shares[0].surplus(float64(t.EventsB))
}

// harm says what the candidate has cost so far.
func (s *State) harm(cfg Config) Harm {
	out := Harm{Budget: float64(cfg.HarmBudget)}
	for i, m := range cfg.Metrics {
		if !cfg.budgeted(m) || i >= len(s.Metrics) || s.Metrics[i].Spent.Excess.Trials == 0 {
			continue
		}
		spent := &s.Metrics[i].Spent
		h := spent.harm(1, passLevel/float64(cfg.payers()))
		h.Metric, h.Budget = m.Name, out.Budget
		if h.Rate = over(spent.Requests, spent.Seconds); out.Metric == "" || h.Upper > out.Upper || h.Upper == out.Upper && h.Each > out.Each {
			out = h
		}
	}
	return out
}

// harm says what a metric's failures cost, once there is so many times as much
// data at the same rates.
func (sp *Spending) harm(factor, alpha float64) Harm {
	e := &sp.Excess
	most, trials := math.Max(0, e.After(factor, alpha)), factor*float64(e.Trials)
	return Harm{
		Estimate: round(factor * e.Estimate()), Each: math.Min(1, most/trials),
		Upper: round(math.Min(most, factor*float64(e.Events))),
	}
}

// Affords is the largest weight at which the budget surely holds for a time, in
// steps of 0.001 %; Whole where nothing is known against it.
func (h Harm) Affords(d time.Duration) release.Weight {
	cost := h.Each * h.Rate * d.Seconds() // at all of the traffic
	switch left := h.Budget - h.Upper; {
	case h.Metric == "" || h.Budget <= 0:
		return release.Whole
	case left <= 0:
		return 0
	case cost <= left:
		return release.Whole
	default:
		return release.Weight(round(left / cost * float64(release.Whole)))
	}
}

// mostForecast bounds how far ahead a weight that the budget allows is looked
// for.
const mostForecast = 24 * time.Hour

// Forecast says after how much more time at the present weight the budget will
// allow more than that for a time d, if rates stay as they are; ok is false where
// it will not within a day.
func (s *State) Forecast(cfg Config, present release.Weight, d time.Duration) (wait time.Duration, ok bool) {
	now := s.harm(cfg)
	for i, m := range cfg.Metrics {
		if m.Name != now.Metric || i >= len(s.Metrics) || !cfg.budgeted(m) {
			continue
		}
		spent := &s.Metrics[i].Spent
		perSecond := now.Rate * float64(present) / float64(release.Whole)
		for wait = time.Minute; perSecond > 0 && wait <= mostForecast; wait += wait/8 + time.Second {
			factor := 1 + perSecond*wait.Seconds()/float64(spent.Excess.Trials)
			h := spent.harm(factor, passLevel/float64(cfg.payers()))
			h.Metric, h.Budget, h.Rate = now.Metric, now.Budget, now.Rate
			if h.Affords(d) > present {
				return wait.Round(time.Minute), true
			}
		}
	}
	return 0, false
}

// comparison says what the harm budget comes to: it fails when the estimate is
// over the budget and the evidence that the candidate does any harm at all is
// enough. ok is false before anything was counted.
func (h Harm) comparison(cfg Config, s *State, threshold float64) (Comparison, bool) {
	i := 0
	for ; i < len(cfg.Metrics) && cfg.Metrics[i].Name != h.Metric; i++ {
	}
	if h.Metric == "" || i >= len(s.Metrics) {
		return Comparison{}, false
	}
	spent := &s.Metrics[i].Spent
	e := &spent.Excess
	c := Comparison{
		Metric: BudgetOfHarm, Kind: release.Ratio, Severity: release.Guardrail, Outcome: Pass,
		Test:         "normal mixture on the difference of " + h.Metric,
		LogE:         round(e.LogHarm()),
		LogThreshold: round(threshold + math.Log(float64(cfg.payers()))),
		Baseline:     Side{N: e.Trials, Events: int64(math.Round(e.Expected)), Value: over(e.Expected, float64(e.Trials))},
		Candidate:    Side{N: e.Trials, Events: e.Events, Value: over(float64(e.Events), float64(e.Trials))},
		Effect:       Effect{Ratio: over(float64(e.Events), e.Expected), Unbounded: true},
		Reason:       release.Reason{Code: release.WithinBudget, Text: BudgetOfHarm + ": " + h.Text()},
	}
	c.P = math.Min(1, float64(cfg.payers())*pValue(&spent.Peak, c.LogE))
	if h.Estimate > h.Budget && c.LogE >= c.LogThreshold {
		c.Outcome = Fail
		c.Reason = release.Reason{Code: release.HarmBudget, Text: fmt.Sprintf("%s: %s: %d of %s failed, where the baseline's rate gives %s; evidence of harm %s, %s is enough",
			BudgetOfHarm, h.Text(), e.Events, thousands(e.Trials), number(e.Expected), odds(c.LogE), odds(c.LogThreshold))}
	}
	return c, true
}

// Text says what is spent of the budget.
func (h Harm) Text() string {
	if h.Metric == "" {
		return "nothing is spent of " + number(h.Budget) + " requests"
	}
	return fmt.Sprintf("%s is spent by about %s requests, at most %s, of %s", h.Metric,
		number(math.Max(0, math.Round(h.Estimate))), number(math.Ceil(h.Upper)), number(h.Budget))
}

// besides folds what is judged beside the metrics themselves.
func (s *State) besides(cfg Config, i int, seen sighting, l Look) {
	m := cfg.Metrics[i]
	if m.Name == cfg.Share.Of {
		s.Traffic.take(cfg, m, seen, l)
	}
	if cfg.budgeted(m) {
		s.Metrics[i].spend(m, seen)
	}
}

// judgeBesides adds what is judged beside the metrics themselves to a verdict.
func (s *State) judgeBesides(cfg Config, v *Verdict) {
	base := math.Log(tests(cfg, release.Guardrail) / cfg.FalseRollback / besideWeight)
	if c, ok := s.Traffic.comparison(cfg, base); ok && cfg.Share.Of != "" {
		v.Comparisons = append(v.Comparisons, c)
	}
	if cfg.HarmBudget > 0 {
		v.Harm = s.harm(cfg)
		if c, ok := v.Harm.comparison(cfg, s, base); ok {
			v.Comparisons = append(v.Comparisons, c)
		}
	}
}

// beside says that a comparison is none of a metric; passing is not its word.
func (c *Comparison) beside() bool { return c.Metric == ShareOfTraffic || c.Metric == BudgetOfHarm }
