package report

import "github.com/linnet-project/linnet/engine"

// Brief tells how a release stands from its state alone, which is had without
// reading all of its records: what only they tell is left out, which are
// decisions, effects, exemplars, the sources' warnings, harm, and since when it is
// in its phase. After a decision Standing is what the last look came to.
func Brief(s engine.State) Release {
	b := New()
	b.last = s.Seq
	r := b.Finish(s)
	if t, ok := totals(s); ok {
		r.Exposure = Exposure{Metric: clean(newTraffic(s.Plan.Metrics).metric.Name), Requests: t.b.N, Bad: t.b.Events}
	}
	if r.Outcome != running {
		r.Sentence = sentence(s, &Decision{Reason: reason(s.Decided)})
	}
	return r
}
