package tsdb

import (
	"context"
	"log/slog"
	"strings"
)

// calm is a log in which it is no warning that a process before this one was
// killed: the lock that it left is free, and samples are read from the log.
type calm struct{ slog.Handler }

// leftLock is how the store begins to say so.
const leftLock = "A lockfile from a previous execution already existed"

// Handle implements slog.Handler.
func (c calm) Handle(ctx context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, leftLock) {
		if r.Level = slog.LevelInfo; !c.Enabled(ctx, r.Level) {
			return nil
		}
	}
	return c.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (c calm) WithAttrs(attrs []slog.Attr) slog.Handler { return calm{c.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (c calm) WithGroup(name string) slog.Handler { return calm{c.Handler.WithGroup(name)} }
