package login

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
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

// issuer is an identity provider that says what a test wants, also what no
// honest one would. The honest one is under testbed/oidc.
type issuer struct {
	*httptest.Server
	mu    sync.Mutex
	clock *clock
	key   *ecdsa.PrivateKey
	keyID string
	// claims go into ID tokens over the ordinary ones; nil takes one out.
	claims map[string]any
	// info is what it tells only when asked for it; nil for no such question.
	info map[string]any
	// signed signs with another key than the one it shows.
	signed *ecdsa.PrivateKey
	// pending is what devices are told until the person has answered; "" then.
	pending string
	secret  string
	codes   map[string]url.Values // what was asked for, by the code given out
	down    bool
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newIssuer(t *testing.T, c *clock) *issuer {
	t.Helper()
	is := &issuer{clock: c, key: newKey(t), keyID: "1", secret: "the client's", codes: map[string]url.Values{}, claims: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		said := map[string]any{"issuer": is.URL, "authorization_endpoint": is.URL + "/auth", "token_endpoint": is.URL + "/token",
			"jwks_uri": is.URL + "/keys", "device_authorization_endpoint": is.URL + "/device", "end_session_endpoint": is.URL + "/end?x=1",
			"id_token_signing_alg_values_supported": []string{"ES256"}, "authorization_response_iss_parameter_supported": true}
		if is.info != nil {
			said["userinfo_endpoint"] = is.URL + "/info"
		}
		answer(w, http.StatusOK, said)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: is.key.Public(), KeyID: is.keyID, Algorithm: oidc.ES256, Use: "sig"}}})
	})
	mux.HandleFunc("GET /auth", func(w http.ResponseWriter, r *http.Request) {
		q, code := r.URL.Query(), rand.Text()
		is.codes[code] = q
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {is.URL}}.Encode(), http.StatusFound)
	})
	mux.HandleFunc("POST /device", func(w http.ResponseWriter, r *http.Request) {
		if _, secret, _ := r.BasicAuth(); secret != url.QueryEscape(is.secret) {
			answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
			return
		}
		code := rand.Text()
		is.codes[code] = url.Values{}
		answer(w, http.StatusOK, map[string]any{"device_code": code, "user_code": "WDJB-MJHT", "verification_uri": is.URL + "/go", "expires_in": 600, "interval": 1})
	})
	mux.HandleFunc("POST /token", is.token)
	mux.HandleFunc("GET /info", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, is.info) })
	is.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		is.mu.Lock()
		defer is.mu.Unlock()
		if is.down {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(is.Close)
	return is
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// with changes what it says.
func (is *issuer) with(change func()) {
	is.mu.Lock()
	defer is.mu.Unlock()
	change()
}

func (is *issuer) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	code := r.Form.Get("code") + r.Form.Get("device_code")
	asked, ok := is.codes[code]
	_, secret, _ := r.BasicAuth()
	hash := sha256.Sum256([]byte(r.Form.Get("code_verifier")))
	switch {
	case secret != url.QueryEscape(is.secret):
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	case r.Form.Get("device_code") != "" && is.pending != "":
		answer(w, http.StatusBadRequest, map[string]any{"error": is.pending})
		return
	case !ok, asked.Get("code_challenge") != "" && asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(hash[:]):
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "code " + code})
		return
	}
	delete(is.codes, code)
	now := is.clock.now()
	claims := map[string]any{"iss": is.URL, "aud": "linnet", "sub": "1", "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"email": "Anna@example.com", "email_verified": true, "groups": []string{"payments", "admins"}}
	if n := asked.Get("nonce"); n != "" {
		claims["nonce"] = n
	}
	maps.Copy(claims, is.claims)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	text, _ := json.Marshal(claims)
	key := is.key
	if is.signed != nil {
		key = is.signed
	}
	answer(w, http.StatusOK, map[string]any{"access_token": "at", "token_type": "Bearer", "expires_in": 60,
		"id_token": oidctest.SignIDToken(key, is.keyID, oidc.ES256, string(text))})
}
