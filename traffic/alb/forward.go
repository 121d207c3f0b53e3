package alb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// maxWeight is the largest weight that AWS takes.
const maxWeight = 999

// ownWeights turns weights of the grain into those of AWS, which sum to 1000; a
// sole one is the largest there is, and as exact.
func ownWeights(weights []release.Weight) []int32 {
	own := make([]int32, len(weights))
	for i, w := range weights {
		own[i] = min(int32(w/Grain), maxWeight)
	}
	return own
}

// forward is the forward action among a place's actions.
type forward struct {
	// all are the actions as AWS gave them, and at the index of the forward one.
	all []types.Action
	at  int
	// weights has one for each arm; those of absent are 0, because the action
	// does not have their groups.
	weights []int32
	absent  []int
	// foreign are groups of the action that are no arm's.
	foreign []string
	// sticky is how many seconds users stay in their group; 0 for not.
	sticky int32
	// unknown names a part of an action that the client does not know.
	unknown string
}

// forwardOf reads the forward action. It is release.ErrInvalid where there is
// none.
func forwardOf(all []types.Action, groups []string) (forward, error) {
	at := slices.IndexFunc(all, func(a types.Action) bool { return a.Type == types.ActionTypeEnumForward })
	if at < 0 {
		var kinds []string
		for _, a := range all {
			kinds = append(kinds, string(a.Type))
		}
		return forward{}, fmt.Errorf("has no forward action, only %s: %w", strings.Join(kinds, ", "), release.ErrInvalid)
	}
	f := forward{all: all, at: at, weights: make([]int32, len(groups))}
	tuples := tuplesOf(all[at])
	for _, t := range tuples {
		if !slices.Contains(groups, aws.ToString(t.TargetGroupArn)) {
			f.foreign = append(f.foreign, aws.ToString(t.TargetGroupArn))
		}
	}
	for i, group := range groups {
		j := slices.IndexFunc(tuples, func(t types.TargetGroupTuple) bool { return aws.ToString(t.TargetGroupArn) == group })
		if j < 0 {
			f.absent = append(f.absent, i)
		} else {
			f.weights[i] = weightOf(tuples[j])
		}
	}
	if c := all[at].ForwardConfig; c != nil && c.TargetGroupStickinessConfig != nil && aws.ToBool(c.TargetGroupStickinessConfig.Enabled) {
		f.sticky = max(1, aws.ToInt32(c.TargetGroupStickinessConfig.DurationSeconds))
	}
	return f, nil
}

// tuplesOf are the groups of a forward action; one that names its only group in
// the old form has it as a whole.
func tuplesOf(a types.Action) []types.TargetGroupTuple {
	if a.ForwardConfig != nil && len(a.ForwardConfig.TargetGroups) > 0 {
		return a.ForwardConfig.TargetGroups
	}
	if a.TargetGroupArn == nil {
		return nil
	}
	return []types.TargetGroupTuple{{TargetGroupArn: a.TargetGroupArn}}
}

// weightOf is a group's weight. AWS leaves out that of a sole group.
func weightOf(t types.TargetGroupTuple) int32 {
	if t.Weight == nil {
		return 1
	}
	return *t.Weight
}

// armsOnly is release.ErrInvalid where the action has other groups than the arms'.
func (f forward) armsOnly() error {
	if len(f.foreign) == 0 {
		return nil
	}
	return fmt.Errorf("forwards to %s too, which is no arm's group: %w", strings.Join(f.foreign, ", "), release.ErrInvalid)
}

// shares are the arms' shares of the traffic; false where nobody is served.
func (f forward) shares() ([]release.Weight, bool) {
	own := make([]int64, len(f.weights))
	for i, w := range f.weights {
		own[i] = int64(w)
	}
	return split.Shares(own)
}

// with gives the actions with these weights, and group stickiness for so many
// seconds, 0 for none. Nothing else differs from what AWS gave, but that the
// secret of an OIDC action is to stay as it is.
func (f forward) with(groups []string, weights []int32, sticky int32) []types.Action {
	all := slices.Clone(f.all)
	for i, a := range all {
		if a.AuthenticateOidcConfig != nil {
			kept := *a.AuthenticateOidcConfig
			kept.ClientSecret, kept.UseExistingClientSecret = nil, aws.Bool(true)
			all[i].AuthenticateOidcConfig = &kept
		}
	}
	changed := types.ForwardActionConfig{}
	if was := all[f.at].ForwardConfig; was != nil {
		changed = *was
	}
	changed.TargetGroups = slices.Clone(tuplesOf(all[f.at]))
	for i, t := range changed.TargetGroups {
		if arm := slices.Index(groups, aws.ToString(t.TargetGroupArn)); arm >= 0 {
			changed.TargetGroups[i].Weight = aws.Int32(weights[arm])
		}
	}
	switch {
	case sticky > 0:
		changed.TargetGroupStickinessConfig = &types.TargetGroupStickinessConfig{Enabled: aws.Bool(true), DurationSeconds: &sticky}
	case f.sticky > 0:
		changed.TargetGroupStickinessConfig = &types.TargetGroupStickinessConfig{Enabled: aws.Bool(false)}
	}
	all[f.at].ForwardConfig = &changed
	return all
}

// serves says whether these weights and this stickiness are what is there.
func (f forward) serves(weights []int32, sticky int32) bool {
	return slices.Equal(f.weights, weights) && f.sticky == sticky
}
