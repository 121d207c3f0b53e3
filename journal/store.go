package journal

import (
	"context"
	"errors"
	"path/filepath"
	"sync"

	"github.com/linnet-project/linnet/database"
)

// settings are what tests change to reach a corner sooner.
type settings struct {
	database.Settings
	// every is how many records lie between two snapshots.
	every uint64
	// migrations lead to the newest schema.
	migrations []database.Migration
}

func defaults() settings {
	return settings{Settings: database.DefaultSettings(), every: 100, migrations: migrations}
}

// Reader reads the journal, while another process may be writing it. It is safe
// for use by several goroutines.
type Reader struct {
	db *database.DB
	settings
	// own says that the database was opened with the journal, and is closed with
	// it.
	own bool
}

// Store reads and writes the journal. It is safe for use by several goroutines,
// and by several processes; who runs a release in a data folder holds its Lock
// besides.
type Store struct {
	*Reader
	mu    sync.Mutex
	packs packer // guarded by mu
	marks marks
}

// Open opens the journal in a data folder for writing, and makes both where
// they do not exist. An older journal is brought to the present schema.
// Errors wrap release.ErrUnavailable (disk full, read-only, locked) or
// release.ErrInvalid (damaged, not ours, from a newer linnet).
func Open(ctx context.Context, dir string) (*Store, error) { return open(ctx, dir, defaults()) }

func open(ctx context.Context, dir string, with settings) (*Store, error) {
	db, err := database.OpenFolderWith(ctx, dir, with.Settings)
	if err != nil {
		return nil, err
	}
	s, err := on(ctx, db, with)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.own = true
	return s, nil
}

// On is the journal of a database that is open, whose tables it makes or brings
// to the present schema. Closing it leaves the database open.
func On(ctx context.Context, db *database.DB) (*Store, error) { return on(ctx, db, defaults()) }

func on(ctx context.Context, db *database.DB, with settings) (*Store, error) {
	if err := db.Migrate(ctx, set, with.migrations); err != nil {
		return nil, err
	}
	return &Store{Reader: &Reader{db: db, settings: with}}, nil
}

// OpenReader opens the journal in a data folder for reading only. A folder
// without a journal is release.ErrNotFound; otherwise errors are those of Open.
func OpenReader(ctx context.Context, dir string) (*Reader, error) {
	return openReader(ctx, dir, defaults())
}

func openReader(ctx context.Context, dir string, with settings) (*Reader, error) {
	db, err := database.ReadFolderWith(ctx, dir, with.Settings)
	if err != nil {
		return nil, err
	}
	r, err := readerOn(ctx, db, with)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	r.own = true
	return r, nil
}

// ReaderOn is On for reading only: it makes no tables, and where there is no
// journal that is release.ErrNotFound.
func ReaderOn(ctx context.Context, db *database.DB) (*Reader, error) {
	return readerOn(ctx, db, defaults())
}

func readerOn(ctx context.Context, db *database.DB, with settings) (*Reader, error) {
	if err := db.Check(ctx, set, with.migrations); err != nil {
		return nil, err
	}
	return &Reader{db: db, settings: with}, nil
}

// Close ends reading and writing. Calls that are under way fail. A database that
// was open before stays open.
func (r *Reader) Close() error {
	if !r.own {
		return nil
	}
	return r.db.Close()
}

// folder is the data folder; empty on PostgreSQL.
func (r *Reader) folder() string {
	if r.db.Kind() != database.SQLite {
		return ""
	}
	return filepath.Dir(r.db.Name())
}
