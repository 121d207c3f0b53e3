package googletest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	account      = "linnet@shop-7.iam.gserviceaccount.com"
	tokenPath    = "/token"
	metadataPath = "/computeMetadata/v1/instance/service-accounts/default/token"
	scope        = "https://www.googleapis.com/auth/monitoring.read"
)

// key is that of the service account.
type key struct{ private *rsa.PrivateKey }

func newKey() (*key, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	return &key{private}, err
}

// KeyFile is the key of the service account as Google hands it out, for a server
// at a URL.
func (s *Server) KeyFile(url string) []byte {
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(s.key.private)})
	out, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": Project, "private_key_id": "c0ffee", "private_key": string(text),
		"client_email": account, "client_id": "1234567890", "token_uri": url + tokenPath,
	})
	if err != nil {
		panic(err) // texts always can be written
	}
	return out
}

// grant gives a token for what is signed with the key.
func (s *Server) grant(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": "about " + r.Form.Get("assertion")})
	}
	if s.fault == NoTokens {
		refuse(http.StatusServiceUnavailable, "backend_error")
		return
	}
	if r.ParseForm() != nil || r.Method != http.MethodPost || r.Form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		refuse(http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	assertion := r.Form.Get("assertion")
	if s.fault == BadKey || !s.key.signed(assertion) {
		refuse(http.StatusBadRequest, "invalid_grant")
		return
	}
	s.give(w)
}

// signed tells whether a JSON Web Token asks for a token to read with, in the
// account's name and by its key.
func (k *key) signed(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	var claims struct{ Iss, Scope, Aud string }
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	signature, err2 := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return err == nil && err2 == nil && json.Unmarshal(text, &claims) == nil &&
		rsa.VerifyPKCS1v15(&k.private.PublicKey, crypto.SHA256, sum[:], signature) == nil &&
		claims.Iss == account && claims.Scope == scope && strings.HasSuffix(claims.Aud, tokenPath)
}

// machine gives a token of the machine's own account.
func (s *Server) machine(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Metadata-Flavor") != "Google" || s.fault == BadKey {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if s.fault == NoTokens {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	s.give(w)
}

func (s *Server) give(w http.ResponseWriter) {
	s.given++
	token := fmt.Sprintf("ya29.token-%08d", s.given)
	s.tokens[token] = s.now().Add(time.Hour)
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "expires_in": 3600, "token_type": "Bearer"})
}

// known checks the token of a request.
func (s *Server) known(r *http.Request) *refusal {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if ends, there := s.tokens[token]; !ok || !there || s.now().After(ends) {
		return &refusal{http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials: " + token}
	}
	return nil
}
