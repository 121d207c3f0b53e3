package link_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/database/databasetest"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/link"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

var at = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)

func TestKeys(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, fresh databasetest.Fresh) { keysHold(t, fresh(t)) })
}

// keysHold: a link is good for a day, over a change of keys, and in no other form.
func keysHold(t *testing.T, db *database.DB) {
	t.Helper()
	now := at
	keys, err := link.NewKeys(t.Context(), db, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	id := journal.ID{Name: "checkout-2", Attempt: 3}
	sign := func() string {
		t.Helper()
		text, err := keys.Sign(t.Context(), id, 17)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	good := func(text string) bool {
		q, err := keys.Verify(t.Context(), text)
		if err != nil && !errors.Is(err, release.ErrInvalid) {
			t.Fatal(err)
		}
		return err == nil && q.ID == id && q.Seq == 17
	}
	first := sign()
	if !good(first) {
		t.Fatal("a fresh link is not good")
	}
	for i := range first {
		other := []byte(first)
		if other[i]++; good(string(other)) {
			t.Fatalf("changed at %d it is still good", i)
		}
	}
	for _, text := range []string{"", ".", first + "A", strings.Repeat("x", 1<<20), strings.TrimSuffix(first, first[len(first)-3:])} {
		if good(text) {
			t.Errorf("%.20q is good", text)
		}
	}
	now = at.Add(7*24*time.Hour - time.Minute)
	late := sign()
	now = at.Add(7*24*time.Hour + time.Hour)
	if good(first) || !good(late) {
		t.Error("a week later the old one is good, or the new one is not")
	}
	if next := sign(); !good(next) || strings.Split(next, ".")[0][:20] == strings.Split(late, ".")[0][:20] {
		t.Error("the key is not changed after a week")
	}
	if !good(late) {
		t.Error("a link is not good after its key was changed")
	}
	now = at.Add(30 * 24 * time.Hour)
	sign()
	if good(late) {
		t.Error("an old link is good")
	}
	ann, err := keys.Ticket(t.Context(), sign(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if bob, err := keys.Ticket(t.Context(), sign(), "bob"); err != nil || bob == ann {
		t.Error("two people have one ticket")
	}
}

const file = `apiVersion: linnet/v1
kind: Release
metadata: { name: checkout-2 }
spec:
  service: checkout
  approval: { from: release-managers, quorum: 2 }
  baseline:  { version: 1.4.1, labels: { version: stable } }
  candidate: { version: "<b>1.5.0</b>", labels: { version: canary } }
  traffic: { proxy: { service: checkout } }
  analysis:
    source: { prometheus: { url: http://localhost:9090 } }
    metrics:
      - { name: errors, ratio: { bad: bad_total, of: all_total }, worse: higher }
`

const rules = `apiVersion: linnet/v1
kind: Access
spec:
  groups:
    - { name: release-managers, members: [ann, bob] }
  bindings:
    - { role: viewer, to: [everyone] }
    - { role: operator, to: [sue] }
    - { role: approver, to: ["group:release-managers"] }
`

// world is a desk with one release that asks, and who runs it.
type world struct {
	*testing.T
	store   *journal.Store
	mux     *http.ServeMux
	notices []release.Notice
	who     string // is logged in
	now     time.Time
}

func (w *world) config(n run.Notifier) run.Config {
	return run.Config{Store: w.store, Router: w, Source: w, Notifier: n, Now: func() time.Time { return w.now }}
}

func (w *world) Begin(ctx context.Context, b control.Beginning) (journal.ID, error) {
	return run.Begin(ctx, w.config(w), run.Beginning{Plan: b.Plan, Attempt: b.Attempt, File: b.File.Text, Salt: "salt", By: b.By})
}

func (w *world) Apply(context.Context, release.Route) error { return nil }

func (w *world) Observed(context.Context) (release.Seen, error) { return release.Seen{}, nil }

func (w *world) Observe(context.Context, release.Query) (release.Answer, error) {
	return release.Answer{}, nil
}

func (w *world) Notify(_ context.Context, n release.Notice) error {
	w.notices = append(w.notices, n)
	return nil
}

func (w *world) authenticate(r *http.Request) (access.Actor, error) {
	if w.who == "" || r.Method != http.MethodGet {
		return access.Actor{}, errors.New("nobody is logged in")
	}
	return access.Actor{Name: w.who, Kind: access.Person}, nil
}

func (w *world) ask(method, path string, form url.Values) (int, string) {
	w.Helper()
	r := httptest.NewRequestWithContext(w.Context(), method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got := httptest.NewRecorder()
	w.mux.ServeHTTP(got, r)
	return got.Code, got.Body.String()
}

var hidden = regexp.MustCompile(`name="(l|ticket)" value="([^"]*)"`)

// form reads what a page's form brings along.
func form(page string) url.Values {
	v := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		v.Set(m[1], html.UnescapeString(m[2]))
	}
	return v
}

func TestALinkLeadsToAnApproval(t *testing.T) {
	db := databasetest.Folder(t)
	w := &world{T: t, mux: http.NewServeMux(), now: at}
	var err error
	if w.store, err = journal.On(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	parsed, err := spec.ParseAccess("access.yaml", []byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := link.NewKeys(t.Context(), db, func() time.Time { return w.now })
	if err != nil {
		t.Fatal(err)
	}
	desk := control.New(control.Config{Journal: w.store, Beginner: w, Policy: access.New("access.yaml", parsed), Read: spec.Parse, Now: func() time.Time { return w.now }})
	link.Pages{Keys: keys, Desk: desk, Authenticate: w.authenticate}.Register(w.mux)
	made, err := desk.Create(t.Context(), access.Actor{Name: "sue", Kind: access.Person}, control.Creation{Name: "release.yaml", File: []byte(file)})
	if err != nil {
		t.Fatal(err)
	}
	turn := func() {
		t.Helper()
		r, err := run.New(t.Context(), w.config(link.Notifier{Next: w, Keys: keys, URL: "https://linnet.example.com/"}), made.ID)
		if err == nil {
			err = r.Turn(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	turn()
	if len(w.notices) != 1 || len(w.notices[0].Links) != 1 || !strings.HasPrefix(w.notices[0].Links[0].URL, "https://linnet.example.com/approve?l=") {
		t.Fatalf("people were told %+v", w.notices)
	}
	path := strings.TrimPrefix(w.notices[0].Links[0].URL, "https://linnet.example.com")

	if code, page := w.ask("GET", path, nil); code != 401 || !strings.Contains(page, "/v1/login/start?to=%2fapprove%3fl%3d") || strings.Contains(page, "checkout") {
		t.Errorf("without a login: %d %s", code, page)
	}
	w.who = "ann"
	code, page := w.ask("GET", path, nil)
	if code != 200 || !strings.Contains(page, "2 of release-managers are asked; 2 missing") || strings.Contains(page, "<b>") {
		t.Fatalf("ann sees: %d %s", code, page)
	}
	if s, err := w.store.Waiting(t.Context(), made.ID); err != nil || len(s) != 0 {
		t.Fatalf("to open a link orders %v, %v", s, err)
	}
	of := form(page)
	of.Set("verb", "approve")
	post := func(who string, change func(url.Values)) (int, string) {
		w.who = who
		v := url.Values{}
		for k := range of {
			v.Set(k, of.Get(k))
		}
		change(v)
		return w.ask("POST", "/approve", v)
	}
	for name, change := range map[string]func(url.Values){
		"no ticket":     func(v url.Values) { v.Del("ticket") },
		"another order": func(v url.Values) { v.Set("verb", "advance") },
	} {
		if code, page := post("ann", change); code != 403 {
			t.Errorf("%s: %d %s", name, code, page)
		}
	}
	if code, _ := post("bob", func(url.Values) {}); code != 403 {
		t.Errorf("bob with ann's form: %d", code)
	}
	if code, _ := post("", func(url.Values) {}); code != 401 {
		t.Errorf("nobody with ann's form: %d", code)
	}
	if code, _ := post("ann", func(v url.Values) { v.Set("l", of.Get("l")+"x") }); code != 400 {
		t.Errorf("another link: %d", code)
	}
	approve := func(who string, want int) {
		t.Helper()
		w.who = who
		_, page := w.ask("GET", path, nil)
		of = form(page)
		of.Set("verb", "approve")
		done := make(chan string, 1)
		go func() {
			code, page := post(who, func(url.Values) {})
			done <- fmt.Sprint(code, " ", page)
		}()
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
			select {
			case got := <-done:
				if !strings.HasPrefix(got, fmt.Sprint(want, " ")) {
					t.Fatalf("%s approves: %s", who, got)
				}
				return
			case <-time.After(20 * time.Millisecond):
				turn()
			}
		}
		t.Fatalf("%s gets no answer", who)
	}
	w.who = "eve"
	approve("eve", 403)
	approve("ann", 200)
	approve("bob", 200)
	if s, err := w.store.Find(t.Context(), made.ID); err != nil || s.Step != 1 {
		t.Errorf("approved by both it is at step %d, %v", s.Step, err)
	}
	w.who = "ann"
	if code, page := w.ask("GET", path, nil); code != 410 || strings.Contains(page, "<form") {
		t.Errorf("an answered link shows %d %s", code, page)
	}
	w.now = w.now.Add(25 * time.Hour)
	if code, _ := w.ask("GET", path, nil); code != 400 {
		t.Errorf("an old link shows %d", code)
	}
}

// A button of an old notice answers no newer question.
func TestANoticeStandsForOneQuestion(t *testing.T) {
	r := report.Release{Decisions: []report.Decision{{Seq: 1}, {Seq: 3, Decision: "await-approval"}, {Seq: 9, Decision: "await-approval"}}}
	for notice, stands := range map[string]bool{"checkout-2/1/9/0": true, "checkout-2/1/3/0": false, "checkout-2/1/x/0": false, "glass/9": false, "": false} {
		if link.Stands(r, notice) != stands {
			t.Errorf("%q: %v", notice, !stands)
		}
	}
}
