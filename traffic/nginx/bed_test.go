package nginx_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testprogram"
	"github.com/linnet-project/linnet/traffic/nginx"
)

const (
	service = "checkout"
	third   = "third"
)

// bed is a real nginx with the manual's configuration, in front of servers that
// answer with the name of their arm.
type bed struct {
	t               *testing.T
	dir             string
	binary          string
	address, status string
	client          *http.Client
	// slow holds requests for /slow until it is closed.
	slow chan struct{}
}

func (b *bed) config() string { return filepath.Join(b.dir, "nginx.conf") }
func (b *bed) folder() string { return filepath.Join(b.dir, "linnet") }
func (b *bed) file() string   { return filepath.Join(b.folder(), "checkout.conf") }

// snippet is a block of the manual that contains a text.
func snippet(t *testing.T, language, holds string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/nginx.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(block[1], holds) {
			return block[1]
		}
	}
	t.Fatalf("the manual has no %s with %q", language, holds)
	return ""
}

// replaced puts what a test needs for what the manual shows, all of it.
func replaced(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the manual's configuration has no %q", pairs[i])
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// open starts an nginx.
func open(t *testing.T) *bed {
	t.Helper()
	binary := testprogram.Find(t, "nginx", "nginx", "/usr/sbin")
	b := &bed{t: t, dir: t.TempDir(), binary: binary, slow: make(chan struct{}), address: testprogram.Address(t), status: testprogram.Address(t),
		// Every request comes over a connection of its own, as from other users.
		client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}}
	if err := os.Mkdir(b.folder(), 0o700); err != nil {
		t.Fatal(err)
	}
	who := "" // workers of root are somebody else, who may not enter the test's folder
	if os.Getuid() == 0 {
		who = "user root;\n"
	}
	baseline := b.backend(release.Baseline)
	b.write(b.config(), replaced(t, snippet(t, "nginx", "proxy_pass http://$linnet_checkout;\n"),
		"events {}\n", who+"worker_processes 2;\npid nginx.pid;\nerror_log error.log;\nevents {}\n",
		"http {\n", "http {\n    access_log off;\n    upstream checkout_third { server "+b.backend(third)+"; }\n"+
			"    client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n",
		"/etc/nginx/linnet/checkout.conf", b.file(), "listen 80;", "listen "+b.address+";",
		"10.0.0.11:8080", baseline, "10.0.0.12:8080", baseline, "10.0.0.21:8080", b.backend(release.Candidate)))
	b.write(b.file(), replaced(t, snippet(t, "nginx", "split_clients"), "127.0.0.1:8442", b.status))
	b.start()
	return b
}

func (b *bed) write(path, text string) {
	b.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) read(path string) string {
	b.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

func (b *bed) backend(arm string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-b.slow
		}
		io.WriteString(w, arm)
	}))
	b.t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// nginx is a command line of this nginx.
func (b *bed) nginx(args ...string) []string {
	return append([]string{b.binary, "-p", b.dir, "-e", "error.log", "-c", b.config()}, args...)
}

// script is a command that a shell runs, with NGINX for a command line of nginx.
func (b *bed) script(name, text string) []string {
	path := filepath.Join(b.dir, name)
	b.write(path, "#!/bin/sh\n"+strings.ReplaceAll(text, "NGINX", strings.Join(b.nginx(), " "))+"\n")
	if err := os.Chmod(path, 0o700); err != nil {
		b.t.Fatal(err)
	}
	return []string{path}
}

// start starts nginx, and waits until it takes requests.
func (b *bed) start() {
	b.t.Helper()
	cmd := exec.Command(b.binary, b.nginx("-g", "daemon off;")[1:]...)
	said := new(strings.Builder)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	over := make(chan struct{})
	go func() { cmd.Wait(); close(over) }()
	b.t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt) // ends its workers too
		select {
		case <-over:
		case <-time.After(limit):
			cmd.Process.Kill()
		}
	})
	eventually(b.t, "nginx to take requests", func() bool {
		select {
		case <-over:
			b.t.Fatalf("nginx ended: %s %s", said, b.read(filepath.Join(b.dir, "error.log")))
		default:
		}
		return b.get(nil) != ""
	})
}

// stop ends nginx, and waits until it is gone.
func (b *bed) stop() {
	b.run(b.nginx("-s", "stop")...)
	eventually(b.t, "nginx to end", func() bool { return b.get(nil) == "" && !there(filepath.Join(b.dir, "nginx.pid")) })
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (b *bed) run(argv ...string) {
	b.t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		b.t.Errorf("%v: %v: %s", argv, err, out)
	}
}

// reload reloads nginx as a person would, and waits until no worker from before
// takes a connection any more.
func (b *bed) reload() {
	b.t.Helper()
	before := b.workers()
	b.run(b.nginx("-s", "reload")...)
	eventually(b.t, "new workers", func() bool {
		now := b.workers()
		for pid := range before {
			delete(now, pid)
		}
		return len(now) == 2 && len(b.workers()) == 2
	})
}

// workers are the processes that take connections.
func (b *bed) workers() map[string]bool {
	workers := map[string]bool{}
	master := strings.TrimSpace(b.read(filepath.Join(b.dir, "nginx.pid")))
	children, err := os.ReadFile("/proc/" + master + "/task/" + master + "/children")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, pid := range strings.Fields(string(children)) {
		line, err := os.ReadFile("/proc/" + pid + "/cmdline")
		if err == nil && strings.Contains(string(line), "worker process") && !strings.Contains(string(line), "shutting down") {
			workers[pid] = true
		}
	}
	return workers
}

// get sends one request and returns who answered, "" for nobody.
func (b *bed) get(header http.Header) string { return b.ask("/", header) }

func (b *bed) ask(path string, header http.Header) string {
	r, err := http.NewRequest(http.MethodGet, "http://"+b.address+path, nil)
	if err != nil {
		b.t.Error(err)
		return ""
	}
	if header != nil {
		r.Header = header
	}
	got, err := b.client.Do(r)
	if err != nil {
		return ""
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != http.StatusOK {
		return ""
	}
	return string(text)
}

func (b *bed) send(n int, header http.Header) map[string]int {
	got := map[string]int{}
	for range n {
		got[b.get(header)]++
	}
	return got
}

func (b *bed) split(n int) map[string]int { return b.send(n, nil) }

// edit sets the candidate's weight as a person would: in the file, by reloading.
func (b *bed) edit(second release.Weight) {
	b.t.Helper()
	b.write(b.file(), edited(b.read(b.file()), second))
	b.reload()
}

func edited(text string, second release.Weight) string {
	head, rest, _ := strings.Cut(text, "_drawn {\n")
	_, tail, _ := strings.Cut(rest, "}\n")
	part := ""
	if second > 0 {
		part = fmt.Sprintf("  %s%% checkout_candidate;", strconv.FormatFloat(float64(second)/1000, 'f', 2, 64))
	}
	return head + "_drawn {\n" + part + " * checkout_baseline; }\n" + tail
}

func (b *bed) cfg() nginx.Config {
	return nginx.Config{
		File: b.file(), Status: b.status, Service: service, Test: b.nginx("-t"), Reload: b.nginx("-s", "reload"),
		Arms: []nginx.Arm{{release.Baseline, "checkout_baseline"}, {release.Candidate, "checkout_candidate"}, {third, "checkout_third"}},
	}
}

func router(t *testing.T, cfg nginx.Config) *nginx.Router {
	t.Helper()
	r, err := nginx.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const limit = 20 * time.Second

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), limit)
	defer cancel()
	for !holds() {
		timer := time.NewTimer(10 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
