package river

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/linnet-project/linnet/release"
)

const (
	// beatEvery is how often a replica says that it is there; one that has not for
	// goneAfter is gone, and forgotten after replicaKept.
	beatEvery   = 5 * time.Second
	goneAfter   = 15 * time.Second
	replicaKept = time.Hour
)

// Replica is a process that takes turns. Times are by the database's clock.
type Replica struct {
	Name, Version string
	Started, Seen time.Time
	// Turns are how many it took in the minute before Seen.
	Turns int
	// Gone says that it has not been seen for 15 seconds, Leader that River has it
	// do what one does for all, Self that it is this one.
	Gone, Leader, Self bool
}

// beat says that this replica is there, and forgets those that have long not been.
func (c *Caller) beat(ctx context.Context) error {
	turns := 0
	if c.cfg.Turns != nil {
		turns = c.cfg.Turns()
	}
	_, err := c.cfg.DB.Pool().Exec(ctx, `WITH now AS (SELECT (extract(epoch FROM clock_timestamp()) * 1e9)::bigint AS at),
		gone AS (DELETE FROM fleet_replicas WHERE seen < (SELECT at FROM now) - $4 AND name <> $1)
		INSERT INTO fleet_replicas (name, version, started, seen, turns) SELECT $1, $2, at, at, $3 FROM now
		ON CONFLICT (name) DO UPDATE SET seen = excluded.seen, turns = excluded.turns`,
		c.cfg.Name, c.cfg.Version, turns, replicaKept.Nanoseconds())
	return c.fault(err)
}

// leave says that this replica is not there any more.
func (c *Caller) leave(ctx context.Context) error {
	_, err := c.cfg.DB.Pool().Exec(ctx, `DELETE FROM fleet_replicas WHERE name = $1`, c.cfg.Name)
	return c.fault(err)
}

// Replicas tells which there are, the one that began last first. One that ended
// without a word is among them for an hour.
func (c *Caller) Replicas(ctx context.Context) ([]Replica, error) {
	rows, err := c.cfg.DB.Pool().Query(ctx, `SELECT r.name, r.version, r.started, r.seen, r.turns,
		(extract(epoch FROM clock_timestamp()) * 1e9)::bigint - r.seen > $1, l.leader_id IS NOT NULL
		FROM fleet_replicas AS r LEFT JOIN river_leader AS l ON l.leader_id = r.name AND l.expires_at > clock_timestamp()
		ORDER BY r.started DESC, r.name`, goneAfter.Nanoseconds())
	if err != nil {
		return nil, c.fault(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Replica, error) {
		var r Replica
		var started, seen int64
		err := row.Scan(&r.Name, &r.Version, &started, &seen, &r.Turns, &r.Gone, &r.Leader)
		r.Started, r.Seen, r.Self = time.Unix(0, started).UTC(), time.Unix(0, seen).UTC(), r.Name == c.cfg.Name
		return r, err
	})
	return all, c.fault(err)
}

func (c *Caller) fault(err error) error {
	if err != nil {
		err = fmt.Errorf("%s: %w: %w", c.cfg.DB.Name(), err, release.ErrUnavailable)
	}
	return err
}
