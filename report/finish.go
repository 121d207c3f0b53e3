package report

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
)

// The outcomes of a release.
const (
	running    = "running"
	promoted   = "promoted"
	rolledBack = "rolled-back"
	aborted    = "aborted"
)

// Finish gives the report. The state is the fold of the records added.
func (b *Builder) Finish(s engine.State) Release {
	r := Release{
		Name: clean(s.Release), Attempt: s.Attempt, Service: clean(s.Plan.Service),
		Outcome: outcome(s), Ended: s.Over(), Phase: string(s.Phase), Since: moment(b.since), Reason: reason(s.Why),
		Arms: arms(s), Step: max(0, s.Step+1), Steps: steps(s), Served: s.Served,
		By: clean(s.Author), Approvals: approvals(s, 0, s.Plan.Approval),
		Times: timesOf(s), Exposure: b.traffic.exposure(), Recovery: s.Recovered,
		Links: links(s.Plan.Links), Exemplars: cleaned(b.exemplars), Warnings: cleaned(b.warned(s)),
		FalseRollbackPercent: finite(100 * s.Plan.FalseRollback), Methods: s.Methods, FileHash: clean(s.Plan.Hash),
		Records: b.last,
	}
	if s.Seq == 0 {
		r.Step = 0
	} else {
		r.Next = r.NextAt("")
	}
	w := engine.CandidateWeight(s.Route)
	r.Weight, r.WeightPercent = engine.Percent(w), percentOf(w)
	r.Standing, r.Aftermath = b.stand(s)
	r.Standing = distributions(s, r.Standing)
	r.Harm = b.harm(s.Plan.Metrics)
	r.Budget = b.budget(s)
	r.Decisions, r.DecisionsOmitted = b.decisions.kept()
	effects, omitted := b.effects.kept()
	r.EffectsOmitted = omitted
	r.Effects = make([]Effect, 0, len(effects))
	for _, e := range effects {
		r.Effects = append(r.Effects, *e)
	}
	r.Sentence = sentence(s, b.decided)
	return r
}

// warned gives the warnings of the looks, and before them one where what is
// computed again from the records is not what was judged then.
func (b *Builder) warned(s engine.State) []string {
	if err := judge.Carried(s.Methods); err != nil {
		return slices.Insert(slices.Clone(b.warnings), 0, recomputed(err))
	}
	return b.warnings
}

// recomputed warns of evidence by other methods than those of the release.
func recomputed(err error) string {
	return fmt.Sprintf("evidence that is not in the records is computed by methods of version %d: %v", judge.Methods, err)
}

// stand gives the comparisons that the release was decided on, or stands on
// now, and those of the watch after it.
func (b *Builder) stand(s engine.State) (standing, aftermath []Comparison) {
	now, _ := compared(s.Plan.Metrics, s.Last.Comparisons)
	if outcome(s) == running {
		return now, nil
	}
	charts := slices.ContainsFunc(now, func(c Comparison) bool { return c.Against == againstPast })
	switch {
	case b.decided != nil && len(b.decided.Comparisons) > 0:
		standing = b.decided.Comparisons
	case !charts:
		standing = now
	default:
		standing = []Comparison{}
	}
	if charts {
		aftermath = now
	}
	return standing, aftermath
}

// distributions adds to histograms how they differ, where the comparison does not
// tell it yet.
func distributions(s engine.State, standing []Comparison) []Comparison {
	out := slices.Clone(standing)
	for i := range out {
		c := &out[i]
		j := slices.IndexFunc(s.Plan.Metrics, func(m release.Metric) bool { return m.Name == c.Metric && m.Kind == release.Histogram })
		if j < 0 || j >= len(s.Judge.Metrics) || c.Against != againstBaseline || len(c.Quantiles) > 0 {
			continue
		}
		series := s.Judge.Metrics[j].Series
		if k := slices.IndexFunc(series, func(x judge.Series) bool { return x.Segment == c.Segment }); k >= 0 {
			superiority, quantiles := series[k].Distribution(s.Plan.Metrics[j])
			c.Superiority, c.Quantiles = finite(superiority), quantilesOf(quantiles)
		}
	}
	return out
}

// inner is the phase behind paused, held and failed.
func inner(s engine.State) engine.Phase {
	if s.Before != "" && (s.Phase == engine.Paused || s.Phase == engine.Held || s.Phase == engine.Failed) {
		return s.Before
	}
	return s.Phase
}

func outcome(s engine.State) string {
	switch inner(s) {
	case engine.Promoting, engine.Watching, engine.Promoted:
		return promoted
	case engine.RollingBack, engine.Recovering, engine.RolledBack:
		if s.Cause == engine.ByPerson {
			return aborted
		}
		return rolledBack
	}
	return running
}

func arms(s engine.State) []Arm {
	out := make([]Arm, 0, len(s.Plan.Arms))
	for i, a := range s.Plan.Arms {
		w := release.Weight(0)
		if i < len(s.Route.Weights) {
			w = s.Route.Weights[i].Weight
		}
		out = append(out, Arm{
			Name: clean(a.Name), Version: clean(a.Version), Commit: clean(a.Commit), Image: clean(a.Image),
			Weight: engine.Percent(w), WeightPercent: percentOf(w),
		})
	}
	return out
}

func steps(s engine.State) []Step {
	out := make([]Step, 0, len(s.Plan.Steps))
	for i, st := range s.Plan.Steps {
		out = append(out, Step{
			Weight: engine.Percent(st.Weight), WeightPercent: percentOf(st.Weight),
			AtLeast: st.AtLeast.Seconds(), AtMost: st.AtMost.Seconds(), Approval: clean(st.Approval.From), Approvals: approvals(s, i+1, st.Approval),
			State: stepState(s, i),
		})
	}
	return out
}

func stepState(s engine.State, i int) string {
	switch {
	case s.Seq > 0 && (i < s.Step || outcome(s) == promoted):
		return "done"
	case s.Seq > 0 && i == s.Step && outcome(s) != running:
		return "stopped"
	case s.Seq > 0 && i == s.Step:
		return "present"
	}
	return "ahead"
}

func timesOf(s engine.State) Times {
	return Times{
		Started: moment(s.StartedAt), Exposed: moment(s.Exposed), Decided: moment(s.DecidedAt), Ended: moment(s.EndedAt),
		ToDecision: between(s.Exposed, s.DecidedAt), ToEnd: between(s.DecidedAt, s.EndedAt),
	}
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func between(from, to time.Time) *float64 {
	if from.IsZero() || to.Before(from) {
		return nil
	}
	return known(to.Sub(from).Seconds())
}

func links(given []release.Link) []Link {
	out := make([]Link, 0, len(given))
	for _, l := range given {
		out = append(out, Link{Name: clean(l.Name), URL: clean(l.URL)})
	}
	return out
}

// web gives an address in a form that is safe inside Markdown, "" where it is
// none of the web.
func web(address string) string {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return ""
	}
	return u.String()
}
