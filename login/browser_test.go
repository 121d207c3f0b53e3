package login

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// site is a bed that browsers reach over HTTPS, with an identity provider.
type site struct {
	*bed
	*httptest.Server
	issuer *issuer
}

func newSite(t *testing.T, db *database.DB, change func(*spec.OIDC)) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux := http.NewServeMux()
		s.Register(mux)
		mux.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
			who, err := s.Authenticate(r)
			if err != nil {
				s.problem(w, err)
				return
			}
			answer(w, http.StatusOK, map[string]any{"name": who.Name, "groups": who.Groups, "csrf": s.CSRF(r)})
		})
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("page " + r.URL.Path)) })
		s.Wrap(mux).ServeHTTP(w, r)
	}))
	t.Cleanup(s.Server.Close)
	c := &clock{at: noon}
	s.issuer = newIssuer(t, c)
	s.bed = newBed(t, db, func(cfg *Config) {
		settings := *cfg.Settings
		settings.OIDC = &spec.OIDC{Issuer: s.issuer.URL, ClientID: "linnet", ClientSecretFile: "secret", Scopes: []string{"openid", "email"},
			NameClaim: "email", GroupsClaim: "groups"}
		if change != nil {
			change(settings.OIDC)
		}
		cfg.Settings, cfg.PublicURL, cfg.Now = &settings, s.Server.URL, c.now
		cfg.OIDCSecret = func() (string, error) { return s.issuer.secret, nil }
	})
	s.bed.clock = c
	return s
}

// browser is one with cookies of its own.
func (s *site) browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: s.Client().Transport}
}

// seen is what a page shows.
type seen struct {
	status       int
	body, detail string
	name, csrf   string
	groups       []string
	header       http.Header
	path         string
}

func show(t *testing.T, resp *http.Response, err error) seen {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if _, err := io.Copy(&b, resp.Body); err != nil {
		t.Fatal(err)
	}
	var said struct {
		Name, CSRF, Detail string
		Groups             []string
	}
	_ = json.Unmarshal([]byte(b.String()), &said)
	return seen{status: resp.StatusCode, body: b.String(), detail: said.Detail, name: said.Name, csrf: said.CSRF, groups: said.Groups,
		header: resp.Header, path: resp.Request.URL.RequestURI()}
}

func (s *site) get(t *testing.T, c *http.Client, path string) seen {
	t.Helper()
	resp, err := c.Get(s.Server.URL + path)
	return show(t, resp, err)
}

func (s *site) post(t *testing.T, c *http.Client, path string, headers ...string) seen {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.Server.URL+path, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(r)
	return show(t, resp, err)
}

func aBrowserLogsInAndOut(t *testing.T, db *database.DB) {
	s := newSite(t, db, nil)
	c := s.browser(t)
	if got := s.get(t, c, "/who"); got.status != 401 || !strings.Contains(got.detail, "not logged in") {
		t.Fatalf("a stranger sees %+v", got)
	}
	if got := s.get(t, c, "/v1/login/start?to=/releases%3Fq%3D1"); got.status != 200 || got.path != "/releases?q=1" {
		t.Fatalf("after the login: %+v", got)
	}
	who := s.get(t, c, "/who")
	if who.name != "anna@example.com" || !slices.Equal(who.groups, []string{"admins", "payments"}) || who.csrf == "" {
		t.Fatalf("%+v", who)
	}
	at, _ := url.Parse(s.Server.URL)
	for _, k := range c.Jar.Cookies(at) {
		if k.Name != "__Host-linnet_session" {
			t.Errorf("the browser keeps %s", k.Name)
		}
	}
	t.Run("changes need the session's own token", func(t *testing.T) {
		for _, headers := range [][]string{{}, {CSRFHeader, "x"}, {CSRFHeader, who.csrf, "Sec-Fetch-Site", "cross-site"}, {CSRFHeader, who.csrf, "Origin", "https://evil.example"}} {
			if got := s.post(t, c, "/who", headers...); got.status != 403 {
				t.Errorf("%v: %+v", headers, got)
			}
		}
		if got := s.post(t, c, "/who", CSRFHeader, who.csrf, "Sec-Fetch-Site", "same-origin", "Origin", s.Server.URL); got.status != 200 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("groups are those of the last login, also for tokens and other sessions", func(t *testing.T) {
		_, text := s.token(t, Wish{Owner: "anna@example.com"})
		s.issuer.with(func() { s.issuer.claims["groups"] = []string{"payments"} })
		other := s.browser(t)
		s.get(t, other, "/v1/login/start")
		who, err := s.other.Authenticate(withToken(text, "192.0.2.1"))
		if err != nil || !slices.Equal(who.Groups, []string{"payments"}) {
			t.Errorf("%+v, %v", who, err)
		}
		if got := s.get(t, c, "/who"); !slices.Equal(got.groups, []string{"payments"}) {
			t.Errorf("%+v", got)
		}
	})
	out := s.post(t, c, "/v1/login/logout", CSRFHeader, who.csrf)
	want := s.issuer.URL + "/end?client_id=linnet&post_logout_redirect_uri=" + url.QueryEscape(s.Server.URL+"/") + "&x=1"
	var said struct{ Provider string }
	if err := json.Unmarshal([]byte(out.body), &said); err != nil || said.Provider != want {
		t.Errorf("the logout says %s, want %s", out.body, want)
	}
	if got := s.get(t, c, "/who"); got.status != 401 {
		t.Errorf("after the logout: %+v", got)
	}
	if s.audit.count("login") != 2 || s.audit.count("logout") != 1 {
		t.Errorf("%+v", s.audit.all)
	}
}

// What the audit does not have did not happen: the browser gets no session.
func TestALoginThatCannotBeKeptIsNone(t *testing.T) {
	s := newSite(t, databasetest.Folder(t), nil)
	c := s.browser(t)
	s.audit.broken = fmt.Errorf("the audit is full: %w", release.ErrUnavailable)
	if got := s.get(t, c, "/v1/login/start"); got.status != http.StatusServiceUnavailable || strings.Contains(strings.Join(got.header.Values("Set-Cookie"), " "), sessionName) {
		t.Errorf("%+v", got)
	}
	s.audit.broken = nil
	if got := s.get(t, c, "/who"); got.status != 401 {
		t.Errorf("somebody is logged in, and the audit does not know: %+v", got)
	}
}

func sessionsEnd(t *testing.T, db *database.DB) {
	s := newSite(t, db, nil)
	login := func() *http.Client {
		c := s.browser(t)
		s.get(t, c, "/v1/login/start")
		if got := s.get(t, c, "/who"); got.status != 200 {
			t.Fatalf("%+v", got)
		}
		return c
	}
	t.Run("without use", func(t *testing.T) {
		c := login()
		for range 3 {
			s.clock.pass(50 * time.Minute)
			if got := s.get(t, c, "/who"); got.status != 200 {
				t.Fatalf("in use: %+v", got)
			}
		}
		s.clock.pass(62 * time.Minute)
		if got := s.get(t, c, "/who"); got.status != 401 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("at their longest", func(t *testing.T) {
		c := login()
		for range 9 {
			s.clock.pass(50 * time.Minute)
			s.get(t, c, "/who")
		}
		s.clock.pass(31 * time.Minute)
		if got := s.get(t, c, "/who"); got.status != 401 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("by an administrator, and with the account", func(t *testing.T) {
		c := login()
		if err := s.other.EndSessions(t.Context(), admin, "anna@example.com"); err != nil {
			t.Fatal(err)
		}
		if got := s.get(t, c, "/who"); got.status != 401 {
			t.Errorf("%+v", got)
		}
		c = login()
		if err := s.other.Disable(t.Context(), admin, "anna@example.com", true); err != nil {
			t.Fatal(err)
		}
		if got := s.get(t, c, "/who"); got.status != 401 {
			t.Errorf("%+v", got)
		}
		if got := s.get(t, s.browser(t), "/v1/login/start"); got.status != 403 || !strings.Contains(got.detail, "was disabled") {
			t.Errorf("%+v", got)
		}
	})
}

// TestLoginsThatAreRefused has everything that may be wrong with what comes back
// from the provider, or seems to.
func TestLoginsThatAreRefused(t *testing.T) {
	s := newSite(t, databasetest.Folder(t), func(o *spec.OIDC) { o.AllowedDomains = []string{"example.com"} })
	for name, c := range map[string]struct {
		claims map[string]any
		why    string
	}{
		"another nonce":         {map[string]any{"nonce": "x"}, "of another login"},
		"no nonce":              {map[string]any{"nonce": nil}, "of another login"},
		"expired":               {map[string]any{"exp": noon.Add(-3 * time.Minute).Unix()}, "are the clocks right"},
		"for another program":   {map[string]any{"aud": "other"}, "not accepted"},
		"by another provider":   {map[string]any{"iss": "https://evil.example"}, "not accepted"},
		"for us among others":   {map[string]any{"aud": []string{"linnet", "other"}}, "made for another program"},
		"others' token":         {map[string]any{"aud": []string{"linnet", "other"}, "azp": "other"}, "made for another program"},
		"not yet valid":         {map[string]any{"nbf": noon.Add(time.Hour).Unix()}, "not accepted"},
		"not verified":          {map[string]any{"email_verified": false}, "has not verified"},
		"verified is not said":  {map[string]any{"email_verified": nil}, "has not verified"},
		"no name":               {map[string]any{"email": nil}, "does not tell your email"},
		"another domain":        {map[string]any{"email": "anna@evil.example"}, "your domain"},
		"a domain that ends so": {map[string]any{"email": "anna@notexample.com"}, "your domain"},
		"a service account":     {map[string]any{"email": "service:ci"}, "cannot be one here"},
		"a machine":             {map[string]any{"email": "hook:registry"}, "cannot be one here"},
		"groups of groups":      {map[string]any{"groups": []any{[]string{"admins"}}}, "cannot be read"},
		"groups by number":      {map[string]any{"groups": 7}, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			s.issuer.with(func() { s.issuer.claims = c.claims })
			defer s.issuer.with(func() { s.issuer.claims = map[string]any{} })
			browser := s.browser(t)
			if got := s.get(t, browser, "/v1/login/start"); got.status != 403 || !strings.Contains(got.detail, c.why) {
				t.Errorf("%+v", got)
			}
			if got := s.get(t, browser, "/who"); got.status != 401 {
				t.Errorf("in all the same: %+v", got)
			}
		})
	}
	t.Run("signed by another key", func(t *testing.T) {
		s.issuer.with(func() { s.issuer.signed = newKey(t) })
		defer s.issuer.with(func() { s.issuer.signed = nil })
		if got := s.get(t, s.browser(t), "/v1/login/start"); got.status != 403 || !strings.Contains(got.detail, "not accepted") {
			t.Errorf("%+v", got)
		}
	})
	if n := s.audit.count("login.failed"); n != 18 || s.audit.count("login") != 0 {
		t.Errorf("the audit has %d failures and %d logins", n, s.audit.count("login"))
	}
	t.Run("a clock 90 s off is forgiven", func(t *testing.T) {
		s.issuer.with(func() {
			s.issuer.claims = map[string]any{"exp": noon.Add(-90 * time.Second).Unix(), "iat": noon.Add(-390 * time.Second).Unix()}
		})
		defer s.issuer.with(func() { s.issuer.claims = map[string]any{} })
		if got := s.get(t, s.browser(t), "/v1/login/start"); got.status != 200 {
			t.Errorf("%+v", got)
		}
		s.issuer.with(func() {
			s.issuer.claims = map[string]any{"nbf": noon.Add(90 * time.Second).Unix(), "iat": noon.Add(90 * time.Second).Unix()}
		})
		if got := s.get(t, s.browser(t), "/v1/login/start"); got.status != 200 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("new keys are found", func(t *testing.T) {
		s.issuer.with(func() { s.issuer.key, s.issuer.keyID = newKey(t), "2" })
		if got := s.get(t, s.browser(t), "/v1/login/start"); got.status != 200 {
			t.Errorf("%+v", got)
		}
	})
}

// stopAtProvider lets a browser go no further than back to us.
func stopAtProvider(c *http.Client) (back *string) {
	back = new(string)
	c.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == callbackPath {
			*back = r.URL.RequestURI()
			return http.ErrUseLastResponse
		}
		return nil
	}
	return back
}

func TestAnAttemptBelongsToItsBrowserAndHasOneEnd(t *testing.T) {
	s := newSite(t, databasetest.Folder(t), nil)
	anna, eve := s.browser(t), s.browser(t)
	back := stopAtProvider(anna)
	begun := s.get(t, anna, "/v1/login/start")
	if begun.status != http.StatusFound || *back == "" {
		t.Fatalf("%+v, %s", begun, *back)
	}
	if got := s.get(t, eve, *back); got.status != 403 || !strings.Contains(got.detail, "did not begin in this browser") {
		t.Errorf("another browser, that has begun nothing: %+v", got)
	}
	backToEve := stopAtProvider(eve)
	s.get(t, eve, "/v1/login/start")
	eve.CheckRedirect = nil
	if got := s.get(t, eve, *back); got.status != 403 {
		t.Errorf("another browser, that has begun its own: %+v", got)
	}
	if got := s.get(t, eve, *backToEve); got.status != 403 {
		t.Errorf("a second end of an attempt: %+v", got)
	}
	anna.CheckRedirect = nil
	if got := s.get(t, anna, *back+"&state=x"); got.status != 200 {
		t.Errorf("its own browser: %+v", got)
	}
	if got := s.get(t, anna, *back); got.status != 403 {
		t.Errorf("the same once more: %+v", got)
	}
	t.Run("a code that was used", func(t *testing.T) {
		c := s.browser(t)
		again := stopAtProvider(c)
		s.get(t, c, "/v1/login/start")
		u, _ := url.Parse(*again)
		old, _ := url.Parse(*back)
		q := u.Query()
		q.Set("code", old.Query().Get("code"))
		if got := s.get(t, c, callbackPath+"?"+q.Encode()); got.status != 403 || strings.Contains(got.detail, q.Get("code")) {
			t.Errorf("%+v", got)
		}
	})
	t.Run("an answer of another provider", func(t *testing.T) {
		for _, iss := range []string{"https://evil.example", ""} {
			c := s.browser(t)
			again := stopAtProvider(c)
			s.get(t, c, "/v1/login/start")
			u, _ := url.Parse(*again)
			q := u.Query()
			q.Set("iss", iss)
			if got := s.get(t, c, callbackPath+"?"+q.Encode()); got.status != 403 || !strings.Contains(got.detail, "another identity provider") {
				t.Errorf("%q: %+v", iss, got)
			}
		}
	})
	t.Run("a person who refuses there", func(t *testing.T) {
		c := s.browser(t)
		again := stopAtProvider(c)
		s.get(t, c, "/v1/login/start")
		u, _ := url.Parse(*again)
		q := u.Query()
		q.Set("error", "access_denied<script>")
		if got := s.get(t, c, callbackPath+"?"+q.Encode()); got.status != 403 || !strings.Contains(got.header.Get("Content-Type"), "problem+json") {
			t.Errorf("%+v", got)
		}
	})
}

func TestASessionThatWasPlantedIsWorthNothing(t *testing.T) {
	s := newSite(t, databasetest.Folder(t), nil)
	at, _ := url.Parse(s.Server.URL)
	for _, name := range []string{"__Host-linnet_session", "linnet_session"} {
		c := s.browser(t)
		c.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: "planted", Path: "/", Secure: true}})
		s.get(t, c, "/v1/login/start")
		if got := s.get(t, c, "/who"); got.status != 200 {
			t.Errorf("%+v", got)
		}
		eve := s.browser(t)
		eve.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: "planted", Path: "/", Secure: true}})
		if got := s.get(t, eve, "/who"); got.status != 401 {
			t.Errorf("who planted it is in: %+v", got)
		}
	}
	t.Run("a login ends the session that the browser had", func(t *testing.T) {
		c := s.browser(t)
		s.get(t, c, "/v1/login/start")
		old := c.Jar.Cookies(at)
		s.get(t, c, "/v1/login/start")
		if c.Jar.Cookies(at)[0].Value == old[0].Value {
			t.Error("the id stayed")
		}
		thief := s.browser(t)
		thief.Jar.SetCookies(at, []*http.Cookie{{Name: old[0].Name, Value: old[0].Value, Path: "/", Secure: true}})
		if got := s.get(t, thief, "/who"); got.status != 401 {
			t.Errorf("%+v", got)
		}
		planted := s.browser(t)
		planted.Jar.SetCookies(at, []*http.Cookie{{Name: "linnet_session", Value: c.Jar.Cookies(at)[0].Value, Path: "/", Secure: true}})
		if got := s.get(t, planted, "/who"); got.status != 401 {
			t.Errorf("a session without the prefix, over HTTPS: %+v", got)
		}
	})
}

func TestAProviderThatCannotBeReached(t *testing.T) {
	s := newSite(t, databasetest.Folder(t), nil)
	s.issuer.with(func() { s.issuer.down = true })
	c := s.browser(t)
	if got := s.get(t, c, "/v1/login/start"); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Fatalf("%+v", got)
	}
	s.issuer.with(func() { s.issuer.down = false })
	s.clock.pass(tryAgain)
	if got := s.get(t, c, "/v1/login/start"); got.status != 200 {
		t.Fatalf("it is back: %+v", got)
	}
	s.issuer.with(func() { s.issuer.down = true })
	if got := s.get(t, c, "/who"); got.status != 200 {
		t.Errorf("a session while it is down: %+v", got)
	}
	s.clock.pass(30 * time.Minute)
	if got := s.get(t, s.browser(t), "/v1/login/start"); got.status != http.StatusBadGateway {
		t.Errorf("what it said of itself is known: %+v", got) // the provider's own page
	}
}

func TestNamesAndGroupsOnlyTold(t *testing.T) {
	s := newSite(t, databasetest.Folder(t), func(o *spec.OIDC) { o.NameClaim, o.GroupsClaim = "preferred_username", "roles" })
	s.issuer.with(func() {
		s.issuer.info = map[string]any{"sub": "1", "preferred_username": "anna", "roles": "operators", "email": "evil@example.com"}
	})
	c := s.browser(t)
	s.get(t, c, "/v1/login/start")
	if got := s.get(t, c, "/who"); got.name != "anna" || !slices.Equal(got.groups, []string{"operators"}) {
		t.Errorf("%+v", got)
	}
	s.issuer.with(func() { s.issuer.info["sub"] = "2" })
	if got := s.get(t, s.browser(t), "/v1/login/start"); got.status != 403 || !strings.Contains(got.detail, "another person") {
		t.Errorf("%+v", got)
	}
	s.issuer.with(func() { s.issuer.info["sub"], s.issuer.info["preferred_username"] = "1", "admin@example.com" })
	if got := s.get(t, s.browser(t), "/v1/login/start"); got.status != 403 || !strings.Contains(got.detail, "not verified") {
		t.Errorf("a name that looks like the address of somebody else: %+v", got)
	}
}

func TestPlainHTTP(t *testing.T) {
	s := newSite(t, databasetest.Folder(t), nil)
	plain := func(method, host, from, path string, headers ...string) *httptest.ResponseRecorder {
		r := request(method, from, headers...)
		r.Host, r.TLS = host, nil
		r.URL, _ = url.Parse(path)
		w := httptest.NewRecorder()
		mux := http.NewServeMux()
		s.Register(mux)
		s.Wrap(mux).ServeHTTP(w, r)
		return w
	}
	for _, c := range []struct {
		host, from, scheme string
		want               int
	}{
		{"linnet.example.com", "192.0.2.1", "", 403},
		{"linnet.example.com", "127.0.0.1", "", 403},
		{"localhost:8440", "127.0.0.1", "", 302},
		{"127.0.0.1:8440", "127.0.0.1", "", 302},
		{"localhost", "192.0.2.1", "", 403},
		{"linnet.example.com", "10.1.2.3", "", 403},
		{"linnet.example.com", "10.1.2.3", "https", 302},
		{"linnet.example.com", "10.1.2.3", "https, http", 403},
		{"linnet.example.com", "192.0.2.1", "https", 403},
	} {
		var headers []string
		if c.scheme != "" {
			headers = []string{"X-Forwarded-Proto", c.scheme}
		}
		w := plain("GET", c.host, c.from, "/v1/login/start", headers...)
		if w.Code != c.want {
			t.Errorf("%+v: %d %s", c, w.Code, w.Body)
		}
		cookie := w.Header().Get("Set-Cookie")
		if secure := strings.Contains(cookie, "Secure"); cookie != "" && secure != (c.scheme == "https") {
			t.Errorf("%+v: %s", c, cookie)
		}
		if cookie != "" && !(strings.Contains(cookie, "HttpOnly") && strings.Contains(cookie, "SameSite=Lax")) {
			t.Errorf("%+v: %s", c, cookie)
		}
	}
	_, text := s.token(t, Wish{Owner: "service:ci"})
	r := withToken(text, "192.0.2.1")
	r.TLS = nil
	if _, err := s.Authenticate(r); status(err) != 403 || !strings.Contains(err.Error(), "revoke") {
		t.Errorf("a token for all to read: %v", err)
	}
	r.TLS = &tls.ConnectionState{}
	if _, err := s.Authenticate(r); err != nil {
		t.Error(err)
	}
}

func devices(t *testing.T, db *database.DB) {
	s := newSite(t, db, nil)
	c := s.browser(t)
	ask := func(body, path string, out any) int {
		resp, err := c.Post(s.Server.URL+path, "application/json", strings.NewReader(body))
		got := show(t, resp, err)
		_ = json.Unmarshal([]byte(got.body), out)
		return got.status
	}
	var code DeviceCode
	if got := ask("", "/v1/login/device", &code); got != 200 || code.User == "" || code.Verify == "" || code.Expires == 0 {
		t.Fatalf("%d %+v", got, code)
	}
	body := `{"device_code": "` + code.Device + `"}`
	for _, pending := range []string{"authorization_pending", "slow_down"} {
		s.issuer.with(func() { s.issuer.pending = pending })
		var a DeviceAnswer
		if got := ask(body, "/v1/login/device/token", &a); got != 200 || a != (DeviceAnswer{Pending: pending}) {
			t.Errorf("%d %+v", got, a)
		}
	}
	for _, end := range []string{"access_denied", "expired_token"} {
		s.issuer.with(func() { s.issuer.pending = end })
		if got := ask(body, "/v1/login/device/token", nil); got != 403 {
			t.Errorf("%s: %d", end, got)
		}
	}
	s.issuer.with(func() { s.issuer.pending = "" })
	var a DeviceAnswer
	if got := ask(body, "/v1/login/device/token", &a); got != 200 || a.Name != "anna@example.com" || a.Ends != noon.Add(12*time.Hour).Format(time.RFC3339) {
		t.Fatalf("%d %+v", got, a)
	}
	who, err := s.other.Authenticate(withToken(a.Token, "192.0.2.1"))
	if err != nil || who.Name != "anna@example.com" || !slices.Equal(who.Groups, []string{"admins", "payments"}) {
		t.Errorf("%+v, %v", who, err)
	}
	for _, wrong := range []string{body, `{"device_code": "x"}`} {
		if got := ask(wrong, "/v1/login/device/token", nil); got != 403 {
			t.Errorf("%s: %d", wrong, got)
		}
	}
	for _, wrong := range []string{``, `{}`, `[`, `{"device_code": "` + strings.Repeat("x", mostCode) + `"}`} {
		if got := ask(wrong, "/v1/login/device/token", nil); got != 422 {
			t.Errorf("%.30s: %d", wrong, got)
		}
	}
}

func TestNothingConfigured(t *testing.T) {
	b := newBed(t, databasetest.Folder(t), func(c *Config) { c.Settings = nil })
	near := func(method, host string, headers ...string) *http.Request {
		r := request(method, "127.0.0.1", headers...)
		r.Host, r.TLS = host, nil
		return r
	}
	for _, host := range []string{"127.0.0.1:8440", "localhost", "LOCALHOST:1", "[::1]:8440", "127.0.0.9"} {
		who, err := b.Authenticate(near("POST", host, "Sec-Fetch-Site", "same-origin", "Cookie", "linnet_session=stale"))
		if err != nil || who.Name != "local:root" || who.Kind != access.Person {
			t.Errorf("%s: %+v, %v", host, who, err)
		}
	}
	for name, r := range map[string]*http.Request{
		"a name that leads here": near("GET", "evil.example"),
		"such a name again":      near("GET", "127.0.0.1.evil.example"),
		"and again":              near("GET", "localhost.evil.example:8440"),
		"no host":                near("GET", ""),
		"another machine":        request("GET", "192.0.2.1"),
		"a page of another":      near("POST", "localhost", "Sec-Fetch-Site", "cross-site"),
		"its origin":             near("POST", "localhost", "Origin", "https://evil.example"),
	} {
		if _, err := b.Authenticate(r); status(err) != 403 {
			t.Errorf("%s: %v", name, err)
		}
		w := httptest.NewRecorder()
		b.Wrap(http.NotFoundHandler()).ServeHTTP(w, r)
		if w.Code != 403 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	var no *Refused
	if err := b.start(httptest.NewRecorder(), near("GET", "localhost")); err == nil || errors.As(err, &no) {
		t.Errorf("a login where none is configured: %v", err)
	}
}
