package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/audit"
)

// openAPI serves the API.
func (s *serving) openAPI(ctx context.Context) (func() error, error) {
	began := s.now().UTC()
	t := newTeller(s.reaching().read, s.store, s.desk)
	log, err := audit.On(ctx, s.db)
	if err != nil {
		return nil, err
	}
	made, err := api.New(ctx, s.mux, api.Config{
		Desk: s.desk, Feed: s.store, DB: s.db, Audit: log, Authenticate: s.who.Authenticate, Version: Version, Log: s.log, Now: s.now,
		Foretell: t.foretell, Backtest: t.backtest,
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
