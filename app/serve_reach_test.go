package app

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// reachable is a release file with a provider and a source of one's choice.
func reachable(traffic, source string) []byte {
	return fmt.Appendf(nil, `apiVersion: linnet/v1
kind: Release
metadata: { name: checkout-2 }
spec:
  service: checkout
  links: [{ name: logs, url: "http://127.0.0.1/logs" }]
  baseline:  { version: "1", labels: { version: a } }
  candidate: { version: "2", labels: { version: b } }
  traffic: { %s }
  analysis:
    source: { %s }
    metrics: [{ name: errors, ratio: { bad: 'bad{}', of: all }, worse: higher }]
`, traffic, source)
}

const (
	farProxy  = `proxy: { admin: "https://split.example.com", tokenFile: %q }`
	farSource = `prometheus: { url: "https://metrics.example.com" }`
)

// served is a server with settings, which looks names up in a table.
func served(t *testing.T, settings string) (*serving, reaching) {
	t.Helper()
	set, err := spec.ParseServer("server.yaml", []byte("apiVersion: linnet/v1\nkind: Server\nspec:\n"+settings))
	if err != nil {
		t.Fatal(err)
	}
	s := &serving{process: &process{}, settings: set, folder: t.TempDir()}
	r := s.reaching()
	r.look = func(_ context.Context, _, host string) ([]netip.Addr, error) {
		if at, ok := map[string]string{"metrics.example.com": "192.0.2.1", "inward.example.com": "127.0.0.1", "meta.example.com": "::ffff:169.254.169.254"}[host]; ok {
			return []netip.Addr{netip.MustParseAddr(at)}, nil
		}
		return nil, errors.New("no such host")
	}
	return s, r
}

func refusedPaths(err error) (paths []string) {
	var all spec.Errors
	if errors.As(err, &all) {
		for _, e := range all {
			paths = append(paths, e.Path)
		}
	}
	return paths
}

// With a login a release file uses nothing of the machine that the settings do not
// name; all of it is told at once, with where it stands.
func TestReleaseFilesOfAServerReachOnlyWhatTheSettingsName(t *testing.T) {
	t.Parallel()
	_, r := served(t, "  login: {}\n")
	const proxy, source = "spec.traffic.proxy.", "spec.analysis.source."
	fine := `webhook: { url: "https://split.example.com" }`
	for _, c := range []struct {
		traffic, source string
		refused         []string
	}{
		{fine, farSource, nil},
		{fmt.Sprintf(farProxy, "/etc/passwd"), farSource, []string{proxy + "admin", proxy + "tokenFile"}},
		{`proxy: { listen: ":80", upstreams: { baseline: "http://a.example.com", candidate: "http://[::1]:81" } }`, farSource,
			[]string{proxy + "listen", proxy + "upstreams.candidate"}},
		{`exec: { command: [sh, -c, "id"] }`, farSource, []string{"spec.traffic.exec.command"}},
		{`nginx: { file: /etc/cron.d/x, status: "127.0.0.1:8442", upstreams: { baseline: a, candidate: b } }`, farSource,
			[]string{"spec.traffic.nginx.file", "spec.traffic.nginx.status", "spec.traffic.nginx.test", "spec.traffic.nginx.reload"}},
		{`haproxy: { socket: /run/haproxy.sock, map: a, mapFile: /etc/x, backends: { baseline: a, candidate: b } }`, farSource,
			[]string{"spec.traffic.haproxy.socket", "spec.traffic.haproxy.mapFile"}},
		{`traefik: { file: { path: /etc/x.yml, baseline: a, candidate: b }, api: "http://localhost.:8080" }`, farSource,
			[]string{"spec.traffic.traefik.file.path", "spec.traffic.traefik.api"}},
		{`istio: { kubeconfig: /root/.kube/config, virtualService: a, baseline: { host: a }, candidate: { host: b } }`, farSource, []string{"spec.traffic.istio.kubeconfig"}},
		{fine, `prometheus: { url: "http://169.254.169.254/latest", bearerTokenFile: /root/key, secretHeaders: { X-A: /root/b } }`,
			[]string{source + "prometheus.url", source + "prometheus.bearerTokenFile", source + "prometheus.secretHeaders.X-A"}},
		{fine, `prometheus: { url: "http://meta.example.com" }`, []string{source + "prometheus.url"}},
		{fine, `prometheus: { url: "http://INWARD.example.com." }`, []string{source + "prometheus.url"}},
		{fine, `prometheus: { url: "http://[::ffff:127.0.0.1]" }`, []string{source + "prometheus.url"}},
		{fine, `prometheus: { url: "http://0.0.0.0:9090" }`, []string{source + "prometheus.url"}},
		{fine, `prometheus: { url: "http://[fe80::1%25eth0]" }`, []string{source + "prometheus.url"}},
		{fine, `prometheus: { url: "http://[fd00:ec2::254]" }`, []string{source + "prometheus.url"}},
		{fine, `embedded: { targets: { baseline: [ "http://127.0.0.1:1/metrics" ], candidate: [ "http://c.example.com/metrics" ] }, receive: { listen: ":4318", grpc: ":4317", statsd: ":8125", rules: /etc/x } }`,
			[]string{source + "embedded.targets.baseline[0]", source + "embedded.receive.listen", source + "embedded.receive.grpc", source + "embedded.receive.statsd", source + "embedded.receive.rules"}},
	} {
		_, err := r.read("release.yaml", reachable(c.traffic, c.source))
		got := refusedPaths(err)
		if err != nil && got == nil || err != nil && !errors.Is(err, release.ErrInvalid) {
			t.Fatalf("%s, %s: %v", c.traffic, c.source, err)
		}
		slices.Sort(got)
		slices.Sort(c.refused)
		if !slices.Equal(got, c.refused) {
			t.Errorf("%s, %s:\nrefused %v\nwant    %v", c.traffic, c.source, got, c.refused)
		}
	}
	_, err := r.read("release.yaml", reachable(fine, `prometheus: { url: "http://localhost" }`))
	if err == nil || !strings.Contains(err.Error(), "release.yaml:11:") || !strings.Contains(err.Error(), "reach.hosts") {
		t.Errorf("where it stands and what to do is not told: %v", err)
	}
}

// Whoever uses a machine's server without a login may do everything with the
// machine anyway, unless the settings say otherwise.
func TestWithoutALoginReleaseFilesReachAll(t *testing.T) {
	t.Parallel()
	file := reachable(`exec: { command: [./split] }`, `prometheus: { url: "http://localhost" }`)
	s, r := served(t, "  retain: 90d\n")
	if _, err := r.read("f", file); err != nil {
		t.Error(err)
	}
	if _, err := newTeller(s.reaching().read, nil, nil).foretell(t.Context(), api.Foretelling{File: file}); err != nil {
		t.Error(err)
	}
	s, r = served(t, "  reach: {}\n")
	if _, err := r.read("f", file); len(refusedPaths(err)) != 2 {
		t.Error(err)
	}
	if _, err := newTeller(s.reaching().read, nil, nil).foretell(t.Context(), api.Foretelling{File: file}); len(refusedPaths(err)) != 2 {
		t.Errorf("a question about a file: %v", err)
	}
}

// What the settings name is allowed, and nothing that only looks like it.
func TestWhatTheSettingsLetReleaseFilesReach(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.MkdirAll(filepath.Join(dir, "secrets", "deep"), 0o700), os.WriteFile(filepath.Join(dir, "outside"), nil, 0o600),
		os.Symlink(filepath.Join(dir, "outside"), filepath.Join(dir, "secrets", "link")), os.Symlink(filepath.Join(dir, "gone"), filepath.Join(dir, "secrets", "dangling")),
		os.Symlink(filepath.Join(dir, "secrets"), filepath.Join(dir, "alias"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, r := served(t, fmt.Sprintf(`  login: {}
  reach:
    commands: ["nginx -t", "/opt/split *", "/opt/sh"]
    files: [%q, secrets]
    write: [/etc/nginx/linnet]
    listen: true
    hosts: ["*.example.com", prometheus, 10.0.0.0/8, "2001:db8::1"]
`, filepath.Join(dir, "alias")))
	command := func(folder string, words ...string) bool {
		return r.runs(spec.Use{Kind: spec.UseCommand, Words: words, Folder: folder})
	}
	for _, c := range []struct {
		name      string
		got, want bool
	}{
		{"a command", command("", "nginx", "-t"), true},
		{"more arguments", command("", "nginx", "-t", "-c", "x"), false},
		{"fewer arguments", command("", "nginx"), false},
		{"a program elsewhere", command("", "./nginx", "-t"), false},
		{"any arguments", command("", "/opt/split", "--a", "b c"), true},
		{"no arguments", command("", "/opt/split"), true},
		{"not a prefix", command("", "/opt/splitter"), false},
		{"a way round", command("", "/opt/../opt/split"), true},
		{"out of its folder", command("/opt/x", "../split"), true},
		{"another folder's", command("/tmp", "./split"), false},
		{"words in one", command("", "nginx -t"), false},
		{"arguments of another", command("", "/opt/sh", "-c", "id"), false},
		{"a file", below(filepath.Join(dir, "secrets", "a"), r.may.Files), true},
		{"a deep one by another way", below(filepath.Join(dir, "alias", "deep", "..", "b"), r.may.Files), true},
		{"the folder beside", below(filepath.Join(dir, "secrets-2"), r.may.Files), false},
		{"out of it", below(filepath.Join(dir, "secrets", "..", "outside"), r.may.Files), false},
		{"a link out of it", below(filepath.Join(dir, "secrets", "link"), r.may.Files), false},
		{"a link to nothing", below(filepath.Join(dir, "secrets", "dangling"), r.may.Files), false},
		{"a relative path", below("secrets", r.may.Files), false},
		{"beside the settings", below(r.may.Files[1]+"/x", r.may.Files), true},
		{"nothing at all", below("/", r.may.Files), false},
		{"a name", r.named("a.example.com"), true},
		{"the domain alone", r.named("example.com"), false},
		{"its end", r.named("badexample.com"), false},
		{"a network", r.named("10.1.2.3"), true},
		{"the same address otherwise", r.named("::ffff:10.1.2.3"), true},
		{"another address", r.named("11.1.2.3"), false},
		{"one address", r.named("2001:db8::1"), true},
		{"a name that looks like an address", r.named("10.1.2.3.example.org"), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v", c.name, c.got)
		}
	}
	if _, err := r.read("f", reachable(fmt.Sprintf(farProxy, filepath.Join(dir, "secrets", "token")), farSource)); err != nil {
		t.Error(err)
	}
}

// A release from before the settings changed: one whose source is refused sees
// nothing and goes back; one whose provider is refused cannot be moved.
func TestReleasesFromBeforeTheReachChanged(t *testing.T) {
	t.Parallel()
	s, _ := served(t, "  reach: { hosts: [split.example.com] }\n")
	parse := func(traffic string) spec.File {
		t.Helper()
		f, err := spec.Parse("f", reachable(traffic, farSource))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := parse(`webhook: { url: "https://split.example.com" }`)
	parts, err := s.Assemble(t.Context(), journal.ID{Name: "checkout-2", Attempt: 1}, f)
	if err != nil || parts.Router == nil {
		t.Fatalf("%+v, %v", parts, err)
	}
	defer parts.Close()
	if _, err := parts.Source.Observe(t.Context(), release.Query{}); len(refusedPaths(err)) != 1 {
		t.Errorf("the source gave %v", err)
	}
	if _, err := s.Assemble(t.Context(), journal.ID{Name: "checkout-2", Attempt: 1}, parse(`exec: { command: [id] }`)); len(refusedPaths(err)) != 2 {
		t.Errorf("a command is put together: %v", err)
	}
	h := &hosts{all: map[string]*host{}, allowed: func(f spec.File) error { return s.refused(f.Name, f) }}
	kept := filepath.Join(t.TempDir(), "checkout.yaml")
	listening := reachable(`proxy: { listen: "127.0.0.1:0", upstreams: { baseline: "http://split.example.com", candidate: "https://split.example.com" } }`, farSource)
	if err := os.WriteFile(kept, listening, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.restore(t.Context(), kept); !slices.Contains(refusedPaths(err), "spec.traffic.proxy.listen") {
		t.Errorf("a listener comes back: %v", err)
	}
}
