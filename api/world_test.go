package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/audit"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/database/databasetest"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

// file is a release file of a team.
func file(name, team string, weight int) string {
	return fmt.Sprintf(`apiVersion: linnet/v1
kind: Release
metadata: { name: %s, labels: { team: %s, environment: prod } }
spec:
  service: %s
  baseline:  { version: 1.4.1, labels: { version: stable } }
  candidate: { version: 1.5.0, labels: { version: canary } }
  traffic:
    proxy: { service: checkout }
  steps:
    - { weight: %d%%, atLeast: 5m, atMost: 30m }
    - { weight: 50%%, atLeast: 5m, atMost: 30m, approval: { from: managers } }
  analysis:
    source: { prometheus: { url: http://localhost:9090 } }
    metrics:
      - name: errors
        ratio: { bad: 'http_requests_total{status=~"5.."}', of: http_requests_total }
        worse: higher
`, name, team, strings.SplitN(name, "-", 2)[0], weight)
}

// world is a server of the API over a real journal, and who runs what is begun
// at it.
type world struct {
	testing.TB
	db     *database.DB
	store  *journal.Store
	api    *api.API
	server *httptest.Server
	stop   context.CancelFunc // of the server

	mu      sync.Mutex
	skew    time.Duration
	routes  map[string]release.Route
	policy  func(access.Actor, access.Action, access.Resource) access.Decision
	refusal error
	trouble int // how many releases are in trouble besides
	guards  []control.Finding
	source  run.Source
	log     bytes.Buffer
}

// suite is what the API must do on every kind of database.
var suite = []struct {
	name string
	test func(*world)
}{
	{"a release over HTTP", testAReleaseOverHTTP},
	{"orders over HTTP", testOrdersOverHTTP},
	{"lists and services", testListsAndServices},
	{"marks and judgements", testMarksAndJudgements},
	{"the course of a release", testTheCourseOfARelease},
	{"a replay", testAReplay},
	{"one of many requests", testOneOfManyRequests},
	{"a stream gives all once", testAStreamGivesAllOnce},
	{"the stream of all", testTheStreamOfAll},
}

func TestServer(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, fresh databasetest.Fresh) {
		for _, s := range suite {
			t.Run(s.name, func(t *testing.T) { s.test(newWorld(t, fresh(t))) })
		}
	})
}

func newWorld(t testing.TB, db *database.DB) *world {
	t.Helper()
	store, err := journal.On(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, db: db, store: store, routes: map[string]release.Route{}, policy: access.Everybody{}.Decide, source: silent{}}
	log, err := audit.On(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	desk := control.New(control.Config{Journal: store, Beginner: w, Policy: w, Guard: w, Auditor: log, Read: spec.Parse, Now: w.now})
	mux := http.NewServeMux()
	ctx, stop := context.WithCancel(t.Context())
	w.stop = stop
	w.api, err = api.New(ctx, mux, api.Config{
		Desk: desk, Feed: store, DB: db, Audit: log, Authenticate: w.authenticate, Version: "test", Now: w.now,
		Log: slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelError})),
		Foretell: func(_ context.Context, ask api.Foretelling) (api.Foretold, error) {
			f, err := spec.Parse("file", ask.File)
			if err != nil {
				return api.Foretold{}, err
			}
			return api.Foretold{Plan: plan.Compile(f)}, nil
		},
		Backtest: func(context.Context, access.Actor, api.Backtesting) ([]api.Backtested, error) { return nil, nil },
		Sources: func(_ context.Context, sees func(access.Resource) bool) (api.Sources, error) {
			told := api.Sources{Sources: []api.Source{}, Doors: []api.Door{}}
			if sees(access.Resource{Service: "checkout", Team: "red"}) {
				told.Sources = append(told.Sources, api.Source{Kind: "prometheus", State: "unasked", Services: []string{"checkout"}, Releases: 1})
			}
			return told, nil
		},
		Replicas: func(context.Context) (api.Replicas, error) {
			return api.Replicas{Items: []api.Replica{{Name: "here", Started: w.now(), Seen: w.now(), Self: true}}}, nil
		},
		System: func(context.Context) (api.System, error) {
			told := []api.Trouble{{Name: "checkout-1", Attempt: 1, Error: "slow"}, {Name: "nobody", Attempt: 1}}
			w.set(func() { told = append(told, slices.Repeat(told[:1], w.trouble)...) })
			return api.System{Database: string(db.Kind()), Started: w.now(), Troubles: told}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.server = httptest.NewServer(api.Around(mux))
	t.Cleanup(func() {
		stop()
		w.server.Close()
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.log.Len() > 0 {
			t.Errorf("the server wrote down:\n%s", w.log.String())
		}
	})
	return w
}

// Write keeps what the server logs.
func (w *world) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(b)
}

// forgets drops what the server has logged.
func (w *world) forgets() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log.Reset()
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.skew)
}

// authenticate lets in whoever names themselves.
func (w *world) authenticate(r *http.Request) (access.Actor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refusal != nil {
		return access.Actor{}, w.refusal
	}
	name := r.Header.Get("X-Who")
	if name == "" {
		name = "ann@example.com"
	}
	return access.Actor{Name: name, Kind: access.Person, From: "127.0.0.1"}, nil
}

// config is what a release of this world is run with.
func (w *world) config(service string) run.Config {
	return run.Config{Store: w.store, Router: router{w, service}, Source: w.source, Now: w.now}
}

// Begin implements control.Beginner.
func (w *world) Begin(ctx context.Context, b control.Beginning) (journal.ID, error) {
	return run.Begin(ctx, w.config(b.Plan.Service), run.Beginning{Plan: b.Plan, Attempt: b.Attempt, File: b.File.Text, Salt: "salt", By: b.By})
}

// Decide implements access.Policy.
func (w *world) Decide(who access.Actor, action access.Action, on access.Resource) access.Decision {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.policy(who, action, on)
}

// Groups implements access.Policy.
func (w *world) Groups(who access.Actor) []string {
	if len(who.Groups) == 0 {
		return []string{access.Anybody}
	}
	return who.Groups
}

// Check implements control.Guard.
func (w *world) Check(context.Context, time.Time, access.Actor, spec.File, plan.Plan) ([]control.Finding, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.guards, nil
}

// set changes the world while others look at it.
func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// router serves what is set, of one service.
type router struct {
	*world
	service string
}

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
	return release.Seen{Route: r.routes[r.service]}, nil
}

type silent struct{}

// Observe implements run.Source.
func (silent) Observe(context.Context, release.Query) (release.Answer, error) {
	return release.Answer{}, nil
}

// turn runs a release for one turn; each is a new process, so each looks.
func (w *world) turn(name string, attempt int) {
	w.Helper()
	id := journal.ID{Name: name, Attempt: attempt}
	w.set(func() { w.skew += time.Minute })
	r, err := run.New(w.Context(), w.config(strings.SplitN(name, "-", 2)[0]), id)
	if err == nil {
		err = r.Turn(w.Context())
	}
	if err != nil {
		w.Fatal(err)
	}
}

// end aborts a release and runs it until nothing is left to do.
func (w *world) end(name string, attempt int) {
	w.Helper()
	w.turn(name, attempt)
	w.ask("POST", fmt.Sprintf("/v1/releases/%s/%d/abort?wait=0s", name, attempt), "").want(202, nil)
	for range 100 {
		w.turn(name, attempt)
		if s, err := w.store.Find(w.Context(), journal.ID{Name: name, Attempt: attempt}); err != nil || s.Ended() {
			return
		}
		w.set(func() { w.skew += 10 * time.Minute })
	}
	w.Fatalf("%s does not end", name)
}

// begin begins a release over the API.
func (w *world) begin(name, team string) {
	w.Helper()
	w.ask("POST", "/v1/releases", body(map[string]any{"file": file(name, team, 5)})).want(201, nil)
}

func body(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// reply is what came back.
type reply struct {
	w      *world
	asked  string
	status int
	header http.Header
	body   []byte
}

// ask asks the server; headers come as name, value.
func (w *world) ask(method, path, body string, headers ...string) reply {
	w.Helper()
	r, err := w.send(w.Context(), method, path, body, headers...)
	if err != nil {
		w.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		w.Fatal(err)
	}
	return reply{w, method + " " + path, r.StatusCode, r.Header, text}
}

func (w *world) send(ctx context.Context, method, path, body string, headers ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return w.server.Client().Do(req)
}

// want checks the status, and reads the answer.
func (r reply) want(status int, into any) reply {
	r.w.Helper()
	if r.status != status {
		r.w.Fatalf("%s: status %d, want %d: %s", r.asked, r.status, status, r.body)
	}
	if status >= 400 {
		r.problem()
	}
	if into != nil {
		if err := json.Unmarshal(r.body, into); err != nil {
			r.w.Fatalf("%s: %v: %s", r.asked, err, r.body)
		}
	}
	return r
}

// problem checks that an answer is one, and gives it.
func (r reply) problem(says ...string) api.Problem {
	r.w.Helper()
	var p api.Problem
	if kind := r.header.Get("Content-Type"); kind != "application/problem+json" {
		r.w.Fatalf("%s: %d as %s: %s", r.asked, r.status, kind, r.body)
	}
	if err := json.Unmarshal(r.body, &p); err != nil || p.Status != r.status || p.Detail == "" || p.Type != "urn:linnet:problem:"+p.Code {
		r.w.Errorf("%s: %v: %s", r.asked, err, r.body)
	}
	r.fits("Problem")
	for _, text := range says {
		if !strings.Contains(string(r.body), text) {
			r.w.Errorf("%s: want it to say %q: %s", r.asked, text, r.body)
		}
	}
	return p
}

// fits holds an answer against a form of the document.
func (r reply) fits(form string) {
	r.w.Helper()
	var v any
	if err := json.Unmarshal(r.body, &v); err != nil {
		r.w.Errorf("%s: %v: %s", r.asked, err, r.body)
		return
	}
	forms := r.w.api.Document().Components.Schemas
	res := &huma.ValidateResult{}
	schema := forms.Map()[form]
	if schema == nil {
		r.w.Fatalf("the document has no form %s", form)
	}
	huma.Validate(forms, schema, huma.NewPathBuffer([]byte{}, 0), huma.ModeReadFromServer, v, res)
	if len(res.Errors) > 0 {
		r.w.Errorf("%s: is no %s: %v: %s", r.asked, form, res.Errors, r.body)
	}
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
