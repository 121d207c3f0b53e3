package database

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// Reading a statement takes SQLite as long as carrying it out, for those that
// are carried out hundreds of times a second. The driver for PostgreSQL keeps
// statements by itself.
const (
	// often is from which time on a statement is kept ready.
	often = 3
	// mostReady bounds how many are.
	mostReady = 64
)

// prepared are the statements that a pool of connections has ready.
type prepared struct {
	db *sql.DB

	mu    sync.Mutex
	seen  map[string]int
	ready map[string]*sql.Stmt
}

func newPrepared(db *sql.DB) *prepared {
	return &prepared{db: db, seen: map[string]int{}, ready: map[string]*sql.Stmt{}}
}

// find gives a statement that is ready, or nil, and notes that it was wanted.
func (p *prepared) find(query string) *sql.Stmt {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.ready[query]; s != nil {
		return s
	}
	if _, known := p.seen[query]; known || len(p.seen)+len(p.ready) < mostReady {
		p.seen[query]++
	}
	return nil
}

// settle makes ready what is wanted often. It is called while the caller holds no
// connection, which it might wait for.
func (p *prepared) settle(ctx context.Context) {
	for _, query := range p.wanted() {
		// Not under the lock: whoever has the last connection may be waiting for it.
		s, err := p.db.PrepareContext(ctx, query)
		if err != nil {
			continue // without it the query is read each time, as before
		}
		p.mu.Lock()
		if p.ready[query] == nil {
			p.ready[query], s = s, nil
		}
		p.mu.Unlock()
		if s != nil {
			_ = s.Close() // somebody else was faster
		}
	}
}

// wanted gives what is wanted often and not ready, each to one caller at a time.
func (p *prepared) wanted() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for query, n := range p.seen {
		if n >= often {
			if p.ready[query] == nil {
				all = append(all, query)
			}
			delete(p.seen, query)
		}
	}
	return all
}

func (p *prepared) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, s := range p.ready {
		errs = append(errs, s.Close())
	}
	clear(p.ready)
	return errors.Join(errs...)
}

// quick carries out statements, by those that are ready where there are such.
type quick struct {
	*prepared
	tx *sql.Tx // nil outside of a transaction
}

func (q quick) at(ctx context.Context, query string) *sql.Stmt {
	s := q.find(query)
	if s != nil && q.tx != nil {
		return q.tx.StmtContext(ctx, s)
	}
	return s
}

func (q quick) plain() statements {
	if q.tx != nil {
		return q.tx
	}
	return q.db
}

// ExecContext implements statements.
func (q quick) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if s := q.at(ctx, query); s != nil {
		return s.ExecContext(ctx, args...)
	}
	return q.plain().ExecContext(ctx, query, args...)
}

// QueryContext implements statements.
func (q quick) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s := q.at(ctx, query); s != nil {
		return s.QueryContext(ctx, args...)
	}
	return q.plain().QueryContext(ctx, query, args...)
}

// QueryRowContext implements statements.
func (q quick) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if s := q.at(ctx, query); s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return q.plain().QueryRowContext(ctx, query, args...)
}
