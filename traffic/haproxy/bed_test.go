package haproxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/linnet-project/linnet/testprogram"
)

// bed is a real HAProxy with a configuration from the manual, in front of
// servers that answer with the name of their arm.
type bed struct {
	t       *testing.T
	dir     string
	binary  string
	address string
	healthy map[string]*atomic.Bool
	stop    func()
	client  *http.Client
}

// socket is the admin socket, userSocket one that may only look.
func (b *bed) socket() string     { return filepath.Join(b.dir, "admin.sock") }
func (b *bed) userSocket() string { return filepath.Join(b.dir, "user.sock") }

// mapPath is the map as the configuration names it.
func (b *bed) mapPath() string { return filepath.Join(b.dir, "checkout.map") }

// snippet is a block of the manual that contains a text.
func snippet(t *testing.T, language, holds string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/haproxy.md")
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

// open starts an HAProxy on a configuration with the addresses of the manual,
// each with the arm behind it.
func open(t *testing.T, config string, hosts map[string]string) *bed {
	t.Helper()
	binary := testprogram.Find(t, "haproxy", "haproxy", "/usr/sbin")
	// Sockets need a short path, without a comma for HAProxy.
	dir, err := os.MkdirTemp("", "linnet-haproxy-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	b := &bed{t: t, dir: dir, binary: binary, address: testprogram.Address(t), healthy: map[string]*atomic.Bool{},
		client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}}
	t.Cleanup(b.client.CloseIdleConnections)
	var pairs []string
	for host, arm := range hosts {
		if b.healthy[arm] == nil {
			b.healthy[arm] = new(atomic.Bool)
			b.healthy[arm].Store(true)
		}
		pairs = append(pairs, host, b.backend(arm))
	}
	pairs = append(pairs,
		"stats socket /run/haproxy/linnet.sock level admin mode 660 group linnet",
		"stats socket "+b.socket()+" level admin\n    stats socket "+b.userSocket()+" level user\n    stats timeout 20s",
		"bind :80", "bind "+b.address, "timeout server 60s", "timeout server 60s\n    timeout check 10s")
	config = strings.ReplaceAll(config, ":8080 check", ":8080 check inter 50ms rise 1 fall 1")
	if strings.Contains(config, "checkout.map") {
		pairs = append(pairs, "/etc/haproxy/linnet/checkout.map", b.mapPath())
		b.write(b.mapPath(), "")
	}
	b.write(b.config(), replaced(t, config, pairs...))
	b.start()
	return b
}

func (b *bed) config() string { return filepath.Join(b.dir, "haproxy.cfg") }

func (b *bed) write(path, text string) {
	b.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// backend answers with the arm's name, and its check as the test wishes.
func (b *bed) backend(arm string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			if !b.healthy[arm].Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return
		}
		io.WriteString(w, arm)
	}))
	b.t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// start starts HAProxy on its configuration, and waits until it takes requests.
func (b *bed) start() {
	b.t.Helper()
	said := new(strings.Builder)
	cmd := exec.Command(b.binary, "-db", "-f", b.config())
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	over := make(chan struct{})
	go func() { cmd.Wait(); close(over) }()
	b.stop = sync.OnceFunc(func() {
		cmd.Process.Kill()
		<-over
	})
	b.t.Cleanup(func() { b.stop() })
	eventually(b.t, "HAProxy to take requests", func() bool {
		select {
		case <-over:
			b.t.Fatalf("HAProxy ended: %s", said)
		default:
		}
		return b.get(nil) != "" && (!strings.Contains(b.read(b.config()), "check") || b.checked())
	})
}

// checked says that every check has been made.
func (b *bed) checked() bool {
	return !strings.Contains(b.say("show stat"), ",INI,")
}

func (b *bed) read(path string) string {
	b.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// say sends a command to the real socket, as a person would.
func (b *bed) say(command string) string {
	text, err := exchange(b.socket(), command)
	if err != nil {
		b.t.Errorf("%s: %v", command, err)
	}
	return text
}

func exchange(socket, command string) (string, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, command+"\n"); err != nil {
		return "", err
	}
	text, err := io.ReadAll(conn)
	return string(text), err
}

// get sends one request and returns who answered, "" for nobody.
func (b *bed) get(header http.Header) string {
	r, err := http.NewRequest(http.MethodGet, "http://"+b.address+"/", nil)
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

func (b *bed) setReady(arm string, ready bool) { b.healthy[arm].Store(ready) }

// between is the time between two looks, limit how long something may take.
const (
	between = 10 * time.Millisecond
	limit   = 20 * time.Second
)

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for !holds() {
		timer := time.NewTimer(between)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// middle stands between an adapter and HAProxy's socket, and does to each
// command what it was last told.
type middle struct {
	t       *testing.T
	address string
	act     atomic.Pointer[func(command string) (answer string, ok bool)]
	listen  net.Listener
	ended   sync.WaitGroup
}

// middle starts one that passes everything on.
func (b *bed) middle() *middle {
	m := &middle{t: b.t, address: filepath.Join(b.dir, "middle.sock")}
	m.pass(b)
	m.up()
	b.t.Cleanup(m.down)
	return m
}

func (m *middle) up() {
	m.t.Helper()
	l, err := net.Listen("unix", m.address)
	if err != nil {
		m.t.Fatal(err)
	}
	m.listen = l
	m.ended.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			m.ended.Go(func() { m.serve(conn) })
		}
	})
}

func (m *middle) down() {
	m.listen.Close()
	m.ended.Wait()
}

func (m *middle) serve(conn net.Conn) {
	defer conn.Close()
	command, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return
	}
	answer, ok := (*m.act.Load())(strings.TrimSpace(command))
	if !ok {
		io.Copy(io.Discard, conn) // until the other side gives up
		return
	}
	io.WriteString(conn, answer)
}

func (m *middle) pass(b *bed) { m.do(func(c string) (string, bool) { return b.forward(c), true }) }

// forward passes a command on. Of an HAProxy that is just killed the answer
// breaks off.
func (b *bed) forward(command string) string {
	text, _ := exchange(b.socket(), command)
	return text
}

func (m *middle) do(act func(command string) (string, bool)) { m.act.Store(&act) }

// changes says that a command changes something.
func changes(command string) bool {
	return strings.HasPrefix(command, "set ") || strings.HasPrefix(command, "add ")
}

func user(n int) http.Header { return http.Header{"X-User": {fmt.Sprint("user-", n)}} }
