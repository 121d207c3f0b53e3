package engine

import (
	"fmt"
	"strconv"
	"time"

	"github.com/linnet-project/linnet/release"
)

// target is the index of the step that the weight goes to next: the present one
// where the harm budget kept it below its weight.
func (s State) target() int {
	if s.Step >= 0 && s.Capped > 0 {
		return s.Step
	}
	return s.next()
}

// proceed goes to the next weight on evidence, no further than the harm budget
// allows. Where it allows no more than there is, the release holds.
func (t *turn) proceed(why release.Reason) {
	next := t.s.target()
	if next >= len(t.s.Plan.Steps) {
		t.climb(Forward, why)
		return
	}
	st := t.s.Plan.Steps[next]
	long := max(st.AtLeast, t.s.Plan.Every)
	most := t.settable(t.s.Last.Harm.Affords(long))
	switch {
	case most >= st.Weight:
	case most <= CandidateWeight(t.s.Route):
		t.spare(next, long)
		return
	default:
		t.cap = most
		why.Text = fmt.Sprintf("%s; the harm budget allows %s of the %s of step %d: %s",
			why.Text, Percent(most), Percent(st.Weight), next+1, t.s.Last.Harm.Text())
	}
	t.climb(Forward, why)
}

// spare holds because more weight could cost more than the harm budget has left.
func (t *turn) spare(next int, long time.Duration) {
	h, weight := t.s.Last.Harm, t.s.Plan.Steps[next].Weight
	present := CandidateWeight(t.s.Route)
	cost := h.Each * h.Rate * long.Seconds() * float64(weight) / float64(release.Whole)
	when := "no more will be possible within a day"
	if wait, ok := t.s.Judge.Forecast(t.config(), present, long); ok {
		when = fmt.Sprintf("more will be possible in about %s", wait)
	}
	text := fmt.Sprintf("step %d (%s) passes and the harm budget does not allow more than %s yet: %s, and %s of %s could cost %s more; at these rates %s",
		t.s.Step+1, Percent(present), Percent(present), h.Text(), long, Percent(weight), whole(cost), when)
	why := release.Reason{Code: release.HarmBudget, Text: text}
	t.d.Reason = why
	if t.s.Phase != Held || t.s.Why.Code != release.HarmBudget {
		t.hold(why, release.Inform)
	}
}

// whole prints a number of requests.
func whole(x float64) string { return strconv.FormatFloat(x, 'f', 0, 64) }
