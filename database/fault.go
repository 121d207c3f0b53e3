package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/linnet-project/linnet/release"
)

// liteFaults says in our words what SQLite's results mean, and what to do.
var liteFaults = []struct {
	code    int
	meaning error
	text    string
}{
	{sqlite3.SQLITE_BUSY, release.ErrUnavailable, "another process has it locked; wait for that process or end it, nothing was written"},
	{sqlite3.SQLITE_LOCKED, release.ErrUnavailable, "another connection has it locked; try again, nothing was written"},
	{sqlite3.SQLITE_FULL, release.ErrUnavailable, "the disk is full; free some space, nothing was written"},
	{sqlite3.SQLITE_READONLY, release.ErrUnavailable, "it is read-only; make the file and its folder writable for this user"},
	{sqlite3.SQLITE_CANTOPEN, release.ErrUnavailable, "it cannot be opened; check that this user may read and write the file and its folder, and that the disk is not read-only"},
	{sqlite3.SQLITE_PERM, release.ErrUnavailable, "access is denied; check that this user may read and write the file and its folder"},
	{sqlite3.SQLITE_IOERR, release.ErrUnavailable, "the disk reports an error; check it, and the space on it"},
	{sqlite3.SQLITE_INTERRUPT, release.ErrUnavailable, "the work was interrupted, nothing was written"},
	{sqlite3.SQLITE_CONSTRAINT, release.ErrConflict, "it is there already, or what it belongs to is not; read again, nothing was written"},
	{sqlite3.SQLITE_CORRUPT, release.ErrInvalid, "the file is damaged; " + recovery},
	{sqlite3.SQLITE_NOTADB, release.ErrInvalid, "the file is not a database; " + recovery},
	{sqlite3.SQLITE_NOMEM, release.ErrUnavailable, "this process is short of memory, nothing was written"},
	{sqlite3.SQLITE_TOOBIG, release.ErrInvalid, "the value is larger than a database takes"},
	{sqlite3.SQLITE_ERROR, release.ErrInvalid, "its tables are not those of this linnet; run `linnet doctor`"},
}

// recovery is the way out of a damaged file.
const recovery = "keep it as it is, restore a copy in its place and run `linnet audit verify`"

// serverFaults says what PostgreSQL's codes mean, by the first that code begins
// with. What the server or its operator can put right is unavailable, whatever
// it is: a release goes on by itself once it is.
var serverFaults = []struct {
	code    string
	meaning error
	text    string
}{
	{"08", release.ErrUnavailable, "the connection was lost; what was under way may have been written"},
	{"22", release.ErrInvalid, "the server takes no such value"},
	{"23", release.ErrConflict, "it is there already, or what it belongs to is not; read again, nothing was written"},
	{"25006", release.ErrUnavailable, "this server takes no writes: it is a standby, or was made one; name all hosts in the URL"},
	{"25P03", release.ErrUnavailable, "the transaction stood still for too long and the server ended it; nothing was written"},
	{"28", release.ErrUnavailable, "the login was refused; check user, password and pg_hba.conf"},
	{"3D", release.ErrUnavailable, "there is no such database; make it with createdb"},
	{"40", release.ErrUnavailable, "somebody else was writing the same; try again, nothing was written"},
	{"42501", release.ErrUnavailable, "this role may not do that; grant it what docs/postgresql.md says"},
	{"42", release.ErrInvalid, "its tables are not those of this linnet; run it once as the owner of the tables"},
	{"53100", release.ErrUnavailable, "the server's disk is full; free some space, nothing was written"},
	{"53300", release.ErrUnavailable, "the server has too many connections; raise max_connections, or lower pool_max_conns in the URL"},
	{"53", release.ErrUnavailable, "the server is short of memory or disk"},
	{"55P03", release.ErrUnavailable, "somebody else holds it locked; wait for that process or end it, nothing was written"},
	{"57014", release.ErrUnavailable, "the work was interrupted, nothing was written"},
	{"57", release.ErrUnavailable, "the server is stopping or starting; what was under way may have been written"},
	{"58", release.ErrUnavailable, "the server's disk reports an error"},
	{"XX", release.ErrInvalid, "the server says that its data is damaged; restore a copy and run `linnet audit verify`"},
}

// readOnlyServer is the code of a write to a standby.
const readOnlyServer = "25006"

// fault gives an error of the database one of our meanings, says where it was
// and what to do. Errors that have a meaning already pass.
func (d *DB) fault(err error) error {
	if err == nil || meant(err) {
		return err
	}
	if told := d.told(err); told != nil {
		return told
	}
	if d.kind == Postgres {
		return d.unreached(err)
	}
	return PathFault(d.name, err)
}

// within is fault for what came out of a function that was given a transaction:
// what is no error of the database passes, with its name.
func (d *DB) within(err error) error {
	if err == nil || meant(err) {
		return err
	}
	if told := d.told(err); told != nil {
		return told
	}
	if lost(err) {
		return d.unreached(err)
	}
	return fmt.Errorf("%s: %w", d.name, err)
}

// told is an error that the database told of itself; nil for any other.
func (d *DB) told(err error) error {
	var lite *sqlite.Error
	var server *pgconn.PgError
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w: %w", d.name, err, release.ErrUnavailable)
	case errors.As(err, &lite):
		for _, f := range liteFaults {
			if lite.Code()&0xff == f.code { // the low byte is the result, the rest its detail
				return fmt.Errorf("%s: %s (%w): %w", d.name, f.text, err, f.meaning)
			}
		}
		return fmt.Errorf("%s: %w: %w", d.name, err, release.ErrUnavailable)
	case errors.As(err, &server):
		if server.Code == readOnlyServer {
			d.pool.Reset() // these connections lead to a server that was demoted
		}
		for _, f := range serverFaults {
			if strings.HasPrefix(server.Code, f.code) {
				return fmt.Errorf("%s: %s (%w): %w", d.name, f.text, err, f.meaning)
			}
		}
		return fmt.Errorf("%s: the server refuses (%w): %w", d.name, err, release.ErrUnavailable)
	}
	return nil
}

func (d *DB) unreached(err error) error {
	return fmt.Errorf("%s: cannot be reached, or the connection was lost (%w): %w", d.name, err, release.ErrUnavailable)
}

// lost tells whether an error is one of a connection, and not of what was made of
// the rows that came over it.
func lost(err error) bool {
	var wire *net.OpError
	var connect *pgconn.ConnectError
	var conn interface{ SafeToRetry() bool } // what pgx's errors of a connection have in common
	for _, one := range []error{driver.ErrBadConn, sql.ErrConnDone, sql.ErrTxDone, pgconn.ErrConnClosed, io.ErrUnexpectedEOF} {
		if errors.Is(err, one) {
			return true
		}
	}
	return errors.As(err, &wire) || errors.As(err, &connect) || errors.As(err, &conn)
}

// PathFault says what is wrong with a file or folder, and what to do.
func PathFault(path string, err error) error {
	switch {
	case err == nil || meant(err):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%s: the disk is full; free some space: %w", path, release.ErrUnavailable)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s: not writable for this user; change its permissions, or name another folder with --data: %w", path, release.ErrUnavailable)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s: is no folder, or lies in something that is none; name another with --data: %w", path, release.ErrInvalid)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w; make it, or the folder that it is to lie in: %w", path, err, release.ErrNotFound)
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return fmt.Errorf("%s: too many files are open; raise how many this process may open (ulimit -n, LimitNOFILE): %w", path, release.ErrUnavailable)
	case errors.Is(err, syscall.EIO):
		return fmt.Errorf("%s: the disk reports an error; check it: %w", path, release.ErrUnavailable)
	}
	return fmt.Errorf("%s: %w: %w", path, err, release.ErrUnavailable)
}

func meant(err error) bool {
	return errors.Is(err, release.ErrInvalid) || errors.Is(err, release.ErrNotFound) ||
		errors.Is(err, release.ErrConflict) || errors.Is(err, release.ErrUnavailable)
}
