package app_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

// Faults as users meet them: each has an exit code, and a sentence that names
// the thing and what to do.

// A data folder that cannot be used is said so, and left as it is.
func TestUnusableDataFolder(t *testing.T) {
	t.Parallel()
	s := &shop{t: t, name: "shop", data: t.TempDir(), baseURL: "http://127.0.0.1:1", nextURL: "http://127.0.0.1:2"}
	file := s.write(story{traffic: s.embedded("127.0.0.1:0"), source: s.scraping(), metrics: []string{ownErrors}})
	db := filepath.Join(s.data, "linnet.db")

	garbage := strings.Repeat("this is no database. ", 500)
	if err := os.WriteFile(db, []byte(garbage), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, 2, []string{"run", "-f", file, "--data", s.data}, `linnet.db: .*not a database.*restore a copy`)
	if text, err := os.ReadFile(db); err != nil || string(text) != garbage {
		t.Errorf("the file was touched: %v", err)
	}
	for _, verb := range [][]string{{"release", "list"}, {"audit", "verify"}, {"replay", "shop"}} {
		expect(t, 2, append(verb, "--data", s.data), `not a database`)
	}
	expect(t, 2, []string{"run", "-f", file, "--data", db}, `linnet.db.*(folder|none).*--data`)
}

// What a release file cannot mean is refused before anything is begun.
func TestLabelsThatSelectBothArms(t *testing.T) {
	t.Parallel()
	s := &shop{t: t, name: "shop", data: filepath.Join(t.TempDir(), "data"), baseURL: "http://127.0.0.1:1", nextURL: "http://127.0.0.1:2"}
	file := s.write(story{traffic: s.embedded("127.0.0.1:0"), source: s.scraping(), metrics: []string{ownErrors}})
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	both := strings.Replace(string(text), "arm: candidate", "arm: baseline, track: canary", 1)
	if err := os.WriteFile(file, []byte(both), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, 2, []string{"lint", file}, `shop.yaml:7:\d+: spec.baseline.labels: .*select the candidate's series as well; give both arms`)
	expect(t, 2, []string{"run", "-f", file, "--data", s.data}, `select the candidate's series as well`)
	if _, err := os.Stat(s.data); err == nil {
		t.Error("a data folder was made for a file that cannot be run")
	}
}

// A source that has no answer holds the release, which says why; it never
// counts for or against the version. The wait that runs out ends with 4.
func TestNoEvidenceHolds(t *testing.T) {
	t.Parallel()
	html := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "<html><body>Welcome to the login page</body></html>")
	}))
	t.Cleanup(html.Close)
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "overloaded", http.StatusServiceUnavailable)
	}))
	t.Cleanup(busy.Close)
	shared := openShop(t, "shop", demo.None)
	at := func(url string) string { return fmt.Sprintf("{ prometheus: { url: %q } }", url) }
	for _, c := range []struct {
		name, source, metric string
		code                 release.Code
		says                 string
	}{
		{"no-series", shared.scraping(), `{ name: errors, ratio: { bad: 'nothing_total{status="500"}', of: nothing_total } }`, release.NoData, `errors: no data of the baseline and the candidate`},
		{"wrong-type", shared.scraping(), `{ name: latency, histogram: process_cpu_cores }`, release.SourceInvalid, `latency: .*process_cpu_cores is no histogram`},
		{"html", at(html.URL), ownErrors, release.SourceInvalid, `errors: .*` + html.URL + ` answered text/html.*is the url right`},
		{"busy", at(busy.URL), ownErrors, release.SourceDown, `errors: .*` + busy.URL + ` answered 503: overloaded`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &shop{t: t, name: c.name, data: t.TempDir(), baseURL: shared.baseURL, nextURL: shared.nextURL}
			file := s.write(story{traffic: s.embedded("127.0.0.1:0"), source: c.source, metrics: []string{c.metric}})
			p := linnet(t, "run", "-f", file, "--data", s.data, "--wait", "4s")
			p.exits(4)
			matches(t, p.said.String(), `the wait ran out while `)
			id := journal.ID{Name: c.name, Attempt: 1}
			s.sound(id)
			records := s.records(id)
			last := records[len(records)-1].Decision
			if last.Weight != 30_000 || last.Step != 1 {
				t.Errorf("without evidence it is at step %d with %s", last.Step, engine.Percent(last.Weight))
			}
			if last.Reason.Code != c.code {
				t.Errorf("the last decision has code %s, want %s", last.Reason.Code, c.code)
			}
			matches(t, p.said.String(), `the last look: `+c.says)
		})
	}
}

// Stopped by a signal, it says what becomes of the traffic, and goes on with
// the same attempt when it is run again.
func TestStoppedAndRunAgain(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]syscall.Signal{"interrupted": syscall.SIGINT, "terminated": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, name, demo.None)
			s.split()
			s.visit(s.traffic, 150, 0)
			file := s.write(story{traffic: s.remote(), source: s.scraping(), metrics: []string{ownErrors}})
			first := linnet(t, "run", "-f", file, "--data", s.data)
			first.says(`the provider serves 30 %`)
			first.signal(sig)
			first.exits(4)
			matches(t, first.said.String(), `stopped while .*; the lease returns all traffic to the baseline within 4s; .linnet run. goes on with it`)
			if sig == syscall.SIGINT {
				eventually(t, "the lease to run out", func() bool { return s.served().Lapsed })
			}
			linnet(t, "run", "-f", file, "--data", s.data).exits(0)
			s.sound(journal.ID{Name: name, Attempt: 1})
			if n := len(decisions(s.records(journal.ID{Name: name, Attempt: 1}), engine.Start)); n != 1 {
				t.Errorf("it was begun %d times", n)
			}
			// What has ended is not run again.
			expect(t, 0, []string{"run", "-f", file, "--data", s.data}, `has ended: promoted`)
		})
	}
}

// The splitter inside `linnet run` stops with it, and it says so.
func TestStoppedWithTheSplitterInside(t *testing.T) {
	t.Parallel()
	s := openShop(t, "inside", demo.None)
	file := s.write(story{traffic: s.embedded("127.0.0.1:0"), source: s.scraping(), metrics: []string{ownErrors}})
	p := linnet(t, "run", "-f", file, "--data", s.data)
	p.says(`the provider serves 30 %`)
	p.signal(syscall.SIGTERM)
	p.exits(4)
	matches(t, p.said.String(), `stopped while .*; the splitter in this process stops too, and nobody serves 127.*; .linnet run. goes on with it`)
}

// A candidate that hangs, or dies, is rolled back for it: what counts is what
// its users see at the splitter, who lose patience.
func TestCandidateHangsOrDies(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]syscall.Signal{"hangs": syscall.SIGSTOP, "dies": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, name, demo.None)
			file := s.write(story{traffic: s.embedded("127.0.0.1:0"), source: s.scraping(), metrics: []string{usersErrors}, exclude: "5x",
				steps: "[ { weight: 30%, atLeast: 5m, atMost: 10m } ]"})
			p := linnet(t, "run", "-f", file, "--data", s.data)
			traffic := p.says(`traffic on (http://\S+)`)[1]
			s.visit(traffic, 100, 500*time.Millisecond)
			p.says(`the provider serves 30 %`)
			s.next.signal(sig)
			p.says(`rolls back: errors: `)
			p.says(`serving on \S+ until stopped`)
			if got := answers(t, traffic, 30); got["1.0.0"] != 30 {
				t.Errorf("after the rollback the versions answered %v, want only the baseline", got)
			}
			p.signal(syscall.SIGTERM)
			p.exits(3)
			s.sound(journal.ID{Name: name, Attempt: 1})
		})
	}
}

// A splitter inside `linnet run` is the service's front door: after the end,
// and a restart, it serves what the release ended with.
func TestServesOnAfterTheEnd(t *testing.T) {
	t.Parallel()
	s := openShop(t, "front", demo.None)
	file := s.write(story{traffic: s.embedded("127.0.0.1:0"), source: s.scraping(), metrics: []string{ownErrors}})
	first := linnet(t, "run", "-f", file, "--data", s.data, "--exit")
	first.says(`the provider serves 30 %`)
	expect(t, 0, []string{"release", "abort", "front", "--data", s.data}, `aborted it`)
	first.exits(5)
	again := linnet(t, "run", "-f", file, "--data", s.data)
	address := again.says(`serving 0 % to the candidate on (127.0.0.1:\d+)`)[1]
	if got := answers(t, "http://"+address, 20); got["1.0.0"] != 20 {
		t.Errorf("the versions answered %v, want only the baseline", got)
	}
	again.signal(syscall.SIGTERM)
	again.exits(5)
}

// A journal that is damaged while it runs ends the release and not the
// service: all traffic goes to the baseline, and is served.
func TestDamagedWhileItRuns(t *testing.T) {
	t.Parallel()
	s := openShop(t, "damaged", demo.None)
	file := s.write(story{traffic: s.embedded("127.0.0.1:0"), source: s.scraping(), metrics: []string{ownErrors}})
	p := linnet(t, "run", "-f", file, "--data", s.data)
	p.says(`the provider serves 30 %`)
	db, err := os.OpenFile(filepath.Join(s.data, "linnet.db"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	noise := bytes.Repeat([]byte("no page of a database "), 10_000)
	// The shared index (-shm) is left alone: it is memory that SQLite trusts, and
	// noise there can make it map memory without end.
	if err := os.WriteFile(filepath.Join(s.data, "linnet.db-wal"), noise, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := db.WriteAt(noise, 4096); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	address := p.says(`all traffic is on the baseline, and (127.0.0.1:\d+) serves it`)[1]
	if got := answers(t, "http://"+address, 20); got["1.0.0"] != 20 {
		t.Errorf("the versions answered %v, want only the baseline", got)
	}
	p.signal(syscall.SIGTERM)
	p.exits(1)
}
