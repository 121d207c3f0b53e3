package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// certified makes a certificate for this machine, and a client that trusts it.
func certified(t *testing.T) (certFile, keyFile string, client *http.Client) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	cert, err := x509.CreateCertificate(rand.Reader, made, made, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(parsed)
	client = &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	t.Cleanup(client.CloseIdleConnections)
	return certFile, keyFile, client
}

// A company's server: HTTPS, tokens, and nothing for those who have none.
func TestServeForThoseWhoHaveLoggedIn(t *testing.T) {
	t.Parallel()
	data, cfg := t.TempDir(), filepath.Join(t.TempDir(), "server.yaml")
	certFile, keyFile, client := certified(t)
	text := "apiVersion: linnet/v1\nkind: Server\nspec:\n  login: {}\n  tls: { certFile: " + certFile + ", keyFile: " + keyFile + " }\n"
	if err := os.WriteFile(cfg, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	first := linnet(t, "token", "create", "--data", data, "--config", cfg, "--owner", "anna@example.com", "--name", "first")
	token := first.says(`(lnt_[0-9a-f_]+)\s`)[1]
	first.exits(0)
	p := linnet(t, "serve", "--data", data, "--listen", "127.0.0.1:0", "--config", cfg)
	server := p.says(`serving on (https://\S+)`)[1]
	ask := func(method, path, token, body string) (int, http.Header, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, server+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		r.Header.Set("Content-Type", "application/json")
		got, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		all, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		return got.StatusCode, got.Header, string(all)
	}
	t.Run("every route is closed, and safe to show", func(t *testing.T) {
		status, _, said := ask("GET", "/openapi.json", "", "")
		var document struct{ Paths map[string]map[string]any }
		if err := json.Unmarshal([]byte(said), &document); status != 200 || err != nil || len(document.Paths) < 10 {
			t.Fatalf("%d, %v, %d paths", status, err, len(document.Paths))
		}
		routes := map[string]int{"GET /healthz": 200, "GET /readyz": 200, "GET /openapi.json": 200, "GET /docs": 200, "GET /metrics": 401, "GET /nowhere": 404,
			"GET /v1/login/start": 404, "GET /v1/login/callback": 403, "POST /v1/login/logout": 401, "POST /v1/login/device": 404, "POST /v1/login/device/token": 404}
		for path, methods := range document.Paths {
			for method := range methods {
				routes[strings.ToUpper(method)+" "+strings.NewReplacer("{", "", "}", "").Replace(path)] = 401
			}
		}
		for route, want := range routes {
			method, path, _ := strings.Cut(route, " ")
			status, header, said := ask(method, path, "", "{}")
			if status != want {
				t.Errorf("%s: %d, want %d: %.200s", route, status, want, said)
			}
			for name, part := range map[string]string{"Content-Security-Policy": "default-src '", "X-Content-Type-Options": "nosniff",
				"Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Strict-Transport-Security": "max-age="} {
				if !strings.Contains(header.Get(name), part) {
					t.Errorf("%s: %s is %q", route, name, header.Get(name))
				}
			}
			if strings.HasPrefix(path, "/v1/") && header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s may be kept by caches: %q", route, header.Get("Cache-Control"))
			}
		}
	})
	t.Run("tokens are made, used and revoked", func(t *testing.T) {
		if status, _, said := ask("GET", "/v1/me", token, ""); status != 200 || !strings.Contains(said, `"name":"anna@example.com"`) {
			t.Fatalf("%d %s", status, said)
		}
		status, _, said := ask("POST", "/v1/tokens", token, `{"name": "ci", "owner": "service:ci", "actions": ["view"], "life_s": 3600}`)
		var made struct{ ID, Token string }
		if err := json.Unmarshal([]byte(said), &made); status != 201 || err != nil {
			t.Fatalf("%d %s", status, said)
		}
		if status, _, said := ask("GET", "/v1/releases", made.Token, ""); status != 200 {
			t.Errorf("%d %s", status, said)
		}
		if status, _, said := ask("POST", "/v1/tokens", made.Token, `{"name": "more"}`); status != 403 {
			t.Errorf("%d %s", status, said)
		}
		if status, _, said := ask("DELETE", "/v1/tokens/"+made.ID, token, ""); status != 204 {
			t.Fatalf("%d %s", status, said)
		}
		if status, header, said := ask("GET", "/v1/releases", made.Token, ""); status != 401 || header.Get("WWW-Authenticate") == "" || !strings.Contains(said, "was revoked") {
			t.Errorf("%d %s", status, said)
		}
		if status, _, said := ask("GET", "/v1/tokens?owner=*", token, ""); status != 200 || strings.Contains(said, "lnt_") || !strings.Contains(said, made.ID) {
			t.Errorf("%d %s", status, said)
		}
	})
	p.signal(syscall.SIGTERM)
	p.exits(0)
}

// The command line asks a server with the token that it is given.
func TestTokensOfAServer(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p, server := serve(t, data)
	made := linnet(t, "token", "create", "--server", server, "--owner", "service:ci", "--json")
	id := made.says(`"id":"([0-9a-f]+)"`)[1]
	token := made.says(`"token":"(lnt_[0-9a-f_]+)"`)[1]
	made.exits(0)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, 0, []string{"token", "list", "--server", server, "--token-file", file}, id+` +service:ci .* good`)
	expect(t, 0, []string{"service-account", "list", "--server", server}, `service:ci .* good`)
	expect(t, 0, []string{"service-account", "disable", "service:ci", "--server", server})
	expect(t, 1, []string{"token", "list", "--server", server, "--token-file", file}, `the account service:ci was disabled`)
	expect(t, 0, []string{"service-account", "enable", "service:ci", "--server", server})
	expect(t, 0, []string{"token", "revoke", id, "--server", server, "--token-file", file}, `is not taken any more`)
	expect(t, 1, []string{"token", "list", "--server", server, "--token-file", file}, `was revoked`)
	expect(t, 1, []string{"login", "--server", server}, `no identity provider is configured`)
	p.signal(syscall.SIGTERM)
	p.exits(0)
}

// A server says who may what, by its own rules.
func TestAccessOfAServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"server.yaml": "apiVersion: linnet/v1\nkind: Server\nspec: { access: access.yaml }\n",
		"access.yaml": `apiVersion: linnet/v1
kind: Access
spec:
  groups:
    - { name: managers, members: [ann@example.com], claims: [boss] }
  bindings:
    - { role: viewer, to: ["local:*"] }
    - { role: admin, to: ["local:*"], teams: [payments] }
    - { role: approver, to: ["group:managers"], teams: [payments] }
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, server := serve(t, filepath.Join(dir, "data"), "--config", filepath.Join(dir, "server.yaml"))
	explain := func(more ...string) []string {
		return append([]string{"access", "explain", "--server", server}, more...)
	}
	expect(t, 0, explain("view"), `^yes: .*access.yaml:7 gives the role viewer to local:\*\n$`)
	expect(t, 1, explain("abort", "--team", "search"), `^no: .*needs the role operator, owner or admin of service \(none\), team search`)
	expect(t, 0, explain("ann@example.com", "approve", "--team", "payments", "--group", "managers"), `^yes: .*access.yaml:9 .*\nann@example.com is in managers\n$`)
	expect(t, 0, explain("bob@example.com", "reject", "--team", "payments", "--claim", "boss", "--json"), `"who":"bob@example.com","action":"approve","allowed":true`)
	expect(t, 1, explain("ann@example.com", "view", "--team", "search"), `may not manage here`)
}
