package plan

import (
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// Compile turns a parsed release file into the plan the engine walks. Defaults
// are filled in and rules checked by spec.Parse, so nothing can fail here. The
// plan shares maps and lists with f, which nobody changes once it is parsed.
func Compile(f spec.File) Plan {
	asks := f.Traffic.Asks()
	p := Plan{
		Name:    f.Name,
		Service: f.Service,
		Hash:    f.Hash,
		Arms:    []release.Arm{f.Baseline, f.Candidate},
		StartAt: f.StartAt,

		Approval: f.Approval,

		Metrics:       f.Analysis.Metrics,
		Every:         f.Analysis.Every,
		Delay:         f.Analysis.Delay,
		WarmUp:        f.Analysis.WarmUp,
		BlindFor:      f.Analysis.BlindFor,
		FalseRollback: f.Analysis.FalseRollback,
		Share:         f.Analysis.Share,
		HarmBudget:    f.HarmBudget,

		ReadBack:       f.Traffic.ReadBack(),
		Grain:          f.Traffic.Grain(),
		Testers:        asks.Testers,
		Sticky:         asks.Sticky,
		Mirror:         asks.Mirror,
		CorrectLowered: f.OnLowered == spec.Correct,

		RollbackOver: f.RollbackOver,
		Watch:        f.Watch,
		Recovery:     f.Recovery,
		Lease:        f.Traffic.Lease(),

		Links:   f.Links,
		Labels:  f.Labels,
		Runbook: f.Runbook,
	}
	for _, s := range f.Steps {
		p.Steps = append(p.Steps, Step{
			Weight:  s.Weight,
			AtLeast: s.AtLeast, AtMost: s.AtMost,
			Approval:   s.Approval,
			AtDeadline: AtDeadline(s.AtDeadline),
		})
	}
	return p
}
