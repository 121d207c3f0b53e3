package chaos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

// errKilled is what arrives at a process that was killed.
var errKilled = errors.New("killed")

// process is one Linnet that runs a release, until it is over or the process
// is killed: from then on nothing that it does arrives anywhere.
type process struct {
	a *attempt
	*journal.Store
	stop  context.CancelFunc
	dead  atomic.Bool
	gone  chan struct{}
	state engine.State
	err   error
}

// starts runs a release in a process of its own.
func (a *attempt) starts() *process { return a.startsOn(a.store) }

// startsOn is starts by its own door to the journal.
func (a *attempt) startsOn(store *journal.Store) *process {
	a.w.Helper()
	p := &process{a: a, Store: store, gone: make(chan struct{})}
	var ctx context.Context
	ctx, p.stop = context.WithCancel(a.w.Context())
	cfg := run.Config{
		Store: p, Router: p.router(), Source: a.source, Notifier: a, Now: time.Now,
		Log:    slog.New(slog.NewTextHandler(&a.w.log, nil)),
		OnStep: func(_ engine.State, rec journal.Record) { a.fire(rec) },
	}
	r, err := run.New(ctx, cfg, a.id)
	if err != nil {
		a.w.Fatal(err)
	}
	a.mu.Lock()
	a.started = append(a.started, p)
	a.mu.Unlock()
	a.w.running.Go(func() {
		defer close(p.gone)
		p.state, p.err = r.Run(ctx)
	})
	return p
}

func (p *process) kill() {
	p.dead.Store(true)
	p.stop()
}

// stopAll ends whatever still runs the release.
func (a *attempt) stopAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.started {
		p.stop()
	}
}

// waits for the process to end, by itself or killed.
func (p *process) waits() {
	p.a.w.Helper()
	p.a.w.until("the process ends", func() bool {
		select {
		case <-p.gone:
			return true
		default:
			return false
		}
	})
	if p.err != nil && !p.dead.Load() {
		p.a.w.Fatalf("the process ended: %v", p.err)
	}
}

// Begin implements run.Store.
func (p *process) Begin(ctx context.Context, id journal.ID, file []byte, rec journal.Record, s *engine.State) error {
	p.a.writing.RLock()
	defer p.a.writing.RUnlock()
	err := p.Store.Begin(ctx, id, file, rec, s)
	if err == nil {
		p.a.note(rec)
	}
	return err
}

// Append implements run.Store. It is not broken off in the middle: that is
// between Linnet and its journal, and no concern of a provider.
func (p *process) Append(ctx context.Context, id journal.ID, expect uint64, rec journal.Record, s *engine.State) error {
	if p.dead.Load() {
		return errKilled
	}
	p.a.writing.RLock()
	defer p.a.writing.RUnlock()
	err := p.Store.Append(context.WithoutCancel(ctx), id, expect, rec, s)
	if err == nil {
		p.a.note(rec)
	}
	return err
}

// router is the provider as this process sees it, with the abilities it has.
func (p *process) router() run.Router {
	b := border{p}
	_, renews := p.a.w.provider.h.Router.(run.Renewer)
	_, readies := p.a.w.provider.h.Router.(run.Readier)
	switch {
	case renews && readies:
		return struct {
			border
			leasing
			readying
		}{b, leasing{p}, readying{p}}
	case renews:
		return struct {
			border
			leasing
		}{b, leasing{p}}
	case readies:
		return struct {
			border
			readying
		}{b, readying{p}}
	}
	return b
}

// border is where a process meets the provider.
type border struct{ p *process }

// Apply holds the process to the order of things: what it asks for is in the
// journal. It may kill the process, too.
func (b border) Apply(ctx context.Context, route release.Route) error {
	p := b.p
	if p.dead.Load() {
		return errKilled
	}
	isIt := func(r release.Route) bool {
		return r.Epoch == route.Epoch && r.Owner == route.Owner && slices.Equal(r.Weights, route.Weights)
	}
	p.a.noted()
	if !slices.ContainsFunc(p.a.asked(), isIt) {
		p.a.w.Errorf("a route is set that is not in the journal: %+v", route)
	}
	switch p.a.dies(route) {
	case 1:
		p.kill()
		return errKilled
	case 2:
		done := make(chan struct{})
		half := time.AfterFunc(p.a.w.provider.usually()/2, func() { defer close(done); p.kill() })
		err := p.a.w.provider.apply(ctx, route)
		if half.Stop() {
			p.kill()
		} else {
			<-done
		}
		return errors.Join(errKilled, err)
	case 3:
		err := p.a.w.provider.apply(ctx, route)
		p.kill()
		return errors.Join(errKilled, err)
	}
	return p.a.w.provider.apply(ctx, route)
}

// dies counts how often a change was tried, where changes are deadly; 0 where
// this one is let through.
func (a *attempt) dies(route release.Route) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.deadly || a.applies[route.Epoch] == 3 {
		return 0
	}
	a.applies[route.Epoch]++
	return a.applies[route.Epoch]
}

// usually is how long a change takes.
func (p *provider) usually() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.takes
}

// Observed implements run.Router.
func (b border) Observed(ctx context.Context) (release.Seen, error) {
	if b.p.dead.Load() {
		return release.Seen{}, errKilled
	}
	return b.p.a.w.provider.observed(ctx)
}

type leasing struct{ p *process }

// Renew implements run.Renewer.
func (l leasing) Renew(ctx context.Context, owner string, epoch uint64, lease time.Duration) error {
	if l.p.dead.Load() {
		return errKilled
	}
	return l.p.a.w.provider.call(ctx, false, nil, func(ctx context.Context, r trafficconf.Router) error {
		renewer, ok := r.(run.Renewer)
		if !ok {
			return fmt.Errorf("it does not renew any more: %w", release.ErrInvalid)
		}
		return renewer.Renew(ctx, owner, epoch, lease)
	})
}

type readying struct{ p *process }

// Ready implements run.Readier.
func (l readying) Ready(ctx context.Context, arm string) error {
	if l.p.dead.Load() {
		return errKilled
	}
	return l.p.a.w.provider.call(ctx, true, nil, func(ctx context.Context, r trafficconf.Router) error {
		readier, ok := r.(run.Readier)
		if !ok {
			return fmt.Errorf("it does not tell readiness any more: %w", release.ErrInvalid)
		}
		return readier.Ready(ctx, arm)
	})
}
