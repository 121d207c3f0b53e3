package river

import (
	"context"
	"sync"
	"time"

	queue "github.com/riverqueue/river"

	"github.com/linnet-project/linnet/journal"
)

const (
	// soon is how near a turn is that River's scheduler, which looks every 5 s,
	// would find too late: it is held here until its time.
	soon = 5 * time.Second
	// gathering is how long turns are gathered, to be made jobs in one statement;
	// batch how many at most.
	gathering = 50 * time.Millisecond
	batch     = 500
	// mostPlanned bounds what is held while the database is away; what is dropped
	// is found overdue.
	mostPlanned = 50_000
)

// planner makes jobs of the turns that are to come. Of a release it holds one, the
// next: each turn plans the one after it, and what came between, a command say,
// must not leave a release with one more for ever.
type planner struct {
	insert func(ctx context.Context, jobs []queue.InsertManyParams) error
	now    func() time.Time

	mu   sync.Mutex
	wait map[journal.ID]time.Time
}

func newPlanner(insert func(context.Context, []queue.InsertManyParams) error, now func() time.Time) *planner {
	return &planner{insert: insert, now: now, wait: map[journal.ID]time.Time{}}
}

// add plans a turn, unless one is planned that comes before.
func (p *planner) add(id journal.ID, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.wait[id]
	if !ok && len(p.wait) < mostPlanned || ok && at.Before(known) {
		p.wait[id] = at
	}
}

// run makes jobs of what is planned until the context ends.
func (p *planner) run(ctx context.Context) {
	for pause(ctx, gathering) == nil {
		short, cancel := context.WithTimeout(ctx, storeWait)
		p.flush(short, false)
		cancel()
	}
}

// rest makes jobs of all that is left, before the process ends.
func (p *planner) rest(ctx context.Context) {
	for more := true; more && ctx.Err() == nil; {
		more = p.flush(ctx, true)
	}
}

// flush makes jobs of a batch: what is due, and what is due later than soon; all
// of it where nobody is there to wait. It says whether there may be more. What
// cannot be made a job stays, for the next time.
func (p *planner) flush(ctx context.Context, all bool) bool {
	now := p.now()
	take := map[journal.ID]time.Time{}
	p.mu.Lock()
	for id, at := range p.wait {
		if len(take) < batch && (all || !at.After(now) || at.After(now.Add(soon))) {
			take[id] = at
			delete(p.wait, id)
		}
	}
	p.mu.Unlock()
	if len(take) == 0 {
		return false
	}
	jobs := make([]queue.InsertManyParams, 0, len(take))
	for id, at := range take {
		jobs = append(jobs, planned(id, at, now))
	}
	if err := p.insert(ctx, jobs); err != nil {
		for id, at := range take {
			p.add(id, at)
		}
		return false
	}
	return true
}

// planned is a turn as a job. One that is due at once is named by the very moment:
// the next one may be due in the same second.
func planned(id journal.ID, at, now time.Time) queue.InsertManyParams {
	if !at.After(now) {
		return turnJob(id, "due "+at.UTC().Format(time.RFC3339Nano), queue.InsertOpts{Queue: turnsQueue})
	}
	return turnJob(id, dueKey(at), queue.InsertOpts{Queue: turnsQueue, ScheduledAt: at})
}
