package app_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testprogram"
)

// monitor is a real Prometheus that scrapes shops.
type monitor struct {
	t *testing.T
	*testprogram.Prometheus
	dir string // of what is scraped
}

func startMonitor(t *testing.T) *monitor {
	t.Helper()
	dir := t.TempDir()
	m := &monitor{t: t, dir: dir, Prometheus: testprogram.NewPrometheus(t, fmt.Sprintf(`
global: { scrape_interval: 300ms, scrape_timeout: 300ms }
scrape_configs:
- job_name: shops
  file_sd_configs: [ { files: [ %q ], refresh_interval: 1s } ]
`, filepath.Join(dir, "*.json")))}
	m.Start(t)
	return m
}

// watch has a shop scraped: both versions, and the splitter.
func (m *monitor) watch(s *shop) {
	m.t.Helper()
	type group struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	host := func(url string) []string { return []string{strings.TrimPrefix(url, "http://")} }
	text, err := json.Marshal([]group{
		{host(s.baseURL), map[string]string{"arm": release.Baseline, "shop": s.name}},
		{host(s.nextURL), map[string]string{"arm": release.Candidate, "shop": s.name}},
		{host(s.admin), map[string]string{"shop": s.name}},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	// The file must be whole when Prometheus sees it.
	file := filepath.Join(m.dir, s.name)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Rename(file, file+".json"); err != nil {
		m.t.Fatal(err)
	}
}

// source is the monitor as a release file names it.
func (m *monitor) source() string {
	return fmt.Sprintf("{ prometheus: { url: %q, timeout: 1s } }", m.URL)
}

// A release with a real Prometheus, real versions, a real splitter and real
// requests: the good one is promoted, each kind of bad one is rolled back
// because of what is bad about it.
func TestReleasesWithPrometheus(t *testing.T) {
	t.Parallel()
	m := startMonitor(t)
	for _, c := range []struct {
		fault   demo.Fault
		metric  string // that decides; none for a good version
		exit    int
		outcome string
	}{
		{demo.None, "", 0, "promoted"},
		{demo.Errors, "errors", 3, "rolled-back"},
		{demo.Latency, "latency", 3, "rolled-back"},
		{demo.Crash, "errors", 3, "rolled-back"},
		{demo.Tail, "latency", 3, "rolled-back"},
	} {
		name := "good"
		if c.fault != demo.None {
			name = string(c.fault)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, name, c.fault)
			s.split()
			m.watch(s)
			users := s.visit(s.traffic, 150, 0)
			y := story{traffic: s.remote(), source: m.source(), delay: "1s", metrics: []string{usersErrors, shopLatency}}
			if c.fault != demo.None {
				y.exclude = "2x" // a bad version must not pass while a busy machine holds up the good one, too
			}
			file := s.write(y)
			linnet(t, "run", "-f", file, "--data", s.data).exits(c.exit)

			id := journal.ID{Name: name, Attempt: 1}
			s.sound(id)
			want := release.Whole
			version := "1.1.0"
			if c.metric != "" {
				want, version = 0, "1.0.0"
				d := decisions(s.records(id), engine.RollBack)
				if len(d) != 1 || d[0].Verdict == nil || d[0].Verdict.Metric != c.metric || !strings.HasPrefix(d[0].Reason.Text, c.metric) {
					t.Errorf("rolled back because of %+v, want metric %s", d, c.metric)
				}
			}
			seen := s.served()
			if w := engine.CandidateWeight(seen.Route); w != want || seen.Route.Lease != 0 || seen.Lapsed {
				t.Errorf("the splitter serves %+v, want %s for the candidate, for good", seen, engine.Percent(want))
			}
			if got := answers(t, s.traffic, 50); got[version] != 50 {
				t.Errorf("after the end the versions answered %v, want only %s", got, version)
			}
			expect(t, 0, []string{"release", "show", name, "--json", "--data", s.data}, `"outcome": "`+c.outcome+`"`)
			if stats := users.stop(); stats.Errors > 0 {
				t.Errorf("%d of %d requests broke", stats.Errors, stats.Due)
			}
		})
	}
}

// downLooks counts looks that found the source down.
func downLooks(records []journal.Record) (n int) {
	for _, rec := range records {
		look, ok := rec.Event.(engine.Looked)
		for i := 0; ok && i < len(look.Problems); i++ {
			if look.Problems[i].Reason.Code == release.SourceDown {
				n++
				break
			}
		}
	}
	return n
}

// A Prometheus that hangs, comes back, dies, and comes back: the release stays
// where it is meanwhile, neither advanced nor rolled back, and goes on after.
func TestPrometheusGoesDownInTheMiddle(t *testing.T) {
	t.Parallel()
	m := startMonitor(t)
	s := openShop(t, "shop", demo.None)
	s.split()
	m.watch(s)
	s.visit(s.traffic, 150, 0)
	file := s.write(story{traffic: s.remote(), source: m.source(), delay: "1s", metrics: []string{usersErrors, shopLatency},
		steps: "[ { weight: 50%, atLeast: 6s, atMost: 5m } ]"})
	p := linnet(t, "run", "-f", file, "--data", s.data)
	id := journal.ID{Name: "shop", Attempt: 1}
	looksAfter := func(n int) {
		t.Helper()
		eventually(t, "more looks", func() bool { return len(s.records(id)) >= n })
	}
	p.says(`the provider serves 50 %`)
	looksAfter(4)

	signal := func(s os.Signal) {
		t.Helper()
		if err := m.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	eventually(t, "looks that find it hanging", func() bool { return downLooks(s.records(id)) >= 2 })
	hung := downLooks(s.records(id))
	signal(syscall.SIGCONT)
	looksAfter(len(s.records(id)) + 2)
	m.Kill()
	eventually(t, "looks that find it dead", func() bool { return downLooks(s.records(id)) >= hung+3 })
	if w := engine.CandidateWeight(s.served().Route); w != release.Whole/2 {
		t.Errorf("with the source down %s are served, want 50 %%: neither up nor down", engine.Percent(w))
	}
	expect(t, 0, []string{"release", "show", "shop", "--data", s.data}, `50 %`)
	m.Start(t)
	p.exits(0)
	s.sound(id)
	for i, rec := range s.records(id) {
		k := rec.Decision.Kind
		if downLooks([]journal.Record{rec}) > 0 && k != engine.Stay && k != engine.HoldHere {
			t.Errorf("record %d: with the source down: %s (%s)", i+1, k, rec.Decision.Reason.Text)
		}
		if k == engine.RollBack || k == engine.StepBack {
			t.Errorf("record %d: %s (%s), and nothing was wrong with the version", i+1, k, rec.Decision.Reason.Text)
		}
	}
	if w := engine.CandidateWeight(s.served().Route); w != release.Whole {
		t.Errorf("after the promotion %s are served", engine.Percent(w))
	}
}
