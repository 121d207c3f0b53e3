package journal

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
)

// maxStayText bounds the sentence kept with a decision to stay, in bytes. Most
// looks end in one, and its numbers can be had again by a replay.
const maxStayText = 200

// storedDecision holds a verdict in full, or as a glance where the decision is
// to stay.
type storedDecision struct {
	At      time.Time           `json:"t,omitzero"`
	Kind    engine.DecisionKind `json:"k"`
	Phase   engine.Phase        `json:"p,omitempty"`
	Step    int                 `json:"s,omitempty"`
	Weight  release.Weight      `json:"w,omitempty"`
	Reason  storedReason        `json:"r,omitzero"`
	Who     string              `json:"who,omitempty"`
	Verdict *storedVerdict      `json:"v,omitempty"`
	Glance  *storedGlance       `json:"g,omitempty"`
}

// storedGlance is a verdict cut down to the comparison that decides it.
type storedGlance struct {
	Outcome judge.Outcome `json:"o,omitempty"`
	// Code is that of the verdict's reason, empty where it is the decision's.
	Code    release.Code `json:"c,omitempty"`
	Metric  string       `json:"m,omitempty"`
	Segment string       `json:"g,omitempty"`
	// LogE and Threshold are nil where no comparison decides.
	LogE      *number `json:"e,omitempty"`
	Threshold *number `json:"h,omitempty"`
	Fresh     bool    `json:"f,omitempty"`
	Blind     bool    `json:"b,omitempty"`
	Warns     bool    `json:"w,omitempty"`
}

func storeDecision(d engine.Decision) storedDecision {
	stored := storedDecision{
		At: d.At.UTC(), Kind: d.Kind, Phase: d.Phase, Step: d.Step, Weight: d.Weight,
		Reason: storedReason(d.Reason), Who: d.Who,
	}
	if d.Kind == engine.Stay {
		stored.Reason.Text = cut(d.Reason.Text, maxStayText)
		stored.Glance = storeGlance(d)
	} else {
		stored.Verdict = storeVerdict(d.Verdict)
	}
	return stored
}

func (s storedDecision) load() engine.Decision {
	d := engine.Decision{
		At: s.At, Kind: s.Kind, Phase: s.Phase, Step: s.Step, Weight: s.Weight,
		Reason: release.Reason(s.Reason), Who: s.Who, Verdict: s.Verdict.load(),
	}
	if s.Glance != nil {
		d.Verdict = s.Glance.load(d)
	}
	return d
}

func storeGlance(d engine.Decision) *storedGlance {
	v := d.Verdict
	if v == nil {
		return nil
	}
	stored := &storedGlance{
		Outcome: v.Outcome, Metric: v.Metric, Segment: v.Segment,
		Fresh: v.Fresh, Blind: v.Blind, Warns: v.Warns,
	}
	if v.Reason.Code != d.Reason.Code {
		stored.Code = v.Reason.Code
	}
	for _, c := range v.Comparisons {
		if c.Metric == v.Metric && c.Segment == v.Segment {
			e, threshold := rounded(c.LogE), rounded(c.LogThreshold)
			stored.LogE, stored.Threshold = &e, &threshold
			break
		}
	}
	return stored
}

func (s *storedGlance) load(d engine.Decision) *judge.Verdict {
	v := &judge.Verdict{
		At: d.At, Outcome: s.Outcome, Reason: d.Reason, Metric: s.Metric, Segment: s.Segment,
		Fresh: s.Fresh, Blind: s.Blind, Warns: s.Warns,
	}
	if s.Code != "" {
		v.Reason = release.Reason{Code: s.Code}
	}
	if s.LogE != nil && s.Threshold != nil {
		v.Comparisons = []judge.Comparison{{
			Metric: s.Metric, Segment: s.Segment,
			LogE: float64(*s.LogE), LogThreshold: float64(*s.Threshold),
		}}
	}
	return v
}

// rounded keeps six digits behind the point; rounding twice equals once.
func rounded(f float64) number {
	const unit, large = 1e6, 1e9
	if !(math.Abs(f) < large) { // as large as this, infinite, or no number: as it is
		return number(f)
	}
	return number(math.Round(f*unit) / unit)
}

// cut shortens a text to at most limit bytes, between characters, and shows
// that it did. Bytes that are not UTF-8 become the replacement character
// first, as they would in JSON, so that cutting twice equals once.
func cut(text string, limit int) string {
	const more = "…"
	if text = strings.ToValidUTF8(text, "\uFFFD"); len(text) <= limit {
		return text
	}
	end := limit - len(more)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + more
}
