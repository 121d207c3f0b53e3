package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/linnet-project/linnet/release"
)

// fileName is the database in a data folder.
const fileName = "linnet.db"

// settings are what tests change to reach a corner sooner.
type settings struct {
	// busy is how long a writer waits for another process's lock.
	busy time.Duration
	// sync is SQLite's synchronous: FULL waits for the disk at every commit.
	sync string
	// every is how many records lie between two snapshots.
	every uint64
	// migrations lead to the newest schema.
	migrations []string
}

func defaults() settings {
	return settings{busy: 5 * time.Second, sync: "FULL", every: 100, migrations: migrations}
}

// Reader reads the journal of a data folder, while another process may be
// writing it. It is safe for use by several goroutines.
type Reader struct {
	db   *sql.DB
	path string
	settings
}

// Store reads and writes the journal of a data folder. It is safe for use by
// several goroutines, and by several processes; who runs a release holds its
// Lock besides.
type Store struct {
	*Reader
	dir   string
	write *sql.DB // one connection: writers queue here, not in SQLite
	mu    sync.Mutex
	packs packer // guarded by mu
}

// Open opens the journal in a data folder for writing, and makes both where
// they do not exist. An older journal is brought to the present schema.
// Errors wrap release.ErrUnavailable (disk full, read-only, locked) or
// release.ErrInvalid (damaged, not ours, from a newer linnet).
func Open(ctx context.Context, dir string) (*Store, error) { return open(ctx, dir, defaults()) }

func open(ctx context.Context, dir string, with settings) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, osFault(dir, err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, osFault(dir, err)
	}
	path := filepath.Join(dir, fileName)
	if err := create(ctx, dir, with); err != nil {
		return nil, err
	}
	write, err := connect(path, 1, with, "_txlock=immediate", "_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, fault(path, err)
	}
	if err := migrate(ctx, write, path, with.migrations); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read, err := connect(path, readers, with, "_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(fault(path, err), write.Close())
	}
	return &Store{Reader: &Reader{db: read, path: path, settings: with}, dir: dir, write: write}, nil
}

// OpenReader opens the journal in a data folder for reading only. A folder
// without a journal is release.ErrNotFound; otherwise errors are those of Open.
func OpenReader(ctx context.Context, dir string) (*Reader, error) {
	return openReader(ctx, dir, defaults())
}

func openReader(ctx context.Context, dir string, with settings) (*Reader, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, osFault(dir, err)
	}
	path := filepath.Join(dir, fileName)
	if err := present(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no releases in %s (it holds no %s); name the data folder with --data: %w", dir, fileName, release.ErrNotFound)
	} else if err != nil {
		return nil, err
	}
	r, err := readAs(ctx, path, with, "mode=ro")
	if err != nil && sealed(path, err) {
		return readAs(ctx, path, with, "immutable=1")
	}
	return r, err
}

// sealed says whether a failed opening is worth another try with a promise
// that nobody writes: a folder that is read-only has no room for the file by
// which readers and writers agree. Where a log of writes lies beside the
// database, it has or had a writer, and the promise would be false.
func sealed(path string, err error) bool {
	var lite *sqlite.Error
	if !errors.As(err, &lite) || lite.Code()&0xff != sqlite3.SQLITE_CANTOPEN && lite.Code()&0xff != sqlite3.SQLITE_READONLY {
		return false
	}
	log, err := os.Stat(path + "-wal")
	return err != nil || log.Size() == 0
}

func readAs(ctx context.Context, path string, with settings, mode string) (*Reader, error) {
	db, err := connect(path, readers, with, mode)
	if err != nil {
		return nil, fault(path, err)
	}
	version, err := schemaOf(ctx, db, path, len(with.migrations))
	if err == nil && version < len(with.migrations) {
		err = fmt.Errorf("%s was written by an older linnet (schema %d, this one reads %d); `linnet run` brings it up to date: %w",
			path, version, len(with.migrations), release.ErrInvalid)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Reader{db: db, path: path, settings: with}, nil
}

// Close ends reading. Calls that are under way fail.
func (r *Reader) Close() error { return fault(r.path, r.db.Close()) }

// Close ends reading and writing. The last one to close a journal folds its
// log of writes into the database, so that one file is left.
func (s *Store) Close() error {
	return errors.Join(s.Reader.Close(), fault(s.path, s.write.Close()))
}

// readers bounds the connections that read at once.
const readers = 4

// connect opens a pool of connections to a database. Every commit is synced
// to the disk before it counts; the log of writes goes into
// the database every 1,000 pages, and its file shrinks to 16 MiB after.
func connect(path string, most int, with settings, more ...string) (*sql.DB, error) {
	query := fmt.Sprintf("_pragma=busy_timeout(%d)&_pragma=foreign_keys(1)&_pragma=synchronous(%s)"+
		"&_pragma=wal_autocheckpoint(1000)&_pragma=journal_size_limit(16777216)&_pragma=cell_size_check(1)",
		with.busy.Milliseconds(), with.sync)
	for _, m := range more {
		query += "&" + m
	}
	name := url.URL{Scheme: "file", Path: path, RawQuery: query}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	return db, nil
}

// querier is what a pool and a transaction have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// reading calls fn with a view of the journal that stands still.
func (r *Reader) reading(ctx context.Context, fn func(q querier) error) error {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fault(r.path, err)
	}
	defer tx.Rollback() // nothing was written
	return fault(r.path, fn(tx))
}

// writing calls fn in a transaction that holds the write lock: all of it
// happens, or nothing.
func (s *Store) writing(ctx context.Context, fn func(tx *sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fault(s.path, err)
	}
	defer tx.Rollback() // after a commit this does nothing
	if err := fn(tx); err != nil {
		return fault(s.path, err)
	}
	return fault(s.path, tx.Commit())
}
