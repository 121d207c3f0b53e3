package metricconf

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/release"
)

// OpenMetrics writes what happened down as running totals, as programs expose
// them: requests_total{code="200" or "500"}, took_seconds, level and average,
// with the labels of the arm, region and instance. A series that is there from
// the start has a sample of 0 at Start.
func (h Happened) OpenMetrics() string {
	t := &totals{now: map[string]float64{}, lines: map[string]map[string][]string{}}
	first := h.at(1)
	for _, s := range h.Stretches {
		t.add(h, s, s.To.Equal(first))
	}
	var b strings.Builder
	for _, f := range []struct{ name, kind string }{
		{"average", "gauge"}, {"level", "gauge"}, {"requests", "counter"}, {"took_seconds", "histogram"},
	} {
		fmt.Fprintf(&b, "# TYPE %s %s\n", f.name, f.kind)
		for _, series := range slices.Sorted(maps.Keys(t.lines[f.name])) {
			b.WriteString(strings.Join(t.lines[f.name][series], ""))
		}
	}
	b.WriteString("# EOF\n")
	return b.String()
}

// TotalsMetric asks for what OpenMetrics wrote, in PromQL's selectors. It is a
// Bed's Metric.
func TotalsMetric(q Question, _ []string) release.Metric {
	switch q {
	case AskRatio:
		return release.Metric{Events: `requests_total{code="500"}`, Of: "requests_total"}
	case AskCount:
		return release.Metric{Events: "requests_total"}
	case AskHistogram:
		return release.Metric{Events: "took_seconds"}
	}
	return release.Metric{Events: map[Question]string{AskGauge: "level", AskAverage: "average"}[q]}
}

// totals are counters at work.
type totals struct {
	now   map[string]float64
	lines map[string]map[string][]string // by family and series
}

func (t *totals) add(h Happened, s Stretch, first bool) {
	labels := fmt.Sprintf(`version=%q,instance=%q`, s.Arm.Labels[LabelVersion], s.Instance)
	if s.Region != "" {
		labels += fmt.Sprintf(`,region=%q`, s.Region)
	}
	gains := map[string]int64{
		fmt.Sprintf("requests_total{%s,code=\"200\"}", labels): s.All - s.Bad,
		fmt.Sprintf("took_seconds_count{%s}", labels):          s.All,
	}
	upTo := int64(0)
	for i, n := range s.Buckets {
		upTo += n
		le := "+Inf"
		if i < len(h.Bounds) {
			le = strconv.FormatFloat(h.Bounds[i], 'g', -1, 64)
		}
		gains[fmt.Sprintf("took_seconds_bucket{%s,le=%q}", labels, le)] = upTo
	}
	failed := fmt.Sprintf("requests_total{%s,code=\"500\"}", labels)
	if _, seen := t.now[failed]; seen || s.Bad > 0 {
		gains[failed] = s.Bad
	}
	for series, gained := range gains {
		if first {
			t.write(series, 0, h.Start.Unix())
		}
		if s.Restarted {
			t.now[series] = 0
		}
		t.now[series] += float64(gained)
		t.write(series, t.now[series], s.To.Unix())
	}
	t.write("level{"+labels+"}", s.Level, s.To.Unix())
	t.write("average{"+labels+"}", s.Average, s.To.Unix())
}

func (t *totals) write(series string, v float64, at int64) {
	family, _, _ := strings.Cut(series, "{")
	for _, suffix := range []string{"_total", "_bucket", "_count"} {
		family = strings.TrimSuffix(family, suffix)
	}
	if t.lines[family] == nil {
		t.lines[family] = map[string][]string{}
	}
	t.lines[family][series] = append(t.lines[family][series], fmt.Sprintf("%s %s %d\n", series, strconv.FormatFloat(v, 'g', -1, 64), at))
}
