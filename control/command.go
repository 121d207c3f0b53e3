package control

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

// askAgain is how often it is looked whether a release has taken an order.
const askAgain = 50 * time.Millisecond

// actions are what a person must be allowed to do to give an order.
var actions = map[engine.Verb]access.Action{
	engine.Pause: access.Pause, engine.Resume: access.Pause, engine.Advance: access.Advance,
	engine.Abort: access.Abort, engine.Approve: access.Approve, engine.Reject: access.Approve, engine.Retract: access.Approve,
}

// Needs is the action that a person must be allowed to give an order; false for
// an order that there is not.
func Needs(verb engine.Verb) (access.Action, bool) {
	action, ok := actions[verb]
	return action, ok
}

// Order is what somebody orders of a release.
type Order struct {
	ID     journal.ID
	Verb   engine.Verb
	Reason string
	// Glass is why it must go past approvals: for Approve and Advance alone; empty
	// where it need not.
	Glass string
	// Key makes an order that comes twice one; one is drawn where it is empty. Two
	// different orders of a release have different keys.
	Key string
	// Expect is the record that the release must be at, as whoever orders saw it;
	// 0 for any.
	Expect uint64
	// Wait is how long to wait for what the release makes of it, 0 for not at all.
	Wait time.Duration
	// agreed is the request that a second person agreed to.
	agreed *GlassRequest
}

// Answer is what a release made of an order.
type Answer struct {
	ID  journal.ID
	Key string
	// Seq is the record that took the order, and Decision what came of it; Seq is
	// 0 while the order waits.
	Seq      uint64
	Decision engine.Decision
	// Release is how it stands after that.
	Release journal.Summary
}

// Waits says that nobody has taken the order yet; it is taken when the release is
// run.
func (a Answer) Waits() bool { return a.Seq == 0 }

// Command leaves an order for a release and waits for what the release makes of
// it, which may be to refuse it. Errors are *Denied, *Moved, release.ErrNotFound,
// and release.ErrConflict for a release that has ended or a key that stands for
// another order.
func (d *Desk) Command(ctx context.Context, who access.Actor, o Order) (Answer, error) {
	action, ok := actions[o.Verb]
	if !ok {
		return Answer{}, fmt.Errorf("order %q: expected one of %v: %w", o.Verb, engine.Verbs(), release.ErrInvalid)
	}
	at, err := d.cfg.Journal.Find(ctx, o.ID)
	if errors.Is(err, release.ErrNotFound) {
		err = unseen(o.ID)
	}
	if err != nil {
		return Answer{}, err
	}
	if o.Key == "" {
		o.Key = rand.Text()
	}
	entry := Entry{At: d.cfg.Now(), Who: who, What: "release." + string(o.Verb), Object: o.ID.String(), Reason: o.Reason, Before: string(at.Phase)}
	if err := d.ask(ctx, action, resourceOf(at), entry); err != nil {
		return Answer{}, d.hidden(who, at, err)
	}
	earlier, _, known, err := d.cfg.Journal.Given(ctx, o.ID, o.Key)
	switch {
	case err != nil:
		return Answer{}, err
	case known && earlier.Verb != o.Verb:
		return Answer{}, fmt.Errorf("key %q stands for an order to %s %s; give this one another key: %w", o.Key, earlier.Verb, o.ID, release.ErrConflict)
	case known:
		return d.answer(ctx, o)
	}
	if err := d.pastApprovals(ctx, o, at, entry); err != nil {
		return Answer{}, err
	}
	if err := d.leave(ctx, at, o, entry); err != nil {
		return Answer{}, err
	}
	a, err := d.answer(ctx, o)
	if err == nil && !a.Waits() {
		err = d.auditOutcome(ctx, entry, a)
	}
	return a, err
}

// auditOutcome writes what a release made of an order, in a line of its own after
// the order's. Of an order that nobody has waited for the release's own record
// tells.
func (d *Desk) auditOutcome(ctx context.Context, e Entry, a Answer) error {
	outcome := ".taken"
	if a.Decision.Kind == engine.Refuse {
		outcome = ".refused"
	}
	e.After = fmt.Sprintf("record %d: %s (%s)", a.Seq, a.Decision.Reason.Text, a.Decision.Reason.Code)
	return d.outcome(ctx, e, outcome)
}

// outcome writes what came of an entry, which e.After tells, in a line of its own.
func (d *Desk) outcome(ctx context.Context, e Entry, word string) error {
	e.At, e.What, e.Reason, e.Before = d.cfg.Now(), e.What+word, "", ""
	return d.audit(ctx, e)
}

// leave writes an order down, once.
func (d *Desk) leave(ctx context.Context, at journal.Summary, o Order, e Entry) error {
	switch {
	case o.Expect != 0 && o.Expect != at.Seq:
		return &Moved{ID: o.ID, At: at.Seq, Expected: o.Expect}
	case at.Ended():
		return fmt.Errorf("release %s has ended (%s), nothing is left to %s: %w", o.ID, at.Outcome, o.Verb, release.ErrConflict)
	}
	if err := d.audit(ctx, e); err != nil {
		return err
	}
	order := engine.Commanded{At: e.At, ID: o.Key, Verb: o.Verb, Who: e.Who.Name, Reason: o.Reason,
		Groups: d.cfg.Policy.Groups(e.Who), From: e.Who.From}
	if o.agreed != nil {
		order.Glass = o.agreed.By
	}
	err := d.cfg.Journal.CommandAt(ctx, o.ID, o.Expect, order)
	if errors.Is(err, release.ErrConflict) && o.Expect != 0 {
		// Maybe a record was written just now.
		if now, err := d.cfg.Journal.Find(ctx, o.ID); err == nil && now.Seq != o.Expect {
			return &Moved{ID: o.ID, At: now.Seq, Expected: o.Expect}
		}
	}
	return err
}

// answer waits until an order is in the journal, and tells what was decided.
func (d *Desk) answer(ctx context.Context, o Order) (Answer, error) {
	waiting, cancel := context.WithTimeout(ctx, o.Wait)
	defer cancel()
	tick := time.NewTicker(askAgain)
	defer tick.Stop()
	for {
		_, seq, _, err := d.cfg.Journal.Given(ctx, o.ID, o.Key)
		if err != nil {
			return Answer{}, err
		}
		if seq > 0 {
			return d.answered(ctx, Answer{ID: o.ID, Key: o.Key, Seq: seq})
		}
		select {
		case <-ctx.Done():
			return Answer{}, ctx.Err()
		case <-waiting.Done():
			return d.answered(ctx, Answer{ID: o.ID, Key: o.Key})
		case <-tick.C:
		}
	}
}

// errEnough ends a reading of records early.
var errEnough = errors.New("enough")

// answered fills in what a record made of an order, and how the release stands.
func (d *Desk) answered(ctx context.Context, a Answer) (_ Answer, err error) {
	if a.Release, err = d.cfg.Journal.Find(ctx, a.ID); err != nil || a.Waits() {
		return a, err
	}
	err = d.cfg.Journal.Records(ctx, a.ID, a.Seq, func(rec journal.Record) error {
		a.Decision = rec.Decision
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return a, err
}
