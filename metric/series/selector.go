package series

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/linnet-project/linnet/release"
)

// Selector selects series: by Matchers, which Text says in PromQL.
type Selector struct {
	Matchers []*labels.Matcher
	Text     string
}

// Parse reads a PromQL expression with the parser that all of Linnet uses. Its
// errors name line and column.
func Parse(text string) (parser.Expr, error) {
	return parser.NewParser(parser.Options{}).ParseExpr(text)
}

// Check says what is wrong with a metric's expressions for these arms, without
// asking a source: syntax, functions that have no place here, labels that
// cannot tell the arms apart. All errors come at once and wrap
// release.ErrInvalid.
func Check(m release.Metric, arms []release.Arm) error {
	errs := []error{checkArms(arms), checkBy(m, arms)}
	for _, arm := range arms {
		if _, err := compile(m, arm); err != nil {
			errs = append(errs, err)
			break // the other arms would say the same again
		}
	}
	return errors.Join(errs...)
}

// checkArms refuses labels by which a source could not tell arms apart.
func checkArms(arms []release.Arm) error {
	for i, arm := range arms {
		if len(arm.Labels) == 0 {
			return invalid("arm %s has no labels: give it those that its series carry, such as {version: %s}", arm.Name, arm.Name)
		}
		for name := range arm.Labels {
			if !model.LegacyValidation.IsValidLabelName(name) || name == model.MetricNameLabel || name == labels.BucketLabel {
				return invalid("arm %s: label %q cannot select series", arm.Name, name)
			}
		}
		for j, other := range arms {
			if i != j && within(arm.Labels, other.Labels) {
				return invalid("the labels of arm %s also select every series of arm %s: give %s a label that tells them apart", arm.Name, other.Name, arm.Name)
			}
		}
	}
	return nil
}

// within says whether every label of a is in b too.
func within(a, b map[string]string) bool {
	for name, value := range a {
		if v, ok := b[name]; !ok || v != value {
			return false
		}
	}
	return true
}

func checkBy(m release.Metric, arms []release.Arm) error {
	for _, by := range m.By {
		if by == model.MetricNameLabel || by == labels.BucketLabel {
			return invalid("metric %s: by: %s makes no segments", m.Name, by)
		}
		for _, arm := range arms {
			if _, ok := arm.Labels[by]; ok {
				return invalid("metric %s: by: %s is what tells the arms apart and makes no segments", m.Name, by)
			}
		}
	}
	return nil
}

// role is what a selector's series mean in an observation.
type role int

const (
	events role = iota
	outOf
	roles
)

// reading is what a metric asks of a source for one arm.
type reading struct {
	// selectors are what raw samples are read of, by role.
	selectors [roles][]Selector
	// expression is set instead for a gauge that is no plain selector.
	expression string
	warnings   []string
	// histogram is the name of the histogram, without _bucket.
	histogram string
}

// compile puts an arm's labels into a metric's expressions.
func compile(m release.Metric, arm release.Arm) (reading, error) {
	var r reading
	var err error
	switch m.Kind {
	case release.Ratio, release.Count:
		if r.selectors[events], err = counters(m, fieldOf(m, events), m.Events, arm); err != nil {
			return reading{}, err
		}
		if m.Of != "" || m.Kind == release.Ratio {
			r.selectors[outOf], err = counters(m, fieldOf(m, outOf), m.Of, arm)
		}
	case release.Histogram:
		r.histogram, r.selectors[events], err = histogramSelectors(m, arm)
	case release.Gauge:
		return compileGauge(m, arm)
	default:
		return reading{}, invalid("metric %s: unknown kind %q", m.Name, m.Kind)
	}
	return r, err
}

// fieldOf names a metric's field as people write it.
func fieldOf(m release.Metric, r role) string {
	switch {
	case r == outOf:
		return "of"
	case m.Kind == release.Ratio:
		return "bad"
	}
	return string(m.Kind)
}

// parsed is a field's expression, parsed.
func parsed(m release.Metric, field, text string) (parser.Expr, error) {
	if strings.TrimSpace(text) == "" {
		return nil, invalid("metric %s: %s is empty: name the series to read", m.Name, field)
	}
	expr, err := Parse(text)
	if err != nil {
		return nil, invalid("metric %s: %s: %v", m.Name, field, err)
	}
	return expr, nil
}

// counters reads an expression that must be a plain selector or a union of
// such, since Linnet takes increases and sums itself.
func counters(m release.Metric, field, text string, arm release.Arm) ([]Selector, error) {
	expr, err := parsed(m, field, text)
	if err != nil {
		return nil, err
	}
	vectors, err := leaves(expr)
	if err != nil {
		return nil, invalid("metric %s: %s: %s: %v", m.Name, field, expr, err)
	}
	var all []Selector
	for _, v := range vectors {
		if err := addArm(v, arm); err != nil {
			return nil, invalid("metric %s: %s: %v", m.Name, field, err)
		}
		all = append(all, Selector{Matchers: v.LabelMatchers, Text: v.String()})
	}
	return all, nil
}

// leaves finds the plain selectors of a union: a, (a), sum(a), a or b, a + b.
func leaves(expr parser.Expr) ([]*parser.VectorSelector, error) {
	switch e := expr.(type) {
	case *parser.VectorSelector:
		if movesInTime(e) {
			return nil, errors.New("leave out offset and @: Linnet sets the time itself")
		}
		return []*parser.VectorSelector{e}, nil
	case *parser.ParenExpr:
		return leaves(e.Expr)
	case *parser.AggregateExpr:
		if e.Op == parser.SUM {
			return leaves(e.Expr)
		}
	case *parser.BinaryExpr:
		if e.Op == parser.LOR || e.Op == parser.ADD {
			left, err := leaves(e.LHS)
			if err != nil {
				return nil, err
			}
			right, err := leaves(e.RHS)
			return append(left, right...), err
		}
	case *parser.Call:
		switch e.Func.Name {
		case "rate", "irate", "increase", "delta", "idelta":
			return nil, fmt.Errorf("leave out %s(): Linnet takes the counter itself and counts its increase exactly", e.Func.Name)
		case "histogram_quantile":
			return nil, errors.New("leave out histogram_quantile(): name the histogram itself, and Linnet compares all of its buckets")
		}
	case *parser.MatrixSelector:
		return nil, errors.New("leave out the range in brackets: Linnet sets the window itself")
	}
	return nil, errors.New("must be a plain selector such as http_requests_total{status=\"500\"}, or several joined by or")
}

func movesInTime(v *parser.VectorSelector) bool {
	return v.OriginalOffset != 0 || v.OriginalOffsetExpr != nil || v.Timestamp != nil || v.StartOrEnd != 0
}

// addArm gives a selector an arm's labels. A matcher of the user's on the same
// label would select another arm, or none.
func addArm(v *parser.VectorSelector, arm release.Arm) error {
	for _, name := range slices.Sorted(maps.Keys(arm.Labels)) {
		value, same := arm.Labels[name], false
		for _, m := range v.LabelMatchers {
			if m.Name != name {
				continue
			}
			if m.Type != labels.MatchEqual || m.Value != value {
				return fmt.Errorf("%s: label %s is the arms' own (%s of %s is %q): leave it out", v, name, name, arm.Name, value)
			}
			same = true
		}
		if same {
			continue
		}
		matcher, err := labels.NewMatcher(labels.MatchEqual, name, value)
		if err != nil {
			return err
		}
		v.LabelMatchers = append(v.LabelMatchers, matcher)
	}
	return nil
}

// compileGauge reads any expression that yields an instant vector. A plain
// selector is read raw; anything else is evaluated at the end of each window.
func compileGauge(m release.Metric, arm release.Arm) (reading, error) {
	field := fieldOf(m, events)
	expr, err := parsed(m, field, m.Events)
	if err != nil {
		return reading{}, err
	}
	if expr.Type() != parser.ValueTypeVector {
		return reading{}, invalid("metric %s: %s: %s yields a %s: it must yield an instant vector", m.Name, field, expr, expr.Type())
	}
	found, err := addEverywhere(expr, arm)
	if err != nil {
		return reading{}, invalid("metric %s: %s: %v", m.Name, field, err)
	}
	if found == 0 {
		return reading{}, invalid("metric %s: %s: %s has no selector, so it says the same of every arm", m.Name, field, expr)
	}
	if v, ok := plain(expr); ok {
		r := reading{}
		r.selectors[events] = []Selector{{Matchers: v.LabelMatchers, Text: v.String()}}
		return r, nil
	}
	return reading{expression: expr.String(), warnings: foldWarning(m, expr)}, nil
}

// addEverywhere gives every selector of an expression an arm's labels, and says
// how many there are. What would look past the end of a window is refused: a
// recording must not know the future.
func addEverywhere(expr parser.Expr, arm release.Arm) (found int, err error) {
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch e := n.(type) {
		case *parser.VectorSelector:
			found++
			if e.Timestamp != nil || e.StartOrEnd != 0 || e.OriginalOffset < 0 {
				err = errors.Join(err, fmt.Errorf("%s: leave out @ and negative offsets: Linnet sets the time itself", e))
			}
			err = errors.Join(err, addArm(e, arm))
		case *parser.SubqueryExpr:
			if e.Timestamp != nil || e.StartOrEnd != 0 || e.OriginalOffset < 0 {
				err = errors.Join(err, fmt.Errorf("%s: leave out @ and negative offsets: Linnet sets the time itself", e))
			}
		}
		return nil
	})
	return found, err
}

func plain(expr parser.Expr) (*parser.VectorSelector, bool) {
	for {
		switch e := expr.(type) {
		case *parser.ParenExpr:
			expr = e.Expr
		case *parser.VectorSelector:
			return e, !movesInTime(e)
		default:
			return nil, false
		}
	}
}

// foldWarning tells of an average over instances, which hides how many there
// are and how much they differ.
func foldWarning(m release.Metric, expr parser.Expr) []string {
	if p, ok := expr.(*parser.ParenExpr); ok {
		return foldWarning(m, p.Expr)
	}
	if a, ok := expr.(*parser.AggregateExpr); ok && (a.Op == parser.AVG || a.Op == parser.QUANTILE) {
		return []string{fmt.Sprintf("metric %s: %s() folds all instances into one point a look: leave it out, and each instance is a point", m.Name, a.Op)}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, release.ErrInvalid)...)
}
