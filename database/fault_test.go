package database

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testdb"
)

// What a server says is told in words, with what to do, and never with the
// password; what its operator can put right is unavailable.
func TestServerFaults(t *testing.T) {
	t.Parallel()
	server := testdb.Postgres(t)
	admin := server.Postgres(t, "postgres")
	testdb.Exec(t, admin, `CREATE ROLE guest LOGIN PASSWORD 'geheim'`, `CREATE ROLE standby LOGIN PASSWORD 'geheim'`,
		`ALTER ROLE standby SET default_transaction_read_only = on`, `CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT NOT NULL)`)
	at := func(user, password, name, query string) string {
		return (&url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Host: server.Address(), Path: name, RawQuery: query}).String()
	}
	fails := func(err, meaning error, text string) {
		t.Helper()
		if !errors.Is(err, meaning) || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), server.Password) {
			t.Errorf("error is %v, want %v and %q", err, meaning, text)
		}
	}
	for text, address := range map[string]string{
		"the login was refused":     at("guest", "wrong geheim", "postgres", ""),
		"there is no such database": at("guest", "geheim", "nowhere", ""),
		"cannot be reached":         strings.Replace(at("guest", "geheim", "postgres", ""), server.Address(), "127.0.0.1:1", 1),
	} {
		_, err := OpenURL(t.Context(), address)
		fails(err, release.ErrUnavailable, text)
	}
	if _, err := OpenURL(t.Context(), at("standby", "geheim", "postgres", "")); err == nil {
		t.Error("a server that takes no writes is taken")
	}

	open := func(address string) *DB {
		t.Helper()
		d, err := OpenURL(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		return d
	}
	run := func(d *DB, statement string, args ...any) error {
		return d.Write(t.Context(), func(tx Tx) error {
			_, err := tx.Exec(t.Context(), statement, args...)
			return err
		})
	}
	owner := open(at(server.User, server.Password, "postgres", ""))
	if err := run(owner, `INSERT INTO things VALUES (1, 'kept')`); err != nil {
		t.Fatal(err)
	}
	fails(run(owner, `INSERT INTO things VALUES (1, 'twice')`), release.ErrConflict, "it is there already")
	fails(run(owner, `INSERT INTO things VALUES (2, ?)`, "a\x00b"), release.ErrInvalid, "no such value")
	fails(run(owner, `INSERT INTO nothing VALUES (1)`), release.ErrInvalid, "its tables are not those of this linnet")
	fails(run(open(at("guest", "geheim", "postgres", "")), `DELETE FROM things`), release.ErrUnavailable, "this role may not do that")
	reader := open(at("standby", "geheim", "postgres", "target_session_attrs=any"))
	fails(run(reader, `DELETE FROM things`), release.ErrUnavailable, "takes no writes")

	// Somebody holds the row.
	held, err := admin.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := held.ExecContext(t.Context(), `UPDATE things SET name = 'mine'`); err != nil {
		t.Fatal(err)
	}
	hasty := open(at(server.User, server.Password, "postgres", "lock_timeout=50"))
	fails(run(hasty, `UPDATE things SET name = 'yours'`), release.ErrUnavailable, "somebody else holds it locked")
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}

	// A server that was told to take no writes any more answers all the same.
	only := open(at(server.User, server.Password, "postgres", "pool_max_conns=1"))
	var idle, interval, count string
	err = only.Read(t.Context(), func(tx Tx) error {
		return tx.QueryRow(t.Context(), `SELECT current_setting('tcp_keepalives_idle'), current_setting('tcp_keepalives_interval'), current_setting('tcp_keepalives_count')`).
			Scan(&idle, &interval, &count)
	})
	if err != nil || idle != "5" || interval != "5" || count != "3" {
		t.Errorf("the server asks whether we are there after %s s, each %s s, %s times; %v", idle, interval, count, err)
	}
	if err := run(only, `SET default_transaction_read_only = on`); err != nil {
		t.Fatal(err)
	}
	fails(only.Ping(t.Context()), release.ErrUnavailable, "takes no writes")

	// Connections that are lost are made anew.
	testdb.Exec(t, admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'linnet'`)
	deadline := time.Now().Add(10 * time.Second)
	for err = run(owner, `UPDATE things SET name = 'again'`); err != nil && time.Now().Before(deadline); err = run(owner, `UPDATE things SET name = 'again'`) {
		fails(err, release.ErrUnavailable, owner.Name())
	}
	if err != nil {
		t.Errorf("after its connections were ended: %v", err)
	}
}

// The first host of several that takes writes is used.
func TestSeveralHosts(t *testing.T) {
	t.Parallel()
	server := testdb.Postgres(t)
	at := url.URL{Scheme: "postgres", User: url.UserPassword(server.User, server.Password), Host: "127.0.0.1:1," + server.Address(), Path: "postgres"}
	d, err := OpenURL(t.Context(), at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Ping(t.Context()); err != nil || !strings.Contains(d.Name(), "127.0.0.1:1, "+server.Address()) {
		t.Errorf("%s: %v", d.Name(), err)
	}
}

// What a caller makes of rows is no fault of the database, on either kind, and a
// fault of the database is one whoever meets it.
func TestFaultsOfCallers(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, d *DB) {
		ctx := t.Context()
		for name, in := range map[string]func(context.Context, func(Tx) error) error{"read": d.Read, "glance": d.Glance, "write": d.Write} {
			var into []int
			bad := in(ctx, func(Tx) error { return json.Unmarshal([]byte(`{`), &into) })
			none := in(ctx, func(tx Tx) error {
				return tx.QueryRow(ctx, `SELECT 1 WHERE 1 = 2`).Scan(new(int))
			})
			var syntax *json.SyntaxError
			if !errors.As(bad, &syntax) || meant(bad) || !strings.Contains(bad.Error(), d.Name()) {
				t.Errorf("%s: JSON that is none: %v", name, bad)
			}
			if !errors.Is(none, sql.ErrNoRows) || meant(none) {
				t.Errorf("%s: no rows: %v", name, none)
			}
			if err := in(ctx, func(Tx) error { return &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET} }); !errors.Is(err, release.ErrUnavailable) {
				t.Errorf("%s: a lost connection: %v", name, err)
			}
			over, cancel := context.WithCancel(ctx)
			cancel()
			if err := in(over, func(tx Tx) error { return tx.QueryRow(over, `SELECT 1`).Scan(new(int)) }); !errors.Is(err, release.ErrUnavailable) {
				t.Errorf("%s: nobody waits any more: %v", name, err)
			}
			if err := in(ctx, func(tx Tx) error { return tx.QueryRow(ctx, `SELECT 1 FROM nothing`).Scan(new(int)) }); !errors.Is(err, release.ErrInvalid) {
				t.Errorf("%s: a table that is not there: %v", name, err)
			}
		}
	})
}

func TestFaultsOfFiles(t *testing.T) {
	t.Parallel()
	for errno, want := range map[syscall.Errno]error{
		syscall.EIO: release.ErrUnavailable, syscall.EMFILE: release.ErrUnavailable, syscall.ENFILE: release.ErrUnavailable,
		syscall.ENOENT: release.ErrNotFound, syscall.ENOSPC: release.ErrUnavailable, syscall.ENOTDIR: release.ErrInvalid, syscall.ESTALE: release.ErrUnavailable,
	} {
		if err := PathFault("/x", &fs.PathError{Op: "open", Path: "/x", Err: errno}); !errors.Is(err, want) {
			t.Errorf("%v: %v, want %v", errno, err, want)
		}
	}
}
