package journal

import (
	"context"
	"time"

	"github.com/linnet-project/linnet/database"
)

// pruneMost bounds how many releases one call of Prune removes.
const pruneMost = 20

// Prune removes releases that ended, and were last written, before a time:
// records, snapshots, commands and the release file. What stays is the row of
// the index with the last sequence and hash, so that the release is still
// known, its attempt is not given again, and an old head can be compared. It
// returns how many it removed, at most 20 a call; call again while it is more
// than 0.
func (s *Store) Prune(ctx context.Context, olderThan time.Time) (int, error) {
	old, err := s.entries(ctx, `SELECT `+entryColumns+` FROM releases
		WHERE outcome <> '' AND pruned = 0 AND updated < ? ORDER BY updated LIMIT ?`, olderThan.UnixNano(), pruneMost)
	if err != nil {
		return 0, err
	}
	for n, at := range old {
		if err := s.prune(ctx, at); err != nil {
			return n, err
		}
	}
	if len(old) == 0 {
		return 0, nil
	}
	return len(old), s.reclaim(ctx)
}

// prune removes one release, unless it was written to since it was read.
func (s *Store) prune(ctx context.Context, at entry) error {
	return s.db.Write(ctx, func(tx database.Tx) error {
		marked, err := tx.Exec(ctx, `UPDATE releases SET pruned = 1, live = 0,
			past = (SELECT coalesce(max(id), 0) FROM records WHERE release = releases.id) WHERE id = ? AND seq = ?`, at.key, at.Seq)
		if err != nil {
			return err
		}
		if n, err := marked.RowsAffected(); err != nil || n == 0 {
			return err
		}
		for _, table := range []string{"records", "snapshots", "commands", "files"} {
			if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE release = ?`, at.key); err != nil {
				return err
			}
		}
		return nil
	})
}

// reclaim gives up to 20 MB of free pages of a file back to the disk, and moves
// the log of writes into it as far as no reader needs it. PostgreSQL
// does the like by itself.
func (s *Store) reclaim(ctx context.Context) error {
	if s.db.Kind() != database.SQLite {
		return nil
	}
	for _, pragma := range []string{"PRAGMA incremental_vacuum(5000)", "PRAGMA wal_checkpoint(PASSIVE)"} {
		if err := s.db.Alone(ctx, pragma); err != nil {
			return err
		}
	}
	return nil
}
