package rules

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/unit"
)

// Series is what the rules make of a series.
type Series struct {
	Labels labels.Labels
	// name is what ranges know it by; "" where they do not bear on its values.
	name string
	// unit is what its values come in, where converted is set.
	unit      unit.Unit
	converted bool
}

// Series puts the labels of a series in order and holds them against the rules.
// native says that its samples are native histograms, whose buckets are of fixed
// bounds: their units stay as they are. The refusal is nil for one that is fine.
func (r *Rules) Series(ls labels.Labels, native bool) (Series, *item.Refusal) {
	name := ls.Get(labels.MetricName)
	if code, text := r.labels(ls, name); code != "" {
		return Series{}, &item.Refusal{Code: code, Text: text}
	}
	if r.touches(ls) {
		ls = r.relabel(ls)
	}
	if m := missing(r.ofSeries, ls.Get); m != "" {
		return Series{}, &item.Refusal{Code: item.MissingTag,
			Text: fmt.Sprintf("the label %s of %s is missing; send it, or give it another label's value with spec.rename", m, name)}
	}
	s := Series{Labels: ls}
	stem, ending := split(name)
	if ending != "_bucket" && ending != "_count" && !native {
		s.name = name
	}
	if !native {
		r.convert(&s, stem, ending)
	}
	return s, nil
}

// labels checks the labels that are there.
func (r *Rules) labels(ls labels.Labels, name string) (code item.Code, text string) {
	if name == "" {
		return item.UnknownForm, "the series has no name; send one as __name__"
	}
	if n := int64(ls.Len()) - 1; n > r.in.Limits.Tags {
		return item.TooLarge, fmt.Sprintf("%s has %d labels, and spec.limits.tags is %d; send fewer", name, n, r.in.Limits.Tags)
	}
	ls.Range(func(l labels.Label) {
		switch {
		case code != "":
		case l.Name == "" || !utf8.ValidString(l.Name) || int64(len(l.Name)) > r.in.Limits.Tag:
			code, text = item.UnknownForm, fmt.Sprintf("a label of %s has no name that it could have; send a short one in UTF-8", name)
		default:
			code, text = r.tag(l.Name, l.Value)
		}
	})
	return code, text
}

// touches tells whether a series has labels that the rules change.
func (r *Rules) touches(ls labels.Labels) bool {
	for _, n := range r.renames {
		if ls.Has(n.old) {
			return true
		}
	}
	for tag := range r.drop {
		if ls.Has(tag) {
			return true
		}
	}
	return false
}

func (r *Rules) relabel(ls labels.Labels) labels.Labels {
	b := labels.NewBuilder(ls)
	for _, n := range r.renames {
		value := b.Get(n.old)
		if value == "" {
			continue
		}
		b.Del(n.old)
		if b.Get(n.renamed) == "" {
			b.Set(n.renamed, value)
		}
	}
	for tag := range r.drop {
		if tag != labels.MetricName {
			b.Del(tag)
		}
	}
	return b.Labels()
}

// split takes from a name what says which part of a metric it is.
func split(name string) (stem, ending string) {
	for _, ending := range []string{"_bucket", "_sum", "_count", "_total"} {
		if stem, ok := strings.CutSuffix(name, ending); ok {
			return stem, ending
		}
	}
	return name, ""
}

// convert finds the unit of a series, by declaration or by its name, and gives
// it the name and the bounds that it has in base units.
func (r *Rules) convert(s *Series, stem, ending string) {
	short, byName, named := unit.Ending(stem)
	u, ok := r.unitOf(stem)
	if !ok {
		u, ok = r.unitOf(stem + ending)
	}
	if !ok && r.in.Series.UnitsByName && named {
		u, ok = byName, true
	}
	if !ok || u.IsBase() {
		return
	}
	b := labels.NewBuilder(s.Labels)
	if named && byName.Base == u.Base {
		b.Set(labels.MetricName, short+"_"+u.Base+ending)
	}
	if le := b.Get(labels.BucketLabel); ending == "_bucket" && le != "" {
		if bound, err := strconv.ParseFloat(le, 64); err == nil && !math.IsInf(bound, 0) {
			b.Set(labels.BucketLabel, strconv.FormatFloat(u.ToBase(bound), 'g', -1, 64))
		}
	}
	s.Labels = b.Labels()
	if ending != "_bucket" && ending != "_count" {
		s.unit, s.converted = u, true
	}
}

// Value turns a sample of the series into base units and holds it against the
// rules; at is when it came in. It gives nil for one that is fine.
func (r *Rules) Value(s Series, sample *item.Sample, at time.Time) *item.Refusal {
	if code, text := r.inTime(time.UnixMilli(sample.T), at); code != "" {
		return &item.Refusal{Code: code, Text: text, Raw: SampleLine(*sample)}
	}
	if sample.H != nil || sample.FH != nil {
		return nil
	}
	as := sample.V
	if s.converted {
		sample.V = s.unit.ToBase(sample.V)
	}
	if s.name == "" {
		return nil
	}
	if text := r.inRange(s.name, sample.V); text != "" {
		sample.V = as
		return &item.Refusal{Code: item.OutOfRange, Text: text, Raw: SampleLine(*sample)}
	}
	return nil
}

// Sample puts a sample in order, as Series and Value do for one at a time.
func (r *Rules) Sample(sample *item.Sample, at time.Time) *item.Refusal {
	s, refused := r.Series(sample.Labels, sample.H != nil || sample.FH != nil)
	if refused != nil {
		refused.Raw = SampleLine(*sample)
		return refused
	}
	if refused = r.Value(s, sample, at); refused == nil {
		sample.Labels = s.Labels
	}
	return refused
}

// sampleLine is how a sample is written for the quarantine, so that it can be
// put right and sent again.
type sampleLine struct {
	Schema string            `json:"schema"`
	Time   string            `json:"time"`
	Labels map[string]string `json:"labels"`
	// Value is text where JSON has no number for it.
	Value     any    `json:"value,omitempty"`
	Histogram string `json:"histogram,omitempty"`
}

// SampleSchema is the schema of a sample as one line of JSON.
const SampleSchema = "linnet.sample/1"

// SampleLine writes a sample as one line of JSON, which the front door takes
// among events, unless it is a native histogram: that is written for people.
func SampleLine(s item.Sample) []byte {
	line := sampleLine{Schema: SampleSchema, Time: time.UnixMilli(s.T).UTC().Format(time.RFC3339Nano), Labels: s.Labels.Map(), Value: s.V}
	switch {
	case s.H != nil:
		line.Value, line.Histogram = nil, s.H.String()
	case s.FH != nil:
		line.Value, line.Histogram = nil, s.FH.String()
	case math.IsNaN(s.V) || math.IsInf(s.V, 0):
		line.Value = strconv.FormatFloat(s.V, 'g', -1, 64)
	}
	text, err := json.Marshal(line)
	if err != nil {
		return nil
	}
	return text
}
