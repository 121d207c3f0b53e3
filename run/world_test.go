package run_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
)

const (
	every = 15 * time.Second
	lease = time.Minute
)

var id = journal.ID{Name: "checkout-2", Attempt: 1}

// world is a release with all that is around it: a real journal, and models of
// a provider, a source and a channel whose faults a test chooses. Its time is
// that of a synctest bubble, set off by skew.
type world struct {
	*testing.T
	store  *ledger
	router *router
	source *source
	notes  *channel
	cfg    run.Config

	mu   sync.Mutex
	skew time.Duration
	log  bytes.Buffer
}

// file is the text of the release file; what it says does not matter here.
const file = "kind: Release\n"

func aPlan() plan.Plan {
	sum := sha256.Sum256([]byte(file))
	return plan.Plan{
		Name: id.Name, Service: "checkout", Hash: hex.EncodeToString(sum[:]),
		Arms: []release.Arm{{Name: release.Baseline, Version: "1"}, {Name: release.Candidate, Version: "2"}},
		Steps: []plan.Step{
			{Weight: 10_000, AtLeast: 30 * time.Second, AtMost: 10 * time.Minute, AtDeadline: plan.Hold},
			{Weight: 50_000, AtLeast: 30 * time.Second, AtMost: 10 * time.Minute, AtDeadline: plan.Hold},
		},
		Metrics: []release.Metric{
			{Name: "errors", Kind: release.Ratio, Worse: release.Higher, Severity: release.Guardrail, Method: release.Sequential, Tolerance: 0.1},
			{Name: "faults", Kind: release.Ratio, Worse: release.Higher, Severity: release.Guardrail, Method: release.Sequential, Tolerance: 0.1},
		},
		Every: every, BlindFor: 2 * time.Minute, FalseRollback: 0.01,
		Watch: time.Minute, Recovery: time.Minute, Lease: lease,
	}
}

// inWorld runs a test in a bubble, with a journal of its own and a release that
// has begun. Whatever goroutine is left at the end fails it.
func inWorld(t *testing.T, p plan.Plan, test func(w *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		store, err := journal.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		w := newWorld(t, &ledger{Store: store})
		w.begin(p)
		test(w)
	})
}

// ledger is the real journal. It spares it the reading of what cannot have
// changed, which is most of what happens in an hour of a bubble's time.
type ledger struct {
	*journal.Store
	mu      sync.Mutex
	changes int // appends and orders so far
	empty   int // changes when the inbox was seen empty, plus one
	loaded  int // changes when state was read, plus one
	state   engine.State
	all     []journal.Record
}

func (l *ledger) changed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes++
}

func (l *ledger) Append(ctx context.Context, id journal.ID, expect uint64, rec journal.Record, s *engine.State) error {
	defer l.changed()
	return l.Store.Append(ctx, id, expect, rec, s)
}

func (l *ledger) Command(ctx context.Context, id journal.ID, c engine.Commanded) error {
	defer l.changed()
	return l.Store.Command(ctx, id, c)
}

func (l *ledger) Waiting(ctx context.Context, id journal.ID) ([]engine.Commanded, error) {
	l.mu.Lock()
	before, empty := l.changes+1, l.empty
	l.mu.Unlock()
	if before == empty || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	commands, err := l.Store.Waiting(ctx, id)
	if err == nil && len(commands) == 0 {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.empty = before
	}
	return commands, err
}

// recorded is the release as the journal has it.
func (l *ledger) recorded(ctx context.Context) (engine.State, error) {
	l.mu.Lock()
	before, loaded, state := l.changes+1, l.loaded, l.state
	l.mu.Unlock()
	if before == loaded {
		return state, nil
	}
	state, _, err := l.Load(ctx, id, func(s engine.State, e engine.Event) engine.State {
		next, _, _ := engine.Step(s, e)
		return next
	})
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.loaded, l.state = before, state
	}
	return state, err
}

// records are all records so far.
func (l *ledger) records(ctx context.Context) ([]journal.Record, error) {
	l.mu.Lock()
	all := slices.Clip(l.all) // two may read on from here at a time
	l.mu.Unlock()
	err := l.Records(ctx, id, uint64(len(all))+1, func(rec journal.Record) error {
		all = append(all, rec)
		return nil
	})
	if errors.Is(err, release.ErrNotFound) && len(all) > 0 {
		err = nil // none besides
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(all) > len(l.all) {
		l.all = all
	}
	return all, err
}

func newWorld(t *testing.T, store *ledger) *world {
	w := &world{T: t, store: store}
	w.router = &router{w: w, route: split(0)}
	w.source = &source{w: w, asked: map[string][]release.Window{}}
	w.notes = &channel{w: w}
	w.cfg = run.Config{
		Store: store, Router: w.router, Source: w.source, Notifier: w.notes, Now: w.now,
		Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	}
	return w
}

func (w *world) begin(p plan.Plan) {
	w.Helper()
	got, err := run.Begin(w.Context(), w.cfg, run.Beginning{Plan: p, Attempt: 1, File: []byte(file), Salt: "salt"})
	if err != nil || got != id {
		w.Fatal(got, err)
	}
}

// now is a wall clock: without a monotonic part, and tests may set it.
func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Round(0).Add(w.skew)
}

func (w *world) jump(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skew += d
}

func (w *world) runner() *run.Runner {
	w.Helper()
	r, err := run.New(w.Context(), w.cfg, id)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// running is a Runner at work.
type running struct {
	w     *world
	stop  context.CancelFunc
	ended chan struct{}
	state engine.State
	err   error
}

func (w *world) start() *running {
	w.Helper()
	r, ctx := w.runner(), w.Context()
	g := &running{w: w, ended: make(chan struct{})}
	ctx, g.stop = context.WithCancel(ctx)
	go func() {
		defer close(g.ended)
		g.state, g.err = r.Run(ctx)
	}()
	return g
}

// end waits for a runner to come to its end by itself.
func (g *running) end() engine.State {
	g.w.Helper()
	select {
	case <-g.ended:
	case <-time.After(12 * time.Hour):
		g.stop()
		<-g.ended
		g.w.Fatalf("not over in 12 hours: %s, %s\n%s", g.state.Phase, g.state.Why.Text, g.w.log.String())
	}
	if g.err != nil {
		g.w.Fatal(g.err)
	}
	return g.state
}

// halt stops a runner, as Ctrl-C does.
func (g *running) halt() engine.State {
	g.stop()
	<-g.ended
	return g.state
}

// toTheEnd runs the release until it is over.
func (w *world) toTheEnd() engine.State {
	w.Helper()
	g := w.start()
	defer g.stop()
	return g.end()
}

// pass lets time go by.
func (w *world) pass(d time.Duration) { <-time.After(d) }

// until lets time go by until something is so.
func (w *world) until(what string, so func() bool) {
	w.Helper()
	for limit := time.Now().Add(time.Hour); !so(); w.pass(200 * time.Millisecond) {
		if time.Now().After(limit) {
			s := w.recorded()
			w.Fatalf("not in an hour: %s; it is %s: %s\n%s", what, s.Phase, s.Why.Text, w.log.String())
		}
	}
}

// recorded is the release as its journal has it.
func (w *world) recorded() engine.State {
	w.Helper()
	s, err := w.store.recorded(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func (w *world) records() []journal.Record {
	w.Helper()
	all, err := w.store.records(context.WithoutCancel(w.Context()))
	if err != nil {
		w.Error(err)
	}
	return all
}

// looks are the looks recorded so far.
func (w *world) looks() (all []engine.Looked) {
	w.Helper()
	for _, rec := range w.records() {
		if look, ok := rec.Event.(engine.Looked); ok {
			all = append(all, look)
		}
	}
	return all
}

// decided counts the decisions of a kind and a reason.
func (w *world) decided(kind engine.DecisionKind, code release.Code) (n int) {
	w.Helper()
	for _, rec := range w.records() {
		if rec.Decision.Kind == kind && (code == "" || rec.Decision.Reason.Code == code) {
			n++
		}
	}
	return n
}

func (w *world) phase() engine.Phase { return w.recorded().Phase }

// order leaves a person's command in the inbox, through the journal's own door.
func (w *world) order(verb engine.Verb) {
	w.Helper()
	c := engine.Commanded{At: w.now(), ID: fmt.Sprintf("%s-%d", verb, w.now().UnixNano()), Verb: verb, Who: "ann", Reason: "because"}
	if err := w.store.Command(w.Context(), id, c); err != nil {
		w.Fatal(err)
	}
}

// settled holds the world to what must be so once a release is over.
func (w *world) settled(s engine.State, phase engine.Phase) {
	w.Helper()
	if s.Phase != phase {
		w.Errorf("ended %s (%s), want %s", s.Phase, s.Why.Text, phase)
	}
	if want := w.recorded(); want.Seq != s.Seq || want.Phase != s.Phase {
		w.Errorf("the runner says %s at %d, the journal %s at %d", s.Phase, s.Seq, want.Phase, want.Seq)
	}
	if got := w.router.weight(); got != engine.CandidateWeight(s.Route) {
		w.Errorf("the provider serves %d, %d is recorded", got, engine.CandidateWeight(s.Route))
	}
	if w.router.route.Lease != 0 {
		w.Errorf("the end has a lease of %s", w.router.route.Lease)
	}
	if s.Pending.Route != nil || len(s.Pending.Notices) > 0 {
		w.Errorf("left to do: %+v", s.Pending)
	}
	if _, err := w.store.Verify(w.Context(), id); err != nil {
		w.Error(err)
	}
}

func split(candidate release.Weight) release.Route {
	return release.Route{Service: "checkout", Weights: []release.ArmWeight{
		{Arm: release.Baseline, Weight: release.Whole - candidate}, {Arm: release.Candidate, Weight: candidate},
	}}
}
