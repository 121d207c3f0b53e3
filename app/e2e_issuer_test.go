package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	jose "github.com/go-jose/go-jose/v4"
)

// issuer is an identity provider whose page lets whoever comes be one of a few
// people, by a link. An honest one with all that belongs to it is under testbed/oidc.
type issuer struct {
	*httptest.Server
	key    *ecdsa.PrivateKey
	people []string

	mu    sync.Mutex
	codes map[string]url.Values // what was asked for, and as whom, by the code given out
}

func openIssuer(t testing.TB, people ...string) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	is := &issuer{key: key, people: people, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, map[string]any{"issuer": is.URL, "authorization_endpoint": is.URL + "/auth", "token_endpoint": is.URL + "/token",
			"jwks_uri": is.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Algorithm: oidc.ES256, Use: "sig"}}})
	})
	mux.HandleFunc("GET /auth", is.door)
	mux.HandleFunc("POST /token", is.token)
	is.Server = httptest.NewServer(mux)
	t.Cleanup(is.Close)
	return is
}

// door is where people say who they are.
func (is *issuer) door(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("as") == "" {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><html lang="en"><title>Who are you?</title><link rel="icon" href="data:,">`)
		for _, name := range is.people {
			q.Set("as", name)
			fmt.Fprintf(w, `<p><a href="/auth?%s">%s</a>`, html.EscapeString(q.Encode()), name)
		}
		return
	}
	code := rand.Text()
	is.mu.Lock()
	is.codes[code] = q
	is.mu.Unlock()
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
}

func (is *issuer) token(w http.ResponseWriter, r *http.Request) {
	is.mu.Lock()
	asked, ok := is.codes[r.FormValue("code")]
	delete(is.codes, r.FormValue("code"))
	is.mu.Unlock()
	if !ok {
		http.Error(w, `{"error": "invalid_grant"}`, http.StatusBadRequest)
		return
	}
	now := time.Now()
	claims, _ := json.Marshal(map[string]any{"iss": is.URL, "aud": "linnet", "sub": asked.Get("as"), "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"email": asked.Get("as"), "email_verified": true, "nonce": asked.Get("nonce")})
	tell(w, map[string]any{"access_token": "at", "token_type": "Bearer", "expires_in": 60, "id_token": oidctest.SignIDToken(is.key, "1", oidc.ES256, string(claims))})
}

func tell(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // whoever asked may be gone
}
