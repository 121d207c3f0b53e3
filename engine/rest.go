package engine

import "time"

// retry is how long a provider that did not do what it was asked is left alone.
const retry = 15 * time.Second

// Rest is how long after its last event a release needs nobody, as far as its
// events tell: until the next look, or the next thing that time alone changes.
// Effects that wait are due at once. It is false for a release that is over and
// of which everybody has been told.
func (s State) Rest() (time.Duration, bool) {
	switch {
	case s.Pending.Route != nil && s.Tries > 0:
		return retry, true
	case s.Pending.Route != nil || len(s.Pending.Notices) > 0:
		return 0, true
	case s.Over():
		return 0, false
	case s.Phase == Scheduled:
		return max(0, s.Plan.StartAt.Sub(s.Now)), true
	case s.LookedAt.IsZero():
		return 0, true
	}
	rest := s.LookedAt.Add(s.Plan.Every).Sub(s.Now)
	if wake := s.Wake(); !wake.IsZero() {
		rest = min(rest, wake.Sub(s.Now))
	}
	return max(0, rest), true
}
