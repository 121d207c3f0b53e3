package notify

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

var start = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) // a Monday

// drawnRules have the traits of a route in any mixture; the last takes every page.
func drawnRules(t *rapid.T) Rules {
	channels := []string{"a", "b", "c", "d"}
	r := Rules{Notices: spec.Notices{
		Quiet:   []spec.QuietHours{{Name: "nights", From: 22 * time.Hour, To: 7 * time.Hour}},
		Digests: []spec.Digest{{Name: "daily", At: 9 * time.Hour}},
	}}
	for i := range rapid.IntRange(1, 3).Draw(t, "routes") {
		route := spec.NoticeRoute{
			To:    rapid.SliceOfNDistinct(rapid.SampledFrom(channels[:3]), 1, 2, rapid.ID).Draw(t, "to"),
			After: time.Duration(rapid.IntRange(0, 2).Draw(t, "after")) * 5 * time.Minute,
			Group: time.Duration(rapid.IntRange(0, 2).Draw(t, "group")) * 30 * time.Second,
			Also:  rapid.Bool().Draw(t, "also"),
		}
		switch rapid.IntRange(0, 2).Draw(t, "when") {
		case 1:
			route.Quiet = "nights"
		case 2:
			route.Digest = "daily"
		}
		if rapid.Bool().Draw(t, "escalates") {
			route.Escalate = []spec.Escalation{{After: 10 * time.Minute, To: []string{"d"}}}
		}
		if i == 0 && rapid.Bool().Draw(t, "narrow") {
			route.Match.Events = []release.Happening{release.ToldHold, release.ToldPromotion}
			route.Also = true
		}
		r.Notices.Routes = append(r.Notices.Routes, route)
	}
	r.Notices.Routes[len(r.Notices.Routes)-1].Match = spec.NoticeMatch{}
	return r
}

// life is a service's notices over time, stepped whenever the book asks for it.
type life struct {
	rules  Rules
	book   Book
	now    time.Time
	told   map[string]release.Notice
	at     map[string]time.Time
	overAt map[string][]time.Time // by topic
	begun  map[string][]time.Time
	acked  map[string]time.Time
	sent   map[string][]Delivery // by notice
	drops  map[string]int
	next   time.Time
}

func (l *life) step(t *rapid.T, events ...Event) {
	before, _ := json.Marshal(l.book)
	book, out := Step(l.rules, l.book, l.now, events...)
	if after, _ := json.Marshal(l.book); string(after) != string(before) {
		t.Fatal("the book that was given is another one now")
	}
	if !out.Next.IsZero() && !out.Next.After(l.now) {
		t.Fatalf("asks to be stepped at %s, and it is %s", out.Next, l.now)
	}
	l.book, l.next = book, out.Next
	for _, d := range out.Deliveries {
		for _, n := range d.Notices {
			for _, before := range l.sent[n] {
				if before.Channel == d.Channel {
					t.Fatalf("%s goes twice to %s", n, d.Channel)
				}
			}
			l.sent[n] = append(l.sent[n], d)
		}
	}
	for _, d := range out.Drops {
		if d.Why == "" {
			t.Fatalf("%s is dropped without a reason", d.Notice)
		}
		l.drops[d.Notice]++
	}
}

// pass lets time go on, stepping whenever that is asked for.
func (l *life) pass(t *rapid.T, d time.Duration) {
	end := l.now.Add(d)
	for !l.next.IsZero() && !l.next.After(end) {
		l.now = l.next
		l.step(t)
	}
	l.now = end
}

// What must hold of every notice, whatever comes when.
func TestWhatBecomesOfANotice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &life{
			rules: drawnRules(t), now: start, told: map[string]release.Notice{}, at: map[string]time.Time{}, overAt: map[string][]time.Time{},
			begun: map[string][]time.Time{}, acked: map[string]time.Time{}, sent: map[string][]Delivery{}, drops: map[string]int{},
		}
		kinds := []release.Happening{release.ToldHold, release.ToldProvider, release.ToldRollback, release.ToldPromotion}
		for i := range rapid.IntRange(1, 25).Draw(t, "events") {
			n := release.Notice{
				ID: fmt.Sprint("n", i), Release: "shop", Happening: rapid.SampledFrom(kinds).Draw(t, "what"),
				Urgency: rapid.SampledFrom([]release.Urgency{release.Page, release.Inform}).Draw(t, "urgency"),
			}
			n.Topic = "shop/1/" + string(n.Happening)
			switch {
			case rapid.IntRange(0, 5).Draw(t, "acked") == 0:
				l.acked[n.Topic] = l.now
				l.step(t, Acked{n.Topic, "anna"})
			default:
				n.Over = rapid.IntRange(0, 2).Draw(t, "over") == 0
				if n.Over {
					n.Urgency = release.Inform
					l.overAt[n.Topic] = append(l.overAt[n.Topic], l.now)
				} else {
					l.begun[n.Topic] = append(l.begun[n.Topic], l.now)
				}
				l.told[n.ID], l.at[n.ID] = n, l.now
				l.step(t, Told{n})
			}
			l.pass(t, time.Duration(rapid.IntRange(1, 200).Draw(t, "then"))*10*time.Second)
		}
		l.pass(t, 48*time.Hour)
		if len(l.book.Waiting) > 0 {
			t.Fatalf("waits for ever: %+v", l.book.Waiting)
		}
		for id, n := range l.told {
			l.fate(t, id, n)
		}
	})
}

func (l *life) fate(t *rapid.T, id string, n release.Notice) {
	sent := l.sent[id]
	if len(sent) == 0 && l.drops[id] == 0 {
		t.Fatalf("nobody knows what became of %s: %+v", id, n)
	}
	overSince := func(at time.Time) bool {
		return slices.ContainsFunc(l.overAt[n.Topic], func(o time.Time) bool { return !o.Before(l.at[id]) && o.Before(at) })
	}
	for _, d := range sent {
		hour := d.Due.Hour()
		if n.Urgency != release.Page && !n.Over && !d.Digest && l.onlyQuiet(n, d.Channel) && (hour >= 22 || hour < 7) {
			t.Fatalf("%s is told at %s", id, d.Due)
		}
		if ack, ok := l.acked[n.Topic]; d.Escalated && (n.Urgency != release.Page || ok && !ack.Before(l.at[id]) && ack.Before(d.Due) || overSince(d.Due)) {
			t.Fatalf("%s is escalated at %s: %+v", id, d.Due, n)
		}
	}
	if n.Urgency != release.Page || n.Over {
		return
	}
	for _, i := range l.rules.Routes(n) {
		route := l.rules.Notices.Routes[i]
		most := route.Group
		if Lasting(n.Happening) {
			most += max(route.After, calm)
			if len(l.begun[n.Topic]) <= flapsMost {
				most = route.Group + route.After
			}
		}
		for _, channel := range route.To {
			at := slices.IndexFunc(sent, func(d Delivery) bool { return d.Channel == channel })
			switch {
			case l.earlier(n, i, channel): // whose times hold
			case at < 0 && !Lasting(n.Happening):
				t.Fatalf("a page never comes to %s: %+v", channel, n)
			case at < 0 && !overSince(l.at[id].Add(most)):
				t.Fatalf("a page that lasts never comes to %s: %+v", channel, n)
			case at >= 0 && sent[at].Due.Sub(l.at[id]) > most:
				t.Fatalf("a page comes to %s after %s, at most %s is declared: %+v", channel, sent[at].Due.Sub(l.at[id]), most, n)
			}
		}
	}
}

// earlier says that an earlier route tells a channel too, by its own times.
func (l *life) earlier(n release.Notice, route int, channel string) bool {
	for _, i := range l.rules.Routes(n) {
		if i < route && slices.Contains(l.rules.Notices.Routes[i].To, channel) {
			return true
		}
	}
	return false
}

// onlyQuiet says that the route which tells a channel has quiet hours.
func (l *life) onlyQuiet(n release.Notice, channel string) bool {
	for _, i := range l.rules.Routes(n) {
		if r := l.rules.Notices.Routes[i]; slices.Contains(r.To, channel) {
			return r.Quiet != ""
		}
	}
	return false
}
