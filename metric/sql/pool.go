package sql

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// A release has few metrics, which are asked at the same time.
const (
	mostConnections = 4
	mostIdle        = 2
	idleFor         = time.Minute
)

// pooled is a server behind a driver of database/sql.
type pooled struct {
	config Config
	pool   *sql.DB
	// try asks once, failure gives its errors their meaning.
	try     func(ctx context.Context, q question, answer taker) (web.Clock, error)
	failure func(error) error
}

func (p *pooled) open(pool *sql.DB) {
	pool.SetMaxOpenConns(mostConnections)
	pool.SetMaxIdleConns(mostIdle)
	pool.SetConnMaxIdleTime(idleFor)
	p.pool = pool
}

func (p *pooled) close() { _ = p.pool.Close() } // nothing was written

// ask implements server.
func (p *pooled) ask(ctx context.Context, q question, answer taker) (web.Clock, error) {
	late := fmt.Errorf("no answer within %s", p.config.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, p.config.Timeout, late)
	defer cancel()
	clock, err := p.try(ctx, q, answer)
	switch {
	case err == nil:
		return clock, nil
	case ctx.Err() != nil:
		return clock, over(ctx)
	}
	return clock, p.failure(err)
}

// off is by how much a clock that was read between before and now is outside of
// the two.
func (p *pooled) off(clock, before time.Time) web.Clock {
	switch after := p.config.Now(); {
	case clock.Before(before):
		return web.Clock{Ahead: clock.Sub(before)}
	case clock.After(after):
		return web.Clock{Ahead: clock.Sub(after)}
	}
	return web.Clock{}
}

// asked is a connection or a transaction.
type asked interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// read hands an answer on, row by row.
func read(ctx context.Context, at asked, query string, args []any, answer taker) error {
	rows, err := at.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err tells
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	if err := answer.columns(names); err != nil {
		return err
	}
	values, into := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := answer.row(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// lost is the failure of a connection, which may come back at once where it is
// not the configuration that is wrong.
func lost(err error) error {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, release.ErrInvalid): // of our own, with the reason
		return failure{error: err}
	case errors.As(err, &certificate):
		return failure{error: invalid("%v (caFile, serverName or insecureSkipVerify change what is accepted)", certificate)}
	case errors.As(err, &record), strings.Contains(err.Error(), "server refused TLS"), strings.Contains(err.Error(), "TLS requested but server does not support TLS"):
		return failure{error: invalid("the server does not speak TLS; encrypted: false asks without")}
	}
	return failure{error: fmt.Errorf("%w: %w", err, release.ErrUnavailable), again: true}
}

// over is the error of a context that has ended.
func over(ctx context.Context) error {
	return fmt.Errorf("%w: %w", context.Cause(ctx), release.ErrUnavailable)
}
