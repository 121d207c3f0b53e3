package cloudwatch

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/release"
)

// FuzzLines: whatever Logs Insights answers, nothing panics, errors have a
// meaning, and what is made of it is an observation of an arm.
func FuzzLines(f *testing.F) {
	f.Add("bin(1m)=2026-03-01 12:00:00.000;version=2;all=10;bad=1\nbin(1m)=2026-03-01 12:00:00.000;version=1;all=9", byte(0))
	f.Add("time=2026-03-01 12:00:00.000;arm=candidate;all=1e3;bound=0.5", byte(1))
	f.Add("time=2026-03-01 12:00:00.000;arm=candidate;all=NaN;bound=Inf", byte(2))
	f.Add("bin(1m)=yesterday;all=-1", byte(3))
	f.Fuzz(func(t *testing.T, text string, kind byte) {
		m := release.Metric{
			Name: "it", Kind: []release.Kind{release.Ratio, release.Count, release.Histogram, release.Gauge}[kind%4],
			Query: "stats count(*) as all by bin(1m), version", Events: "all", By: []string{"version"},
		}
		if m.Kind == release.Ratio {
			m.Events, m.Of = "bad", "all"
		}
		start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		q := release.Query{
			Metric: m, Arms: []release.Arm{{Name: release.Baseline, Version: "1"}, {Name: release.Candidate, Version: "2"}},
			Windows: []release.Window{{From: start, To: start.Add(time.Minute)}, {From: start.Add(time.Minute), To: start.Add(time.Hour)}},
		}
		in, err := insightsOf(m, q.Arms)
		if err != nil {
			t.Fatal(err)
		}
		table := &table{insights: in, query: q}
		err = table.take(linesOf(text), -1)
		if err != nil && !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%v has no meaning", err)
		}
		answer, err := rows.Observe(q, table.rows, table.said...)
		if err != nil {
			t.Error(err)
		}
		for _, o := range answer.Observations {
			if o.Arm != release.Baseline && o.Arm != release.Candidate {
				t.Errorf("%+v is of no arm", o)
			}
		}
	})
}

// linesOf are lines as the client gives them.
func linesOf(text string) (out [][]types.ResultField) {
	for _, line := range strings.Split(text, "\n") {
		var fields []types.ResultField
		for _, one := range strings.Split(line, ";") {
			name, value, ok := strings.Cut(one, "=")
			f := types.ResultField{Field: &name}
			if ok {
				f.Value = &value
			}
			fields = append(fields, f)
		}
		out = append(out, fields)
	}
	return out
}
