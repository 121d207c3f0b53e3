package app_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/testprogram"
)

// serve starts `linnet serve` and gives its address.
func serve(t *testing.T, data string, more ...string) (*program, string) {
	t.Helper()
	p := linnet(t, append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "info"}, more...)...)
	return p, p.says(`serving on (http://\S+)`)[1]
}

// fetch asks for a page; "" where there is no answer.
func fetch(t *testing.T, url string) (status int, text string) {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	got, err := client.Get(url)
	if err != nil {
		return 0, ""
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got.StatusCode, string(body)
}

// summary is what the journal's index knows of a release.
func summary(t *testing.T, data string, id journal.ID) (s journal.Summary) {
	t.Helper()
	r, err := journal.OpenReader(t.Context(), data)
	if err != nil {
		return s
	}
	defer r.Close()
	s, err = r.Find(t.Context(), id)
	if err != nil && !errors.Is(err, release.ErrNotFound) {
		t.Fatal(err)
	}
	return s
}

// A good and a bad release run beside each other in one process, with their
// splitters and stores in it. The process is killed in the middle and goes on
// where it was; at the end the splitters serve what the releases ended with, also
// after another restart.
func TestServeRunsReleasesOverAKill(t *testing.T) {
	t.Parallel()
	good, bad := openShop(t, "good", demo.None), openShop(t, "bad", demo.Errors)
	data, folder := t.TempDir(), t.TempDir()
	traffic := map[*shop]string{good: testprogram.Address(t), bad: testprogram.Address(t)}
	for s, address := range traffic {
		exclude := "" // on a slow machine a good version fails now and then, too
		if s == bad {
			exclude = "2x"
		}
		file := s.write(story{traffic: s.embedded(address), source: s.scraping(), metrics: []string{ownErrors}, exclude: exclude})
		if err := os.Rename(file, filepath.Join(folder, s.name+".yaml")); err != nil {
			t.Fatal(err)
		}
	}
	p, url := serve(t, data, "--releases", folder)
	for s, address := range traffic {
		s.data = data
		eventually(t, s.name+"'s splitter", func() bool { status, _ := fetch(t, "http://"+address+"/"); return status == http.StatusOK })
		s.visit("http://"+address, 200, 2*time.Second)
	}
	for _, name := range []string{"good", "bad"} {
		p.says(`owner=` + name + `/1 weights="\[\{Arm:baseline Weight:70000\}`)
	}
	eventually(t, "the server to be ready", func() bool { status, _ := fetch(t, url+"/readyz"); return status == http.StatusOK })
	eventually(t, "a turn to be counted", func() bool {
		_, metrics := fetch(t, url+"/metrics")
		return strings.Contains(metrics, `linnet_turns_total{result="done"} `)
	})
	_, metrics := fetch(t, url+"/metrics")
	matches(t, metrics, `(?m)^linnet_releases\{phase="`, `(?m)^linnet_queue_length 2$`, `(?m)^linnet_events_damaged_total 0$`, `linnet_proxy_weight_ratio\{arm="candidate",service="good"\}`)

	if !p.kill() {
		t.Error("the server had ended before it was killed")
	}
	p, url = serve(t, data)
	ids := map[*shop]journal.ID{}
	for s, outcome := range map[*shop]journal.Outcome{good: journal.Promoted, bad: journal.RolledBack} {
		ids[s] = journal.ID{Name: s.name, Attempt: 1}
		eventually(t, fmt.Sprintf("%s to be %s", s.name, outcome), func() bool { return summary(t, data, ids[s]).Outcome == outcome })
		s.sound(ids[s])
	}
	eventually(t, "the series of releases that ended to go", func() bool {
		_, metrics := fetch(t, url+"/metrics")
		return strings.Contains(metrics, "linnet_queue_length 0") && !strings.Contains(metrics, `release="good"`)
	})
	p.signal(syscall.SIGTERM)
	p.exits(0)

	_, url = serve(t, data)
	for s, want := range map[*shop]journal.Outcome{good: journal.Promoted, bad: journal.RolledBack} {
		text, err := os.ReadFile(filepath.Join(folder, s.name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		played := backtestOf(t, url, string(text), s.name)
		if one := played.Items[0]; len(played.Items) != 1 || one.Unfit != "" || one.Recorded.Outcome != string(want) || one.File.Outcome != string(want) ||
			one.File.After <= 0 || one.File.Reason.Text == "" {
			t.Errorf("the file of %s by what it observed: %+v, was %+v, by the file %+v", s.name, one, one.Recorded, one.File)
		}
		played = backtestOf(t, url, strings.Replace(string(text), "name: errors", "name: others", 1), s.name)
		if one := played.Items[0]; one.File != nil || !strings.Contains(one.Unfit, "was not measured then") {
			t.Errorf("a file that measures something else: %+v", one)
		}
	}
	for s, want := range map[*shop]string{good: "1.1.0", bad: "1.0.0"} {
		if got := answers(t, "http://"+traffic[s], 20); got[want] != 20 {
			t.Errorf("%s: the versions answered %v, want %s alone", s.name, got, want)
		}
	}
}

// backtestOf plays a file on the first attempt of a release.
func backtestOf(t *testing.T, url, file, name string) (played api.Backtest) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"file": file, "releases": []map[string]any{{"name": name, "attempt": 1}}})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(url+"/v1/backtest", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || json.Unmarshal(text, &played) != nil || len(played.Items) == 0 {
		t.Fatalf("%d %s, %v", answer.StatusCode, text, err)
	}
	return played
}

// A server leaves what `linnet run` runs in its data folder alone, and takes it up
// when that process has gone.
func TestServeAndRunShareAFolder(t *testing.T) {
	t.Parallel()
	s := openShop(t, "shared", demo.None)
	s.split()
	file := s.write(story{
		traffic: s.remote(), source: s.scraping(), metrics: []string{ownErrors},
		steps: "[ { weight: 30%, atLeast: 30m, atMost: 1h } ]",
	})
	first := linnet(t, "run", "-f", file, "--data", s.data)
	first.says(`the provider serves 30 %`)
	p, _ := serve(t, s.data)
	p.says(`left to the process that runs it.*shared/1`)
	id := journal.ID{Name: "shared", Attempt: 1}
	first.kill()
	expect(t, 0, []string{"release", "abort", "shared", "--data", s.data}, `aborted|is left`)
	eventually(t, "the server to abort it", func() bool { return summary(t, s.data, id).Outcome == journal.Aborted })
}

func TestServeOnOneMachineAlone(t *testing.T) {
	t.Parallel()
	expect(t, 2, []string{"serve", "--data", t.TempDir(), "--listen", "0.0.0.0:0"}, `listen 0\.0\.0\.0:0: no login is configured`, `127\.0\.0\.1`)
}

// What keeps a server from its address or its folder is said with what to do.
func TestServeWhereAnotherIs(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p, url := serve(t, data)
	address := strings.TrimPrefix(url, "http://")
	expect(t, 1, []string{"serve", "--data", t.TempDir(), "--listen", address}, `another process listens there`, `--listen`)
	expect(t, 1, []string{"serve", "--data", data, "--listen", "127.0.0.1:0"}, fmt.Sprintf(`is served by pid %d`, p.cmd.Process.Pid), `--data`, `PostgreSQL`)
	expect(t, 2, []string{"serve", "--data", t.TempDir(), "--listen", "8440"}, `write a host and a port, such as 127\.0\.0\.1:8440`)
	expect(t, 2, []string{"serve", "--data", t.TempDir(), "--listen", "192.0.2.1:8440"}, `this machine does not have that address`)
	p.kill()
	p, _ = serve(t, data)
	p.signal(syscall.SIGTERM)
	p.exits(0)
}

// Flags go before the environment, that before the file, and that before the
// defaults.
func TestServeSettings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "server.yaml")
	fromFile, fromFlag := testprogram.Address(t), testprogram.Address(t)
	text := fmt.Sprintf("apiVersion: linnet/v1\nkind: Server\nspec:\n  listen: %q\n", fromFile)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	end := func(p *program) { p.signal(syscall.SIGTERM); p.exits(0) }
	p := linnet(t, "serve", "--config", file, "--data", t.TempDir())
	p.says("serving on http://" + fromFile)
	end(p)
	p = linnet(t, "serve", "--config", file, "--data", t.TempDir(), "--listen", fromFlag)
	p.says("serving on http://" + fromFlag)
	end(p)
	expect(t, 2, []string{"serve", "--config", file + ".gone"}, `server.yaml.gone`)
}

// What a server needs when there is nothing to do: how soon it is ready, and its
// memory. The bounds are far above what is measured, for machines with other work.
func TestServeBudget(t *testing.T) {
	t.Parallel()
	n := 50
	if os.Getenv("LINNET_BENCH") != "" {
		n = 500 // which takes long to make
	}
	old := t.TempDir()
	oldReleases(t, old, n)
	for name, data := range map[string]string{"an empty folder": t.TempDir(), fmt.Sprintf("a folder with %d old releases", n): old} {
		from := time.Now()
		p, _ := serve(t, data)
		took := time.Since(from)
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
		if err != nil {
			t.Skip("no /proc here: the memory of a process cannot be read")
		}
		pages, err := strconv.Atoi(strings.Fields(string(text))[1])
		if err != nil {
			t.Fatal(err)
		}
		resident := pages * os.Getpagesize() >> 20
		t.Logf("%s: ready in %s, %d MiB resident", name, took.Round(time.Millisecond), resident)
		if most := 400; took > 10*time.Second || resident > most {
			t.Errorf("%s: ready after %s with %d MiB, want 0.3 s and 80 MiB, and surely not more than 10 s and %d MiB", name, took, resident, most)
		}
		p.signal(syscall.SIGTERM)
		p.exits(0)
	}
}

// still is a provider and a source where nothing happens.
type still struct{}

func (still) Apply(context.Context, release.Route) error              { return nil }
func (still) Observed(context.Context) (seen release.Seen, err error) { return seen, nil }
func (still) Observe(context.Context, release.Query) (a release.Answer, err error) {
	return a, nil
}

// oldReleases puts releases into a folder, which were aborted at once.
func oldReleases(t *testing.T, data string, n int) {
	store, err := journal.Open(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	cfg := run.Config{Store: store, Router: still{}, Source: still{}, Now: time.Now}
	s := shop{t: t, name: "old", baseURL: "http://127.0.0.1:1", nextURL: "http://127.0.0.1:2"}
	text, err := os.ReadFile(s.write(story{name: "NUMBER", traffic: `{ admin: "http://127.0.0.1:1" }`, source: s.scraping(), metrics: []string{ownErrors}}))
	if err != nil {
		t.Fatal(err)
	}
	end := func(n int) error {
		f, err := spec.Parse("old", []byte(strings.ReplaceAll(string(text), "NUMBER", fmt.Sprintf("old-%d", n))))
		if err != nil {
			return err
		}
		id, err := run.Begin(t.Context(), cfg, run.Beginning{Plan: plan.Compile(f), Attempt: 1, File: f.Text, Salt: rand.Text()})
		if err != nil {
			return err
		}
		if err := store.Command(t.Context(), id, engine.Commanded{ID: "1", At: time.Now(), Verb: engine.Abort, Who: "ann"}); err != nil {
			return err
		}
		r, err := run.New(t.Context(), cfg, id)
		if err != nil {
			return err
		}
		_, err = r.Run(t.Context())
		return err
	}
	var all sync.WaitGroup
	slots := make(chan struct{}, 50)
	for n := range n {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := end(n); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
