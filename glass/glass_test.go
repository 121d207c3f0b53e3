package glass_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/database/databasetest"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/glass"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

const rules = `apiVersion: linnet/v1
kind: Access
spec:
  groups:
    - { name: release-managers, members: [ann, bob] }
    - { name: leads, members: [kim] }
  bindings:
    - { role: operator, to: [oli, sue] }
    - { role: approver, to: ["group:release-managers"] }
    - { role: owner, to: [lea], teams: [red] }
    - { role: owner, to: [max], teams: [blue] }
  glass: { confirmedBy: leads }
`

const file = `apiVersion: linnet/v1
kind: Release
metadata: { name: checkout-2, labels: { team: red, environment: production } }
spec:
  service: checkout
  baseline:  { version: 1.4.1, labels: { version: stable } }
  candidate: { version: 1.5.0, labels: { version: canary } }
  traffic: { proxy: { service: checkout } }
  steps:
    - { weight: 5%, atLeast: 5m, atMost: 30m, approval: { from: release-managers, quorum: 2 } }
  analysis:
    source: { prometheus: { url: http://localhost:9090 } }
    metrics:
      - { name: errors, ratio: { bad: bad_total, of: all_total }, worse: higher }
`

// world is a desk with rules, guard rails and a glass, over a real database.
type world struct {
	*testing.T
	desk  *control.Desk
	store *journal.Store
	glass *glass.Requests
	now   time.Time

	mu      sync.Mutex
	found   []control.Finding
	trail   []control.Entry
	full    error // of the audit
	notices []release.Notice
	weight  release.Weight
}

// suite is run on both kinds of database.
var suite = []struct {
	name string
	test func(*testing.T, *world)
}{
	{"a second person breaks it", aSecondPerson},
	{"approvals", approvals},
	{"expires and is used once", usedOnce},
	{"bounded", bounded},
}

func TestGlass(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, fresh databasetest.Fresh) {
		for _, s := range suite {
			t.Run(s.name, func(t *testing.T) { s.test(t, newWorld(t, fresh(t))) })
		}
	})
}

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	w := &world{T: t, now: time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
		found: []control.Finding{{Rule: "freeze christmas", Text: "no releases until 2 January"}}}
	parsed, err := spec.ParseAccess("access.yaml", []byte(rules))
	if err == nil {
		w.store, err = journal.On(t.Context(), db)
	}
	if err == nil {
		w.glass, err = glass.New(t.Context(), db)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.desk = control.New(control.Config{Journal: w.store, Beginner: w, Policy: access.New("access.yaml", parsed), Guard: w, Auditor: w,
		Glass: w.glass, Notifier: w, Read: spec.Parse, Now: func() time.Time { return w.now }})
	return w
}

func (w *world) config() run.Config {
	return run.Config{Store: w.store, Router: w, Source: w, Notifier: w, Now: func() time.Time { return w.now }}
}

func (w *world) Begin(ctx context.Context, b control.Beginning) (journal.ID, error) {
	return run.Begin(ctx, w.config(), run.Beginning{Plan: b.Plan, Attempt: b.Attempt, File: b.File.Text, Salt: "salt", By: b.By, Glass: b.Glass})
}

func (w *world) Check(context.Context, time.Time, access.Actor, spec.File, plan.Plan) ([]control.Finding, error) {
	return w.found, nil
}

func (w *world) Audit(_ context.Context, e control.Entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full == nil {
		w.trail = append(w.trail, e)
	}
	return w.full
}

func (w *world) Notify(_ context.Context, n release.Notice) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notices = append(w.notices, n)
	return nil
}

func (w *world) Apply(_ context.Context, r release.Route) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.weight = engine.CandidateWeight(r)
	return nil
}

func (w *world) Observed(context.Context) (release.Seen, error) { return release.Seen{}, nil }

func (w *world) Observe(context.Context, release.Query) (release.Answer, error) {
	return release.Answer{}, nil
}

func (w *world) turn(id journal.ID) {
	w.Helper()
	r, err := run.New(w.Context(), w.config(), id)
	if err == nil {
		err = r.Turn(w.Context())
	}
	if err != nil {
		w.Fatal(err)
	}
}

// kept tells what the audit has, oldest first: what, by whom, and whether denied.
func (w *world) kept() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, e := range w.trail {
		text := e.What + " by " + e.Who.Name
		if e.Denied != "" {
			text += " denied"
		}
		out = append(out, text)
	}
	w.trail = nil
	return strings.Join(out, ", ")
}

// paged tells the titles of what people were paged with.
func (w *world) paged() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, n := range w.notices {
		if n.Urgency == release.Page {
			out = append(out, n.Title)
		}
	}
	w.notices = nil
	return out
}

func person(name string) access.Actor {
	return access.Actor{Name: name, Kind: access.Person, From: "192.0.2.1"}
}

func (w *world) create(who string) (control.GlassRequest, error) {
	_, err := w.desk.Create(w.Context(), person(who), control.Creation{Name: "release.yaml", File: []byte(file), Glass: "the shop is down"})
	var waits *control.Unconfirmed
	if errors.As(err, &waits) {
		return waits.Request, nil
	}
	return control.GlassRequest{}, err
}

func aSecondPerson(t *testing.T, w *world) {
	if _, err := w.create("ann"); !errors.As(err, new(*control.Denied)) {
		t.Fatalf("an approver asks to break the glass: %v", err)
	}
	w.kept()
	asked, err := w.create("oli")
	if err != nil || asked.Until.Sub(asked.At) != time.Hour {
		t.Fatalf("%+v, %v", asked, err)
	}
	if _, known, _ := w.store.Latest(t.Context(), "checkout-2"); known {
		t.Fatal("the release began before anybody agreed")
	}
	for who, want := range map[string]string{"oli": "second person", "sue": "it needs the role owner or admin", "max": "it needs the role owner or admin"} {
		if _, err := w.desk.Confirm(t.Context(), person(who), asked.ID, 0); !errors.As(err, new(*control.Denied)) ||
			who != "oli" && !strings.Contains(err.Error(), want) {
			t.Errorf("%s as the second person: %v", who, err)
		}
	}
	got, err := w.desk.Confirm(t.Context(), person("kim"), asked.ID, 0)
	if err != nil || got.Created == nil || !got.Created.Fresh || len(got.Created.Overridden) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if s, err := w.store.Find(t.Context(), got.Created.ID); err != nil || s.Author != "oli" {
		t.Errorf("it began as %+v, %v", s, err)
	}
	w.turn(got.Created.ID)
	if paged := w.paged(); !slices.Equal(paged, []string{"oli asks to break the glass", "checkout-2 begins past the guard rails"}) {
		t.Errorf("people were paged with %q", paged)
	}
	if kept := w.kept(); !strings.HasPrefix(kept, "glass.ask by oli, ") || !strings.HasSuffix(kept, "glass.confirm by kim, release.create-past-guards by oli, release.create-past-guards.taken by oli") ||
		strings.Count(kept, "denied") != 3 {
		t.Errorf("the audit has %s", kept)
	}
	if _, err := w.desk.Confirm(t.Context(), person("lea"), asked.ID, 0); !errors.Is(err, release.ErrConflict) {
		t.Errorf("used twice: %v", err)
	}
	if all, err := w.desk.Requests(t.Context(), person("oli"), 10); err != nil || len(all) != 1 || all[0].By != "kim" || all[0].What() != "begin checkout-2" {
		t.Errorf("the list has %+v, %v", all, err)
	}
	if all, err := w.desk.Requests(t.Context(), person("stranger"), 10); err != nil || len(all) != 0 {
		t.Errorf("a stranger sees %+v, %v", all, err)
	}
}

func approvals(t *testing.T, w *world) {
	w.found = nil
	made, err := w.desk.Create(t.Context(), person("sue"), control.Creation{Name: "release.yaml", File: []byte(file)})
	if err != nil {
		t.Fatal(err)
	}
	order := func(verb engine.Verb, glass string) error {
		_, err := w.desk.Command(t.Context(), person("oli"), control.Order{ID: made.ID, Verb: verb, Glass: glass})
		return err
	}
	if err := order(engine.Abort, "x"); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("an abort past approvals: %v", err)
	}
	var waits *control.Unconfirmed
	if err := order(engine.Advance, "nobody can be reached"); !errors.As(err, &waits) {
		t.Fatalf("to advance past approvals: %v", err)
	}
	var later *control.Unconfirmed
	if err := order(engine.Advance, "still nobody"); !errors.As(err, &later) {
		t.Fatalf("to advance past approvals: %v", err)
	}
	if _, err := w.desk.Confirm(t.Context(), person("lea"), waits.Request.ID, 0); err != nil {
		t.Fatal(err)
	}
	w.turn(made.ID)
	// Who agrees to the second request agrees to what was asked then.
	if _, err := w.desk.Confirm(t.Context(), person("lea"), later.Request.ID, 0); !errors.Is(err, release.ErrConflict) || !strings.Contains(err.Error(), "ask anew") {
		t.Errorf("at another step: %v", err)
	}
	s, err := w.store.Find(t.Context(), made.ID)
	if err != nil || s.Step != 1 || w.weight != 5000 {
		t.Errorf("at step %d, %d, %v", s.Step, w.weight, err)
	}
	if paged := w.paged(); !slices.Contains(paged, "checkout-2: the glass was broken") {
		t.Errorf("people were paged with %q", paged)
	}
}

func usedOnce(t *testing.T, w *world) {
	late, err := w.create("oli")
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(control.GlassFor)
	if _, err := w.desk.Confirm(t.Context(), person("kim"), late.ID, 0); !errors.Is(err, release.ErrConflict) {
		t.Errorf("agreed to after an hour: %v", err)
	}
	if _, err := w.desk.Confirm(t.Context(), person("kim"), "nonsense", 0); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("agreed to nothing: %v", err)
	}
	// What the audit cannot keep was not agreed to, and can be yet.
	kept, err := w.create("oli")
	if err != nil {
		t.Fatal(err)
	}
	w.full = release.ErrUnavailable
	if _, err := w.desk.Confirm(t.Context(), person("kim"), kept.ID, 0); !errors.Is(err, release.ErrUnavailable) {
		t.Errorf("agreed to without an audit: %v", err)
	}
	w.full = nil
	if r, err := w.glass.Find(t.Context(), kept.ID); err != nil || r.By != "" {
		t.Errorf("it is used up: %+v, %v", r, err)
	}
	// What was not shown to the second person is not agreed to.
	more, err := w.create("oli")
	if err != nil {
		t.Fatal(err)
	}
	w.found = append(w.found, control.Finding{Rule: "small-first-step", Text: "5 % is too much"})
	if _, err := w.desk.Confirm(t.Context(), person("kim"), more.ID, 0); !errors.As(err, new(*control.Refused)) {
		t.Errorf("a rule more: %v", err)
	}
	w.found = w.found[:1]
	again, err := w.create("oli")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	agreed := 0
	for i := range 6 {
		wg.Go(func() {
			if err := w.glass.Agree(t.Context(), again.ID, fmt.Sprint("lead ", i), w.now); err == nil {
				mu.Lock()
				agreed++
				mu.Unlock()
			} else if !errors.Is(err, release.ErrConflict) {
				t.Error(err)
			}
		})
	}
	if wg.Wait(); agreed != 1 {
		t.Errorf("%d agreed to one request", agreed)
	}
}

func bounded(t *testing.T, w *world) {
	ask := func(id int) error {
		return w.glass.Ask(t.Context(), control.GlassRequest{ID: fmt.Sprint(id), At: w.now, Until: w.now.Add(time.Hour)})
	}
	for id := range 100 {
		if err := ask(id); err != nil {
			t.Fatal(err)
		}
	}
	if err := ask(100); !errors.Is(err, release.ErrConflict) {
		t.Errorf("the 101st that waits: %v", err)
	}
	w.now = w.now.Add(91 * 24 * time.Hour)
	if err := ask(101); err != nil {
		t.Error(err)
	}
	if all, err := w.glass.List(t.Context(), 1000); err != nil || len(all) != 1 {
		t.Errorf("%d are kept, %v", len(all), err)
	}
}
