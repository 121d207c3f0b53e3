package judge

import (
	"fmt"
	"math"

	"github.com/linnet-project/linnet/release"
)

// A source that samples counts some of the events and scales them up. What it
// tells is for people; the tests take what it counted, since that alone has the
// chance in it that they reckon with. See "Sampled" in docs/judging.md.

// unlike is the factor by which the arms may differ in what they keep of the
// events over what they keep of the rest.
const unlike = 1.05

// Sampled is what is known of a series of which only a sample was counted.
type Sampled struct {
	// All are the sums scaled up to stand for all, one for each of the shares,
	// whose own are what was counted.
	All []All
	// Limit is the same of the candidate where it is held against a limit.
	Limit Sum
	// OddsA and OddsB are by how much more of the events than of the rest each arm
	// keeps, as far as it is known.
	OddsA, OddsB Odds
	// Unlike says that a window of the last look was left alone, since the arms
	// were sampled too differently.
	Unlike bool
}

// Odds is by how much more of the events than of the rest is kept: Value, 0 where
// it is not known; and by what factor the rounding of what is scaled up to whole
// events may have moved it.
type Odds struct{ Value, Rounding float64 }

// All are sums of both arms, and of the baseline before the candidate had
// traffic.
type All struct{ A, B, Before Sum }

// sampled says whether an observation is of a sample.
func sampled(o *release.Observation) bool { return o != nil && o.Kept != (release.Kept{}) }

// counted is an observation as it was counted: itself where all was.
func counted(m release.Metric, o *release.Observation) *release.Observation {
	if !sampled(o) {
		return o
	}
	c := *o
	c.Events, c.Of = o.Kept.Events, o.Kept.Of
	if m.Kind != release.Histogram {
		return &c
	}
	// Rounded up to each bound, so that the whole is right.
	share := over(o.Kept.Of, float64(total(o.Counts)))
	c.Counts = make([]int64, len(o.Counts))
	upTo, given := 0.0, int64(0)
	for i, n := range o.Counts {
		upTo += share * float64(n)
		c.Counts[i] = int64(math.Round(upTo)) - given
		given += c.Counts[i]
	}
	return &c
}

// possible says whether what was counted can be part of what is told.
func possible(m release.Metric, o *release.Observation) bool {
	k := o.Kept
	if !(k.Of >= 0) || k.Events < 0 {
		return false
	}
	switch m.Kind {
	case release.Histogram:
		return k.Of <= float64(total(o.Counts))
	case release.Ratio:
		return k.Events <= o.Events && k.Of <= o.Of && float64(k.Events) <= k.Of
	}
	return k.Events <= o.Events && k.Of <= o.Of
}

// keeping is the share of an arm's bad events that was counted, and that of the
// rest (of a count: of its exposure); 0 where there was nothing to tell it by.
// What is scaled up is rounded to whole events, by which each may be off.
type keeping struct{ bad, rest, badOff, restOff float64 }

func keepingOf(m release.Metric, o *release.Observation) keeping {
	if !sampled(o) || m.Kind == release.Histogram {
		return keeping{1, 1, 1, 1}
	}
	events := float64(o.Events)
	bad, off := over(float64(o.Kept.Events), events), 1+over(0.5, events)
	if m.Kind == release.Count {
		rest := over(o.Kept.Of, o.Of)
		if m.Of == "" {
			rest = 1
		}
		return keeping{bad, rest, off, 1}
	}
	others := o.Of - events
	k := keeping{bad, over(o.Kept.Of-float64(o.Kept.Events), others), off, 1 + over(1, others)}
	if m.Worse == release.Lower {
		k.bad, k.rest, k.badOff, k.restOff = k.rest, k.bad, k.restOff, k.badOff
	}
	return k
}

func (k keeping) odds() Odds { return Odds{over(k.bad, k.rest), k.badOff * k.restOff} }

// alikeKept says whether two arms keep alike, so that their counts can be held
// against each other: by the same factor more of the events than of the rest.
// Where that is not known of both, the rest must be kept alike; an arm without
// any events so far is taken to keep them as the other one does.
func alikeKept(a, b keeping, oddsA, oddsB Odds) bool {
	if oddsA.Value > 0 && oddsB.Value > 0 {
		return oddsA.within(oddsB)
	}
	return Odds{a.rest, a.restOff}.within(Odds{b.rest, b.restOff})
}

func (x Odds) within(y Odds) bool {
	most := unlike * x.Rounding * y.Rounding
	return x.Value <= y.Value*most && y.Value <= x.Value*most
}

// learn takes what a window tells, where it tells more, or something else.
func (x *Odds) learn(k keeping) {
	now := k.odds()
	if now.Value > 0 && !(x.Value > 0 && x.Rounding <= now.Rounding && x.within(now)) {
		*x = now
	}
}

// keeps learns what both arms keep, and says whether it is alike.
func (s *Series) keeps(m release.Metric, a, b *release.Observation) bool {
	if len(s.Shares) == 0 || m.Kind == release.Histogram {
		return true
	}
	if !s.sample(sampled(a) || sampled(b)) {
		return true
	}
	ka, kb := keepingOf(m, a), keepingOf(m, b)
	s.Sampled.OddsA.learn(ka)
	s.Sampled.OddsB.learn(kb)
	return alikeKept(ka, kb, s.Sampled.OddsA, s.Sampled.OddsB)
}

// sample makes room for what is scaled up, from the first of it on, and says
// whether there is any.
func (s *Series) sample(is bool) bool {
	if s.Sampled == nil && !is {
		return false
	}
	if s.Sampled == nil {
		s.Sampled = &Sampled{}
		if s.Limit != nil {
			s.Sampled.Limit = s.Limit.sum()
		}
	}
	for i := len(s.Sampled.All); i < len(s.Shares); i++ {
		h := &s.Shares[i]
		s.Sampled.All = append(s.Sampled.All, All{h.A, h.B, h.Before})
	}
	return true
}

// all are the sums of the i-th share that stand for all events.
func (s *Series) all(i int) All {
	if s.Sampled != nil && i < len(s.Sampled.All) {
		return s.Sampled.All[i]
	}
	h := &s.Shares[i]
	return All{h.A, h.B, h.Before}
}

// equivalent is what tells as much of an arm's rate as what was counted: the
// events counted, out of as many trials as they stand for at the rate that is
// told.
func equivalent(m release.Metric, o *release.Observation, w release.Weight) (Sum, bool) {
	all, ok := count(m, 0, o, w)
	if !sampled(o) || !ok {
		return all, ok
	}
	own, ok := count(m, 0, counted(m, o), w)
	if all.Events > 0 {
		own.Trials = int64(math.Round(over(float64(all.Trials)*float64(own.Events), float64(all.Events))))
	}
	return own, ok && own.Trials > 0
}

// scaled stands for all what was counted in a stretch, as the whole of it does.
func scaled(part, counted, all Sum) Sum {
	rest := func(s Sum) float64 { return float64(s.Trials - s.Events) }
	events := float64(part.Events) * math.Max(1, over(float64(all.Events), float64(counted.Events)))
	return Sum{int64(math.Round(events)), int64(math.Round(events + rest(part)*math.Max(1, over(rest(all), rest(counted)))))}
}

// tells warns of a comparison of a sample.
func (h *Share) tells(c *Comparison, m release.Metric, of All) {
	what, n, all := "requests", h.A.Trials+h.B.Trials, of.A.Trials+of.B.Trials
	if m.Kind == release.Count {
		what, n, all = "events", h.A.Events+h.B.Events, of.A.Events+of.B.Events
	}
	c.Warnings = append(c.Warnings, fmt.Sprintf("only a sample was counted, %s of %s %s of both arms: the evidence is from those counted, the figures are scaled up to all",
		thousands(n), thousands(all), what))
}

// shifted is a share of events as it would be counted, where by odds more of the
// events than of the rest are kept.
func shifted(share, odds float64) float64 {
	return share * odds / (1 - share + share*odds)
}

// shift is the most and the least by which an arm can have kept more of the
// events than of the rest.
func (s *Series) shift(m release.Metric, b *release.Observation) (most, least float64) {
	if m.Kind != release.Ratio || !sampled(b) || !s.sample(true) {
		return 1, 1
	}
	k := keepingOf(m, b)
	s.Sampled.OddsB.learn(k)
	odds := s.Sampled.OddsB
	switch {
	case odds.Value > 0:
		return odds.Value * odds.Rounding, odds.Value / odds.Rounding
	case k.bad > 0: // all were events
		return 1, math.Min(1, k.bad)
	case k.rest > 0:
		return math.Max(1, 1/k.rest), 1
	}
	return 1, 1
}

// chance is the relative surplus of the variance of the difference of both arms'
// events, scaled up, beyond what it would be if all had been counted.
func chance(m release.Metric, a, b *release.Observation, x, y Sum) float64 {
	if !sampled(a) && !sampled(b) {
		return 0
	}
	ka, kb := keepingOf(m, a), keepingOf(m, b)
	r := over(float64(y.Trials), float64(x.Trials))
	all := float64(y.Events) + r*r*float64(x.Events)
	if all <= 0 {
		return 0
	}
	each := func(k float64) float64 {
		if k <= 0 {
			return 1
		}
		return 1 / math.Min(k, 1)
	}
	variance := each(kb.bad)*float64(y.Events) + r*r*each(ka.bad)*float64(x.Events)
	// How many trials there were is known from a sample, too.
	expected := r * float64(x.Events)
	variance += expected * expected * (over(1, worth(m, a)) + over(1, worth(m, b)))
	return math.Max(0, variance/all-1)
}

// worth is how many requests, drawn one by one, would tell as much about their
// number as those that were counted.
func worth(m release.Metric, o *release.Observation) float64 {
	n := float64(requests(m, o))
	if !sampled(o) || n == 0 {
		return n
	}
	if m.Kind == release.Histogram {
		return o.Kept.Of
	}
	bad, rest := over(float64(o.Kept.Events), float64(o.Events)), over(o.Kept.Of-float64(o.Kept.Events), o.Of-float64(o.Events))
	if m.Kind != release.Ratio {
		rest = over(o.Kept.Of, o.Of)
		bad = rest
	}
	spread := 0.0
	if bad > 0 {
		spread += float64(o.Events) / bad
	}
	if rest > 0 {
		spread += (n - float64(o.Events)) / rest
	}
	return over(n*n, spread)
}
