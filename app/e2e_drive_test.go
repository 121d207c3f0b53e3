package app_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/linnet-project/linnet/demo"
)

// hearer is another system that is told of releases.
type hearer struct {
	*httptest.Server
	mu    sync.Mutex
	heard []string // id and kind
}

func hears(t *testing.T) *hearer {
	l := &hearer{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var e struct{ ID, Type string }
		_ = json.Unmarshal(body, &e)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.heard = append(l.heard, e.ID+" "+e.Type[strings.LastIndexByte(e.Type, '.')+1:])
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *hearer) has(kind string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.heard {
		if strings.HasSuffix(h, " "+kind) {
			return true
		}
	}
	return false
}

// driven is a shop whose releases a `linnet serve` runs.
type driven struct {
	*shop
	dir     string // of the settings, hooks and release files
	address string
	server  *program
}

// serve starts a server, or starts it again where it was.
func (d *driven) serve() {
	d.t.Helper()
	if d.address == "" {
		d.address = "127.0.0.1:0"
	}
	d.server = linnet(d.t, "serve", "--data", d.data, "--listen", d.address, "--config", filepath.Join(d.dir, "server.yaml"), "--log-level", "info")
	d.address = strings.TrimPrefix(d.server.says(`serving on (http://\S+)`)[1], "http://")
}

func (d *driven) url() string { return "http://" + d.address }

func (d *driven) put(name, text string) string {
	d.t.Helper()
	path := filepath.Join(d.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		d.t.Fatal(err)
	}
	return path
}

// drive opens a shop with visitors and a server over it, with more settings, in
// which SPLITTER is the splitter's host.
func drive(t *testing.T, name string, fault demo.Fault, settings string) *driven {
	t.Helper()
	d := &driven{shop: openShop(t, name, fault), dir: t.TempDir()}
	d.split()
	d.visit(d.traffic, 200, 0)
	admin, err := url.Parse(d.admin)
	if err != nil {
		t.Fatal(err)
	}
	d.put("server.yaml", "apiVersion: linnet/v1\nkind: Server\nspec:\n  retain: 90d\n"+strings.ReplaceAll(settings, "SPLITTER", admin.Hostname()))
	return d
}

// file is a release file of the shop.
func (d *driven) file(release string) string {
	d.t.Helper()
	text, err := os.ReadFile(d.write(story{name: release, traffic: d.remote(), source: d.scraping(), metrics: []string{ownErrors}}))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}

// A folder, a hook and what is sent out: one release each by the first two, and
// another system that hears of both.
func TestAFolderAndAHookBeginReleases(t *testing.T) {
	t.Parallel()
	d, bus := drive(t, "driven", demo.None, "  releases: [releases]\n  hooks: hooks.yaml\n"), hears(t)
	d.put("secret", "sesame\n")
	d.put("template.yaml", d.file("driven-$(version)"))
	d.put("hooks.yaml", fmt.Sprintf(`apiVersion: linnet/v1
kind: Hooks
spec:
  in:
    - name: registry
      form: github
      secretFiles: [secret]
      when: [event == "release"]
      values: [ { name: version, from: payload.release.tag_name, match: 'v(\d+\.\d+\.\d+)' } ]
      template: template.yaml
  out:
    - { name: bus, url: %q, signingFile: secret }
`, bus.URL))
	file := d.put("releases/till.yaml", d.file("from-folder"))
	d.serve()
	d.server.says(`file=till.yaml condition=applied .*release=from-folder/1`)
	expect(t, 0, []string{"release", "watch", "from-folder", "--server", d.url()}, `from-folder/1: promoted`)
	// The file changes, and that is only shown.
	if err := os.WriteFile(file, []byte(d.file("from-folder")+"# another\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.server.says(`file=till.yaml condition=drift .*release=from-folder/1`)
	resp, err := http.Get(d.url() + "/v1/folders")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	folders, _ := io.ReadAll(resp.Body)
	matches(t, string(folders), `"path":"till.yaml","condition":"drift"`, `"release":"from-folder/1"`)

	payload := []byte(`{"release":{"tag_name":"v2.0.0"}}`)
	h := hmac.New(sha256.New, []byte("sesame"))
	h.Write(payload)
	announce := func(want int, holds string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url()+"/v1/hooks/registry", bytes.NewReader(payload))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(h.Sum(nil)))
		req.Header.Set("X-GitHub-Event", "release")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if said, _ := io.ReadAll(resp.Body); resp.StatusCode != want || !strings.Contains(string(said), holds) {
			t.Errorf("%s: %s; want %d", resp.Status, said, want)
		}
	}
	announce(http.StatusCreated, `"release":"driven-2.0.0/1"`)
	announce(http.StatusOK, `"seen":true`)
	expect(t, 0, []string{"release", "watch", "driven-2.0.0", "--server", d.url()}, `driven-2.0.0/1: promoted`)
	expect(t, 0, []string{"release", "list", "--server", d.url()}, `from-folder/1`, `driven-2.0.0/1`)
	eventually(t, "the events of both", func() bool { return bus.has("finished") || bus.has("promoted") })
	eventually(t, "the figures of the target", func() bool {
		_, told := fetch(t, d.url()+"/metrics")
		return strings.Contains(told, `linnet_hook_waiting_seconds{target="bus"} 0`) && !strings.Contains(told, `linnet_hook_sent_total{target="bus"} 0`)
	})
	_, system := fetch(t, d.url()+"/v1/system")
	matches(t, system, `"targets":\[\{"name":"bus","sent":[1-9]\d*,"left_out":0,"tries":0\}\]`)
	d.server.signal(syscall.SIGTERM)
	d.server.exits(0)
	bus.mu.Lock()
	defer bus.mu.Unlock()
	seen := map[string]bool{}
	for _, h := range bus.heard {
		if seen[h] {
			t.Errorf("%s came twice", h)
		}
		seen[h] = true
	}
	for _, want := range []string{"from-folder/1/1 started", "driven-2.0.0/1/1 started"} {
		if !seen[want] {
			t.Errorf("%s was not sent: %v", want, bus.heard)
		}
	}
}

// What a pipeline does: it begins a release and waits for its end, while the
// server is killed and comes back.
func TestAPipelineWaits(t *testing.T) {
	t.Parallel()
	d := drive(t, "piped", demo.Errors, "")
	d.serve()
	file := d.put("release.yaml", d.file("piped"))
	create := []string{"release", "create", "-f", file, "--server", d.url()}
	expect(t, 0, create, `piped/1: begun`)
	expect(t, 4, append(create, "--wait=10ms"), `was begun before`, `the wait ran out; piped/1 goes on`)
	wait := linnetAs(t, "", append(create, "--wait=5m")...)
	wait.says(`piped/1: was begun before`)
	d.server.kill()
	wait.says(`trying again`)
	d.serve()
	wait.exits(3)
	wait.says(`piped/1: rolled-back: .*errors`)
	expect(t, 3, append(create, "--wait"), `piped/1: rolled-back`)
	expect(t, 0, []string{"release", "show", "piped", "--server", d.url()}, `linnet release retry piped --server`)
	expect(t, 0, []string{"release", "show", "piped/1", "--server", d.url(), "--json"}, `"outcome": "rolled-back"`)
	expect(t, 0, []string{"release", "retry", "piped", "--server", d.url(), "--reason", "once more"}, `piped/2: begun`)
	expect(t, 0, []string{"release", "abort", "piped", "--server", d.url(), "--reason", "enough", "--wait", "20s"}, `piped/2: (rolling back|watching recovery): .*enough`)
	expect(t, 5, []string{"release", "watch", "piped", "--server", d.url(), "--json"}, `"outcome":"aborted"`)

	bad := d.put("bad.yaml", strings.Replace(d.file("piped-3"), "service:", "srvice:", 1))
	expect(t, 2, []string{"release", "create", "-f", bad, "--server", d.url(), "--wait"}, `did you mean service\?`)
	expect(t, 1, []string{"release", "show", "nothing", "--server", d.url()}, `nothing`)
	expect(t, 2, []string{"release", "create", "-f", file}, `--server`)
}
