package river

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/release"
)

// class is that of our advisory locks: "lnnt".
const class = 0x6c6e6e74

// The ways to take a lock, which answer whether it was had.
const (
	waits = `SELECT true FROM pg_advisory_lock($1, hashtext($2))`
	tries = `SELECT pg_try_advisory_lock($1, hashtext($2))`
)

// stillHeld is how often it is asked whether the connection that holds a lock is
// there, and lockWait how long an answer may take.
const (
	stillHeld = time.Second
	lockWait  = 2 * time.Second
)

// Alone returns what fleet.Config asks for: it calls f while no other replica
// does under the same key. Where another one takes long the error wraps
// release.ErrUnavailable. The lock ends with the connection that holds it, which
// is one besides those that f uses; the context of f ends soon after.
func Alone(db *database.DB) func(ctx context.Context, key string, f func(context.Context) error) error {
	return func(ctx context.Context, key string, f func(context.Context) error) error {
		l, _, err := acquire(ctx, db, key, waits)
		if err != nil {
			return err
		}
		defer l.release(ctx)
		return l.during(ctx, f)
	}
}

// lock is an advisory lock, and the connection that holds it.
type lock struct {
	db   *database.DB
	conn *pgxpool.Conn
	key  string
}

// acquire takes a lock, or tells that another replica has it.
func acquire(ctx context.Context, db *database.DB, key, way string) (l *lock, had bool, err error) {
	conn, err := db.Pool().Acquire(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w: %w", db.Name(), err, release.ErrUnavailable)
	}
	short, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	if err = conn.QueryRow(short, way, class, key).Scan(&had); err != nil {
		err = fmt.Errorf("%s: another replica holds the lock for %q: %w: %w", db.Name(), key, err, release.ErrUnavailable)
	}
	if err != nil || !had {
		conn.Release()
		return nil, false, err
	}
	return &lock{db, conn, key}, true, nil
}

// during calls f. Its context ends when the connection is lost, and the lock with
// it: then another replica may be at the same.
func (l *lock) during(ctx context.Context, f func(context.Context) error) error {
	ctx, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	over, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		l.watch(ctx, over, lost)
	}()
	err := f(ctx)
	close(over)
	<-watched
	if cause := context.Cause(ctx); err != nil && cause != nil && cause != ctx.Err() {
		return fmt.Errorf("%w; %w", cause, err)
	}
	return err
}

// watch asks again and again whether the connection is there, until it is over.
// Asking is not broken off by the end of the work, which would end the connection.
func (l *lock) watch(ctx context.Context, over <-chan struct{}, lost context.CancelCauseFunc) {
	tick := time.NewTicker(stillHeld)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
		}
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), lockWait)
		err := l.conn.Ping(short)
		cancel()
		if err != nil {
			lost(fmt.Errorf("%s: the connection that held the lock for %q was lost: %w: %w", l.db.Name(), l.key, err, release.ErrUnavailable))
			return
		}
	}
}

func (l *lock) release(ctx context.Context) {
	defer l.conn.Release()
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWait)
	defer cancel()
	if _, err := l.conn.Exec(short, `SELECT pg_advisory_unlock($1, hashtext($2))`, class, l.key); err != nil {
		_ = l.conn.Conn().Close(short) // which frees it, too
	}
}
