package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/load"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testprogram"
	"github.com/linnet-project/linnet/traffic/proxy"
)

// shop is a service with two versions that run, and a data folder.
type shop struct {
	t          *testing.T
	name       string
	data       string
	base, next *program
	baseURL    string
	nextURL    string

	// splitter is a `linnet proxy` in front of them, where there is one.
	splitter       *program
	traffic, admin string
}

// openShop starts both versions; fault is what is wrong with the new one.
func openShop(t *testing.T, name string, fault demo.Fault) *shop {
	t.Helper()
	s := &shop{t: t, name: name, data: t.TempDir()}
	s.base = linnet(t, "demo-service", "--version-name", "1.0.0", "--seed", "1")
	s.next = linnet(t, "demo-service", "--version-name", "1.1.0", "--seed", "2", "--fault", string(fault))
	s.baseURL = "http://" + s.base.says(`listening on (\S+)`)[1]
	s.nextURL = "http://" + s.next.says(`listening on (\S+)`)[1]
	return s
}

// split starts the splitter, or starts it again where it was.
func (s *shop) split() {
	s.t.Helper()
	listen, admin := testprogram.Address(s.t), testprogram.Address(s.t)
	if s.splitter != nil {
		listen, admin = strings.TrimPrefix(s.traffic, "http://"), strings.TrimPrefix(s.admin, "http://")
	}
	s.splitter = linnet(s.t, "proxy", "--service", s.name, "--listen", listen, "--admin", admin,
		"--arm", "baseline@1.0.0="+s.baseURL, "--arm", "candidate@1.1.0="+s.nextURL,
		"--sticky-header", "X-User", "--state", filepath.Join(s.data, "splitter.json"))
	said := s.splitter.says(`traffic on (http://\S+), admin API on (http://\S+)`)
	s.traffic, s.admin = said[1], said[2]
}

// steering is the splitter's admin API.
func (s *shop) steering() *proxy.Client {
	c, err := proxy.NewClient(proxy.ClientConfig{URL: s.admin, Token: aToken, Service: s.name, Timeout: 5 * time.Second})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	return c
}

// served is what the splitter says that it serves.
func (s *shop) served() release.Seen {
	s.t.Helper()
	seen, err := s.steering().Observed(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return seen
}

// remote and embedded are the traffic of a release file: a splitter elsewhere,
// or one inside `linnet run`.
func (s *shop) remote() string {
	return fmt.Sprintf("{ admin: %q, lease: 4s }", s.admin)
}

func (s *shop) embedded(listen string) string {
	return fmt.Sprintf("{ listen: %q, upstreams: { baseline: %q, candidate: %q }, sticky: { header: X-User }, lease: 4s }",
		listen, s.baseURL, s.nextURL)
}

// scraping is a release file's source inside `linnet run`.
func (s *shop) scraping() string {
	return fmt.Sprintf(`{ embedded: { targets: { baseline: ["%s/metrics"], candidate: ["%s/metrics"] }, interval: 300ms, retention: 1h } }`,
		s.baseURL, s.nextURL)
}

// The metrics of the release files. What the users of a splitter saw is in the
// splitter's own metrics.
const (
	ownErrors   = `{ name: errors, ratio: { bad: 'http_requests_total{status="500"}', of: http_requests_total }, exclude: EXCLUDE }`
	usersErrors = `{ name: errors, ratio: { bad: 'linnet_proxy_requests_total{service="SHOP",code=~"5xx|client_gone"}', of: 'linnet_proxy_requests_total{service="SHOP"}' }, exclude: EXCLUDE }`
	shopLatency = `{ name: latency, histogram: 'http_request_duration_seconds{shop="SHOP"}', exclude: EXCLUDE }`
)

// story is a release file's text, with what the tests change about it.
type story struct {
	name    string // of the release; the shop's where empty
	traffic string
	source  string
	delay   string // 500ms where empty
	steps   string
	metrics []string
	// exclude is what a pass rules out; where empty it is so much that a good
	// version passes soon, also on a machine that runs all tests at once and
	// holds up single requests.
	exclude string
}

const quickSteps = "[ { weight: 30%, atLeast: 2s, atMost: 5m }, { weight: 60%, atLeast: 2s, atMost: 5m } ]"

// write writes a release file and returns its name.
func (s *shop) write(y story) string {
	s.t.Helper()
	if y.name == "" {
		y.name = s.name
	}
	if y.delay == "" {
		y.delay = "500ms"
	}
	if y.steps == "" {
		y.steps = quickSteps
	}
	if y.exclude == "" {
		y.exclude = "100x"
	}
	metrics := strings.NewReplacer("SHOP", s.name, "EXCLUDE", y.exclude).Replace(strings.Join(y.metrics, "\n      - "))
	text := strings.NewReplacer("NAME", y.name, "TRAFFIC", y.traffic, "SOURCE", y.source, "DELAY", y.delay, "STEPS", y.steps,
		"METRICS", "      - "+metrics, "SHOP", s.name).Replace(`
apiVersion: linnet/v1
kind: Release
metadata: { name: NAME }
spec:
  service: SHOP
  baseline:  { version: 1.0.0, labels: { arm: baseline } }
  candidate: { version: 1.1.0, labels: { arm: candidate } }
  traffic:
    proxy: TRAFFIC
  steps: STEPS
  watch: 1s
  recovery: 1s
  analysis:
    source: SOURCE
    every: 1s
    delay: DELAY
    warmUp: 1s
    blindFor: 5m
    falseRollback: 0.1%
    metrics:
METRICS
`)
	file := filepath.Join(s.t.TempDir(), y.name+".yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}

// crowd are the users of a shop.
type crowd struct {
	stop func() load.Stats
}

// visit sends requests at a rate until the crowd is stopped, or the test ends.
func (s *shop) visit(traffic string, rate float64, wait time.Duration) *crowd {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	users := rand.New(rand.NewPCG(1, 2))
	cfg := load.Config{
		URL: traffic + "/", Rate: rate, Random: rand.New(rand.NewPCG(3, 4)), KeyHeader: "X-User",
		Keys:    func(uint64) string { return fmt.Sprint("user-", users.IntN(5000)) },
		Timeout: wait, Drain: 2 * time.Second, ArmHeader: demo.VersionHeader,
	}
	done := make(chan load.Stats, 1)
	go func() {
		stats, err := load.Run(ctx, cfg, nil)
		if err != nil {
			s.t.Error(err)
		}
		done <- stats
		close(done)
	}()
	s.t.Cleanup(func() { cancel(); <-done })
	return &crowd{stop: func() load.Stats { cancel(); return <-done }}
}

// answers asks many times and counts which version answered; "" is for errors.
func answers(t *testing.T, traffic string, times int) map[string]int {
	t.Helper()
	count := map[string]int{}
	client := http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	for i := range times {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, traffic, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-User", fmt.Sprint("visitor-", i))
		got, err := client.Do(r)
		if err != nil {
			count[""]++
			continue
		}
		got.Body.Close()
		count[got.Header.Get(demo.VersionHeader)]++
	}
	return count
}

// records reads an attempt's journal; none where it has not begun.
func (s *shop) records(id journal.ID) []journal.Record {
	s.t.Helper()
	r, err := journal.OpenReader(s.t.Context(), s.data)
	if err != nil {
		return nil
	}
	defer r.Close()
	var all []journal.Record
	if err := r.Records(s.t.Context(), id, 1, func(rec journal.Record) error { all = append(all, rec); return nil }); err != nil && len(all) > 0 {
		s.t.Fatal(err)
	}
	return all
}

// sound holds the journal to its promises: no record was changed, and every
// decision can be computed again.
func (s *shop) sound(id journal.ID) {
	s.t.Helper()
	expect(s.t, 0, []string{"audit", "verify", "--data", s.data}, id.String()+`: \d+ records, unchanged`)
	expect(s.t, 0, []string{"replay", id.String(), "--data", s.data}, `decisions recomputed, 0 differ`)
}

// decisions are an attempt's decisions of a kind.
func decisions(records []journal.Record, kind engine.DecisionKind) (found []engine.Decision) {
	for _, rec := range records {
		if rec.Decision.Kind == kind {
			found = append(found, rec.Decision)
		}
	}
	return found
}
