package app

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/linnet-project/linnet/release"
)

// followEvery is how soon a settings file that changed is read again.
const followEvery = 5 * time.Second

// follow has read called until the context ends, so that a change of a file needs
// no restart. A file that is broken meanwhile is told once, as long as the error
// stays the same: what held before holds on.
func (s *serving) follow(ctx context.Context, what string, read func() error) {
	s.group.Go(func() error {
		tick := time.NewTicker(followEvery)
		defer tick.Stop()
		told := ""
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			now := ""
			if err := read(); err != nil {
				now = release.Plain(err)
			}
			switch {
			case now == told:
			case now == "":
				s.log.Info(what + " can be read again")
			default:
				s.log.Error(what+" cannot be read; what held before holds on", "error", now)
			}
			told = now
			s.troubles.set(what, now)
		}
	})
}

// troubles are what is wrong with files that are followed, while what held before
// holds on. It is safe for use by several goroutines.
type troubles struct {
	mu  sync.Mutex
	are map[string]string
}

// set notes what is wrong; nothing where the text is empty.
func (t *troubles) set(what, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.are == nil {
		t.are = map[string]string{}
	}
	if t.are[what] = text; text == "" {
		delete(t.are, what)
	}
}

// lines tells them, one a line.
func (t *troubles) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	for _, what := range slices.Sorted(maps.Keys(t.are)) {
		out = append(out, what+" cannot be read; what held before holds on: "+t.are[what])
	}
	return out
}
