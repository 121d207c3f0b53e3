package exec_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	linnetexec "github.com/linnet-project/linnet/traffic/exec"
	"github.com/linnet-project/linnet/traffic/split"
)

// script is a router of a shell script of that text, and its folder.
func script(t *testing.T, text string, change func(*linnetexec.Config)) (split.Router, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "it.sh"), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	cfg := linnetexec.Config{
		Rules:   split.Rules{Service: service, Arms: arms[:2], Abilities: []release.Ability{release.Leases, release.Readiness}},
		Command: []string{"./it.sh", "--pool", "a b; exit 9"}, Folder: dir,
	}
	if change != nil {
		change(&cfg)
	}
	router, err := linnetexec.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return router, dir
}

func route() release.Route {
	return release.Route{Service: service, Weights: split.Of(arms[:2], []release.Weight{90_000, 10_000}), Epoch: 7, Owner: "checkout-1.5.0/1"}
}

// TestWhatTheCommandGets is what the docs promise: its arguments as they are,
// then the operation; the request; PATH, HOME and the variables named.
func TestWhatTheCommandGets(t *testing.T) {
	t.Setenv("POOL", "blue")
	t.Setenv("LINNET_TOKEN", "secret")
	router, dir := script(t, `printf '%s\n' "$@" >args; env | cut -d= -f1 | sort >env; cat >stdin`,
		func(c *linnetexec.Config) { c.Env = []string{"POOL"} })
	if err := router.Apply(t.Context(), route()); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := read("args"); got != "--pool\na b; exit 9\napply\n" {
		t.Errorf("arguments are %q", got)
	}
	for _, name := range strings.Fields(read("env")) {
		switch name {
		case "PATH", "HOME", "POOL", "PWD", "SHLVL", "OLDPWD", "_": // the shell's own, too
		default:
			t.Errorf("it got the variable %s", name)
		}
	}
	var got bytes.Buffer
	if err := json.Compact(&got, []byte(read("stdin"))); err != nil {
		t.Fatal(err)
	}
	const want = `{"version":1,"operation":"apply","service":"checkout","arms":["baseline","candidate"],` +
		`"route":{"weights":[{"arm":"baseline","weight":90000},{"arm":"candidate","weight":10000}],"epoch":7,"owner":"checkout-1.5.0/1"}}`
	if got.String() != want {
		t.Errorf("the request is\n%s, expected\n%s", got.String(), want)
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		text    string
		meaning error
		says    string
	}{
		{"exit 40", release.ErrInvalid, "exit status 40"},
		{"exit 44", release.ErrNotFound, "exit status 44"},
		{"exit 49", release.ErrConflict, "exit status 49"},
		{"exit 1", release.ErrUnavailable, "exit status 1"},
		{"exit 2", release.ErrUnavailable, "exit status 2"},
		{"kill -TERM $$", release.ErrUnavailable, "signal: terminated"},
		{`echo "pool a is gone" >&2; exit 44`, release.ErrNotFound, "it said: pool a is gone"},
		{`echo '{"code":"conflict","error":"epoch 7 is stale"}'`, release.ErrConflict, "epoch 7 is stale"},
		{`echo '{"code":"conflict","error":"epoch 7 is stale"}'; exit 1`, release.ErrConflict, "epoch 7 is stale"},
		{`printf '\033[31mred\033[0m\nalert' >&2; exit 1`, release.ErrUnavailable, "it said: [31mred [0m alert"},
		{`yes | head -c 100000`, release.ErrInvalid, "more than 65536 bytes"},
	} {
		router, _ := script(t, c.text, nil)
		err := router.Apply(t.Context(), route())
		if !errors.Is(err, c.meaning) || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "command ./it.sh: apply: ") {
			t.Errorf("%s: %v, expected %q with %q", c.text, err, c.meaning, c.says)
		}
	}
}

// TestSecretsStayInside, however they come out and wherever what is kept begins.
func TestSecretsStayInside(t *testing.T) {
	const secret = "s3cr3t-0123456789-s3cr3t"
	t.Setenv("SECRET", secret+"\n")
	for n := range 40 {
		text := `i=0; while [ $i -lt 60 ]; do printf '%s' "$SECRET" >&2; printf '%0` + strconv.Itoa(n+1) + `d' 0 >&2; i=$((i+1)); done; exit 1`
		router, _ := script(t, text, func(c *linnetexec.Config) { c.Env = []string{"SECRET"} })
		err := router.Apply(t.Context(), route())
		if err == nil || strings.Contains(err.Error(), secret[len(secret)-6:]) || strings.Contains(err.Error(), secret[:6]) {
			t.Fatalf("after %d: %v", n, err)
		}
	}
	router, _ := script(t, `echo "{\"code\":\"invalid\",\"error\":\"$SECRET\"}" | tr -d '\n'`, func(c *linnetexec.Config) { c.Env = []string{"SECRET"} })
	if err := router.Apply(t.Context(), route()); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("in its answer: %v", err)
	}
}

// TestTheWholeGroupEnds with the context, and with the timeout: what the command
// started does not live on.
func TestTheWholeGroupEnds(t *testing.T) {
	const text = `sleep 600 & echo $! >new; mv new child; sleep 600`
	for name, limit := range map[string]time.Duration{"context": time.Hour, "timeout": 2 * time.Second} {
		router, dir := script(t, text, func(c *linnetexec.Config) { c.Timeout = limit })
		child := filepath.Join(dir, "child")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- router.Apply(ctx, route()) }()
		eventually(t, name+": the child begins", func() bool { _, err := os.Stat(child); return err == nil })
		if name == "context" {
			cancel()
		}
		var err error
		select {
		case err = <-done:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: apply does not end", name)
		}
		if !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "killed: ") {
			t.Errorf("%s: %v", name, err)
		}
		eventually(t, name+": the child ends", func() bool { return gone(pid(t, child)) })
	}
}

// gone tells whether a process has ended, whether or not anybody asked after it.
func gone(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(rest, "Z")
}

func pid(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("%s: did not come", what)
		case <-tick.C:
		}
	}
}

// TestWhatIsLeftRunning keeps nobody waiting: an answer that is there counts.
func TestWhatIsLeftRunning(t *testing.T) {
	router, dir := script(t, `sleep 600 & echo $! >child; echo '{"route":{"weights":[{"arm":"baseline","weight":100000}]}}'`, nil)
	seen, err := router.Observed(t.Context())
	if err != nil || seen.Route.Weights[0].Weight != release.Whole {
		t.Errorf("%+v, %v", seen, err)
	}
	if err := syscall.Kill(pid(t, filepath.Join(dir, "child")), syscall.SIGKILL); err != nil {
		t.Errorf("what it left running is not there any more: %v", err)
	}
}

func TestRenewAndReady(t *testing.T) {
	router, dir := script(t, `cat >"$3"; if [ "$3" = ready ]; then echo "no pod is up" >&2; exit 49; fi`, nil)
	renewer := router.(interface {
		Renew(context.Context, string, uint64, time.Duration) error
	})
	if err := renewer.Renew(t.Context(), "checkout-1.5.0/1", 7, 90*time.Second); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "renew"))
	if want := `"arms":["baseline","candidate"],"owner":"checkout-1.5.0/1","epoch":7,"lease":90}`; err != nil || !strings.HasSuffix(string(text), want) {
		t.Errorf("renew is asked by %s (%v)", text, err)
	}
	err = router.(interface {
		Ready(context.Context, string) error
	}).Ready(t.Context(), release.Candidate)
	if !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "no pod is up") {
		t.Errorf("ready: %v", err)
	}
	text, err = os.ReadFile(filepath.Join(dir, "ready"))
	if err != nil || !strings.HasSuffix(string(text), `"arm":"candidate"}`) {
		t.Errorf("ready is asked by %s (%v)", text, err)
	}
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "plain"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cfg     linnetexec.Config
		meaning error
		says    string
	}{
		{linnetexec.Config{}, release.ErrInvalid, "command is empty"},
		{linnetexec.Config{Command: []string{"no-such-program"}}, release.ErrNotFound, "no-such-program"},
		{linnetexec.Config{Command: []string{"./no-such"}, Folder: dir}, release.ErrNotFound, dir},
		{linnetexec.Config{Command: []string{"./plain"}, Folder: dir}, release.ErrInvalid, "permission denied"},
		{linnetexec.Config{Command: []string{"sh"}, Env: []string{"NOT_SET_ANYWHERE"}}, release.ErrInvalid, "NOT_SET_ANYWHERE is not set"},
		{linnetexec.Config{Command: []string{"sh"}, Timeout: -1}, release.ErrInvalid, "timeout"},
	} {
		if _, err := linnetexec.New(c.cfg); !errors.Is(err, c.meaning) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, expected %q with %q", c.cfg, err, c.meaning, c.says)
		}
	}
}

// TestAProgramThatDisappears later is told as such.
func TestAProgramThatDisappears(t *testing.T) {
	router, dir := script(t, "exit 0", nil)
	if err := os.Remove(filepath.Join(dir, "it.sh")); err != nil {
		t.Fatal(err)
	}
	if err := router.Apply(t.Context(), route()); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("apply: %v", err)
	}
}
