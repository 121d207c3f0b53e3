package proxy_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/proxy"
)

// call makes a request of the admin API, with its token.
func call(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const goodRoute = `{"service":"checkout","weights":[{"arm":"baseline","weight":95000},{"arm":"candidate","weight":5000}],
	"salt":"s","epoch":3,"owner":"checkout-1.5.0/1","lease":"30s"}`

func TestAdminSetsAndReadsTheRoute(t *testing.T) {
	h := adminOf(t, newServer(t, namedPair(t)))
	for _, w := range []*httptest.ResponseRecorder{
		call(h, http.MethodPut, "/v1/route", goodRoute),
		call(h, http.MethodGet, "/v1/route", ""),
		call(h, http.MethodPost, "/v1/renew", `{"owner":"checkout-1.5.0/1","epoch":3,"lease":"1m"}`),
	} {
		want := `{"route":{"service":"checkout","weights":[{"arm":"baseline","weight":95000},{"arm":"candidate","weight":5000}],` +
			`"salt":"s","epoch":3,"owner":"checkout-1.5.0/1","lease":"30s"},"lapsed":false}`
		if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != want {
			t.Errorf("%d %s", w.Code, got)
		}
	}
}

func TestAdminSaysWhatIsWrong(t *testing.T) {
	h := adminOf(t, newServer(t, namedPair(t)))
	call(h, http.MethodPut, "/v1/route", goodRoute)
	for name, test := range map[string]struct {
		method, path, body string
		status             int
		code, says         string
	}{
		"empty":           {"PUT", "/v1/route", "", 400, "invalid", "is empty"},
		"no JSON":         {"PUT", "/v1/route", "weights: 5%", 400, "invalid", "invalid character"},
		"unknown field":   {"PUT", "/v1/route", `{"serivce":"checkout"}`, 400, "invalid", `unknown field "serivce"`},
		"two values":      {"PUT", "/v1/route", goodRoute + goodRoute, 400, "invalid", "more than one"},
		"too large":       {"PUT", "/v1/route", `{"salt":"` + strings.Repeat("x", 100<<10) + `"}`, 400, "invalid", "too large"},
		"bad lease":       {"PUT", "/v1/route", `{"lease":"soon"}`, 400, "invalid", `"soon" is not a duration such as 30s`},
		"negative weight": {"PUT", "/v1/route", `{"weights":[{"arm":"baseline","weight":-1}]}`, 400, "invalid", "weights.weight: a number -1 does not belong there"},
		"unknown arm":     {"PUT", "/v1/route", strings.Replace(goodRoute, `"candidate"`, `"canary"`, 1), 400, "invalid", "known are baseline, candidate"},
		"wrong sum":       {"PUT", "/v1/route", strings.Replace(goodRoute, "5000}]", "6000}]", 1), 400, "invalid", "sum to 101000, must sum to 100000"},
		"arm twice":       {"PUT", "/v1/route", strings.Replace(goodRoute, `"candidate"`, `"baseline"`, 1), 400, "invalid", "named twice"},
		"epoch zero":      {"PUT", "/v1/route", strings.Replace(goodRoute, `:3`, `:0`, 1), 400, "invalid", "1 or more"},
		"long lease":      {"PUT", "/v1/route", strings.Replace(goodRoute, "30s", "25h", 1), 400, "invalid", "24h"},
		"other service":   {"PUT", "/v1/route", strings.Replace(goodRoute, "checkout", "cart", 1), 404, "not_found", `"cart" is not served here`},
		"stale epoch":     {"PUT", "/v1/route", strings.Replace(goodRoute, ":3", ":2", 1), 409, "conflict", "epoch 2 is older than epoch 3"},
		"same epoch":      {"PUT", "/v1/route", strings.Replace(goodRoute, "1.5.0/1", "1.6.0/1", 1), 409, "conflict", "epoch 3 is served already"},
		"other owner": {"PUT", "/v1/route", strings.NewReplacer(":3", ":4", "1.5.0/1", "1.6.0/1").Replace(goodRoute),
			409, "conflict", `"checkout-1.5.0/1" holds`},
		"renew by another": {"POST", "/v1/renew", `{"owner":"x","epoch":3,"lease":"1m"}`, 409, "conflict", "belongs to"},
		"renew for zero":   {"POST", "/v1/renew", `{"owner":"x","epoch":3,"lease":"0s"}`, 400, "invalid", "above 0"},
		"wrong page":       {"GET", "/v1/routes", "", 404, "not_found", "/v1/route"},
		"wrong method":     {"DELETE", "/v1/route", "", 404, "not_found", "DELETE"},
	} {
		t.Run(name, func(t *testing.T) {
			w := call(h, test.method, test.path, test.body)
			var got struct{ Code, Error string }
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("%d %q: %v", w.Code, w.Body, err)
			}
			if w.Code != test.status || got.Code != test.code || !strings.Contains(got.Error, test.says) {
				t.Errorf("%d %+v, expected %d %s with %q", w.Code, got, test.status, test.code, test.says)
			}
		})
	}
	if got := call(h, http.MethodGet, "/v1/route", ""); !strings.Contains(got.Body.String(), `"epoch":3`) {
		t.Errorf("a refused route changed what is served: %s", got.Body)
	}
}

func TestAdminAsksForItsToken(t *testing.T) {
	h := adminOf(t, newServer(t, namedPair(t)))
	ask := func(path, authorization string) int {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	for _, wrong := range []string{"", "Bearer", "Bearer " + token[:len(token)-1], "Bearer " + token + "x", "Basic " + token, token} {
		for _, path := range []string{"/v1/route", "/v1/health"} {
			if got := ask(path, wrong); got != http.StatusUnauthorized {
				t.Errorf("%s with %q: %d", path, wrong, got)
			}
		}
	}
	if got := ask("/v1/route", "bearer "+token); got != http.StatusOK {
		t.Errorf("with the token: %d", got)
	}
	for _, open := range []string{"/metrics", "/healthz"} {
		if got := ask(open, ""); got != http.StatusOK {
			t.Errorf("%s without token: %d", open, got)
		}
	}
}

func TestTokens(t *testing.T) {
	s := newServer(t, namedPair(t))
	for _, bad := range []string{"", "fifteen-letters", "spaces in a token of length", "line\nbreak-in-a-token", strings.Repeat("x", 5000)} {
		if _, err := s.AdminHandler(bad); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("token %.20q: %v", bad, err)
		} else if bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("the error tells the token: %v", err)
		}
		path := filepath.Join(t.TempDir(), "token")
		os.WriteFile(path, []byte(bad), 0o600)
		if _, err := proxy.ReadToken(path); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "token") {
			t.Errorf("file with token %.20q: %v", bad, err)
		}
	}
	path := filepath.Join(t.TempDir(), "token")
	os.WriteFile(path, []byte(token+"\n"), 0o600)
	if got, err := proxy.ReadToken(path); got != token || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := proxy.ReadToken(path + "s"); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("a missing file: %v", err)
	}
}

// TestClientNamesWhatIsWrong: every failure has its meaning, names the place,
// and keeps the token to itself.
func TestClientNamesWhatIsWrong(t *testing.T) {
	answers := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Header().Set("Location", "http://elsewhere.example/")
			w.WriteHeader(status)
			io.WriteString(w, body)
		})
	}
	hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	other := newServer(t, func() proxy.Config { c := namedPair(t); c.Service = "cart"; return c }())
	for name, test := range map[string]struct {
		peer    http.Handler
		meaning error
		says    string
	}{
		"wrong token":      {answers(401, `{"code":"unauthorized","error":"the admin API needs its bearer token"}`), release.ErrInvalid, "bearer token"},
		"conflict":         {answers(409, `{"code":"conflict","error":"epoch 2 is older"}`), release.ErrConflict, "epoch 2 is older"},
		"a page":           {answers(200, "<html>"), release.ErrInvalid, "admin API"},
		"another program":  {answers(404, "404 page not found"), release.ErrInvalid, "status 404"},
		"a gateway":        {answers(502, "<html>"), release.ErrUnavailable, "status 502"},
		"a redirect":       {answers(302, ""), release.ErrInvalid, "status 302"},
		"a flood":          {answers(200, strings.Repeat("x", 1<<20)), release.ErrUnavailable, "larger"},
		"silence":          {hang, release.ErrUnavailable, "deadline"},
		"another service":  {adminOf(t, other), release.ErrNotFound, `serves "cart", not "checkout"`},
		"a cut connection": {http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), release.ErrUnavailable, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			peer := httptest.NewServer(test.peer)
			defer peer.Close()
			c, err := proxy.NewClient(proxy.ClientConfig{URL: peer.URL, Token: token, Service: service, Timeout: 300 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, err = c.Observed(t.Context())
			if !errors.Is(err, test.meaning) || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), peer.URL) {
				t.Errorf("%v, expected %q with %q and the url", err, test.meaning, test.says)
			}
			if strings.Contains(err.Error(), token) {
				t.Errorf("the error tells the token: %v", err)
			}
		})
	}
}

func TestClientRefusesWhatCannotWork(t *testing.T) {
	for _, url := range []string{"", "127.0.0.1:8441", "h2c://127.0.0.1:1", "http://me:secret-word@127.0.0.1:1"} {
		_, err := proxy.NewClient(proxy.ClientConfig{URL: url, Token: token})
		if !errors.Is(err, release.ErrInvalid) || strings.Contains(err.Error(), "secret-word") {
			t.Errorf("url %q: %v", url, err)
		}
	}
	if _, err := proxy.NewClient(proxy.ClientConfig{URL: "http://127.0.0.1:1", Token: "short"}); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("a short token: %v", err)
	}
	c, err := proxy.NewClient(proxy.ClientConfig{URL: closedPort(t), Token: token})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Apply(context.Background(), route(1, 0)); !errors.Is(err, release.ErrUnavailable) {
		t.Errorf("nobody listens: %v", err)
	}
}

func FuzzAdminPut(f *testing.F) {
	f.Add(goodRoute)
	f.Add(`{}`)
	f.Add(`{"service":"checkout","weights":[],"epoch":1}`)
	f.Add(`{"service":"checkout","weights":[{"arm":"baseline","weight":4294967295},{"arm":"candidate","weight":4294967295}],"epoch":1}`)
	f.Add(`{"service":"checkout","weights":[{"arm":"baseline","weight":100000}],"epoch":18446744073709551615,"lease":"-1s"}`)
	up := "http://127.0.0.1:1"
	f.Fuzz(func(t *testing.T, body string) {
		s, err := proxy.New(pair(up, up))
		if err != nil {
			t.Fatal(err)
		}
		h, err := s.AdminHandler(token)
		if err != nil {
			t.Fatal(err)
		}
		w := call(h, http.MethodPut, "/v1/route", body)
		if w.Code != 200 && w.Code != 400 && w.Code != 404 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		var sum release.Weight
		for _, one := range observe(t, s).Route.Weights {
			sum += one.Weight
		}
		if sum != release.Whole {
			t.Fatalf("serves %+v", observe(t, s))
		}
		if again := call(h, http.MethodPut, "/v1/route", body); again.Code != w.Code {
			t.Fatalf("once %d, twice %d", w.Code, again.Code)
		}
	})
}
