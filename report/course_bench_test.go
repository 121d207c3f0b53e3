package report_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

// broad is a look at twenty metrics, five of them histograms, in ten segments each.
func broad(metrics []release.Metric, r *rand.Rand, in release.Window) engine.Looked {
	e := engine.Looked{At: in.To, Window: in}
	for _, m := range metrics {
		for segment := range 11 {
			for arm, name := range []string{release.Baseline, release.Candidate} {
				o := release.Observation{Metric: m.Name, Arm: name, Window: in}
				if segment > 0 {
					o.Segment = fmt.Sprintf("region=%c", 'a'+segment)
				}
				n := int64(1900 - 1800*arm)
				if m.Kind == release.Histogram {
					o.Bounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}
					for range 12 {
						o.Counts = append(o.Counts, r.Int64N(n/6))
					}
				} else {
					o.Of, o.Events = float64(n), r.Int64N(n/50)
				}
				e.Observations = append(e.Observations, o)
			}
		}
	}
	return e
}

// BenchmarkCourse tells the course of a release of 24 hours, looked at every 15
// seconds, by 20 metrics in 10 segments each: what is asked for warm. The figures
// of the looks are those of the last few that were judged.
func BenchmarkCourse(b *testing.B) {
	var metrics []release.Metric
	for i := range 20 {
		m := errorsMetric()
		if i%4 == 0 {
			m = latencyMetric()
		}
		m.Name, m.By = fmt.Sprintf("%s-%d", m.Name, i), []string{"region"}
		metrics = append(metrics, m)
	}
	p := checkout(metrics...)
	p.Steps[0].AtLeast, p.Steps[0].AtMost = 100*time.Hour, 200*time.Hour
	p.BlindFor = 0
	builder, r := report.NewCourse(), rand.New(rand.NewPCG(1, 2))
	var s engine.State
	var d engine.Decision
	seq := uint64(0)
	add := func(e engine.Event, step bool) {
		if seq++; step {
			s, d, _ = engine.Step(s, e)
		}
		rec := journal.Record{Seq: seq, Event: e, Decision: d}
		rec.Decision.At = engine.When(e)
		builder.Add(rec, s)
	}
	add(engine.Started{At: start, Attempt: 1, Plan: p, Salt: "salt", Epoch: 1, Methods: judge.Methods}, true)
	add(engine.Acknowledged{At: start.Add(time.Second), Effect: s.Pending.Route.Effect}, true)
	for k := range 24 * 240 {
		to := start.Add(time.Duration(k+1) * every)
		add(broad(metrics, r, release.Window{From: to.Add(-every), To: to}), k < 20)
	}
	for _, c := range []struct {
		name   string
		wanted report.Wanted
	}{{"whole", report.Wanted{}}, {"most", report.Wanted{Points: report.MostPoints}}, {"segment", report.Wanted{Segment: "region=b"}}} {
		b.Run(c.name, func(b *testing.B) {
			var text []byte
			for b.Loop() {
				course := builder.Course(s, c.wanted)
				var err error
				if text, err = json.Marshal(course); err != nil || len(course.Tracks) < 20 {
					b.Fatal(err, len(course.Tracks))
				}
			}
			b.ReportMetric(float64(len(text))/1024, "KiB")
			b.ReportMetric(float64(builder.Bytes())/(1<<20), "MiB-kept")
		})
	}
}
