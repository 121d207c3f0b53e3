package cloudwatch

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/metric/template"
	"github.com/linnet-project/linnet/release"
)

// Check says what is wrong with a metric's questions, for these arms. An error
// wraps release.ErrInvalid.
func Check(m release.Metric, arms []release.Arm) error {
	if m.Query != "" {
		_, err := insightsOf(m, arms)
		return err
	}
	_, err := partsOf(m, arms)
	return err
}

// part is one question about one arm.
type part struct {
	arm   int
	role  rows.Role
	terms []term
}

// partsOf are the questions of a metric, about every arm.
func partsOf(m release.Metric, arms []release.Arm) ([]part, error) {
	questions := map[rows.Role]string{rows.Events: m.Events, rows.Of: m.Of}
	switch m.Kind {
	case release.Histogram:
		questions = map[rows.Role]string{rows.Bucket: m.Events}
	case release.Gauge:
		questions = map[rows.Role]string{rows.Level: m.Events}
	}
	var out []part
	for _, role := range []rows.Role{rows.Events, rows.Of, rows.Bucket, rows.Level} {
		text := questions[role]
		if text == "" {
			continue
		}
		for arm, a := range arms {
			filled, err := template.Fill(text, template.Arm(a))
			if err != nil {
				return nil, fmt.Errorf("metric %s: %w", m.Name, err)
			}
			terms, err := parse(filled)
			if err != nil {
				return nil, fmt.Errorf("metric %s: %w", m.Name, err)
			}
			if err := errors.Join(fits(m, role, terms), segmented(m, terms)); err != nil {
				return nil, err
			}
			out = append(out, part{arm, role, terms})
		}
		if err := differ(m, text, out[len(out)-len(arms):]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fits refuses statistics that are no numbers of their role.
func fits(m release.Metric, role rows.Role, terms []term) error {
	for _, t := range terms {
		switch {
		case role == rows.Bucket && t.bounds == nil:
			return invalid("metric %s: a histogram is asked for by Buckets(…) with the upper bounds of its buckets, not by %s", m.Name, t.stat)
		case role != rows.Bucket && t.bounds != nil:
			return invalid("metric %s: Buckets(…) belongs to a histogram", m.Name)
		case role == rows.Level && len(terms) > 1:
			return invalid("metric %s: levels are not added up; take + out", m.Name)
		case role == rows.Level && !m.Averages && t.averages():
			return invalid("metric %s: %s is a figure over requests, and no level; write average in place of gauge", m.Name, t.stat)
		case (role == rows.Events || role == rows.Of) && !t.counts():
			return invalid("metric %s: %s is no number of events; write Sum, SampleCount or TC(…:…), or ask for an average", m.Name, t.stat)
		}
	}
	return nil
}

// segmented refuses what cannot be searched for by the labels of by.
func segmented(m release.Metric, terms []term) error {
	if len(m.By) == 0 {
		return nil
	}
	for _, t := range terms {
		words := []string{t.namespace, t.metric, t.stat}
		for _, d := range t.dimensions {
			if words = append(words, d.name, d.value); slices.Contains(m.By, d.name) {
				return invalid("metric %s: by names the dimension %s, which its question gives a value", m.Name, d.name)
			}
		}
		if text := strings.Join(words, " "); strings.ContainsAny(text, `"'\{},`) {
			return invalid("metric %s: with by, %.200q may hold no quotes, braces, commas and backslashes", m.Name, text)
		}
	}
	return nil
}

// differ refuses a question that asks the same of two arms: an answer does not
// name its arm.
func differ(m release.Metric, text string, parts []part) error {
	seen := map[string]bool{}
	for _, p := range parts {
		var words []string
		for _, t := range p.terms {
			words = append(words, t.String())
		}
		asked := strings.Join(words, " + ")
		if seen[asked] {
			return invalid("metric %s: %.200q is the same for every arm; name one by a value of its own, such as {{version}} or {{arm}}", m.Name, text)
		}
		seen[asked] = true
	}
	return nil
}

// columnName is what a column of an answer may be called.
var columnName = regexp.MustCompile(`^[A-Za-z_@][A-Za-z0-9_@.()*]{0,127}$`)
