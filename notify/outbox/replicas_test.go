package outbox

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/notify"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/testdb"
)

// TestReplicas has what several processes do at the same moment meet in PostgreSQL.
func TestReplicas(t *testing.T) {
	server := testdb.Postgres(t)
	admin := server.Postgres(t, "postgres")
	for name, story := range map[string]func(*world){
		"OneSendsToAChannel": testOneSendsToAChannel,
		"AckMeetsAStep":      testAckMeetsAStep,
		"PruneMeetsANotice":  testPruneMeetsANotice,
	} {
		t.Run(name, func(t *testing.T) {
			testdb.Exec(t, admin, "CREATE DATABASE "+strings.ToLower(name))
			at := url.URL{Scheme: "postgres", User: url.UserPassword(server.User, server.Password), Host: server.Address(), Path: strings.ToLower(name)}
			db, err := database.OpenURL(t.Context(), at.String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			story(&world{T: t, db: db, now: clock{at: noon}, ears: map[string]*ear{"chat": {}, "oncall": {}, "boss": {}}})
		})
	}
}

// toChat has all notices go to one channel at once.
func toChat(o *Outbox) {
	plan := *o.plan.Load()
	plan.Rules.Notices.Routes = []spec.NoticeRoute{{To: []string{"chat"}}}
	o.Follow(plan)
}

// However many ask at once, one has a channel: messages come in their order.
func testOneSendsToAChannel(w *world) {
	var outboxes []*Outbox
	for range 6 {
		o := w.open()
		toChat(o)
		outboxes = append(outboxes, o)
	}
	for i := range 12 {
		n := notify.Sample(release.ToldRollback)
		n.ID, n.Topic, n.Service = fmt.Sprint("n", i), fmt.Sprint("t", i), fmt.Sprint("s", i)
		if err := outboxes[0].Notify(w.Context(), n); err != nil {
			w.Fatal(err)
		}
	}
	for range 10 {
		var group errgroup.Group
		var mu sync.Mutex
		var have []string
		for _, o := range outboxes {
			group.Go(func() error {
				c, err := o.claim(w.Context(), "chat")
				mu.Lock()
				defer mu.Unlock()
				if c != nil {
					have = append(have, c.message.ID)
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			w.Fatal(err)
		}
		if len(have) != 1 {
			w.Fatalf("%d have the channel at once: %v", len(have), have)
		}
		w.now.pass(leaseFor + time.Second)
	}
}

// meets runs one while another transaction is in the middle: hold has what both
// need, and rest goes on once one waits for it.
func (w *world) meets(hold, rest func(tx database.Tx) error, one func() error) {
	w.Helper()
	held := make(chan struct{})
	var group errgroup.Group
	group.Go(func() error {
		return w.db.Write(w.Context(), func(tx database.Tx) error {
			err := hold(tx)
			close(held)
			if err != nil {
				return err
			}
			for look := time.NewTicker(10 * time.Millisecond); ; <-look.C {
				var waiting int
				err := w.db.Glance(w.Context(), func(tx database.Tx) error {
					return tx.QueryRow(w.Context(), `SELECT count(*) FROM pg_locks WHERE NOT granted`).Scan(&waiting)
				})
				if err != nil || waiting > 0 {
					look.Stop()
					break
				}
			}
			return rest(tx)
		})
	})
	group.Go(func() error { <-held; return one() })
	if err := group.Wait(); err != nil {
		w.Fatal(err)
	}
}

// Who acknowledges in the moment in which the time of the service's notices passes
// waits for that, and neither is told to try again.
func testAckMeetsAStep(w *world) {
	o := w.open()
	toChat(o)
	w.tell(o, "one", release.ToldRollback, false)
	w.meets(func(tx database.Tx) error {
		var name string
		return tx.QueryRow(w.Context(), `SELECT name FROM notices_books`+tx.Lock()).Scan(&name)
	}, func(tx database.Tx) error {
		_, err := tx.Exec(w.Context(), `UPDATE notices_told SET dropped = 'over' WHERE id = 'one'`)
		return err
	}, func() error { return o.Ack(w.Context(), "one", "anna@example.com") })
	list, err := o.List(w.Context(), Filter{})
	if err != nil || len(list) != 1 || list[0].AckedBy != "anna@example.com" || list[0].Dropped != "over" {
		w.Errorf("%+v, %v", list, err)
	}
}

// What is known of a service stays when its next notice comes while old ones are
// removed.
func testPruneMeetsANotice(w *world) {
	o := w.open()
	toChat(o)
	w.tell(o, "old", release.ToldRollback, false)
	w.passed(o)
	w.now.pass(48 * time.Hour)
	w.meets(func(tx database.Tx) error {
		var name string
		return tx.QueryRow(w.Context(), `SELECT name FROM notices_books`+tx.Lock()).Scan(&name)
	}, func(tx database.Tx) error {
		_, err := tx.Exec(w.Context(), `INSERT INTO notices_told (id, at, release, topic, book, urgency, body, dropped, acked_by, acked_at)
			SELECT 'new', ?, release, topic, book, urgency, body, '', '', 0 FROM notices_told`, w.now.now().UnixNano())
		return err
	}, func() error { return o.Prune(w.Context()) })
	var books int
	err := w.db.Glance(w.Context(), func(tx database.Tx) error {
		return tx.QueryRow(w.Context(), `SELECT count(*) FROM notices_books`).Scan(&books)
	})
	if err != nil || books != 1 {
		w.Errorf("%d books are left of a service that has a notice, %v", books, err)
	}
}
