package rules

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/spec"
)

// Event puts an event in order and holds it against the rules. It gives nil for
// one that is fine.
func (r *Rules) Event(e *item.Event) *item.Refusal {
	if e.Name == "" {
		e.Name = "request"
	}
	r.rename(e)
	code, text := r.tags(e)
	if code == "" {
		r.toBase(e)
		code, text = r.values(e)
	}
	if code == "" {
		return nil
	}
	raw := e.Raw
	if len(raw) == 0 {
		raw = item.EventLine(*e)
	}
	return &item.Refusal{Code: code, Text: text, Place: e.Place, Raw: raw}
}

// place is where an event keeps a tag; nil for those among Tags.
func place(e *item.Event, tag string) *string {
	switch tag {
	case "service":
		return &e.Service
	case "version":
		return &e.Version
	case "arm":
		return &e.Arm
	case "route":
		return &e.Route
	}
	return nil
}

func get(e *item.Event, tag string) string {
	if p := place(e, tag); p != nil {
		return *p
	}
	return e.Tags[tag]
}

// give gives an event a tag that it has not.
func give(e *item.Event, tag, value string) {
	if value == "" || get(e, tag) != "" {
		return
	}
	if p := place(e, tag); p != nil {
		*p = value
		return
	}
	if e.Tags == nil {
		e.Tags = map[string]string{}
	}
	e.Tags[tag] = value
}

// rename gives tags their names: those of the rules, and among them of fields
// that the schema does not know; then those that a label can have.
func (r *Rules) rename(e *item.Event) {
	for _, n := range r.renames {
		value := get(e, n.old)
		if value == "" {
			value = e.Fields[n.old]
		}
		if value == "" {
			continue
		}
		if p := place(e, n.old); p != nil {
			*p = ""
		}
		delete(e.Tags, n.old)
		give(e, n.renamed, value)
	}
	if len(r.fields) > 0 {
		for name, value := range e.Fields {
			if r.fields[name] && r.in.Rename[name] == "" {
				give(e, name, value)
			}
		}
	}
	if len(e.Tags) > 0 {
		r.label(e)
	}
	for _, f := range r.fills {
		give(e, f.tag, f.value)
	}
}

// label takes out tags that are not kept, and those that have a place of their
// own, and makes labels of names that are none.
func (r *Rules) label(e *item.Event) {
	var odd []string
	for tag, value := range e.Tags {
		if name := labelOf(tag); name != tag || value == "" || place(e, name) != nil || r.drop[name] || r.keep != nil && !r.keep[name] {
			odd = append(odd, tag)
		}
	}
	slices.Sort(odd)
	for _, tag := range odd {
		value, name := e.Tags[tag], labelOf(tag)
		delete(e.Tags, tag)
		if !r.drop[name] && (r.keep == nil || r.keep[name] || place(e, name) != nil) {
			give(e, name, value)
		}
	}
}

// tags checks the tags that are there, and that those which must be are.
func (r *Rules) tags(e *item.Event) (item.Code, string) {
	if m := missing(r.require, func(tag string) string { return get(e, tag) }); m != "" {
		return item.MissingTag, fmt.Sprintf("the tag %s is missing; send it, or give it a value with spec.fill, or another tag's with spec.rename", m)
	}
	if int64(len(e.Tags)) > r.in.Limits.Tags {
		return item.TooLarge, fmt.Sprintf("it has %d tags, and spec.limits.tags is %d; drop some with spec.drop", len(e.Tags), r.in.Limits.Tags)
	}
	for _, t := range []struct{ tag, value string }{
		{"name", e.Name}, {"service", e.Service}, {"version", e.Version}, {"arm", e.Arm}, {"route", e.Route},
	} {
		if code, text := r.tag(t.tag, t.value); code != "" {
			return code, text
		}
	}
	for tag, value := range e.Tags {
		if code, _ := r.further(tag, value); code != "" {
			return r.firstOf(e.Tags)
		}
	}
	return "", ""
}

// firstOf is what is wrong with the first of some tags with which something is,
// so that it is always the same one.
func (r *Rules) firstOf(tags map[string]string) (item.Code, string) {
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		if code, text := r.further(tag, tags[tag]); code != "" {
			return code, text
		}
	}
	return "", ""
}

// further checks a tag that has no place of its own.
func (r *Rules) further(tag, value string) (item.Code, string) {
	if spec.OwnLabel(tag) {
		return item.UnknownForm, fmt.Sprintf("the tag %s is a label of Linnet's own; rename it with spec.rename", tag)
	}
	return r.tag(tag, value)
}

// tag checks one tag's value.
func (r *Rules) tag(tag, value string) (item.Code, string) {
	switch {
	case int64(len(value)) > r.in.Limits.Tag:
		return item.TooLarge, fmt.Sprintf("the tag %s has %d bytes, and spec.limits.tag is %d; shorten it", tag, len(value), r.in.Limits.Tag)
	case !utf8.ValidString(value):
		return item.UnknownForm, fmt.Sprintf("the tag %s is not UTF-8; send it as UTF-8", tag)
	case controls(value):
		return item.UnknownForm, fmt.Sprintf("the tag %s has a control character; take it out", tag)
	}
	return "", ""
}

// controls tells whether a text has control characters, those among them that
// some terminals obey though they are no ASCII.
func controls(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c == 0x7f:
			return true
		case c == 0xc2 && i+1 < len(text) && text[i+1] < 0xa0: // U+0080 to U+009F
			return true
		}
	}
	return false
}

// toBase gives values without a unit the declared one.
func (r *Rules) toBase(e *item.Event) {
	if len(r.units) == 0 {
		return
	}
	if e.Seconds != nil && e.BareSeconds {
		if u, ok := r.unitOf(e.Name + ".duration"); ok {
			v := u.ToBase(*e.Seconds)
			e.Seconds, e.BareSeconds = &v, false
		}
	}
	if e.Value != nil && e.BareValue {
		if u, ok := r.unitOf(e.Name + ".value"); ok {
			v := u.ToBase(*e.Value)
			e.Value, e.BareValue = &v, false
		}
	}
}

// values checks the numbers.
func (r *Rules) values(e *item.Event) (item.Code, string) {
	switch wrong := e.WrongKept(); {
	case e.Outcome != item.OK && e.Outcome != item.Error:
		return item.UnknownForm, fmt.Sprintf("the outcome is %q; send ok or error", e.Outcome)
	case wrong != "":
		return item.OutOfRange, wrong
	case e.Count < 0 || e.Count > item.MaxCount:
		return item.OutOfRange, fmt.Sprintf("it stands for %d events; send 1 to %d", e.Count, item.MaxCount)
	}
	if text := r.number(e.Name+".duration", e.Seconds); text != "" {
		return item.OutOfRange, text
	}
	if e.Seconds != nil && *e.Seconds < 0 {
		return item.OutOfRange, fmt.Sprintf("the duration is %v s, and nothing ends before it begins; check the sender's clock", *e.Seconds)
	}
	if text := r.number(e.Name+".value", e.Value); text != "" {
		return item.OutOfRange, text
	}
	return "", ""
}

// number checks one number; nil is fine.
func (r *Rules) number(name string, v *float64) string {
	switch {
	case v == nil:
		return ""
	case math.IsNaN(*v) || math.IsInf(*v, 0):
		return fmt.Sprintf("%s is no number that could be measured; leave it out where it is not known", name)
	}
	return r.inRange(name, *v)
}

// Share is how much of such events is kept: 1 where no rule of sampling fits, and
// for errors that are all kept.
func (r *Rules) Share(e *item.Event) float64 {
	for _, s := range r.sampling {
		if !s.service.fits(e.Service) || !s.route.fits(e.Route) || !s.name.fits(e.Name) {
			continue
		}
		if s.KeepErrors && e.Outcome == item.Error {
			return 1
		}
		return s.Keep
	}
	return 1
}
