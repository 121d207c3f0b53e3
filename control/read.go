package control

import (
	"context"
	"errors"
	"fmt"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

// mostScanned bounds how many releases are looked at for one page of a list,
// where the policy shows only a few of them.
const mostScanned = 5_000

// scannedAtOnce is how many are read at a time once it shows that only a few may
// be seen.
const scannedAtOnce = 500

// Page is a part of a list of releases.
type Page struct {
	Releases []journal.Summary
	// Next goes into Choice.Before for the next page; 0 after the last one.
	Next int64
}

// List gives the releases of a choice that somebody may see, the last begun first,
// as they were at most a quarter of a second ago. A page may have fewer than were
// asked for although there are more.
func (d *Desk) List(ctx context.Context, who access.Actor, c journal.Choice) (Page, error) {
	var page Page
	most := c.Most
	c.Most = most + 1 // one more tells whether there is a next page
	for scanned := 0; scanned < mostScanned; c.Most = max(most+1, scannedAtOnce) {
		found, err := d.recent.choose(ctx, c)
		if err != nil {
			return Page{}, err
		}
		for _, s := range found {
			if len(page.Releases) == most {
				page.Next = c.Before
				return page, nil
			}
			c.Before = s.Place
			if d.allowed(who, access.View, resourceOf(s)) == nil {
				page.Releases = append(page.Releases, s)
			}
		}
		if len(found) < c.Most {
			return page, nil
		}
		scanned += len(found)
	}
	page.Next = c.Before
	return page, nil
}

// Get tells how a release stands. An attempt of 0 is the last one.
func (d *Desk) Get(ctx context.Context, who access.Actor, id journal.ID) (journal.Summary, error) {
	if why := (access.Actor{Scopes: who.Scopes}).Beyond(access.View, access.Resource{}); why != "" {
		return journal.Summary{}, &Denied{Who: who.Name, Action: access.View, Why: why} // whatever there is
	}
	asked := id
	if id.Attempt == 0 {
		last, known, err := d.cfg.Journal.Latest(ctx, id.Name)
		if err != nil {
			return journal.Summary{}, err
		}
		if !known {
			return journal.Summary{}, unseen(asked)
		}
		id.Attempt = last.Attempt
	}
	s, err := d.cfg.Journal.Find(ctx, id)
	if errors.Is(err, release.ErrNotFound) || err == nil && !d.Sees(who, resourceOf(s)) {
		return journal.Summary{}, unseen(asked)
	}
	return s, err
}

// unseen is the answer about a release that there is not, and about one that
// somebody may not see: it does not tell which.
func unseen(id journal.ID) error {
	name := id.Name
	if id.Attempt != 0 {
		name = id.String()
	}
	return fmt.Errorf("there is no release %q that you may see; the list of releases shows which there are: %w", name, release.ErrNotFound)
}

// hidden is why somebody may not do something to a release, if they may see that
// it is there.
func (d *Desk) hidden(who access.Actor, s journal.Summary, why error) error {
	if errors.As(why, new(*Denied)) && !d.Sees(who, resourceOf(s)) {
		return unseen(s.ID)
	}
	return why
}

// File gives the release file as it was when the release began. Here and below an
// attempt of 0 is the last one, too.
func (d *Desk) File(ctx context.Context, who access.Actor, id journal.ID) ([]byte, error) {
	s, err := d.Get(ctx, who, id)
	if err != nil {
		return nil, err
	}
	return d.cfg.Journal.FileText(ctx, s.ID)
}

// Record gives a release's decision record, as of its last event.
func (d *Desk) Record(ctx context.Context, who access.Actor, id journal.ID) (report.Release, error) {
	s, err := d.Get(ctx, who, id)
	if err != nil {
		return report.Release{}, err
	}
	if kept, ok := d.reports.get(s); ok {
		return kept, nil
	}
	r, err := Recorded(ctx, d.cfg.Journal, s.ID)
	if err == nil {
		d.reports.put(r)
	}
	return r, err
}

// Brief tells how a release stands and on what evidence, without its records:
// for lists, which show many releases and show them again and again.
func (d *Desk) Brief(ctx context.Context, who access.Actor, id journal.ID) (report.Release, error) {
	s, err := d.Get(ctx, who, id)
	if err != nil {
		return report.Release{}, err
	}
	state, err := d.state(ctx, s.ID)
	if err != nil {
		return report.Release{}, err
	}
	return report.Brief(state), nil
}

// Records is where the records of a release come from.
type Records interface {
	Records(ctx context.Context, id journal.ID, from uint64, fn func(journal.Record) error) error
}

// Recorded builds a release's decision record from the journal.
func Recorded(ctx context.Context, j Records, id journal.ID) (report.Release, error) {
	b := report.New()
	var s engine.State
	err := j.Records(ctx, id, 1, func(rec journal.Record) error {
		s, rec = again(s, rec)
		b.Add(rec)
		return nil
	})
	if err != nil {
		return report.Release{}, err
	}
	return b.Finish(s), nil
}

// Events gives records of a release from a sequence on, at most so many.
func (d *Desk) Events(ctx context.Context, who access.Actor, id journal.ID, from uint64, most int) ([]journal.Record, error) {
	s, err := d.Get(ctx, who, id)
	if err != nil || from > s.Seq {
		return nil, err
	}
	var found []journal.Record
	err = d.cfg.Journal.Records(ctx, s.ID, from, func(rec journal.Record) error {
		if found = append(found, rec); len(found) == most {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}

// About is what permissions on what the feed tells are about.
func About(e journal.Entry) access.Resource {
	return access.Resource{Service: e.Service, Team: e.Team, Environment: e.Environment, Release: e.ID.Name, Author: e.Author}
}

// AboutRelease is what permissions on one release are about. An unknown one is
// release.ErrNotFound.
func (d *Desk) AboutRelease(ctx context.Context, id journal.ID) (access.Resource, error) {
	s, err := d.cfg.Journal.Find(ctx, id)
	return resourceOf(s), err
}

// Sees says whether somebody may see what a release does.
func (d *Desk) Sees(who access.Actor, on access.Resource) bool {
	return d.allowed(who, access.View, on) == nil
}
