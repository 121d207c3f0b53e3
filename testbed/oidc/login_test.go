package oidc

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/database/databasetest"
	"github.com/linnet-project/linnet/login"
	"github.com/linnet-project/linnet/spec"
)

// site is Linnet's login on HTTPS, with a provider.
type site struct {
	*httptest.Server
	*login.Login
	provider *provider
}

func newSite(t *testing.T, db *database.DB) *site {
	t.Helper()
	s := &site{}
	mux := http.NewServeMux()
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Wrap(mux).ServeHTTP(w, r) }))
	t.Cleanup(s.Server.Close)
	s.provider = newProvider(t, s.Server.URL)
	var err error
	s.Login, err = login.New(t.Context(), login.Config{
		DB: db, PublicURL: s.Server.URL, OIDCSecret: func() (string, error) { return secret, nil },
		Settings: &spec.Login{
			OIDC: &spec.OIDC{Issuer: s.provider.url, ClientID: clientID, ClientSecretFile: "secret", Scopes: []string{"openid", "profile", "email"},
				NameClaim: "email", GroupsClaim: "groups"},
			Sessions: spec.Sessions{Idle: time.Hour, Longest: time.Hour}, Tokens: spec.TokenLives{Longest: time.Hour, Login: time.Hour},
		},
		Policy: access.Everybody{}, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Register(mux)
	mux.HandleFunc("GET /who", func(w http.ResponseWriter, r *http.Request) {
		who, err := s.Authenticate(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(who)
	})
	return s
}

func (s *site) browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: time.Minute, Transport: s.Client().Transport}
}

func get(t *testing.T, c *http.Client, url string) *http.Response {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// who is whom the server takes a browser or a token for.
func (s *site) who(t *testing.T, c *http.Client) (who access.Actor) {
	t.Helper()
	text := body(t, get(t, c, s.Server.URL+"/who"))
	if err := json.Unmarshal([]byte(text), &who); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return who
}

// TestAtARealProvider is all on each kind of database.
func TestAtARealProvider(t *testing.T) {
	stories := map[string]func(*testing.T, *site){"browser": browser, "device": device}
	databasetest.Each(t, func(t *testing.T, fresh databasetest.Fresh) {
		for name, story := range stories {
			t.Run(name, func(t *testing.T) { story(t, newSite(t, fresh(t))) })
		}
	})
}

func browser(t *testing.T, s *site) {
	c := s.browser(t)
	var back *url.URL
	c.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/v1/login/callback" {
			back = r.URL
		}
		return nil
	}
	at := s.provider.answersAt(t, c, get(t, c, s.Server.URL+"/v1/login/start?to=/who"))
	if text := body(t, at); at.Request.URL.Path != "/who" || at.StatusCode != http.StatusOK {
		t.Fatalf("the browser is at %s: %s", at.Request.URL, text)
	}
	if who := s.who(t, c); who.Name != "anna@example.com" || !slices.Equal(who.Groups, []string{"admins", "payments"}) {
		t.Errorf("%+v", who)
	}
	t.Run("the code is worth nothing any more", func(t *testing.T) {
		if resp := get(t, c, back.String()); resp.StatusCode != http.StatusForbidden {
			t.Errorf("%d %s", resp.StatusCode, body(t, resp))
		}
		// Another login is under way, and the old code comes with its state.
		other, state := s.browser(t), ""
		other.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if v := r.URL.Query().Get("state"); v != "" {
				state = v
			}
			return nil
		}
		get(t, other, s.Server.URL+"/v1/login/start").Body.Close()
		again := *back
		q := again.Query()
		q.Set("state", state)
		again.RawQuery = q.Encode()
		if resp := get(t, other, again.String()); resp.StatusCode != http.StatusForbidden {
			t.Errorf("%d %s", resp.StatusCode, body(t, resp))
		}
	})
	t.Run("a state that somebody made up", func(t *testing.T) {
		other := s.browser(t)
		other.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if r.URL.Path != "/v1/login/callback" {
				return nil
			}
			q := r.URL.Query()
			q.Set("state", "made-up")
			r.URL.RawQuery = q.Encode()
			return nil
		}
		resp := s.provider.answersAt(t, other, get(t, other, s.Server.URL+"/v1/login/start"))
		if text := body(t, resp); resp.StatusCode != http.StatusForbidden || !strings.Contains(text, "did not begin in this browser") {
			t.Errorf("%d %s", resp.StatusCode, text)
		}
	})
	t.Run("a group that was left is gone with the next login", func(t *testing.T) {
		s.provider.in("payments")
		other := s.browser(t)
		s.provider.answersAt(t, other, get(t, other, s.Server.URL+"/v1/login/start")).Body.Close()
		for _, c := range []*http.Client{c, other} {
			if who := s.who(t, c); !slices.Equal(who.Groups, []string{"payments"}) {
				t.Errorf("%+v", who)
			}
		}
	})
}

func (s *site) post(t *testing.T, path, text string, out any) int {
	t.Helper()
	resp, err := s.Client().Post(s.Server.URL+path, "application/json", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal([]byte(body(t, resp)), out)
	return resp.StatusCode
}

func device(t *testing.T, s *site) {
	begin := func() (code login.DeviceCode, poll string) {
		if got := s.post(t, "/v1/login/device", "", &code); got != http.StatusOK || code.User == "" {
			t.Fatalf("%d %+v", got, code)
		}
		return code, `{"device_code": "` + code.Device + `"}`
	}
	answer := func(code login.DeviceCode, action string) {
		c := s.browser(t)
		form := url.Values{"user_code": {code.User}, "username": {"anna"}, "password": {password}}
		resp, err := c.PostForm(s.provider.url+"/device/login", form)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if said := body(t, get(t, c, s.provider.url+"/device/confirm?action="+action)); !strings.Contains(said, action) {
			t.Fatal(said)
		}
	}
	code, poll := begin()
	var got login.DeviceAnswer
	if status := s.post(t, "/v1/login/device/token", poll, &got); status != http.StatusOK || got.Pending == "" || got.Token != "" {
		t.Fatalf("before anybody answered: %d %+v", status, got)
	}
	answer(code, "allowed")
	got = login.DeviceAnswer{}
	if status := s.post(t, "/v1/login/device/token", poll, &got); status != http.StatusOK || got.Name != "anna@example.com" {
		t.Fatalf("%d %+v", status, got)
	}
	r := httptest.NewRequest(http.MethodGet, s.Server.URL+"/v1/releases", nil)
	r.Header.Set("Authorization", "Bearer "+got.Token)
	if who, err := s.Authenticate(r); err != nil || who.Name != "anna@example.com" || len(who.Groups) == 0 {
		t.Errorf("%+v, %v", who, err)
	}
	code, poll = begin()
	answer(code, "denied")
	if status := s.post(t, "/v1/login/device/token", poll, nil); status != http.StatusForbidden {
		t.Errorf("denied: %d", status)
	}
	if status := s.post(t, "/v1/login/device/token", `{"device_code": "made-up"}`, nil); status != http.StatusForbidden {
		t.Errorf("a code that somebody made up: %d", status)
	}
}
