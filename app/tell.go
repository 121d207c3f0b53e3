package app

import (
	"context"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/forecast"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// Bounds on telling what release files would do, which takes processors that
// releases need too: how many are told of at the same time, how often a question is
// played at most, and how long it may take.
const (
	foretellers   = 1
	foretellPaths = 100
	foretellWait  = 20 * time.Second
)

// teller tells what release files would do, one at a time.
type teller struct {
	read  func(name string, text []byte) (spec.File, error)
	store *journal.Store
	desk  *control.Desk
	slots chan struct{}
}

func newTeller(read func(string, []byte) (spec.File, error), store *journal.Store, desk *control.Desk) *teller {
	return &teller{read: read, store: store, desk: desk, slots: make(chan struct{}, foretellers)}
}

// foretell tells what a release file would do.
func (t *teller) foretell(ctx context.Context, ask api.Foretelling) (api.Foretold, error) {
	f, err := t.read("file", ask.File)
	if err != nil {
		return api.Foretold{}, err
	}
	told := api.Foretold{Plan: plan.Compile(f)}
	if ask.Rate == "" {
		return told, nil
	}
	busy := fmt.Errorf("what the steps would see cannot be told within %s here; `linnet plan` tells it on your own machine: %w", foretellWait, release.ErrUnavailable)
	ctx, cancel := context.WithTimeout(ctx, foretellWait)
	defer cancel()
	select {
	case t.slots <- struct{}{}:
		defer func() { <-t.slots }()
	case <-ctx.Done():
		return told, busy
	}
	q := planFlags{rate: []string{ask.Rate}, errors: ask.Errors, seed: 1, paths: foretellPaths, players: 1}
	service := forecast.Service{}
	for _, m := range told.Plan.Metrics {
		service.Metrics = append(service.Metrics, forecast.Assume(m))
	}
	if err := q.apply(told.Plan, &service); err != nil {
		return told, err
	}
	said, err := foretold(ctx, told.Plan, service, &q, &bar{})
	if ctx.Err() != nil {
		err = busy
	}
	told.Forecast = &said
	return told, err
}
