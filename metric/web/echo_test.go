package web_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// Secrets with what is escaped in URLs, in JSON, or in both.
const (
	password = `p4ssw0rd/"ö +=&<x>\%41`
	token    = `t0ken/"+=&<x>\%41.abcdefgh`
)

// repeats are the ways in which a server says what it was sent.
var repeats = map[string]func(string) string{
	"as it is": func(s string) string { return s },
	"in a URL": url.QueryEscape,
	"in JSON": func(s string) string {
		text, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		return string(text)
	},
	"in base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
}

// parrot answers with a status, a reason and all that it was sent, in some way.
type parrot struct {
	status int
	repeat func(string) string
	json   bool
	said   string // the last answer
}

func (p *parrot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	// The short and telling ones first: errors are clipped.
	said := r.RequestURI + "\n" + string(body) + "\n" + r.Header.Get("Authorization") + "\n"
	for name, values := range r.Header {
		said += name + ": " + strings.Join(values, ",") + "\n"
	}
	if user, pass, ok := r.BasicAuth(); ok {
		said = user + " with " + pass + "\n" + said
	}
	p.said = "missing scope metrics.read: " + p.repeat(said)
	if p.json {
		w.Header().Set("Content-Type", "application/json")
		text, _ := json.Marshal(map[string]string{"error": "invalid_scope", "error_description": p.said})
		p.said = string(text)
	}
	w.WriteHeader(p.status)
	_, _ = io.WriteString(w, p.said)
}

// tells finds a secret in a text, however it is written.
func tells(text, secret string) string {
	forms := []string{secret, secret[:8]}
	for _, repeat := range repeats {
		form := strings.Trim(repeat(secret), `"`)
		forms = append(forms, form, strings.Trim(repeats["in JSON"](form), `"`))
	}
	for _, with := range []string{"linnet:" + secret, "linnet:" + url.QueryEscape(secret)} {
		forms = append(forms, repeats["in base64"](with))
	}
	for _, form := range forms {
		if strings.Contains(text, form) {
			return form
		}
	}
	// Pieces of base64 at any offset.
	for _, run := range strings.FieldsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", r)
	}) {
		for from := range min(4, len(run)) {
			piece := run[from:]
			plain, _ := base64.RawStdEncoding.DecodeString(piece[:len(piece)/4*4])
			if strings.Contains(string(plain), secret[:6]) {
				return run
			}
		}
	}
	return ""
}

// everywhere runs a case for each status and way to repeat.
func everywhere(t *testing.T, f func(t *testing.T, p *parrot)) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest, http.StatusInternalServerError} {
		for name, repeat := range repeats {
			for _, json := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d %s %t", status, name, json), func(t *testing.T) {
					f(t, &parrot{status: status, repeat: repeat, json: json})
				})
			}
		}
	}
}

func wantReason(t *testing.T, p *parrot, err error, secrets ...string) {
	t.Helper()
	meaning := release.ErrInvalid
	if p.status >= 500 {
		meaning = release.ErrUnavailable
	}
	if !errors.Is(err, meaning) || !strings.Contains(err.Error(), fmt.Sprint(p.status)) || !strings.Contains(err.Error(), "missing scope metrics.read") {
		t.Errorf("error %v, want %v with the server's reason", err, meaning)
	}
	for _, s := range secrets {
		if tells(p.said, s) == "" {
			t.Errorf("the server does not repeat the secret: %q", p.said)
		}
		if form := tells(err.Error(), s); form != "" {
			t.Errorf("error %v tells a secret: %q", err, form)
		}
	}
}

// TestServersThatRepeatWhatTheyWereSent: their reasons are told, and no secret.
func TestServersThatRepeatWhatTheyWereSent(t *testing.T) {
	for name, c := range map[string]struct {
		config web.Config
		secret string
	}{
		"a bearer token":  {web.Config{BearerTokenFile: file(t, token)}, token},
		"a password":      {web.Config{Username: "linnet", PasswordFile: file(t, password)}, password},
		"of the url":      {web.Config{URL: "linnet:" + url.QueryEscape(strings.ReplaceAll(password, " ", "_")) + "@"}, strings.ReplaceAll(password, " ", "_")},
		"a key":           {web.Config{SecretHeaders: map[string]string{"X-Key": file(t, token)}}, token},
		"a scheme":        {web.Config{SecretHeaders: map[string]string{"Authorization": file(t, token)}, Schemes: map[string]string{"Authorization": "Token {}"}}, token},
		"an OAuth2 token": {web.Config{OAuth2: &web.OAuth2{ClientID: "linnet", ClientSecretFile: file(t, password)}}, token},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, p *parrot) {
				mux := http.NewServeMux()
				mux.Handle("/", p)
				mux.HandleFunc("/token", func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer"})
				})
				srv := httptest.NewServer(mux)
				defer srv.Close()
				config := c.config
				config.URL = strings.Replace(srv.URL, "//", "//"+config.URL, 1)
				if config.OAuth2 != nil {
					grant := *config.OAuth2
					grant.TokenURL = srv.URL + "/token"
					config.OAuth2 = &grant
				}
				_, err := open(t, config).Ask(context.Background(), web.Question{
					Method: http.MethodPost, Path: "/v1/x", Params: url.Values{"q": {"up"}}, Body: []byte("up"), About: "visits", Once: true,
				})
				wantReason(t, p, err, c.secret)
			})
		})
	}
}

// TestIssuersThatRepeatWhatTheyWereSent: so with those who give tokens.
func TestIssuersThatRepeatWhatTheyWereSent(t *testing.T) {
	everywhere(t, func(t *testing.T, p *parrot) {
		srv := httptest.NewServer(p)
		defer srv.Close()
		w := open(t, web.Config{URL: srv.URL, OAuth2: &web.OAuth2{TokenURL: srv.URL + "/token", ClientID: "linnet", ClientSecretFile: file(t, password)}})
		_, err := w.Ask(context.Background(), web.Question{About: "visits", Once: true})
		wantReason(t, p, err, password)
	})
}

// What else a server chooses comes into errors, too; and a secret that is too
// short to be found takes all that it says with it.
func TestOddServersThatRepeatWhatTheyWereSent(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter, said string){
		"a redirect": func(w http.ResponseWriter, said string) {
			w.Header().Set("Location", "/login/"+url.PathEscape(said))
			w.WriteHeader(http.StatusFound)
		},
		"a type": func(w http.ResponseWriter, said string) {
			w.Header().Set("Content-Type", "x/"+said)
			_, _ = io.WriteString(w, "hello")
		},
		"a reason": func(w http.ResponseWriter, said string) { http.Error(w, said, http.StatusForbidden) },
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r.Header.Get("X-Key")) }))
		defer srv.Close()
		for _, s := range []string{token, "Zq9"} {
			_, err := ask(open(t, web.Config{URL: srv.URL, SecretHeaders: map[string]string{"X-Key": file(t, s)}}))
			if !errors.Is(err, release.ErrInvalid) || strings.Contains(err.Error(), s[:3]) {
				t.Errorf("%s: error %v, want one without the secret", name, err)
			}
		}
	}
}
