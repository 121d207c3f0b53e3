package app_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// children are the processes that a process has started and that still run.
func children(t *testing.T, pid int) []string {
	t.Helper()
	out, err := exec.Command("ps", "-o", "pid=", "--ppid", fmt.Sprint(pid)).Output()
	if err != nil && len(out) > 0 {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// The whole demo: a good version is promoted and a bad one rolled back, within
// the time that it promises.
func TestDemo(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	p := linnet(t, "demo")
	p.says(`good-1.1.0  attempt 1  PROMOTED`)
	p.says(`bad-1.2.0  attempt 1  ROLLED BACK`)
	p.exits(0)
	said := p.said.String()
	matches(t, said, `Rolled back from step \d of 2 .*: errors: `, `the load saw \d+ requests, \d+ of them failed`)
	t.Log(said)
	if took := time.Since(begun); took > 90*time.Second {
		t.Errorf("the demo took %s, and promises 90s:\n%s", took, said)
	}
}

// Ctrl-C in the middle of the demo aborts its release: the traffic is on the
// baseline when it ends, and nothing of it is left.
func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	p := linnet(t, "demo")
	traffic := p.says(`traffic on (http://\S+)`)[1]
	p.says(`the provider serves 10 %`)
	services := children(t, p.cmd.Process.Pid)
	if len(services) != 2 {
		t.Errorf("the demo has the processes %v, want two services", services)
	}
	p.signal(syscall.SIGINT)
	p.exits(5)
	matches(t, p.said.String(), `interrupted: the traffic is on the baseline`, `good-1.1.0  attempt 1  ABORTED`, `candidate +1.1.0 at 0 %`)
	for _, pid := range services {
		if state, err := os.ReadFile(filepath.Join("/proc", pid, "stat")); err == nil && !regexp.MustCompile(`\) Z `).Match(state) {
			t.Errorf("process %s of the demo still runs", pid)
		}
	}
	if got := answers(t, traffic, 1); got[""] != 1 {
		t.Errorf("the demo's splitter still answers: %v", got)
	}
	if left, err := os.ReadDir(p.temp); err != nil || len(left) > 0 {
		t.Errorf("the demo left %v behind (%v)", left, err)
	}
}
