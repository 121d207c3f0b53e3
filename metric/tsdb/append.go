package tsdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/wlog"
)

// Appender begins a transaction that adds samples beside those that are scraped.
func (s *Store) Appender(ctx context.Context) storage.Appender { return s.db.Appender(ctx) }

// Dir is the store's folder.
func (s *Store) Dir() string { return s.config.Dir }

// Notify lets somebody who reads the store's log know of each commit from now on.
func (s *Store) Notify(n wlog.WriteNotified) { s.bell.to.Store(&n) }

// bell tells of commits whoever wants to know.
type bell struct {
	to atomic.Pointer[wlog.WriteNotified]
}

// Notify implements wlog.WriteNotified.
func (b *bell) Notify() {
	if to := b.to.Load(); to != nil {
		(*to).Notify()
	}
}

// Sync makes everything that was committed last through a loss of power. The
// store itself leaves it to the system when its logs reach the disk, which is
// enough for a process that is killed.
func (s *Store) Sync() error {
	for _, name := range []string{"wal", wlog.WblDirName} {
		if err := syncLast(filepath.Join(s.config.Dir, name)); err != nil {
			return fmt.Errorf("metric store %s: %w", s.config.Dir, err)
		}
	}
	return nil
}

// syncLast syncs the last two segments of a log: earlier ones were synced when
// the next was begun.
func syncLast(dir string) error {
	first, last, err := wlog.Segments(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && last < 0 {
		return nil
	}
	if err != nil {
		return err
	}
	paths := []string{dir}
	for i := max(first, last-1); i <= last; i++ {
		paths = append(paths, wlog.SegmentName(dir, i))
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a checkpoint of the store's own took it
		}
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
