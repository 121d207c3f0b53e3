package guard

import (
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// View is what expressions see of a release, as `release`. Shares and
// probabilities are 0 to 1.
type View struct {
	Name        string            `cel:"name"`
	Service     string            `cel:"service"`
	Team        string            `cel:"team"`
	Environment string            `cel:"environment"`
	Labels      map[string]string `cel:"labels"`
	Baseline    string            `cel:"baseline"`
	Candidate   string            `cel:"candidate"`
	// Provider is what splits the traffic: proxy, istio, several …
	Provider string       `cel:"provider"`
	Steps    []ViewStep   `cel:"steps"`
	Metrics  []ViewMetric `cel:"metrics"`
	// FalseRollback is the probability that a harmless release is rolled back.
	FalseRollback float64       `cel:"falseRollback"`
	Every         time.Duration `cel:"every"`
	Watch         time.Duration `cel:"watch"`
	// HarmBudget is how many requests may fail because of the candidate; 0 for
	// no budget.
	HarmBudget int64 `cel:"harmBudget"`
	// Links are the names of the links of the file.
	Links []string `cel:"links"`
}

// ViewStep is a step as expressions see it.
type ViewStep struct {
	Weight  float64       `cel:"weight"`
	AtLeast time.Duration `cel:"atLeast"`
	AtMost  time.Duration `cel:"atMost"`
	// Approval is the group that is asked; empty for nobody. Quorum is how many
	// of it must approve.
	Approval   string `cel:"approval"`
	Quorum     int64  `cel:"quorum"`
	AtDeadline string `cel:"atDeadline"`
}

// ViewMetric is a metric as expressions see it.
type ViewMetric struct {
	Name string `cel:"name"`
	// Kind is ratio, histogram, count or gauge.
	Kind string `cel:"kind"`
	// Severity is guardrail or warning.
	Severity  string   `cel:"severity"`
	Tolerance float64  `cel:"tolerance"`
	By        []string `cel:"by"`
	// Limit says that the metric has an absolute limit.
	Limit bool `cel:"limit"`
}

// ViewActor is who begins it, as `who`.
type ViewActor struct {
	Name string `cel:"name"`
	// Kind is person, service or machine.
	Kind   string   `cel:"kind"`
	Groups []string `cel:"groups"`
}

// subject is what lists of services, teams and environments are held against.
func subject(f spec.File) Subject {
	return Subject{Name: f.Name, Service: f.Service, Team: f.Labels["team"], Environment: f.Labels["environment"]}
}

func viewOf(f spec.File, p plan.Plan) View {
	s := subject(f)
	v := View{
		Name: s.Name, Service: s.Service, Team: s.Team, Environment: s.Environment, Labels: f.Labels,
		Baseline: f.Baseline.Version, Candidate: f.Candidate.Version, Provider: f.Traffic.Provider(),
		FalseRollback: p.FalseRollback, Every: p.Every, Watch: p.Watch, HarmBudget: p.HarmBudget,
	}
	if len(f.Traffic.Several) > 0 {
		v.Provider = "several"
	}
	for _, s := range p.Steps {
		v.Steps = append(v.Steps, ViewStep{
			Weight: share(s.Weight), AtLeast: s.AtLeast, AtMost: s.AtMost, Approval: s.Approval.From, Quorum: int64(s.Approval.Quorum), AtDeadline: string(s.AtDeadline),
		})
	}
	for _, m := range p.Metrics {
		v.Metrics = append(v.Metrics, ViewMetric{
			Name: m.Name, Kind: string(m.Kind), Severity: string(m.Severity), Tolerance: m.Tolerance, By: m.By, Limit: m.Limit != nil,
		})
	}
	for _, l := range f.Links {
		v.Links = append(v.Links, l.Name)
	}
	return v
}

func share(w release.Weight) float64 { return float64(w) / float64(release.Whole) }

func actorOf(a access.Actor) ViewActor {
	return ViewActor{Name: a.Name, Kind: string(a.Kind), Groups: a.Groups}
}
