package control

import (
	"context"
	"sync"
	"time"

	"github.com/linnet-project/linnet/journal"
)

const (
	// recentFor is how long an answer of the journal is good for others who ask the
	// same: screens ask for the same lists again and again.
	recentFor = 250 * time.Millisecond
	// mostRecent bounds how many answers are kept.
	mostRecent = 256
)

// recent keeps what the journal answered to choices just now. Many who ask at the
// same time are answered at once.
type recent struct {
	journal Journal
	now     func() time.Time

	mu      sync.Mutex
	answers map[journal.Choice]*recently
}

// recently is one answer; done is closed when it is there.
type recently struct {
	at    time.Time
	done  chan struct{}
	found []journal.Summary
	err   error
}

// choose is Choose of the journal, as it answered at most recentFor ago.
func (r *recent) choose(ctx context.Context, c journal.Choice) ([]journal.Summary, error) {
	now := r.now()
	r.mu.Lock()
	known := r.answers[c]
	mine := known == nil || now.Sub(known.at) >= recentFor || now.Before(known.at)
	if mine {
		if r.answers == nil || len(r.answers) >= mostRecent {
			r.answers = map[journal.Choice]*recently{}
		}
		known = &recently{at: now, done: make(chan struct{})}
		r.answers[c] = known
	}
	r.mu.Unlock()
	if mine {
		// Others wait for it: it does not end with whoever happened to ask first.
		known.found, known.err = r.journal.Choose(context.WithoutCancel(ctx), c)
		if close(known.done); known.err != nil {
			r.forget()
		}
	}
	select {
	case <-known.done:
		return known.found, known.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// forget has the journal asked again: something was begun.
func (r *recent) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers = nil
}
