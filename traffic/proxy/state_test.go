package proxy_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/proxy"
)

// kept is a configuration with a state file, a clock and a log.
func kept(t testing.TB) (proxy.Config, *clock, *bytes.Buffer) {
	t.Helper()
	now, log := newClock(), new(bytes.Buffer)
	cfg := pair("http://127.0.0.1:1", "http://127.0.0.1:2")
	cfg.StateFile, cfg.Now, cfg.Logger = stateFile(t), now.Now, slog.New(slog.NewTextHandler(log, nil))
	return cfg, now, log
}

func TestRestartWithinTheLeaseGoesOn(t *testing.T) {
	cfg, now, _ := kept(t)
	s := newServer(t, cfg)
	want := leased(4, 10_000, 30*time.Second)
	apply(t, s, want)
	now.Advance(20 * time.Second)
	if err := s.Renew(t.Context(), want.Owner, 4, time.Minute); err != nil {
		t.Fatal(err)
	}
	now.Advance(50 * time.Second)
	s = newServer(t, cfg)
	if seen := observe(t, s); seen.Lapsed || candidateWeight(t, s) != 10_000 || seen.Route.Owner != want.Owner || seen.Route.Lease != want.Lease {
		t.Errorf("after the restart: %+v", seen)
	}
	if err := s.Renew(t.Context(), want.Owner, 4, 30*time.Second); err != nil {
		t.Errorf("renewal after the restart: %v", err)
	}
}

func TestRestartAfterTheLeaseIsOnTheBaseline(t *testing.T) {
	cfg, now, _ := kept(t)
	apply(t, newServer(t, cfg), leased(4, 10_000, 30*time.Second))
	now.Advance(30 * time.Second)
	for range 2 { // and stays there, restart after restart
		s := newServer(t, cfg)
		if seen := observe(t, s); !seen.Lapsed || candidateWeight(t, s) != 0 || seen.Route.Epoch != 4 {
			t.Errorf("after the restart: %+v", seen)
		}
		if err := s.Apply(t.Context(), route(3, 0)); !errors.Is(err, release.ErrConflict) {
			t.Errorf("an epoch from before the lapse: %v", err)
		}
		// Once on record, a lapse does not depend on the clock any more.
		now.Advance(-time.Minute)
	}
}

func TestAClockSetBackDoesNotProlongALease(t *testing.T) {
	cfg, now, _ := kept(t)
	apply(t, newServer(t, cfg), leased(4, 10_000, 30*time.Second))
	now.Advance(-time.Hour)
	s := newServer(t, cfg)
	if candidateWeight(t, s) != 10_000 {
		t.Error("the lease is gone")
	}
	now.Advance(30 * time.Second)
	if candidateWeight(t, s) != 0 {
		t.Error("the lease runs on")
	}
}

// TestAnotherCandidateInheritsNothing: the file says that all traffic goes to
// the candidate, but that was another version.
func TestAnotherCandidateInheritsNothing(t *testing.T) {
	cfg, _, log := kept(t)
	apply(t, newServer(t, cfg), route(9, release.Whole))
	moved := cfg
	moved.Arms = []proxy.Upstream{cfg.Arms[0], cfg.Arms[1]}
	moved.Arms[1].URL = "http://127.0.0.1:3"
	if got := candidateWeight(t, newServer(t, moved)); got != release.Whole {
		t.Errorf("the same version on another port has %d", got)
	}
	next := cfg
	next.Arms = []proxy.Upstream{cfg.Arms[0], cfg.Arms[1]}
	next.Arms[1].Version = "1.6.0"
	s := newServer(t, next)
	if candidateWeight(t, s) != 0 || !strings.Contains(log.String(), "arms have changed") {
		t.Errorf("the next version has %d; the log says\n%s", candidateWeight(t, s), log)
	}
	if err := s.Apply(t.Context(), route(9, release.Whole)); !errors.Is(err, release.ErrConflict) {
		t.Errorf("the old route again: %v", err)
	}
	apply(t, s, route(10, 1_000))
}

func TestABrokenStateFileIsKeptAside(t *testing.T) {
	for name, content := range map[string]string{
		"empty":           "",
		"cut":             `{"version":1,"arms":[`,
		"binary":          "\x00\x01\x02",
		"another version": `{"version":2,"arms":[],"route":{"service":"checkout","weights":[],"epoch":1}}`,
		"another service": `{"version":1,"arms":[],"route":{"service":"cart","weights":[],"epoch":1}}`,
		"endless lease":   `{"version":1,"arms":[],"route":{"service":"checkout","weights":[],"epoch":1,"lease":"30s"}}`,
		"too large":       strings.Repeat(" ", 2<<20),
	} {
		t.Run(name, func(t *testing.T) {
			cfg, _, log := kept(t)
			os.MkdirAll(filepath.Dir(cfg.StateFile), 0o700)
			os.WriteFile(cfg.StateFile, []byte(content), 0o600)
			s := newServer(t, cfg)
			if candidateWeight(t, s) != 0 || !strings.Contains(log.String(), "state file cannot be used") {
				t.Errorf("candidate has %d; the log says\n%s", candidateWeight(t, s), log)
			}
			if got, err := os.ReadFile(cfg.StateFile + ".broken"); err != nil || string(got) != content {
				t.Errorf("kept %.40q, %v", got, err)
			}
			apply(t, s, route(1, 1_000))
			if got := candidateWeight(t, newServer(t, cfg)); got != 1_000 {
				t.Errorf("after another restart the candidate has %d", got)
			}
		})
	}
}

// TestAFullDiskStopsTheWayUpOnly: a folder that cannot be written stands for
// every disk that does not take what it is given.
func TestAFullDiskStopsTheWayUpOnly(t *testing.T) {
	cfg, _, log := kept(t)
	s := newServer(t, cfg)
	apply(t, s, leased(1, 10_000, time.Minute))
	folder := filepath.Dir(cfg.StateFile)
	os.RemoveAll(folder)
	os.WriteFile(folder, nil, 0o600)
	if err := s.Apply(t.Context(), leased(2, 20_000, time.Minute)); !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), cfg.StateFile) {
		t.Errorf("the way up: %v", err)
	}
	if candidateWeight(t, s) != 10_000 {
		t.Errorf("what could not be recorded is served: %d", candidateWeight(t, s))
	}
	if err := s.Renew(t.Context(), "checkout-1.5.0/1", 1, time.Minute); err != nil {
		t.Errorf("renewal: %v", err)
	}
	apply(t, s, route(2, 0))
	if candidateWeight(t, s) != 0 || !strings.Contains(log.String(), "would not survive a restart") {
		t.Errorf("the way down: %d; the log says\n%s", candidateWeight(t, s), log)
	}
	if got := metric(t, s, `linnet_proxy_state_errors_total{service="checkout"}`); got != "3" {
		t.Errorf("%s errors counted", got)
	}
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*proxy.Config)
		says   string
	}{
		"no service":    {func(c *proxy.Config) { c.Service = "" }, "service"},
		"no arms":       {func(c *proxy.Config) { c.Arms = nil }, "arms"},
		"a name twice":  {func(c *proxy.Config) { c.Arms[1].Name = "baseline" }, "arms[1]"},
		"no scheme":     {func(c *proxy.Config) { c.Arms[1].URL = "127.0.0.1:80" }, "http://host:port"},
		"other scheme":  {func(c *proxy.Config) { c.Arms[1].URL = "ftp://a" }, "h2c"},
		"a password":    {func(c *proxy.Config) { c.Arms[1].URL = "http://me:secret-word@a" }, "password"},
		"a query":       {func(c *proxy.Config) { c.Arms[1].URL = "http://a?b" }, "query"},
		"cookie name":   {func(c *proxy.Config) { c.StickyCookie = "a b" }, "sticky cookie"},
		"header name":   {func(c *proxy.Config) { c.TesterHeader = "a:b" }, "tester header"},
		"health path":   {func(c *proxy.Config) { c.HealthPath = "healthz" }, "slash"},
		"negative time": {func(c *proxy.Config) { c.DialTimeout = -1 }, "dial timeout"},
		"negative size": {func(c *proxy.Config) { c.MaxHeaderBytes = -1 }, "max header bytes"},
	} {
		cfg := pair("http://127.0.0.1:1", "http://127.0.0.1:2")
		test.change(&cfg)
		_, err := proxy.New(cfg)
		if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "secret-word") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzStateFile(f *testing.F) {
	cfg, _, _ := kept(f)
	s := newServer(f, cfg)
	for _, r := range []release.Route{leased(1, 10_000, time.Minute), route(2, release.Whole)} {
		apply(f, s, r)
		text, err := os.ReadFile(cfg.StateFile)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		f.Add(text[:len(text)/2])
		f.Add(bytes.Replace(text, []byte("0000"), []byte("9999"), 1))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg := cfg
		cfg.StateFile, cfg.Logger = filepath.Join(t.TempDir(), "s.json"), nil
		if err := os.WriteFile(cfg.StateFile, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s := newServer(t, cfg)
		seen := observe(t, s)
		var sum release.Weight
		for _, w := range seen.Route.Weights {
			sum += w.Weight
		}
		if sum != release.Whole || seen.Route.Service != service {
			t.Fatalf("serves %+v", seen)
		}
		if seen.Lapsed && candidateWeight(t, s) != 0 {
			t.Fatalf("lapsed and exposed: %+v", seen)
		}
	})
}
