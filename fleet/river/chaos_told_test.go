package river_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/notify"
	"github.com/linnet-project/linnet/notify/outbox"
	"github.com/linnet-project/linnet/notify/webhook"
	"github.com/linnet-project/linnet/spec"
)

// This file is how people are told under chaos: each replica has an outbox, and all
// send to one webhook, which keeps whatever comes, as often as it comes.

// heard is a message as it came to the webhook.
type heard struct {
	by string
	at time.Time
}

// slowest is how long the webhook takes to answer at most: much can happen between
// a sending and its answer.
const slowest = 200 * time.Millisecond

// hear takes a message.
func (s *stage) hear(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var m struct {
		Notices []struct{ ID string }
	}
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	now := heard{r.FormValue("by"), time.Now()}
	for _, n := range m.Notices {
		s.heard[n.ID] = append(s.heard[n.ID], now)
	}
	wait := time.Duration(now.at.UnixNano()) % slowest
	s.mu.Unlock()
	<-time.After(wait)
}

// newSecret is a file with what messages are signed with.
func newSecret(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("a secret of sixteen and more"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// newBox is the outbox of a replica, which tells everything that lasts for a
// second; now is nil for the database's clock.
func newBox(ctx context.Context, db *database.DB, stage, name, secret string, now func() time.Time) (*outbox.Outbox, error) {
	channel := webhook.New(webhook.Config{
		URL: stage + "/tell?by=" + url.QueryEscape(name), SecretFile: secret, Client: http.DefaultClient, Timeout: 3 * time.Second, Now: time.Now,
	})
	return outbox.New(ctx, outbox.Config{
		DB: db, Now: now, Lease: rand.Text, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Plan: outbox.Plan{Channels: map[string]outbox.Channel{"people": channel}, Rules: notify.Rules{Notices: spec.Notices{
			Keep: 24 * time.Hour, Routes: []spec.NoticeRoute{{To: []string{"people"}, After: time.Second, Group: 500 * time.Millisecond}},
		}}},
	})
}

// loss is a time in which a replica (all with "") may not be able to keep that it
// has sent something; it has no end while it lasts.
type loss struct {
	of       string
	from, to time.Time
}

// loses says that such a time begins, keeps that it ends.
func (c *chaos) loses(name string) {
	c.losing.Lock()
	defer c.losing.Unlock()
	c.losses = append(c.losses, loss{of: name, from: time.Now()})
}

func (c *chaos) keeps(name string) {
	c.losing.Lock()
	defer c.losing.Unlock()
	for i := range c.losses {
		if l := &c.losses[i]; l.of == name && l.to.IsZero() {
			l.to = time.Now()
		}
	}
}

// around is how far from such a time a sending may lie whose acknowledgement is
// lost: it is kept within seconds, and connections that are broken are noticed late.
const around = 6 * time.Second

// lost tells whether a sending may have been forgotten.
func (c *chaos) lost(h heard) bool {
	for _, l := range c.losses {
		if (l.of == "" || l.of == h.by) && h.at.After(l.from.Add(-around)) && h.at.Before(l.to.Add(around)) {
			return true
		}
	}
	return false
}

// tellTheRest has the replicas stop, and sends what they left: what has a lease
// still when two minutes, and what rests after a failure when hours are over.
func (c *chaos) tellTheRest() {
	c.Helper()
	for _, r := range c.replicas {
		r.signal(syscall.SIGTERM)
	}
	for _, r := range c.replicas {
		c.until("the end of "+r.name, func() bool {
			select {
			case <-r.ended:
				return true
			default:
				return false
			}
		})
	}
	ahead := 2 * time.Minute
	box, err := newBox(c.Context(), c.db, c.stage.URL, "the test", c.secret, func() time.Time { return time.Now().Add(ahead) })
	if err != nil {
		c.Fatal(err)
	}
	c.until("the sending of what is left", func() bool {
		if err := box.Pass(c.Context()); err != nil {
			c.Fatal(err)
		}
		ahead += time.Hour
		var left int
		err := c.db.Pool().QueryRow(c.Context(), `SELECT (SELECT count(*) FROM notices_deliveries WHERE state = 'waiting')
			+ (SELECT count(*) FROM notices_books WHERE due > 0)`).Scan(&left)
		return err == nil && left == 0
	})
	if n, err := box.Count(c.Context()); err != nil || n.Dead > 0 {
		c.Errorf("%d messages were given up (%v)", n.Dead, err)
	}
}

// heardOnce holds what the webhook heard against what is kept: all of it, each
// once, but for what was forgotten between its sending and its acknowledgement.
func (c *chaos) heardOnce() {
	c.Helper()
	rows, err := c.db.Pool().Query(c.Context(), `SELECT id FROM notices_told WHERE dropped = ''`)
	if err != nil {
		c.Fatal(err)
	}
	defer rows.Close()
	c.stage.mu.Lock()
	defer c.stage.mu.Unlock()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			c.Fatal(err)
		}
		if len(c.stage.heard[id]) == 0 {
			c.Errorf("notice %s was kept, and nobody heard it", id)
		}
	}
	if err := rows.Err(); err != nil {
		c.Fatal(err)
	}
	messages, again := 0, 0
	for id, all := range c.stage.heard {
		messages += len(all)
		for i, h := range all[1:] {
			if again++; !c.lost(all[i]) {
				c.Errorf("notice %s was told by %s at %s, and again by %s at %s, and nothing happened to the first", id,
					all[i].by, all[i].at.Format(time.StampMilli), h.by, h.at.Format(time.StampMilli))
			}
		}
	}
	c.Logf("%d notices were told %d times; %d were told again, after their acknowledgement was lost", len(c.stage.heard), messages, again)
}
