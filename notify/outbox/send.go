package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

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
	sendWait = 20 * time.Second
	leaseFor = sendWait + 10*time.Second
	// lastWait is how long a sending, and then its marking, may go on when we are to
	// stop: cut short, nobody would know whether the channel has it, and it would
	// be sent again.
	lastWait = 5 * time.Second
	// markWait bounds one try to keep how a sending went, and markAgain is the
	// pause before the next.
	markWait  = 2 * time.Second
	markAgain = 500 * time.Millisecond
	// mostBooks and mostInRow bound a pass.
	mostBooks = 100
	mostInRow = 20
	// mostNotices bounds how many notices of a digest are read.
	mostNotices = 200
	maxFailure  = 500
	pruneEvery  = time.Hour
	// passWait bounds what a pass asks of the database before it sends, and a
	// removal of what is old: a connection that went silent is not waited for.
	passWait = 30 * time.Second
	// longestWait is longer than a notice can wait: eight days of quiet hours in a
	// row, and a day until it has lasted or somebody else is called.
	longestWait = 10 * 24 * time.Hour
)

// Run passes until its context ends. No channel holds up another: each is sent to
// beside the others, and a pass waits for none.
func (o *Outbox) Run(ctx context.Context) {
	timer, prune := time.NewTimer(0), time.NewTimer(0)
	defer timer.Stop()
	defer prune.Stop()
	var l lanes
	defer l.group.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-prune.C:
			short, cancel := context.WithTimeout(ctx, passWait)
			if err := o.Prune(short); err != nil && ctx.Err() == nil {
				o.cfg.Log.Warn("old notices are not removed", "error", err)
			}
			cancel()
			prune.Reset(pruneEvery)
			continue
		case <-o.kick:
		case <-timer.C:
		}
		if err := errors.Join(o.begin(ctx, &l), l.ended()); err != nil && ctx.Err() == nil {
			o.cfg.Log.Warn("notices wait; they are tried again", "error", err)
		}
		timer.Reset(every)
	}
}

// Pass does once what is due: it lets the time pass for notices that wait, and
// sends. What a channel refuses is no error of Pass.
func (o *Outbox) Pass(ctx context.Context) error {
	var l lanes
	err := o.begin(ctx, &l)
	l.group.Wait()
	return errors.Join(err, l.ended())
}

// begin lets the time pass for notices that wait, and has sent what is due. A
// book that cannot be stepped holds up nothing but itself.
func (o *Outbox) begin(ctx context.Context, l *lanes) error {
	short, cancel := context.WithTimeout(ctx, passWait)
	defer cancel()
	ripened := o.ripen(short)
	channels, err := o.due(short)
	for _, channel := range channels {
		l.start(channel, func() error { return o.drain(ctx, channel) })
	}
	return errors.Join(ripened, err)
}

// lanes are the channels that are sent to now.
type lanes struct {
	group sync.WaitGroup
	mu    sync.Mutex
	busy  map[string]bool
	errs  []error
}

// start has a channel sent to, unless it is already.
func (l *lanes) start(channel string, send func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy[channel] {
		return
	}
	if l.busy == nil {
		l.busy = map[string]bool{}
	}
	l.busy[channel] = true
	l.group.Go(func() {
		err := send()
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.busy, channel)
		l.errs = append(l.errs, err)
	})
}

// ended tells what went wrong since it was asked last.
func (l *lanes) ended() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := errors.Join(l.errs...)
	l.errs = nil
	return err
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
		if sent, err := o.sendNext(ctx, channel); err != nil || !sent {
			return err // after a failure the channel rests until the next pass
		}
	}
	return nil
}

// sendNext sends what is due the longest for a channel. Its time begins before it
// is claimed: a process that is stopped in between sends nothing once others may.
func (o *Outbox) sendNext(ctx context.Context, channel string) (bool, error) {
	sending, cancel := lingering(ctx, sendWait)
	defer cancel()
	claiming, done := context.WithTimeout(ctx, passWait)
	c, err := o.claim(claiming, channel)
	done()
	if err != nil || c == nil {
		return false, err
	}
	sent, failure := o.send(sending, c)
	if failure != nil && ctx.Err() != nil {
		failure = errors.Join(failure, release.ErrUnavailable) // it may have been cut short
	}
	return failure == nil, o.note(ctx, c, sent, failure)
}

// lingering ends after a time, and soon after a context ends.
func lingering(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(lastWait, cancel) })
	return own, func() { stop(); cancel() }
}

// note marks how a sending went. As long as nobody else may send the message that
// is tried again: one that is sent and not marked is sent twice.
func (o *Outbox) note(ctx context.Context, c *claimed, sent release.Sent, failure error) error {
	whole, cancel := lingering(ctx, leaseFor-sendWait)
	defer cancel()
	for {
		short, done := context.WithTimeout(whole, markWait)
		err := o.mark(short, c, sent, failure)
		done()
		if err == nil || whole.Err() != nil {
			return err
		}
		o.cfg.Log.Warn("how a notice was sent cannot be kept; it is tried again", "delivery", c.message.ID, "sent", failure == nil, "error", err)
		again := time.NewTimer(markAgain)
		select {
		case <-again.C:
		case <-whole.Done():
		}
		again.Stop()
	}
}

// claimed is a delivery that this process alone sends now.
type claimed struct {
	lease, channel string
	tries          int
	message        release.Message
	// damaged is why notices of it cannot be read; nil where all can.
	damaged error
}

// claimLock is the class of PostgreSQL's advisory locks by which one process at a
// time claims a delivery of a channel: "ntce".
const claimLock = 0x6e746365

// claim takes the delivery of a channel that is due the longest; nil where there
// is none, or another process sends to the channel now.
func (o *Outbox) claim(ctx context.Context, channel string) (c *claimed, err error) {
	err = o.cfg.DB.Write(ctx, func(tx database.Tx) error {
		now, err := o.now(ctx, tx)
		if err != nil {
			return err
		}
		if tx.Kind == database.Postgres {
			// Else two at once would each see that nobody sends, and send two messages
			// of a channel in any order. What comes after sees what the other did.
			if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(?, hashtext(?))`, claimLock, channel); err != nil {
				return err
			}
		}
		d := &claimed{channel: channel, lease: o.cfg.Lease()}
		var digest, escalated int64
		err = tx.QueryRow(ctx, `SELECT id, tries, digest, escalated FROM notices_deliveries d
			WHERE channel = ? AND state = 'waiting' AND due <= ? AND leased <= ?
			AND NOT EXISTS (SELECT 1 FROM notices_deliveries o WHERE o.channel = d.channel AND o.state = 'waiting' AND o.leased > ?)
			ORDER BY due, id LIMIT 1`+tx.Lock(), channel, now.UnixNano(), now.UnixNano(), now.UnixNano()).
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

// fill reads what a delivery tells. A notice that is damaged holds up no other.
func fill(ctx context.Context, tx database.Tx, d *claimed) error {
	bodies, err := texts(tx.Query(ctx, `SELECT n.body FROM notices_parts p JOIN notices_told n ON n.id = p.notice
		WHERE p.delivery = ? ORDER BY n.at, n.id LIMIT ?`, d.message.ID, mostNotices))
	if err != nil {
		return err
	}
	for _, body := range bodies {
		var n release.Notice
		if err := json.Unmarshal([]byte(body), &n); err != nil {
			d.damaged = fmt.Errorf("a notice of delivery %s is damaged: %w: %w", d.message.ID, err, release.ErrInvalid)
			continue
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

// send sends a delivery. A channel that is not known may be one of a file that
// this process has not read yet.
func (o *Outbox) send(ctx context.Context, c *claimed) (release.Sent, error) {
	if c.damaged != nil && len(c.message.Notices) == 0 {
		return release.Sent{}, c.damaged // for good: it is given up, and counts as dead
	}
	if c.damaged != nil {
		o.cfg.Log.Error("a notice is left out of what is sent", "channel", c.channel, "error", c.damaged)
	}
	channel := o.plan.Load().Channels[c.channel]
	if channel == nil {
		return release.Sent{}, fmt.Errorf("%s is no channel of the notices file; add it again, or let this be given up: %w", c.channel, release.ErrUnavailable)
	}
	if ctx.Err() != nil {
		return release.Sent{}, fmt.Errorf("there was no time to send it: %w: %w", ctx.Err(), release.ErrUnavailable)
	}
	return channel.Send(ctx, o.compose(c.channel, c.message))
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
// Those of a service of which something still waits stay for so long as anything
// can wait.
func (o *Outbox) Prune(ctx context.Context) error {
	return o.cfg.DB.Write(ctx, func(tx database.Tx) error {
		now, err := o.now(ctx, tx)
		if err != nil {
			return err
		}
		before := now.Add(-o.plan.Load().Rules.Keep).UnixNano()
		for _, statement := range []string{
			`DELETE FROM notices_deliveries WHERE state IN ('sent', 'dead') AND due < ?`,
			`DELETE FROM notices_threads WHERE at < ?`,
		} {
			if _, err := tx.Exec(ctx, statement, before); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `DELETE FROM notices_told WHERE at < ? AND NOT EXISTS (SELECT 1 FROM notices_parts p WHERE p.notice = notices_told.id)
			AND (at < ? OR NOT EXISTS (SELECT 1 FROM notices_books b WHERE b.name = notices_told.book AND b.due > 0))`, before, before-int64(longestWait)); err != nil {
			return err
		}
		// Whoever has a book now puts a notice into it, which the next statement sees.
		const idle = ` FROM notices_books WHERE due = 0 AND NOT EXISTS (SELECT 1 FROM notices_told n WHERE n.book = notices_books.name)`
		if _, err := texts(tx.Query(ctx, `SELECT name`+idle+tx.Lock())); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE`+idle)
		return err
	})
}
