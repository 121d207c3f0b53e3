package chaos

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

// world is a provider with the releases that a story runs on it.
type world struct {
	*testing.T
	provider *provider
	// first and second are the weights of the steps; before is what the second arm
	// had when Linnet came.
	first, second, before release.Weight
	log                   text

	running sync.WaitGroup
	stop    context.CancelFunc

	mu       sync.Mutex
	attempts []*attempt
	// twice says that a release is run twice on a provider that refuses no late
	// writer, so that a weight may rise for a moment, until the next look.
	twice bool
	// byHand are the weights that somebody set past Linnet, edits how often.
	byHand []release.Weight
	edits  int
}

// text is a log that several write.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

func newWorld(t *testing.T, h trafficconf.Harness) *world {
	h.Grain = max(h.Grain, 1)
	w := &world{T: t, provider: &provider{h: h, router: h.Router}}
	w.first = max(h.Grain, release.Whole/10/h.Grain*h.Grain)
	w.second = max(w.first, release.Whole/2/h.Grain*h.Grain)
	w.before, _ = w.provider.look(t.Context()) // nothing, where nobody can tell yet
	var ctx context.Context
	ctx, w.stop = context.WithCancel(t.Context())
	w.running.Go(func() { w.watch(ctx) })
	return w
}

// end ends whatever still runs, and tells what went on where the story failed.
func (w *world) end() {
	w.provider.mends()
	w.stop()
	for _, a := range w.all() {
		a.stopAll()
	}
	w.running.Wait()
	for _, a := range w.all() {
		if err := a.store.Close(); err != nil {
			w.Error(err)
		}
		if w.Failed() {
			a.print()
		}
	}
	if w.Failed() {
		w.Log(w.log.String())
	}
}

func (w *world) add(a *attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts = append(w.attempts, a)
}

func (w *world) all() []*attempt {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clip(w.attempts)
}

// until waits until something is so.
func (w *world) until(what string, so func() bool) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), limit)
	defer cancel()
	for !so() {
		if w.Failed() {
			w.FailNow()
		}
		if !pause(ctx, 5*time.Millisecond) {
			w.Fatalf("not in %s: %s", limit, what)
		}
	}
}

// pause waits for a moment; false once the context has ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// hand sets a weight past Linnet.
func (w *world) hand(weight release.Weight, do func()) {
	w.mu.Lock()
	w.byHand = append(w.byHand, weight)
	w.edits++
	w.mu.Unlock()
	do()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.edits++
}

// watch looks at what is served, all the time: nothing but what was recorded
// before, or set by hand, and nothing higher after all releases have failed.
func (w *world) watch(ctx context.Context) {
	lowest, since, rest := release.Whole, 0, time.Duration(0)
	for pause(ctx, max(rest, 20*time.Millisecond)) {
		at, failed, edits := time.Now(), w.failed(), w.edited()
		got, err := w.provider.look(ctx)
		rest = 2 * time.Since(at) // most of its time is the release's
		if err != nil || w.provider.wasContested() {
			continue
		}
		if !w.mayServe(got) {
			w.Errorf("the provider serves %s, which nobody recorded", engine.Percent(got))
		}
		byHand := edits%2 == 1 // at work: the old weight and the new may be seen
		if !failed || w.isTwice() || byHand || edits != since || edits != w.edited() {
			lowest, since = release.Whole, edits
			continue
		}
		if got > lowest {
			w.Errorf("the provider serves %s after the rollback was recorded and %s was seen", engine.Percent(got), engine.Percent(lowest))
		}
		lowest = min(lowest, got)
	}
}

func (w *world) edited() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.edits
}

func (w *world) isTwice() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.twice
}

// failed says that every release so far is rolled back by its record.
func (w *world) failed() bool {
	for _, a := range w.all() {
		if !a.has(decides(engine.RollBack)) {
			return false
		}
	}
	return len(w.all()) > 0
}

// mayServe says whether a weight was recorded, or set by hand, or is the one
// from before.
func (w *world) mayServe(got release.Weight) bool {
	w.mu.Lock()
	hand := slices.Contains(w.byHand, got)
	w.mu.Unlock()
	for _, a := range w.all() {
		a.noted()
		if a.has(sets(got)) {
			return true
		}
	}
	return hand || got == 0 || got == w.before
}

// ends waits until a release is over, and holds the end to what it must be.
func (p *process) ends(phase engine.Phase) {
	p.a.w.Helper()
	p.waits()
	p.a.settled(p.state, phase)
}

// settled holds a release that is over to what must be so then, and the provider
// to what it recorded last.
func (a *attempt) settled(s engine.State, phase engine.Phase) {
	w := a.w
	w.Helper()
	a.over(s, phase)
	want := engine.CandidateWeight(s.Route)
	if phase == engine.Promoted && want != release.Whole || phase == engine.RolledBack && want != 0 {
		w.Errorf("%s ended %s with %s recorded", a.id, phase, engine.Percent(want))
	}
	if got, err := w.provider.look(w.Context()); err != nil || got != want {
		w.Errorf("at the end of %s the provider serves %s (%v), recorded is %s", a.id, engine.Percent(got), err, engine.Percent(want))
	}
}

// over holds a release to be over, and its record to be sound.
func (a *attempt) over(s engine.State, phase engine.Phase) {
	w := a.w
	w.Helper()
	if s.Phase != phase {
		w.Errorf("%s ended %s (%s), expected %s", a.id, s.Phase, s.Why.Text, phase)
	}
	if s.Pending.Route != nil || len(s.Pending.Notices) > 0 {
		w.Errorf("%s left to do: %+v", a.id, s.Pending)
	}
	a.sound()
}

// sound holds the journal of a release to be whole, to say what was written,
// and to contradict itself nowhere: every decision follows from the events,
// epochs rise, and nothing is raised after the rollback.
func (a *attempt) sound() {
	w := a.w
	w.Helper()
	ctx := context.WithoutCancel(w.Context())
	if _, err := a.store.Verify(ctx, a.id); err != nil {
		w.Error(err)
	}
	var s engine.State
	var d engine.Decision
	down, epoch, last, n := false, uint64(0), release.Weight(0), 0
	err := a.store.Records(ctx, a.id, 1, func(rec journal.Record) error {
		n++
		s, d, _ = engine.Step(s, rec.Event)
		if d.Kind != rec.Decision.Kind || d.Phase != rec.Decision.Phase || d.Weight != rec.Decision.Weight || d.Reason.Code != rec.Decision.Reason.Code {
			w.Errorf("%s, record %d: decided %s (%s), and its events lead to %s (%s)", a.id, rec.Seq, rec.Decision.Kind, rec.Decision.Reason.Text, d.Kind, d.Reason.Text)
		}
		down = down || rec.Decision.Kind == engine.RollBack
		route, ok := routeOf(rec)
		if !ok {
			return nil
		}
		weight := engine.CandidateWeight(route)
		if route.Epoch <= epoch {
			w.Errorf("%s, record %d: epoch %d after %d", a.id, rec.Seq, route.Epoch, epoch)
		}
		if down && weight > last {
			w.Errorf("%s, record %d: raises to %s after the rollback", a.id, rec.Seq, engine.Percent(weight))
		}
		epoch, last = route.Epoch, weight
		return nil
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		w.Error(err)
	}
	if written := len(a.all()); n != written {
		w.Errorf("%s: the journal has %d records, %d were written", a.id, n, written)
	}
}

// print tells what a release did, but for looks that led to nothing.
func (a *attempt) print() {
	for _, rec := range a.all() {
		d := rec.Decision
		if isLook(rec) && d.Kind == engine.Stay && !blind(rec) {
			continue
		}
		a.w.Logf("%s %3d %s %T: %s, %s, %s: %s (%s)", a.id, rec.Seq, rec.At.Format("05.000"), rec.Event, d.Kind, d.Phase, engine.Percent(d.Weight), d.Reason.Text, d.Reason.Code)
	}
}
