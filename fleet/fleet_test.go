package fleet_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/fleet"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// home is a process that runs releases of a data folder.
type home struct {
	*world
	t      testing.TB
	dir    string
	store  *journal.Store
	fleet  *fleet.Fleet
	timers *fleet.Timers
	ctx    context.Context
	stop   func()
}

// settle opens a data folder and has its releases run, until stop.
func settle(t testing.TB, w *world, dir string) *home {
	t.Helper()
	h := &home{world: w, t: t, dir: dir}
	var err error
	if h.store, err = journal.Open(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	h.fleet = fleet.New(fleet.Config{
		Store: h.store, Assembler: w, Salt: rand.Text, Now: time.Now,
		Own: func(id journal.ID) (func() error, error) {
			lock, err := h.store.Own(id, time.Now())
			if err != nil {
				return nil, err
			}
			return lock.Release, nil
		},
	})
	h.timers = fleet.NewTimers(fleet.TimersConfig{Fleet: h.fleet, Queue: h.store, Now: time.Now, Workers: 8})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	h.ctx = ctx
	done := make(chan struct{})
	go func() { defer close(done); h.timers.Run(ctx) }()
	h.stop = func() {
		cancel()
		<-done
		if err := errors.Join(h.fleet.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
		h.stop = func() {}
	}
	t.Cleanup(func() { h.stop() })
	return h
}

func (h *home) begin(b control.Beginning) journal.ID {
	h.t.Helper()
	id, err := h.fleet.Begin(h.ctx, b)
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *home) summary(id journal.ID) journal.Summary {
	h.t.Helper()
	s, err := h.store.Find(h.ctx, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// becomes waits for a release to have ended like that.
func (h *home) becomes(id journal.ID, outcome journal.Outcome) {
	h.t.Helper()
	eventually(h.t, time.Minute, fmt.Sprintf("%s is %s", id, outcome), func() bool { return h.summary(id).Outcome == outcome })
}

// quick is a release that is over within a second or two.
func quick(name, service string) control.Beginning {
	b := beginning(parse(name, strings.NewReplacer("NAME", name, "SERVICE", service).Replace(quickRelease)))
	b.Plan.Every = 100 * time.Millisecond // no file may ask for that
	return b
}

const quickRelease = `apiVersion: linnet/v1
kind: Release
metadata: { name: NAME, labels: { team: payments } }
spec:
  service: SERVICE
  baseline:  { version: "1", labels: { version: stable } }
  candidate: { version: "2", labels: { version: canary } }
  traffic: { proxy: { service: SERVICE, admin: "http://127.0.0.1:1", tokenFile: token, lease: 10s } }
  steps: [{ weight: 50%, atLeast: 300ms, atMost: 1h }]
  watch: 300ms
  recovery: 300ms
  analysis:
    source: { prometheus: { url: "http://localhost:9090" } }
    every: 1s
    delay: 0s
    warmUp: 0s
    metrics:
      - { name: errors, ratio: { bad: 'http_requests_total{status="500"}', of: http_requests_total }, exclude: 20x }
`

func TestManyReleasesEachToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.harm["bad"] = true
	h := settle(t, w, t.TempDir())
	good, bad := h.begin(quick("good-2", "good")), h.begin(quick("bad-2", "bad"))
	h.becomes(good, journal.Promoted)
	h.becomes(bad, journal.RolledBack)
	if w.weight("good") != release.Whole || w.weight("bad") != 0 {
		t.Errorf("good has %d, bad %d", w.weight("good"), w.weight("bad"))
	}
	eventually(t, time.Minute, "nothing is left in the queue", func() bool { return h.timers.Lag().Length == 0 && len(h.fleet.Statuses()) == 0 })
}

func TestWhatGoesWrongStaysInItsRelease(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.odd["odd"] = true
	h := settle(t, w, t.TempDir())
	odd, gone, good := h.begin(quick("odd-2", "odd")), quick("gone-2", "gone"), quick("good-2", "good")
	id := h.begin(gone)
	w.set(func() { w.fail["gone"] = fmt.Errorf("token: no such file: %w", release.ErrInvalid) })
	h.stop()
	h = settle(t, w, h.dir) // the parts have to be put together again
	h.becomes(h.begin(good), journal.Promoted)
	eventually(t, time.Minute, "the fleet says what is wrong", func() bool {
		s, ok := h.fleet.Status(id)
		return ok && s.Failures > 1 && strings.Contains(s.Error, "token: no such file") && s.Due.After(s.Turn)
	})
	if s := h.summary(odd); s.Ended() || s.Seq < 3 {
		t.Errorf("a release whose source panics looks on: %+v", s)
	}
	w.set(func() { delete(w.fail, "gone"); delete(w.odd, "odd") })
	h.becomes(id, journal.Promoted)
	h.becomes(odd, journal.Promoted)
}

func TestAnAbortWaitsForNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	h := settle(t, w, t.TempDir())
	id := h.begin(quick("slow-2", "slow"))
	eventually(t, time.Minute, "the candidate has traffic", func() bool { return w.weight("slow") > 0 })
	w.set(func() { w.hang["slow"] = true })
	from := h.summary(id).Seq
	eventually(t, time.Minute, "a look hangs", func() bool { s, _ := h.fleet.Status(id); return time.Since(s.Due) > 300*time.Millisecond })
	began := time.Now()
	if err := h.store.Command(h.ctx, id, engine.Commanded{ID: "1", At: began, Verb: engine.Abort, Who: "ann"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the candidate has none", func() bool { return w.weight("slow") == 0 })
	if took := time.Since(began); took > 8*time.Second { // the look hangs for another 15
		t.Errorf("the abort took %s", took)
	}
	h.becomes(id, journal.Aborted)
	if h.summary(id).Seq <= from {
		t.Error("nothing was recorded")
	}
}

func TestOneServiceOneRelease(t *testing.T) {
	t.Parallel()
	w := newWorld()
	h := settle(t, w, t.TempDir())
	first := h.begin(beginning(file("shop-2", "shop")))
	_, err := h.fleet.Begin(h.ctx, beginning(file("shop-3", "shop")))
	if !errors.Is(err, release.ErrConflict) || !strings.Contains(err.Error(), "shop-2/1") {
		t.Errorf("a second release of the service: %v", err)
	}
	h.begin(beginning(file("shop-3-staging", "shop", ", environment: staging")))
	if err := h.store.Command(h.ctx, first, engine.Commanded{ID: "1", At: time.Now(), Verb: engine.Abort, Who: "ann"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the first is out of the way", func() bool {
		_, err := h.fleet.Begin(h.ctx, beginning(file("shop-3", "shop")))
		return err == nil
	})
}

// A provider that does not answer keeps another release waiting no longer than
// whoever begins it does.
func TestBeginningWaitsNoLongerThanWhoAsks(t *testing.T) {
	t.Parallel()
	h := settle(t, newWorld(), t.TempDir())
	slow := stuck{make(chan struct{}), make(chan struct{})}
	f := fleet.New(fleet.Config{Store: h.store, Assembler: slow, Salt: rand.Text, Now: time.Now})
	done := make(chan error)
	go func() { done <- second(f.Begin(h.ctx, beginning(file("shop-2", "shop")))) }()
	<-slow.begun
	ctx, cancel := context.WithTimeout(h.ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := f.Begin(ctx, beginning(file("pay-2", "pay"))); !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "another release") {
		t.Errorf("meanwhile: %v", err)
	}
	close(slow.ends)
	if err := <-done; !errors.Is(err, release.ErrInvalid) {
		t.Errorf("in the end: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// stuck assembles nothing, when it is told to end.
type stuck struct{ begun, ends chan struct{} }

func (s stuck) Assemble(context.Context, journal.ID, spec.File) (fleet.Parts, error) {
	close(s.begun)
	<-s.ends
	return fleet.Parts{}, release.ErrInvalid
}

// A part that gives up by itself is a failure like any other: the release waits
// before its next turn, and says why.
func TestAPartThatIsCancelledIsNoEndOfTheProcess(t *testing.T) {
	t.Parallel()
	w := newWorld()
	h := settle(t, w, t.TempDir())
	id := h.begin(quick("odd-2", "odd"))
	w.set(func() { w.fail["odd"] = fmt.Errorf("its client hung up: %w", context.Canceled) })
	h.stop()
	store, err := journal.Open(t.Context(), h.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	f := fleet.New(fleet.Config{Store: store, Assembler: w, Now: time.Now})
	turn, err := f.Turn(t.Context(), id)
	if status, ok := f.Status(id); err == nil || turn.Next <= 0 || !ok || status.Failures != 1 || !strings.Contains(status.Error, "hung up") {
		t.Errorf("the next turn in %s, %+v, %v", turn.Next, status, err)
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	if _, err := f.Turn(ended, id); err == nil {
		t.Error("a turn of a process that ends is taken")
	}
	if status, _ := f.Status(id); status.Failures != 1 {
		t.Errorf("the end of the process counts as a failure: %+v", status)
	}
}

// What somebody orders in the moment in which a release ends is answered, too.
func TestAnOrderAtTheEndIsTaken(t *testing.T) {
	t.Parallel()
	h := settle(t, newWorld(), t.TempDir())
	id := h.begin(quick("shop-2", "shop"))
	h.becomes(id, journal.Promoted)
	db, err := database.OpenFolder(t.Context(), h.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Write(t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO commands (release, id, at, verb, who, reason) SELECT id, 'late', 1, 'abort', 'ann', '' FROM releases`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "the order is taken, and the release left alone again", func() bool {
		_, taken, _, err := h.store.Given(t.Context(), id, "late")
		_, known := h.fleet.Status(id)
		return err == nil && taken > 0 && !known
	})
	if s := h.summary(id); s.Outcome != journal.Promoted {
		t.Errorf("after it: %+v", s)
	}
}

func TestTwoProcessesOneRunner(t *testing.T) {
	t.Parallel()
	w := newWorld()
	dir := t.TempDir()
	one := settle(t, w, dir)
	id := one.begin(beginning(file("shop-2", "shop")))
	eventually(t, time.Minute, "the first runs it", func() bool { return w.weight("shop") > 0 })
	two := settle(t, w, dir)
	eventually(t, time.Minute, "the second leaves it alone", func() bool { s, ok := two.fleet.Status(id); return ok && s.Elsewhere })
	if slices.ContainsFunc(one.fleet.Statuses(), func(s fleet.Status) bool { return s.Error != "" }) {
		t.Errorf("the first is troubled: %+v", one.fleet.Statuses())
	}
}

func TestTurnOfTwoFleets(t *testing.T) {
	t.Parallel()
	w := newWorld()
	h := settle(t, w, t.TempDir())
	h.stop()
	store, err := journal.Open(t.Context(), h.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	// Without a lock, as on several machines: each sees what the other recorded.
	fleets := make([]*fleet.Fleet, 2)
	for i := range fleets {
		fleets[i] = fleet.New(fleet.Config{Store: store, Assembler: w, Salt: rand.Text, Now: time.Now})
	}
	id, err := fleets[0].Begin(t.Context(), quick("shop-2", "shop"))
	if err != nil {
		t.Fatal(err)
	}
	over := false
	for i := 0; !over; i++ {
		turn, err := fleets[i%2].Turn(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		over = turn.Over
		pause(t, min(turn.Next, time.Second))
	}
	s, err := store.Find(t.Context(), id)
	if err != nil || s.Outcome != journal.Promoted {
		t.Errorf("%+v, %v", s, err)
	}
}

func pause(t testing.TB, d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}

func TestRoomInTheStore(t *testing.T) {
	t.Parallel()
	f := fleet.New(fleet.Config{Now: time.Now})
	var back func()
	for range fleet.MostStoring {
		done, err := f.Room(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		back = done
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := f.Room(short); !errors.Is(err, release.ErrUnavailable) {
		t.Errorf("one too many: %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end() // the process stops
	if _, err := f.Room(ended); !errors.Is(err, context.Canceled) || errors.Is(err, release.ErrUnavailable) {
		t.Errorf("where nobody waits any more: %v", err)
	}
	got := make(chan error, 1)
	go func() { _, err := f.Room(t.Context()); got <- err }()
	back()
	if err := <-got; err != nil {
		t.Error(err)
	}
}
