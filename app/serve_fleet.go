package app

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/fleet"
	"github.com/linnet-project/linnet/fleet/river"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

// openFleet makes what takes turns of releases, whoever calls it.
func (s *serving) openFleet(context.Context) (func() error, error) {
	s.book = &sourceBook{now: s.now}
	cfg := fleet.Config{
		Store: s.store, Assembler: s, Notifier: s.notifier, Alone: s.alone(), Salt: rand.Text,
		Now: s.now, Log: s.log, Tracer: s.tracer, OnStep: s.measures.step, OnTurn: s.counted, OnOver: s.measures.forget,
	}
	if s.db.Kind() == database.SQLite {
		cfg.Own = s.own
	}
	s.fleet = fleet.New(cfg)
	return s.fleet.Close, nil
}

// own keeps a `linnet run` in the same data folder off a release.
func (s *serving) own(id journal.ID) (func() error, error) {
	lock, err := s.store.Own(id, s.now())
	if err != nil {
		return nil, err
	}
	return lock.Release, nil
}

// alone keeps other replicas from doing what this one does under the same key;
// nil on one machine, which has one process that does.
func (s *serving) alone() func(context.Context, string, func(context.Context) error) error {
	if s.db.Kind() == database.SQLite {
		return nil
	}
	return river.Alone(s.db)
}

// Assemble implements fleet.Assembler: adapters only. What listens belongs to the
// service and outlives the release.
func (s *serving) Assemble(ctx context.Context, id journal.ID, f spec.File) (_ fleet.Parts, err error) {
	refused := s.refused(id.String(), f)
	if refused != nil && !blind(refused, f) {
		return fleet.Parts{}, refused
	}
	w := &parts{open: s.book.opening(f, s.sources.of)}
	defer func() {
		if err != nil {
			w.letGo()
		}
	}()
	var here *tenancy
	if hosting(f) {
		if here, err = s.tenant(ctx, f); err != nil {
			return fleet.Parts{}, err
		}
	}
	if inside(f) {
		w.router = here
	} else if w.router, err = w.routerOf(ctx, f.Traffic, f); err != nil {
		return fleet.Parts{}, err
	}
	if refused != nil {
		w.source = refusedSource{refused}
	} else if err := w.measure(ctx, f, func() (run.Source, error) {
		return w.watched(s.book, f, here), nil
	}); err != nil {
		return fleet.Parts{}, err
	}
	return fleet.Parts{Router: w.router, Source: w.source, Close: w.letGo}, nil
}

// tenant makes room in this process for what a release file has live there. On
// several machines there is no such place: a turn may be taken on any of them.
func (s *serving) tenant(ctx context.Context, f spec.File) (*tenancy, error) {
	if s.db.Kind() == database.SQLite {
		return s.hosts.of(ctx, f)
	}
	what := "traffic.proxy.listen: the splitter would live in one of several machines, and traffic with it; run `linnet proxy` and name its admin API (traffic.proxy.admin)"
	if !inside(f) {
		what = "analysis.source.embedded: the metric store would live in one of several machines; use a Prometheus, or `linnet ingest serve` as one (analysis.source.prometheus)"
	}
	return nil, fmt.Errorf("%s: %w", what, release.ErrInvalid)
}
