// Package quarantine keeps what the front door refused, with the reason and the
// sender, until it is put right, dropped, or too old.
//
// It is a folder of files that are only ever appended to: segments of entries,
// one JSON object a line, and beside each a list of those that are gone. One
// process writes segments; others may read, and drop entries, at the same time. A
// process that is killed leaves at most one line behind that is not whole, which
// readers pass over; its batch was not acknowledged.
package quarantine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

// Config says where a quarantine is and how much it keeps.
type Config struct {
	// Dir is its folder, which is made where it is not there.
	Dir string
	// For is how long entries are kept, Size how many bytes: what is more goes,
	// the oldest first.
	For  time.Duration
	Size int64
	// Now is the clock.
	Now func() time.Time
	// Logger is told what went; nil for nobody.
	Logger *slog.Logger
}

// mostOfBatch and mostBytes bound how many refusals of one batch become entries;
// the rest become one that tells their number.
const (
	mostOfBatch = 10_000
	mostBytes   = 8 << 20
)

// Quarantine is open to take what is refused. It is safe for concurrent use.
type Quarantine struct {
	config Config

	mu       sync.Mutex
	segments []*segment // the oldest first; the last one is written to
	file     *os.File   // nil until something is refused
	tidied   time.Time
}

// segment is one file of entries.
type segment struct {
	name  string
	begun time.Time
	size  int64
	// ids are those of its entries, dropped ones included.
	ids map[string]bool
}

// Open opens a quarantine to take what is refused. Only one process may have it
// open; errors wrap release.ErrInvalid.
func Open(c Config) (*Quarantine, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("quarantine: %w: %w", err, release.ErrInvalid)
	}
	q := &Quarantine{config: c}
	names, err := segmentsOf(c.Dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		s := &segment{name: name, begun: begunOf(name), ids: map[string]bool{}}
		if err := eachLine(filepath.Join(c.Dir, name), func(line []byte) error {
			s.size += int64(len(line)) + 1
			if id := idOf(line); id != "" {
				s.ids[id] = true
			}
			return nil
		}); err != nil {
			return nil, err
		}
		q.segments = append(q.segments, s)
	}
	q.tidy(c.Now())
	return q, nil
}

// Close ends the writing.
func (q *Quarantine) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.end()
}

// Sync makes what was put last through a loss of power. Nothing is held up by it.
func (q *Quarantine) Sync() error {
	q.mu.Lock()
	file := q.file
	q.mu.Unlock()
	if file == nil {
		return nil
	}
	if err := file.Sync(); err != nil && !errors.Is(err, os.ErrClosed) { // who closed it synced it
		return fmt.Errorf("quarantine: %w: %w", err, release.ErrUnavailable)
	}
	dir, err := os.Open(q.config.Dir) // where the file's name is
	if err != nil {
		return fmt.Errorf("quarantine: %w: %w", err, release.ErrUnavailable)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Held tells how many entries are kept, those that were dropped included until
// their file goes, and how many bytes they take.
func (q *Quarantine) Held() (entries int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range q.segments {
		entries, bytes = entries+len(s.ids), bytes+s.size
	}
	return entries, bytes
}

func (q *Quarantine) end() error {
	if q.file == nil {
		return nil
	}
	err := errors.Join(q.file.Sync(), q.file.Close())
	q.file = nil
	return err
}

// Put keeps what was refused of a batch. The same refusals of the same batch, by
// its Seq, may come again after a crash, and are kept once. An error is a
// release.ErrUnavailable: the disk is full, say.
func (q *Quarantine) Put(ctx context.Context, b item.Batch, refused []item.Refusal) error {
	if len(refused) == 0 {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.config.Now()
	lines := make([]byte, 0, 4096)
	var ids []string
	for i, one := range refused {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("quarantine: %w: %w", err, release.ErrUnavailable)
		}
		full := i == mostOfBatch || len(lines) > mostBytes
		if full {
			one = item.Refusal{Code: one.Code, Place: "the rest", Text: fmt.Sprintf(
				"%d more of the batch were refused; the log has it as it came: put the rules or its sender right, and replay it", len(refused)-i)}
		}
		e := entryOf(b, one, i, now)
		if !q.has(e.ID) {
			lines = append(append(lines, e.line()...), '\n')
			ids = append(ids, e.ID)
		}
		if full {
			break
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if err := q.append(lines, ids, now); err != nil {
		return fmt.Errorf("quarantine: %w: %w", err, release.ErrUnavailable)
	}
	q.tidy(now)
	return nil
}

func (q *Quarantine) has(id string) bool {
	for _, s := range q.segments {
		if s.ids[id] {
			return true
		}
	}
	return false
}

// append writes lines at the end, in a segment of their own where the last one
// is full, old, or another process's.
func (q *Quarantine) append(lines []byte, ids []string, now time.Time) error {
	if q.file != nil {
		last := q.segments[len(q.segments)-1]
		if last.size > q.config.Size/16 || now.Sub(last.begun) > q.config.For/16 {
			if err := q.end(); err != nil {
				return err
			}
		}
	}
	if q.file == nil {
		s, err := q.begin(now)
		if err != nil {
			return err
		}
		q.segments = append(q.segments, s)
	}
	last := q.segments[len(q.segments)-1]
	n, err := q.file.Write(lines)
	last.size += int64(n)
	if err != nil {
		// What is half written must not run into what comes next.
		return errors.Join(err, q.end())
	}
	for _, id := range ids {
		last.ids[id] = true
	}
	return nil
}

// begin makes a new file.
func (q *Quarantine) begin(now time.Time) (*segment, error) {
	for try := range 100 {
		begun := now.Add(time.Duration(try))
		name := segmentName(begun)
		f, err := os.OpenFile(filepath.Join(q.config.Dir, name), os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o600)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		q.file = f
		return &segment{name: name, begun: begun, ids: map[string]bool{}}, nil
	}
	return nil, fmt.Errorf("%s has files of this moment already", q.config.Dir)
}

// tidyEvery is how often what is too old is looked for.
const tidyEvery = time.Minute

// Tidy removes what has become too old. Put does so too, but nothing may be
// refused for long.
func (q *Quarantine) Tidy() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tidied = time.Time{}
	q.tidy(q.config.Now())
}

// tidy removes what is too old or too much, the oldest first, and says so.
func (q *Quarantine) tidy(now time.Time) {
	total := int64(0)
	for _, s := range q.segments {
		total += s.size
	}
	if total <= q.config.Size && now.Sub(q.tidied) < tidyEvery {
		return
	}
	q.tidied = now
	for len(q.segments) > 0 {
		s := q.segments[0]
		last := len(q.segments) == 1
		// A segment ends where the next one begins; none is written to for longer
		// than this.
		ended := s.begun.Add(q.config.For / 16)
		if !last {
			ended = q.segments[1].begun
		}
		why := ""
		switch {
		case now.Sub(ended) > q.config.For:
			why = "older than spec.quarantine.for"
		case total > q.config.Size && !last:
			why = "more than spec.quarantine.size"
		}
		if why == "" {
			return
		}
		if err := q.remove(s, last); err != nil {
			q.config.Logger.Warn("the quarantine cannot be tidied up", "file", s.name, "error", err)
			return
		}
		total -= s.size
		q.segments = q.segments[1:]
		q.config.Logger.Warn("what was refused is gone from the quarantine", "why", why, "entries", len(s.ids),
			"from", s.begun.UTC().Format(time.RFC3339), "to", ended.UTC().Format(time.RFC3339))
	}
}

func (q *Quarantine) remove(s *segment, last bool) error {
	if last {
		if err := q.end(); err != nil {
			return err
		}
	}
	path := filepath.Join(q.config.Dir, s.name)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Remove(goneFile(path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Names of files: a segment is called by when it began, in nanoseconds since
// 1970, so that names sort by age.
const (
	segmentEnd = ".ndjson"
	goneEnd    = ".gone"
)

func segmentName(begun time.Time) string {
	return fmt.Sprintf("%020d%s", begun.UnixNano(), segmentEnd)
}

func begunOf(name string) time.Time {
	var nanos int64
	if _, err := fmt.Sscanf(strings.TrimSuffix(name, segmentEnd), "%d", &nanos); err != nil {
		return time.Time{}
	}
	return time.Unix(0, nanos)
}

func goneFile(segment string) string { return strings.TrimSuffix(segment, segmentEnd) + goneEnd }
