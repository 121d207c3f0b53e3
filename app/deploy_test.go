package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	promconfig "github.com/prometheus/prometheus/config"

	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/testprogram"
)

// The files of deploy/ are held to what can be known without running them.

func deployed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDeployedUnit(t *testing.T) {
	t.Parallel()
	analyze := testprogram.Find(t, "systemd-analyze", "systemd")
	program := filepath.Join(t.TempDir(), "linnet")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "linnet.service")
	text := strings.ReplaceAll(deployed(t, "linnet.service"), "/usr/local/bin/linnet ", program+" ")
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", unit).CombinedOutput()
	if err != nil || strings.Contains(string(said), "linnet.service") {
		t.Errorf("systemd-analyze: %v\n%s", err, said)
	}
	matches(t, text, `serve --config /etc/linnet/server\.yaml`, `(?m)^DynamicUser=yes$`, `(?m)^Restart=always$`)
}

func TestDeployedImage(t *testing.T) {
	t.Parallel()
	text := deployed(t, "Dockerfile")
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(mod))[1]
	stages := strings.Split(text, "\nFROM ")
	matches(t, stages[1], `^golang:`+regexp.QuoteMeta(version)+` AS build`, `CGO_ENABLED=0`)
	matches(t, stages[2], `^\S*distroless/static\S*:nonroot\n`, `(?m)^USER 65532:65532$`, `ENTRYPOINT \["/linnet"\]`, `LINNET_DATA=/data`)
}

func TestDeployedCompose(t *testing.T) {
	t.Parallel()
	var compose struct {
		Services map[string]struct {
			Image   string
			Build   struct{ Dockerfile string }
			Command []string
			Volumes []string
			Secrets []string
			Ports   []string
			User    string
		}
		Secrets map[string]struct{ File string }
		Volumes map[string]any
	}
	if err := yaml.Unmarshal([]byte(deployed(t, "compose.yaml")), &compose); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"linnet", "postgres", "prometheus"} {
		s, ok := compose.Services[name]
		if !ok || s.Image == "" == (s.Build.Dockerfile == "") || strings.HasSuffix(s.Image, ":latest") {
			t.Errorf("service %s: %+v", name, s)
		}
		for _, secret := range s.Secrets {
			if !strings.HasPrefix(compose.Secrets[secret].File, "./secrets/") {
				t.Errorf("service %s: secret %s is not given by a file", name, secret)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if file, ours := strings.CutPrefix(from, "./"); ours {
				if _, err := os.Stat(filepath.Join("..", "deploy", file)); err != nil {
					t.Errorf("service %s: %v", name, err)
				}
			} else if _, known := compose.Volumes[from]; !known {
				t.Errorf("service %s: volume %s is not declared", name, from)
			}
		}
	}
	linnet := compose.Services["linnet"]
	if !slices.Equal(linnet.Command, []string{"serve", "--config", "/etc/linnet/server.yaml"}) || !slices.Contains(linnet.Secrets, "database-url") {
		t.Errorf("linnet: %+v", linnet)
	}
	settings, err := spec.ParseServer("deploy/server.yaml", []byte(deployed(t, "server.yaml")))
	if err != nil || settings.DatabaseFile != "/run/secrets/database-url" || settings.Login == nil {
		t.Errorf("server.yaml: %+v, %v", settings, err)
	}
	if _, err := promconfig.Load(deployed(t, "prometheus.yaml"), nil); err != nil {
		t.Errorf("prometheus.yaml: %v", err)
	}
}

// Doctor says of a server's settings what would stop it, each with what to do.
func TestDoctorOfAServer(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	fine := write("fine.yaml", "apiVersion: linnet/v1\nkind: Server\n")
	expect(t, 0, []string{"doctor", "-f", fine, "--data", data}, `fine +store: an empty data folder`)
	write("guards.yaml", "apiVersion: linnet/v1\nkind: Guards\nspec: { rulez: [] }\n")
	s := &shop{t: t, name: "shop", baseURL: "http://127.0.0.1:1", nextURL: "http://127.0.0.1:2"}
	if err := os.Mkdir(filepath.Join(dir, "releases"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := s.write(story{traffic: `{ admin: "http://127.0.0.1:1", tokenFile: gone }`, source: s.scraping(), metrics: []string{ownErrors}})
	if err := os.Rename(file, filepath.Join(dir, "releases", "shop.yaml")); err != nil {
		t.Fatal(err)
	}
	wrong := write("wrong.yaml", "apiVersion: linnet/v1\nkind: Server\nspec:\n  guards: guards.yaml\n  releases: [releases]\n  databaseFile: url\n")
	write("url", "postgres://linnet:geheim@127.0.0.1:1/linnet\n")
	expect(t, 1, []string{"doctor", "-f", wrong, "--data", data, "--timeout", "5s"},
		`WRONG +guards guards.yaml: .*rulez`, `WRONG +store: .*127\.0\.0\.1`, `fine +releases releases: 1 files`, `WRONG +provider of shop: .*gone`)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"issuer":"http://%s","authorization_endpoint":"http://%[1]s/auth","token_endpoint":"http://%[1]s/token","jwks_uri":"http://%[1]s/keys"}`, r.Host)
	}))
	defer provider.Close()
	people := write("people.yaml", fmt.Sprintf(`apiVersion: linnet/v1
kind: Server
spec:
  listen: 0.0.0.0:8440
  publicURL: https://linnet.example.com
  login: { oidc: { issuer: %q, clientID: linnet, clientSecretFile: gone } }
`, provider.URL))
	unruled := write("unruled.yaml", "apiVersion: linnet/v1\nkind: Server\nspec: { login: {} }\n")
	expect(t, 0, []string{"doctor", "-f", unruled, "--data", data}, `warn +access: .* may do everything.*; write a file of kind Access`)
	expect(t, 0, []string{"doctor", "-f", unruled, "--data", data, "--json"}, `"what":"access".*"ok":true,"warning":true`)
	expect(t, 1, []string{"doctor", "-f", people, "--data", data}, `WRONG +address: .*over the network for all to read: set spec.tls`,
		`WRONG +secret at the identity provider: .*gone`, `fine +identity provider http://127\.0\.0\.1:\d+: answers; it has no login for devices`)
	provider.Close()
	write("gone", "sesame")
	certFile, keyFile, _ := certified(t)
	write("people.yaml", fmt.Sprintf("apiVersion: linnet/v1\nkind: Server\nspec:\n  listen: 0.0.0.0:8440\n  publicURL: https://linnet.example.com\n  tls: { certFile: %q, keyFile: %q }\n"+
		"  login: { oidc: { issuer: %q, clientID: linnet, clientSecretFile: gone } }\n", certFile, keyFile, provider.URL))
	expect(t, 1, []string{"doctor", "-f", people, "--data", data}, `fine +address: `, `fine +certificate .*tls\.crt`, `fine +secret at the identity provider`,
		`WRONG +identity provider http://127\.0\.0\.1:\d+: .*cannot be asked`)
	if _, said := call("doctor", "-f", wrong, "--data", data, "--json"); strings.Contains(said, "geheim") {
		t.Errorf("the password is shown: %s", said)
	}
}
