package fleet

import (
	"context"
	"sync"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
)

// inboxFresh is how old the last reading of all inboxes may be to be gone by.
const inboxFresh = 2 * time.Second

// inbox knows for which releases commands wait, by one reading of the store for
// all of them, so that not every release asks for itself.
type inbox struct {
	mu     sync.Mutex
	readAt time.Time
	waits  map[journal.ID]bool
}

// read notes the releases that have commands waiting.
func (b *inbox) read(at time.Time, ids []journal.ID) {
	waits := make(map[journal.ID]bool, len(ids))
	for _, id := range ids {
		waits[id] = true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.readAt, b.waits = at, waits
}

// empty says that surely nothing waited for a release at the last reading.
func (b *inbox) empty(now time.Time, id journal.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	age := now.Sub(b.readAt)
	return !b.readAt.IsZero() && age >= 0 && age < inboxFresh && !b.waits[id]
}

// glance is the store as a runner sees it: the inbox is asked only where
// something may be in it.
type glance struct {
	Store
	fleet *Fleet
}

// Waiting implements run.Store.
func (g glance) Waiting(ctx context.Context, id journal.ID) ([]engine.Commanded, error) {
	if g.fleet.inbox.empty(g.fleet.cfg.Now(), id) {
		return nil, nil
	}
	return g.Store.Waiting(ctx, id)
}
