package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/backtest"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// backtestWait bounds how long past releases are played, which takes processors
// that releases need too. It takes the place of one who foretells.
const backtestWait = 20 * time.Second

// backtest plays a release file on past releases that somebody may see.
func (t *teller) backtest(ctx context.Context, who access.Actor, ask api.Backtesting) ([]api.Backtested, error) {
	f, err := t.read("file", ask.File)
	if err != nil {
		return nil, err
	}
	busy := fmt.Errorf("past releases could not be played within %s here; ask for fewer: %w", backtestWait, release.ErrUnavailable)
	ctx, cancel := context.WithTimeout(ctx, backtestWait)
	defer cancel()
	select {
	case t.slots <- struct{}{}:
		defer func() { <-t.slots }()
	case <-ctx.Done():
		return nil, busy
	}
	ask.Service = cmp.Or(ask.Service, f.Service)
	past, err := t.pastReleases(ctx, who, ask)
	if err != nil {
		return nil, err
	}
	var out []api.Backtested
	for _, one := range past {
		played, err := playAgain(ctx, t.store, plan.Compile(f), one)
		if ctx.Err() != nil {
			return nil, busy
		}
		if err != nil {
			return nil, err
		}
		out = append(out, played)
	}
	return out, nil
}

// pastReleases are those that a file is played on: those that are named, or the
// last of a service that have ended.
func (t *teller) pastReleases(ctx context.Context, who access.Actor, ask api.Backtesting) (past []journal.Summary, err error) {
	if len(ask.Releases) == 0 {
		page, err := t.desk.List(ctx, who, journal.Choice{Service: ask.Service, Ended: true, Most: ask.Most})
		return page.Releases, err
	}
	for _, id := range ask.Releases {
		one, err := t.desk.Get(ctx, who, id)
		if err != nil {
			return nil, err
		}
		if !one.Ended() {
			return nil, fmt.Errorf("release %s has not ended; a file is played on those that have: %w", id, release.ErrInvalid)
		}
		past = append(past, one)
	}
	return past, nil
}

// playAgain plays a plan on one release. That it does not fit, or that the records
// are gone, is part of what is told.
func playAgain(ctx context.Context, store *journal.Store, p plan.Plan, one journal.Summary) (api.Backtested, error) {
	out := api.Backtested{Release: one}
	again := backtest.NewAgain(p)
	err := store.Records(ctx, one.ID, 1, func(rec journal.Record) error {
		return errors.Join(ctx.Err(), again.Add(rec.Event, rec.Decision))
	})
	if err == nil {
		out.Result, out.Was, err = again.Result()
	}
	if errors.Is(err, release.ErrInvalid) || errors.Is(err, release.ErrNotFound) {
		out.Unfit, err = err, nil
	}
	return out, err
}
