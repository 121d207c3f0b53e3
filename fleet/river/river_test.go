package river_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/fleet"
	"github.com/linnet-project/linnet/fleet/river"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testdb"
)

// world is a database, and releases that only know when they were looked at.
type world struct {
	*testing.T
	url   string
	every time.Duration

	mu      sync.Mutex
	due     map[journal.ID]time.Time
	turns   map[journal.ID][]taken
	ordered map[journal.ID]bool
}

// taken is a turn that had something to do.
type taken struct {
	at time.Time
	by string
}

// everywhere runs tests side by side, each on a database of its own.
func everywhere(t *testing.T, tests map[string]func(w *world)) {
	t.Helper()
	server := testdb.Postgres(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(&world{
				T: t, url: server.Fresh(t) + "?pool_max_conns=6", every: time.Second,
				due: map[journal.ID]time.Time{}, turns: map[journal.ID][]taken{}, ordered: map[journal.ID]bool{},
			})
		})
	}
}

// begin makes so many releases, which are overdue.
func (w *world) begin(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range n {
		w.due[journal.ID{Name: fmt.Sprintf("r%d", i), Attempt: 1}] = time.Now().Add(-time.Minute)
	}
}

// Overdue, Ordered and Postpone are the journal.
func (w *world) Overdue(_ context.Context, by time.Duration, _ int) (ids []journal.ID, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, due := range w.due {
		if time.Since(due) >= by {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (w *world) Ordered(context.Context) (ids []journal.ID, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.ordered {
		ids = append(ids, id)
	}
	return ids, nil
}

func (w *world) Postpone(_ context.Context, id journal.ID, in time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due[id] = time.Now().Add(in)
	return nil
}

// replica is one Linnet of several.
type replica struct {
	*river.Caller
	name string
	w    *world
	// stuck says that it stands still: what it begins it never ends.
	stuck atomic.Bool
	freed chan struct{}
}

// Overdue, Ordered and Postpone are the journal as a replica sees it that stands still.
func (r *replica) Overdue(ctx context.Context, by time.Duration, most int) ([]journal.ID, error) {
	if r.stuck.Load() {
		return nil, nil
	}
	return r.w.Overdue(ctx, by, most)
}

func (r *replica) Ordered(ctx context.Context) ([]journal.ID, error) { return r.w.Ordered(ctx) }

func (r *replica) Postpone(ctx context.Context, id journal.ID, in time.Duration) error {
	if r.stuck.Load() {
		return nil
	}
	return r.w.Postpone(ctx, id, in)
}

// Turn takes a turn, if it is due.
func (r *replica) Turn(ctx context.Context, id journal.ID) (fleet.Turn, error) {
	if r.stuck.Load() {
		select {
		case <-ctx.Done():
		case <-r.freed:
		}
		return fleet.Turn{Next: r.w.every}, ctx.Err()
	}
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	due, ok := r.w.due[id]
	if !ok {
		return fleet.Turn{Over: true}, nil
	}
	left := time.Until(due)
	if left <= 0 || r.w.ordered[id] {
		delete(r.w.ordered, id)
		left = r.w.every
		r.w.due[id] = time.Now().Add(left)
		r.w.turns[id] = append(r.w.turns[id], taken{time.Now(), r.name})
	}
	return fleet.Turn{Next: left}, nil
}

// replica starts one, which stops with the test.
func (w *world) replica(name string, skew time.Duration) *replica {
	w.Helper()
	db, err := database.OpenURL(w.Context(), w.url)
	if err != nil {
		w.Fatal(err)
	}
	r := &replica{name: name, w: w, freed: make(chan struct{})}
	clock := river.NewClock(db.Pool(), func() time.Time { return time.Now().Add(skew) })
	r.Caller, err = river.New(w.Context(), river.Config{
		DB: db, Turner: r, Journal: r, Clock: clock, Name: name, Version: "test", Turns: func() int { return 7 }, Log: slog.New(slog.NewTextHandler(w.Output(), nil)), Workers: 20,
	})
	if err != nil {
		w.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	w.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			w.Error(err)
		}
		_ = db.Close()
	})
	return r
}

// until waits for something to come true.
func (w *world) until(what string, limit time.Duration, so func() bool) {
	w.Helper()
	for end := time.Now().Add(limit); !so(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("%s: not within %s", what, limit)
		}
	}
}

// least is how many turns the release with the fewest has had since.
func (w *world) least(since time.Time) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	least := -1
	for id := range w.due {
		n := 0
		for _, t := range w.turns[id] {
			if t.at.After(since) {
				n++
			}
		}
		if least < 0 || n < least {
			least = n
		}
	}
	return least
}

// gap is the longest time that a release had no turn since, and by how many
// replicas turns were taken.
func (w *world) gap(since time.Time) (longest time.Duration, by int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := map[string]bool{}
	for id := range w.due {
		last := since
		for _, t := range append(w.turns[id], taken{at: time.Now()}) {
			if t.at.Before(since) {
				continue
			}
			longest, last = max(longest, t.at.Sub(last)), t.at
			if t.by != "" {
				names[t.by] = true
			}
		}
	}
	return longest, len(names)
}

func TestSeveralReplicas(t *testing.T) {
	t.Parallel()
	everywhere(t, map[string]func(w *world){
		"turns are shared, whatever the clocks": turnsAreShared,
		"far turns are River's to schedule":     farTurns,
		"a command brings a turn at once":       commandsBringTurns,
		"one that stands still is passed by":    oneStandsStill,
		"jobs are done once":                    jobsOnce,
		"replicas are listed":                   replicasListed,
		"jobs do not overlap":                   jobsOneAtATime,
		"a lock that is lost ends the work":     lostLocks,
		"a newer schema of the queue is no bar": newerQueue,
	})
}

func turnsAreShared(w *world) {
	w.begin(30)
	w.replica("right", 0)
	w.replica("ahead", 90*time.Second)
	w.replica("behind", -90*time.Second)
	w.until("each release looked at", 20*time.Second, func() bool { return w.least(time.Time{}) > 0 })
	from := time.Now()
	w.until("four more turns each", 20*time.Second, func() bool { return w.least(from) >= 4 })
	if gap, by := w.gap(from); gap > 4*time.Second || by != 3 {
		w.Errorf("longest gap %s, turns taken by %d of 3 replicas", gap, by)
	}
}

func farTurns(w *world) {
	w.every = soonest
	from := time.Now()
	w.begin(5)
	for i := range 2 {
		w.replica(fmt.Sprintf("replica-%d", i), 0)
	}
	w.until("two turns each", time.Minute, func() bool { return w.least(time.Time{}) >= 2 })
	if gap, _ := w.gap(from); gap > soonest+4*time.Second {
		w.Errorf("longest gap %s", gap)
	}
}

// soonest is beyond what a replica holds itself.
const soonest = 6 * time.Second

func commandsBringTurns(w *world) {
	w.every = time.Hour
	w.begin(2)
	a := w.replica("a", 0)
	w.replica("b", 0)
	w.until("the first turn", 20*time.Second, func() bool { return w.least(time.Time{}) > 0 })
	first, second := journal.ID{Name: "r0", Attempt: 1}, journal.ID{Name: "r1", Attempt: 1}
	turns := func(id journal.ID) int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.turns[id])
	}
	order := func(id journal.ID) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ordered[id] = true
	}
	order(first) // nobody says so: it is found
	w.until("a command that is found", 5*time.Second, func() bool { return turns(first) == 2 })
	order(second)
	for range 2 { // the same twice is one
		if err := a.Wake(w.Context(), second, "c1"); err != nil {
			w.Fatal(err)
		}
	}
	w.until("a command that is told", 5*time.Second, func() bool { return turns(second) == 2 })
}

func replicasListed(w *world) {
	w.replica("a", time.Hour) // whatever its clock
	b := w.replica("b", 0)
	w.until("both, of which one leads", 30*time.Second, func() bool {
		all, err := b.Replicas(w.Context())
		if err != nil || len(all) != 2 || all[0].Leader == all[1].Leader {
			return false
		}
		for _, r := range all {
			if r.Self != (r.Name == "b") || r.Gone || r.Version != "test" || r.Turns != 7 || r.Seen.Before(r.Started) || time.Since(r.Seen).Abs() > time.Minute {
				w.Errorf("%+v", r)
			}
		}
		return true
	})
}

func oneStandsStill(w *world) {
	w.begin(20)
	dead := w.replica("dead", 0)
	w.replica("alive", 0)
	w.until("each release looked at", 20*time.Second, func() bool { return w.least(time.Time{}) > 0 })
	dead.stuck.Store(true)
	from := time.Now()
	w.until("four more turns each", time.Minute, func() bool { return w.least(from) >= 4 })
	close(dead.freed)
	if gap, _ := w.gap(from); gap > 12*time.Second {
		w.Errorf("longest gap %s", gap)
	}
}

func jobsOnce(w *world) {
	var often, seldom, tried atomic.Int64
	from := time.Now()
	for i := range 3 {
		r := w.replica(fmt.Sprintf("replica-%d", i), 0)
		r.Every("often", 2*time.Second, func(context.Context) error { often.Add(1); return nil })
		r.Every("seldom", 24*time.Hour, func(context.Context) error { seldom.Add(1); return nil })
		r.Every("failing", 24*time.Hour, func(context.Context) error {
			if tried.Add(1) == 1 {
				return fmt.Errorf("not yet: %w", release.ErrUnavailable)
			}
			return nil
		})
	}
	w.until("a job at intervals", 30*time.Second, func() bool { return often.Load() >= 3 && tried.Load() == 2 })
	most := int64(time.Since(from)/(2*time.Second)) + 2
	if seldom.Load() != 1 || often.Load() > most {
		w.Errorf("a daily job was done %d times, the other %d times and may be %d", seldom.Load(), often.Load(), most)
	}
}

func newerQueue(w *world) {
	w.replica("old", 0)
	db, err := database.OpenURL(w.Context(), w.url)
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Pool().Exec(w.Context(), `INSERT INTO river_migration (line, version) VALUES ('main', 99)`); err != nil {
		w.Fatal(err)
	}
	w.begin(1)
	w.replica("old, started again", 0)
	w.until("each release looked at", 20*time.Second, func() bool { return w.least(time.Time{}) > 2 })
}

// A job that takes longer than its interval is not begun again beside itself.
func jobsOneAtATime(w *world) {
	var under, most, begun, due atomic.Int64
	for i := range 2 {
		r := w.replica(fmt.Sprintf("replica-%d", i), 0)
		r.Every("long", time.Second, func(ctx context.Context) error {
			begun.Add(1)
			if n := under.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer under.Add(-1)
			select {
			case <-ctx.Done():
			case <-time.After(4 * time.Second):
			}
			return ctx.Err()
		})
		r.Every("beside", time.Second, func(context.Context) error { due.Add(1); return nil })
	}
	w.until("intervals go by", 30*time.Second, func() bool { return begun.Load() >= 2 && due.Load() >= 6 })
	if most.Load() != 1 {
		w.Errorf("it was done %d times at once", most.Load())
	}
}

func lostLocks(w *world) {
	db, err := database.OpenURL(w.Context(), w.url)
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(w.Context(), 20*time.Second)
	defer cancel()
	alone := river.Alone(db)
	err = alone(ctx, "guard rails", func(inner context.Context) error {
		if _, err := db.Pool().Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); err != nil {
			return err
		}
		<-inner.Done()
		return context.Cause(inner)
	})
	if ctx.Err() != nil || !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "the connection that held the lock") {
		w.Errorf("the lock is gone, and the work ends with %v", err)
	}
	if err := alone(ctx, "guard rails", func(context.Context) error { return nil }); err != nil {
		w.Errorf("afterwards: %v", err)
	}
}
