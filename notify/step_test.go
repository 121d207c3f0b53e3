package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// story plays events against rules and tells what was sent, as
// "12:05:00 channel: ids".
type story struct {
	rules Rules
	book  Book
	now   time.Time
	next  time.Time
	lines []string
}

func (s *story) step(events ...Event) {
	var out Result
	s.book, out = Step(s.rules, s.book, s.now, events...)
	s.next = out.Next
	for _, d := range out.Deliveries {
		how := ""
		if d.Digest {
			how = " digest"
		}
		if d.Escalated {
			how = " escalated"
		}
		s.lines = append(s.lines, fmt.Sprintf("%s %s%s: %s", d.Due.Format("15:04:05"), d.Channel, how, strings.Join(d.Notices, " ")))
	}
	for _, d := range out.Drops {
		s.lines = append(s.lines, fmt.Sprintf("drop %s: %s", d.Notice, d.Why))
	}
}

func (s *story) pass(d time.Duration) {
	end := s.now.Add(d)
	for !s.next.IsZero() && !s.next.After(end) {
		s.now = s.next
		s.step()
	}
	s.now = end
}

func (s *story) tell(id string, what release.Happening, u release.Urgency, over bool) {
	s.step(Told{release.Notice{ID: id, Topic: "shop/1/" + string(what), Happening: what, Urgency: u, Over: over, Service: "shop", Team: "pay"}})
}

func TestStories(t *testing.T) {
	page, inform := release.Page, release.Inform
	pages := spec.NoticeRoute{To: []string{"oncall"}, After: 5 * time.Minute, Group: 10 * time.Second,
		Escalate: []spec.Escalation{{After: 10 * time.Minute, To: []string{"boss"}}}}
	chat := spec.NoticeRoute{To: []string{"chat"}, Group: 10 * time.Second}
	for name, c := range map[string]struct {
		routes []spec.NoticeRoute
		play   func(*story)
		want   []string
	}{
		"over before it lasted": {[]spec.NoticeRoute{pages}, func(s *story) {
			s.tell("down", release.ToldProvider, page, false)
			s.pass(4 * time.Minute)
			s.tell("up", release.ToldProvider, inform, true)
		}, []string{"drop down: over after 4m0s, before oncall was told", "drop up: over before anybody was told"}},
		"lasts, is escalated, and is over": {[]spec.NoticeRoute{pages}, func(s *story) {
			s.tell("down", release.ToldProvider, page, false)
			s.pass(20 * time.Minute)
			s.tell("up", release.ToldProvider, inform, true)
		}, []string{"12:05:10 oncall: down", "12:15:10 boss escalated: down", "12:20:00 oncall: up", "12:20:00 boss: up"}},
		"acknowledged": {[]spec.NoticeRoute{pages}, func(s *story) {
			s.tell("back", release.ToldRollback, page, false)
			s.pass(time.Minute)
			s.step(Acked{"shop/1/rollback", "anna"})
		}, []string{"12:00:10 oncall: back"}},
		"each page is one to take care of": {[]spec.NoticeRoute{pages}, func(s *story) {
			s.tell("raised", release.ToldWeight, page, false)
			s.pass(time.Minute)
			s.step(Acked{"shop/1/weight", "anna"})
			s.pass(time.Hour)
			s.tell("raised again", release.ToldWeight, page, false)
			s.pass(time.Hour)
			s.tell("and again", release.ToldWeight, page, false)
		}, []string{
			"12:00:10 oncall: raised", "13:01:10 oncall: raised again", "13:11:10 boss escalated: raised again",
			"14:01:10 oncall: and again", "14:11:10 boss escalated: and again",
		}},
		"grouped": {[]spec.NoticeRoute{chat}, func(s *story) {
			s.tell("one", release.ToldHold, inform, false)
			s.pass(4 * time.Second)
			s.tell("two", release.ToldRollback, page, false)
		}, []string{"12:00:10 chat: one two"}},
		"flaps": {[]spec.NoticeRoute{chat}, func(s *story) {
			for i := range 5 {
				s.tell(fmt.Sprint("on", i), release.ToldHold, inform, false)
				s.pass(time.Minute)
				s.tell(fmt.Sprint("off", i), release.ToldHold, inform, true)
				s.pass(time.Minute)
			}
			s.tell("stays", release.ToldHold, inform, false)
		}, []string{
			"12:00:10 chat: on0", "12:01:00 chat: off0", "12:02:10 chat: on1", "12:03:00 chat: off1", "12:04:10 chat: on2", "12:05:00 chat: off2",
			"drop on3: over after 1m0s, before chat was told", "drop off3: over before anybody was told",
			"drop on4: over after 1m0s, before chat was told", "drop off4: over before anybody was told", "12:25:10 chat: stays",
		}},
		"quiet hours": {[]spec.NoticeRoute{{To: []string{"chat"}, Quiet: "nights"}}, func(s *story) {
			s.pass(11 * time.Hour)
			s.tell("over soon", release.ToldHold, inform, false)
			s.tell("later", release.ToldPromotion, inform, false)
			s.tell("now", release.ToldRollback, page, false)
			s.pass(time.Hour)
			s.tell("done", release.ToldHold, inform, true)
		}, []string{"23:00:00 chat: now", "drop over soon: over after 1h0m0s, before chat was told", "drop done: over before anybody was told", "06:00:00 chat: later"}},
		"digest": {[]spec.NoticeRoute{{To: []string{"chat"}, Digest: "weekly"}}, func(s *story) {
			s.tell("one", release.ToldPromotion, inform, false)
			s.tell("now", release.ToldRollback, page, false)
			s.pass(time.Hour)
			s.tell("two", release.ToldPromotion, inform, false)
		}, []string{"08:00:00 chat digest: one", "12:00:00 chat: now", "08:00:00 chat digest: two"}},
		"first route holds": {[]spec.NoticeRoute{{Match: spec.NoticeMatch{Teams: []string{"p*"}}, To: []string{"pay"}}, chat}, func(s *story) {
			s.tell("one", release.ToldPromotion, inform, false)
		}, []string{"12:00:00 pay: one"}},
		"and also": {[]spec.NoticeRoute{{Match: spec.NoticeMatch{Services: []string{"*op"}}, To: []string{"pay", "chat"}, Also: true}, chat}, func(s *story) {
			s.tell("one", release.ToldPromotion, inform, false)
		}, []string{"12:00:00 pay: one", "12:00:00 chat: one"}},
		"no route": {[]spec.NoticeRoute{{Match: spec.NoticeMatch{Severities: []release.Urgency{page}}, To: []string{"chat"}}}, func(s *story) {
			s.tell("one", release.ToldPromotion, inform, false)
		}, []string{"drop one: no route takes it"}},
	} {
		berlin, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		s := &story{now: start, rules: Rules{Zones: map[string]*time.Location{"Europe/Berlin": berlin}, Notices: spec.Notices{
			Routes: c.routes, Quiet: []spec.QuietHours{{Name: "nights", Zone: "Europe/Berlin", From: 22 * time.Hour, To: 7 * time.Hour}},
			Digests: []spec.Digest{{Name: "weekly", Zone: "Europe/Berlin", At: 9 * time.Hour, Days: []spec.Weekday{"mon"}}},
		}}}
		c.play(s)
		s.pass(8 * time.Hour)
		if !slices.Equal(s.lines, c.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, strings.Join(s.lines, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// A flood does not grow a book, loses no page, and says what it dropped.
func TestAFlood(t *testing.T) {
	r := Rules{Notices: spec.Notices{Routes: []spec.NoticeRoute{{To: []string{"chat"}, Group: time.Hour}}}}
	var b Book
	var out Result
	pages, drops := 0, 0
	for i := range 3000 {
		u := release.Inform
		if i%3 == 0 {
			u = release.Page
		}
		b, out = Step(r, b, start, Told{release.Notice{ID: fmt.Sprint(i), Topic: fmt.Sprint("t", i), Happening: release.ToldRollback, Urgency: u}})
		drops += len(out.Drops)
		for _, d := range out.Deliveries {
			pages += len(d.Notices)
		}
	}
	if len(b.Waiting) > mostWaiting || len(b.Topics) > mostTopics+mostWaiting || pages+len(b.Waiting)+drops != 3000 {
		t.Errorf("%d wait, %d topics, %d sent, %d dropped", len(b.Waiting), len(b.Topics), pages, drops)
	}
}

// A digest comes once on each of its days, also where clocks are set over its time,
// or over midnight.
func TestDigestsWhereClocksChange(t *testing.T) {
	for _, c := range []struct {
		zone     string
		at       time.Duration
		day      time.Time // before the change
		expected []string
	}{
		{"Europe/Berlin", 2*time.Hour + 30*time.Minute, time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC), []string{"28 02:30 CET", "29 03:30 CEST", "30 02:30 CEST"}},
		{"America/New_York", 2*time.Hour + 30*time.Minute, time.Date(2026, 3, 7, 6, 0, 0, 0, time.UTC), []string{"07 02:30 EST", "08 03:30 EDT", "09 02:30 EDT"}},
		{"America/New_York", time.Hour + 30*time.Minute, time.Date(2026, 10, 31, 5, 0, 0, 0, time.UTC), []string{"31 01:30 EDT", "01 01:30 EDT", "02 01:30 EST"}},
		{"America/Santiago", 0, time.Date(2026, 9, 5, 3, 30, 0, 0, time.UTC), []string{"05 00:00 -04", "06 01:00 -03", "07 00:00 -03"}},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		r := Rules{Zones: map[string]*time.Location{c.zone: zone}, Notices: spec.Notices{Digests: []spec.Digest{{Name: "daily", Zone: c.zone, At: c.at}}}}
		var got []string
		for at := c.day; len(got) < len(c.expected); {
			at = r.nextDigest("daily", at)
			got = append(got, at.In(zone).Format("02 15:04 MST"))
		}
		if !slices.Equal(got, c.expected) {
			t.Errorf("%s: %q, expected %q", c.zone, got, c.expected)
		}
	}
}

// A weekly digest is found where midnight is not there on one of the days.
func TestAWeeklyDigest(t *testing.T) {
	zone, err := time.LoadLocation("America/Santiago")
	if err != nil {
		t.Fatal(err)
	}
	r := Rules{Zones: map[string]*time.Location{"America/Santiago": zone}, Notices: spec.Notices{Digests: []spec.Digest{{Name: "weekly", Zone: "America/Santiago", Days: []spec.Weekday{"fri"}}}}}
	friday := time.Date(2026, 9, 4, 0, 30, 0, 0, zone)
	if at := r.nextDigest("weekly", friday); !at.Equal(time.Date(2026, 9, 11, 0, 0, 0, 0, zone)) {
		t.Errorf("after %s it comes at %s", friday, at.In(zone))
	}
}

// Hours that join are quiet to their end; a day on which clocks change has its
// hours like another.
func TestQuietHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	r := Rules{Zones: map[string]*time.Location{"Europe/Berlin": berlin}, Notices: spec.Notices{Quiet: []spec.QuietHours{
		{Name: "off", Zone: "Europe/Berlin", From: 20 * time.Hour, To: 8 * time.Hour},
		{Name: "off", Zone: "Europe/Berlin", Days: []spec.Weekday{"sat", "sun"}, From: 8 * time.Hour, To: 20 * time.Hour},
	}}}
	friday := time.Date(2026, 3, 27, 21, 0, 0, 0, berlin) // clocks go forward on Sunday
	if end := r.quietUntil("off", friday); !end.Equal(time.Date(2026, 3, 30, 8, 0, 0, 0, berlin)) {
		t.Errorf("quiet until %s", end.In(berlin))
	}
	if noon := time.Date(2026, 3, 27, 12, 0, 0, 0, berlin); !r.quietUntil("off", noon).Equal(noon) {
		t.Error("quiet at noon")
	}
}
