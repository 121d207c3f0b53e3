package app

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/hook"
)

// standings are how far the targets of the hooks file were told.
func (s *serving) standings(ctx context.Context) ([]hook.Standing, error) {
	if len(s.targets) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, countWait)
	defer cancel()
	return hook.Standings(ctx, s.db, s.targets)
}

// toldTargets puts how far targets were told into the API's form.
func toldTargets(all []hook.Standing) []api.Target {
	told := make([]api.Target, len(all))
	for i, one := range all {
		told[i] = api.Target{Name: one.Target, Sent: one.Sent, LeftOut: one.LeftOut, Tries: one.Tries, Error: one.Trouble}
		if !one.Since.IsZero() {
			told[i].Waiting = &one.Since
		}
	}
	return told
}

// targetMeasures tell how far targets were told, asked when they are read.
type targetMeasures struct {
	serving                *serving
	sent, leftOut, waiting *prometheus.Desc
}

func newTargetMeasures(s *serving) targetMeasures {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"target"}, nil)
	}
	return targetMeasures{
		serving: s,
		sent:    desc("linnet_hook_sent_total", "Events that a target has taken, from all replicas."),
		leftOut: desc("linnet_hook_left_out_total", "Events that a target was never told, for it did not take them or they are damaged; the log says which."),
		waiting: desc("linnet_hook_waiting_seconds", "How long a target has not taken the event that it is to be told next; 0 where none waits."),
	}
}

// Describe implements prometheus.Collector.
func (m targetMeasures) Describe(out chan<- *prometheus.Desc) {
	out <- m.sent
	out <- m.leftOut
	out <- m.waiting
}

// Collect implements prometheus.Collector. Without the database nobody knows, and
// nothing is told.
func (m targetMeasures) Collect(out chan<- prometheus.Metric) {
	all, err := m.serving.standings(context.Background())
	if err != nil {
		return
	}
	for _, one := range all {
		waiting := 0.0
		if !one.Since.IsZero() {
			waiting = max(m.serving.now().Sub(one.Since).Seconds(), 0)
		}
		out <- prometheus.MustNewConstMetric(m.sent, prometheus.CounterValue, float64(one.Sent), one.Target)
		out <- prometheus.MustNewConstMetric(m.leftOut, prometheus.CounterValue, float64(one.LeftOut), one.Target)
		out <- prometheus.MustNewConstMetric(m.waiting, prometheus.GaugeValue, waiting, one.Target)
	}
}
