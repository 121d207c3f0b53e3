package journal

import (
	"time"

	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
)

type storedVerdict struct {
	At          time.Time          `json:"t,omitzero"`
	Outcome     judge.Outcome      `json:"o,omitempty"`
	Reason      storedReason       `json:"r,omitzero"`
	Metric      string             `json:"m,omitempty"`
	Segment     string             `json:"g,omitempty"`
	Comparisons []storedComparison `json:"c,omitempty"`
	Fresh       bool               `json:"f,omitempty"`
	Blind       bool               `json:"b,omitempty"`
	Dark        bool               `json:"d,omitempty"`
	Warns       bool               `json:"w,omitempty"`
	Harm        storedHarm         `json:"hb,omitzero"`
}

type storedHarm struct {
	Metric   string `json:"m,omitempty"`
	Estimate number `json:"e,omitempty"`
	Upper    number `json:"u,omitempty"`
	Budget   number `json:"b,omitempty"`
	Each     number `json:"p,omitempty"`
	Rate     number `json:"r,omitempty"`
}

type storedComparison struct {
	Metric    string               `json:"m"`
	Segment   string               `json:"g,omitempty"`
	Kind      release.Kind         `json:"k,omitempty"`
	Severity  release.Severity     `json:"s,omitempty"`
	Test      string               `json:"t,omitempty"`
	Outcome   judge.Outcome        `json:"o,omitempty"`
	Reason    storedReason         `json:"r,omitzero"`
	Baseline  storedSide           `json:"b,omitzero"`
	Candidate storedSide           `json:"c,omitzero"`
	Effect    storedComparedEffect `json:"f,omitzero"`
	Matched   storedSide           `json:"mb,omitzero"`
	Counted   storedSide           `json:"cw,omitzero"`
	Likely    number               `json:"lk,omitempty"`
	Bound     number               `json:"bd,omitempty"`
	LogE      number               `json:"e,omitempty"`

	Superiority number           `json:"su,omitempty"`
	Quantiles   []storedQuantile `json:"q,omitempty"`
	Shape       judge.Shape      `json:"sh,omitempty"`
	// LogThreshold and the rest are named after the evidence for a fail (h)
	// and for a pass (pe, ph).
	LogThreshold     number       `json:"h,omitempty"`
	P                number       `json:"p,omitempty"`
	LogPass          number       `json:"pe,omitempty"`
	LogPassThreshold number       `json:"ph,omitempty"`
	Exclude          number       `json:"ex,omitempty"`
	ByFloor          bool         `json:"fl,omitempty"`
	AgainstLimit     bool         `json:"al,omitempty"`
	Growth           number       `json:"gr,omitempty"`
	Recent           storedRecent `json:"re,omitzero"`
	Warnings         []string     `json:"w,omitempty"`
}

type storedRecent struct {
	Since     time.Time  `json:"t,omitzero"`
	Baseline  storedSide `json:"b,omitzero"`
	Candidate storedSide `json:"c,omitzero"`
}

type storedQuantile struct {
	P         number               `json:"p"`
	Baseline  number               `json:"b,omitempty"`
	Candidate number               `json:"c,omitempty"`
	Effect    storedComparedEffect `json:"f,omitzero"`
}

type storedSide struct {
	N      int64  `json:"n,omitempty"`
	Events int64  `json:"e,omitempty"`
	Value  number `json:"v,omitempty"`
}

type storedComparedEffect struct {
	Ratio     number `json:"r,omitempty"`
	Low       number `json:"l,omitempty"`
	High      number `json:"h,omitempty"`
	Unbounded bool   `json:"u,omitempty"`

	Difference     number `json:"d,omitempty"`
	DifferenceLow  number `json:"dl,omitempty"`
	DifferenceHigh number `json:"dh,omitempty"`
}

func storeVerdict(v *judge.Verdict) *storedVerdict {
	if v == nil {
		return nil
	}
	return &storedVerdict{
		At: v.At.UTC(), Outcome: v.Outcome, Reason: storedReason(v.Reason),
		Metric: v.Metric, Segment: v.Segment, Comparisons: each(v.Comparisons, storeComparison),
		Fresh: v.Fresh, Blind: v.Blind, Dark: v.Dark, Warns: v.Warns,
		Harm: storeHarm(v.Harm),
	}
}

func (s *storedVerdict) load() *judge.Verdict {
	if s == nil {
		return nil
	}
	return &judge.Verdict{
		At: s.At, Outcome: s.Outcome, Reason: release.Reason(s.Reason),
		Metric: s.Metric, Segment: s.Segment, Comparisons: each(s.Comparisons, storedComparison.load),
		Fresh: s.Fresh, Blind: s.Blind, Dark: s.Dark, Warns: s.Warns,
		Harm: s.Harm.load(),
	}
}

func storeHarm(h judge.Harm) storedHarm {
	return storedHarm{
		Metric: h.Metric, Estimate: number(h.Estimate), Upper: number(h.Upper), Budget: number(h.Budget),
		Each: number(h.Each), Rate: number(h.Rate),
	}
}

func (s storedHarm) load() judge.Harm {
	return judge.Harm{
		Metric: s.Metric, Estimate: float64(s.Estimate), Upper: float64(s.Upper), Budget: float64(s.Budget),
		Each: float64(s.Each), Rate: float64(s.Rate),
	}
}

func storeComparison(c judge.Comparison) storedComparison {
	return storedComparison{
		Metric: c.Metric, Segment: c.Segment, Kind: c.Kind, Severity: c.Severity,
		Test: c.Test, Outcome: c.Outcome, Reason: storedReason(c.Reason),
		Baseline: storeSide(c.Baseline), Candidate: storeSide(c.Candidate),
		Effect:  storeComparedEffect(c.Effect),
		Matched: storeSide(c.Matched), Counted: storeSide(c.Counted), Likely: number(c.Likely),
		Superiority: number(c.Superiority), Quantiles: each(c.Quantiles, storeQuantile), Shape: c.Shape,
		Bound: number(c.Bound), LogE: number(c.LogE), LogThreshold: number(c.LogThreshold), P: number(c.P),
		LogPass: number(c.LogPass), LogPassThreshold: number(c.LogPassThreshold),
		Exclude: number(c.Exclude), ByFloor: c.ByFloor, AgainstLimit: c.AgainstLimit, Growth: number(c.Growth),
		Recent: storedRecent{
			Since: c.Recent.Since.UTC(), Baseline: storeSide(c.Recent.Baseline), Candidate: storeSide(c.Recent.Candidate),
		},
		Warnings: c.Warnings,
	}
}

func (s storedComparison) load() judge.Comparison {
	return judge.Comparison{
		Metric: s.Metric, Segment: s.Segment, Kind: s.Kind, Severity: s.Severity,
		Test: s.Test, Outcome: s.Outcome, Reason: release.Reason(s.Reason),
		Baseline: s.Baseline.load(), Candidate: s.Candidate.load(),
		Effect:  s.Effect.load(),
		Matched: s.Matched.load(), Counted: s.Counted.load(), Likely: float64(s.Likely),
		Superiority: float64(s.Superiority), Quantiles: each(s.Quantiles, storedQuantile.load), Shape: s.Shape,
		Bound: float64(s.Bound), LogE: float64(s.LogE), LogThreshold: float64(s.LogThreshold), P: float64(s.P),
		LogPass: float64(s.LogPass), LogPassThreshold: float64(s.LogPassThreshold),
		Exclude: float64(s.Exclude), ByFloor: s.ByFloor, AgainstLimit: s.AgainstLimit, Growth: float64(s.Growth),
		Recent: judge.Recent{
			Since: s.Recent.Since, Baseline: s.Recent.Baseline.load(), Candidate: s.Recent.Candidate.load(),
		},
		Warnings: s.Warnings,
	}
}

func storeComparedEffect(e judge.Effect) storedComparedEffect {
	return storedComparedEffect{Ratio: number(e.Ratio), Low: number(e.Low), High: number(e.High), Unbounded: e.Unbounded,
		Difference: number(e.Difference), DifferenceLow: number(e.DifferenceLow), DifferenceHigh: number(e.DifferenceHigh)}
}

func (s storedComparedEffect) load() judge.Effect {
	return judge.Effect{Ratio: float64(s.Ratio), Low: float64(s.Low), High: float64(s.High), Unbounded: s.Unbounded,
		Difference: float64(s.Difference), DifferenceLow: float64(s.DifferenceLow), DifferenceHigh: float64(s.DifferenceHigh)}
}

func storeQuantile(q judge.Quantile) storedQuantile {
	return storedQuantile{P: number(q.P), Baseline: number(q.Baseline), Candidate: number(q.Candidate), Effect: storeComparedEffect(q.Effect)}
}

func (s storedQuantile) load() judge.Quantile {
	return judge.Quantile{P: float64(s.P), Baseline: float64(s.Baseline), Candidate: float64(s.Candidate), Effect: s.Effect.load()}
}

func storeSide(s judge.Side) storedSide {
	return storedSide{N: s.N, Events: s.Events, Value: number(s.Value)}
}

func (s storedSide) load() judge.Side {
	return judge.Side{N: s.N, Events: s.Events, Value: float64(s.Value)}
}
