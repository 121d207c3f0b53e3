package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database/databasetest"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

func testAReleaseOverHTTP(w *world) {
	text := file("checkout-1", "red", 5)
	var made api.Created
	r := w.ask("POST", "/v1/releases", body(map[string]any{"file": text, "reason": "ready"})).want(201, &made)
	r.fits("Created")
	equal(w, "place", r.header.Get("Location"), "/v1/releases/checkout-1/1")
	equal(w, "who and whose", []any{made.Created, made.Release.Author, made.Release.Team, made.Release.Environment}, []any{true, "ann@example.com", "red", "prod"})
	w.ask("POST", "/v1/releases", body(map[string]any{"file": text})).want(200, &made)
	equal(w, "the same file again", made.Created, false)
	w.ask("POST", "/v1/releases", body(map[string]any{"file": file("checkout-1", "red", 6)})).want(409, nil).problem("linnet release abort checkout-1")

	var rel api.Release
	r = w.ask("GET", "/v1/releases/checkout-1/latest", "").want(200, &rel)
	r.fits("Release")
	equal(w, "how it stands", []any{rel.Phase, rel.Outcome, rel.Ended, rel.Step, r.header.Get("ETag")}, []any{"shifting", "running", false, 1, `"1"`})
	w.ask("GET", "/v1/releases/checkout-1/1", "", "If-None-Match", `"1"`).want(304, nil)
	w.turn("checkout-1", 1)
	w.ask("GET", "/v1/releases/checkout-1/1", "", "If-None-Match", `W/"1", "x"`).want(200, &rel)
	var record report.Release
	r = w.ask("GET", "/v1/releases/checkout-1/1/record", "").want(200, &record)
	r.fits("Record")
	equal(w, "record", []any{record.Records, r.header.Get("ETag")}, []any{rel.Records, fmt.Sprintf(`"%d"`, rel.Records)})
	w.ask("GET", "/v1/releases/checkout-1/1/record", "", "If-None-Match", r.header.Get("ETag")).want(304, nil)
	var brief report.Release
	r = w.ask("GET", "/v1/releases/checkout-1/1/record?brief=true", "").want(200, &brief)
	r.fits("Record")
	record.Decisions, record.Effects, record.Since = []report.Decision{}, []report.Effect{}, nil
	equal(w, "brief", brief, record)
	r = w.ask("GET", "/v1/releases/checkout-1/1/file", "").want(200, nil)
	equal(w, "file", []any{string(r.body), r.header.Get("Content-Type")}, []any{text, "application/yaml"})

	var page, rest api.Events
	r = w.ask("GET", "/v1/releases/checkout-1/1/events?limit=1", "").want(200, &page)
	r.fits("Events")
	equal(w, "events", []any{len(page.Items), page.Items[0].Event, page.Items[0].Decision, page.Items[0].Effects[0].Effect, page.Next}, []any{1, "started", "start", "set-weight", uint64(1)})
	w.ask("GET", "/v1/releases/checkout-1/1/events?after=1", "").want(200, &rest).fits("Events")
	equal(w, "the next events", []any{rest.Items[0].Seq, rest.Next}, []any{uint64(2), uint64(0)})
}

func testOrdersOverHTTP(w *world) {
	w.begin("checkout-1", "red")
	w.turn("checkout-1", 1)
	var a api.Answer
	w.ask("POST", "/v1/releases/checkout-1/latest/pause?wait=0s", `{"reason":"lunch"}`, "Idempotency-Key", "k1").want(202, &a).fits("Answer")
	equal(w, "not taken", a.Taken, false)
	w.turn("checkout-1", 1)
	r := w.ask("POST", "/v1/releases/checkout-1/1/pause?wait=5s", `{"reason":"lunch"}`, "Idempotency-Key", "k1").want(200, &a)
	r.fits("Answer")
	equal(w, "the same order", []any{a.Taken, a.Refused, a.Decision, a.Reason.Code, a.Release.Phase}, []any{true, false, "pause", "paused", "paused"})
	if !strings.Contains(a.Reason.Text, "ann@example.com paused it: lunch") {
		w.Error(a.Reason.Text)
	}
	var again api.Answer
	r2 := w.ask("POST", "/v1/releases/checkout-1/1/pause?wait=5s", `{"reason":"lunch"}`, "Idempotency-Key", "k1").want(200, &again)
	equal(w, "its answer again", []any{again, r2.header.Get("Idempotency-Replayed"), r2.header.Get("ETag")}, []any{a, "true", r.header.Get("ETag")})
	w.ask("POST", "/v1/releases/checkout-1/1/pause?wait=5s", `{"reason":"dinner"}`, "Idempotency-Key", "k1").want(422, nil).problem("key-reused")

	w.ask("POST", "/v1/releases/checkout-1/1/resume", "", "If-Match", `"1"`).want(412, nil).problem("at record", "changed")
	w.ask("POST", "/v1/releases/checkout-1/1/resume", "", "If-Match", `W/"1"`).want(422, nil)
	w.ask("POST", "/v1/releases/checkout-1/1/approve?wait=0s", "", "If-Match", r.header.Get("ETag")).want(202, nil)
	w.ask("POST", "/v1/releases/checkout-1/1/resume?wait=0s", "{}", "If-Match", "*").want(202, nil)
	w.turn("checkout-1", 1)
	w.ask("POST", "/v1/releases/checkout-1/1/retry", "").want(409, nil).problem("unfinished")
	w.end("checkout-1", 1)
	w.ask("POST", "/v1/releases/checkout-1/1/abort", "").want(409, nil).problem("has ended")
	var made api.Created
	r = w.ask("POST", "/v1/releases/checkout-1/1/retry", `{"reason":"the node was at fault"}`).want(201, &made)
	r.fits("Created")
	equal(w, "the next attempt", []any{made.Release.Attempt, r.header.Get("Location")}, []any{2, "/v1/releases/checkout-1/2"})
	w.ask("POST", "/v1/releases/checkout-1/1/retry", "").want(200, &made)
	equal(w, "the next attempt again", []any{made.Created, made.Release.Attempt}, []any{false, 2})
}

func testListsAndServices(w *world) {
	for n := range 7 {
		w.begin(fmt.Sprintf("%s-%d", []string{"checkout", "search"}[n%2], n), []string{"red", "blue"}[n%2])
	}
	w.end("checkout-0", 1)
	names := func(query string) (all []string) {
		w.Helper()
		next := ""
		for range 10 {
			var page api.Releases
			w.ask("GET", "/v1/releases?limit=2&"+query+next, "").want(200, &page).fits("Releases")
			for _, one := range page.Items {
				all = append(all, one.Name[len(one.Name)-1:])
			}
			if page.Next == "" {
				return all
			}
			next = "&cursor=" + page.Next
		}
		w.Error("no end of pages")
		return nil
	}
	for query, want := range map[string]string{
		"": "6 5 4 3 2 1 0", "service=search": "5 3 1", "team=red&state=running": "6 4 2", "state=ended": "0", "outcome=aborted": "0",
		"outcome=promoted": "", "environment=prod&q=ARCH-3": "3", "environment=test": "",
	} {
		equal(w, "list of "+query, strings.Join(names(query), " "), want)
	}
	var services struct{ Items []api.Service }
	w.ask("GET", "/v1/services", "").want(200, &services)
	first := services.Items[0]
	equal(w, "services", []any{len(services.Items), first.Service, first.Team, first.Running.Name, first.Last.Name, first.Counts},
		[]any{2, "checkout", "red", "checkout-6", "checkout-0", api.Counts{Running: 3, Aborted: 1}})
	w.ask("POST", "/v1/releases/checkout-0/1/assessment", `{"judgement": "false-alarm", "reason": "x"}`).want(200, nil)
	w.ask("GET", "/v1/services", "").want(200, &services).fits("ServicesOutputBody")
	if s := services.Items[0]; s.Assessments != (api.Assessments{FalseAlarm: 1}) || s.ToProduction != nil || len(s.Releases) != 4 ||
		s.Releases[0].Name != "checkout-6" || s.Releases[0].Ended != nil || s.Releases[3].Outcome != "aborted" || s.Releases[3].Ended == nil {
		w.Errorf("%+v", s)
	}
	var one struct{ Items []api.ServiceNoise }
	w.ask("GET", "/v1/services/checkout?team=red&environment=prod", "").want(200, &one).fits("ServiceOutputBody")
	if len(one.Items) != 1 || one.Items[0].Counts != (api.Counts{Running: 3, Aborted: 1}) || len(one.Items[0].Releases) != 4 || one.Items[0].Assessments.FalseAlarm != 1 {
		w.Errorf("%+v", one)
	}
	w.ask("GET", "/v1/services/checkout?team=blue", "").want(404, nil)
	w.set(func() {
		w.policy = func(_ access.Actor, _ access.Action, on access.Resource) access.Decision {
			return access.Decision{Allowed: on.Team == "blue", Why: "you are of team blue"}
		}
	})
	equal(w, "list of what one may see", strings.Join(names(""), " "), "5 3 1")
	w.ask("GET", "/v1/releases/checkout-2/1", "").want(404, nil).problem("that you may see")
	w.ask("POST", "/v1/releases/checkout-2/1/abort", "").want(404, nil).problem("that you may see")
	w.ask("POST", "/v1/releases", body(map[string]any{"file": file("checkout-9", "red", 5)})).want(403, nil)
	w.ask("GET", "/v1/services", "").want(200, &services)
	equal(w, "services that one may see", len(services.Items), 1)
}

func TestPlansAndTheSystem(t *testing.T) {
	w := newWorld(t, databasetest.Folder(t))
	w.begin("checkout-1", "red")
	var p api.Planned
	w.ask("POST", "/v1/plan", body(map[string]any{"file": file("checkout-2", "red", 5)})).want(200, &p).fits("Planned")
	equal(t, "plan", []any{p.Name, len(p.Steps), p.Steps[0].Weight, p.Steps[0].AtMost, p.Steps[1].Approval.From, p.Forecast == nil}, []any{"checkout-2", 2, "5 %", 1800.0, "managers", true})
	var again api.Planned
	w.ask("POST", "/v1/plan", file("checkout-2", "red", 5), "Content-Type", "application/yaml").want(200, &again)
	equal(t, "the file as it is", again.SHA256, p.SHA256)
	w.ask("POST", "/v1/plan", "kind: \xff", "Content-Type", "application/yaml").want(422, nil).problem("UTF-8")
	w.ask("POST", "/v1/releases/checkout-1/1/pause", "x", "Content-Type", "application/yaml").want(415, nil)
	var s api.System
	w.ask("GET", "/v1/system", "").want(200, &s).fits("System")
	equal(t, "system", []any{s.Version, s.Database, len(s.Troubles)}, []any{"test", "SQLite", 1})
	w.set(func() { w.trouble = 10_000 })
	w.ask("GET", "/v1/system", "").want(200, &s)
	equal(t, "told", len(s.Troubles), 100)
	asked := 0
	w.set(func() {
		w.policy = func(access.Actor, access.Action, access.Resource) access.Decision {
			asked++
			return access.Decision{Why: "no"}
		}
	})
	w.ask("GET", "/v1/system", "").want(200, &s)
	if len(s.Troubles) != 0 || asked > 1000 {
		t.Errorf("whoever may see none is told %d, after %d questions", len(s.Troubles), asked)
	}
}

// What is wrong comes back all at once, with its place and what to do.
func TestProblems(t *testing.T) {
	w := newWorld(t, databasetest.Folder(t))
	w.begin("checkout-1", "red")
	bad := strings.Replace(strings.Replace(file("checkout-2", "red", 5), "worse: higher", "worse: sideways", 1), "weight: 5%", "weight: 500%", 1)
	for _, path := range []string{"/v1/releases", "/v1/plan"} {
		p := w.ask("POST", path, body(map[string]any{"file": bad})).want(422, nil).problem("sideways")
		if p.Code != "invalid-file" || len(p.Errors) != 2 || p.Errors[0].Line != 11 || p.Errors[0].Column == 0 || p.Errors[1].Path != "spec.analysis.metrics[0].worse" {
			t.Errorf("%+v", p)
		}
	}
	long := strings.Repeat("x", 5<<20)
	for _, c := range []struct {
		method, path, body string
		headers            []string
		status             int
		says               string
	}{
		{"POST", "/v1/releases", `{"file":`, nil, 400, "malformed"},
		{"POST", "/v1/releases", `{}`, nil, 422, "required property file"},
		{"POST", "/v1/releases", `{"file":"","more":1}`, nil, 422, "body.more"},
		{"POST", "/v1/releases", `{"file":1}`, nil, 422, "body.file"},
		{"POST", "/v1/releases", ``, nil, 400, "required"},
		{"POST", "/v1/releases", `<xml/>`, []string{"Content-Type", "text/xml"}, 415, "application/json"},
		{"POST", "/v1/releases", `{"file":"` + long + `"}`, nil, 413, "longer than"},
		{"POST", "/v1/releases", `{"file":"x"}`, []string{"Idempotency-Key", strings.Repeat("k", 300)}, 400, "Idempotency-Key"},
		{"POST", "/v1/releases/checkout-1/1/pause?wait=5h", ``, nil, 422, "0s to 30s"},
		{"POST", "/v1/releases/checkout-1/0/pause", ``, nil, 422, "latest"},
		{"POST", "/v1/releases/checkout-1/1/promote", ``, nil, 404, "/docs"},
		{"POST", "/v1/releases/nobody/1/pause", ``, nil, 404, "that you may see"},
		{"GET", "/v1/releases/nobody/latest", ``, nil, 404, "that you may see"},
		{"GET", "/v1/releases/checkout-1/2", ``, nil, 404, "that you may see"},
		{"GET", "/v1/releases/checkout-1/99999999999", ``, nil, 422, "path.attempt"},
		{"GET", "/v1/releases?limit=0", ``, nil, 422, "query.limit"},
		{"GET", "/v1/releases?limit=501", ``, nil, 422, "query.limit"},
		{"GET", "/v1/releases?lmit=5", ``, nil, 422, "query.lmit"},
		{"GET", "/v1/releases?state=odd", ``, nil, 422, "query.state"},
		{"GET", "/v1/releases?cursor=abc", ``, nil, 400, "leave it out"},
		{"GET", "/v1/releases/checkout-1/1/events?after=-1", ``, nil, 422, "query.after"},
		{"GET", "/v1/releases/checkout-1/1/events", ``, []string{"Accept", "text/event-stream", "Last-Event-ID", "x"}, 400, "Last-Event-ID"},
		{"GET", "/v1/events", ``, []string{"Last-Event-ID", "x"}, 400, "Last-Event-ID"},
		{"GET", "/v2/releases", ``, nil, 404, "/docs"},
		{"GET", "//v1/releases", ``, nil, 404, "/docs"},
		{"DELETE", "/v1/releases", ``, nil, 405, "GET"},
		{"PUT", "/v1/releases/checkout-1/1", ``, nil, 405, "GET"},
		{"OPTIONS", "/v1/nothing", ``, nil, 404, "/docs"},
	} {
		r := w.ask(c.method, c.path, c.body, c.headers...).want(c.status, nil)
		r.problem(c.says)
		if len(r.body) > 4000 {
			t.Errorf("%s %s: %d bytes of problem", c.method, c.path, len(r.body))
		}
	}
	if r := w.ask("OPTIONS", "/v1/releases", ""); r.status != 204 || r.header.Get("Allow") != "GET, HEAD, POST, OPTIONS" {
		t.Errorf("%d %v", r.status, r.header)
	}
	if r := w.ask("HEAD", "/v1/releases/checkout-1/1", ""); r.status != 200 || r.header.Get("ETag") == "" || len(r.body) != 0 {
		t.Errorf("%d %v", r.status, r.header)
	}
	until := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	w.set(func() { w.guards = []control.Finding{{Rule: "freeze", Text: "wait until January", Until: until}} })
	p := w.ask("POST", "/v1/releases", body(map[string]any{"file": file("checkout-3", "red", 5)})).want(422, nil).problem("guard-rails")
	if len(p.Findings) != 1 || !p.Findings[0].Until.Equal(until) {
		t.Errorf("%+v", p)
	}
	var made api.Created
	w.ask("POST", "/v1/releases", body(map[string]any{"file": file("checkout-3", "red", 5), "glass": "the shop is down"})).want(201, &made).fits("Created")
	equal(t, "overridden", made.Overridden[0].Rule, "freeze")
}

func TestWhoIsNotLetIn(t *testing.T) {
	w := newWorld(t, databasetest.Folder(t))
	for _, c := range []struct {
		refusal api.Refusal
		name    string
		value   string
		code    string
	}{
		{api.Refusal{Status: 401, Why: "not logged in", Header: http.Header{"Www-Authenticate": {"Bearer"}}}, "WWW-Authenticate", "Bearer", "not-logged-in"},
		{api.Refusal{Status: 403, Why: "not from there"}, "", "", "denied"},
		{api.Refusal{Status: 429, Why: "too fast", Header: http.Header{"Retry-After": {"7"}}}, "Retry-After", "7", "too-fast"},
	} {
		w.set(func() { w.refusal = &c.refusal })
		for _, path := range []string{"/v1/releases", "/v1/events", "/v1/releases/x/1/record"} {
			r := w.ask("GET", path, "").want(c.refusal.Status, nil)
			if p := r.problem(c.refusal.Why); p.Code != c.code || r.header.Get(c.name) != c.value {
				t.Errorf("%+v, %v", p, r.header)
			}
		}
	}
	w.set(func() { w.refusal = fmt.Errorf("PostgreSQL linnet at db-1: %w", release.ErrUnavailable) })
	r := w.ask("GET", "/v1/releases", "").want(503, nil)
	if p := r.problem("the log of the server says why"); strings.Contains(p.Detail, "db-1") {
		t.Errorf("a stranger is told %q", p.Detail)
	}
	equal(t, "when to ask again", r.header.Get("Retry-After"), "5")
	for n := range 20 {
		w.ask("GET", fmt.Sprintf("/v1/releases/made-up-%d/1", n), "").want(503, nil)
	}
	w.ask("GET", "/openapi.json", "").want(200, nil) // open to everybody
	w.set(func() {
		if lines := strings.Count(w.log.String(), "\n"); lines != 1 {
			t.Errorf("the same is said %d times: %s", lines, &w.log)
		}
		w.log.Reset()
	})
}

// The same request at the same time, many times, is one.
func testOneOfManyRequests(w *world) {
	w.begin("checkout-1", "red")
	w.end("checkout-1", 1)
	ask := body(map[string]any{"file": file("checkout-1", "red", 7), "again": true})
	var mu sync.Mutex
	var wg sync.WaitGroup
	answers := map[string]int{}
	for range 10 {
		wg.Go(func() {
			r := w.ask("POST", "/v1/releases", ask, "Idempotency-Key", "same")
			mu.Lock()
			defer mu.Unlock()
			answers[fmt.Sprintf("%d %s", r.status, r.body)]++
		})
	}
	wg.Wait()
	if len(answers) != 1 {
		w.Errorf("%d answers: %v", len(answers), answers)
	}
	var page api.Releases
	w.ask("GET", "/v1/releases", "").want(200, &page)
	equal(w, "attempts", len(page.Items), 2)
	// Others have keys of their own, and keys end.
	w.ask("POST", "/v1/releases", ask, "Idempotency-Key", "same", "X-Who", "bob@example.com").want(200, nil)
	w.set(func() { w.skew += 25 * time.Hour })
	r := w.ask("POST", "/v1/releases", ask, "Idempotency-Key", "same").want(200, nil)
	equal(w, "after a day", r.header.Get("Idempotency-Replayed"), "")
}
