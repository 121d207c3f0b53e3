package series

import (
	"context"
	"fmt"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/release"
)

// checkType warns where a source knows that a metric was declared as another
// type than it is read as. It is no more than a warning, since many a program
// declares its counters wrongly.
func (l *look) checkType(ctx context.Context) {
	typed, ok := l.src.(Typed)
	if !ok {
		return
	}
	done := map[string]bool{}
	for _, selector := range l.reads[0].selectors[events] {
		name := nameOf(selector)
		if name == "" || done[name] {
			continue
		}
		done[name] = true
		family := strings.TrimSuffix(name, "_total")
		is := typed.Type(ctx, name)
		if is == "" && family != name {
			is = typed.Type(ctx, family) // OpenMetrics declares counters without _total
		}
		if text := mismatch(l.metric.Kind, is); text != "" {
			l.warnings = append(l.warnings, fmt.Sprintf("metric %s: %s is declared as a %s: %s", l.metric.Name, name, is, text))
		}
	}
}

func nameOf(s Selector) string {
	for _, m := range s.Matchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}

func mismatch(kind release.Kind, declared string) string {
	switch {
	case kind != release.Gauge && declared == "gauge":
		return "read as a counter, each fall counts as a restart"
	case kind == release.Gauge && declared == "counter":
		return "as a level it only rises; rate(…) is its level"
	}
	return ""
}
