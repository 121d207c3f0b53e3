// Package rules holds what is sent to the front door against a rules file: tags
// are renamed, units turned into base units, and what is missing or out of range
// is refused with a sentence that says what to do. It waits
// for nothing and reads no clock: the same item and the same rules give the same
// answer, today and in a replay.
package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/linnet-project/linnet/ingest/unit"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// Rules are the rules of one file, ready for use. They do not change, and many
// may use them at once.
type Rules struct {
	in       spec.Ingest
	require  [][]string
	ofSeries [][]string
	renames  []rename
	fills    []fill
	keep     map[string]bool // nil keeps all
	drop     map[string]bool
	fields   map[string]bool
	units    []declared
	ranges   []bounded
	sampling []sampled
}

type rename struct{ old, renamed string }

type fill struct{ tag, value string }

type declared struct {
	match pattern
	unit  unit.Unit
}

type bounded struct {
	match pattern
	spec.IngestRange
}

type sampled struct {
	service, route, name pattern
	spec.IngestSampling
}

// New makes rules of a file. An error is a release.ErrInvalid.
func New(in spec.Ingest) (*Rules, error) {
	r := &Rules{
		in: in, require: alternatives(in.Require), ofSeries: alternatives(in.Series.Require),
		drop: set(in.Drop), fields: set(in.Fields),
	}
	if len(in.Keep) > 0 {
		r.keep = set(in.Keep)
	}
	for _, old := range slices.Sorted(maps.Keys(in.Rename)) {
		r.renames = append(r.renames, rename{old, in.Rename[old]})
	}
	for _, tag := range slices.Sorted(maps.Keys(in.Fill)) {
		if spec.OwnLabel(tag) {
			return nil, fmt.Errorf("rules: fill: %s is a label of Linnet's own: %w", tag, release.ErrInvalid)
		}
		r.fills = append(r.fills, fill{tag, in.Fill[tag]})
	}
	for _, u := range in.Units {
		known, ok := unit.Of(u.Unit)
		if !ok {
			return nil, fmt.Errorf("rules: unit %q is not known: %w", u.Unit, release.ErrInvalid)
		}
		r.units = append(r.units, declared{compile(u.Match), known})
	}
	for _, b := range in.Ranges {
		r.ranges = append(r.ranges, bounded{compile(b.Match), b})
	}
	for _, s := range in.Sampling {
		r.sampling = append(r.sampling, sampled{compile(s.Service), compile(s.Route), compile(s.Name), s})
	}
	return r, nil
}

// Of gives the file that the rules are of.
func (r *Rules) Of() spec.Ingest { return r.in }

func set(names []string) map[string]bool {
	out := map[string]bool{}
	for _, n := range names {
		out[n] = true
	}
	return out
}

func alternatives(required []string) [][]string {
	var out [][]string
	for _, r := range required {
		out = append(out, strings.Split(r, "|"))
	}
	return out
}

// unitOf gives the declared unit of a name.
func (r *Rules) unitOf(name string) (unit.Unit, bool) {
	for _, d := range r.units {
		if d.match.fits(name) {
			return d.unit, true
		}
	}
	return unit.Unit{}, false
}

// inRange says what is wrong with a value; "" for nothing.
func (r *Rules) inRange(name string, v float64) string {
	for _, b := range r.ranges {
		switch {
		case !b.match.fits(name):
		case b.AtLeast != nil && v < *b.AtLeast:
			return fmt.Sprintf("%s is %v, less than the %v that the rules allow; check its unit, or change spec.ranges", name, v, *b.AtLeast)
		case b.AtMost != nil && v > *b.AtMost:
			return fmt.Sprintf("%s is %v, more than the %v that the rules allow; check its unit, or change spec.ranges", name, v, *b.AtMost)
		}
	}
	return ""
}

// missing names the first required tags that are not there; "" for none.
func missing(required [][]string, get func(string) string) string {
	for _, alternatives := range required {
		if !slices.ContainsFunc(alternatives, func(tag string) bool { return get(tag) != "" }) {
			return strings.Join(alternatives, " or ")
		}
	}
	return ""
}

// pattern is a name in which * stands for anything.
type pattern struct {
	whole string   // where there is no *
	parts []string // between the stars
}

func compile(text string) pattern {
	if !strings.Contains(text, "*") {
		return pattern{whole: text}
	}
	return pattern{parts: strings.Split(text, "*")}
}

func (p pattern) fits(name string) bool {
	if p.parts == nil {
		return name == p.whole
	}
	first, last := p.parts[0], p.parts[len(p.parts)-1]
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	rest := name[len(first) : len(name)-len(last)]
	for _, part := range p.parts[1 : len(p.parts)-1] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return true
}

// labelOf makes a label's name of what a sender calls a tag: what is no letter,
// digit or _ becomes _.
func labelOf(tag string) string {
	clean := func(i int, c byte) bool {
		return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || i > 0 && c >= '0' && c <= '9'
	}
	for i := range len(tag) {
		if !clean(i, tag[i]) {
			b := []byte(tag)
			for j := range b {
				if !clean(j, b[j]) {
					b[j] = '_'
				}
			}
			return string(b)
		}
	}
	return tag
}
