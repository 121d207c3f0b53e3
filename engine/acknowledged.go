package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/linnet-project/linnet/release"
)

// acknowledged takes the end of an effect. One that is no longer pending was
// replaced, and changes nothing.
func (t *turn) acknowledged(e Acknowledged) {
	if p := t.s.Pending.Route; p != nil && p.Effect == e.Effect {
		if e.Failure != nil {
			t.routeFailed(*e.Failure)
		} else {
			t.routeServed()
		}
		return
	}
	kept := slices.DeleteFunc(slices.Clone(t.s.Pending.Notices), func(n Notify) bool { return n.Effect == e.Effect })
	t.s.Pending.Notices = kept
	if e.Failure != nil {
		t.d.Reason = *e.Failure
	}
}

// routeFailed counts a route that could not be set. It is tried for ever, and
// people are paged when it keeps failing, again and again until it is set.
func (t *turn) routeFailed(why release.Reason) {
	if why.Code == release.NotReady {
		t.notReady(why)
		return
	}
	if t.s.FailedAt.IsZero() {
		t.s.FailedAt = t.s.Now
	}
	t.s.Tries++
	target := Percent(CandidateWeight(t.s.Route))
	t.d.Reason = release.Reason{Code: release.ProviderFails, Text: "the provider did not set " + target + ": " + why.Text}
	again := !t.s.PagedAt.IsZero()
	if t.s.Tries < patience || again && t.s.Now.Sub(t.s.PagedAt) < pageAgain {
		return
	}
	t.s.PagedAt = t.s.Now
	text := fmt.Sprintf("the provider failed %d times to set %s, and Linnet keeps trying: %s", patience, target, why.Text)
	if again {
		text = fmt.Sprintf("the provider still fails to set %s after %s, and Linnet keeps trying: %s",
			target, t.s.Now.Sub(t.s.FailedAt).Round(time.Second), why.Text)
	}
	t.d.Kind, t.d.Reason.Text = HoldHere, text
	if t.s.Phase != Paused && t.s.Phase != Held && t.s.Phase != Failed { // what a person asked for stays
		t.aside(Failed, release.ProviderFails, text)
	}
	t.tell(release.Page, release.ToldProvider, ": the provider fails", text)
}

// notReady waits for a candidate that cannot take traffic yet: nothing was set.
// People are told at once, and paged when it takes longer than the release may
// be blind.
func (t *turn) notReady(why release.Reason) {
	first := t.s.UnreadyAt.IsZero()
	if first {
		t.s.UnreadyAt = t.s.Now
	}
	t.d.Reason = release.Reason{Code: release.NotReady, Text: Percent(CandidateWeight(t.s.Route)) + " waits until the candidate is known to be ready: " + why.Text}
	switch waited := t.s.Now.Sub(t.s.UnreadyAt); {
	case first:
		t.tell(release.Inform, release.ToldNotReady, ": waits for the candidate to be ready", t.d.Reason.Text)
	case waited >= t.s.Plan.BlindFor && (t.s.UnreadyPagedAt.IsZero() || t.s.Now.Sub(t.s.UnreadyPagedAt) >= pageAgain):
		t.s.UnreadyPagedAt = t.s.Now
		t.tell(release.Page, release.ToldNotReady, ": the candidate does not get ready",
			fmt.Sprintf("after %s %s", waited.Round(time.Second), t.d.Reason.Text))
	}
}

// routeServed takes a route that the provider serves now.
func (t *turn) routeServed() {
	weight := CandidateWeight(t.s.Route)
	back := t.s.Tries >= patience || t.s.Phase == Failed
	t.unask()
	if weight > 0 && t.s.ServedWeight == 0 {
		t.s.DataAt = t.s.Now // before that there was nothing to be blind to
	}
	t.s.ServedWeight = weight
	if weight > 0 && t.s.Exposed.IsZero() {
		t.s.Exposed = t.s.Now
	}
	if t.s.Phase == Failed {
		t.s.Phase, t.s.Why, t.s.Before = t.s.Before, t.s.BeforeWhy, ""
	}
	t.d.Reason = release.Reason{Code: release.WeightSet, Text: "the provider serves " + Percent(weight) + " to the candidate"}
	t.arrive(weight)
	if back {
		t.d.Reason.Code = release.ProviderBack
	}
}

// unask ends the asking for a route: it is served, or not to be set any more.
func (t *turn) unask() {
	t.s.Pending.Route = nil
	t.s.Served, t.s.Tries = true, 0
	t.s.FailedAt, t.s.PagedAt = time.Time{}, time.Time{}
	t.s.UnreadyAt, t.s.UnreadyPagedAt = time.Time{}, time.Time{}
}

// arrive moves on from a phase that waited for its route.
func (t *turn) arrive(weight release.Weight) {
	switch {
	case t.s.Phase == Paused && t.s.Before == Shifting:
		t.s.Before = Observing
		t.serveStep()
	case t.s.Phase == Shifting:
		t.serveStep()
		if t.s.Step == Withdrawn {
			t.s.Phase = Held // why: what it stepped back for
			return
		}
		t.s.Phase, t.s.Why = Observing, t.d.Reason
		if t.s.warming() {
			t.s.Phase = WarmingUp
		}
	case t.s.Phase == Promoting:
		t.s.ServedAt, t.s.EndedAt = t.s.Now, t.s.Now
		t.s.Phase = Watching
	case t.s.Phase == RollingBack && weight == 0:
		t.s.ServedAt, t.s.EndedAt = t.s.Now, t.s.Now
		t.s.Phase = Recovering
	}
}

// serveStep starts the clocks of the present step.
func (t *turn) serveStep() {
	t.s.ServedAt = t.s.Now
	t.s.Watched, t.s.Clock = 0, 0
	t.s.Corrected = 0
}
