package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/linnet-project/linnet/release"
)

type sqliteFile struct {
	path string
	pool *sql.DB
}

func openSQLite(c Config) (server, error) {
	path, err := filepath.Abs(c.Database)
	if err != nil {
		return nil, invalid("sql: %v", err)
	}
	name := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{
		"mode":    {"ro"},
		"_pragma": {"query_only(1)", fmt.Sprintf("busy_timeout(%d)", c.Timeout.Milliseconds())},
	}.Encode()}
	pool, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, invalid("sql: %v", err)
	}
	return &sqliteFile{path: path, pool: bounded(pool)}, nil
}

func (s *sqliteFile) close() { _ = s.pool.Close() } // nothing was written

// ask implements server. Its times are texts as SQLite's own functions make
// them, with milliseconds.
func (s *sqliteFile) ask(ctx context.Context, q question, answer taker) (time.Time, error) {
	if _, err := os.Stat(s.path); err != nil {
		return time.Time{}, failure{error: fmt.Errorf("%w: %w", err, release.ErrNotFound)}
	}
	args := q.values(func(t time.Time) any { return t.UTC().Format("2006-01-02 15:04:05.000") })
	err := read(ctx, s.pool, q.text, args, answer)
	var said *sqlite.Error
	switch {
	case err == nil:
		return time.Time{}, nil
	case !errors.As(err, &said):
		return time.Time{}, failure{error: invalid("it refuses the query: %v", err)}
	}
	switch said.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_NOMEM:
		return time.Time{}, failure{error: fmt.Errorf("%v: %w", said, release.ErrUnavailable)}
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return time.Time{}, failure{error: invalid("%v; Linnet's user must be able to read the file and what lies beside it (-wal, -shm)", said)}
	}
	return time.Time{}, failure{error: invalid("it refuses the query: %v", said)}
}
