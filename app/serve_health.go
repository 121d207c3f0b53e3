package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/linnet-project/linnet/database"
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
			http.Error(w, plain(err), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
		for _, line := range s.troubles.lines() {
			fmt.Fprintln(w, line) // it works on, by what held before
		}
	})
	return nil, nil
}

// ready says what keeps the server from its work: a store that does not answer,
// or turns that are not taken when they are due.
func (s *serving) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	var errs []error
	err := s.db.Glance(ctx, func(tx database.Tx) error {
		var one int
		return tx.QueryRow(ctx, `SELECT 1`).Scan(&one)
	})
	if err != nil {
		errs = append(errs, fmt.Errorf("the store does not answer: %w", err))
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
