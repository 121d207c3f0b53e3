package chaos

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

// provider is the provider of a harness, with a border at which it can be made
// to fail where the harness itself cannot.
type provider struct {
	h trafficconf.Harness
	// starting is held while the provider is started anew.
	starting sync.RWMutex

	mu     sync.Mutex
	router trafficconf.Router
	broken *breakage // nil while it works
	served release.Weight
	// contested says that somebody else changed the split, to nobody knows what.
	contested bool
	// takes is how long the last change took.
	takes time.Duration
}

// breakage is a fault while it lasts.
type breakage struct {
	fault trafficconf.Fault
	// only says which calls it hits, by the route that is to be set, or nil for a
	// question; it is nil itself for all calls.
	only func(*release.Route) bool
	// mend ends it at the provider's other side; nil where it is at our border.
	mend func()
	// over ends, with it, the calls that have not come back.
	over context.Context
	end  context.CancelFunc
	// begun is when the last part of a change met it, open how many have not come
	// back from it, met how many have, and told how many of those with an error.
	begun           time.Time
	open, met, told int
}

// fails makes the provider fail, at its other side where the harness knows how.
// A fault that hits only some calls is always at the border.
func (p *provider) fails(fault trafficconf.Fault, only func(*release.Route) bool) {
	b := &breakage{fault: fault, only: only}
	b.over, b.end = context.WithCancel(context.Background())
	if p.h.Break != nil && only == nil {
		b.mend = p.h.Break(fault)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = b
	p.contested = p.contested || b.mend != nil && fault == trafficconf.Contested
}

// mends ends the fault, if there is one, and the calls that are still in it.
func (p *provider) mends() { p.mendsIf(func(*breakage) bool { return true }) }

func (p *provider) mendsIf(so func(*breakage) bool) {
	p.mu.Lock()
	b := p.broken
	mends := b != nil && so(b)
	if mends {
		p.broken = nil
	}
	p.mu.Unlock()
	if !mends {
		return
	}
	if b.mend != nil {
		b.mend()
	}
	b.end()
}

// failsNow goes from one fault to another, and lets no call through between.
func (p *provider) failsNow(fault trafficconf.Fault) {
	if _, b := p.present(); b != nil {
		b.end()
	}
	p.starting.Lock()
	defer p.starting.Unlock()
	p.mends()
	p.fails(fault, nil)
}

// hit says that a change has met the fault: it came back from it, or hangs, or
// the provider tries again and again itself.
func (p *provider) hit() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.broken
	if b != nil && b.fault == trafficconf.Hanging {
		return b.open > 0 && (b.mend == nil || time.Since(b.begun) > every)
	}
	return b != nil && (b.met > 0 || b.lasts())
}

// present is the router, and the fault that a call of it meets.
func (p *provider) present() (trafficconf.Router, *breakage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.router, p.broken
}

// call makes a call of the provider, under the fault of the moment. route is
// what is to be set; a question, too, may be part of a change.
func (p *provider) call(ctx context.Context, change bool, route *release.Route, f func(context.Context, trafficconf.Router) error) (err error) {
	p.starting.RLock()
	defer p.starting.RUnlock()
	router, b := p.present()
	if b == nil || b.only != nil && !b.only(route) {
		return f(ctx, router)
	}
	if change {
		p.begins(b)
		defer func() { p.comesBack(b, err) }()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(b.over, cancel)()
	switch {
	case b.mend != nil, b.fault == trafficconf.Lying && route == nil:
		return f(ctx, router)
	case b.fault == trafficconf.Lying:
		return nil
	case b.fault == trafficconf.Hanging:
		<-ctx.Done()
		return fmt.Errorf("no answer: %w", release.ErrUnavailable)
	}
	return fmt.Errorf("%s: %w", b.fault, meaning(b.fault))
}

// meaning is what a fault at the border says.
func meaning(fault trafficconf.Fault) error {
	switch fault {
	case trafficconf.Forbidden:
		return release.ErrInvalid
	case trafficconf.Missing:
		return release.ErrNotFound
	case trafficconf.Contested:
		return release.ErrConflict
	}
	return release.ErrUnavailable
}

func (p *provider) begins(b *breakage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.begun = time.Now()
	b.open++
}

func (p *provider) comesBack(b *breakage, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.open--
	b.met++
	if err != nil {
		b.told++
	}
}

// doubts says that a provider that lies finds that out itself: it says so, or
// still looks for what it wrote.
func (b *breakage) doubts() bool {
	return b.told > 0 || b.lasts()
}

// lasts says that a change has been under way for long.
func (b *breakage) lasts() bool { return b.open > 0 && time.Since(b.begun) > 20*every }

func (p *provider) doubts() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broken != nil && p.broken.doubts()
}

func (p *provider) apply(ctx context.Context, route release.Route) error {
	at := time.Now()
	err := p.call(ctx, true, &route, func(ctx context.Context, r trafficconf.Router) error { return r.Apply(ctx, route) })
	if err == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.takes, p.served = time.Since(at), engine.CandidateWeight(route)
	}
	return err
}

func (p *provider) observed(ctx context.Context) (seen release.Seen, err error) {
	err = p.call(ctx, false, nil, func(ctx context.Context, r trafficconf.Router) error {
		seen, err = r.Observed(ctx)
		return err
	})
	return seen, err
}

// look reads back what is served, past the faults of the border.
func (p *provider) look(ctx context.Context) (release.Weight, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	p.starting.RLock()
	defer p.starting.RUnlock()
	router, _ := p.present()
	seen, err := router.Observed(ctx)
	weight := release.Weight(0)
	for _, w := range seen.Route.Weights {
		if w.Arm != p.h.Arms[0] {
			weight += w.Weight
		}
	}
	return weight, err
}

// exposes says whether the candidate gets traffic, as far as was said.
func (p *provider) exposes() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.served > 0
}

func (p *provider) wasContested() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.contested
}

// crashes ends the provider as a crash would and starts it again, where it
// keeps something itself.
func (p *provider) crashes() {
	if p.h.Restart == nil {
		return
	}
	p.starting.Lock()
	defer p.starting.Unlock()
	router := p.h.Restart()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.router = router
}

// leases says whether the provider's weights are leases.
func (p *provider) leases() bool { return slices.Contains(p.h.Abilities, release.Leases) }
