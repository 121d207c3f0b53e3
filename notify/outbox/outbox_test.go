package outbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/database/databasetest"
	"github.com/linnet-project/linnet/notify"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// clock is a clock that a test sets.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// ear is a channel that remembers what it heard.
type ear struct {
	mu    sync.Mutex
	heard []release.Message
	fault func(m release.Message) (release.Sent, error)
}

func (e *ear) Send(ctx context.Context, m release.Message) (release.Sent, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fault != nil {
		if sent, err := e.fault(m); err != nil {
			return sent, err
		}
	}
	if err := ctx.Err(); err != nil {
		return release.Sent{}, fmt.Errorf("cut short: %w: %w", err, release.ErrUnavailable)
	}
	e.heard = append(e.heard, m)
	return release.Sent{Thread: "thread of " + m.Notices[0].Release}, nil
}

func (e *ear) ids() (ids []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range e.heard {
		for _, n := range m.Notices {
			ids = append(ids, n.ID)
		}
	}
	return ids
}

// world is a database and the processes on it.
type world struct {
	*testing.T
	db   *database.DB
	now  clock
	ears map[string]*ear
}

// TestOutbox runs each story on each kind of database.
func TestOutbox(t *testing.T) {
	stories := map[string]func(*world){
		"ANoticeIsSentOnce":                  testANoticeIsSentOnce,
		"AcknowledgedNoticesAreNotEscalated": testAcknowledgedNoticesAreNotEscalated,
		"WhatLasts":                          testWhatLasts,
		"Failures":                           testFailures,
		"KilledWhileSending":                 testKilledWhileSending,
		"StoppedWhileSending":                testStoppedWhileSending,
		"ManyAtOnce":                         testManyAtOnce,
		"NotMarkedAtOnce":                    testNotMarkedAtOnce,
		"ASlowChannel":                       testASlowChannel,
		"ADamagedBook":                       testADamagedBook,
		"ADamagedNotice":                     testADamagedNotice,
		"AnUnknownChannel":                   testAnUnknownChannel,
		"LateForTheDigest":                   testLateForTheDigest,
		"PruneLeavesWhatWaits":               testPruneLeavesWhatWaits,
		"Prune":                              testPrune,
		"List":                               testList,
	}
	databasetest.Each(t, func(t *testing.T, fresh databasetest.Fresh) {
		for name, story := range stories {
			t.Run(name, func(t *testing.T) {
				story(&world{T: t, db: fresh(t), now: clock{at: noon}, ears: map[string]*ear{"chat": {}, "oncall": {}, "boss": {}}})
			})
		}
	})
}

func (w *world) open() *Outbox {
	w.Helper()
	channels := map[string]Channel{}
	for name, e := range w.ears {
		channels[name] = e
	}
	o, err := New(w.Context(), Config{
		DB: w.db, Now: w.now.now, Lease: rand.Text, Log: slog.New(slog.DiscardHandler), Server: "https://linnet",
		Page: func(n release.Notice) string { return "https://linnet/releases/" + n.Release },
		Plan: Plan{Channels: channels, Rules: notify.Rules{Notices: spec.Notices{Keep: 24 * time.Hour, Digests: []spec.Digest{{Name: "daily", At: 18 * time.Hour}}, Routes: []spec.NoticeRoute{
			{Match: spec.NoticeMatch{Severities: []release.Urgency{release.Page}}, To: []string{"oncall"}, After: 5 * time.Minute, Group: 10 * time.Second, Also: true,
				Escalate: []spec.Escalation{{After: 10 * time.Minute, To: []string{"boss"}}}},
			{To: []string{"chat"}, Digest: "daily"},
		}}}},
	})
	if err != nil {
		w.Fatal(err)
	}
	return o
}

func (w *world) passed(outboxes ...*Outbox) {
	w.Helper()
	for _, o := range outboxes {
		if err := o.Pass(w.Context()); err != nil {
			w.Fatal(err)
		}
	}
}

func (w *world) tell(o *Outbox, id string, what release.Happening, over bool) {
	w.Helper()
	n := notify.Sample(what)
	n.ID, n.Over = id, over
	if err := o.Notify(w.Context(), n); err != nil {
		w.Fatal(err)
	}
}

func (w *world) heard(channel, want string) {
	w.Helper()
	if got := strings.Join(w.ears[channel].ids(), " "); got != want {
		w.Errorf("%s heard %q, expected %q", channel, got, want)
	}
}

func testANoticeIsSentOnce(w *world) {
	one, other := w.open(), w.open()
	for range 3 { // a turn that was killed asks again, maybe elsewhere
		w.tell(one, "r/1/7/1", release.ToldRollback, false)
		w.tell(other, "r/1/7/1", release.ToldRollback, false)
	}
	w.passed(one, other)
	w.heard("oncall", "") // waits for company
	w.heard("chat", "r/1/7/1")
	w.now.pass(11 * time.Second)
	w.passed(one, other, one)
	w.heard("oncall", "r/1/7/1")
	m := w.ears["oncall"].heard[0]
	if m.Title != "checkout-1.5.0 is rolled back" || m.Page != "https://linnet/releases/checkout-1.5.0" || !strings.Contains(m.Text, "show checkout-1.5.0 --server https://linnet") {
		w.Errorf("%+v", m)
	}
	w.now.pass(time.Hour)
	w.passed(other, one)
	w.heard("boss", "r/1/7/1")
	w.heard("oncall", "r/1/7/1")
}

func testAcknowledgedNoticesAreNotEscalated(w *world) {
	o := w.open()
	w.tell(o, "r/1/7/1", release.ToldRollback, false)
	w.now.pass(time.Minute)
	w.passed(o)
	if err := o.Ack(w.Context(), "r/1/7/1", "anna"); err != nil {
		w.Fatal(err)
	}
	if err := o.Ack(w.Context(), "nothing", "anna"); !errors.Is(err, release.ErrNotFound) {
		w.Error(err)
	}
	w.now.pass(time.Hour)
	w.passed(o)
	w.heard("boss", "")
	list, err := o.List(w.Context(), Filter{})
	if err != nil || len(list) != 1 || list[0].AckedBy != "anna" || !list[0].AckedAt.Equal(noon.Add(time.Minute)) || len(list[0].Deliveries) != 2 {
		w.Errorf("%+v, %v", list, err)
	}
}

// What is over before it lasted is not told, and that can be seen; the rest goes
// into the digest. What was told is told to be over.
func testWhatLasts(w *world) {
	o := w.open()
	w.tell(o, "short", release.ToldProvider, false)
	w.passed(o)
	w.now.pass(time.Minute)
	w.tell(o, "short over", release.ToldProvider, true)
	w.tell(o, "fine", release.ToldPromotion, false)
	w.tell(o, "long", release.ToldBlind, false)
	w.now.pass(6 * time.Minute)
	w.passed(o)
	w.heard("oncall", "long")
	w.tell(o, "long over", release.ToldBlind, true)
	w.passed(o)
	w.heard("oncall", "long long over")
	w.heard("chat", "short long short over long over")
	w.now.pass(7 * time.Hour)
	w.passed(o)
	w.heard("chat", "short long short over long over fine")
	if last := w.ears["chat"].heard[4]; !last.Digest || !strings.HasPrefix(last.Title, "Digest: ") {
		w.Errorf("%+v", last)
	}
	list, err := o.List(w.Context(), Filter{Release: "checkout-1.5.0"})
	if err != nil || len(list) != 5 || list[4].Dropped != "over after 1m0s, before oncall was told" {
		w.Errorf("%+v, %v", list, err)
	}
}

// What fails is tried again with longer pauses, or as the channel asks; what can
// never work is given up, and seen, and sent again by hand.
func testFailures(w *world) {
	o := w.open()
	tries := 0
	var failure error
	wait := time.Duration(0)
	w.ears["chat"].fault = func(release.Message) (release.Sent, error) { tries++; return release.Sent{Wait: wait}, failure }
	failure = fmt.Errorf("503: %w", release.ErrUnavailable)
	w.tell(o, "one", release.ToldRollback, false)
	w.passed(o, o)
	w.now.pass(5 * time.Second)
	wait = time.Minute
	w.passed(o, o)
	w.now.pass(59 * time.Second)
	w.passed(o)
	if tries != 2 {
		w.Fatalf("%d tries", tries)
	}
	w.now.pass(time.Second)
	failure = nil
	w.passed(o)
	w.heard("chat", "one")

	failure = fmt.Errorf("no such channel: %w", release.ErrInvalid)
	w.tell(o, "two", release.ToldRollback, false)
	w.passed(o)
	w.now.pass(time.Hour)
	w.passed(o)
	w.heard("chat", "one")
	list, err := o.List(w.Context(), Filter{Dead: true})
	if err != nil || len(list) != 1 || list[0].Notice.ID != "two" || list[0].Deliveries[0].Failure != failure.Error() {
		w.Fatalf("%+v, %v", list, err)
	}
	if c, err := o.Count(w.Context()); err != nil || c.Dead != 1 {
		w.Errorf("%+v, %v", c, err)
	}
	failure = nil
	if err := o.Retry(w.Context(), list[0].Deliveries[0].ID); err != nil {
		w.Fatal(err)
	}
	w.passed(o)
	w.heard("chat", "one two")
	if err := o.Retry(w.Context(), list[0].Deliveries[0].ID); !errors.Is(err, release.ErrConflict) {
		w.Error(err)
	}
	if err := o.Retry(w.Context(), "x"); !errors.Is(err, release.ErrNotFound) {
		w.Error(err)
	}

	failure = fmt.Errorf("down: %w", release.ErrUnavailable)
	wait, tries = 0, 0
	w.tell(o, "three", release.ToldRollback, false)
	for range mostTries + 1 {
		w.passed(o)
		w.now.pass(maxPause)
	}
	if list, err := o.List(w.Context(), Filter{Dead: true}); err != nil || len(list) != 1 || tries != mostTries {
		w.Errorf("%d tries; %+v, %v", tries, list, err)
	}
}

// One that is killed between sending and marking is followed by another once its
// lease lapses; nobody sends in between, also not what comes after on the channel.
func testKilledWhileSending(w *world) {
	dead, alive := w.open(), w.open()
	w.tell(dead, "one", release.ToldRollback, false)
	c, err := dead.claim(w.Context(), "chat")
	if err != nil || c == nil {
		w.Fatal(c, err)
	}
	w.tell(alive, "two", release.ToldWeight, false)
	w.passed(alive)
	w.heard("chat", "")
	w.now.pass(leaseFor + time.Second)
	w.passed(alive)
	w.heard("chat", "one two")
	if err := dead.mark(w.Context(), c, release.Sent{}, fmt.Errorf("late: %w", release.ErrInvalid)); err != nil {
		w.Fatal(err)
	}
	if list, err := alive.List(w.Context(), Filter{Dead: true}); err != nil || len(list) > 0 {
		w.Errorf("one that came back too late marked it: %+v, %v", list, err)
	}
	if m := w.ears["chat"].heard[1]; m.Thread != "thread of checkout-1.5.0" {
		w.Errorf("the second goes to thread %q", m.Thread)
	}
}

// A process that is told to stop ends what it is sending: nobody sends it again.
func testStoppedWhileSending(w *world) {
	stopping, other := w.open(), w.open()
	w.tell(stopping, "one", release.ToldWeight, false)
	ctx, stop := context.WithCancel(w.Context())
	w.ears["chat"].fault = func(release.Message) (release.Sent, error) { stop(); return release.Sent{}, nil }
	if err := stopping.Pass(ctx); err != nil && !errors.Is(err, context.Canceled) {
		w.Fatal(err)
	}
	w.now.pass(time.Hour)
	w.passed(other)
	w.heard("chat", "one")
}

// Several processes with many notices: each is sent once.
func testManyAtOnce(w *world) {
	outboxes := []*Outbox{w.open(), w.open(), w.open()}
	var group errgroup.Group
	for i, o := range outboxes {
		group.Go(func() error {
			for j := range 8 {
				n := notify.Sample(release.ToldWeight)
				n.ID = fmt.Sprintf("n/%d", (i+j)%8)
				n.Topic, n.Service = n.ID, fmt.Sprint("s", j%3)
				if err := o.Notify(w.Context(), n); err != nil {
					return err
				}
				if err := o.Pass(w.Context()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		w.Fatal(err)
	}
	for range 2 {
		w.now.pass(time.Minute)
		w.passed(outboxes...)
	}
	seen := map[string]int{}
	for _, id := range w.ears["chat"].ids() {
		seen[id]++
	}
	for id, n := range seen {
		if n != 1 {
			w.Errorf("%s was sent %d times", id, n)
		}
	}
	if len(seen) != 8 {
		w.Errorf("%d of 8 were sent", len(seen))
	}
}

// A database that cannot be written to for a moment does not make a message come
// twice: it is marked once that can be.
func testNotMarkedAtOnce(w *world) {
	o := w.open()
	held, let := make(chan struct{}), make(chan struct{})
	o.cfg.Log = slog.New(logged{slog.DiscardHandler, sync.OnceFunc(func() { close(let) })})
	var group errgroup.Group
	w.ears["chat"].fault = func(m release.Message) (release.Sent, error) {
		group.Go(func() error {
			return w.db.Write(w.Context(), func(tx database.Tx) error {
				var id string
				err := tx.QueryRow(w.Context(), `SELECT id FROM notices_deliveries WHERE id = ?`+tx.Lock(), m.ID).Scan(&id)
				close(held)
				select {
				case <-let:
				case <-time.After(20 * time.Second):
					err = errors.Join(err, errors.New("nobody told that it could not be marked"))
				}
				return err
			})
		})
		<-held
		return release.Sent{}, nil
	}
	w.tell(o, "one", release.ToldRollback, false)
	w.passed(o)
	if err := group.Wait(); err != nil {
		w.Error(err)
	}
	w.now.pass(time.Hour)
	w.passed(w.open())
	w.heard("chat", "one")
}

// logged is a log that calls when something is written.
type logged struct {
	slog.Handler
	call func()
}

func (logged) Enabled(context.Context, slog.Level) bool { return true }

func (l logged) Handle(context.Context, slog.Record) error { l.call(); return nil }

// A channel that hangs holds up no page on another.
func testASlowChannel(w *world) {
	ctx, stop := context.WithCancel(w.Context())
	o := w.open()
	hangs, let := make(chan struct{}), make(chan struct{})
	begun := sync.OnceFunc(func() { close(hangs) })
	w.ears["chat"].fault = func(release.Message) (release.Sent, error) { begun(); <-let; return release.Sent{}, nil }
	paged := make(chan struct{})
	told := sync.OnceFunc(func() { close(paged) })
	w.ears["oncall"].fault = func(release.Message) (release.Sent, error) { told(); return release.Sent{}, nil }
	var group errgroup.Group
	group.Go(func() error { o.Run(ctx); return nil })
	w.tell(o, "one", release.ToldRollback, false)
	<-hangs
	w.now.pass(time.Minute)
	select {
	case <-paged:
	case <-time.After(20 * time.Second):
		w.Error("the page waits for the channel that hangs")
	}
	close(let)
	stop()
	_ = group.Wait()
}

// A book that is damaged holds up nothing but itself.
func testADamagedBook(w *world) {
	o := w.open()
	w.tell(o, "one", release.ToldRollback, false)
	if err := w.db.Write(w.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(w.Context(), `INSERT INTO notices_books (name, body, due) VALUES ('damaged', 'x', 1)`)
		return err
	}); err != nil {
		w.Fatal(err)
	}
	w.now.pass(time.Minute)
	if err := o.Pass(w.Context()); err == nil || !strings.Contains(err.Error(), "damaged") {
		w.Error(err)
	}
	w.heard("oncall", "one")
}

// A channel may be one that only another process knows yet.
// A notice that is damaged is given up and shown as such, and left out of a message
// that tells others too; what comes after it is sent.
func testADamagedNotice(w *world) {
	o := w.open()
	w.tell(o, "a/1/1/1", release.ToldRollback, false)
	w.tell(o, "b/1/1/1", release.ToldRollback, false)
	w.tell(o, "c/1/1/1", release.ToldPromotion, false)
	w.tell(o, "d/1/1/1", release.ToldPromotion, false)
	if err := w.db.Write(w.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(w.Context(), `UPDATE notices_told SET body = '{"rot' WHERE id IN ('a/1/1/1', 'c/1/1/1')`)
		return err
	}); err != nil {
		w.Fatal(err)
	}
	w.now.pass(10 * time.Second)
	w.passed(o, o)
	w.heard("oncall", "b/1/1/1")
	w.now.pass(6 * time.Hour)
	w.passed(o, o)
	w.heard("chat", "b/1/1/1 d/1/1/1")
	all, err := o.List(w.Context(), Filter{Dead: true})
	if err != nil || len(all) != 1 || all[0].Notice.ID != "a/1/1/1" || !strings.Contains(all[0].Notice.Title, "damaged") ||
		!slices.ContainsFunc(all[0].Deliveries, func(d Delivery) bool { return d.State == "dead" && strings.Contains(d.Failure, "damaged") }) {
		w.Errorf("given up are %+v, %v", all, err)
	}
	if _, err := o.Find(w.Context(), "a/1/1/1"); !errors.Is(err, release.ErrInvalid) {
		w.Error(err)
	}
}

func testAnUnknownChannel(w *world) {
	knows := w.open()
	delete(w.ears, "chat")
	knowsNot := w.open()
	w.tell(knows, "one", release.ToldRollback, false)
	w.passed(knowsNot)
	w.now.pass(firstPause)
	w.passed(knows)
	list, err := knows.List(w.Context(), Filter{})
	if err != nil || len(list) != 1 || len(list[0].Deliveries) != 1 || list[0].Deliveries[0].State != "sent" {
		w.Errorf("%+v, %v", list, err)
	}
}

// What comes to a digest that has gone out is told all the same.
func testLateForTheDigest(w *world) {
	o := w.open()
	w.tell(o, "one", release.ToldPromotion, false)
	w.now.pass(6 * time.Hour)
	w.passed(o)
	w.heard("chat", "one")
	w.now.pass(-time.Second) // begun before it, and kept after
	w.tell(o, "two", release.ToldPromotion, false)
	w.now.pass(time.Second)
	w.passed(o)
	w.heard("chat", "one two")
}

// A notice that still waits is there when it is sent, however short others are kept.
func testPruneLeavesWhatWaits(w *world) {
	o := w.open()
	plan := *o.plan.Load()
	plan.Rules.Keep = time.Hour
	plan.Rules.Notices.Routes = []spec.NoticeRoute{{To: []string{"oncall"}, After: 2 * time.Hour}}
	o.Follow(plan)
	w.tell(o, "long", release.ToldBlind, false)
	w.now.pass(2*time.Hour - time.Second)
	if err := o.Prune(w.Context()); err != nil {
		w.Fatal(err)
	}
	w.now.pass(time.Second)
	w.passed(o)
	w.heard("oncall", "long")
}

func testPrune(w *world) {
	o := w.open()
	w.tell(o, "old", release.ToldRollback, false)
	w.now.pass(time.Hour)
	w.passed(o)
	w.now.pass(25 * time.Hour)
	w.tell(o, "new", release.ToldRollback, false)
	w.now.pass(time.Minute)
	w.passed(o) // and nothing waits any more
	if err := o.Prune(w.Context()); err != nil {
		w.Fatal(err)
	}
	list, err := o.List(w.Context(), Filter{})
	if err != nil || len(list) != 1 || list[0].Notice.ID != "new" {
		w.Errorf("%+v, %v", list, err)
	}
}

// A list goes on where it ended, and finds a release by its name or attempt.
func testList(w *world) {
	o := w.open()
	for i := range 5 {
		n := notify.Sample(release.ToldRollback)
		n.ID, n.Release, n.Attempt = fmt.Sprint("n", i), "shop", 1+i%2
		if err := o.Notify(w.Context(), n); err != nil {
			w.Fatal(err)
		}
	}
	ids := func(f Filter) (ids string) {
		list, err := o.List(w.Context(), f)
		if err != nil {
			w.Fatal(err)
		}
		for _, e := range list {
			ids += e.Notice.ID
		}
		return ids
	}
	if got := ids(Filter{Limit: 2}) + "," + ids(Filter{Limit: 2, Before: "n3"}) + "," + ids(Filter{Before: "n1"}); got != "n4n3,n2n1,n0" {
		w.Error(got)
	}
	if got := ids(Filter{Release: "shop/2"}) + "," + ids(Filter{Release: "shop"}) + "," + ids(Filter{Release: "sho"}) + "," + ids(Filter{Unacked: true}); got != "n3n1,n4n3n2n1n0,,n4n3n2n1n0" {
		w.Error(got)
	}
	if _, err := o.List(w.Context(), Filter{Before: "x"}); !errors.Is(err, release.ErrInvalid) {
		w.Error(err)
	}
}

// The notices of a release are found by an index.
func TestNoticesOfAReleaseAreLookedUp(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, err := database.OpenFolder(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := Migrate(ctx, db); err != nil {
		t.Fatal(err)
	}
	for _, asked := range []string{"checkout-1", "checkout-1/2"} {
		var steps []string
		err := db.Read(ctx, func(tx database.Tx) error {
			query, args, err := choose(ctx, tx, Filter{Release: asked})
			if err != nil {
				return err
			}
			rows, err := tx.Query(ctx, `EXPLAIN QUERY PLAN `+query, args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var id, parent, zero int
				var step string
				if err := rows.Scan(&id, &parent, &zero, &step); err != nil {
					return err
				}
				steps = append(steps, step)
			}
			return rows.Err()
		})
		if all := strings.Join(steps, "; "); err != nil || !strings.Contains(all, "notices_told_by_release") || strings.Contains(all, "SCAN") {
			t.Errorf("%s: %s, %v", asked, all, err)
		}
	}
}
