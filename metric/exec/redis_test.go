package exec_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	osexec "os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/exec"
	"github.com/linnet-project/linnet/metric/metricconf"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testprogram"
)

const redisPassword = "a-long-password"

// redis is a real one, with the rights that the page gives to its user.
type redis struct {
	at      string
	process *os.Process
}

// startRedis runs one until the test ends. Somebody else may take a free port
// first: then it takes another.
func startRedis(t *testing.T) *redis {
	t.Helper()
	testprogram.Find(t, "redis-server", "redis-server")
	testprogram.Find(t, "redis-cli", "redis-tools")
	testprogram.Find(t, "python3", "python3", "/usr/bin")
	for range 5 {
		if r := tryRedis(t); r != nil {
			r.do(t, onPage(t, "```\n(ACL .*)\n```"))
			return r
		}
	}
	t.Fatal("redis-server ended five times")
	return nil
}

func tryRedis(t *testing.T) *redis {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &redis{at: l.Addr().String()}
	_ = l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	_, port, _ := net.SplitHostPort(r.at)
	cmd := osexec.CommandContext(ctx, "redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(),
		"--save", "", "--busy-reply-threshold", "10", "--replica-serve-stale-data", "no")
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	r.process = cmd.Process
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = cmd.Wait() // it was killed, or the port is taken
	}()
	t.Cleanup(func() {
		cancel()
		<-over
	})
	lives := func() bool {
		select {
		case <-over:
			return false
		default:
			return true
		}
	}
	for deadline := time.Now().Add(time.Minute); lives(); {
		if out, _ := r.cli("INFO server"); strings.Contains(out, fmt.Sprintf("process_id:%d\r", cmd.Process.Pid)) {
			return r
		}
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not answer")
		}
	}
	return nil
}

// cli gives commands, a line each, and tells what they answer.
func (r *redis) cli(commands string) (string, error) {
	_, port, _ := net.SplitHostPort(r.at)
	cmd := osexec.Command("redis-cli", "-e", "-p", port)
	cmd.Stdin = strings.NewReader(commands)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// do gives commands that must succeed.
func (r *redis) do(t *testing.T, commands string) {
	t.Helper()
	if out, err := r.cli(commands); err != nil || strings.Contains(out, "ERR") {
		t.Fatalf("%.200s: %v: %.500s", commands, err, out)
	}
}

// count counts what happened, as the page says.
func (r *redis) count(t *testing.T, all []metricconf.Stretch) {
	t.Helper()
	var commands bytes.Buffer
	for _, s := range all {
		for what, n := range map[string]int64{"all": s.All, "bad": s.Bad} {
			if n > 0 {
				fmt.Fprintf(&commands, "HINCRBY checkout:%d %s %d\n", s.To.Unix()-1, strings.TrimSuffix(what+"/"+s.Arm.Version+"/"+s.Region, "/"), n)
			}
		}
	}
	r.do(t, commands.String())
}

// stuck makes it run a script without an end, until the undo.
func (r *redis) stuck(t *testing.T) (undo func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = r.cli(`EVAL "while true do end" 0`) // ends as an error
	}()
	for deadline := time.Now().Add(time.Minute); ; {
		if out, _ := r.cli("PING"); strings.Contains(out, "BUSY") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("Redis is not busy")
		}
	}
	return func() {
		r.do(t, "SCRIPT KILL")
		<-done
	}
}

// onPage is the first group of what docs/exec-source.md has of a pattern.
func onPage(t *testing.T, pattern string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/exec-source.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(pattern).FindSubmatch(page)
	if m == nil {
		t.Fatalf("docs/exec-source.md has nothing like %s", pattern)
	}
	return string(m[1])
}

// redisSource runs the page's script against an address, with a user and the
// rest of its arguments.
func redisSource(t *testing.T, at string, args ...string) *exec.Source {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "redis-counts.py"), []byte(onPage(t, "(?s)```python\n(.*?)```")), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REDIS_PASSWORD", redisPassword)
	src, err := exec.New(exec.Config{
		Command: slices.Concat([]string{"./redis-counts.py", at}, args), Folder: dir, Env: []string{"REDIS_PASSWORD"}, Timeout: 20 * time.Second, // eight at once on a busy machine take their time
	})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// TestTheRedisPage: what the page counts is what its release file asks for.
func TestTheRedisPage(t *testing.T) {
	r := startRedis(t)
	r.do(t, onPage(t, "(?s)```\n(HINCRBY .*?)```"))
	args := regexp.MustCompile(`[^", ]+`).FindAllString(onPage(t, `command: \[./redis-counts.py, ([^\]]*)\]`), -1)
	src := redisSource(t, r.at, args[1:]...)
	w := release.Window{From: time.Unix(1767347995, 0).UTC(), To: time.Unix(1767348015, 5e8).UTC()}
	ask := func(m release.Metric) release.Answer {
		a, err := src.Observe(t.Context(), release.Query{Metric: m, Arms: query.Arms, Windows: []release.Window{w}})
		if err != nil || len(a.Warnings) > 0 {
			t.Fatal(a, err)
		}
		slices.SortFunc(a.Observations, func(x, y release.Observation) int {
			return strings.Compare(x.Segment+x.Arm, y.Segment+y.Arm)
		})
		return a
	}
	got := ask(release.Metric{Name: "missed", Kind: release.Ratio, Events: "missed", Of: "visits", By: []string{"region"}}).Observations
	want := []release.Observation{
		{Metric: "missed", Arm: "baseline", Window: w, Events: 1, Of: 1}, {Metric: "missed", Arm: "candidate", Window: w, Of: 1},
		{Metric: "missed", Segment: "region=eu", Arm: "candidate", Window: w, Of: 1}, {Metric: "missed", Segment: "region=us", Arm: "baseline", Window: w, Events: 1, Of: 1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	got = ask(release.Metric{Name: "orders", Kind: release.Count, Events: "orders"}).Observations
	want = []release.Observation{{Metric: "orders", Arm: "baseline", Window: w}, {Metric: "orders", Arm: "candidate", Window: w, Events: 1}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}

	r.do(t, "HSET checkout:1767348000 visits/1.5.0/eu many")
	_, err := src.Observe(t.Context(), release.Query{Metric: release.Metric{Name: "orders", Kind: release.Count, Events: "orders"}, Arms: query.Arms, Windows: []release.Window{w}})
	if err == nil || !strings.Contains(err.Error(), "checkout:1767348000 visits/1.5.0/eu is no count: 'many'") {
		t.Errorf("a counter that is no number: %v", err)
	}
	if out, _ := r.cli("AUTH linnet " + redisPassword + "\nGET checkout:1\nHGETALL other:1"); strings.Count(out, "NOPERM") != 2 {
		t.Errorf("the user of the page may do more: %s", out)
	}
}

func TestRedisConformance(t *testing.T) {
	metricconf.Answers(t, time.Second, func(t *testing.T, h metricconf.Happened) metricconf.Bed {
		r := startRedis(t)
		r.count(t, h.Stretches)
		l := newRelay(t, r.at)
		const (
			counters = "the sample knows counters"
			itself   = "the sample leaves another try to the next look"
		)
		return metricconf.Bed{
			Source: redisSource(t, l.at, "linnet", "checkout", "1"), Secrets: []string{redisPassword},
			Metric: func(q metricconf.Question, _ []string) release.Metric {
				if q == metricconf.AskRatio {
					return release.Metric{Events: "bad", Of: "all"}
				}
				return release.Metric{Events: "all"}
			},
			Late:  r.count,
			Break: func(t *testing.T, f metricconf.Fault) func() { return breakRedis(t, r, l, f) },
			Cannot: map[string]string{
				metricconf.CaseHistogram: counters, metricconf.CaseGauge: counters, metricconf.CaseAverage: counters, metricconf.CaseNaN: counters,
				metricconf.CaseFair: "one hash holds both arms", metricconf.CaseFew: "all windows come over one connection in one go",
				metricconf.CasePartial: "a hash is whole", metricconf.CaseSkewed: "Redis tells no time",
				metricconf.CaseBusy: itself, "an error of the source, once": itself,
			},
		}
	})
}

func breakRedis(t *testing.T, r *redis, l *relay, f metricconf.Fault) (undo func()) {
	change := func(to, back string) func() {
		r.do(t, to)
		return func() { r.do(t, back) }
	}
	switch f {
	case metricconf.Busy, metricconf.BusyLong:
		return r.stuck(t)
	case metricconf.Failing:
		return change("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE")
	case metricconf.Hanging:
		signal := func(s syscall.Signal) {
			if err := r.process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
		signal(syscall.SIGSTOP)
		return func() { signal(syscall.SIGCONT) }
	case metricconf.Refused:
		return change("ACL SETUSER linnet resetpass >another", "ACL SETUSER linnet resetpass >"+redisPassword)
	case metricconf.Forbidden:
		return change("ACL SETUSER linnet -hgetall", "ACL SETUSER linnet +hgetall")
	case metricconf.Cut:
		return l.instead("*2\r\n$10")
	case metricconf.Garbage:
		return l.instead("\x00\x01}{]\xff garbage")
	case metricconf.WebPage:
		return l.instead("HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<!doctype html><title>Sign in</title>")
	case metricconf.Gone:
		l.close()
		return func() {}
	}
	t.Fatalf("no such fault: %s", f)
	return nil
}
