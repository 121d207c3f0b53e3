package river

import (
	"context"
	"slices"
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

// planned is a turn that is to be a job.
type planned struct {
	id journal.ID
	at time.Time
}

// planner makes jobs of the turns that are to come.
type planner struct {
	insert func(ctx context.Context, jobs []queue.InsertManyParams) error
	now    func() time.Time

	mu   sync.Mutex
	wait []planned
}

func newPlanner(insert func(context.Context, []queue.InsertManyParams) error, now func() time.Time) *planner {
	return &planner{insert: insert, now: now}
}

// add plans a turn.
func (p *planner) add(id journal.ID, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.wait) < mostPlanned {
		p.wait = append(p.wait, planned{id, at})
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
	ready := func(w planned) bool { return all || !w.at.After(now) || w.at.After(now.Add(soon)) }
	p.mu.Lock()
	var take, stay []planned
	for _, w := range p.wait {
		if len(take) < batch && ready(w) {
			take = append(take, w)
		} else {
			stay = append(stay, w)
		}
	}
	p.wait = stay
	p.mu.Unlock()
	if len(take) == 0 {
		return false
	}
	jobs := make([]queue.InsertManyParams, 0, len(take))
	for _, w := range take {
		jobs = append(jobs, w.job(now))
	}
	if err := p.insert(ctx, jobs); err != nil {
		p.mu.Lock()
		p.wait = slices.Concat(take, p.wait)
		p.mu.Unlock()
		return false
	}
	return true
}

// job is a planned turn as a job. One that is due at once is named by the very
// moment: the next one may be due in the same second.
func (w planned) job(now time.Time) queue.InsertManyParams {
	if !w.at.After(now) {
		return turnJob(w.id, "due "+w.at.UTC().Format(time.RFC3339Nano), queue.InsertOpts{Queue: turnsQueue})
	}
	return turnJob(w.id, dueKey(w.at), queue.InsertOpts{Queue: turnsQueue, ScheduledAt: w.at})
}
