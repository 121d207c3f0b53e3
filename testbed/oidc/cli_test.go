//go:build linux

package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/testbed/program"
)

// built builds linnet.
func built(t *testing.T) string {
	t.Helper()
	root, err := program.Root()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "linnet")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", path, "./cmd/linnet")
	build.Dir = root
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return path
}

// user is somebody with a home of their own, at the command line.
type user struct {
	*testing.T
	path string
	env  []string
}

func newUser(t *testing.T, path string) user {
	home := t.TempDir()
	return user{t, path, []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "LINNET_TOKEN="}}
}

// linnet holds a command to its exit code, and gives what it said.
func (u user) linnet(want int, args ...string) string {
	u.Helper()
	cmd := exec.CommandContext(u.Context(), u.path, args...)
	cmd.Env = append(os.Environ(), u.env...)
	said, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != want {
		u.Fatalf("linnet %s: exit code %d, want %d (%v):\n%s", strings.Join(args, " "), got, want, err, said)
	}
	return string(said)
}

// starts starts a command that takes a while.
func (u user) starts(args ...string) *program.Program {
	u.Helper()
	return program.ForTest(u.T, program.Config{Path: u.path, Args: args, Env: u.env})
}

// says waits until a program has said something.
func says(t *testing.T, p *program.Program, pattern string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	found, err := p.Says(ctx, regexp.MustCompile(pattern))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// certified is a certificate for this machine.
func certified(t *testing.T, dir string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	cert, err := x509.CreateCertificate(rand.Reader, own, own, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// TestLogInAtTheCommandLine has somebody log in with `linnet login` to a server
// that asks a real provider, do what their group may and no more, and log out.
func TestLogInAtTheCommandLine(t *testing.T) {
	t.Parallel()
	path := built(t)
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := at.Addr().String()
	_ = at.Close()
	server := "https://" + address
	idp := newProvider(t, server)
	dir := t.TempDir()
	certFile, keyFile := certified(t, dir)
	for name, text := range map[string]string{
		"secret": secret,
		"access.yaml": `{ apiVersion: linnet/v1, kind: Access, spec: { groups: [ { name: payers, claims: [payments] } ],
  bindings: [ { role: operator, to: ["group:payers"] } ] } }`,
		"server.yaml": fmt.Sprintf(`{ apiVersion: linnet/v1, kind: Server, spec: { publicURL: %q, access: access.yaml, tls: { certFile: %q, keyFile: %q },
  login: { oidc: { issuer: %q, clientID: %s, clientSecretFile: secret, nameClaim: email, groupsClaim: groups } } } }`, server, certFile, keyFile, idp.url, clientID),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	says(t, newUser(t, path).starts("serve", "--data", filepath.Join(dir, "data"), "--listen", address, "--config", filepath.Join(dir, "server.yaml")), `serving on https`)

	anna := newUser(t, path)
	flags := []string{"--server", server, "--ca-file", certFile}
	with := func(args ...string) []string { return append(args, flags...) }
	if said := anna.linnet(1, with("release", "list")...); !strings.Contains(said, "not logged in") {
		t.Errorf("without a login: %s", said)
	}
	login := anna.starts(with("login")...)
	code := says(t, login, `enter the code (\S+) there`)[1]
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: time.Minute}
	resp, err := browser.PostForm(idp.url+"/device/login", url.Values{"user_code": {code}, "username": {"anna"}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if said := body(t, get(t, browser, idp.url+"/device/confirm?action=allowed")); !strings.Contains(said, "allowed") {
		t.Fatal(said)
	}
	says(t, login, `logged in to `+regexp.QuoteMeta(server)+` as anna@example.com until 20`)

	anna.linnet(0, with("release", "list")...)
	if said := anna.linnet(1, with("token", "list", "--owner", "service:ci")...); !strings.Contains(said, "access.yaml gives it to nobody of that name") {
		t.Errorf("what the group may not: %s", said)
	}
	if said := newUser(t, path).linnet(1, with("release", "list")...); !strings.Contains(said, "not logged in") {
		t.Errorf("somebody else on the machine: %s", said)
	}
	if said := anna.linnet(0, with("logout")...); !strings.Contains(said, "logged out of "+server) {
		t.Error(said)
	}
	anna.linnet(1, with("release", "list")...)
}
