package river

import (
	"context"
	"fmt"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/release"
)

// alone is the class of our advisory locks: "lnnt".
const alone = 0x6c6e6e74

// Alone returns what fleet.Config asks for: it calls f while no other replica
// does under the same key. Where another one takes long the error wraps
// release.ErrUnavailable. The lock ends with the connection that holds it, which
// is one besides those that f uses.
func Alone(db *database.DB) func(ctx context.Context, key string, f func(context.Context) error) error {
	return func(ctx context.Context, key string, f func(context.Context) error) error {
		conn, err := db.Pool().Acquire(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w: %w", db.Name(), err, release.ErrUnavailable)
		}
		defer conn.Release()
		short, cancel := context.WithTimeout(ctx, storeWait)
		defer cancel()
		if _, err := conn.Exec(short, `SELECT pg_advisory_lock($1, hashtext($2))`, alone, key); err != nil {
			return fmt.Errorf("%s: another replica holds the lock for %q: %w: %w", db.Name(), key, err, release.ErrUnavailable)
		}
		defer func() {
			short, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWait)
			defer cancel()
			if _, err := conn.Exec(short, `SELECT pg_advisory_unlock($1, hashtext($2))`, alone, key); err != nil {
				_ = conn.Conn().Close(short) // which frees it, too
			}
		}()
		return f(ctx)
	}
}
