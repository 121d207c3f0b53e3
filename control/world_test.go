package control_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

// file is a release file of a team.
func file(name, team string, weight int) []byte {
	return fmt.Appendf(nil, `apiVersion: linnet/v1
kind: Release
metadata: { name: %s, labels: { team: %s, environment: prod } }
spec:
  service: checkout
  baseline:  { version: 1.4.1, labels: { version: stable } }
  candidate: { version: 1.5.0, labels: { version: canary } }
  traffic:
    proxy: { service: checkout }
  steps:
    - { weight: %d%%, atLeast: 5m, atMost: 30m }
  analysis:
    source: { prometheus: { url: http://localhost:9090 } }
    metrics:
      - name: errors
        ratio: { bad: 'http_requests_total{status=~"5.."}', of: http_requests_total }
        worse: higher
`, name, team, weight)
}

// world is a desk over a real journal, and who runs what is begun at it.
type world struct {
	*testing.T
	store *journal.Store
	desk  *control.Desk
	now   time.Time

	mu     sync.Mutex
	routes map[string]release.Route
	policy func(access.Actor, access.Action, access.Resource) access.Decision
	guards []control.Finding
	// most is how many releases may be unfinished at once; 0 for any number.
	most   int
	trail  []control.Entry
	broken error // of the audit
	// unable is why no release begins.
	unable error
	// leave is called while one is being begun.
	leave func()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	store, err := journal.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	w := &world{T: t, store: store, now: time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
		routes: map[string]release.Route{}, policy: access.Everybody{}.Decide}
	w.desk = control.New(control.Config{
		Journal: store, Beginner: w, Policy: w, Guard: w, Auditor: w, Read: spec.Parse, Now: func() time.Time { return w.now },
	})
	return w
}

// config is what a release of this world is run with.
func (w *world) config() run.Config {
	return run.Config{Store: w.store, Router: router{w}, Source: silent{}, Now: func() time.Time { return w.now }}
}

// Begin implements control.Beginner.
func (w *world) Begin(ctx context.Context, b control.Beginning) (journal.ID, error) {
	if w.leave != nil {
		w.leave()
	}
	if w.unable != nil {
		return journal.ID{}, w.unable
	}
	return run.Begin(ctx, w.config(), run.Beginning{Plan: b.Plan, Attempt: b.Attempt, File: b.File.Text, Salt: "salt", By: b.By})
}

// turn runs a release for one turn.
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

// Decide implements access.Policy.
func (w *world) Decide(who access.Actor, action access.Action, on access.Resource) access.Decision {
	return w.policy(who, action, on)
}

// Groups implements access.Policy.
func (w *world) Groups(access.Actor) []string { return []string{access.Anybody} }

// Check implements control.Guard.
func (w *world) Check(ctx context.Context, _ time.Time, _ access.Actor, _ spec.File, _ plan.Plan) ([]control.Finding, error) {
	if all, err := w.store.Unfinished(ctx); err != nil || w.most > 0 && len(all) >= w.most {
		return []control.Finding{{Rule: "at-once", Text: "too many"}}, err
	}
	return w.guards, nil
}

// Audit implements control.Auditor.
func (w *world) Audit(ctx context.Context, e control.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken == nil {
		w.trail = append(w.trail, e)
	}
	return w.broken
}

// audited gives what was kept last.
func (w *world) audited() control.Entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.trail) == 0 {
		return control.Entry{}
	}
	return w.trail[len(w.trail)-1]
}

// told are the words for what was kept from the nth entry on.
func (w *world) told(from int) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, e := range w.trail[from:] {
		if e.Denied != "" {
			e.What += "!"
		}
		all = append(all, strings.TrimPrefix(e.What, "release."))
	}
	return strings.Join(all, " ")
}

func (w *world) create(c control.Creation) control.Created {
	w.Helper()
	got, err := w.desk.Create(w.Context(), ann, c)
	if err != nil {
		w.Fatal(err)
	}
	return got
}

// end aborts a release and runs it until nothing is left to do.
func (w *world) end(id journal.ID) {
	w.Helper()
	w.turn(id)
	if _, err := w.desk.Command(w.Context(), ann, control.Order{ID: id, Verb: "abort"}); err != nil {
		w.Fatal(err)
	}
	for range 200 {
		w.turn(id)
		if s, err := w.store.Find(w.Context(), id); err != nil || s.Ended() {
			return
		}
		w.now = w.now.Add(time.Minute)
	}
	w.Fatalf("%s does not end", id)
}

type router struct{ *world }

// Apply implements run.Router.
func (r router) Apply(_ context.Context, route release.Route) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.routes[route.Service] = route
	return nil
}

// Observed implements run.Router.
func (r router) Observed(context.Context) (release.Seen, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return release.Seen{Route: r.routes["checkout"]}, nil
}

type silent struct{}

// Observe implements run.Source.
func (silent) Observe(context.Context, release.Query) (release.Answer, error) {
	return release.Answer{}, nil
}

var ann = access.Actor{Name: "ann@example.com", Kind: access.Person, From: "192.0.2.1"}

// denies is a policy without one action.
func denies(action access.Action) func(access.Actor, access.Action, access.Resource) access.Decision {
	return func(_ access.Actor, asked access.Action, on access.Resource) access.Decision {
		return access.Decision{Allowed: asked != action, Why: "no rule allows it for team " + on.Team}
	}
}

// wantDenied checks that something is denied, and that the try is kept.
func (w *world) wantDenied(err error, what string) {
	w.Helper()
	var denied *control.Denied
	if !errors.As(err, &denied) || !errors.Is(err, release.ErrInvalid) {
		w.Errorf("%s: %v, want it denied", what, err)
		return
	}
	if e := w.audited(); e.What != what || e.Denied == "" || e.Who.Name != ann.Name || e.Who.From != ann.From {
		w.Errorf("audit of a denied %s is %+v", what, e)
	}
}
