package fleet

import (
	"container/heap"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/linnet-project/linnet/journal"
)

// Queue is what Timers need of the journal: which releases are overdue, which are
// unfinished, and which have commands waiting.
type Queue interface {
	Overdue(ctx context.Context, by time.Duration, limit int) ([]journal.ID, error)
	Unfinished(ctx context.Context) ([]journal.ID, error)
	Ordered(ctx context.Context) ([]journal.ID, error)
}

// TimersConfig is what Timers work with. Fleet, Queue and Now must be set.
type TimersConfig struct {
	Fleet *Fleet
	Queue Queue
	Now   func() time.Time
	Log   *slog.Logger
	// Workers bounds the turns that are taken at once; 512 where it is 0. Besides
	// those, a quarter as many are kept for releases that a person commands.
	Workers int
}

const (
	// inboxPoll is how often all inboxes are looked at, storePoll how long one
	// look may take.
	inboxPoll = 250 * time.Millisecond
	storePoll = 5 * time.Second
	// sweepEvery is how often releases are looked for that nobody here knows.
	sweepEvery = 15 * time.Second
	// pacing is how far apart releases are taken up that were found together, so
	// that thousands do not ask their sources at once.
	pacing = 2 * time.Millisecond
	// mostOverdue bounds how many overdue releases are put in order; the others
	// come after them.
	mostOverdue = 10_000
	// hopes is after how many failures in a row a command hurries a release no more.
	hopes = 3
	// leastRest is how long a release rests at least between two turns.
	leastRest = time.Millisecond
)

// Timers call the turns of all releases of one machine, each when it is due.
type Timers struct {
	cfg  TimersConfig
	kick chan struct{} // something has changed; the plan is made anew

	mu      sync.Mutex
	known   map[journal.ID]*entry
	waiting entries  // those that wait for their time
	urgent  []*entry // those that a person commands, in their order
	busy    int      // workers, and urgent ones
	hasty   int
	turns   sync.WaitGroup
}

// NewTimers returns Timers; Run has them go.
func NewTimers(cfg TimersConfig) *Timers {
	if cfg.Workers == 0 {
		cfg.Workers = 512
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	t := &Timers{cfg: cfg, kick: make(chan struct{}, 1), known: map[journal.ID]*entry{}}
	cfg.Fleet.OnBegun(func(id journal.ID) { t.add(id, cfg.Now()) })
	return t
}

// Run takes turns until the context ends; it returns once none is under way.
func (t *Timers) Run(ctx context.Context) {
	defer t.turns.Wait()
	t.turns.Go(func() { t.every(ctx, inboxPoll, t.poll) })
	t.turns.Go(func() { t.every(ctx, sweepEvery, t.sweep) })
	for ctx.Err() == nil {
		timer := time.NewTimer(t.start(ctx))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-t.kick:
		}
		timer.Stop()
	}
}

// every calls f now, and again and again.
func (t *Timers) every(ctx context.Context, d time.Duration, f func(context.Context) error) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	failing := false
	for {
		short, cancel := context.WithTimeout(ctx, storePoll)
		err := f(short)
		cancel()
		if err != nil && ctx.Err() == nil && !failing {
			t.cfg.Log.Error("the journal cannot be read", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sweep takes up what is unfinished and not known here, the longest overdue
// first: all of it at the start, and later what another process has left.
func (t *Timers) sweep(ctx context.Context) error {
	ids, err := t.cfg.Queue.Overdue(ctx, 0, mostOverdue)
	if err != nil {
		return err
	}
	others, err := t.cfg.Queue.Unfinished(ctx)
	if err != nil {
		return err
	}
	ids = append(ids, others...)
	due := t.cfg.Now()
	for _, id := range ids {
		if t.add(id, due) {
			due = due.Add(pacing)
		}
	}
	return nil
}

// poll looks at all inboxes, and has the turn taken of those that have something:
// also of a release that is not known here, since it was begun elsewhere, or since
// it ended in the moment in which somebody ordered something of it.
func (t *Timers) poll(ctx context.Context) error {
	at := t.cfg.Now()
	ids, err := t.cfg.Queue.Ordered(ctx)
	if err != nil {
		return err
	}
	t.cfg.Fleet.inbox.read(at, ids)
	for _, id := range ids {
		t.add(id, at)
	}
	t.mu.Lock()
	for _, id := range ids {
		if e := t.known[id]; e != nil && e.state == resting && !t.hopeless(id) {
			heap.Remove(&t.waiting, e.place)
			e.state = hurried
			t.urgent = append(t.urgent, e)
		}
	}
	t.mu.Unlock()
	t.changed()
	return nil
}

// hopeless says that turns of a release have failed again and again: a command
// does not change that, and waits for the next try.
func (t *Timers) hopeless(id journal.ID) bool {
	how, ok := t.cfg.Fleet.Status(id)
	return ok && how.Failures > hopes
}

// add enters a release, unless it is known.
func (t *Timers) add(id journal.ID, due time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known[id] != nil {
		return false
	}
	e := &entry{id: id, due: due}
	t.known[id] = e
	heap.Push(&t.waiting, e)
	t.changed()
	return true
}

func (t *Timers) changed() {
	select {
	case t.kick <- struct{}{}:
	default:
	}
}

// start begins the turns that are due, as far as there are workers, and says how
// long it is until the next one is.
func (t *Timers) start(ctx context.Context) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.cfg.Now()
	for len(t.urgent) > 0 && t.hasty < max(t.cfg.Workers/4, 1) {
		e := t.urgent[0]
		t.urgent = t.urgent[1:]
		t.hasty++
		t.begin(ctx, e, &t.hasty)
	}
	for len(t.waiting) > 0 && !t.full() && !t.waiting[0].due.After(now) {
		t.busy++
		t.begin(ctx, heap.Pop(&t.waiting).(*entry), &t.busy)
	}
	if len(t.waiting) == 0 || t.full() {
		return sweepEvery // a turn that ends kicks
	}
	return max(t.waiting[0].due.Sub(now), leastRest)
}

// full says that no more turns are begun now: all workers are busy, or the store
// is behind with what was seen. Turns that wait for sources hold up nobody.
func (t *Timers) full() bool {
	return t.busy >= t.cfg.Workers || t.busy > mostStoring && t.cfg.Fleet.late.Load() > 0
}

// begin takes a turn in a goroutine of its own, and enters when the next is due.
func (t *Timers) begin(ctx context.Context, e *entry, workers *int) {
	e.state = turning
	t.turns.Go(func() {
		turn, _ := t.cfg.Fleet.Turn(ctx, e.id) // the fleet has told what went wrong
		t.mu.Lock()
		defer t.mu.Unlock()
		*workers--
		if turn.Over {
			delete(t.known, e.id)
		} else {
			e.due, e.state = t.cfg.Now().Add(max(turn.Next, leastRest)), resting
			heap.Push(&t.waiting, e)
		}
		t.changed()
	})
}

// Lag is how long the turn that has waited longest is overdue, and how many are;
// Running how many are under way, Length how many releases there are.
type Lag struct {
	Oldest  time.Duration
	Overdue int
	Running int
	Length  int
}

// Lag tells how far behind the turns are.
func (t *Timers) Lag() Lag {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.cfg.Now()
	lag := Lag{Length: len(t.known), Running: t.busy + t.hasty}
	for _, e := range t.waiting {
		if late := now.Sub(e.due); late > 0 {
			lag.Overdue++
			lag.Oldest = max(lag.Oldest, late)
		}
	}
	lag.Overdue += len(t.urgent)
	return lag
}
