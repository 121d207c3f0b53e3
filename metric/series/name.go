package series

import (
	"errors"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/linnet-project/linnet/release"
)

const bucketSuffix = "_bucket"

// histogramSelectors reads the name of a histogram, with or without _bucket,
// and yields a selector for its classic buckets and one for a native histogram
// of that name.
func histogramSelectors(m release.Metric, arm release.Arm) (string, []Selector, error) {
	field := fieldOf(m, events)
	expr, err := parsed(m, field, m.Events)
	if err != nil {
		return "", nil, err
	}
	vectors, err := leaves(expr)
	if err != nil {
		return "", nil, invalid("metric %s: %s: %s: %v", m.Name, field, expr, err)
	}
	if len(vectors) != 1 {
		return "", nil, invalid("metric %s: %s: %s: must name one histogram", m.Name, field, expr)
	}
	v := vectors[0]
	name, err := takeName(v)
	if err != nil {
		return "", nil, invalid("metric %s: %s: %s: %v", m.Name, field, expr, err)
	}
	if err := addArm(v, arm); err != nil {
		return "", nil, invalid("metric %s: %s: %v", m.Name, field, err)
	}
	return name, []Selector{named(v, name+bucketSuffix), named(v, name)}, nil
}

// takeName cuts the name out of a selector's matchers.
func takeName(v *parser.VectorSelector) (string, error) {
	name := ""
	var rest []*labels.Matcher
	for _, m := range v.LabelMatchers {
		switch {
		case m.Name == labels.BucketLabel:
			return "", errors.New("leave out le: Linnet compares all buckets")
		case m.Name != model.MetricNameLabel:
			rest = append(rest, m)
		case m.Type != labels.MatchEqual:
			return "", errors.New("must name the histogram, not match its name")
		default:
			name = m.Value
		}
	}
	name = strings.TrimSuffix(name, bucketSuffix)
	if name == "" {
		return "", errors.New("must name the histogram")
	}
	v.Name, v.LabelMatchers = "", rest
	return name, nil
}

func named(v *parser.VectorSelector, name string) Selector {
	matchers := append([]*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, name)}, v.LabelMatchers...)
	printed := parser.VectorSelector{LabelMatchers: matchers}
	if model.LegacyValidation.IsValidMetricName(name) {
		printed.Name = name // any other name is only readable as a quoted matcher
	}
	return Selector{Matchers: matchers, Text: printed.String()}
}
