package report

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// sentence says where a release stands and why. decided is the promotion or
// rollback on record, nil where the caller has only the state.
func sentence(s engine.State, decided *Decision) string {
	if s.Seq == 0 {
		return "Nothing is known of this release yet."
	}
	why := clean(s.Why.Text)
	if decided != nil {
		why = decided.Reason.Text
	}
	switch outcome(s) {
	case promoted:
		return stop(aside(s, promotedText(s)) + ": " + why)
	case rolledBack, aborted:
		if decided != nil || s.Phase != engine.RolledBack { // at the end the state tells of the recovery alone
			why += recovery(s)
		}
		return stop(aside(s, rolledBackText(s)) + ": " + why)
	}
	return stop(capital(string(s.Phase)) + place(s) + ": " + present(s))
}

func promotedText(s engine.State) string {
	switch {
	case inner(s) == engine.Promoting:
		return "Being promoted" + after(s.Exposed, s.DecidedAt)
	case s.Phase == engine.Promoted:
		return "Promoted" + after(s.Exposed, s.DecidedAt)
	}
	return "Promoted" + after(s.Exposed, s.DecidedAt) + " and being watched"
}

func rolledBackText(s engine.State) string {
	verb := "Rolled back"
	switch {
	case inner(s) == engine.RollingBack:
		verb = "Rolling back"
	case s.Cause == engine.ByPerson:
		verb = "Rolled back by a person"
	}
	if s.Step >= 0 {
		verb += fmt.Sprintf(" from step %d of %d (%s)", s.Step+1, len(s.Plan.Steps), engine.Percent(s.Descent))
	}
	return verb + after(s.Exposed, s.DecidedAt)
}

// aside adds what stands in the way of a decision that is taken.
func aside(s engine.State, text string) string {
	switch s.Phase {
	case engine.Failed:
		return text + " (the provider cannot be reached; it keeps trying)"
	case engine.Paused:
		return text + " (paused)"
	case engine.Held:
		return text + " (held: " + clean(s.Why.Text) + ")"
	}
	return text
}

func recovery(s engine.State) string {
	switch {
	case s.Phase == engine.Recovering:
		return "; recovery is being watched"
	case s.Recovered == "verified":
		return "; the baseline is as it was before"
	case s.Recovered != "":
		return "; recovery is not verified"
	}
	return ""
}

func after(from, to time.Time) string {
	if from.IsZero() || to.Before(from) {
		return ""
	}
	return ", " + duration(to.Sub(from).Round(time.Second)) + " after its first traffic"
}

// place is the present step, in brackets' worth of words.
func place(s engine.State) string {
	if s.Step < 0 || len(s.Plan.Steps) == 0 {
		return ""
	}
	return fmt.Sprintf(" at step %d of %d (%s)", s.Step+1, len(s.Plan.Steps), engine.Percent(engine.CandidateWeight(s.Route)))
}

// present is what keeps a running release where it is: the last verdict where
// it looks, else the reason of its phase.
func present(s engine.State) string {
	why, last := clean(s.Why.Text), clean(s.Last.Reason.Text)
	switch s.Phase {
	case engine.Observing, engine.WarmingUp:
		if last != "" && s.LookedAt.After(s.ServedAt) {
			return last
		}
	case engine.Waiting, engine.Held, engine.Paused:
		if s.Why.Code == release.PausedByPerson && last != "" {
			return why + "; " + last
		}
	}
	return why
}

func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// stop ends a sentence.
func stop(s string) string {
	s = strings.TrimRight(s, " :")
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "…") {
		return s
	}
	return s + "."
}
