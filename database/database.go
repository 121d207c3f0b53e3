// Package database opens the one database that a Linnet keeps everything in: a
// SQLite file in the data folder of one machine, or PostgreSQL for several.
//
// Statements are written once, with ? for arguments; where the two differ the
// caller asks for the Kind. Each package that keeps tables has a set of
// migrations of its own. All reading happens in a view that stands still, all
// writing in a transaction that happens as a whole or not at all. Every error
// of the database that comes out of here says what is wrong, where and what to
// do, and has one of the four meanings of package release; what a caller's own
// function makes of rows comes out as it was, with the database's name.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

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
	kind Kind
	name string
	read *sql.DB
	// write is nil where the database was opened for reading only.
	write *sql.DB
	// reads and writes are the statements that SQLite has ready; nil on
	// PostgreSQL.
	reads, writes *prepared
	pool          *pgxpool.Pool
}

// Kind tells what kind of database it is.
func (d *DB) Kind() Kind { return d.kind }

// Name is what errors call it: a file, or a database and its hosts.
func (d *DB) Name() string { return d.name }

// Pool gives the connections to PostgreSQL, for who needs more than statements;
// nil for SQLite.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// Close ends all connections. Calls that are under way fail. The last one to
// close a file folds its log of writes into it, so that one file is left.
func (d *DB) Close() error {
	if d.pool != nil {
		err := d.write.Close()
		d.pool.Close()
		return d.fault(err)
	}
	err := errors.Join(d.reads.close(), d.read.Close())
	if d.write != nil {
		err = errors.Join(err, d.writes.close(), d.write.Close())
	}
	return d.fault(err)
}

// Ping asks whether the database answers and can be written to.
func (d *DB) Ping(ctx context.Context) error {
	return d.Write(ctx, func(tx Tx) error {
		var refuses bool
		if tx.Kind == SQLite {
			// What is there already is written again: a disk that is full says so.
			_, err := tx.Exec(ctx, fmt.Sprintf("PRAGMA application_id = %d", application))
			return err
		}
		err := tx.QueryRow(ctx, `SELECT current_setting('transaction_read_only')::boolean`).Scan(&refuses)
		if err == nil && refuses {
			err = &pgconn.PgError{Code: readOnlyServer, Message: "cannot write in a read-only transaction"}
		}
		return err
	})
}

// statements is what a transaction and a pool of connections have in common.
type statements interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Tx is a transaction.
type Tx struct {
	// Kind is what the statements are for.
	Kind Kind
	on   statements
}

// Exec runs a statement.
func (t Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.on.ExecContext(ctx, t.bind(query), args...)
}

// Query asks for rows.
func (t Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.on.QueryContext(ctx, t.bind(query), args...)
}

// QueryRow asks for one row.
func (t Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return t.on.QueryRowContext(ctx, t.bind(query), args...)
}

// Lock ends a SELECT whose rows nobody else may change before the transaction
// ends. SQLite has one writer at a time and needs no such word.
func (t Tx) Lock() string {
	if t.Kind == Postgres {
		return " FOR UPDATE"
	}
	return ""
}

// Clock is an expression for the time by the database's own clock, in
// nanoseconds since 1970: the one clock that all replicas share.
func (t Tx) Clock() string {
	if t.Kind == Postgres {
		return "(extract(epoch FROM clock_timestamp()) * 1000000000)::bigint"
	}
	return "CAST(unixepoch('now', 'subsec') * 1000000000 AS INTEGER)"
}

// Text is a text as a column can keep it: PostgreSQL takes no zero bytes, and
// nothing that is not UTF-8.
func Text(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// ByBytes is a column of texts as indices for ranges have it: PostgreSQL compares
// texts as the language of the database has it unless it is told otherwise.
func (t Tx) ByBytes(column string) string {
	if t.Kind == Postgres {
		return column + ` COLLATE "C"`
	}
	return column
}

// Has says whether a table is there.
func (t Tx) Has(ctx context.Context, table string) (bool, error) {
	query := `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?`
	if t.Kind == Postgres {
		query = `SELECT count(*) FROM (SELECT to_regclass(?) AS found) AS t WHERE found IS NOT NULL`
	}
	var n int
	err := t.QueryRow(ctx, query, table).Scan(&n)
	return n > 0, err
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
	defer tx.Rollback()
	err = fn(Tx{d.kind, carried(d.reads, tx)})
	_ = tx.Rollback() // nothing was written; the connection is free again
	d.settle(ctx, d.reads)
	return d.within(err)
}

// carried carries out statements in a transaction.
func carried(p *prepared, tx *sql.Tx) statements {
	if p == nil {
		return tx
	}
	return quick{p, tx}
}

func (d *DB) settle(ctx context.Context, p *prepared) {
	if p != nil {
		p.settle(ctx)
	}
}

func (d *DB) still() sql.IsolationLevel {
	if d.kind == Postgres {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault
}

// Glance calls fn for a single statement that reads. It costs less than Read;
// two statements in it may see different things.
func (d *DB) Glance(ctx context.Context, fn func(Tx) error) error {
	if d.reads == nil {
		return d.within(fn(Tx{d.kind, d.read}))
	}
	err := fn(Tx{d.kind, quick{d.reads, nil}})
	d.settle(ctx, d.reads)
	return d.within(err)
}

// Write calls fn in a transaction: all of it happens, or nothing. After an
// error that is release.ErrUnavailable it may have happened all the same, where
// the connection was lost at the very end.
func (d *DB) Write(ctx context.Context, fn func(Tx) error) error {
	if d.write == nil {
		return fmt.Errorf("%s was opened for reading only: %w", d.name, release.ErrUnavailable)
	}
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return d.fault(err)
	}
	defer tx.Rollback()
	if err = d.within(fn(Tx{d.kind, carried(d.writes, tx)})); err == nil {
		err = d.fault(tx.Commit())
	}
	_ = tx.Rollback() // after a commit this does nothing
	d.settle(ctx, d.writes)
	return err
}

// Alone runs a statement of SQLite that cannot be in a transaction (a PRAGMA
// that works row by row, VACUUM INTO) to its end.
func (d *DB) Alone(ctx context.Context, statement string, args ...any) error {
	if d.kind != SQLite || d.write == nil {
		return fmt.Errorf("%s is not a SQLite file that can be written: %w", d.name, release.ErrInvalid)
	}
	rows, err := d.write.QueryContext(ctx, statement, args...)
	if err != nil {
		return d.fault(err)
	}
	defer rows.Close()
	for rows.Next() {
		continue
	}
	return d.fault(rows.Err())
}
