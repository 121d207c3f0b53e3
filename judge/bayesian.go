package judge

import (
	"fmt"
	"math"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/stats"
)

// What the method Bayesian takes for enough: the probability of harm beyond the
// tolerance that fails, that of the harm which a pass rules out, and how many
// bad events both arms together must have for a fail.
const (
	surelyWorse  = 0.99
	hardlyWorse  = 0.05
	enoughEvents = 10
)

// Matched sums the baseline's figures with each window weighed by what the
// candidate had of it, so that a level or a split that changes in the course of
// a release does not pass for a difference.
type Matched struct {
	Events float64 // the baseline's, as many as at the candidate's trials
	Trials float64 // the candidate's
	Spread float64 // of the variance of Events over that of the baseline's rate
}

// match folds one window of both arms.
func (s *Series) match(m release.Metric, p pair, l Look) {
	if p.a == nil || p.b == nil || m.Kind != release.Ratio && m.Kind != release.Count || !exposed(m, p.a, l) || !exposed(m, p.b, l) {
		return
	}
	a, okA := equivalent(m, p.a, release.Whole-l.Weight)
	b, okB := equivalent(m, p.b, l.Weight)
	if !okA || !okB || a.Trials == 0 || b.Trials == 0 {
		return
	}
	each := float64(b.Trials) / float64(a.Trials)
	s.Matched.Events += each * float64(a.Events)
	s.Matched.Trials += float64(b.Trials)
	s.Matched.Spread += each * float64(b.Trials)
}

// side is what the sums come to: the rate, and how many trials of the baseline
// tell it as well.
func (x Matched) side(m release.Metric) Side {
	if x.Trials == 0 {
		return Side{}
	}
	rate := x.Events / x.Trials
	worth := math.Min(math.Max(1, x.Trials*x.Trials/x.Spread), math.MaxInt64/2)
	out := side(m, Sum{Events: int64(math.Round(rate * worth)), Trials: int64(math.Round(worth))})
	switch {
	case m.Kind == release.Count:
		out.Value = rate * exposureGrain
	case m.Worse == release.Lower:
		out.Value = 1 - rate
	default:
		out.Value = rate
	}
	return out
}

// Belief is what a comparison comes to under a prior: a probability, and a loss.
// It holds for one look that the data did not choose. Looked at again and again
// until the probability is high, it raises false alarms without bound; the
// evidence of a sequential test does not.
type Belief struct {
	// Worse is the probability that the candidate is worse than the baseline by
	// more than the tolerance.
	Worse float64
	// Loss is how many bad events more than the baseline's the candidate is
	// expected to have, counting nothing where it has fewer, Per so much of what
	// they are counted against; Per is empty where there is no such figure.
	Loss float64
	Per  string
}

// told are the candidate's figures, with as much weight as they have.
func (c *Comparison) told() Side {
	if c.Counted.N > 0 {
		return c.Counted
	}
	return c.Candidate
}

// Belief returns what a comparison of a candidate with its baseline comes to
// under the metric's prior; ok is false where there is nothing to tell, as of
// histograms and of absolute limits.
//
// Without a prior of its own the metric's rate is believed to be, on either arm
// and independently, around that of both arms together, as surely as half an
// event tells.
func (c *Comparison) Belief(m release.Metric) (b Belief, ok bool) {
	switch {
	case m.Kind == release.Gauge:
		return Belief{Worse: c.Likely}, c.Likely > 0
	case c.Matched.N <= 0 || c.told().N <= 0: // a limit, a chart, or one window alone
		return b, false
	case m.Kind == release.Ratio:
		x := c.shares(m, c.prior(m))
		return Belief{Worse: x.worse(m), Loss: 1000 * stats.ExpectedLossFast(x.a, x.b, 0), Per: "1,000 requests"}, true
	case m.Kind == release.Count:
		x := c.rates(m)
		b = Belief{Worse: x.worse(m), Loss: 1000 * x.loss(m), Per: "1,000 units"}
		if m.Of == "" {
			b.Loss, b.Per = 3600*x.loss(m), "hour at all of the traffic"
		}
		return b, true
	}
	return b, false
}

// believedShares are beliefs about both arms' shares of bad events.
type believedShares struct{ a, b stats.Beta }

// believedRates are beliefs about both arms' rates of events.
type believedRates struct{ a, b stats.Gamma }

// What beliefs are kept within, in events and trials: less is no belief that
// could be reckoned with, and more says nothing more.
const (
	weakEvents  = 0.5 // of a prior that says little
	leastBelief = 0.1
	mostBelief  = 1e14
)

// badOf is an arm's share of bad events, which fewer good ones are.
func badOf(m release.Metric, s Side) float64 {
	p := s.Value
	if m.Worse == release.Lower {
		p = 1 - p
	}
	return math.Min(math.Max(p, 0), 1)
}

// prior is the belief about the share of bad events, the same for both arms.
func (c *Comparison) prior(m release.Metric) stats.Beta {
	na, nb := float64(c.Matched.N), float64(c.told().N)
	level := (badOf(m, c.Matched)*na + badOf(m, c.told())*nb + 0.5) / (na + nb + 1)
	weight := weakEvents / math.Min(level, 1-level)
	if m.Prior.Weight > 0 {
		level, weight = badOf(m, Side{Value: m.Prior.Rate}), m.Prior.Weight
	}
	return stats.Beta{A: math.Max(level*weight, leastBelief), B: math.Max((1-level)*weight, leastBelief)}
}

// shares is what is believed of both arms after their data.
func (c *Comparison) shares(m release.Metric, prior stats.Beta) believedShares {
	after := func(s Side) stats.Beta {
		n, share := math.Min(float64(s.N), mostBelief), badOf(m, s)
		return stats.Beta{A: prior.A + share*n, B: prior.B + (1-share)*n}
	}
	return believedShares{after(c.Matched), after(c.told())}
}

func (c *Comparison) rates(m release.Metric) believedRates {
	a, b := c.Matched, c.told()
	na, nb := float64(a.N), float64(b.N)
	level, weight := (a.Value*na+b.Value*nb+0.5)/(na+nb), 0.0
	if m.Prior.Weight > 0 {
		level, weight = m.Prior.Rate, m.Prior.Weight
	} else {
		weight = weakEvents / level
	}
	believed := func(rate, n float64) stats.Gamma {
		n = math.Min(n, mostBelief/math.Max(rate, 1))
		return stats.Gamma{Shape: math.Max(level*weight, leastBelief) + rate*n, Rate: weight + n}
	}
	return believedRates{believed(a.Value, na), believed(b.Value, nb)}
}

// worse is the probability of harm beyond the tolerance.
func (x believedShares) worse(m release.Metric) float64 {
	return x.beyond(m, 1+m.Tolerance, 1-m.Tolerance, m.ToleranceAbs)
}

// excluded is the probability of the harm that a pass rules out.
func (x believedShares) excluded(m release.Metric, exclude float64) float64 {
	return x.beyond(m, exclude, 1/exclude, floorShare)
}

// beyond is the probability that the candidate has more than misses times the
// baseline's bad events (where fewer good ones are bad, more than that or fewer
// than hits times the good ones), and more than least beyond them; which of the
// two binds is told at the level that the baseline is believed to have.
func (x believedShares) beyond(m release.Metric, misses, hits, least float64) float64 {
	margin, factor, p := 0.0, misses, x.a.Mean()
	if m.Worse == release.Lower && 1-(1-p)*hits < misses*p {
		margin, factor = 1-hits, hits
	}
	if p+least > margin+factor*p {
		margin, factor = least, 1
	}
	return stats.ProbabilityBeyond(x.a, x.b, margin, factor)
}

func (x believedRates) worse(m release.Metric) float64 {
	return x.beyond(m, rateNull(m, x.a.Mean()).Tolerated)
}

// beyond is the probability that rates differ by more than a ratio.
func (x believedRates) beyond(m release.Metric, ratio float64) float64 {
	if m.Worse == release.Lower {
		return stats.ProbabilityWorseRate(x.b, x.a, ratio-1)
	}
	return stats.ProbabilityWorseRate(x.a, x.b, ratio-1)
}

func (x believedRates) loss(m release.Metric) float64 {
	if m.Worse == release.Lower {
		return stats.ExpectedLossRate(x.b, x.a, 0)
	}
	return stats.ExpectedLossRate(x.a, x.b, 0)
}

// likely is the probability that a gauge's difference is above a size, by the
// posterior of a normal mean of unknown variance under the prior that says least
// (Jeffreys 1946); 0 where the noise is not known and the difference is above it.
func (g *Level) likely(size float64) float64 {
	const least = 1e-6
	mean := &g.Ratio.Mean
	switch {
	case mean.N < leastPoints || mean.Still() && mean.Mu > size:
		return 0
	case mean.Still():
		return least
	}
	n := float64(mean.N)
	belief := stats.NormalGamma{Mu: mean.Mu, Weight: n, Shape: (n - 1) / 2, Scale: mean.M2 / 2}
	return math.Max(round(belief.Above(size)), least)
}

// believe judges a comparison by the probability of harm instead of evidence,
// which it takes out: that was not asked for, and has no budget. Where the prior
// is taken from the data, it would let a service without errors pass by itself;
// so a pass has to hold under a flat prior too.
func (s *Series) believe(c *Comparison, m release.Metric) {
	excluded := 0.0 // the probability of the harm that a pass rules out
	known := c.Matched.N > 0 && c.told().N > 0
	switch m.Kind {
	case release.Gauge:
		c.Test = "posterior probability (normal with a variance not known)"
		size := math.Log(c.Exclude)
		if m.ToleranceAbs > 0 {
			size = c.Exclude
		}
		excluded, known = s.Level.likely(size), c.Likely > 0
	case release.Ratio:
		c.Test = "posterior probability (Beta-Binomial), " + priorName(m)
		if known {
			x := c.shares(m, c.prior(m))
			c.Likely, excluded = x.worse(m), x.excluded(m, c.Exclude)
			if m.Prior.Weight == 0 {
				flat := c.shares(m, stats.Beta{A: 1, B: 1})
				excluded = math.Max(excluded, flat.excluded(m, c.Exclude))
			}
		}
	case release.Count:
		c.Test = "posterior probability (Gamma-Poisson), " + priorName(m)
		if known {
			x := c.rates(m)
			c.Likely, excluded = x.worse(m), x.beyond(m, c.Exclude)
		}
	default:
		known = false
	}
	c.LogE, c.LogThreshold, c.LogPass, c.LogPassThreshold = 0, 0, 0, 0
	c.ByFloor, c.Recent = false, Recent{}
	c.Likely, excluded = round(c.Likely), round(excluded)
	c.Warnings = append(c.Warnings, "no guarantee on false alarms: the probability holds for one look, not for many, and knows no noise that requests share")
	c.Outcome, c.Reason = believed(c, m, known, excluded)
}

func priorName(m release.Metric) string {
	if m.Prior.Weight > 0 {
		return fmt.Sprintf("prior of %s with the weight of %s", number(m.Prior.Rate), number(m.Prior.Weight))
	}
	return "weak prior"
}

// believed turns probabilities into an outcome. excluded is that of the harm
// that a pass rules out.
func believed(c *Comparison, m release.Metric, known bool, excluded float64) (Outcome, release.Reason) {
	name, least := subject(c.Segment, m), max(m.MinSamples, 1)
	harm := "worse than the baseline by more than the tolerance with a probability of " + percent(c.Likely)
	beyond := fmt.Sprintf("%s or worse with a probability of %s", excludedHarm(c, m), percent(excluded))
	shown := figures(m, c.Candidate, c.Baseline)
	switch {
	case min(c.Baseline.N, c.Candidate.N) < least, c.Counted.N > 0 && min(c.Matched.N, c.Counted.N) < least:
		return Wait, release.Reason{Code: release.TooFew, Text: fmt.Sprintf(
			"%s: %d samples of the candidate and %d of the baseline; %d of each are needed", name, c.Candidate.N, c.Baseline.N, least)}
	case !known && c.Reason.Code != "":
		return Wait, c.Reason
	case !known:
		return Wait, release.Reason{Code: release.Collecting, Text: name + ": too little to tell how likely harm is"}
	case c.Likely >= surelyWorse && bad(c, m) >= enoughEvents:
		return Fail, release.Reason{Code: release.HarmFound, Text: fmt.Sprintf("%s: %s, %s is enough: %s", name, harm, percent(surelyWorse), shown)}
	case c.Likely >= surelyWorse:
		return Wait, release.Reason{Code: release.TooFew, Text: fmt.Sprintf("%s: %s, by %s bad events; a fail takes %d: %s",
			name, harm, number(bad(c, m)), enoughEvents, shown)}
	case excluded <= hardlyWorse:
		return Pass, release.Reason{Code: release.HarmExcluded, Text: fmt.Sprintf("%s: %s, %s is little enough: %s", name, beyond, percent(hardlyWorse), shown)}
	}
	return Wait, release.Reason{Code: release.Collecting, Text: fmt.Sprintf("%s: %s and %s; a fail takes %s of the one, a pass %s of the other: %s",
		name, harm, beyond, percent(surelyWorse), percent(hardlyWorse), shown)}
}

// bad is how many bad events both arms had together. Points of a gauge, and
// events of which fewer are worse, are no such events.
func bad(c *Comparison, m release.Metric) float64 {
	a, b := c.Baseline, c.Candidate
	if c.Counted.N > 0 {
		a, b = c.Matched, c.Counted
	}
	switch {
	case m.Kind == release.Ratio:
		return math.Round(badOf(m, a)*float64(a.N) + badOf(m, b)*float64(b.N))
	case m.Kind == release.Count:
		return float64(a.Events + b.Events)
	}
	return enoughEvents
}
