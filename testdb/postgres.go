package testdb

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx

	"github.com/linnet-project/linnet/testprogram"
)

// postgresFolder is where Debian has PostgreSQL's programs.
const postgresFolder = "/usr/lib/postgresql/*/bin"

// Postgres starts a PostgreSQL. Users log in with passwords only.
func Postgres(t testing.TB) Server {
	t.Helper()
	initdb, postgres := testprogram.Find(t, "initdb", "postgresql", postgresFolder), testprogram.Find(t, "postgres", "postgresql", postgresFolder)
	h := newHome(t)
	s := Server{Host: "127.0.0.1", Port: freePort(t), User: "postgres", Password: password}
	data := filepath.Join(h.dir, "data")
	h.once(t, initdb, "--pgdata="+data, "--username="+s.User, "--pwfile="+h.write(t, "password", s.Password),
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
	cert, ca, key := h.certificate(t)
	s.CAFile = ca
	db := s.Postgres(t, "postgres")
	h.serve(t, db.PingContext, postgres, "-D", data, number("port", s.Port), "--listen_addresses="+s.Host,
		"--unix_socket_directories="+h.dir, "--fsync=off", "--max_connections=100", "--timezone=Asia/Tokyo",
		"--ssl=on", "--ssl_cert_file="+cert, "--ssl_key_file="+key)
	return s
}

// URL is that of a database of a PostgreSQL, for the user who may do everything.
func (s Server) URL(database string) string {
	at := url.URL{Scheme: "postgres", User: url.UserPassword(s.User, s.Password), Host: s.Address(), Path: database}
	return at.String()
}

// Fresh makes an empty database in a PostgreSQL, and gives its URL.
func (s Server) Fresh(t testing.TB) string {
	t.Helper()
	name := "fresh_" + strings.ToLower(rand.Text())
	db := s.Postgres(t, "postgres")
	Exec(t, db, "CREATE DATABASE "+name)
	_ = db.Close() // it has done its work
	return s.URL(name)
}

// Postgres opens a database of the server, as the user who may do everything.
func (s Server) Postgres(t testing.TB, database string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", s.URL(database)+"?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // the server may be gone
	return db
}

// Exec runs statements, which must succeed.
func Exec(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			t.Fatalf("%.200s: %v", s, err)
		}
	}
}
