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

	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

type sqliteFile struct{ pooled }

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
	s := &sqliteFile{pooled{config: c}}
	s.pooled.try, s.pooled.failure = s.try, s.failure
	s.open(pool)
	return s, nil
}

// try asks once. Its times are texts as SQLite's own functions make them, with
// milliseconds.
func (s *sqliteFile) try(ctx context.Context, q question, answer taker) (web.Clock, error) {
	if _, err := os.Stat(s.config.Database); err != nil {
		return web.Clock{}, fmt.Errorf("%w: %w", err, release.ErrNotFound)
	}
	args := q.values(func(t time.Time) any { return t.UTC().Format(millis) })
	return web.Clock{}, read(ctx, s.pool, q.text, args, answer)
}

func (s *sqliteFile) failure(err error) error {
	var said *sqlite.Error
	switch {
	case errors.Is(err, release.ErrNotFound):
		return err
	case !errors.As(err, &said):
		return invalid("it refuses the query: %v", err)
	}
	switch said.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_NOMEM:
		return fmt.Errorf("%v: %w", said, release.ErrUnavailable)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return invalid("%v; Linnet's user must be able to read the file and what lies beside it (-wal, -shm)", said)
	}
	return invalid("it refuses the query: %v", said)
}
