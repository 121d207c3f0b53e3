package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/linnet-project/linnet/release"
)

// FileName is the database in a data folder.
const FileName = "linnet.db"

// readers bounds the connections to a file that read at once.
const readers = 4

// Settings are how a file in a data folder is used.
type Settings struct {
	// Busy is how long a writer waits for another process's lock.
	Busy time.Duration
	// Sync is SQLite's synchronous: FULL waits for the disk at every commit. OFF
	// is for tests that lose no power.
	Sync string
}

// DefaultSettings are those of OpenFolder.
func DefaultSettings() Settings { return Settings{Busy: 5 * time.Second, Sync: "FULL"} }

// OpenFolder opens the SQLite database in a data folder, and makes both where
// they do not exist. Errors wrap release.ErrUnavailable (disk full, read-only,
// locked) or release.ErrInvalid (damaged, not ours, from a newer linnet).
func OpenFolder(ctx context.Context, dir string) (*DB, error) {
	return OpenFolderWith(ctx, dir, DefaultSettings())
}

// OpenFolderWith is OpenFolder with other settings.
func OpenFolderWith(ctx context.Context, dir string, with Settings) (*DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, PathFault(dir, err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, PathFault(dir, err)
	}
	path := filepath.Join(dir, FileName)
	if err := create(ctx, dir, with); err != nil {
		return nil, err
	}
	d := &DB{kind: SQLite, name: path}
	if d.write, err = connect(path, 1, with, "_txlock=immediate", "_pragma=journal_mode(WAL)"); err != nil {
		return nil, d.fault(err)
	}
	if d.read, err = connect(path, readers, with, "_pragma=query_only(1)"); err != nil {
		return nil, errors.Join(d.fault(err), d.write.Close())
	}
	d.reads, d.writes = newPrepared(d.read), newPrepared(d.write)
	// A transaction, so that a file which cannot be written is found out now.
	if err := d.Write(ctx, func(tx Tx) error { return ours(ctx, tx, path) }); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// ReadFolder opens the database in a data folder for reading only, also beside
// a process that writes it, and from a disk that is read-only. A folder without
// one is release.ErrNotFound; otherwise errors are those of OpenFolder.
func ReadFolder(ctx context.Context, dir string) (*DB, error) {
	return ReadFolderWith(ctx, dir, DefaultSettings())
}

// ReadFolderWith is ReadFolder with other settings.
func ReadFolderWith(ctx context.Context, dir string, with Settings) (*DB, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, PathFault(dir, err)
	}
	path := filepath.Join(dir, FileName)
	if err := present(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no releases in %s (it holds no %s); name the data folder with --data: %w", dir, FileName, release.ErrNotFound)
	} else if err != nil {
		return nil, err
	}
	d, err := readAs(ctx, path, with, "mode=ro")
	if err != nil && sealed(path, err) {
		return readAs(ctx, path, with, "immutable=1")
	}
	return d, err
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

func readAs(ctx context.Context, path string, with Settings, mode string) (*DB, error) {
	d := &DB{kind: SQLite, name: path}
	var err error
	if d.read, err = connect(path, readers, with, mode); err != nil {
		return nil, d.fault(err)
	}
	d.reads = newPrepared(d.read)
	if err := d.Read(ctx, func(tx Tx) error { return ours(ctx, tx, path) }); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// connect opens a pool of connections to a file. Every commit is synced
// to the disk before it counts; the log of writes goes into
// the database every 1,000 pages, and its file shrinks to 16 MiB after.
func connect(path string, most int, with Settings, more ...string) (*sql.DB, error) {
	query := fmt.Sprintf("_pragma=busy_timeout(%d)&_pragma=foreign_keys(1)&_pragma=synchronous(%s)"+
		"&_pragma=wal_autocheckpoint(1000)&_pragma=journal_size_limit(16777216)&_pragma=cell_size_check(1)",
		with.Busy.Milliseconds(), with.Sync)
	for _, m := range more {
		query += "&" + m
	}
	name := url.URL{Scheme: "file", Path: path, RawQuery: query}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(most) // writers queue here, not in SQLite
	db.SetMaxIdleConns(most)
	return db, nil
}

// application marks a database as ours, in SQLite's application_id: "LNNT".
const application = 0x4c4e4e54

// form is SQLite's user_version in all files of ours. It counted the schemas of
// the journal before each set of tables had its own number, and stays as it is
// so that programs of that time can go on with a file of today.
const form = 1

// ours refuses databases of other programs, and those of a linnet so new that
// even where it keeps its numbers is not known.
func ours(ctx context.Context, tx Tx, path string) error {
	var mark, version, tables int
	for _, ask := range []struct {
		query string
		into  *int
	}{
		{"PRAGMA application_id", &mark},
		{"PRAGMA user_version", &version},
		{"SELECT count(*) FROM sqlite_schema", &tables},
	} {
		if err := tx.QueryRow(ctx, ask.query).Scan(ask.into); err != nil {
			return err
		}
	}
	switch {
	case mark != application && tables > 0:
		return fmt.Errorf("%s is a database of another program; name another folder with --data: %w", path, release.ErrInvalid)
	case version > form:
		return fmt.Errorf("%s was written by a newer linnet (form %d, this one knows %d); use that version: %w", path, version, form, release.ErrInvalid)
	}
	return nil
}
