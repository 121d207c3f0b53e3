package control

import (
	"context"

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
}

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

func (s *Service) add(t journal.Tally) {
	s.Counts[t.Last.Outcome] = t.Count
	switch {
	case !t.Last.Ended():
		s.Running = &t.Last
	case s.Last == nil || s.Last.Place < t.Last.Place:
		s.Last = &t.Last
	}
}
