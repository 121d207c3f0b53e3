package nginx_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/nginx"
)

func route(epoch uint64, second release.Weight) release.Route {
	return release.Route{Service: service, Epoch: epoch, Owner: "checkout-1.5.0/1", Salt: "sa$lt", Weights: []release.ArmWeight{
		{Arm: release.Baseline, Weight: release.Whole - second}, {Arm: release.Candidate, Weight: second},
	}}
}

func apply(t *testing.T, r *nginx.Router, route release.Route) {
	t.Helper()
	if err := r.Apply(t.Context(), route); err != nil {
		t.Fatal(err)
	}
}

// serves holds what is read back to a weight and an epoch.
func serves(t *testing.T, r *nginx.Router, epoch uint64, second release.Weight) {
	t.Helper()
	seen, err := r.Observed(t.Context())
	if err != nil || seen.Route.Epoch != epoch || seen.Route.Weights[1].Weight != second {
		t.Errorf("%+v is observed, %v; expected epoch %d and %d", seen, err, epoch, second)
	}
}

// Requests that come while weights move are all answered, and those that were
// under way end where they began.
func TestNoRequestFailsWhileWeightsMove(t *testing.T) {
	t.Parallel()
	b := open(t)
	r := router(t, b.cfg())
	apply(t, r, route(1, release.Whole))
	late := make(chan string, 1)
	go func() { late <- b.ask("/slow", nil) }()
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if got := b.get(nil); got == "" {
					t.Error("a request failed")
					return
				}
			}
		})
	}
	for i := range 6 {
		apply(t, r, route(uint64(i+2), release.Weight(50_000-i*10_000)))
	}
	close(done)
	wg.Wait()
	if got := b.split(200); got[release.Baseline] != 200 {
		t.Errorf("at zero 200 requests went %v", got)
	}
	close(b.slow)
	if got := <-late; got != release.Candidate {
		t.Errorf("the request that was under way was answered by %q", got)
	}
}

// A user who sees the candidate sees it until its weight falls, told apart by
// header or by cookie; and the share of users is the weight.
func TestUsersStay(t *testing.T) {
	t.Parallel()
	b := open(t)
	r := router(t, b.cfg())
	header := func(n int) http.Header { return http.Header{"X-User": {fmt.Sprint("user-", n)}} }
	cookie := func(n int) http.Header { return http.Header{"Cookie": {fmt.Sprint("a=b; my.user=", n, "; c=d")}} }
	for kind, by := range []struct {
		sticky release.Sticky
		of     func(int) http.Header
	}{{release.Sticky{Header: "X-User"}, header}, {release.Sticky{Cookie: "my.user"}, cookie}} {
		had, shares := map[int]bool{}, []int{}
		for step, weight := range []release.Weight{20_000, 60_000, release.Whole} {
			route := route(uint64(1+10*kind+step), weight)
			route.Sticky = by.sticky
			apply(t, r, route)
			count := 0
			for n := range 200 {
				got := b.send(2, by.of(n))
				if len(got) != 1 || had[n] && got[release.Candidate] == 0 {
					t.Errorf("at %d user %d of %+v went %v, and saw the candidate before: %v", weight, n, by.sticky, got, had[n])
				}
				if had[n] = got[release.Candidate] > 0; had[n] {
					count++
				}
			}
			shares = append(shares, count)
		}
		if shares[0] < 20 || shares[0] > 65 || shares[1] < 85 || shares[1] > 155 || shares[2] != 200 {
			t.Errorf("of 200 users %v saw the candidate at 20%%, 60%% and 100%%", shares)
		}
	}
	for _, bad := range []release.Route{
		{Sticky: release.Sticky{Header: "X_User"}}, {Sticky: release.Sticky{Cookie: "a;b"}},
		{Testers: release.Testers{Header: "$a"}}, {Testers: release.Testers{Cookie: "a\"b"}},
	} {
		asks := route(100, 1000)
		asks.Sticky, asks.Testers = bad.Sticky, bad.Testers
		if err := r.Apply(t.Context(), asks); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%+v %+v: %v", bad.Sticky, bad.Testers, err)
		}
	}
}

// A fault of the user's elsewhere is named as such; what runs goes on, and once
// it is mended the route is served.
func TestAFaultElsewhere(t *testing.T) {
	t.Parallel()
	b := open(t)
	r := router(t, b.cfg())
	apply(t, r, route(1, 10_000))
	good, ours := b.read(b.config()), b.read(b.file())
	b.write(b.config(), strings.Replace(good, "listen ", "lissten ", 1))
	err := r.Apply(t.Context(), route(2, 20_000))
	if !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "without Linnet's change too") || !strings.Contains(err.Error(), "lissten") {
		t.Errorf("with a fault elsewhere: %v", err)
	}
	if b.read(b.file()) != ours {
		t.Error("the old file is not back")
	}
	serves(t, r, 1, 10_000)
	b.write(b.config(), good)
	apply(t, r, route(2, 20_000))
	serves(t, r, 2, 20_000)
}

// A fault of Linnet's file is named as such.
func TestAFaultOfOurs(t *testing.T) {
	t.Parallel()
	b := open(t)
	r := router(t, b.cfg())
	apply(t, r, route(1, 10_000))
	ours := b.read(b.file())
	cfg := b.cfg()
	cfg.Variable = "linnet_other" // not the one that the configuration uses
	err := router(t, cfg).Apply(t.Context(), route(2, 20_000))
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "passes with the old one") || !strings.Contains(err.Error(), "linnet_checkout") {
		t.Errorf("with a file that fails: %v", err)
	}
	if b.read(b.file()) != ours {
		t.Error("the old file is not back")
	}
	serves(t, r, 1, 10_000)
}

// An upstream that nginx does not have is found before a request meets it; one
// that is gone while its arm has no traffic does not keep a rollback up.
func TestAnUpstreamThatIsNotThere(t *testing.T) {
	b := open(t)
	cfg := b.cfg()
	cfg.Arms[1].Upstream = "checkout_candidat"
	err := router(t, cfg).Apply(t.Context(), route(1, 10_000))
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "checkout_candidat\"") {
		t.Errorf("with an upstream that is not there: %v", err)
	}
	if got := b.split(50); got[release.Baseline] != 50 {
		t.Errorf("50 requests went %v", got)
	}
	r := router(t, b.cfg())
	apply(t, r, route(2, 10_000))
	b.write(b.config(), strings.Replace(b.read(b.config()), "upstream checkout_candidate", "upstream other", 1))
	apply(t, r, route(3, 0))
	serves(t, r, 3, 0)
}

// An nginx that is down when a release rolls back starts again without the
// candidate, whoever starts it.
func TestARollbackWhileNginxIsDown(t *testing.T) {
	b := open(t)
	r := router(t, b.cfg())
	apply(t, r, route(1, 50_000))
	b.stop()
	if err := r.Apply(t.Context(), route(2, 60_000)); !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "old file is back") {
		t.Errorf("a raise while nginx is down: %v", err)
	}
	if err := r.Apply(t.Context(), route(3, 0)); !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "new file stays") {
		t.Errorf("a rollback while nginx is down: %v", err)
	}
	b.start()
	serves(t, r, 3, 0)
	if got := b.split(50); got[release.Baseline] != 50 {
		t.Errorf("50 requests went %v", got)
	}
}

// A file written and not loaded, by a process that was killed or a person, is
// not taken for what is served; the next apply mends, and sweeps.
func TestAFileThatWasNotLoaded(t *testing.T) {
	t.Parallel()
	b := open(t)
	r := router(t, b.cfg())
	apply(t, r, route(1, 10_000))
	old := b.read(b.file())
	// A process is killed after it has written, when it is about to reload.
	cfg := b.cfg()
	cfg.Reload = b.script("kill", "kill -9 $PPID")
	b.applyElsewhere(cfg, route(2, 20_000))
	if text := b.read(b.file()); !strings.Contains(text, "epoch=2 ") {
		t.Fatalf("it was killed before it wrote\n%s", text)
	}
	b.write(filepath.Join(b.folder(), ".checkout.conf.77.tmp"), "half of a fi")
	serves(t, r, 1, 10_000)
	apply(t, r, route(2, 20_000))
	serves(t, r, 2, 20_000)
	// The very file that is to be, but not loaded.
	apply(t, r, route(3, 30_000))
	if left, _ := os.ReadDir(b.folder()); len(left) != 1 {
		t.Errorf("the folder holds %v", left)
	}
	third := b.read(b.file())
	b.write(b.file(), strings.ReplaceAll(old, "epoch=1 ", "epoch=3 "))
	b.reload()
	b.write(b.file(), third)
	serves(t, r, 1, 10_000)
	apply(t, r, route(3, 30_000))
	serves(t, r, 3, 30_000)
	// What is applied and served is not loaded again.
	before := b.workers()
	apply(t, r, route(3, 30_000))
	if now := b.workers(); fmt.Sprint(now) != fmt.Sprint(before) {
		t.Errorf("workers were %v and are %v", before, now)
	}
	// The file of a newer Linnet that was not loaded refuses older ones too.
	b.write(b.file(), strings.ReplaceAll(third, "epoch=3 ", "epoch=9 "))
	if err := r.Apply(t.Context(), route(4, 40_000)); !errors.Is(err, release.ErrConflict) {
		t.Errorf("older than the file: %v", err)
	}
}

// elsewhere is the variable that makes a test an Apply in a process of its own.
const elsewhere = "NGINX_TEST_APPLY"

// applyElsewhere applies a route in another process, which is killed in it.
func (b *bed) applyElsewhere(cfg nginx.Config, route release.Route) {
	b.t.Helper()
	work, err := json.Marshal(work{cfg, route})
	if err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestApplyElsewhere$")
	cmd.Env = append(os.Environ(), elsewhere+"="+string(work))
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Exited() {
		b.t.Fatalf("it was to be killed, and ended with %v: %s", err, out)
	}
}

type work struct {
	Config nginx.Config
	Route  release.Route
}

// TestApplyElsewhere is the other process of applyElsewhere.
func TestApplyElsewhere(t *testing.T) {
	text := os.Getenv(elsewhere)
	if text == "" {
		return
	}
	var w work
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		t.Fatal(err)
	}
	t.Error(router(t, w.Config).Apply(t.Context(), w.Route))
}

func TestSomebodyElsesFileIsLeftAlone(t *testing.T) {
	b := open(t)
	theirs := strings.Replace(b.read(b.file()), "# Written by Linnet", "# Mine", 1)
	b.write(b.file(), theirs)
	if err := router(t, b.cfg()).Apply(t.Context(), route(1, 10_000)); !errors.Is(err, release.ErrInvalid) || b.read(b.file()) != theirs {
		t.Errorf("%v", err)
	}
}

func TestAFolderThatMayNotBeWritten(t *testing.T) {
	b := open(t)
	r := router(t, b.cfg())
	if err := os.Chmod(b.folder(), 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(b.folder(), 0o700)
	if os.Getuid() == 0 { // root may all; this thread is somebody else on the disk
		for _, dir := range []string{b.dir, filepath.Dir(b.dir)} {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(b.file(), 0o644); err != nil {
			t.Fatal(err)
		}
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := syscall.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer syscall.Setfsuid(0)
	}
	if err := r.Apply(t.Context(), route(1, 10_000)); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "write there") {
		t.Errorf("%v", err)
	}
	serves(t, r, 0, 0)
}

// Two Linnets that write at the same time leave one route whole, and the newer
// one gets its way.
func TestTwoWriters(t *testing.T) {
	t.Parallel()
	b := open(t)
	one, two := router(t, b.cfg()), router(t, b.cfg())
	for round := range uint64(4) {
		older, newer := route(10*round+1, 10_000), route(10*round+2, 20_000)
		newer.Owner = "other/1"
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := one.Apply(t.Context(), older); errors.Is(err, release.ErrInvalid) || errors.Is(err, release.ErrNotFound) {
				t.Errorf("the older: %v", err)
			}
		})
		wg.Go(func() {
			if err := two.Apply(t.Context(), newer); errors.Is(err, release.ErrInvalid) || errors.Is(err, release.ErrNotFound) {
				t.Errorf("the newer: %v", err)
			}
		})
		wg.Wait()
		apply(t, two, newer)
		serves(t, one, 10*round+2, 20_000)
	}
}

func TestCommandsThatCannotBeRun(t *testing.T) {
	b := open(t)
	ours := b.read(b.file())
	for _, cfg := range []func(*nginx.Config){
		func(c *nginx.Config) { c.Test = []string{"/nowhere/nginx", "-t"} },
		func(c *nginx.Config) { c.Reload = []string{"no-such-program"} },
	} {
		c := b.cfg()
		cfg(&c)
		if err := router(t, c).Apply(t.Context(), route(1, 10_000)); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "name the command") {
			t.Errorf("%v", err)
		}
		if b.read(b.file()) != ours {
			t.Error("the old file is not back")
		}
	}
	t.Setenv("LINNET_TOKEN", "secret-of-ours")
	c := b.cfg()
	c.Reload = b.script("tells", "env >&2; exit 3")
	if err := router(t, c).Apply(t.Context(), route(1, 10_000)); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%v", err)
	}
}

// Something else that listens where nginx should is not taken for it.
func TestAStatusOfSomethingElse(t *testing.T) {
	b := open(t)
	cfg := b.cfg()
	cfg.Status = b.address
	if _, err := router(t, cfg).Observed(t.Context()); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "something else") {
		t.Errorf("%v", err)
	}
	cfg = b.cfg()
	cfg.Arms = []nginx.Arm{{Name: "a", Upstream: "x"}, {Name: "b", Upstream: "y"}}
	if _, err := router(t, cfg).Observed(t.Context()); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "none of the arms") {
		t.Errorf("%v", err)
	}
}

// ended is a context that ends while nobody waits on it.
type ended struct {
	context.Context
	now *atomic.Bool
}

func (e ended) Err() error {
	if e.now.Load() {
		return context.Canceled
	}
	return nil
}

// An Apply that runs out of time between looking and writing says so, since it
// has changed nothing.
func TestAnApplyThatRunsOutOfTime(t *testing.T) {
	ctx := ended{t.Context(), new(atomic.Bool)}
	status := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		ctx.now.Store(true)
		fmt.Fprint(w, "0  7 x")
	}))
	defer status.Close()
	r := router(t, nginx.Config{
		File: filepath.Join(t.TempDir(), "checkout.conf"), Status: status.Listener.Addr().String(), Service: service,
		Arms: []nginx.Arm{{release.Baseline, "x"}, {release.Candidate, "y"}},
	})
	if err := r.Apply(ctx, route(1, 10_000)); !errors.Is(err, release.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestConfigsThatCannotWork(t *testing.T) {
	for _, c := range []struct {
		says   string
		change func(*nginx.Config)
	}{
		{"file", func(c *nginx.Config) { c.File = "" }},
		{"service", func(c *nginx.Config) { c.Service = "" }},
		{"status", func(c *nginx.Config) { c.Status = "8442" }},
		{"status", func(c *nginx.Config) { c.Status = ":8442" }},
		{"status", func(c *nginx.Config) { c.Status = "a;b:1" }},
		{"variable", func(c *nginx.Config) { c.Variable = "a-b" }},
		{"variable", func(c *nginx.Config) { c.Service = strings.Repeat("x", 100) }},
		{"arms", func(c *nginx.Config) { c.Arms = c.Arms[:1] }},
		{"letters", func(c *nginx.Config) { c.Arms[1].Upstream = "a;b" }},
		{"letters", func(c *nginx.Config) { c.Arms[1].Name = "a b" }},
		{"twice", func(c *nginx.Config) { c.Arms[1].Upstream = c.Arms[0].Upstream }},
		{"twice", func(c *nginx.Config) { c.Arms[1].Name = c.Arms[0].Name }},
	} {
		cfg := nginx.Config{File: "/f", Status: "127.0.0.1:1", Service: service, Arms: []nginx.Arm{{"a", "x"}, {"b", "y"}}}
		c.change(&cfg)
		if _, err := nginx.New(cfg); !errors.Is(err, release.ErrInvalid) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%v, expected something about %q", err, c.says)
		}
	}
}
