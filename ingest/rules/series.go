package rules

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/unit"
)

// Sample puts a sample in order and holds it against the rules. It gives nil for
// one that is fine. Native histograms, whose buckets have fixed bounds, stay in
// the unit that they came in.
func (r *Rules) Sample(s *item.Sample) *item.Refusal {
	ls, v := s.Labels, s.V
	if code, text := r.sample(&ls, &v, s.H != nil || s.FH != nil); code != "" {
		return &item.Refusal{Code: code, Text: text, Raw: item.SampleLine(*s)}
	}
	s.Labels, s.V = ls, v
	return nil
}

func (r *Rules) sample(ls *labels.Labels, v *float64, native bool) (item.Code, string) {
	name := ls.Get(model.MetricNameLabel)
	if code, text := r.labels(*ls, name); code != "" {
		return code, text
	}
	if r.touches(*ls) {
		*ls = r.relabel(*ls)
	}
	if m := missing(r.ofSeries, ls.Get); m != "" {
		return item.MissingTag, fmt.Sprintf("the label %s of %s is missing; send it, or give it another label's value with spec.rename", m, name)
	}
	stem, ending := split(name)
	if native {
		return "", ""
	}
	r.convert(ls, v, stem, ending)
	if ending == "_bucket" || ending == "_count" {
		return "", ""
	}
	if text := r.inRange(name, *v); text != "" {
		return item.OutOfRange, text
	}
	return "", ""
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
		case l.Name == "" || !utf8.ValidString(l.Name) || controls(l.Name) || int64(len(l.Name)) > r.in.Limits.Tag:
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
		if tag != model.MetricNameLabel {
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
// it the name, the value and the bound that it has in base units.
func (r *Rules) convert(ls *labels.Labels, v *float64, stem, ending string) {
	if len(r.units) == 0 && !r.in.Series.UnitsByName {
		return
	}
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
	b := labels.NewBuilder(*ls)
	if named && byName.Base == u.Base {
		b.Set(model.MetricNameLabel, short+"_"+u.Base+ending)
	}
	if le := b.Get(labels.BucketLabel); ending == "_bucket" && le != "" {
		if bound, err := strconv.ParseFloat(le, 64); err == nil && !math.IsInf(bound, 0) {
			b.Set(labels.BucketLabel, strconv.FormatFloat(u.ToBase(bound), 'g', -1, 64))
		}
	}
	*ls = b.Labels()
	if ending != "_bucket" && ending != "_count" {
		*v = u.ToBase(*v)
	}
}
