package googlemonitoring

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/release"
)

func TestCheck(t *testing.T) {
	arms := []release.Arm{
		{Name: release.Baseline, Version: "1", Labels: map[string]string{"zone": "a"}},
		{Name: release.Candidate, Version: "2", Labels: map[string]string{"zone": "a"}},
	}
	const each, group = `metric.type="a" AND metric.labels.v="{{version}}"`, `metric.type = "a|b" | by metric.labels.v, metadata.user_labels."app/zone"`
	count := func(text string, by ...string) release.Metric {
		return release.Metric{Kind: release.Count, Events: text, By: by}
	}
	for name, c := range map[string]struct {
		m    release.Metric
		says string // "" where it is fine
	}{
		"each":            {count(each), ""},
		"group":           {count(group), ""},
		"segments":        {count(group, "app/zone"), ""},
		"average":         {release.Metric{Kind: release.Gauge, Averages: true, Events: each + " | p95"}, ""},
		"both clauses":    {release.Metric{Kind: release.Gauge, Averages: true, Events: group + " | mean"}, ""},
		"no segment":      {count(each, "zone"), "does not group by"},
		"no arm":          {count(`metric.type="a"`), "tells no arm"},
		"of both arms":    {count(`metric.type="a" AND z="{{zone}}"`), "tells no arm"},
		"of both, group":  {count(`metric.type="a" AND z="{{zone}}" | by metric.labels.v`), ""},
		"no metric":       {count(`metric.labels.v="{{version}}"`), "names no metric"},
		"no value":        {count(`metric.type="a" AND x="{{group}}"`), "{{group}}"},
		"open quote":      {count(`metric.type="a AND x={{version}}`), "without its end"},
		"what else":       {count(each + " | top 5"), "neither"},
		"twice":           {count(group + " | by metric.labels.w"), "there twice"},
		"field":           {count(`metric.type="a" | by version`), "no field"},
		"field twice":     {count(`metric.type="a" | by metric.labels.v, resource.labels.v`), "are named v"},
		"figure":          {count(each + " | p99"), "belongs to an average"},
		"query":           {release.Metric{Kind: release.Count, Query: each, Events: "n"}, "has no query"},
		"long":            {count(strings.Repeat(each, 300)), "longer"},
		"second of ratio": {release.Metric{Kind: release.Ratio, Events: each, Of: `metric.type="a"`}, "tells no arm"},
	} {
		c.m.Name = "it"
		err := Check(c.m, arms)
		if c.says == "" && err != nil || c.says != "" && (!errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, expected something of %q", name, err, c.says)
		}
	}
}

// FuzzQuestion: nothing panics, errors have a meaning, and what is read can be
// written so that it is read the same.
func FuzzQuestion(f *testing.F) {
	f.Add(`metric.type="a" AND resource.labels.zone="b" | by metric.labels.version, resource.labels.zone | p99`)
	f.Add(`metric.type = "a|b\"|" | by metadata.user_labels."app/v"`)
	f.Add(`metric.type="a`)
	f.Fuzz(func(t *testing.T, text string) {
		q, err := parse(text)
		if err != nil {
			if !errors.Is(err, release.ErrInvalid) {
				t.Errorf("%v has no meaning", err)
			}
			return
		}
		again := q.filter
		var fields []string
		for _, field := range q.by {
			fields = append(fields, field.String())
		}
		if len(fields) > 0 {
			again += " | by " + strings.Join(fields, ", ")
		}
		if q.figure != "" {
			again += " | " + q.figure
		}
		got, err := parse(again)
		if len(again) <= maxQuestion && (err != nil || got.filter != q.filter || len(got.by) != len(q.by) || got.figure != q.figure) {
			t.Errorf("%q is read as %+v, and %q as %+v, %v", text, q, again, got, err)
		}
	})
}

// FuzzAnswer: whatever the API answers, nothing panics, and errors have a meaning.
func FuzzAnswer(f *testing.F) {
	f.Add(`{"timeSeries":[{"metric":{"labels":{"v":"2"}},"points":[{"interval":{"endTime":"2026-03-01T12:01:00Z"},"value":{"int64Value":"7"}}]}]}`, byte(0))
	f.Add(`{"timeSeries":[{"metric":{"labels":{"v":"2"}},"points":[{"interval":{"endTime":"2026-03-01T12:01:00Z"},"value":{"distributionValue":{"count":"3","bucketCounts":["1","2"],"bucketOptions":{"exponentialBuckets":{"numFiniteBuckets":3,"growthFactor":2,"scale":1}}}}}]}]}`, byte(1))
	f.Add(`{"timeSeries":[{"points":[{"value":{"doubleValue":"NaN"}}]}],"executionErrors":[{"message":"no"}]}`, byte(2))
	f.Fuzz(func(t *testing.T, text string, kind byte) {
		var page page
		if json.Unmarshal([]byte(text), &page) != nil {
			return
		}
		start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		m := release.Metric{Name: "it", Kind: []release.Kind{release.Count, release.Histogram, release.Gauge}[kind%3]}
		role := []rows.Role{rows.Events, rows.Bucket, rows.Level}[kind%3]
		l := &look{q: release.Query{
			Metric: m, Arms: []release.Arm{{Name: release.Baseline, Version: "1"}, {Name: release.Candidate, Version: "2"}},
			Windows: []release.Window{{From: start, To: start.Add(time.Hour)}},
		}}
		for _, s := range page.TimeSeries {
			l.found = append(l.found, found{question{role: role, by: []field{{"metric.labels", "v"}}}, -1, s})
		}
		out, err := l.rows()
		if err != nil {
			if !errors.Is(err, release.ErrInvalid) {
				t.Errorf("%v has no meaning", err)
			}
			return
		}
		if _, err := rows.Observe(l.q, out, l.warnings...); err != nil && !errors.Is(err, release.ErrInvalid) {
			t.Error(err)
		}
	})
}
