package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/annotation"
	"github.com/linnet-project/linnet/audit"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
)

// removeEvery is how often what is old is removed.
const removeEvery = time.Hour

// openKeeping removes what is older than people want to keep it, once for all
// replicas.
func (s *serving) openKeeping(context.Context) (func() error, error) {
	s.jobs.Every("removal of what is old", removeEvery, s.removeOld)
	return nil, nil
}

// openAudit keeps what people do, and anchors the heads of all chains: each
// replica in a file of its own, since an anchor names the one before it there.
func (s *serving) openAudit(ctx context.Context) (func() error, error) {
	log, err := audit.On(ctx, s.db)
	if err != nil {
		return nil, err
	}
	s.auditor = log
	if s.settings.Anchors == nil {
		return nil, nil
	}
	a := *s.settings.Anchors
	a.File, a.KeyFile, a.TokenFile = s.path(a.File), s.path(a.KeyFile), s.path(a.TokenFile)
	anchorer, err := newAnchorer(a, s.now) // what cannot work is told now
	if err != nil {
		return nil, err
	}
	s.group.Go(func() error {
		every(ctx, a.Every, func() {
			fresh, err := newAnchorer(a, s.now)
			if err == nil {
				anchorer.Key = fresh.Key
				_, err = anchorer.Anchor(ctx, s.store.Reader, log)
			}
			if err != nil && ctx.Err() == nil {
				s.log.Error("the heads were not anchored", "error", err)
			}
		})
		return nil
	})
	return nil, nil
}

// every calls f at once and then again and again, until the context ends.
func every(ctx context.Context, wait time.Duration, f func()) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			f()
			timer.Reset(wait)
		}
	}
}

// removeOld removes what is older than people want to keep it, by the role that
// may. Its clock is that of all parts: on a machine that is a year ahead nothing
// goes a year too soon.
func (s *serving) removeOld(ctx context.Context) (err error) {
	db := s.db
	if file := s.settings.Retention.DatabaseFile; file != "" && db.Kind() == database.Postgres {
		address, err := s.addressIn("retention.databaseFile", file)
		if err != nil {
			return err
		}
		if db, err = database.OpenURL(ctx, address); err != nil {
			return fmt.Errorf("retention.databaseFile: %w", err)
		}
		defer func() { err = errors.Join(err, db.Close()) }()
	}
	store, err := journal.On(ctx, db)
	if err != nil {
		return err
	}
	if err := prune(ctx, store, s.now().Add(-s.settings.Retain)); err != nil {
		return err
	}
	notes, err := annotation.On(ctx, db)
	for n := 1; err == nil && n > 0; {
		n, err = notes.Prune(ctx, s.now().Add(-s.settings.Retain))
	}
	if err != nil || s.settings.Retention.Audit == 0 {
		return err
	}
	log, err := audit.On(ctx, db)
	for n := 1; err == nil && n > 0; {
		n, err = log.Prune(ctx, s.now().Add(-s.settings.Retention.Audit))
	}
	return err
}
