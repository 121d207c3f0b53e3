package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/proxy"
)

const (
	service = "checkout"
	token   = "a-token-of-more-than-sixteen"
	// patience is how long a test waits for what must come.
	patience = 20 * time.Second
)

// clock is a time that passes when told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// named is a backend that answers with its name.
func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Arm", name)
		io.WriteString(w, name)
	})
}

// backend serves a handler over HTTP/1.1 and HTTP/2, both without TLS.
func backend(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	b := httptest.NewUnstartedServer(h)
	b.Config.Protocols = new(http.Protocols)
	b.Config.Protocols.SetHTTP1(true)
	b.Config.Protocols.SetUnencryptedHTTP2(true)
	b.Start()
	t.Cleanup(b.Close)
	return b
}

// pair is a configuration with two arms.
func pair(baseline, candidate string) proxy.Config {
	return proxy.Config{Service: service, Arms: []proxy.Upstream{
		{Name: release.Baseline, URL: baseline, Version: "1.4.1"},
		{Name: release.Candidate, URL: candidate, Version: "1.5.0"},
	}}
}

// namedPair is a configuration whose two arms answer with their names.
func namedPair(t testing.TB) proxy.Config {
	t.Helper()
	return pair(backend(t, named(release.Baseline)).URL, backend(t, named(release.Candidate)).URL)
}

func newServer(t testing.TB, cfg proxy.Config) *proxy.Server {
	t.Helper()
	s, err := proxy.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve puts a server on a port and returns its URL.
func serve(t testing.TB, s *proxy.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.Shutdown(ctx)
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return "http://" + l.Addr().String()
}

// route gives the candidate a weight, for good.
func route(epoch uint64, candidate release.Weight) release.Route {
	return release.Route{
		Service: service,
		Weights: []release.ArmWeight{
			{Arm: release.Baseline, Weight: release.Whole - candidate},
			{Arm: release.Candidate, Weight: candidate},
		},
		Salt: "salt", Epoch: epoch, Owner: "checkout-1.5.0/1",
	}
}

func leased(epoch uint64, candidate release.Weight, lease time.Duration) release.Route {
	r := route(epoch, candidate)
	r.Lease = lease
	return r
}

func apply(t testing.TB, s *proxy.Server, r release.Route) {
	t.Helper()
	if err := s.Apply(context.Background(), r); err != nil {
		t.Fatal(err)
	}
}

func observe(t testing.TB, s *proxy.Server) release.Seen {
	t.Helper()
	seen, err := s.Observed(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// candidateWeight is what the candidate is given now.
func candidateWeight(t testing.TB, s *proxy.Server) release.Weight {
	t.Helper()
	for _, w := range observe(t, s).Route.Weights {
		if w.Arm == release.Candidate {
			return w.Weight
		}
	}
	return 0
}

// send makes one request straight to the handler.
func send(s *proxy.Server, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// metric reads one sample off the metrics page; the labels are those of the
// page, in its order. A sample that is missing fails the test.
func metric(t testing.TB, s *proxy.Server, sample string) string {
	t.Helper()
	value, ok := lookup(s, sample)
	if !ok {
		t.Fatalf("no sample %s", sample)
	}
	return value
}

func lookup(s *proxy.Server, sample string) (value string, ok bool) {
	w := httptest.NewRecorder()
	s.MetricsHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if rest, found := strings.CutPrefix(line, sample+" "); found {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

// requests is the count of an arm's requests of a class.
func requests(t testing.TB, s *proxy.Server, arm, class string, tester bool) string {
	t.Helper()
	version := map[string]string{release.Baseline: "1.4.1", release.Candidate: "1.5.0"}[arm]
	return metric(t, s, fmt.Sprintf(`linnet_proxy_requests_total{arm="%s",code="%s",service="%s",tester="%t",version="%s"}`,
		arm, class, service, tester, version))
}

// eventually waits for a condition that must come true.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited %v in vain until %s", patience, what)
		}
	}
}

func stateFile(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "state", "proxy.json")
}

func adminOf(t testing.TB, s *proxy.Server) http.Handler {
	t.Helper()
	h, err := s.AdminHandler(token)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
