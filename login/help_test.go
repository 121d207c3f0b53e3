package login

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/database/databasetest"
	"github.com/linnet-project/linnet/spec"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

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

// audit keeps entries in memory.
type audit struct {
	mu  sync.Mutex
	all []control.Entry
	// broken is what every entry fails with, where it is set.
	broken error
}

func (a *audit) Audit(_ context.Context, e control.Entry) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken != nil {
		return a.broken
	}
	a.all = append(a.all, e)
	return nil
}

func (a *audit) count(what string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.all {
		if e.What == what {
			n++
		}
	}
	return n
}

// adminsOnly lets admins do everything, and others what needs no policy.
type adminsOnly struct{}

func (adminsOnly) Decide(who access.Actor, action access.Action, on access.Resource) access.Decision {
	if why := who.Beyond(action, on); why != "" {
		return access.Decision{Why: why}
	}
	return access.Decision{Allowed: slices.Contains(who.Groups, "admins") || who.Name == admin.Name, Why: "admins may"}
}

// Groups implements access.Policy.
func (adminsOnly) Groups(access.Actor) []string { return nil }

var admin = access.Actor{Name: "local:root", Kind: access.Person, From: "command line"}

// bed is a Login on a database, and a second one, as another replica has it.
type bed struct {
	*Login
	other *Login
	db    *database.DB
	clock *clock
	audit *audit
	cfg   Config
}

func newSettings() *spec.Login {
	return &spec.Login{
		Sessions: spec.Sessions{Idle: time.Hour, Longest: 8 * time.Hour},
		Tokens:   spec.TokenLives{Longest: 30 * 24 * time.Hour, Login: 12 * time.Hour},
	}
}

func newBed(t *testing.T, db *database.DB, change func(*Config)) *bed {
	t.Helper()
	b := &bed{db: db, clock: &clock{at: noon}, audit: &audit{}}
	b.cfg = Config{DB: db, Settings: newSettings(), Local: "root", PublicURL: "https://linnet.example.com", Policy: adminsOnly{},
		Auditor: b.audit, Log: slog.New(slog.DiscardHandler), Now: b.clock.now, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	if change != nil {
		change(&b.cfg)
	}
	for _, l := range []**Login{&b.Login, &b.other} {
		var err error
		if *l, err = New(t.Context(), b.cfg); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// TestOnBothKindsOfDatabase runs what touches the database on each kind, on a
// database of its own.
func TestOnBothKindsOfDatabase(t *testing.T) {
	tests := map[string]func(*testing.T, *database.DB){
		"tokens": tokens, "a token ends": aTokenEnds, "service accounts": serviceAccounts,
		"a browser logs in and out": aBrowserLogsInAndOut, "sessions end": sessionsEnd, "devices": devices,
	}
	databasetest.Each(t, func(t *testing.T, fresh databasetest.Fresh) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
		}
	})
}

// request is one from a place, over HTTPS unless the place is this machine.
func request(method, from string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "https://linnet.example.com/v1/releases", nil)
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(from), 4711).String()
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func withToken(text, from string) *http.Request {
	return request(http.MethodGet, from, "Authorization", "Bearer "+text)
}
