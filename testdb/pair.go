package testdb

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/linnet-project/linnet/testprogram"
)

// Pair is a PostgreSQL with another that follows it by streaming replication,
// and takes its place when it fails. The copy is not waited for: what was written
// in the last moment before a fail-over may be lost, as in most installations.
type Pair struct {
	home
	nodes   [2]node
	primary int
	copies  int
}

type node struct {
	server Server
	data   string
	running
}

// NewPair starts a pair.
func NewPair(t testing.TB) *Pair {
	t.Helper()
	p := &Pair{home: newHome(t)}
	for i := range p.nodes {
		p.nodes[i].server = Server{Host: "127.0.0.1", Port: freePort(t), User: "postgres", Password: password}
	}
	first := &p.nodes[0]
	first.data = filepath.Join(p.dir, "first")
	p.once(t, p.program(t, "initdb"), "--pgdata="+first.data, "--username="+first.server.User,
		"--pwfile="+p.write(t, "password", password), "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
	p.run(t, first)
	p.follow(t)
	return p
}

func (p *Pair) program(t testing.TB, name string) string {
	t.Helper()
	return testprogram.Find(t, name, "postgresql", postgresFolder)
}

// URL names both, and which of them is meant: the one that takes writes.
func (p *Pair) URL(database string) string {
	s := p.nodes[0].server
	at := url.URL{
		Scheme: "postgres", User: url.UserPassword(s.User, s.Password), Path: database,
		Host:     s.Address() + "," + p.nodes[1].server.Address(),
		RawQuery: "sslmode=disable&target_session_attrs=read-write",
	}
	return at.String()
}

// Primary is the one that takes writes.
func (p *Pair) Primary() Server { return p.nodes[p.primary].server }

// run starts a node and waits until it answers.
func (p *Pair) run(t testing.TB, n *node) {
	t.Helper()
	db := n.server.Postgres(t, "postgres")
	n.running = p.start(t, db.PingContext, p.program(t, "postgres"), "-D", n.data, number("port", n.server.Port),
		"--listen_addresses="+n.server.Host, "--unix_socket_directories="+p.dir, "--fsync=off", "--max_connections=200",
		"--wal_level=replica", "--track_commit_timestamp=on", "--max_wal_senders=5", "--hot_standby=on", "--wal_keep_size=64MB")
}

// follow makes the node that is not the primary a copy of it.
func (p *Pair) follow(t testing.TB) {
	t.Helper()
	primary, other := &p.nodes[p.primary], &p.nodes[1-p.primary]
	p.copies++
	other.data = filepath.Join(p.dir, "copy-"+strconv.Itoa(p.copies))
	from := "host=" + primary.server.Host + " port=" + strconv.Itoa(primary.server.Port) + " user=postgres password='" + password + "'"
	p.once(t, p.program(t, "pg_basebackup"), "--pgdata="+other.data, "--dbname="+from, "--checkpoint=fast", "--write-recovery-conf", "--no-sync")
	p.run(t, other)
}

// Restart stops the primary as an administrator does, and starts it again.
func (p *Pair) Restart(t testing.TB) {
	t.Helper()
	n := &p.nodes[p.primary]
	n.stop(t, syscall.SIGINT)
	p.run(t, n)
}

// Crash ends the primary at once, and starts it again.
func (p *Pair) Crash(t testing.TB) {
	t.Helper()
	n := &p.nodes[p.primary]
	n.stop(t, syscall.SIGQUIT)
	p.run(t, n)
}

// FailOver ends the primary at once and lets the other take its place; then the
// one that failed becomes the new one's copy.
func (p *Pair) FailOver(t testing.TB) {
	t.Helper()
	p.nodes[p.primary].stop(t, syscall.SIGQUIT)
	p.primary = 1 - p.primary
	n := &p.nodes[p.primary]
	p.once(t, p.program(t, "pg_ctl"), "promote", "--pgdata="+n.data, "--wait")
	p.once(t, p.program(t, "pg_isready"), "--host="+n.server.Host, number("port", n.server.Port))
	db := n.server.Postgres(t, "postgres")
	if err := writable(t.Context(), db); err != nil {
		t.Fatalf("the standby was promoted and does not take writes: %v", err)
	}
	p.follow(t)
}

func writable(ctx context.Context, db *sql.DB) error {
	var standby bool
	err := db.QueryRowContext(ctx, `SELECT pg_is_in_recovery()`).Scan(&standby)
	if err == nil && standby {
		err = errors.New("it is a standby still")
	}
	return err
}

// Addresses are those of both, in the order of the URL.
func (p *Pair) Addresses() []string {
	return []string{p.nodes[0].server.Address(), p.nodes[1].server.Address()}
}

// Processes are the first processes of both, which all others are children of.
func (p *Pair) Processes() []int {
	return []int{p.nodes[0].process.Pid, p.nodes[1].process.Pid}
}
