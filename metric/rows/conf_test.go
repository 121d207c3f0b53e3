package rows_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/metricconf"
	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/release"
)

// table is a source that has everything in memory. Its metrics name what is
// asked for in Events.
type table struct {
	mu     sync.Mutex
	bounds []float64
	all    []metricconf.Stretch
}

func (s *table) Observe(ctx context.Context, q release.Query) (release.Answer, error) {
	if ctx.Err() != nil {
		return release.Answer{}, fmt.Errorf("table: %w: %w", ctx.Err(), release.ErrUnavailable)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []rows.Row
	for _, one := range s.all {
		all = append(all, s.rowsOf(q, one)...)
	}
	return rows.Observe(q, all)
}

func (s *table) rowsOf(q release.Query, one metricconf.Stretch) []rows.Row {
	r := rows.Row{Arm: rows.ArmOf(q.Arms, one.Arm.Version), To: one.To, Labels: map[string]string{metricconf.LabelRegion: one.Region}}
	row := func(role rows.Role, v float64) rows.Row {
		r.Role, r.Value = role, v
		return r
	}
	switch metricconf.Question(q.Metric.Events) {
	case metricconf.AskRatio:
		out := []rows.Row{row(rows.Of, float64(one.All))}
		if one.Bad > 0 {
			out = append(out, row(rows.Events, float64(one.Bad)))
		}
		return out
	case metricconf.AskCount:
		return []rows.Row{row(rows.Events, float64(one.All))}
	case metricconf.AskHistogram:
		var out []rows.Row
		for i, n := range one.Buckets {
			if r.Bound = math.Inf(1); i < len(s.bounds) {
				r.Bound = s.bounds[i]
			}
			out = append(out, row(rows.Bucket, float64(n)))
		}
		return out
	case metricconf.AskGauge:
		return []rows.Row{row(rows.Level, one.Level)}
	}
	return []rows.Row{row(rows.Level, one.Average)}
}

func TestConformance(t *testing.T) {
	for _, grain := range []time.Duration{10 * time.Second, time.Minute} {
		t.Run(grain.String(), func(t *testing.T) {
			metricconf.Answers(t, grain, func(_ *testing.T, h metricconf.Happened) metricconf.Bed {
				s := &table{bounds: h.Bounds, all: h.Stretches}
				return metricconf.Bed{
					Source: s,
					Metric: func(q metricconf.Question, _ []string) release.Metric { return release.Metric{Events: string(q)} },
					Late: func(_ *testing.T, more []metricconf.Stretch) {
						s.mu.Lock()
						defer s.mu.Unlock()
						s.all = append(s.all[:len(s.all):len(s.all)], more...)
					},
					Cannot: map[string]string{
						metricconf.CaseFaults: "a table in memory does not fail",
						metricconf.CaseFair:   "a table in memory is not asked anything",
						metricconf.CaseFew:    "a table in memory is not asked anything",
					},
				}
			})
		})
	}
}
