package chaos

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
)

// The times of a release in a story. Looks follow each other as quickly as they
// can without crowding out the provider's own work.
const (
	every    = 50 * time.Millisecond
	recovery = 300 * time.Millisecond
	lease    = time.Minute
	// late is how long a release goes on reading back where a writer that was
	// overtaken is not refused.
	late = 2 * recovery
)

// file is the text of the release file; what it says does not matter here.
const file = "kind: Release\n"

// attempt is a release in a story, with a journal, a source and a channel of
// its own.
type attempt struct {
	w      *world
	id     journal.ID
	dir    string
	store  *journal.Store
	source *source

	// writing is held for reading while a record is in the journal and not yet
	// among records: another process may act on it already.
	writing sync.RWMutex
	mu      sync.Mutex
	records []journal.Record
	notices []release.Notice
	hooks   []hook
	orders  int
	started []*process
	// deadly says that every change kills its process three times before it is
	// let through; applies counts by epoch.
	deadly  bool
	applies map[uint64]int
}

// hook does something once, at the first record that fits, before anything
// follows from that record.
type hook struct {
	fits func(journal.Record) bool
	do   func()
}

// begins records the first event of a release with these weights.
func (w *world) begins(name string, weights ...release.Weight) *attempt {
	w.Helper()
	return w.beginsAt(time.Now(), name, weights...)
}

func (w *world) beginsAt(at time.Time, name string, weights ...release.Weight) *attempt {
	w.Helper()
	a := &attempt{w: w, dir: w.TempDir(), source: &source{exposes: w.provider.exposes}, applies: map[uint64]int{}}
	var err error
	if a.store, err = journal.Open(w.Context(), a.dir); err != nil {
		w.Fatal(err)
	}
	w.add(a)
	p := w.plan(name, weights)
	if !w.provider.h.Fences {
		p.ReadBack = late
	}
	a.id = journal.ID{Name: name, Attempt: 1}
	first := &process{a: a, Store: a.store}
	cfg := run.Config{Store: first, Router: first.router(), Now: func() time.Time { return at }}
	if _, err := run.Begin(w.Context(), cfg, run.Beginning{Plan: p, Attempt: 1, File: []byte(file), Salt: "salt"}); err != nil {
		w.Fatal(err)
	}
	return a
}

func (w *world) plan(name string, weights []release.Weight) plan.Plan {
	sum := sha256.Sum256([]byte(file))
	p := plan.Plan{
		Name: name, Service: w.provider.h.Service, Hash: hex.EncodeToString(sum[:]),
		Metrics: []release.Metric{{
			Name: "errors", Kind: release.Ratio, Worse: release.Higher, Severity: release.Guardrail,
			Method: release.Sequential, Tolerance: 0.1,
		}},
		Every: every, BlindFor: time.Hour, FalseRollback: 0.01, Grain: w.provider.h.Grain,
		Watch: recovery, Recovery: recovery,
	}
	for i, arm := range w.provider.h.Arms {
		p.Arms = append(p.Arms, release.Arm{Name: arm, Version: fmt.Sprint(i + 1)})
	}
	for _, weight := range weights {
		p.Steps = append(p.Steps, plan.Step{Weight: weight, AtMost: time.Hour, AtDeadline: plan.Hold})
	}
	if w.provider.leases() {
		p.Lease = lease
	}
	return p
}

// note keeps a record that was written.
func (a *attempt) note(rec journal.Record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.records = append(a.records, rec)
}

// noted waits until all that is in the journal is among records, too.
func (a *attempt) noted() {
	a.writing.Lock()
	defer a.writing.Unlock()
}

// fire does what waits for a record.
func (a *attempt) fire(rec journal.Record) {
	a.mu.Lock()
	var due []func()
	a.hooks = slices.DeleteFunc(a.hooks, func(h hook) bool {
		fits := h.fits(rec)
		if fits {
			due = append(due, h.do)
		}
		return fits
	})
	a.mu.Unlock()
	for _, do := range due {
		do()
	}
}

// when has something done at the first record from now on that fits.
func (a *attempt) when(fits func(journal.Record) bool, do func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hooks = append(a.hooks, hook{fits, do})
}

// sets fits the record that asks for a weight.
func sets(weight release.Weight) func(journal.Record) bool {
	return func(rec journal.Record) bool {
		route, ok := routeOf(rec)
		return ok && engine.CandidateWeight(route) == weight
	}
}

// decides fits the record of a decision.
func decides(kind engine.DecisionKind) func(journal.Record) bool {
	return func(rec journal.Record) bool { return rec.Decision.Kind == kind }
}

// reaches fits the first record in a phase.
func reaches(phase engine.Phase) func(journal.Record) bool {
	return func(rec journal.Record) bool { return rec.Decision.Phase == phase }
}

// routeOf is the route that a record asks for.
func routeOf(rec journal.Record) (release.Route, bool) {
	for _, e := range rec.Effects {
		if set, ok := e.(engine.SetRoute); ok {
			return set.Route, true
		}
	}
	return release.Route{}, false
}

// has says whether a record that fits was written.
func (a *attempt) has(fits func(journal.Record) bool) bool { return slices.ContainsFunc(a.all(), fits) }

// count says how many records that fit were written.
func (a *attempt) count(fits func(journal.Record) bool) (n int) {
	for _, rec := range a.all() {
		if fits(rec) {
			n++
		}
	}
	return n
}

// all are the records so far.
func (a *attempt) all() []journal.Record {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clip(a.records)
}

// asked are the routes that were recorded so far.
func (a *attempt) asked() (all []release.Route) {
	for _, rec := range a.all() {
		if route, ok := routeOf(rec); ok {
			all = append(all, route)
		}
	}
	return all
}

// order leaves a person's command in the inbox.
func (a *attempt) order(verb engine.Verb) {
	a.w.Helper()
	a.mu.Lock()
	a.orders++
	c := engine.Commanded{At: time.Now(), ID: fmt.Sprintf("%s-%d", verb, a.orders), Verb: verb, Who: "ann", Reason: "because"}
	a.mu.Unlock()
	if err := a.store.Command(a.w.Context(), a.id, c); err != nil && !errors.Is(err, release.ErrConflict) {
		a.w.Error(err)
	}
}

// Notify implements run.Notifier.
func (a *attempt) Notify(_ context.Context, n release.Notice) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.notices = append(a.notices, n)
	return nil
}

func (a *attempt) told() []release.Notice {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clip(a.notices)
}
