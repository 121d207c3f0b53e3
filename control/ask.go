package control

import (
	"context"
	"fmt"
	"strings"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// Denied says that the policy does not allow what was asked for.
type Denied struct {
	// Who asked for Action, and Why it is not allowed: what would be needed.
	Who    string
	Action access.Action
	Why    string
}

// Error implements error.
func (d *Denied) Error() string {
	return fmt.Sprintf("%s may not %s here: %s", d.Who, d.Action, d.Why)
}

// Unwrap gives it its meaning: asking again changes nothing.
func (d *Denied) Unwrap() error { return release.ErrInvalid }

// Refused says that a release does not meet the company's guard rails.
type Refused struct{ Findings []Finding }

// Error implements error.
func (r *Refused) Error() string {
	lines := make([]string, len(r.Findings))
	for i, f := range r.Findings {
		lines[i] = f.Rule + ": " + f.Text
	}
	return "the release does not meet the guard rails: " + strings.Join(lines, "; ")
}

// Unwrap gives it its meaning: the file must change, or time must pass.
func (r *Refused) Unwrap() error { return release.ErrInvalid }

// Moved says that a release is not at the record that somebody expected.
type Moved struct {
	ID           journal.ID
	At, Expected uint64
}

// Error implements error.
func (m *Moved) Error() string {
	return fmt.Sprintf("release %s is at record %d, not at %d: something happened meanwhile; look at it again", m.ID, m.At, m.Expected)
}

// Unwrap gives it its meaning.
func (m *Moved) Unwrap() error { return release.ErrConflict }

// resourceOf is what permissions on a release are about.
func resourceOf(s journal.Summary) access.Resource {
	return access.Resource{Service: s.Service, Team: s.Team, Environment: s.Environment, Release: s.ID.Name, Author: s.Author}
}

// resourceIn is what permission to begin a release is about.
func resourceIn(f spec.File) access.Resource {
	return access.Resource{Service: f.Service, Team: f.Labels[plan.TeamLabel], Environment: f.Labels[plan.EnvironmentLabel], Release: f.Name}
}

// allowed asks the policy for what somebody reads, which the audit does not keep.
func (d *Desk) allowed(who access.Actor, action access.Action, on access.Resource) error {
	if said := d.cfg.Policy.Decide(who, action, on); !said.Allowed {
		return &Denied{Who: who.Name, Action: action, Why: said.Why}
	}
	return nil
}

// ask asks the policy for what somebody wants to do. A denied try goes into the
// audit.
func (d *Desk) ask(ctx context.Context, action access.Action, on access.Resource, e Entry) error {
	err := d.allowed(e.Who, action, on)
	if err == nil {
		return nil
	}
	return d.deny(ctx, e, err)
}

// deny keeps a try that was not allowed and returns why. An audit that cannot be
// written is told instead: then nobody may try anything.
func (d *Desk) deny(ctx context.Context, e Entry, why error) error {
	if e.again != nil && e.again.Error() == why.Error() {
		return why // the line stands there
	}
	e.Denied = why.Error()
	if err := d.audit(ctx, e); err != nil {
		return err
	}
	return why
}

func (d *Desk) audit(ctx context.Context, e Entry) error {
	if d.cfg.Auditor == nil {
		return nil
	}
	return d.cfg.Auditor.Audit(ctx, e)
}

// Permit asks the policy for something that is about no release, and keeps a try
// that is denied; what is the word for it in the audit.
func (d *Desk) Permit(ctx context.Context, who access.Actor, action access.Action, what string) error {
	return d.ask(ctx, action, access.Resource{}, Entry{At: d.cfg.Now(), Who: who, What: what})
}
