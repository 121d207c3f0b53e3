package journal

import (
	"time"

	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// storedPlan is written once a release; durations are in nanoseconds.
type storedPlan struct {
	Name           string         `json:"name"`
	Service        string         `json:"service,omitempty"`
	Hash           string         `json:"hash,omitempty"`
	Arms           []storedArm    `json:"arms,omitempty"`
	Steps          []storedStep   `json:"steps,omitempty"`
	StartAt        time.Time      `json:"start,omitzero"`
	Approval       storedApproval `json:"ap,omitzero"`
	Metrics        []storedMetric `json:"metrics,omitempty"`
	Every          time.Duration  `json:"every,omitempty"`
	Delay          time.Duration  `json:"delay,omitempty"`
	WarmUp         time.Duration  `json:"warm,omitempty"`
	BlindFor       time.Duration  `json:"blind,omitempty"`
	FalseRollback  number         `json:"alpha,omitempty"`
	Share          storedShare    `json:"share,omitzero"`
	HarmBudget     int64          `json:"budget,omitempty"`
	RollbackOver   time.Duration  `json:"over,omitempty"`
	Watch          time.Duration  `json:"watch,omitempty"`
	Recovery       time.Duration  `json:"recovery,omitempty"`
	Lease          time.Duration  `json:"lease,omitempty"`
	Grain          release.Weight `json:"grain,omitempty"`
	Testers        storedTesters  `json:"testers,omitzero"`
	Sticky         storedSticky   `json:"sticky,omitzero"`
	Mirror         release.Weight `json:"mirror,omitempty"`
	ReadBack       time.Duration  `json:"back,omitempty"`
	CorrectLowered bool           `json:"correct,omitempty"`
	Links          []storedLink   `json:"links,omitempty"`
	Runbook        string         `json:"runbook,omitempty"`

	Labels map[string]string `json:"labels,omitempty"`
}

type storedShare struct {
	Of        string         `json:"of,omitempty"`
	Tolerance number         `json:"tol,omitempty"`
	OnFewer   release.Action `json:"few,omitempty"`
	OnMore    release.Action `json:"more,omitempty"`
	Drawn     bool           `json:"d,omitempty"`
}

type storedArm struct {
	Name    string            `json:"n"`
	Version string            `json:"v,omitempty"`
	Labels  map[string]string `json:"l,omitempty"`
	Commit  string            `json:"c,omitempty"`
	Image   string            `json:"i,omitempty"`
}

type storedStep struct {
	Weight     release.Weight  `json:"w"`
	AtLeast    time.Duration   `json:"min,omitempty"`
	AtMost     time.Duration   `json:"max,omitempty"`
	Approval   string          `json:"ap,omitempty"`
	Quorum     int64           `json:"aq,omitempty"`
	Expires    time.Duration   `json:"ae,omitempty"`
	Comment    bool            `json:"ac,omitempty"`
	AtDeadline plan.AtDeadline `json:"dl,omitempty"`
}

type storedApproval struct {
	From    string        `json:"f"`
	Quorum  int64         `json:"q,omitempty"`
	Expires time.Duration `json:"e,omitempty"`
	Comment bool          `json:"c,omitempty"`
}

func storeStep(s plan.Step) storedStep {
	a := s.Approval
	return storedStep{Weight: s.Weight, AtLeast: s.AtLeast, AtMost: s.AtMost, AtDeadline: s.AtDeadline,
		Approval: a.From, Quorum: a.Quorum, Expires: a.Expires, Comment: a.Comment}
}

func (s storedStep) load() plan.Step {
	return plan.Step{Weight: s.Weight, AtLeast: s.AtLeast, AtMost: s.AtMost, AtDeadline: s.AtDeadline,
		Approval: release.Approval{From: s.Approval, Quorum: s.Quorum, Expires: s.Expires, Comment: s.Comment}}
}

type storedLink struct {
	Name string `json:"n,omitempty"`
	URL  string `json:"u,omitempty"`
}

type storedMetric struct {
	Name         string            `json:"n"`
	Kind         release.Kind      `json:"k,omitempty"`
	Worse        release.Direction `json:"w,omitempty"`
	Severity     release.Severity  `json:"s,omitempty"`
	Method       release.Method    `json:"m,omitempty"`
	Events       string            `json:"e,omitempty"`
	Of           string            `json:"o,omitempty"`
	Query        string            `json:"q,omitempty"`
	Source       string            `json:"src,omitempty"`
	Averages     bool              `json:"av,omitempty"`
	By           []string          `json:"by,omitempty"`
	Tolerance    number            `json:"tol,omitempty"`
	ToleranceAbs number            `json:"abs,omitempty"`
	Exclude      number            `json:"ex,omitempty"`
	MinSamples   int64             `json:"min,omitempty"`
	Prior        storedPrior       `json:"pr,omitzero"`
	Effects      storedEffects     `json:"ef,omitzero"`
	Limit        *storedLimit      `json:"lim,omitempty"`
	LimitOnly    bool              `json:"only,omitempty"`
}

type storedPrior struct {
	Rate   number `json:"r"`
	Weight number `json:"w"`
}

type storedEffects struct {
	Mean   number `json:"m"`
	Spread number `json:"s"`
}

type storedLimit struct {
	Value    number `json:"v"`
	Quantile number `json:"q,omitempty"`
}

func storePlan(p plan.Plan) storedPlan {
	return storedPlan{
		Name: p.Name, Service: p.Service, Hash: p.Hash,
		Arms:    each(p.Arms, func(a release.Arm) storedArm { return storedArm(a) }),
		Steps:   each(p.Steps, storeStep),
		StartAt: p.StartAt.UTC(), Approval: storedApproval(p.Approval),
		Metrics: each(p.Metrics, storeMetric),
		Every:   p.Every, Delay: p.Delay, WarmUp: p.WarmUp, BlindFor: p.BlindFor,
		FalseRollback: number(p.FalseRollback), HarmBudget: p.HarmBudget,
		Share: storedShare{Of: p.Share.Of, Tolerance: number(p.Share.Tolerance),
			OnFewer: p.Share.OnFewer, OnMore: p.Share.OnMore, Drawn: p.Share.Drawn},
		RollbackOver: p.RollbackOver, Watch: p.Watch, Recovery: p.Recovery, Lease: p.Lease,
		Grain: p.Grain, Testers: storedTesters(p.Testers), Sticky: storedSticky(p.Sticky), Mirror: p.Mirror,
		CorrectLowered: p.CorrectLowered, ReadBack: p.ReadBack,
		Links: each(p.Links, func(l release.Link) storedLink { return storedLink(l) }), Labels: p.Labels, Runbook: p.Runbook,
	}
}

func (s storedPlan) load() plan.Plan {
	return plan.Plan{
		Name: s.Name, Service: s.Service, Hash: s.Hash,
		Arms:    each(s.Arms, func(a storedArm) release.Arm { return release.Arm(a) }),
		Steps:   each(s.Steps, storedStep.load),
		StartAt: s.StartAt, Approval: release.Approval(s.Approval),
		Metrics: each(s.Metrics, storedMetric.load),
		Every:   s.Every, Delay: s.Delay, WarmUp: s.WarmUp, BlindFor: s.BlindFor,
		FalseRollback: float64(s.FalseRollback), HarmBudget: s.HarmBudget,
		Share: release.Share{Of: s.Share.Of, Tolerance: float64(s.Share.Tolerance),
			OnFewer: s.Share.OnFewer, OnMore: s.Share.OnMore, Drawn: s.Share.Drawn},
		RollbackOver: s.RollbackOver, Watch: s.Watch, Recovery: s.Recovery, Lease: s.Lease,
		Grain: s.Grain, Testers: release.Testers(s.Testers), Sticky: release.Sticky(s.Sticky), Mirror: s.Mirror,
		CorrectLowered: s.CorrectLowered, ReadBack: s.ReadBack,
		Links: each(s.Links, func(l storedLink) release.Link { return release.Link(l) }), Labels: s.Labels, Runbook: s.Runbook,
	}
}

func storeMetric(m release.Metric) storedMetric {
	stored := storedMetric{
		Name: m.Name, Kind: m.Kind, Worse: m.Worse, Severity: m.Severity, Method: m.Method,
		Events: m.Events, Of: m.Of, By: m.By, Query: m.Query, Source: m.Source, Averages: m.Averages,
		Tolerance: number(m.Tolerance), ToleranceAbs: number(m.ToleranceAbs),
		Exclude: number(m.Exclude), MinSamples: m.MinSamples, LimitOnly: m.LimitOnly,
		Prior:   storedPrior{number(m.Prior.Rate), number(m.Prior.Weight)},
		Effects: storedEffects{number(m.Effects.Mean), number(m.Effects.Spread)},
	}
	if m.Limit != nil {
		stored.Limit = &storedLimit{Value: number(m.Limit.Value), Quantile: number(m.Limit.Quantile)}
	}
	return stored
}

func (s storedMetric) load() release.Metric {
	m := release.Metric{
		Name: s.Name, Kind: s.Kind, Worse: s.Worse, Severity: s.Severity, Method: s.Method,
		Events: s.Events, Of: s.Of, By: s.By, Query: s.Query, Source: s.Source, Averages: s.Averages,
		Tolerance: float64(s.Tolerance), ToleranceAbs: float64(s.ToleranceAbs),
		Exclude: float64(s.Exclude), MinSamples: s.MinSamples, LimitOnly: s.LimitOnly,
		Prior:   release.Prior{Rate: float64(s.Prior.Rate), Weight: float64(s.Prior.Weight)},
		Effects: release.Effects{Mean: float64(s.Effects.Mean), Spread: float64(s.Effects.Spread)},
	}
	if s.Limit != nil {
		m.Limit = &release.Limit{Value: float64(s.Limit.Value), Quantile: float64(s.Limit.Quantile)}
	}
	return m
}
