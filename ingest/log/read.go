package log

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"slices"
	"time"
)

// slack is how far apart the times of neighbouring records may be the wrong way
// round: a batch has the time at which it came, and waits before it is written.
const slack = 10 * time.Minute

// Read calls f with every record from a sequence on, in order, until f returns
// an error or the records that were there at the beginning end. A record that
// cannot be read is told to the logger, with the file and the place in it, and
// left out.
func (l *Log) Read(ctx context.Context, from uint64, f func(Record) error) error {
	segments := l.list()
	for i, s := range segments {
		if i+1 < len(segments) && segments[i+1].first <= from {
			continue
		}
		if err := l.readSegment(ctx, s, endOf(segments, i), func(r Record) error {
			if r.Seq < from {
				return nil
			}
			return f(r)
		}); err != nil {
			return err
		}
	}
	return nil
}

// ReadTimes calls f with every record that came in from one time to another, in
// the order of the log, as Read does.
func (l *Log) ReadTimes(ctx context.Context, from, to time.Time, f func(Record) error) error {
	segments := l.list()
	for i, s := range segments {
		if !s.to.IsZero() && s.to.Add(slack).Before(from) || !s.from.IsZero() && s.from.Add(-slack).After(to) {
			continue
		}
		if err := l.readSegment(ctx, s, endOf(segments, i), func(r Record) error {
			if r.At.Before(from) || r.At.After(to) {
				return nil
			}
			return f(r)
		}); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) list() []segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.segments)
}

// endOf is the sequence at which the segment after one begins. What stands in the
// one from there on nobody was told had arrived: it was cut off after a write that
// failed, and a loss of power brought it back.
func endOf(segments []segment, i int) uint64 {
	if i+1 < len(segments) {
		return segments[i+1].first
	}
	return math.MaxUint64
}

func (l *Log) readSegment(ctx context.Context, s segment, end uint64, f func(Record) error) error {
	b, err := os.ReadFile(s.path(l.dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // retention took it in the meantime
	}
	if err != nil {
		return meaning(err)
	}
	b = b[:min(int64(len(b)), s.size)]
	var failed error
	l.scan(s, b, func(payload []byte) bool {
		if failed = ctx.Err(); failed != nil {
			return false
		}
		r, err := decode(payload)
		if err != nil {
			l.options.Logger.Error("a record of the log cannot be read, and was left out", "file", s.path(l.dir), "error", err)
			return true
		}
		if r.Seq >= end {
			return false
		}
		failed = f(r)
		return failed == nil
	})
	return failed
}

// scan calls found with the payload of every whole record in b, until it returns
// false, and returns where the last of them ends. What lies between two records
// is told to the logger.
func (l *Log) scan(s segment, b []byte, found func(payload []byte) bool) (end int) {
	for at := 0; at < len(b); {
		payload, size, err := cut(b[at:])
		if err != nil {
			next := bytes.Index(b[at+1:], magic[:])
			if next < 0 {
				return end
			}
			at += 1 + next
			continue
		}
		if at > end {
			l.options.Logger.Error("part of the log cannot be read, and was left out", "file", s.path(l.dir), "at", end, "bytes", at-end)
		}
		at += size
		end = at
		if !found(payload) {
			return end
		}
	}
	return end
}
