package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

type mySQL struct{ pooled }

func openMySQL(c Config) (server, error) {
	m := mysql.NewConfig()
	m.Net, m.Addr = "tcp", net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
	if strings.HasPrefix(c.Host, "/") {
		m.Net, m.Addr = "unix", c.Host
	}
	tls, err := c.tls()
	if err != nil {
		return nil, err
	}
	m.User, m.DBName, m.TLS, m.Timeout = c.User, c.Database, tls, c.Timeout
	m.ParseTime, m.Loc, m.Params = true, time.UTC, map[string]string{"time_zone": "'+00:00'"}
	m.Logger = &mysql.NopLogger{} // errors are returned
	err = m.Apply(mysql.BeforeConnect(func(_ context.Context, m *mysql.Config) (err error) {
		m.Passwd, err = c.password()
		return err
	}))
	if err != nil {
		return nil, invalid("sql: %v", err)
	}
	connector, err := mysql.NewConnector(m)
	if err != nil {
		return nil, invalid("sql: %v", err)
	}
	s := &mySQL{pooled{config: c}}
	s.pooled.try, s.pooled.failure = s.try, s.failure
	s.open(sql.OpenDB(connector))
	return s, nil
}

func (s *mySQL) try(ctx context.Context, q question, answer taker) (clock web.Clock, err error) {
	conn, err := s.pool.Conn(ctx)
	if err != nil {
		return clock, err
	}
	defer func() { _ = conn.Close() }() // it only read
	var id int64
	var version string
	var now time.Time
	before := s.config.Now()
	if err := conn.QueryRowContext(ctx, "SELECT CONNECTION_ID(), VERSION(), UTC_TIMESTAMP(6)").Scan(&id, &version, &now); err != nil {
		return clock, err
	}
	clock = s.off(now, before)
	limits := fmt.Sprintf("SET SESSION max_execution_time = %d, sql_select_limit = %d", (s.config.Timeout + graceful).Milliseconds(), rows.Most+1)
	if strings.Contains(version, "MariaDB") {
		limits = fmt.Sprintf("SET SESSION max_statement_time = %.3f, sql_select_limit = %d", (s.config.Timeout + graceful).Seconds(), rows.Most+1)
	}
	if _, err := conn.ExecContext(ctx, limits); err != nil {
		return clock, err
	}
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return clock, err
	}
	defer func() { _ = tx.Rollback() }()
	err = read(ctx, tx, q.text, q.values(func(t time.Time) any { return t }), answer)
	if err != nil && ctx.Err() != nil {
		s.stop(ctx, id)
	}
	return clock, err
}

// stop ends a query that nobody waits for: its server does not see that its
// client went away before it has something to say.
func (s *mySQL) stop(ctx context.Context, id int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceful)
	defer cancel()
	_, _ = s.pool.ExecContext(ctx, fmt.Sprintf("KILL %d", id)) // else its own limit ends it
}

// meanings are the errors of MySQL and MariaDB by number.
var meanings = map[uint16]error{
	1040: release.ErrUnavailable, // too many connections
	1053: release.ErrUnavailable, // it shuts down
	1203: release.ErrUnavailable, // too many connections of the user
	1205: release.ErrUnavailable, // waited for a lock
	1213: release.ErrUnavailable, // deadlock
	1226: release.ErrUnavailable, // the user's quota is used up
	1927: release.ErrUnavailable, // the connection was ended
	1049: release.ErrNotFound,    // no such database
	1146: release.ErrNotFound,    // no such table
}

func (s *mySQL) failure(err error) error {
	var said *mysql.MySQLError
	if !errors.As(err, &said) {
		return lost(err)
	}
	text := fmt.Sprintf("%.500s (%d)", said.Message, said.Number)
	switch said.Number {
	case 1044, 1045, 1698:
		return failure{error: invalid("it refuses %s: %s", s.config.credential(), text)}
	case 1142, 1143:
		return failure{error: invalid("%s; GRANT %s what the query reads", text, s.config.User)}
	case 1317, 1969, 3024: // by its own limit, or by somebody
		return failure{error: fmt.Errorf("%s: %w", text, release.ErrUnavailable)}
	}
	if meaning := meanings[said.Number]; meaning != nil {
		return failure{error: fmt.Errorf("%s: %w", text, meaning), again: meaning == release.ErrUnavailable}
	}
	return failure{error: invalid("it refuses the query: %s", text)}
}
