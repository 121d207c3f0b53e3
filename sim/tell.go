package sim

import (
	"fmt"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// time is Linnet's time since the story began.
func (s *Story) time() string { return s.clock().Sub(s.zero).Round(time.Second).String() }

// tell prints a decision and its effects. Looks that change nothing are told
// when their reason is a new one.
func (s *Story) tell(e engine.Event, was engine.State, d engine.Decision, effects []engine.Effect) {
	news := d.Kind != engine.Stay || d.Phase != was.Phase
	switch e := e.(type) {
	case engine.Looked:
		news = news || d.Reason.Code != s.told
		s.told = d.Reason.Code
	case engine.Acknowledged:
		if e.Failure != nil {
			news = news || d.Reason.Text != s.failed
			s.failed = d.Reason.Text
		}
	case engine.Commanded:
		news = true
	}
	if !news {
		return
	}
	fmt.Fprintf(&s.out, "%8s %s, %s: %s\n", s.time(), d.Kind, d.Reason.Code, d.Reason.Text)
	if d.Phase != was.Phase {
		fmt.Fprintf(&s.out, "         now %s\n", where(s.state))
	}
	for _, effect := range effects {
		s.tellEffect(effect, d.Reason.Text)
	}
}

func (s *Story) tellEffect(e engine.Effect, known string) {
	switch e := e.(type) {
	case engine.SetRoute:
		lease := "for good"
		if e.Route.Lease > 0 {
			lease = "lease " + e.Route.Lease.String()
		}
		fmt.Fprintf(&s.out, "         -> set %s, %s, epoch %d\n", engine.Percent(engine.CandidateWeight(e.Route)), lease, e.Route.Epoch)
	case engine.Notify:
		fmt.Fprintf(&s.out, "         -> %s: %s", e.Notice.Urgency, e.Notice.Title)
		if e.Notice.Text != known {
			fmt.Fprintf(&s.out, ": %s", e.Notice.Text)
		}
		s.out.WriteString("\n")
	}
}

// where says where a release stands.
func where(s engine.State) string {
	text := fmt.Sprintf("%s at %s", s.Phase, engine.Percent(engine.CandidateWeight(s.Route)))
	if s.Step >= 0 && s.Step < len(s.Plan.Steps) {
		text = fmt.Sprintf("%s, step %d, at %s", s.Phase, s.Step+1, engine.Percent(engine.CandidateWeight(s.Route)))
	}
	return text
}

// stands closes a run: where the release stands and what is really served.
func (s *Story) stands() {
	fmt.Fprintf(&s.out, "%8s %s; served: %s\n", s.time(), where(s.state), engine.Percent(s.router.Weight()))
}

func (s *Story) show() {
	st := s.state
	s.stands()
	fmt.Fprintf(&s.out, "         because %s: %s\n", st.Why.Code, st.Why.Text)
	fmt.Fprintf(&s.out, "         watched %s, of atMost %s\n", st.Watched.Round(time.Second), st.Clock.Round(time.Second))
	if st.Recovered != "" {
		fmt.Fprintf(&s.out, "         recovery %s\n", st.Recovered)
	}
	for _, c := range st.Last.Comparisons {
		name := c.Metric
		if c.Segment != "" {
			name += " in " + c.Segment
		}
		fmt.Fprintf(&s.out, "         %s: %s, %s: %s\n", name, c.Outcome, c.Reason.Code, c.Reason.Text)
	}
	if w := st.Pending.Route; w != nil {
		fmt.Fprintf(&s.out, "         pending: %s\n", engine.Percent(engine.CandidateWeight(w.Route)))
	}
}

// Events are what was recorded, oldest first.
func (s *Story) Events() []engine.Event { return s.events }

// State is where the release stands.
func (s *Story) State() engine.State { return s.state }

// Served is the weight that the provider really serves.
func (s *Story) Served() release.Weight { return s.router.Weight() }
