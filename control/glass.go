package control

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// GlassFor is how long a second person has to agree.
const GlassFor = time.Hour

// GlassRequest is something that goes past guard rails or approvals once a second
// person agrees. It is for a release file, or for an order of a release.
type GlassRequest struct {
	ID        string
	At, Until time.Time
	Asker     access.Actor
	Reason    string
	// On is what it is about, for the policy, and Past what it goes past: names of
	// guard rails, or "approvals".
	On   access.Resource
	Past []string

	// Name, File and Again are those of a Creation.
	Name  string
	File  []byte
	Again bool
	// Target and Verb are those of an Order; Verb is empty for a file. Step is the
	// step that the release was at: to go past what it asks later is another request.
	Target journal.ID
	Verb   engine.Verb
	Step   int

	// By is who agreed, and Agreed when; empty while nobody has.
	By     string
	Agreed time.Time
}

// What tells what is asked for, as a verb and its object.
func (r GlassRequest) What() string {
	if r.Verb != "" {
		return string(r.Verb) + " " + r.Target.String()
	}
	return "begin " + r.On.Release
}

// GlassKeeper keeps requests to break the glass.
type GlassKeeper interface {
	Ask(ctx context.Context, r GlassRequest) error
	// Find gives a request; release.ErrNotFound where there is none of that id.
	Find(ctx context.Context, id string) (GlassRequest, error)
	// List gives requests, the last first.
	List(ctx context.Context, most int) ([]GlassRequest, error)
	// Agree uses a request up. One that was agreed to, or has expired by then, is
	// UsedUp.
	Agree(ctx context.Context, id, by string, at time.Time) error
}

// UsedUp says that a request was agreed to before, or has expired. It is
// release.ErrConflict.
func UsedUp(id string) error {
	return fmt.Errorf("request %q to break the glass was used or has expired; ask anew: %w", id, release.ErrConflict)
}

// Notifier tells people.
type Notifier interface {
	Notify(ctx context.Context, n release.Notice) error
}

// Unconfirmed says that a second person must agree first.
type Unconfirmed struct{ Request GlassRequest }

// Error implements error.
func (u *Unconfirmed) Error() string {
	return fmt.Sprintf("to %s past %s needs a second person, who has until %s: `linnet access confirm %s`",
		u.Request.What(), strings.Join(u.Request.Past, ", "), u.Request.Until.UTC().Format(time.RFC3339), u.Request.ID)
}

// Unwrap gives it its meaning: it is not so yet.
func (u *Unconfirmed) Unwrap() error { return release.ErrConflict }

// breakGlass says whether a release may begin past guard rails: once a second
// person has agreed to these. Where nobody is looked up anywhere there is no
// second person to be had, and the reason is enough.
func (d *Desk) breakGlass(ctx context.Context, c Creation, f spec.File, broken []Finding, e Entry) error {
	on := resourceIn(f)
	if err := d.ask(ctx, access.Break, on, e); err != nil {
		return err
	}
	if slices.Contains(d.cfg.Policy.Groups(e.Who), access.Anybody) {
		return nil
	}
	var names []string
	for _, one := range broken {
		names = append(names, one.Rule)
	}
	if c.agreed == nil {
		return d.request(ctx, GlassRequest{Asker: e.Who, Reason: c.Glass, On: on, Past: names, Name: c.Name, File: c.File, Again: c.Again}, e)
	}
	for _, one := range broken {
		if !slices.Contains(c.agreed.Past, one.Rule) {
			return d.deny(ctx, e, &Refused{Findings: broken}) // nobody agreed to this one
		}
	}
	return nil
}

// past tells how a release comes past the guard rails.
func past(who string, c Creation, broken []Finding) string {
	var rules []string
	for _, one := range broken {
		rules = append(rules, one.Rule+" ("+one.Text+")")
	}
	agreed := ""
	if c.agreed != nil {
		agreed = ", and " + c.agreed.By + " agreed"
	}
	return fmt.Sprintf("%s broke the glass%s: %s; not met: %s", who, agreed, c.Glass, strings.Join(rules, "; "))
}

// pastApprovals says whether an order may go past approvals.
func (d *Desk) pastApprovals(ctx context.Context, o Order, at journal.Summary, e Entry) error {
	if o.Glass == "" {
		return nil
	}
	if o.Verb != engine.Approve && o.Verb != engine.Advance {
		return fmt.Errorf("to %s needs no broken glass: only approve and advance go past approvals: %w", o.Verb, release.ErrInvalid)
	}
	on := resourceOf(at)
	if err := d.ask(ctx, access.Break, on, e); err != nil {
		return err
	}
	if slices.Contains(d.cfg.Policy.Groups(e.Who), access.Anybody) {
		return fmt.Errorf("nobody is looked up here, and approvals count names: `linnet release %s --who` gives one under another name: %w", o.Verb, release.ErrInvalid)
	}
	if o.agreed != nil && o.agreed.Step != at.Step {
		return fmt.Errorf("release %s was at step %d when %s asked, and is at step %d now: ask anew: %w", o.ID, o.agreed.Step, o.agreed.Asker.Name, at.Step, release.ErrConflict)
	}
	if o.agreed != nil {
		return nil
	}
	return d.request(ctx, GlassRequest{Asker: e.Who, Reason: o.Glass, On: on, Past: []string{"approvals"}, Target: o.ID, Verb: o.Verb, Step: at.Step}, e)
}

// request keeps a request and tells those who can agree. It always returns an
// error: *Unconfirmed, or why it could not be kept.
func (d *Desk) request(ctx context.Context, r GlassRequest, e Entry) error {
	if d.cfg.Glass == nil {
		return fmt.Errorf("the glass cannot be broken here: there is nobody to agree: %w", release.ErrInvalid)
	}
	r.ID, r.At = rand.Text(), e.At
	r.Until = r.At.Add(GlassFor)
	waits := &Unconfirmed{Request: r}
	e.What, e.Object, e.Reason, e.After = "glass.ask", r.ID, r.Reason, r.What()+" past "+strings.Join(r.Past, ", ")
	if err := d.audit(ctx, e); err != nil {
		return err
	}
	if err := d.cfg.Glass.Ask(ctx, r); err != nil {
		return err
	}
	err := d.cfg.Notifier.Notify(ctx, release.Notice{
		ID: "glass/" + r.ID, Release: r.On.Release, Urgency: release.Page, Happening: release.ToldGlass, Topic: "glass/" + r.ID, At: r.At,
		Service: r.On.Service, Team: r.On.Team, Environment: r.On.Environment, Attempt: r.Target.Attempt,
		Title: r.Asker.Name + " asks to break the glass", Text: r.Reason + "; " + waits.Error(), Next: "linnet access confirm " + r.ID,
	})
	if err != nil {
		return fmt.Errorf("%w; nobody could be told: %v", waits, err)
	}
	return waits
}

// Confirmed is what came of a request that a second person agreed to: a release
// that began, or the answer to an order.
type Confirmed struct {
	Request GlassRequest
	Created *Created
	Answer  *Answer
}

// Confirm agrees to a request, as the second person, and has it done as if its
// asker asked now: it is used up, whatever comes of it. Errors are *Denied,
// release.ErrNotFound, release.ErrConflict for one that is used up or expired, and
// those of Create and Command.
func (d *Desk) Confirm(ctx context.Context, who access.Actor, id string, wait time.Duration) (Confirmed, error) {
	if d.cfg.Glass == nil {
		return Confirmed{}, fmt.Errorf("no request %q to break the glass: %w", id, release.ErrNotFound)
	}
	r, err := d.cfg.Glass.Find(ctx, id)
	if err != nil {
		return Confirmed{}, err
	}
	entry := Entry{At: d.cfg.Now(), Who: who, What: "glass.confirm", Object: r.ID, Reason: r.Reason, After: r.What() + " past " + strings.Join(r.Past, ", ")}
	if err := d.ask(ctx, access.Confirm, r.On, entry); err != nil {
		return Confirmed{}, err
	}
	if who.Name == r.Asker.Name || who.Kind != access.Person {
		return Confirmed{}, d.deny(ctx, entry, &Denied{Who: who.Name, Action: access.Confirm, Why: "it takes a second person, other than " + r.Asker.Name})
	}
	if r.By != "" || !entry.At.Before(r.Until) {
		return Confirmed{}, UsedUp(id)
	}
	if err := d.audit(ctx, entry); err != nil {
		return Confirmed{}, err
	}
	if err := d.cfg.Glass.Agree(ctx, id, who.Name, entry.At); err != nil {
		return Confirmed{}, err
	}
	r.By, r.Agreed = who.Name, entry.At
	out := Confirmed{Request: r}
	if r.Verb == "" {
		made, err := d.Create(ctx, r.Asker, Creation{Name: r.Name, File: r.File, Again: r.Again, Reason: r.Reason, Glass: r.Reason, agreed: &r})
		out.Created = &made
		return out, err
	}
	answer, err := d.Command(ctx, r.Asker, Order{ID: r.Target, Verb: r.Verb, Reason: r.Reason, Glass: r.Reason, Key: "glass-" + r.ID, Wait: wait, agreed: &r})
	out.Answer = &answer
	return out, err
}

// Requests lists requests to break the glass that somebody may see, the last
// first.
func (d *Desk) Requests(ctx context.Context, who access.Actor, most int) ([]GlassRequest, error) {
	if d.cfg.Glass == nil {
		return nil, nil
	}
	all, err := d.cfg.Glass.List(ctx, most)
	return slices.DeleteFunc(all, func(r GlassRequest) bool {
		var denied *Denied
		return errors.As(d.allowed(who, access.View, r.On), &denied)
	}), err
}
