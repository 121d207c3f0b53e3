package web_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

var api = web.API{Name: "shop", Title: "the shop's API", Reset: "X-RateLimit-Reset"}

func open(t *testing.T, c web.Config) *web.Client {
	t.Helper()
	w, err := web.New(api, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ask asks for nothing in particular.
func ask(w *web.Client) (web.Clock, error) {
	return w.Ask(context.Background(), web.Question{Path: "/v1/x", About: "visits", Read: func(r io.Reader) error {
		var any map[string]any
		return json.NewDecoder(r).Decode(&any)
	}})
}

func TestSecretHeaders(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("DD-API-KEY") != "s3cret" || r.Header.Get("Authorization") != "Token t0ken":
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Query().Get("fine") == "":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `you said s3cret and t0ken`)
		default:
			_, _ = io.WriteString(w, `{}`)
		}
	}))
	defer srv.Close()
	key, token := file(t, "s3cret\n"), file(t, "t0ken")
	w := open(t, web.Config{
		URL: srv.URL, SecretHeaders: map[string]string{"DD-API-KEY": key, "Authorization": token},
		Schemes: map[string]string{"Authorization": "Token {}"},
	})
	_, err := w.Ask(context.Background(), web.Question{Params: url.Values{"fine": {"1"}}, Read: func(io.Reader) error { return nil }})
	if err != nil {
		t.Errorf("error %v", err)
	}
	_, err = ask(w)
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "you said *** and ***") || !strings.Contains(err.Error(), "visits") {
		t.Errorf("error %v tells a secret, or not what was asked", err)
	}
	if err := os.WriteFile(key, []byte("wr0ng"), 0o600); err != nil { // rotated
		t.Fatal(err)
	}
	_, err = ask(w)
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("error %v, want one that names the file", err)
	}
}

// A server may repeat the whole header, in which the password is coded.
func TestBasicAuthIsNotRepeated(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "you said "+r.Header.Get("Authorization"))
	}))
	defer srv.Close()
	_, err := ask(open(t, web.Config{URL: srv.URL, Username: "linnet", PasswordFile: file(t, "s3cret")}))
	if err == nil || !strings.Contains(err.Error(), "you said Basic ***") {
		t.Errorf("error %v", err)
	}
}

// issuer is a server that gives tokens, each of which it takes until revoked.
type issuer struct {
	tokens, asked atomic.Int64
	lifetime      int64
	form          atomic.Value // url.Values
	refuse        atomic.Int64 // a status
}

func (s *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/token" {
		s.asked.Add(1)
		if r.Header.Get("Authorization") != fmt.Sprintf("Bearer token-%d", s.tokens.Load()) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{}`)
		return
	}
	_ = r.ParseForm()
	s.form.Store(r.PostForm)
	w.Header().Set("Content-Type", "application/json")
	if status := s.refuse.Load(); status != 0 {
		w.WriteHeader(int(status))
		_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"s3cret is not it"}`)
		return
	}
	if id, secret, _ := r.BasicAuth(); id != "linnet" || secret != "s3cret" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":%d}`, s.tokens.Add(1), s.lifetime)
}

func TestClientCredentials(t *testing.T) {
	s := &issuer{lifetime: 3600}
	srv := httptest.NewServer(s)
	defer srv.Close()
	secret := file(t, "s3cret")
	grant := func() *web.Client {
		return open(t, web.Config{URL: srv.URL, OAuth2: &web.OAuth2{
			TokenURL: srv.URL + "/token", ClientID: "linnet", ClientSecretFile: secret,
			Scopes: []string{"metrics.read"}, Params: map[string]string{"audience": "metrics"},
		}})
	}
	w := grant()
	for range 3 {
		if _, err := ask(w); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.tokens.Load(); n != 1 {
		t.Errorf("%d tokens for three requests, want one", n)
	}
	if form := s.form.Load().(url.Values); form.Get("grant_type") != "client_credentials" || form.Get("scope") != "metrics.read" || form.Get("audience") != "metrics" {
		t.Errorf("asked for a token with %v", form)
	}
	s.tokens.Add(1) // the token is revoked: another is got, once
	if _, err := ask(w); err != nil {
		t.Errorf("after a token was revoked: %v", err)
	}

	s.lifetime = 1 // so short that each request needs a new one
	short, before := grant(), s.tokens.Load()
	for range 2 {
		if _, err := ask(short); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.tokens.Load() - before; n != 2 {
		t.Errorf("%d tokens that run out at once for two requests", n)
	}

	s.refuse.Store(http.StatusBadRequest)
	_, err := ask(grant())
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "invalid_client") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a refused client: %v", err)
	}
	s.refuse.Store(http.StatusServiceUnavailable)
	if _, err := ask(grant()); !errors.Is(err, release.ErrUnavailable) {
		t.Errorf("an issuer that is down: %v", err)
	}
}

func TestBadConfigs(t *testing.T) {
	for _, c := range []web.Config{
		{URL: "http://h", BearerTokenFile: "a", OAuth2: &web.OAuth2{}}, {URL: "http://h", OAuth2: &web.OAuth2{TokenURL: "ftp://h"}},
		{URL: "http://h", OAuth2: &web.OAuth2{TokenURL: "https://h"}},
	} {
		if _, err := web.New(api, c); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%+v: error %v", c, err)
		}
	}
}

func TestWaitsAsToldByAnotherHeader(t *testing.T) {
	var asked atomic.Int64
	reset := "0"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("X-RateLimit-Reset", reset)
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer srv.Close()
	for text, want := range map[string]int64{"0": 3, "60": 1} {
		reset = text
		asked.Store(0)
		if _, err := ask(open(t, web.Config{URL: srv.URL})); !errors.Is(err, release.ErrUnavailable) || asked.Load() != want {
			t.Errorf("reset %s: asked %d times, error %v; want %d times", text, asked.Load(), err, want)
		}
	}
}

func TestClocks(t *testing.T) {
	ours := time.Date(2025, 6, 2, 10, 0, 0, 700e6, time.UTC)
	for _, tt := range []struct {
		ahead time.Duration
		age   string
		want  string
	}{
		{0, "", ""}, {time.Second, "", ""}, {-time.Second, "", ""}, {8 * time.Second, "", "7s ahead"}, {-time.Minute, "", "behind"},
		{time.Hour, "120", ""}, // out of a cache
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", ours.Add(tt.ahead).Format(http.TimeFormat))
			if tt.age != "" {
				w.Header().Set("Age", tt.age)
			}
			_, _ = io.WriteString(w, `{}`)
		}))
		clock, err := ask(open(t, web.Config{URL: srv.URL, Now: func() time.Time { return ours }}))
		srv.Close()
		got := clock.Warning(15 * time.Second)
		if err != nil || tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s ahead: %q, error %v; want %q", tt.ahead, got, err, tt.want)
		}
	}
}

func TestATokenIsNotWaitedForLongerThanAsked(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // lets the server see the client go
		<-r.Context().Done()
	}))
	defer srv.Close()
	w := open(t, web.Config{URL: srv.URL, Timeout: 50 * time.Millisecond, OAuth2: &web.OAuth2{TokenURL: srv.URL + "/token", ClientID: "linnet", ClientSecretFile: file(t, "s3cret")}})
	if _, err := ask(w); !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "no answer within 50ms") {
		t.Errorf("error %v", err)
	}
}

// Parameters of the address that tokens come from may be secrets.
func TestTheAddressOfTokensIsToldWithoutParameters(t *testing.T) {
	s := &issuer{lifetime: 3600}
	srv := httptest.NewServer(s)
	defer srv.Close()
	w := open(t, web.Config{URL: srv.URL, OAuth2: &web.OAuth2{TokenURL: srv.URL + "/token?key=t0pkey", ClientID: "linnet", ClientSecretFile: file(t, "s3cret")}})
	for _, status := range []int{http.StatusUnauthorized, http.StatusServiceUnavailable} {
		s.refuse.Store(int64(status))
		if _, err := ask(w); err == nil || strings.Contains(err.Error(), "t0pkey") || !strings.Contains(err.Error(), srv.URL+"/token") {
			t.Errorf("%d: error %v", status, err)
		}
	}
	s.refuse.Store(0)
	if _, err := ask(w); err != nil {
		t.Error(err)
	}
}

// A server of one's own may have its own authority, while tokens come from a
// server with any that the system trusts, or the same.
func TestTokensOverTLS(t *testing.T) {
	s := &issuer{lifetime: 3600}
	srv := httptest.NewTLSServer(s)
	defer srv.Close()
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	ca := file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})))
	c := web.Config{URL: srv.URL, CAFile: ca, ServerName: "example.com", OAuth2: &web.OAuth2{
		TokenURL: srv.URL + "/token", ClientID: "linnet", ClientSecretFile: file(t, "s3cret"),
	}}
	if _, err := ask(open(t, c)); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	c.CAFile, c.Insecure = "", true // which is not for tokens
	if _, err := ask(open(t, c)); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "/token") {
		t.Errorf("a token from anybody: %v", err)
	}
}

// What stands behind the question mark of a path, or in a redirect's fragment,
// may be a key.
func TestKeysInAddresses(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gone" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Location", "https://login.example.com/?token=s3cret#access=s3cret")
		w.WriteHeader(http.StatusFound)
	}))
	defer srv.Close()
	w := open(t, web.Config{URL: srv.URL})
	for path, word := range map[string]string{"/gone?key=s3cret": "/gone is not there", "/x?key=s3cret": "https://login.example.com/;"} {
		_, err := w.Ask(context.Background(), web.Question{Path: path, Read: func(io.Reader) error { return nil }})
		if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: error %v", path, err)
		}
	}
}

// A file that no request can carry is the file's fault, not the server's.
func TestStrangeSecrets(t *testing.T) {
	for text, word := range map[string]string{"s3cret\x01": "control character", "s3cret\nmore": "one line", " \n": "is empty"} {
		path := file(t, text)
		_, err := ask(open(t, web.Config{URL: "http://127.0.0.1:1", BearerTokenFile: path}))
		if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}
