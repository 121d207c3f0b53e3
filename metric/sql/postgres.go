package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// graceful is how long a server is given to hear that nobody waits any more.
const graceful = 2 * time.Second

type postgres struct{ pooled }

func openPostgres(c Config) (server, error) {
	// What the environment and files of this machine's user say about other
	// connections is replaced, field by field.
	p, err := pgx.ParseConfig("host=localhost port=5432 user=linnet database=linnet sslmode=disable passfile=/dev/null connect_timeout=0 target_session_attrs=any")
	if err != nil {
		return nil, invalid("sql: the environment has a PG… variable that cannot be: %v", err)
	}
	if p.TLSConfig, err = c.tls(); err != nil {
		return nil, err
	}
	p.Host, p.Port, p.Database, p.User = c.Host, uint16(c.Port), c.Database, c.User
	p.Password, p.Fallbacks, p.RuntimeParams = "", nil, map[string]string{"application_name": "linnet"}
	p.ConnectTimeout = c.Timeout
	p.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: graceful}
	}
	// Poolers that lend a server for a transaction alone keep no statements.
	p.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	pool := stdlib.OpenDB(*p, stdlib.OptionBeforeConnect(func(_ context.Context, p *pgx.ConnConfig) (err error) {
		p.Password, err = c.password()
		return err
	}))
	s := &postgres{pooled{config: c}}
	s.pooled.try, s.pooled.failure = s.try, s.failure
	s.open(pool)
	return s, nil
}

func (s *postgres) try(ctx context.Context, q question, answer taker) (clock web.Clock, err error) {
	tx, err := s.pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return clock, err
	}
	defer func() { _ = tx.Rollback() }() // it only read
	limit := strconv.FormatInt((s.config.Timeout + graceful).Milliseconds(), 10)
	var now time.Time
	before := s.config.Now()
	err = tx.QueryRowContext(ctx, "SELECT set_config('statement_timeout', $1, true), set_config('TimeZone', 'UTC', true), clock_timestamp()", limit).
		Scan(new(string), new(string), &now)
	if err != nil {
		return clock, err
	}
	return s.off(now, before), read(ctx, tx, q.text, q.values(func(t time.Time) any { return t }), answer)
}

// failure gives an error its meaning, by the classes of SQLSTATE.
func (s *postgres) failure(err error) error {
	var said *pgconn.PgError
	if !errors.As(err, &said) {
		return lost(err)
	}
	text := fmt.Sprintf("%.500s (%s)", said.Message, said.Code)
	if said.Hint != "" {
		text += fmt.Sprintf("; %.200s", said.Hint)
	}
	switch class := said.Code[:min(2, len(said.Code))]; {
	case said.Code == "57014": // by its own limit, or by somebody
		return failure{error: fmt.Errorf("%s: %w", text, release.ErrUnavailable)}
	case class == "08", class == "40", class == "53", class == "57", class == "58", said.Code == "55P03":
		return failure{error: fmt.Errorf("%s: %w", text, release.ErrUnavailable), again: true}
	case class == "28":
		return failure{error: invalid("it refuses %s: %s", s.config.credential(), text)}
	case said.Code == "42501":
		return failure{error: invalid("%s; GRANT %s what the query reads", text, s.config.User)}
	case said.Code == "3D000", said.Code == "42P01":
		return failure{error: fmt.Errorf("%s: %w", text, release.ErrNotFound)}
	}
	return failure{error: invalid("it refuses the query: %s", text)}
}
