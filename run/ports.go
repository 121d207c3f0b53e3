package run

import (
	"context"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

// Every method below must return soon after its context ends: a turn waits for
// what it has called, so that nothing of it goes on unwatched.

// Router splits the traffic of one service.
type Router interface {
	// Apply makes the data plane serve the route. It is absolute and
	// idempotent. Errors wrap release.ErrInvalid, ErrNotFound, ErrConflict (a
	// newer writer) or ErrUnavailable, the only one worth trying again at once.
	Apply(ctx context.Context, route release.Route) error
	// Observed reads back what the data plane serves now.
	Observed(ctx context.Context) (release.Seen, error)
}

// Renewer is a Router whose weights are leases: renewing keeps what is served;
// release.ErrConflict where there is nothing to renew any more.
type Renewer interface {
	Renew(ctx context.Context, owner string, epoch uint64, lease time.Duration) error
}

// Readier is a Router that can tell whether an arm could take traffic: nil, or
// why not. It is asked before the arm gets more.
type Readier interface {
	Ready(ctx context.Context, arm string) error
}

// Source answers a query for one metric. Missing data is no error. It is asked
// for several metrics at the same time.
type Source interface {
	Observe(ctx context.Context, q release.Query) (release.Answer, error)
}

// Notifier tells people. A notice may come twice; its ID says that it is the
// same one.
type Notifier interface {
	Notify(ctx context.Context, n release.Notice) error
}

// Store is what a turn needs of the journal; see package journal for the
// meaning of each. It is used by two goroutines at a time.
type Store interface {
	Begin(ctx context.Context, id journal.ID, file []byte, rec journal.Record, state *engine.State) error
	Append(ctx context.Context, id journal.ID, expect uint64, rec journal.Record, state *engine.State) error
	Load(ctx context.Context, id journal.ID, fold journal.Fold) (engine.State, uint64, error)
	Waiting(ctx context.Context, id journal.ID) ([]engine.Commanded, error)
}
