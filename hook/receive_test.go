package hook

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// entry is a receiver of four hooks that differ in their form.
type entry struct {
	t    *testing.T
	dir  string
	desk *ledger
	log  bytes.Buffer
	now  time.Time
	mux  *http.ServeMux
}

func receiving(t *testing.T, db *database.DB, change func(*spec.HookIn)) *entry {
	t.Helper()
	e := &entry{t: t, dir: t.TempDir(), desk: &ledger{}, now: time.Unix(1_800_000_000, 0), mux: http.NewServeMux()}
	put(t, e.dir, "checkout.yaml", checkoutTemplate)
	put(t, e.dir, "old", "sesame\n")
	var hooks []spec.HookIn
	for _, form := range []string{spec.FormStandard, spec.FormGitHub, spec.FormGitLab, spec.FormBearer} {
		in := spec.HookIn{Name: form, Form: form, SecretFiles: []string{"new", "old"}, Template: "checkout.yaml", PerMinute: 600,
			When: []string{`payload.ref == "refs/heads/main"`},
			Values: []spec.HookValue{
				{Name: "version", From: "payload.tag", Match: `v?(\d+\.\d+\.\d+)`},
				{Name: "commit", From: "payload.?sha.orValue('none')"},
			}}
		if change != nil {
			change(&in)
		}
		hooks = append(hooks, in)
	}
	r, err := NewReceiver(t.Context(), InConfig{Hooks: hooks, Folder: e.dir, Desk: e.desk, DB: db, From: func(r *http.Request) string { return "past " + r.RemoteAddr },
		Log: slog.New(slog.NewTextHandler(&e.log, nil)), Now: func() time.Time { return e.now }})
	if err != nil {
		t.Fatal(err)
	}
	e.mux.Handle("POST /v1/hooks/{name}", r)
	return e
}

// signed is a delivery as senders of its form sign it.
func (e *entry) signed(form, secret, body string) *http.Request {
	req := httptest.NewRequest(http.MethodPost, "/v1/hooks/"+form, strings.NewReader(body))
	switch form {
	case spec.FormStandard:
		sign(req.Header, secret, "id-of-"+body, e.now, []byte(body))
	case spec.FormGitHub:
		req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac([]byte(secret), []byte(body))))
	case spec.FormGitLab:
		req.Header.Set("X-Gitlab-Token", secret)
	case spec.FormBearer:
		req.Header.Set("Authorization", secret)
	}
	return req
}

func (e *entry) sends(req *http.Request, want int, holds string) answer {
	e.t.Helper()
	w := httptest.NewRecorder()
	e.mux.ServeHTTP(w, req)
	if w.Code != want || !strings.Contains(w.Body.String(), holds) {
		e.t.Errorf("%s: %d %s; want %d with %q", req.URL, w.Code, w.Body, want, holds)
	}
	if strings.Contains(e.log.String()+w.Body.String(), "sesame") {
		e.t.Errorf("the secret is told: %s\n%s", w.Body, &e.log)
	}
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		e.t.Error(err)
	}
	return a
}

func announces(version string) string {
	return fmt.Sprintf(`{"ref":"refs/heads/main","tag":%q,"sha":"abc123","repository":{"id":12345678901234567}}`, version)
}

func testDeliveries(t *testing.T, db *database.DB) {
	for _, form := range []string{spec.FormStandard, spec.FormGitHub, spec.FormGitLab, spec.FormBearer} {
		e := receiving(t, db, nil)
		e.sends(e.signed(form, "sesame", announces("v1.5.0")), http.StatusCreated, `"release":"checkout-1.5.0/1","fresh":true`)
		f := e.desk.files["checkout-1.5.0"]
		if f.Candidate.Version != "1.5.0" || f.Candidate.Commit != "abc123" || e.desk.who.Name != "hook:"+form || !strings.HasPrefix(e.desk.who.From, "past ") {
			t.Errorf("%s: made %+v by %+v", form, f.Candidate, e.desk.who)
		}
		// The same again is answered as before and asks nobody.
		e.desk.fail = release.ErrUnavailable
		if a := e.sends(e.signed(form, "sesame", announces("v1.5.0")), http.StatusOK, `"seen":true`); len(a.Made) != 1 {
			t.Errorf("%s: %+v", form, a)
		}
		// What failed is not remembered.
		e.sends(e.signed(form, "sesame", announces("v1.6.0")), http.StatusServiceUnavailable, "")
		e.desk.fail = nil
		e.sends(e.signed(form, "sesame", announces("v1.6.0")), http.StatusCreated, "checkout-1.6.0/1")
		e.sends(e.signed(form, "sesame", `{"ref":"refs/heads/main","tag":"v1.6.0"}`), http.StatusOK, `"fresh":false`)

		e.sends(e.signed(form, "sesame", `{"ref":"refs/heads/other","tag":"v1.7.0"}`), http.StatusOK, `not so: payload.ref`)
		e.sends(e.signed(form, "sesame", `{"tag":"v1.7.0"}`), http.StatusOK, `no such key: ref`)
		e.sends(e.signed(form, "sesame", announces("nightly")), http.StatusOK, `does not match`)
		e.sends(e.signed(form, "sesame", `{"ref":"refs/heads/main"}`), http.StatusUnprocessableEntity, `no such key: tag`)
		e.sends(e.signed(form, "sesame", `{"ref":`), http.StatusUnprocessableEntity, "no JSON")
		if len(e.desk.files) != 2 {
			t.Errorf("%s: made %v", form, e.desk.files)
		}
	}
}

func TestProofs(t *testing.T) {
	e := receiving(t, lite(t), nil)
	for _, form := range []string{spec.FormStandard, spec.FormGitHub, spec.FormGitLab, spec.FormBearer} {
		e.sends(e.signed(form, "simsim", announces("v1.0.0")), http.StatusUnauthorized, `"code":"not-proved"`)
		bare := httptest.NewRequest(http.MethodPost, "/v1/hooks/"+form, strings.NewReader(announces("v1.0.0")))
		e.sends(bare, http.StatusUnauthorized, "not proved")
	}
	changed := e.signed(spec.FormGitHub, "sesame", announces("v1.0.0"))
	changed.Body = http.NoBody
	e.sends(changed, http.StatusUnauthorized, "not proved")

	old := e.signed(spec.FormStandard, "sesame", announces("v1.0.0"))
	e.now = e.now.Add(6 * time.Minute)
	e.sends(old, http.StatusUnauthorized, "more than 5m0s from now")
	again := e.signed(spec.FormStandard, "sesame", announces("v1.0.0"))
	again.Header.Set(headerTimestamp, strconv.FormatInt(e.now.Unix()+1, 10)) // a time of one's own
	e.sends(again, http.StatusUnauthorized, "not proved")

	if len(e.desk.files) != 0 {
		t.Errorf("made %v", e.desk.files)
	}
	// A secret is changed: for a while both are taken, then the new one alone.
	put(t, e.dir, "new", "open\n")
	e.sends(e.signed(spec.FormGitHub, "open", announces("v2.0.0")), http.StatusCreated, "checkout-2.0.0/1")
	e.sends(e.signed(spec.FormGitHub, "sesame", announces("v2.0.1")), http.StatusCreated, "checkout-2.0.1/1")
	put(t, e.dir, "old", "")
	e.sends(e.signed(spec.FormGitHub, "", announces("v2.0.2")), http.StatusUnauthorized, "not proved")
	put(t, e.dir, "new", "")
	e.sends(e.signed(spec.FormGitHub, "", announces("v2.0.2")), http.StatusServiceUnavailable, "secret of this hook")
	e.sends(httptest.NewRequest(http.MethodPost, "/v1/hooks/nobody", http.NoBody), http.StatusNotFound, "no hook")
}

func TestRefusals(t *testing.T) {
	db := lite(t)
	e := receiving(t, db, func(in *spec.HookIn) { in.PerMinute = 6 })
	send := func(n int, want int, holds string) {
		t.Helper()
		e.sends(e.signed(spec.FormGitHub, "sesame", announces(fmt.Sprintf("v1.0.%d", n))), want, holds)
	}
	e.desk.fail = &control.Denied{Who: "hook:github", Action: "create", Why: "no rule allows it"}
	send(1, http.StatusForbidden, "no rule allows it")
	e.desk.fail = &control.Refused{Findings: []control.Finding{{Rule: "freeze", Text: "not before Monday"}}}
	send(2, http.StatusUnprocessableEntity, "not before Monday")
	e.desk.fail = fmt.Errorf("begun with another file: %w", release.ErrConflict)
	send(3, http.StatusConflict, `begun with another file"`)
	e.desk.fail = errors.New("dial tcp 10.0.0.7:5432")
	send(4, http.StatusServiceUnavailable, `the log says why"`)
	e.desk.fail = nil
	for n := range 2 {
		send(10+n, http.StatusCreated, "")
	}
	send(20, http.StatusTooManyRequests, "6 deliveries a minute")
	e.now = e.now.Add(10 * time.Second)
	send(20, http.StatusCreated, "")
	long := e.signed(spec.FormGitHub, "sesame", strings.Repeat(" ", mostBody+1))
	e.sends(long, http.StatusRequestEntityTooLarge, "longer than")

	// What anybody can have said is said once, for each hook and kind.
	e.log.Reset()
	for range 20 {
		for _, form := range []string{spec.FormGitHub, spec.FormGitLab} {
			e.sends(httptest.NewRequest(http.MethodPost, "/v1/hooks/"+form, http.NoBody), http.StatusUnauthorized, "not proved")
			e.sends(e.signed(form, "a guess", "{}"), http.StatusUnauthorized, "not proved")
		}
	}
	if lines := strings.Count(e.log.String(), "\n"); lines != 4 {
		t.Errorf("the log has %d lines: %s", lines, &e.log)
	}
}

// TestRegistry: one notification of a registry tells of several pushes.
func TestRegistry(t *testing.T) {
	db := lite(t)
	e := receiving(t, db, func(in *spec.HookIn) {
		in.Each = `payload.events.filter(e, e.action == "push")`
		in.When = []string{`item.target.repository == "shop/checkout"`}
		in.Values[0].From, in.Values[1].From = "item.target.tag", "item.target.digest"
	})
	event := func(action, repository, tag string) string {
		return fmt.Sprintf(`{"action":%q,"target":{"repository":%q,"tag":%q,"digest":"sha256:%s"}}`, action, repository, tag, tag)
	}
	body := `{"events":[` + strings.Join([]string{
		event("push", "shop/checkout", "1.0.0"), event("pull", "shop/checkout", "0.9.0"), event("push", "shop/till", "3.0.0"),
		event("push", "shop/checkout", "latest"), event("push", "shop/checkout", "1.0.1"), event("push", "shop/checkout", "1.0.1"),
	}, ",") + `]}`
	a := e.sends(e.signed(spec.FormBearer, "sesame", body), http.StatusCreated, "")
	if fmt.Sprint(a.Made) != "[{checkout-1.0.0/1 true} {checkout-1.0.1/1 true}]" {
		t.Errorf("%+v", a)
	}
	e.sends(e.signed(spec.FormBearer, "sesame", `{"events":[]}`), http.StatusOK, "empty list")
}

func TestWhatIsWrongWithAHook(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "checkout.yaml", checkoutTemplate)
	for what, want := range map[string]string{
		"payload.x +":  "Syntax error",
		"pyload.x":     "undeclared reference",
		"1 + 1":        "expected bool",
		"size(payload": "Syntax error",
	} {
		in := spec.HookIn{Name: "h", When: []string{what}, Template: "checkout.yaml",
			Values: []spec.HookValue{{Name: "version", From: "payload.a"}, {Name: "commit", From: "payload.b"}}}
		if _, err := Check(in, dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	in := spec.HookIn{Name: "h", Template: "checkout.yaml", Values: []spec.HookValue{{Name: "version", From: "payload.a"}, {Name: "extra", From: "payload.b"}}}
	if _, err := Check(in, dir); err == nil || !strings.Contains(err.Error(), "$(commit)") || !strings.Contains(err.Error(), "no $(extra)") {
		t.Error(err)
	}
	in.Template = "nowhere.yaml"
	if _, err := Check(in, dir); err == nil || !strings.Contains(err.Error(), "nowhere.yaml") {
		t.Error(err)
	}
}

// Whatever a payload holds, what is made of it has the template's structure and
// its own values alone, or nothing is made.
func FuzzPayload(f *testing.F) {
	in := spec.HookIn{Name: "h", Values: []spec.HookValue{{Name: "version", From: "payload.tag"}, {Name: "commit", From: "payload.sha"}}}
	a, err := NewAnnouncement(in)
	if err != nil {
		f.Fatal(err)
	}
	tmpl, err := spec.ParseTemplate("t", []byte(checkoutTemplate))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"tag":"1.0.0","sha":"abc"}`))
	f.Add([]byte(`{"tag":"1\nspec: {}","sha":"\" }, steps: [ {"}`))
	f.Add([]byte(`{"tag":7,"sha":"$(version)"}`))
	f.Add([]byte(`{"tag":1e400,"sha":{}} []`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := a.Make(t.Context(), tmpl, payload, "push")
		if err != nil || m.Ignored != "" {
			return
		}
		if len(m.Files) != 1 {
			t.Fatalf("%d files", len(m.Files))
		}
		r, err := spec.Parse("made", m.Files[0])
		if err != nil {
			return // refused, and nothing is begun
		}
		if len(r.Steps) != 1 || r.Service != "checkout" || r.Labels["team"] != "payments" || len(r.Labels) != 2 ||
			r.Name != "checkout-"+r.Candidate.Version || len(r.Analysis.Metrics) != 1 || r.Traffic.Proxy == nil {
			t.Fatalf("%q makes\n%s", payload, m.Files[0])
		}
	})
}
