package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// Creation is a release that somebody wants to begin.
type Creation struct {
	// Name is what errors call the file: a path, "release.yaml".
	Name string
	// File is its text.
	File []byte
	// Again begins the next attempt where the last one has ended.
	Again bool
	// Reason is why, for the audit; it may be empty.
	Reason string
	// Glass is why the release must begin although it does not meet the guard
	// rails; empty where it need not.
	Glass string
	// Failed is what the same creation met the last time, where a program tries it
	// again and again: then the audit is not told the same twice.
	Failed error
	// agreed is the request that a second person agreed to.
	agreed *GlassRequest
}

// unbegun is why a release was not begun that the audit was told of.
type unbegun struct{ error }

// Unwrap gives it the meaning of what it was.
func (u *unbegun) Unwrap() error { return u.error }

// Created is the release that a file is.
type Created struct {
	ID journal.ID
	// Fresh says that it was begun just now. Otherwise it was there before:
	// unfinished, or ended where nobody asked for the next attempt.
	Fresh bool
	// Release is how it stands.
	Release journal.Summary
	// Overridden are the guard rails that it does not meet, and that the glass was
	// broken for; Warnings are those that only warn.
	Overridden, Warnings []Finding
}

// Create begins a release, or finds the one that the same file began before: the
// same file twice is one release. A name whose last attempt is unfinished and was
// begun with another file is release.ErrConflict. What is wrong with the file is
// release.ErrInvalid, all at once; *Denied and *Refused are told as such.
func (d *Desk) Create(ctx context.Context, who access.Actor, c Creation) (Created, error) {
	f, err := d.cfg.Read(c.Name, c.File)
	if err != nil {
		return Created{}, err
	}
	entry := Entry{At: d.cfg.Now(), Who: who, What: "release.create", Object: f.Name, Reason: c.Reason, After: f.Hash}
	entry.again = c.Failed
	if err := d.ask(ctx, access.Create, resourceIn(f), entry); err != nil {
		return Created{}, err
	}
	last, err := d.last(ctx, f.Name)
	if err != nil {
		return Created{}, err
	}
	if last.ID.Attempt > 0 && (!last.Ended() || !c.Again) {
		return d.there(ctx, last, f, entry)
	}
	if last.ID.Attempt > 0 {
		if err := d.mayHaveName(ctx, last, entry); err != nil {
			return Created{}, err
		}
	}
	id := journal.ID{Name: f.Name, Attempt: last.ID.Attempt + 1}
	var created Created
	err = d.alone(ctx, func(ctx context.Context) error {
		// Somebody may have begun it while this waited; to guard rails it would be
		// one too many.
		made, err := d.cfg.Journal.Find(ctx, id)
		switch {
		case err == nil:
			created, err = d.there(ctx, made, f, entry)
		case errors.Is(err, release.ErrNotFound):
			created, err = d.within(ctx, c, f, id, entry)
		}
		return err
	})
	return created, err
}

// there answers with an attempt that is there.
func (d *Desk) there(ctx context.Context, last journal.Summary, f spec.File, entry Entry) (Created, error) {
	if err := d.mayHaveName(ctx, last, entry); err != nil {
		return Created{}, err
	}
	return sameFile(last, f)
}

// mayHaveName asks whether somebody may begin a release under a name that one has
// already: it is theirs who began it first, whatever a file says of itself. Of one
// that they may not see it tells nothing but that.
func (d *Desk) mayHaveName(ctx context.Context, last journal.Summary, entry Entry) error {
	err := d.ask(ctx, access.Create, resourceOf(last), entry)
	if err != nil && errors.Is(d.hidden(entry.Who, last, err), release.ErrNotFound) {
		return &Denied{Who: entry.Who.Name, Action: access.Create, Why: "its name is taken by a release that you may not see; take another"}
	}
	return err
}

// alone calls fn while nobody else begins a release anywhere, where there are
// guard rails: of two that would be one too many, one is refused.
func (d *Desk) alone(ctx context.Context, fn func(context.Context) error) error {
	if d.cfg.Guard == nil {
		return fn(ctx)
	}
	select {
	case d.creating <- struct{}{}:
		defer func() { <-d.creating }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if d.cfg.Alone == nil {
		return fn(ctx)
	}
	return d.cfg.Alone(ctx, "guard rails", fn)
}

// within begins a release that meets the guard rails, or that somebody breaks the
// glass for.
func (d *Desk) within(ctx context.Context, c Creation, f spec.File, id journal.ID, entry Entry) (Created, error) {
	warnings, broken, err := d.guard(ctx, c, f, entry)
	if err != nil {
		return Created{}, err
	}
	entry.Object = id.String()
	beginning := Beginning{File: f, Plan: plan.Compile(f), Attempt: id.Attempt, By: entry.Who.Name}
	if len(broken) > 0 {
		entry.What, entry.Reason = "release.create-past-guards", c.Glass
		beginning.Glass = past(entry.Who.Name, c, broken)
	}
	if told := new(unbegun); !errors.As(c.Failed, &told) {
		if err := d.audit(ctx, entry); err != nil {
			return Created{}, err
		}
	}
	created, err := d.begin(ctx, id, beginning)
	if err != nil {
		return Created{}, d.notBegun(ctx, entry, err)
	}
	if created.Fresh {
		created.Warnings, created.Overridden = warnings, broken
	}
	entry.After = "record 1: begun"
	if !created.Fresh {
		entry.After = "it was begun by somebody else in this moment"
	}
	return created, d.outcome(ctx, entry, ".taken")
}

// notBegun writes why a release was not begun after the line that says that it
// was to be, and returns that.
func (d *Desk) notBegun(ctx context.Context, e Entry, why error) error {
	if told := new(unbegun); errors.As(e.again, &told) && told.Error() == why.Error() {
		return told
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), outcomeWait) // who asked may have gone
	defer cancel()
	e.After = "not begun: " + release.Plain(why)
	_ = d.outcome(ctx, e, ".refused") // why counts; what cannot take the line now has the one before it
	return &unbegun{why}
}

// outcomeWait bounds the writing of why a release was not begun.
const outcomeWait = 5 * time.Second

// last is the last attempt of a name; one without an attempt where there is none.
func (d *Desk) last(ctx context.Context, name string) (journal.Summary, error) {
	id, known, err := d.cfg.Journal.Latest(ctx, name)
	if err != nil || !known {
		return journal.Summary{}, err
	}
	return d.cfg.Journal.Find(ctx, id)
}

// sameFile answers with an attempt that is there, unless it is unfinished and
// another file's.
func sameFile(last journal.Summary, f spec.File) (Created, error) {
	if !last.Ended() && last.FileHash != f.Hash {
		return Created{}, fmt.Errorf("release %s is unfinished and was begun with another file (%.12s…, this is %.12s…): finish it with that file, or `linnet release abort %s`: %w",
			last.ID, last.FileHash, f.Hash, last.ID.Name, release.ErrConflict)
	}
	return Created{ID: last.ID, Release: last}, nil
}

// guard holds a release against the guard rails. What it does not meet is
// returned: what only warns, and what somebody may break the glass for, and does,
// for a reason.
func (d *Desk) guard(ctx context.Context, c Creation, f spec.File, e Entry) (warnings, broken []Finding, err error) {
	if d.cfg.Guard == nil {
		return nil, nil, nil
	}
	found, err := d.cfg.Guard.Check(ctx, e.At, e.Who, f, plan.Compile(f))
	if err != nil {
		return nil, nil, err
	}
	for _, one := range found {
		if one.Warn {
			warnings = append(warnings, one)
		} else {
			broken = append(broken, one)
		}
	}
	switch {
	case len(broken) == 0:
		return warnings, nil, nil
	case c.Glass == "":
		return nil, nil, d.deny(ctx, e, &Refused{Findings: broken})
	}
	return warnings, broken, d.breakGlass(ctx, c, f, broken, e)
}

// begin begins an attempt. Where somebody else began the same one in this moment,
// that is the answer.
func (d *Desk) begin(ctx context.Context, id journal.ID, b Beginning) (Created, error) {
	_, err := d.cfg.Beginner.Begin(ctx, b)
	d.recent.forget()
	if errors.Is(err, release.ErrConflict) {
		if other, err := d.cfg.Journal.Find(ctx, id); err == nil {
			return sameFile(other, b.File)
		}
	}
	if err != nil {
		return Created{}, err
	}
	now, err := d.cfg.Journal.Find(ctx, id)
	return Created{ID: id, Fresh: err == nil, Release: now}, err
}

// Retry begins the next attempt of a release that has ended, with the file that
// it had. Where that was done already, with that file, it is found.
func (d *Desk) Retry(ctx context.Context, who access.Actor, id journal.ID, reason string) (Created, error) {
	was, err := d.cfg.Journal.Find(ctx, id)
	if errors.Is(err, release.ErrNotFound) {
		err = unseen(id)
	}
	if err != nil {
		return Created{}, err
	}
	if err := d.ask(ctx, access.Create, resourceOf(was), Entry{At: d.cfg.Now(), Who: who, What: "release.create", Object: id.String(), Reason: reason}); err != nil {
		return Created{}, d.hidden(who, was, err)
	}
	last, err := d.last(ctx, id.Name)
	switch {
	case err != nil:
		return Created{}, err
	case !was.Ended():
		return Created{}, fmt.Errorf("release %s is unfinished; abort it first, or let it end: %w", id, release.ErrConflict)
	case last.ID.Attempt == id.Attempt+1 && last.FileHash == was.FileHash:
		return Created{ID: last.ID, Release: last}, nil
	case last.ID != id:
		return Created{}, fmt.Errorf("release %s has been tried again since: %s is the last; retry that one: %w", id, last.ID, release.ErrConflict)
	}
	text, err := d.cfg.Journal.FileText(ctx, id)
	if err != nil {
		return Created{}, err
	}
	return d.Create(ctx, who, Creation{Name: id.Name, File: text, Again: true, Reason: reason})
}
