package control

import (
	"context"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/journal"
)

// Service is what is known of a service from its releases.
type Service struct {
	Name, Team, Environment string
	// Running is the release of it that was begun last and has not ended, Last the
	// one that was begun last and has; nil where there is none.
	Running, Last *journal.Summary
	// Counts are how many releases ended how; those that have not count under the
	// empty outcome.
	Counts map[journal.Outcome]int
	// Releases are the last ones of it, the last begun first; at most 10.
	Releases []journal.Past
	// ToProduction are how long the last promoted ones took from their beginning to
	// the decision that the candidate takes all traffic; at most 20.
	ToProduction []time.Duration
}

// How many releases of a service are told, and how many tell how long it takes to
// production.
const (
	toldReleases = 10
	timedOnes    = 20
)

// Services gives the services that somebody may see, by name, team and
// environment.
func (d *Desk) Services(ctx context.Context, who access.Actor) ([]Service, error) {
	tallies, err := d.cfg.Journal.Tallies(ctx)
	if err != nil {
		return nil, err
	}
	var all []Service
	for _, t := range tallies {
		on := resourceOf(t.Last)
		on.Release, on.Author = "", "" // it is about all of them
		if d.allowed(who, access.View, on) != nil {
			continue
		}
		n := len(all) - 1
		if n < 0 || all[n].Name != t.Last.Service || all[n].Team != t.Last.Team || all[n].Environment != t.Last.Environment {
			all = append(all, Service{Name: t.Last.Service, Team: t.Last.Team, Environment: t.Last.Environment, Counts: map[journal.Outcome]int{}})
			n++
		}
		all[n].add(t)
	}
	return all, nil
}

// Histories fills in what the last releases of services tell; of a service of
// that name alone, where one is given. It takes one look at the journal, however
// many there are.
func (d *Desk) Histories(ctx context.Context, service string, of []Service) error {
	pasts, err := d.cfg.Journal.Pasts(ctx, service, toldReleases, timedOnes)
	if err != nil {
		return err
	}
	at := make(map[[3]string]int, len(of))
	for n, s := range of {
		at[[3]string{s.Name, s.Team, s.Environment}] = n
	}
	for _, p := range pasts {
		if n, known := at[[3]string{p.Service, p.Team, p.Environment}]; known {
			of[n].remember(p)
		}
	}
	return nil
}

func (s *Service) remember(p journal.Past) {
	if p.Nth <= toldReleases {
		s.Releases = append(s.Releases, p)
	}
	if p.Outcome == journal.Promoted && p.NthAlike <= timedOnes && !p.Promoted.IsZero() {
		s.ToProduction = append(s.ToProduction, p.Promoted.Sub(p.Started))
	}
}

func (s *Service) add(t journal.Tally) {
	s.Counts[t.Last.Outcome] = t.Count
	switch {
	case !t.Last.Ended():
		s.Running = &t.Last
	case s.Last == nil || s.Last.Place < t.Last.Place:
		s.Last = &t.Last
	}
}
