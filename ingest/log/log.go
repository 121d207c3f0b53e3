// Package log keeps what comes in, as it came, in the order in which it is
// counted: files of records, each of which is whole or known not to be. What
// Write returned from is on disk.
//
// A log has one writer; reading and retaining may go on beside it.
package log

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/linnet-project/linnet/release"
)

const (
	suffix = ".log"
	// oldest is the age at which a segment is closed though it is small, so that
	// retention by time has something to take.
	oldest = time.Hour
)

// Options of a log.
type Options struct {
	// Segment is the size in bytes at which another file begins.
	Segment int64
	// Logger hears of what was cut or cannot be read.
	Logger *slog.Logger
}

// Log is an open log.
type Log struct {
	dir     string
	options Options
	create  func(path string) (file, error)

	mu       sync.Mutex
	segments []segment // in order; the last is written to while file is there
	file     file
	next     uint64
	broken   bool // bytes that nobody acknowledged could not be taken back yet
	buffer   []byte
}

// file is what a log asks of a segment that it writes.
type file interface {
	Write([]byte) (int, error)
	Sync() error
	Truncate(int64) error
	Close() error
}

// segment is a file of records.
type segment struct {
	first uint64    // its first record is this one
	from  time.Time // when that came in; zero while there is none
	to    time.Time // when its last came in; zero where that is not known
	size  int64     // the bytes that are whole and on disk
}

func (s segment) path(dir string) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", s.first, suffix))
}

// Open opens the log in a folder, which it makes, and cuts off what a crash left
// half-written. It must be closed. One process may have it open at a time, but for
// View.
func Open(dir string, o Options) (*Log, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, meaning(err)
	}
	l, err := View(dir, o.Logger)
	if err != nil {
		return nil, err
	}
	l.options.Segment = o.Segment
	l.create = createFile
	if n := len(l.segments); n > 0 {
		if err := l.mend(&l.segments[n-1]); err != nil {
			return nil, meaning(err)
		}
	}
	return l, nil
}

// View opens the log in a folder to be read only, as it is at the moment, whoever
// writes it. It need not be closed. An error wraps release.ErrNotFound where there
// is none.
func View(dir string, logger *slog.Logger) (*Log, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	l := &Log{dir: dir, options: Options{Logger: logger}, next: 1}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, meaning(err)
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		first, err := strconv.ParseUint(name, 10, 64)
		if !ok || err != nil || len(name) != 20 {
			continue
		}
		s := segment{first: first}
		if err := l.begin(&s); err != nil {
			return nil, meaning(err)
		}
		if n := len(l.segments); n > 0 && !s.from.IsZero() {
			l.segments[n-1].to = s.from
		}
		l.segments = append(l.segments, s)
	}
	return l, nil
}

func createFile(path string) (file, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

// begin learns of a segment what its first record tells.
func (l *Log) begin(s *segment) error {
	f, err := os.Open(s.path(l.dir))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	s.size = info.Size()
	head := make([]byte, headSize+32)
	n, _ := f.ReadAt(head, 0) // what is missing is seen when it is read
	if r := (reader{b: head[min(n, headSize+1):n]}); n > headSize && [4]byte(head[:4]) == magic {
		if r.uvarint() == s.first {
			s.from = time.Unix(0, r.varint()).UTC()
		}
	}
	return nil
}

// mend finds the end of the last segment, and cuts off what is no record.
func (l *Log) mend(s *segment) error {
	b, err := os.ReadFile(s.path(l.dir))
	if err != nil {
		return err
	}
	l.next = s.first
	end := l.scan(*s, b, func(payload []byte) bool {
		r := reader{b: payload}
		r.byte()
		seq, at := r.uvarint(), r.varint()
		if !r.bad {
			l.next, s.to = seq+1, time.Unix(0, at).UTC()
		}
		return true
	})
	if end < len(b) {
		l.options.Logger.Warn("the log ended in the middle of a record, which nobody was told had arrived; it was cut off",
			"file", s.path(l.dir), "at", end, "bytes", len(b)-end)
		if err := os.Truncate(s.path(l.dir), int64(end)); err != nil {
			return err
		}
	}
	s.size = int64(end)
	return nil
}

// Write appends batches and returns once they are on disk: the first has the
// sequence that it returns, and the others those after it. After an error,
// which wraps release.ErrUnavailable, nothing was written.
func (l *Log) Write(batches []Packed) (first uint64, err error) {
	if len(batches) == 0 {
		return 0, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	seq := l.next
	b := l.buffer[:0]
	for i, p := range batches {
		b = appendBatch(b, seq+uint64(i), p)
	}
	return seq, l.append(b, len(batches), batches[len(batches)-1].meta.At)
}

// Tick appends a record that says only that a time was reached, as Write does.
func (l *Log) Tick(at time.Time) (seq uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seq = l.next
	return seq, l.append(appendTick(l.buffer[:0], seq, at), 1, at)
}

// append writes records to the last segment.
func (l *Log) append(b []byte, records int, at time.Time) error {
	if cap(b) <= 1<<22 {
		l.buffer = b
	}
	if err := l.ready(at); err != nil {
		return fmt.Errorf("the log %s cannot be written: %w: %w", l.dir, err, release.ErrUnavailable)
	}
	s := &l.segments[len(l.segments)-1]
	_, err := l.file.Write(b)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		// What the disk has of it must not be counted later, since nobody is told
		// that it arrived. After a failed sync nothing more goes into this file.
		l.broken = true
		return fmt.Errorf("the log %s cannot be written: %w: %w", l.dir, errors.Join(err, l.takeBack()), release.ErrUnavailable)
	}
	if s.from.IsZero() {
		s.from = at
	}
	s.to = at
	s.size += int64(len(b))
	l.next += uint64(records)
	return nil
}

// ready makes sure that there is a segment to write to.
func (l *Log) ready(at time.Time) error {
	if err := l.takeBack(); err != nil {
		return err
	}
	if n := len(l.segments); n > 0 && l.file != nil {
		s := l.segments[n-1]
		if s.size < l.options.Segment && (s.from.IsZero() || at.Sub(s.from) < oldest) {
			return nil
		}
		if err := l.file.Close(); err != nil {
			return err
		}
		l.file = nil
	}
	s := segment{first: l.next}
	f, err := l.create(s.path(l.dir))
	if err != nil {
		return err
	}
	if err := syncDir(l.dir); err != nil {
		return errors.Join(err, f.Close())
	}
	l.file = f
	if n := len(l.segments); n > 0 && l.segments[n-1].first == s.first {
		return nil // an empty one, left by a crash
	}
	l.segments = append(l.segments, s)
	return nil
}

// takeBack cuts off what a failed write left.
func (l *Log) takeBack() error {
	if !l.broken {
		return nil
	}
	if l.file != nil {
		s := l.segments[len(l.segments)-1]
		if err := l.file.Truncate(s.size); err != nil {
			return err
		}
		_ = l.file.Close() // its end is where it was; nothing of ours is lost
		l.file = nil
	}
	l.broken = false
	return nil
}

// syncDir makes a new name in a folder last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Size is how many bytes the log takes.
func (l *Log) Size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var n int64
	for _, s := range l.segments {
		n += s.size
	}
	return n
}

// Next is the sequence that the next record will have.
func (l *Log) Next() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// Retain removes whole segments that came in before a time, and the oldest where
// all together have more bytes than that; never one with a record after the
// sequence, which a restart still needs, nor the one that is written.
func (l *Log) Retain(before time.Time, bytes int64, needed uint64) error {
	total := l.Size()
	for {
		l.mu.Lock()
		if len(l.segments) < 2 || l.segments[1].first > needed+1 {
			l.mu.Unlock()
			return nil
		}
		s := l.segments[0]
		old := !s.to.IsZero() && s.to.Before(before)
		if !old && total <= bytes {
			l.mu.Unlock()
			return nil
		}
		l.segments = slices.Delete(l.segments, 0, 1)
		l.mu.Unlock()
		total -= s.size
		if err := os.Remove(s.path(l.dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the log's %s cannot be removed: %w", s.path(l.dir), err)
		}
	}
}

// Forward makes the next record's sequence at least the one given: a log that
// was taken away begins again after what is counted already.
func (l *Log) Forward(seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = max(l.next, seq)
}

// Close closes the log.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.takeBack()
	if l.file != nil {
		err = errors.Join(err, l.file.Close())
		l.file = nil
	}
	return err
}

func meaning(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EIO) {
		return fmt.Errorf("the log: %w: %w", err, release.ErrUnavailable)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the log: %w: %w", err, release.ErrNotFound)
	}
	return fmt.Errorf("the log: %w: %w", err, release.ErrInvalid)
}
