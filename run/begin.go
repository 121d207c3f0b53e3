package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// Beginning is what a new attempt begins with.
type Beginning struct {
	Plan    plan.Plan
	Attempt int
	// File is the release file's text, whose hash is in the plan.
	File []byte
	// Salt decides who sees the candidate first.
	Salt string
	// By is who begins it; empty where nobody is named.
	By string
	// Glass tells how it comes past the guard rails (see engine.Started).
	Glass string
}

// Begin writes the first record of a new attempt. Of cfg it uses Store, Router
// and Now. Errors are those of the store, and those of a provider that says that
// its route can never be served as it is (release.ErrInvalid, ErrNotFound): then
// nothing has begun. A provider that cannot be reached is no reason not to begin.
func Begin(ctx context.Context, cfg Config, b Beginning) (journal.ID, error) {
	id := journal.ID{Name: b.Plan.Name, Attempt: b.Attempt}
	now := cfg.Now().Round(0).UTC()
	epoch, err := firstEpoch(ctx, cfg.Router, now)
	if err != nil {
		return id, err
	}
	e := engine.Started{
		At: now, Attempt: b.Attempt, Plan: b.Plan, Salt: b.Salt,
		Epoch: epoch, Methods: judge.Methods, By: b.By, Glass: b.Glass,
	}
	s, d, effects := engine.Step(engine.State{}, e)
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	rec := journal.Record{Seq: 1, At: now, Event: e, Decision: d, Effects: effects}
	return id, cfg.Store.Begin(ctx, id, b.File, rec, &s)
}

// firstEpoch is higher than what the provider serves, and than what earlier
// releases reached; epochs count seconds times a million, roughly, so that
// each second leaves room for that many records.
func firstEpoch(ctx context.Context, router Router, now time.Time) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, routerWait)
	defer cancel()
	epoch := uint64(max(now.Unix(), 0)) << 20
	seen, err := router.Observed(ctx)
	switch {
	case errors.Is(err, release.ErrInvalid) || errors.Is(err, release.ErrNotFound):
		return 0, fmt.Errorf("the provider cannot serve this release: %w", err)
	case err == nil && seen.Route.Epoch >= epoch:
		epoch = seen.Route.Epoch + 1
	}
	return epoch, nil
}
