package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/linnet-project/linnet/release"
)

const (
	// readyWait bounds the question whether the store answers.
	readyWait = 2 * time.Second
	// behind is how long overdue a turn may be.
	behind = 30 * time.Second
)

// openHealth says whether the process lives, and whether it does its work.
func (s *serving) openHealth(context.Context) (func() error, error) {
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	s.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := s.ready(r.Context()); err != nil {
			s.log.Warn("not ready", "error", err)
			http.Error(w, s.told(r, release.Plain(err), "not ready"), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
		for _, line := range s.troubles.lines() {
			fmt.Fprintln(w, s.told(r, line, "a file that is followed cannot be read")) // it works on, by what held before
		}
	})
	return nil, nil
}

// told is what is wrong, for those who have logged in: it may name files and
// addresses. Strangers are told less.
func (s *serving) told(r *http.Request, all, less string) string {
	if _, err := s.who.Authenticate(r); err != nil {
		return less + "; those who have logged in are told more, and so is the log"
	}
	return all
}

// ready says what keeps the server from its work: a store that does not answer,
// or turns that are not taken when they are due.
func (s *serving) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	var errs []error
	if err := s.db.Ping(ctx); err != nil {
		errs = append(errs, fmt.Errorf("the store takes nothing: %w", err))
	}
	if s.river != nil {
		return errors.Join(append(errs, s.behind(ctx))...)
	}
	if lag := s.timers.Lag(); lag.Oldest > behind {
		errs = append(errs, fmt.Errorf("%d turns are overdue, the oldest by %s; is this machine, or the store, too slow: %w",
			lag.Overdue, lag.Oldest.Round(time.Second), release.ErrUnavailable))
	}
	return errors.Join(errs...)
}
