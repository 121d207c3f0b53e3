package database

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/linnet-project/linnet/release"
)

// Bounds of connections to PostgreSQL.
const (
	// connectWait bounds the opening of one connection to one host.
	connectWait = 5 * time.Second
	// openConns is how many connections are open at most, where the URL does not
	// say pool_max_conns.
	openConns = 16
	// keepAlive is how soon a host that vanished is found out while nothing is
	// said.
	keepAlive = 5 * time.Second
)

// sessionLimits are what the server holds each of our connections to. A replica
// that stands still in the middle of a transaction must not hold up the others:
// its rows are free again after the first; the second bounds the wait for them. One
// whose machine vanished is found out by the others, and all that it held is free:
// a server left to itself asks after two hours.
var sessionLimits = map[string]string{
	"application_name":                    "linnet",
	"idle_in_transaction_session_timeout": "10000", // milliseconds
	"lock_timeout":                        "5000",
	"tcp_keepalives_idle":                 "5", // seconds
	"tcp_keepalives_interval":             "5",
	"tcp_keepalives_count":                "3",
}

// OpenURL opens a PostgreSQL database by its URL. It may name several hosts
// (postgres://user@one,two/linnet): then the one that takes writes is used,
// and the next one after a fail-over. Connections that are lost are made anew
// by themselves. Errors never show the password in it.
func OpenURL(ctx context.Context, address string) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("not a URL such as postgres://user:password@host:5432/linnet: %w", release.ErrInvalid)
	}
	conn := cfg.ConnConfig
	for name, value := range sessionLimits {
		if conn.RuntimeParams[name] == "" {
			conn.RuntimeParams[name] = value
		}
	}
	conn.ConnectTimeout = connectWait
	if conn.ValidateConnect == nil && !strings.Contains(address, "target_session_attrs") { // it is nil for `any`, too
		conn.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	conn.DialFunc = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: keepAlive, Interval: keepAlive, Count: 3,
	}}).DialContext
	if !strings.Contains(address, "pool_max_conns") {
		cfg.MaxConns = openConns
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	name := fmt.Sprintf("PostgreSQL %s at %s", conn.Database, strings.Join(hosts(conn.Config), ", "))
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

// hosts are the addresses of a configuration, each once.
func hosts(cfg pgconn.Config) []string {
	found := []string{net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))}
	for _, f := range cfg.Fallbacks {
		host := net.JoinHostPort(f.Host, strconv.Itoa(int(f.Port)))
		if found[len(found)-1] != host { // one host is there twice, with TLS and without
			found = append(found, host)
		}
	}
	return found
}
