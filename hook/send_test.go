package hook

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/spec"
)

var update = flag.Bool("update", false, "write testdata anew")

// bus is a target that takes events, unless it is told not to.
type bus struct {
	*httptest.Server
	mu     sync.Mutex
	answer func(n int) int // by the count of requests, from 1
	count  int
	ids    []string
	heads  []http.Header
	bodies []string
}

func takesEvents(t *testing.T) *bus {
	b := &bus{answer: func(int) int { return http.StatusNoContent }}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.count++
		code := b.answer(b.count)
		if w.WriteHeader(code); code/100 != 2 {
			return
		}
		var e struct{ ID string }
		_ = json.Unmarshal(body, &e)
		b.ids, b.heads, b.bodies = append(b.ids, e.ID+r.Header.Get("Ce-Id")), append(b.heads, r.Header), append(b.bodies, string(body))
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *bus) got(t *testing.T, want ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if fmt.Sprint(b.ids) != fmt.Sprint(want) {
		t.Errorf("the target has %v, want %v", b.ids, want)
	}
}

// house is a journal on one kind of database, with a clock that only tests turn.
type house struct {
	t      *testing.T
	db     *database.DB
	store  *journal.Store
	states map[journal.ID]*engine.State
	dir    string
	now    time.Time
}

func newHouse(t *testing.T, db *database.DB) *house {
	t.Helper()
	store, err := journal.On(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return &house{t: t, db: db, store: store, states: map[journal.ID]*engine.State{}, dir: t.TempDir(), now: time.Unix(1_800_000_000, 0)}
}

// happens puts an event into a release's journal; Started begins it.
func (h *house) happens(name string, e engine.Event, file ...byte) {
	h.t.Helper()
	id := journal.ID{Name: name, Attempt: 1}
	s, there := h.states[id]
	if !there {
		s = new(engine.State)
		h.states[id] = s
	}
	next, d, effects := engine.Step(*s, e)
	rec := journal.Record{At: h.now, Event: e, Decision: d, Effects: effects}
	var err error
	if there {
		sum, _ := h.store.Find(h.t.Context(), id)
		err = h.store.Append(h.t.Context(), id, sum.Seq, rec, &next)
	} else {
		err = h.store.Begin(h.t.Context(), id, file, rec, &next)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	*s = next
}

func (h *house) begins(name, team string) {
	h.t.Helper()
	made := strings.NewReplacer("$(version)", "2.0.0", "$(commit)", "abc", "payments", team).Replace(checkoutTemplate)
	made = strings.Replace(made, "checkout-2.0.0", name, 1)
	text := []byte(strings.Replace(made, `commit: "abc"`, `commit: abc, image: "reg.example.com/shop/checkout:2@sha256:0b31"`, 1))
	f, err := spec.Parse(name, text)
	if err != nil {
		h.t.Fatal(err)
	}
	h.happens(name, engine.Started{At: h.now, Attempt: 1, Plan: plan.Compile(f), Salt: "s", Epoch: 1, Methods: judge.Methods}, text...)
}

func (h *house) orders(name string, verb engine.Verb) {
	h.t.Helper()
	h.happens(name, engine.Commanded{At: h.now, ID: fmt.Sprint(verb, h.now.UnixNano(), len(h.states)), Verb: verb, Who: "anna"})
}

func (h *house) sender(holder string, b *bus, change func(*spec.HookOut)) *Sender {
	h.t.Helper()
	out := spec.HookOut{Name: "bus", URL: b.URL + "/in", Form: spec.CloudEvents, Mode: spec.Structured, Timeout: 5 * time.Second, GiveUp: time.Hour}
	if change != nil {
		change(&out)
	}
	s, err := NewSender(h.t.Context(), OutConfig{Journal: h.store, DB: h.db, Folder: h.dir, Source: "https://linnet.example.com", Holder: holder,
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return h.now }}, Target{out, b.Client()})
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *house) turn(s *Sender) time.Duration {
	h.t.Helper()
	wait, err := s.Turn(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return wait
}

func testEventsAreSentOnceAndInOrder(t *testing.T, db *database.DB) {
	h, b := newHouse(t, db), takesEvents(t)
	h.begins("early", "payments") // before anybody listened
	one, two := h.sender("one", b, nil), h.sender("two", b, nil)
	h.turn(one)
	h.begins("a", "payments")
	h.orders("a", engine.Pause)
	h.begins("b", "search")
	h.orders("a", engine.Resume)
	h.orders("a", engine.Abort)
	h.turn(two) // it is the other's
	h.turn(one)
	want := []string{"a/1/1", "a/1/2", "b/1/1", "a/1/3", "a/1/4"}
	b.got(t, want...)
	// Another process goes on where this one was: after its lease, when it was
	// killed, at once when it gave the target back.
	h.orders("b", engine.Pause)
	h.turn(two)
	b.got(t, want...)
	h.now = h.now.Add(leaseFor + time.Second)
	h.turn(two)
	b.got(t, append(want, "b/1/2")...)
	if err := giveBack(t.Context(), db, two.holding()); err != nil {
		t.Fatal(err)
	}
	h.orders("b", engine.Abort)
	h.turn(h.sender("three", b, nil))
	b.got(t, append(want, "b/1/2", "b/1/3")...)
}

// What is damaged is left out and counted, and so is what follows a first record
// that is: what it is about stands there.
func testADamagedReleaseHoldsUpNoOther(t *testing.T, db *database.DB) {
	h, b := newHouse(t, db), takesEvents(t)
	s := h.sender("one", b, nil)
	h.turn(s)
	h.begins("a", "payments")
	h.begins("b", "search")
	h.begins("c", "carts")
	h.orders("a", engine.Pause)
	h.orders("b", engine.Pause)
	h.orders("c", engine.Pause)
	err := db.Write(t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE records SET body = ? WHERE release = (SELECT id FROM releases WHERE name = 'a') AND seq = 1
			OR release = (SELECT id FROM releases WHERE name = 'b') AND seq = 2`, []byte("rot"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	h.turn(s)
	b.got(t, "b/1/1", "c/1/1", "c/1/2")
	if all, err := Standings(t.Context(), db, []string{"bus"}); err != nil || len(all) != 1 || all[0].Sent != 3 || all[0].LeftOut != 3 {
		t.Errorf("%+v, %v", all, err)
	}
}

// stops is a way to a target that has the sender stop once an event is taken.
type stops struct {
	http.RoundTripper
	stop func()
}

func (s stops) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.RoundTripper.RoundTrip(r)
	s.stop()
	return resp, err
}

// What was taken while the sender is told to stop is not sent again by the next.
func testASenderThatStops(t *testing.T, db *database.DB) {
	h, b := newHouse(t, db), takesEvents(t)
	ctx, stop := context.WithCancel(t.Context())
	s := h.sender("one", b, nil)
	h.turn(s)
	h.begins("a", "payments")
	s.target.Client = &http.Client{Transport: stops{http.DefaultTransport, stop}}
	if _, err := s.Turn(ctx); err != nil {
		t.Error(err)
	}
	h.now = h.now.Add(leaseFor + time.Second)
	h.turn(h.sender("two", b, nil))
	b.got(t, "a/1/1")
}

func testATargetThatFails(t *testing.T, db *database.DB) {
	h, b := newHouse(t, db), takesEvents(t)
	s := h.sender("one", b, nil)
	h.turn(s)
	b.answer = func(int) int { return http.StatusBadGateway }
	h.begins("a", "payments")
	h.orders("a", engine.Pause)
	for n, want := range []time.Duration{1, 2, 4, 8, 16} {
		if wait := h.turn(s); wait != want*time.Second || b.count != n+1 {
			t.Errorf("after %d tries: %d requests, the next in %s", n+1, b.count, wait)
		}
		h.turn(s) // too early
		h.now = h.now.Add(want * time.Second)
	}
	stands := func(want Standing) {
		t.Helper()
		want.Target = "bus"
		got, err := Standings(t.Context(), db, []string{"bus", "another"})
		if err != nil || len(got) != 2 || got[0] != want || got[1] != (Standing{Target: "another"}) {
			t.Errorf("the targets stand at %+v (%v), expected %+v", got, err, want)
		}
	}
	stands(Standing{Tries: 5, Since: h.now.Add(-31 * time.Second).UTC(), Trouble: "it answers 502 Bad Gateway"})
	b.answer = func(int) int { return http.StatusOK }
	h.turn(h.sender("one", b, nil)) // a new process of that name goes on
	b.got(t, "a/1/1", "a/1/2")
	stands(Standing{Sent: 2})
	// An event that is refused as such holds nothing up for long.
	h.orders("a", engine.Resume)
	h.orders("a", engine.Abort)
	first := b.count + 1
	b.answer = func(n int) int {
		if n < first+refusedTries {
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	}
	for range 6 {
		h.turn(s)
		h.now = h.now.Add(10 * time.Second)
	}
	b.got(t, "a/1/1", "a/1/2", "a/1/4")
	// Nor does one that no try gets through in time.
	b.answer = func(int) int { return http.StatusServiceUnavailable }
	h.begins("b", "payments")
	for range 20 {
		h.turn(s)
		h.now = h.now.Add(5 * time.Minute)
	}
	b.answer = func(int) int { return http.StatusOK }
	h.begins("c", "payments")
	h.turn(s)
	h.now = h.now.Add(5 * time.Minute)
	h.turn(s)
	b.got(t, "a/1/1", "a/1/2", "a/1/4", "c/1/1")
}

func TestFormsOfEvents(t *testing.T) {
	db := lite(t)
	h := newHouse(t, db)
	put(t, h.dir, "key", "whsec_c2VzYW1l\n")
	put(t, h.dir, "token", "sesame\n")
	buses := map[string]*bus{}
	var senders []*Sender
	for name, change := range map[string]func(*spec.HookOut){
		"structured": func(o *spec.HookOut) { o.SigningFile = "key" },
		"binary":     func(o *spec.HookOut) { o.Mode, o.TokenFile, o.Teams = spec.Binary, "token", []string{"pay*"} },
		"cdevents":   func(o *spec.HookOut) { o.Form, o.Events = spec.CDEvents, []string{"started", "rolled-back"} },
		"cd-binary":  func(o *spec.HookOut) { o.Form, o.Mode, o.Services = spec.CDEvents, spec.Binary, []string{"check*"} },
		"nothing":    func(o *spec.HookOut) { o.Environments = []string{"staging"} },
	} {
		b := takesEvents(t)
		buses[name] = b
		s := h.sender("one", b, func(o *spec.HookOut) { change(o); o.Name = name })
		h.turn(s)
		senders = append(senders, s)
	}
	h.begins("a", "payments")
	h.orders("a", engine.Pause)
	h.begins("b", "search")
	h.orders("a", engine.Abort)
	for _, s := range senders {
		h.turn(s)
	}
	buses["structured"].got(t, "a/1/1", "a/1/2", "b/1/1", "a/1/3")
	buses["binary"].got(t, "a/1/1", "a/1/2", "a/1/3")
	buses["cdevents"].got(t, "a/1/1", "b/1/1", "a/1/3")
	buses["cd-binary"].got(t, "a/1/1", "b/1/1", "a/1/3")
	buses["nothing"].got(t)

	b := buses["structured"]
	if !(proof{spec.FormStandard, b.heads[0], []byte(b.bodies[0]), h.now}).by("sesame") {
		t.Errorf("the signature does not hold: %v", b.heads[0])
	}
	recorded(t, "structured.json", b.bodies[3])
	b = buses["binary"]
	if g := b.heads[0]; g.Get("Authorization") != "Bearer sesame" || g.Get("Ce-Type") != typePrefix+"started" || g.Get("Ce-Specversion") != "1.0" ||
		g.Get("Ce-Subject") != "a/1" || g.Get("Ce-Source") != "https://linnet.example.com" || g.Get("Content-Type") != "application/json" {
		t.Errorf("%v", g)
	}
	recorded(t, "binary.json", b.bodies[0])
	recorded(t, "cdevent.json", buses["cdevents"].bodies[2])
	if g := buses["cd-binary"].heads[0]; g.Get("Ce-Type") != "dev.cdevents.service.deployed.0.2.0" || g.Get("Ce-Subject") != "checkout" {
		t.Errorf("%v", g)
	}
	recorded(t, "cdevent-deployed.json", buses["cd-binary"].bodies[0])
}

// recorded holds a body to the file that shows it.
func recorded(t *testing.T, name, body string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	want, err := os.ReadFile(path)
	if *update {
		err = os.WriteFile(path, []byte(body+"\n"), 0o644)
		want = []byte(body + "\n")
	}
	if err != nil || string(want) != body+"\n" {
		t.Errorf("%s: %v\ngot  %s\nwant %s", name, err, body, want)
	}
}

// bounded is a journal that says which of its calls had no end.
type bounded struct {
	Journal
	t *testing.T
}

func (b bounded) ends(ctx context.Context, what string) {
	if _, ok := ctx.Deadline(); !ok {
		b.t.Errorf("%s is waited for without end", what)
	}
}

func (b bounded) Events(ctx context.Context, f journal.Feeding) ([]journal.Entry, error) {
	b.ends(ctx, "the feed")
	return b.Journal.Events(ctx, f)
}

func (b bounded) Records(ctx context.Context, id journal.ID, from uint64, fn func(journal.Record) error) error {
	b.ends(ctx, "a record")
	return b.Journal.Records(ctx, id, from, fn)
}

// A database whose connection went silent is not waited for: the sender says so,
// and asks again.
func TestASenderWaitsForNoDatabase(t *testing.T) {
	h, b := newHouse(t, lite(t)), takesEvents(t)
	h.begins("one", "payments")
	s := h.sender("a", b, nil)
	s.cfg.Journal = bounded{h.store, t}
	h.orders("one", engine.Pause)
	h.turn(s)
	b.got(t, "one/1/2")
}
