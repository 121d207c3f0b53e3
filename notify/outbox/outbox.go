// Package outbox keeps notices in the database until people were told. A release
// that puts a notice here is done with it and never waits for a channel; what
// becomes of the notice is decided by package notify, and sent from here by any
// one of the processes that share the database.
//
// A delivery is claimed by a lease before it is sent and marked after, so that
// two processes do not send it twice. One that is killed between the two does: the
// lease lapses, and another sends it again, under the same id. What is not sent is
// tried again with longer and longer pauses, and in the end kept as dead, to be
// seen and sent by hand.
package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/notify"
	"github.com/linnet-project/linnet/release"
)

// Channel is a place where people are told.
type Channel interface {
	// Send sends a message. It may come twice under one id. Errors wrap
	// release.ErrUnavailable where another try may help, and hold no secret.
	Send(ctx context.Context, m release.Message) (release.Sent, error)
}

// Plan is who is told of what, and by which channels.
type Plan struct {
	Rules notify.Rules
	// Channels and Words are those of the rules' channels, by name. A channel
	// without an entry in Words uses those that are built in.
	Channels map[string]Channel
	Words    map[string]notify.Words
}

// Config is what an Outbox works with.
type Config struct {
	DB *database.DB
	Plan
	// Page is the URL of a release's page; nil for none.
	Page func(release.Notice) string
	// Server is added to commands, so that they reach this server; "" for none.
	Server string
	// Now is the clock; nil for that of the database, which all processes share.
	Now func() time.Time
	// Lease draws the name of a lease.
	Lease func() string
	Log   *slog.Logger
}

// Outbox is safe for use by several goroutines.
type Outbox struct {
	cfg  Config
	plan atomic.Pointer[Plan]
	kick chan struct{}
}

// New makes the tables where they are not there yet.
func New(ctx context.Context, cfg Config) (*Outbox, error) {
	if err := Migrate(ctx, cfg.DB); err != nil {
		return nil, err
	}
	return newOutbox(cfg), nil
}

func newOutbox(cfg Config) *Outbox {
	o := &Outbox{cfg: cfg, kick: make(chan struct{}, 1)}
	o.Follow(cfg.Plan)
	return o
}

// Follow takes another plan; what waits goes on by it as far as it can.
func (o *Outbox) Follow(p Plan) { o.plan.Store(&p) }

// maxBody bounds a stored notice, in bytes.
const maxBody = 64 << 10

// Notify implements run.Notifier: once it returns, the notice is kept, and comes
// to what the rules say. The same id again changes nothing.
func (o *Outbox) Notify(ctx context.Context, n release.Notice) error {
	if n.Topic == "" {
		n.Topic = n.Release + "/" + n.ID // of an old record: a thing of its own
	}
	n = o.plan.Load().Rules.WithRunbook(n)
	body, err := json.Marshal(n)
	if err != nil || len(body) > maxBody || n.ID == "" {
		return fmt.Errorf("notice %q cannot be kept: it has no id, or more than %d bytes: %w", n.ID, maxBody, release.ErrInvalid)
	}
	err = o.cfg.DB.Write(ctx, func(tx database.Tx) error {
		now, err := o.now(ctx, tx)
		if err != nil {
			return err
		}
		book := bookOf(n)
		done, err := tx.Exec(ctx, `INSERT INTO notices_told (id, at, release, topic, book, urgency, body, dropped, acked_by, acked_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, '', '', 0) ON CONFLICT (id) DO NOTHING`,
			n.ID, now.UnixNano(), releaseOf(n), n.Topic, book, string(n.Urgency), string(body))
		if err != nil {
			return err
		}
		if fresh, err := done.RowsAffected(); err != nil || fresh == 0 {
			return err
		}
		return o.advance(ctx, tx, book, now, notify.Told{Notice: n})
	})
	if err == nil {
		o.wake()
	}
	return err
}

// bookOf names the book of a notice: the service's, so that what happens to it
// goes together.
func bookOf(n release.Notice) string {
	if n.Service != "" {
		return n.Service
	}
	return "release " + n.Release
}

// releaseOf is the attempt of a release that a notice is about.
func releaseOf(n release.Notice) string {
	if n.Attempt == 0 {
		return n.Release
	}
	return fmt.Sprintf("%s/%d", n.Release, n.Attempt)
}

// advance steps a book, and keeps what comes of it.
func (o *Outbox) advance(ctx context.Context, tx database.Tx, name string, now time.Time, events ...notify.Event) error {
	if _, err := tx.Exec(ctx, `INSERT INTO notices_books (name, body, due) VALUES (?, '{}', 0) ON CONFLICT (name) DO NOTHING`, name); err != nil {
		return err
	}
	var body string
	if err := tx.QueryRow(ctx, `SELECT body FROM notices_books WHERE name = ?`+tx.Lock(), name).Scan(&body); err != nil {
		return err
	}
	var book notify.Book
	if err := json.Unmarshal([]byte(body), &book); err != nil {
		return fmt.Errorf("the book of notices of %s is damaged: %w: %w", name, err, release.ErrInvalid)
	}
	book, result := notify.Step(o.plan.Load().Rules, book, now, events...)
	text, err := json.Marshal(book)
	if err != nil {
		return err
	}
	due := int64(0)
	if !result.Next.IsZero() {
		due = result.Next.UnixNano()
	}
	if _, err := tx.Exec(ctx, `UPDATE notices_books SET body = ?, due = ? WHERE name = ?`, string(text), due, name); err != nil {
		return err
	}
	return keep(ctx, tx, result)
}

// keep writes what a step came to.
func keep(ctx context.Context, tx database.Tx, result notify.Result) error {
	for _, d := range result.Deliveries {
		if err := put(ctx, tx, d); err != nil {
			return err
		}
	}
	for _, d := range result.Drops {
		if _, err := tx.Exec(ctx, `UPDATE notices_told SET dropped = CASE WHEN dropped = '' THEN ? ELSE dropped || '; ' || ? END WHERE id = ?`, d.Why, d.Why, d.Notice); err != nil {
			return err
		}
	}
	return nil
}

// put keeps a delivery, or adds to a digest that is there. What comes too late for
// a digest, which somebody sends already, goes after it.
func put(ctx context.Context, tx database.Tx, d notify.Delivery) error {
	fresh, err := insert(ctx, tx, d)
	if err == nil && !fresh && d.Digest {
		var late bool
		err = tx.QueryRow(ctx, `SELECT state <> 'waiting' OR tries > 0 FROM notices_deliveries WHERE id = ?`+tx.Lock(), d.ID).Scan(&late)
		if err == nil && late {
			d.ID += " late " + d.Notices[0]
			_, err = insert(ctx, tx, d)
		}
	}
	for _, notice := range d.Notices {
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO notices_parts (delivery, notice) VALUES (?, ?) ON CONFLICT (delivery, notice) DO NOTHING`, d.ID, notice)
	}
	return err
}

// insert keeps a delivery, unless one of its id is there.
func insert(ctx context.Context, tx database.Tx, d notify.Delivery) (fresh bool, err error) {
	done, err := tx.Exec(ctx, `INSERT INTO notices_deliveries (id, channel, state, due, tries, leased, lease, sent_at, failure, digest, escalated)
		VALUES (?, ?, 'waiting', ?, 0, 0, '', 0, '', ?, ?) ON CONFLICT (id) DO NOTHING`,
		d.ID, d.Channel, d.Due.UnixNano(), number(d.Digest), number(d.Escalated))
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n == 1, err
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// now is the time, by the clock that all processes share.
func (o *Outbox) now(ctx context.Context, tx database.Tx) (time.Time, error) {
	if o.cfg.Now != nil {
		return o.cfg.Now().UTC(), nil
	}
	var at int64
	err := tx.QueryRow(ctx, `SELECT `+tx.Clock()).Scan(&at)
	return time.Unix(0, at).UTC(), err
}

// wake has Run look at once.
func (o *Outbox) wake() {
	select {
	case o.kick <- struct{}{}:
	default:
	}
}

// Ack says that somebody takes care of what a notice tells: nobody else is
// called. An unknown notice is release.ErrNotFound.
func (o *Outbox) Ack(ctx context.Context, id, by string) error {
	return o.cfg.DB.Write(ctx, func(tx database.Tx) error {
		now, err := o.now(ctx, tx)
		if err != nil {
			return err
		}
		var topic, book string
		err = tx.QueryRow(ctx, `SELECT topic, book FROM notices_told WHERE id = ?`, id).Scan(&topic, &book)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("no notice %q is known; `linnet notices list` shows them: %w", id, release.ErrNotFound)
		}
		if err != nil {
			return err
		}
		// The book first, as whoever steps it does, who changes its notices after.
		if err := o.advance(ctx, tx, book, now, notify.Acked{Topic: topic, By: by}); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE notices_told SET acked_by = ?, acked_at = ? WHERE topic = ? AND acked_by = ''`, by, now.UnixNano(), topic)
		return err
	})
}

// Retry has a delivery that was given up sent again. One that is not dead is
// release.ErrConflict.
func (o *Outbox) Retry(ctx context.Context, delivery string) error {
	err := o.cfg.DB.Write(ctx, func(tx database.Tx) error {
		now, err := o.now(ctx, tx)
		if err != nil {
			return err
		}
		done, err := tx.Exec(ctx, `UPDATE notices_deliveries SET state = 'waiting', tries = 0, due = ? WHERE id = ? AND state = 'dead'`, now.UnixNano(), delivery)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 1 {
			return err
		}
		var state string
		err = tx.QueryRow(ctx, `SELECT state FROM notices_deliveries WHERE id = ?`, delivery).Scan(&state)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("no delivery %q is known; `linnet notices list` shows them: %w", delivery, release.ErrNotFound)
		}
		return errors.Join(err, fmt.Errorf("delivery %q is %s, and only a dead one is sent again: %w", delivery, state, release.ErrConflict))
	})
	if err == nil {
		o.wake()
	}
	return err
}

// Test sends a sample on one channel, past the rules, and tells how it went. It
// is not kept.
func (o *Outbox) Test(ctx context.Context, channel, by string) error {
	if o.plan.Load().Channels[channel] == nil {
		return fmt.Errorf("%q is no channel of the notices file: %w", channel, release.ErrNotFound)
	}
	n := notify.Sample(release.ToldTest)
	n.ID = "test/" + o.cfg.Lease()
	n.Topic, n.Service, n.Text = n.ID, "test of "+channel, by+" tries whether this channel works; nothing is asked of you"
	n.Title, n.Release, n.Next = "Linnet: a test", "test", ""
	m := o.compose(channel, release.Message{ID: channel + " " + n.ID, Notices: []release.Notice{n}})
	_, err := o.plan.Load().Channels[channel].Send(ctx, m)
	return err
}

// compose puts a message into the channel's words.
func (o *Outbox) compose(channel string, m release.Message) release.Message {
	for i, n := range m.Notices {
		if o.cfg.Server != "" && n.Next != "" && !strings.Contains(n.Next, "--server") {
			m.Notices[i].Next += " --server " + o.cfg.Server
		}
	}
	page := func(n release.Notice) string {
		if o.cfg.Page == nil || n.Release == "" {
			return ""
		}
		return o.cfg.Page(n)
	}
	if len(m.Notices) > 0 {
		m.Page = page(m.Notices[0])
	}
	return o.plan.Load().Words[channel].Put(m, func(n release.Notice) notify.Fields {
		f := notify.FieldsOf(n)
		f.Page = page(n)
		return f
	})
}
