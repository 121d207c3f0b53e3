package app

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/audit"
	"github.com/linnet-project/linnet/forecast"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// Bounds on telling what release files would do, which takes processors that
// releases need too: how many are told of at the same time, how often a question is
// played at most, and how long it may take.
const (
	foretellers   = 1
	foretellPaths = 100
	foretellWait  = 20 * time.Second
)

// openAPI serves the API.
func (s *serving) openAPI(ctx context.Context) (func() error, error) {
	began := s.now().UTC()
	slots := make(chan struct{}, foretellers)
	log, err := audit.On(ctx, s.db)
	if err != nil {
		return nil, err
	}
	made, err := api.New(ctx, s.mux, api.Config{
		Desk: s.desk, Feed: s.store, DB: s.db, Audit: log, Authenticate: s.who.Authenticate, Version: Version, Log: s.log, Now: s.now,
		Foretell: func(ctx context.Context, ask api.Foretelling) (api.Foretold, error) {
			return s.foretellFor(ctx, slots, ask)
		},
		Backtest: func(ctx context.Context, who access.Actor, ask api.Backtesting) ([]api.Backtested, error) {
			return s.backtestFor(ctx, slots, who, ask)
		},
		Sources:  s.toldSources,
		Replicas: func(ctx context.Context) (api.Replicas, error) { return s.replicas(ctx, began) },
		System: func(ctx context.Context) (api.System, error) {
			told := s.system(began)
			targets, err := s.standings(ctx)
			told.Targets = toldTargets(targets)
			return told, err
		},
	})
	if err != nil {
		return nil, err
	}
	s.api = made
	s.measures.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "linnet_events_damaged_total", Help: "How often streams of events left out a record that is damaged; the log says which.",
	}, func() float64 { return float64(made.Skipped()) }))
	return nil, nil
}

// foretellFor tells what a release file would do.
func (s *serving) foretellFor(ctx context.Context, slots chan struct{}, ask api.Foretelling) (api.Foretold, error) {
	f, err := s.reaching().read("file", ask.File)
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
	case slots <- struct{}{}:
		defer func() { <-slots }()
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

// system tells how this process does.
func (s *serving) system(began time.Time) api.System {
	lag := s.lag()
	all := s.fleet.Statuses()
	told := api.System{Database: string(s.db.Kind()), Started: began, Login: s.settings.Login != nil, Releases: len(all), Overdue: lag.Overdue, Lag: lag.Oldest.Seconds()}
	for _, one := range all {
		if one.Error != "" {
			told.Troubles = append(told.Troubles, api.Trouble{Name: one.ID.Name, Attempt: one.ID.Attempt, Error: one.Error, Failures: one.Failures, Next: one.Due.UTC()})
		}
	}
	return told
}
