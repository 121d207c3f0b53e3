package app

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/guard"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/spec"
)

// openGuards has every release held against the company's guard rails. A file
// that is wrong at the start ends the server: no release may slip through.
func (s *serving) openGuards(ctx context.Context) (func() error, error) {
	if s.settings.Guards == "" {
		return nil, nil
	}
	file := s.path(s.settings.Guards)
	g := &guards{store: s.store}
	read := func() error { return g.read(file, s.readText) }
	if err := read(); err != nil {
		return nil, err
	}
	s.follow(ctx, "the file of guard rails", read)
	s.guard = g
	return nil, nil
}

// guards are guard rails that follow their file.
type guards struct {
	store interface {
		Choose(ctx context.Context, c journal.Choice) ([]journal.Summary, error)
	}
	rails atomic.Pointer[guard.Rails]
	from  guardTexts // for whoever reads the files
}

// read takes the rails of a file, unless they are held already.
func (g *guards) read(file string, readText func(string) ([]byte, error)) error {
	if g.from.hold() {
		return nil
	}
	text, err := readText(file)
	if err != nil {
		return err
	}
	rails, from, err := newGuards(file, text)
	if err != nil {
		return err
	}
	g.rails.Store(&rails)
	g.from = from
	return nil
}

// mostRunning bounds how many releases that run are counted.
const mostRunning = 10_000

// Check implements control.Guard.
func (g *guards) Check(ctx context.Context, now time.Time, who access.Actor, f spec.File, p plan.Plan) ([]control.Finding, error) {
	all, err := g.store.Choose(ctx, journal.Choice{Unfinished: true, Most: mostRunning})
	if err != nil {
		return nil, err
	}
	q := guard.Request{Now: now, Who: who, File: f, Plan: p}
	for _, r := range all {
		if r.Phase.OnlyWatches() {
			continue // its traffic is on one version already
		}
		q.Running = append(q.Running, guard.Subject{Name: r.ID.Name, Service: r.Service, Team: r.Team, Environment: r.Environment})
	}
	var found []control.Finding
	for _, one := range g.rails.Load().Check(q) {
		found = append(found, control.Finding(one))
	}
	return found, nil
}
