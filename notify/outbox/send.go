package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/release"
)

const (
	// every is how often it is looked what is due, besides what this process is
	// told itself.
	every = 2 * time.Second
	// mostTries, firstPause and maxPause bound the tries of a delivery: some six
	// hours in all.
	mostTries  = 20
	firstPause = 5 * time.Second
	maxPause   = 30 * time.Minute
	// sendWait bounds a sending that is not bounded by its channel, and leaseFor
	// is how long nobody else sends what is being sent.
	sendWait = time.Minute
	leaseFor = sendWait + 30*time.Second
	// lastWait is how long a sending, and then its marking, may go on when we are to
	// stop: cut short, nobody would know whether the channel has it, and it would
	// be sent again.
	lastWait = 5 * time.Second
	// mostBooks and mostInRow bound a pass, mostAtOnce how many channels are sent
	// to at a time.
	mostBooks  = 100
	mostInRow  = 20
	mostAtOnce = 8
	// mostNotices bounds how many notices of a digest are read.
	mostNotices = 200
	maxFailure  = 500
	pruneEvery  = time.Hour
)

// Run passes until its context ends.
func (o *Outbox) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	passed := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.kick:
		case <-timer.C:
		}
		if err := o.Pass(ctx); err != nil && ctx.Err() == nil {
			o.cfg.Log.Error("notices are not sent, to be tried again", "error", err)
		}
		if passed++; passed%int(pruneEvery/every) == 1 {
			if err := o.Prune(ctx); err != nil && ctx.Err() == nil {
				o.cfg.Log.Warn("old notices are not removed", "error", err)
			}
		}
		timer.Reset(every)
	}
}

// Pass does once what is due: it lets the time pass for notices that wait, and
// sends. What a channel refuses is no error of Pass.
func (o *Outbox) Pass(ctx context.Context) error {
	if err := o.ripen(ctx); err != nil {
		return err
	}
	channels, err := o.due(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(mostAtOnce)
	for _, channel := range channels {
		group.Go(func() error { return o.drain(ctx, channel) })
	}
	return group.Wait()
}

// ripen steps the books whose time has come.
func (o *Outbox) ripen(ctx context.Context) error {
	var names []string
	err := o.cfg.DB.Read(ctx, func(tx database.Tx) error {
		now, err := o.now(ctx, tx)
		if err != nil {
			return err
		}
		names, err = texts(tx.Query(ctx, `SELECT name FROM notices_books WHERE due > 0 AND due <= ? ORDER BY due LIMIT ?`, now.UnixNano(), mostBooks))
		return err
	})
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, o.cfg.DB.Write(ctx, func(tx database.Tx) error {
			now, err := o.now(ctx, tx)
			if err != nil {
				return err
			}
			return o.advance(ctx, tx, name, now)
		}))
	}
	return errors.Join(errs...)
}

// texts reads rows of one text.
func texts(rows *sql.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// due are the channels that something is due for.
func (o *Outbox) due(ctx context.Context) (channels []string, err error) {
	err = o.cfg.DB.Read(ctx, func(tx database.Tx) error {
		now, err := o.now(ctx, tx)
		if err != nil {
			return err
		}
		channels, err = texts(tx.Query(ctx, `SELECT DISTINCT channel FROM notices_deliveries WHERE state = 'waiting' AND due <= ? AND leased <= ?`, now.UnixNano(), now.UnixNano()))
		return err
	})
	return channels, err
}

// drain sends what is due for a channel, one after the other.
func (o *Outbox) drain(ctx context.Context, channel string) error {
	for range mostInRow {
		c, err := o.claim(ctx, channel)
		if err != nil || c == nil {
			return err
		}
		sent, failure := o.send(ctx, c)
		if failure != nil && ctx.Err() != nil {
			failure = errors.Join(failure, release.ErrUnavailable) // it may have been cut short
		}
		// What was sent must be marked, even when we are to stop.
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWait)
		err = o.mark(short, c, sent, failure)
		cancel()
		if err != nil || failure != nil {
			return err // the channel rests until the next pass
		}
	}
	return nil
}

// claimed is a delivery that this process alone sends now.
type claimed struct {
	lease, channel string
	tries          int
	message        release.Message
}

// claim takes the delivery of a channel that is due the longest; nil where there
// is none, or another process sends to the channel now.
func (o *Outbox) claim(ctx context.Context, channel string) (c *claimed, err error) {
	err = o.cfg.DB.Write(ctx, func(tx database.Tx) error {
		now, err := o.now(ctx, tx)
		if err != nil {
			return err
		}
		skip := ""
		if tx.Kind == database.Postgres {
			skip = " FOR UPDATE SKIP LOCKED"
		}
		d := &claimed{channel: channel, lease: o.cfg.Lease()}
		var digest, escalated int64
		err = tx.QueryRow(ctx, `SELECT id, tries, digest, escalated FROM notices_deliveries d
			WHERE channel = ? AND state = 'waiting' AND due <= ? AND leased <= ?
			AND NOT EXISTS (SELECT 1 FROM notices_deliveries o WHERE o.channel = d.channel AND o.state = 'waiting' AND o.leased > ?)
			ORDER BY due, id LIMIT 1`+skip, channel, now.UnixNano(), now.UnixNano(), now.UnixNano()).
			Scan(&d.message.ID, &d.tries, &digest, &escalated)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		d.message.Digest, d.message.Escalated = digest == 1, escalated == 1
		if _, err := tx.Exec(ctx, `UPDATE notices_deliveries SET leased = ?, lease = ?, tries = tries + 1 WHERE id = ?`,
			now.Add(leaseFor).UnixNano(), d.lease, d.message.ID); err != nil {
			return err
		}
		if err := fill(ctx, tx, d); err != nil {
			return err
		}
		c = d
		return nil
	})
	return c, err
}

// fill reads what a delivery tells.
func fill(ctx context.Context, tx database.Tx, d *claimed) error {
	bodies, err := texts(tx.Query(ctx, `SELECT n.body FROM notices_parts p JOIN notices_told n ON n.id = p.notice
		WHERE p.delivery = ? ORDER BY n.at, n.id LIMIT ?`, d.message.ID, mostNotices))
	if err != nil {
		return err
	}
	for _, body := range bodies {
		var n release.Notice
		if err := json.Unmarshal([]byte(body), &n); err != nil {
			return fmt.Errorf("a notice of delivery %s is damaged: %w: %w", d.message.ID, err, release.ErrInvalid)
		}
		d.message.Notices = append(d.message.Notices, n)
	}
	if len(d.message.Notices) == 0 || d.message.Digest {
		return nil
	}
	err = tx.QueryRow(ctx, `SELECT thread FROM notices_threads WHERE channel = ? AND release = ?`, d.channel, releaseOf(d.message.Notices[0])).Scan(&d.message.Thread)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// send sends a delivery, within a time.
func (o *Outbox) send(ctx context.Context, c *claimed) (release.Sent, error) {
	channel := o.plan.Load().Channels[c.channel]
	if channel == nil {
		return release.Sent{}, fmt.Errorf("%s is no channel of the notices file any more: %w", c.channel, release.ErrInvalid)
	}
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendWait)
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastWait, cancel) })()
	return channel.Send(sending, o.compose(c.channel, c.message))
}

// mark says how a sending went. Where the lease lapsed meanwhile and somebody
// else has the delivery, it is theirs to say.
func (o *Outbox) mark(ctx context.Context, c *claimed, sent release.Sent, failure error) error {
	id := c.message.ID
	return o.cfg.DB.Write(ctx, func(tx database.Tx) error {
		now, err := o.now(ctx, tx)
		if err != nil {
			return err
		}
		if failure == nil {
			if _, err := tx.Exec(ctx, `UPDATE notices_deliveries SET state = 'sent', sent_at = ?, leased = 0, failure = '' WHERE id = ? AND lease = ?`, now.UnixNano(), id, c.lease); err != nil {
				return err
			}
			return remember(ctx, tx, c, sent.Thread, now)
		}
		state, tries := "waiting", c.tries+1
		hopeless := errors.Is(failure, release.ErrInvalid) || errors.Is(failure, release.ErrNotFound)
		if (hopeless && !errors.Is(failure, release.ErrUnavailable)) || tries >= mostTries {
			state = "dead"
		}
		o.cfg.Log.Warn("notice not sent", "delivery", id, "channel", c.channel, "tries", tries, "state", state, "error", failure)
		_, err = tx.Exec(ctx, `UPDATE notices_deliveries SET state = ?, due = ?, leased = 0, failure = ? WHERE id = ? AND lease = ?`,
			state, now.Add(max(pause(tries), min(sent.Wait, maxPause))).UnixNano(), clip(failure.Error()), id, c.lease)
		return err
	})
}

// remember keeps the thread of a release on a channel.
func remember(ctx context.Context, tx database.Tx, c *claimed, thread string, now time.Time) error {
	if thread == "" || c.message.Digest || len(c.message.Notices) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO notices_threads (channel, release, thread, at) VALUES (?, ?, ?, ?) ON CONFLICT (channel, release) DO NOTHING`,
		c.channel, releaseOf(c.message.Notices[0]), thread, now.UnixNano())
	return err
}

// pause is how long to wait after so many tries.
func pause(tries int) time.Duration {
	p := firstPause
	for range min(tries, mostTries) - 1 {
		p = min(2*p, maxPause)
	}
	return p
}

// clip makes a text short and fit for any database.
func clip(s string) string {
	if len(s) > maxFailure {
		s = s[:maxFailure] + "…"
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "\x00", "?")
}

// Prune removes notices older than they are to be kept, and what became of them.
func (o *Outbox) Prune(ctx context.Context) error {
	return o.cfg.DB.Write(ctx, func(tx database.Tx) error {
		now, err := o.now(ctx, tx)
		if err != nil {
			return err
		}
		before := now.Add(-o.plan.Load().Rules.Keep).UnixNano()
		for _, statement := range []string{
			`DELETE FROM notices_deliveries WHERE state <> 'waiting' AND due < ?`,
			`DELETE FROM notices_told WHERE at < ? AND NOT EXISTS (SELECT 1 FROM notices_parts p WHERE p.notice = notices_told.id)`,
			`DELETE FROM notices_threads WHERE at < ?`,
		} {
			if _, err := tx.Exec(ctx, statement, before); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `DELETE FROM notices_books WHERE due = 0 AND NOT EXISTS (SELECT 1 FROM notices_told n WHERE n.book = notices_books.name)`)
		return err
	})
}
