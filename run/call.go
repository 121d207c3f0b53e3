package run

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// call calls an adapter with a deadline. A panic is an error of that adapter: a
// source that trips over an odd answer must not keep a release from rolling
// back, at every restart again.
func (r *Runner) call(ctx context.Context, what string, limit time.Duration, f func(context.Context) error) (err error) {
	ctx, end := r.span(ctx, what)
	defer func() { end(err) }()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			r.about().Error("panic", "call", what, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("%s panics, which is a bug: %v: %w", what, p, release.ErrInvalid)
		}
	}()
	return f(ctx)
}

// retry calls f, and again with back-off while it is unavailable.
func retry(ctx context.Context, f func() error) error {
	for i := 1; ; i++ {
		err := f()
		again := errors.Is(err, release.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
		if !again || i == tries || pause(ctx, wait(i)) != nil {
			return err
		}
	}
}

// interruptible runs f until it ends. An abort that arrives meanwhile ends f's
// context, so that it never waits for something slow; cut says so.
func (r *Runner) interruptible(ctx context.Context, f func(context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(ctx)
	}()
	poll := time.NewTicker(commandPoll)
	defer poll.Stop()
	for {
		select {
		case <-done:
			return
		case <-poll.C:
			if r.abortWaits(ctx) {
				r.cut = true
				cancel()
				<-done
				return
			}
		}
	}
}

func (r *Runner) abortWaits(ctx context.Context) bool {
	commands, err := r.waiting(ctx, pollWait)
	if err != nil {
		return false
	}
	for _, c := range commands {
		if c.Verb == engine.Abort {
			return true
		}
	}
	return false
}

// wait is how long to wait after the i-th failure: doubling, with jitter.
func wait(i int) time.Duration {
	d := backOff << (i - 1)
	return d/2 + rand.N(d)
}

// pause waits, or returns early with the context's error.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// clip bounds a text that comes from outside before it is recorded.
func clip(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}

// keep adds texts from outside to a list, up to its bound.
func keep(list []string, more ...string) []string {
	for _, s := range more {
		if len(list) < maxWarnings {
			list = append(list, clip(s))
		}
	}
	return list
}
