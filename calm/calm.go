// Package calm keeps the logs of libraries readable. What a library tells of its
// everyday work is left out, and what it says again and again while something is
// down is said now and then: the lines that say what to do are ours, and should be
// found among them. So is what strangers can have said by sending something.
package calm

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// again is how long the same message is not said again.
	again = time.Minute
	// mostKept bounds how many messages are remembered.
	mostKept = 1000
)

// Log is a log for what others have said: warnings and errors alone, each message once a
// minute at most, and then with how often it was left out meanwhile. Where log
// tells debugging messages it tells everything.
func Log(log *slog.Logger) *slog.Logger {
	return slog.New(handler{log.Handler(), "", &said{at: map[string]entry{}}})
}

type entry struct {
	when    time.Time
	leftOut int
}

// said is when each message was said last, by its own time.
type said struct {
	mu sync.Mutex
	at map[string]entry
}

// now notes that a message comes, and tells whether it is said, and how often it
// was not since the last time.
func (s *said) now(what string, when time.Time) (ok bool, leftOut int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, known := s.at[what]
	if age := when.Sub(last.when); known && age >= 0 && age < again { // a clock may have been set back
		last.leftOut++
		s.at[what] = last
		return false, 0
	}
	if len(s.at) >= mostKept {
		clear(s.at)
	}
	s.at[what] = entry{when: when}
	return true, last.leftOut
}

type handler struct {
	slog.Handler
	// about is what the logger was made for, such as one target.
	about string
	said  *said
}

// Enabled implements slog.Handler.
func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.Handler.Enabled(ctx, slog.LevelDebug) || level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if h.Handler.Enabled(ctx, slog.LevelDebug) {
		return h.Handler.Handle(ctx, r)
	}
	ok, leftOut := h.said.now(h.about+r.Message, r.Time)
	if !ok {
		return nil
	}
	if leftOut > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("left_out", leftOut))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.about + fmt.Sprint(attrs), h.said}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.about + name, h.said}
}
