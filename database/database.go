// Package database opens the one database that a Linnet keeps everything in: a
// SQLite file in the data folder of one machine, or PostgreSQL for several.
//
// Statements are written once, with ? for arguments; where the two differ the
// caller asks for the Kind. Each package that keeps tables has a set of
// migrations of its own. All reading happens in a view that stands still, all
// writing in a transaction that happens as a whole or not at all.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver

	"github.com/linnet-project/linnet/release"
)

// Kind is a kind of database.
type Kind string

// The kinds.
const (
	SQLite   Kind = "SQLite"
	Postgres Kind = "PostgreSQL"
)

// DB is an open database. It is safe for use by several goroutines.
type DB struct {
	kind        Kind
	name        string
	read, write *sql.DB
	pool        *pgxpool.Pool
}

// fileName is the database in a data folder.
const fileName = "linnet.db"

// OpenFolder opens the SQLite database in a data folder, and makes both where
// they do not exist.
func OpenFolder(ctx context.Context, dir string) (*DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	path := filepath.Join(dir, fileName)
	open := func(more string) (*sql.DB, error) {
		at := url.URL{Scheme: "file", Path: path, RawQuery: "_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)" + more}
		return sql.Open("sqlite", at.String())
	}
	write, err := open("&_txlock=immediate&_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1) // writers queue here, not in SQLite
	read, err := open("&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(4)
	d := &DB{kind: SQLite, name: path, read: read, write: write}
	if err := write.PingContext(ctx); err != nil {
		return nil, errors.Join(d.fault(err), d.Close())
	}
	return d, nil
}

// OpenURL opens a PostgreSQL database by its URL, which may name several hosts.
// Errors never show the password in it.
func OpenURL(ctx context.Context, address string) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("database: not a URL such as postgres://user:password@host:5432/linnet: %w", release.ErrInvalid)
	}
	cfg.ConnConfig.RuntimeParams["application_name"] = "linnet"
	cfg.ConnConfig.ConnectTimeout = connectWait
	name := fmt.Sprintf("PostgreSQL %s at %s:%d", cfg.ConnConfig.Database, cfg.ConnConfig.Host, cfg.ConnConfig.Port)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot be reached: %w", name, release.ErrUnavailable)
	}
	db := stdlib.OpenDBFromPool(pool)
	d := &DB{kind: Postgres, name: name, read: db, write: db, pool: pool}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(d.fault(err), d.Close())
	}
	return d, nil
}

// connectWait bounds the opening of one connection.
const connectWait = 5 * time.Second

// Kind tells what kind of database it is.
func (d *DB) Kind() Kind { return d.kind }

// Name is what errors call it: a file, or a database and its host.
func (d *DB) Name() string { return d.name }

// Pool gives the connections to PostgreSQL, for who needs more than statements;
// nil for SQLite.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// Close ends all connections. Calls that are under way fail.
func (d *DB) Close() error {
	if d.pool != nil {
		err := d.write.Close()
		d.pool.Close()
		return err
	}
	return errors.Join(d.read.Close(), d.write.Close())
}

// Tx is a transaction.
type Tx struct {
	// Kind is what the statements are for.
	Kind Kind
	tx   *sql.Tx
}

// Exec runs a statement.
func (t Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.tx.ExecContext(ctx, t.bind(query), args...)
}

// Query asks for rows.
func (t Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.tx.QueryContext(ctx, t.bind(query), args...)
}

// QueryRow asks for one row.
func (t Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return t.tx.QueryRowContext(ctx, t.bind(query), args...)
}

// Lock ends a SELECT whose rows nobody else may change before the transaction
// ends. SQLite has one writer at a time and needs no such word.
func (t Tx) Lock() string {
	if t.Kind == Postgres {
		return " FOR UPDATE"
	}
	return ""
}

// bind numbers the arguments where PostgreSQL wants that. No statement of ours
// has a ? of another meaning.
func (t Tx) bind(query string) string {
	if t.Kind != Postgres {
		return query
	}
	var b strings.Builder
	n := 0
	for _, r := range query {
		if r == '?' {
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Read calls fn with a view of the database that stands still.
func (d *DB) Read(ctx context.Context, fn func(Tx) error) error {
	tx, err := d.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: d.still()})
	if err != nil {
		return d.fault(err)
	}
	defer tx.Rollback() // nothing was written
	return d.fault(fn(Tx{d.kind, tx}))
}

func (d *DB) still() sql.IsolationLevel {
	if d.kind == Postgres {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault
}

// Write calls fn in a transaction: all of it happens, or nothing.
func (d *DB) Write(ctx context.Context, fn func(Tx) error) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return d.fault(err)
	}
	defer tx.Rollback() // after a commit this does nothing
	if err := fn(Tx{d.kind, tx}); err != nil {
		return d.fault(err)
	}
	return d.fault(tx.Commit())
}

// fault gives an error of the database one of our meanings.
func (d *DB) fault(err error) error {
	for _, meaning := range []error{nil, release.ErrInvalid, release.ErrNotFound, release.ErrConflict, release.ErrUnavailable} {
		if errors.Is(err, meaning) {
			return err
		}
	}
	return fmt.Errorf("%s: %w: %w", d.name, err, release.ErrUnavailable)
}
