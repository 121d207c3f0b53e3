package series

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/linnet-project/linnet/release"
)

// Question is something that is asked of a source for one arm.
type Question struct {
	// Role is the field of the metric that it answers, as the release file calls
	// it.
	Role string
	// Query is what is asked: raw samples over so much time as lies between two
	// looks, or an expression.
	Query string
	// Graph is an expression that draws about what the samples come to; the first
	// question has it alone.
	Graph string
}

// graphed is over how many looks a rate is taken to draw it, leastGraphed over how
// long at least.
const (
	graphed      = 4
	leastGraphed = time.Minute
)

// Questions tells what Observe asks for a metric and an arm, looking every so
// often. Errors wrap release.ErrInvalid.
func Questions(m release.Metric, arm release.Arm, every time.Duration) ([]Question, error) {
	r, err := compile(m, arm)
	if err != nil {
		return nil, err
	}
	if r.expression != "" {
		return []Question{{Role: fieldOf(m, events), Query: r.expression, Graph: r.expression}}, nil
	}
	var out []Question
	for ro := range roles {
		for _, s := range r.selectors[ro] {
			out = append(out, Question{Role: fieldOf(m, ro), Query: fmt.Sprintf("%s[%s]", s.Text, model.Duration(every))})
		}
	}
	out[0].Graph = r.graph(m, model.Duration(max(graphed*every, leastGraphed)))
	return out, nil
}

// graph is an expression that draws a metric.
func (r reading) graph(m release.Metric, over model.Duration) string {
	switch m.Kind {
	case release.Gauge:
		return r.selectors[events][0].Text
	case release.Histogram:
		return fmt.Sprintf("histogram_quantile(0.99, sum by (le) (rate(%s[%s])))", r.selectors[events][0].Text, over)
	}
	rate := func(all []Selector) string {
		var parts []string
		for _, s := range all {
			parts = append(parts, fmt.Sprintf("sum(rate(%s[%s]))", s.Text, over))
		}
		if len(parts) == 1 {
			return parts[0]
		}
		return "(" + strings.Join(parts, " + ") + ")"
	}
	if len(r.selectors[outOf]) == 0 {
		return rate(r.selectors[events])
	}
	return rate(r.selectors[events]) + " / " + rate(r.selectors[outOf])
}
