package login

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/database/databasetest"
	"github.com/linnet-project/linnet/release"
)

// status is what an error is of HTTP; 0 for none of ours.
func status(err error) int {
	var no *Refused
	if errors.As(err, &no) {
		return no.Status
	}
	return 0
}

func (b *bed) token(t *testing.T, w Wish) (Token, string) {
	t.Helper()
	if w.Name == "" {
		w.Name = "pipeline"
	}
	made, text, err := b.CreateToken(t.Context(), admin, w)
	if err != nil {
		t.Fatal(err)
	}
	return made, text
}

func tokens(t *testing.T, db *database.DB) {
	b := newBed(t, db, nil)
	narrow := Narrowing{Actions: []access.Action{access.View, access.Create}, Services: []string{"checkout"}}
	made, text := b.token(t, Wish{Owner: "service:ci", For: narrow, Life: time.Hour})
	want := access.Actor{Name: "service:ci", Kind: access.Service, From: "192.0.2.1", Groups: []string{},
		Scopes: []access.Action{"view", "create"}, Services: []string{"checkout"}}
	for _, l := range []*Login{b.Login, b.other} {
		if who, err := l.Authenticate(withToken(text, "192.0.2.1")); err != nil || !reflect.DeepEqual(who, want) {
			t.Fatalf("%+v, %v", who, err)
		}
	}
	b.clock.pass(30 * time.Second)
	if _, err := b.Authenticate(withToken(text, "192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	list, err := b.ListTokens(t.Context(), admin, "*")
	if err != nil || len(list) != 1 || !list[0].Used.Equal(noon) || !list[0].Ends.Equal(noon.Add(time.Hour)) || !reflect.DeepEqual(list[0].For, narrow) {
		t.Errorf("%+v, %v", list, err)
	}
	t.Run("nothing of the secret is kept", func(t *testing.T) {
		var kept string
		err := db.Read(t.Context(), func(tx database.Tx) error {
			var hash []byte
			err := tx.QueryRow(t.Context(), `SELECT hash FROM login_tokens`).Scan(&hash)
			kept = fmt.Sprintf("%x", hash)
			return err
		})
		if err != nil || strings.Contains(text, kept) {
			t.Errorf("%s is kept of %s (%v)", kept, text, err)
		}
	})
	if err := b.RevokeToken(t.Context(), access.Actor{Name: "eve@example.com"}, made.ID); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("somebody else revokes it: %v", err)
	}
	if err := b.RevokeToken(t.Context(), admin, made.ID); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*Login{b.Login, b.other} {
		if _, err := l.Authenticate(withToken(text, "192.0.2.1")); status(err) != 401 || !strings.Contains(err.Error(), "revoked") {
			t.Errorf("a revoked token: %v", err)
		}
	}
	if b.audit.count("token.create") != 1 || b.audit.count("token.revoke") != 2 {
		t.Errorf("the audit has %+v", b.audit.all)
	}
}

// Somebody has one name, however an administrator writes the address: a second one
// would approve twice, and go on when the first is disabled.
func TestAnAddressInCapitalsIsTheSamePerson(t *testing.T) {
	b := newBed(t, databasetest.Folder(t), nil)
	made, text := b.token(t, Wish{Owner: "Anna@Example.com"})
	if who, err := b.Authenticate(withToken(text, "192.0.2.1")); err != nil || who.Name != "anna@example.com" || made.Owner != who.Name {
		t.Errorf("%+v, %+v, %v", made, who, err)
	}
	if list, err := b.ListTokens(t.Context(), admin, "ANNA@example.com"); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	if err := b.EndSessions(t.Context(), access.Actor{Name: "anna@example.com"}, "Anna@example.com"); err != nil {
		t.Errorf("one's own sessions: %v", err)
	}
	if err := b.Disable(t.Context(), admin, "anna@EXAMPLE.com", true); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Authenticate(withToken(text, "192.0.2.1")); status(err) == 0 {
		t.Errorf("a token of somebody who was disabled: %v", err)
	}
}

func aTokenEnds(t *testing.T, db *database.DB) {
	b := newBed(t, db, nil)
	_, text := b.token(t, Wish{Owner: "anna@example.com", Life: time.Hour})
	b.clock.pass(time.Hour - time.Nanosecond)
	again, err := New(t.Context(), b.cfg) // as after a restart
	if err != nil {
		t.Fatal(err)
	}
	if who, err := again.Authenticate(withToken(text, "192.0.2.1")); err != nil || who.Name != "anna@example.com" {
		t.Errorf("%v, %v", who, err)
	}
	b.clock.pass(time.Nanosecond)
	if _, err := again.Authenticate(withToken(text, "192.0.2.1")); status(err) != 401 || !strings.Contains(err.Error(), "ended at") {
		t.Errorf("an old token: %v", err)
	}
	for _, w := range []Wish{
		{Name: "long", Life: 31 * 24 * time.Hour}, {Name: ""}, {Name: "x", Owner: "hook:registry"}, {Name: "x", Owner: "service:a:b"},
		{Name: "x", For: Narrowing{Actions: []access.Action{"everything"}}}, {Name: "x", For: Narrowing{Teams: []string{""}}},
	} {
		if _, _, err := b.CreateToken(t.Context(), admin, w); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%+v: %v", w, err)
		}
	}
}

func serviceAccounts(t *testing.T, db *database.DB) {
	b, ctx := newBed(t, db, nil), t.Context()
	if a, err := b.CreateAccount(ctx, admin, "ci"); err != nil || a.Name != "service:ci" {
		t.Fatal(a, err)
	}
	if _, err := b.CreateAccount(ctx, admin, "service:ci"); !errors.Is(err, release.ErrConflict) {
		t.Errorf("made twice: %v", err)
	}
	_, one := b.token(t, Wish{Owner: "service:ci"})
	_, two := b.token(t, Wish{Owner: "service:ci"})
	_, own := b.token(t, Wish{Owner: "anna@example.com"})
	if err := b.Disable(ctx, admin, "service:ci", true); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{one, two} {
		if _, err := b.other.Authenticate(withToken(text, "192.0.2.1")); status(err) != 401 {
			t.Errorf("a token of a disabled account: %v", err)
		}
	}
	if _, err := b.Authenticate(withToken(own, "192.0.2.1")); err != nil {
		t.Error(err)
	}
	if all, err := b.Accounts(ctx, admin); err != nil || len(all) != 1 || all[0].Disabled.IsZero() {
		t.Errorf("%+v, %v", all, err)
	}
	if err := errors.Join(b.Disable(ctx, admin, "service:ci", false)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Authenticate(withToken(two, "192.0.2.1")); err != nil {
		t.Error(err)
	}
	if err := b.Disable(ctx, admin, "service:nobody", true); !errors.Is(err, release.ErrNotFound) {
		t.Error(err)
	}
	anna := access.Actor{Name: "anna@example.com", Kind: access.Person}
	_, err1 := b.CreateAccount(ctx, anna, "x")
	_, err2 := b.Accounts(ctx, anna)
	_, err3 := b.ListTokens(ctx, anna, "*")
	_, _, err4 := b.CreateToken(ctx, anna, Wish{Name: "x", Owner: "service:ci"})
	for i, err := range []error{err1, err2, err3, err4, b.Disable(ctx, anna, "service:ci", true), b.EndSessions(ctx, anna, "bert@example.com")} {
		if status(err) != http.StatusForbidden {
			t.Errorf("call %d of one who may not: %v", i, err)
		}
	}
	if list, err := b.ListTokens(ctx, anna, ""); err != nil || len(list) != 1 {
		t.Errorf("one's own: %v, %v", list, err)
	}
}

func TestATokenMakesNoneThatMayMore(t *testing.T) {
	b := newBed(t, databasetest.Folder(t), nil)
	narrow := access.Actor{Name: "anna@example.com", Groups: []string{"admins"}, Scopes: []access.Action{access.View, access.Tokens}}
	for _, c := range []struct {
		for_ Narrowing
		want int
	}{
		{Narrowing{}, 403},
		{Narrowing{Actions: []access.Action{access.Abort}}, 403},
		{Narrowing{Actions: []access.Action{access.View}}, 0},
	} {
		if _, _, err := b.CreateToken(t.Context(), narrow, Wish{Name: "more", For: c.for_}); status(err) != c.want {
			t.Errorf("%v: %v", c.for_, err)
		}
	}
	narrow.Services = []string{"checkout"}
	if _, _, err := b.CreateToken(t.Context(), narrow, Wish{Name: "more", For: Narrowing{Actions: []access.Action{access.View}}}); status(err) != 403 {
		t.Errorf("a token for one service makes one for all: %v", err)
	}
}

// A token that is for looking at releases ends no other token of its owner, and
// none of their sessions, whoever has got hold of it.
func TestANarrowTokenEndsNothing(t *testing.T) {
	b := newBed(t, databasetest.Folder(t), nil)
	made, text := b.token(t, Wish{Owner: "anna@example.com"})
	for _, narrow := range []access.Actor{
		{Name: "anna@example.com", Kind: access.Person, Scopes: []access.Action{access.View}},
		{Name: "anna@example.com", Kind: access.Person, Services: []string{"checkout"}},
	} {
		if err := b.RevokeToken(t.Context(), narrow, made.ID); status(err) != 403 {
			t.Errorf("%+v revokes: %v", narrow, err)
		}
		if err := b.EndSessions(t.Context(), narrow, narrow.Name); status(err) != 403 {
			t.Errorf("%+v ends sessions: %v", narrow, err)
		}
	}
	if _, err := b.Authenticate(withToken(text, "192.0.2.1")); err != nil {
		t.Error(err)
	}
	if b.audit.count("token.revoke") != 2 || b.audit.count("session.end") != 2 {
		t.Errorf("the audit has %+v", b.audit.all)
	}
}

// Who a chat says to have pressed a button has the groups of their last login, and
// nothing once their account was disabled.
func TestSomebodyWhomAChatVouchesFor(t *testing.T) {
	b := newBed(t, databasetest.Folder(t), nil)
	if who, err := b.Vouched(t.Context(), "zoe@example.com", "Slack"); err != nil || who.Name != "zoe@example.com" || who.Kind != access.Person || who.From != "Slack" {
		t.Errorf("who has never logged in: %+v, %v", who, err)
	}
	admin := access.Actor{Name: "anna@example.com", Groups: []string{"admins"}}
	if err := b.cfg.DB.Write(t.Context(), func(tx database.Tx) error { return b.saw(t.Context(), tx, "zoe@example.com", []string{"shop"}) }); err != nil {
		t.Fatal(err)
	}
	if who, err := b.Vouched(t.Context(), "zoe@example.com", "Slack"); err != nil || !slices.Equal(who.Groups, []string{"shop"}) {
		t.Errorf("%+v, %v", who, err)
	}
	if err := b.Disable(t.Context(), admin, "zoe@example.com", true); err != nil {
		t.Fatal(err)
	}
	if who, err := b.Vouched(t.Context(), "zoe@example.com", "Slack"); status(err) != 401 || who.Name != "" && err == nil {
		t.Errorf("disabled: %+v, %v", who, err)
	}
}

func TestLockOut(t *testing.T) {
	b := newBed(t, databasetest.Folder(t), nil)
	made, text := b.token(t, Wish{Owner: "service:ci"})
	if _, err := b.Authenticate(withToken(text, "192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	wrong := func(i int) string { return text[:len(text)-6] + fmt.Sprintf("%06x", i) }
	var last time.Duration
	locked := 0
	for i := range 40 {
		_, err := b.Authenticate(withToken(wrong(i), "198.51.100.9"))
		var no *Refused
		if !errors.As(err, &no) {
			t.Fatal(err)
		}
		if no.Status != 429 {
			continue
		}
		locked++
		if after := no.Header().Get("Retry-After"); after == "" || after == "0" {
			t.Errorf("Retry-After is %q", after)
		}
		if no.Wait < last || no.Wait > 5*time.Minute {
			t.Errorf("locked for %s after %s", no.Wait, last)
		}
		last = no.Wait
		b.clock.pass(no.Wait)
	}
	if locked < 25 || last < time.Minute {
		t.Errorf("%d of 40 guesses were locked out, the last for %s", locked, last)
	}
	if _, err := b.Authenticate(withToken(wrong(99), "198.51.100.9")); status(err) != 429 {
		t.Errorf("one guess more: %v", err)
	}
	t.Run("its owner elsewhere notices nothing", func(t *testing.T) {
		if _, err := b.Authenticate(withToken(text, "192.0.2.1")); err != nil {
			t.Error(err)
		}
		if _, err := b.Authenticate(withToken(text, "203.0.113.5")); err != nil {
			t.Errorf("from a new address: %v", err)
		}
	})
	t.Run("who shares the address and is at work goes on", func(t *testing.T) {
		if _, err := b.Authenticate(withToken(text, "198.51.100.9")); err != nil {
			t.Error(err)
		}
		_, unknown := b.token(t, Wish{Owner: "service:other"})
		if _, err := b.Authenticate(withToken(unknown, "198.51.100.9")); status(err) != 429 {
			t.Errorf("one who begins now has to wait: %v", err)
		}
	})
	t.Run("guesses from everywhere are told to wait", func(t *testing.T) {
		if _, err := b.Authenticate(withToken(wrong(100), "203.0.113.77")); status(err) != 429 {
			t.Errorf("%v, of %s", err, made.ID)
		}
	})
	t.Run("a pipeline with a token that has ended is no guesser", func(t *testing.T) {
		b.clock.pass(31 * 24 * time.Hour)
		for range 50 {
			if _, err := b.Authenticate(withToken(text, "192.0.2.1")); status(err) != 401 {
				t.Fatal(err)
			}
		}
	})
	if n := b.audit.count("login.failed"); n < 11 || n > 60 {
		t.Errorf("the audit has %d failures", n)
	}
}

func TestRates(t *testing.T) {
	b := newBed(t, databasetest.Folder(t), func(c *Config) {
		s := *c.Settings
		s.Rates.Anonymous, s.Rates.Actor = 1, 2
		c.Settings = &s
	})
	_, text := b.token(t, Wish{Owner: "service:ci"})
	_, other := b.token(t, Wish{Owner: "service:other"})
	counted := func(r func() *http.Request) (n int) {
		for range 30 {
			if _, err := b.Authenticate(r()); status(err) == 429 {
				n++
			}
		}
		return n
	}
	if n := counted(func() *http.Request { return withToken(text, "192.0.2.1") }); n != 20 {
		t.Errorf("%d of 30 of one actor were too fast", n)
	}
	if _, err := b.Authenticate(withToken(other, "192.0.2.1")); err != nil {
		t.Errorf("another actor: %v", err)
	}
	if n := counted(func() *http.Request { return request("GET", "192.0.2.8") }); n != 25 {
		t.Errorf("%d of 30 of a stranger were too fast", n)
	}
	if n := counted(func() *http.Request { return request("GET", "2001:db8::1") }); n != 25 {
		t.Errorf("%d of 30 of a stranger were too fast", n)
	}
	if _, err := b.Authenticate(request("GET", "2001:db8::2")); status(err) != 429 {
		t.Errorf("the next address of a network that is one customer's: %v", err)
	}
}

// While the database is away nobody can tell a token that is made up; it is held
// to the rate of strangers all the same, and those who were at work are not.
func TestStrangersAreSlowedWhileTheDatabaseIsAway(t *testing.T) {
	db := databasetest.Folder(t)
	b := newBed(t, db, func(c *Config) {
		c.Settings = newSettings()
		c.Settings.Rates.Anonymous = 1
	})
	_, text := b.token(t, Wish{Owner: "service:ci"})
	if _, err := b.Authenticate(withToken(text, "192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	slowed := func(text string) (n int) {
		for range 20 {
			switch _, err := b.Authenticate(withToken(text, "192.0.2.1")); {
			case status(err) == 429:
				n++
			case !errors.Is(err, release.ErrUnavailable):
				t.Errorf("%v", err)
			}
		}
		return n
	}
	if n := slowed(text[:len(text)-2] + "00"); n != 15 {
		t.Errorf("%d of 20 with a made-up token were too fast", n)
	}
	if n := slowed(text); n != 0 {
		t.Errorf("%d of 20 with one that was right were too fast", n)
	}
}

// Tokens that ended long ago go when others are made.
func TestTokensThatEndedAreForgotten(t *testing.T) {
	b := newBed(t, databasetest.Folder(t), nil)
	old, text := b.token(t, Wish{Owner: "service:ci", Life: time.Hour})
	known := func() bool {
		all, err := b.ListTokens(t.Context(), admin, "*")
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(all, func(one Token) bool { return one.ID == old.ID })
	}
	b.clock.pass(time.Hour + keptEnded - time.Second)
	b.token(t, Wish{Owner: "service:ci"})
	if _, err := b.Authenticate(withToken(text, "192.0.2.1")); !known() || err == nil || !strings.Contains(err.Error(), "ended at") {
		t.Errorf("one that ended lately: %v", err)
	}
	b.clock.pass(time.Second)
	b.token(t, Wish{Owner: "service:ci"})
	if _, err := b.Authenticate(withToken(text, "192.0.2.1")); known() || status(err) != 401 {
		t.Errorf("one that ended long ago: %v", err)
	}
}
