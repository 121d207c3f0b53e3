package app

import (
	"context"
	"time"
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
				now = plain(err)
			}
			switch {
			case now == told:
			case now == "":
				s.log.Info(what + " can be read again")
			default:
				s.log.Error(what+" cannot be read; what held before holds on", "error", now)
			}
			told = now
		}
	})
}
