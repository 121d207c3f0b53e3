package control

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/linnet-project/linnet/journal"
)

const (
	// recentFor is how long an answer of the journal is good for others who ask the
	// same: screens ask for the same lists again and again.
	recentFor = 250 * time.Millisecond
	// mostRecent bounds how many answers are kept, chooseWait how long one may take.
	mostRecent = 256
	chooseWait = 30 * time.Second
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
		known = &recently{at: now, done: make(chan struct{})}
		r.keep(c, known)
	}
	r.mu.Unlock()
	if mine {
		// Others wait for it: it does not end with whoever happened to ask first.
		choosing, cancel := context.WithTimeout(context.WithoutCancel(ctx), chooseWait)
		defer cancel()
		known.found, known.err = r.journal.Choose(choosing, c)
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

// keep keeps an answer, and lets go of those that are too old to be given.
func (r *recent) keep(c journal.Choice, one *recently) {
	maps.DeleteFunc(r.answers, func(_ journal.Choice, old *recently) bool { return one.at.Sub(old.at) >= recentFor })
	if r.answers == nil || len(r.answers) >= mostRecent {
		r.answers = map[journal.Choice]*recently{}
	}
	r.answers[c] = one
}

// forget has the journal asked again: something was begun.
func (r *recent) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers = nil
}
