package app_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/linnet-project/linnet/app"
)

// The end-to-end tests run real processes. This file starts, watches and ends
// them; each story has a file of its own.

// aToken is the admin API's token in the tests.
const aToken = "a-token-of-the-tests"

// patience bounds every wait for something that takes a moment; a machine with
// other work must not fail a test.
const patience = 90 * time.Second

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("waited %s for %s", patience, what)
		case <-tick.C:
		}
	}
}

// transcript is what a process has said so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// program is a process that a test started.
type program struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	said *transcript
	gone chan struct{}
	temp string // where it keeps what it needs for a while
}

// linnet starts this test's binary as linnet, so that with -race the processes
// are watched too. What it says in two streams is kept as one.
func linnet(t *testing.T, args ...string) *program {
	t.Helper()
	return linnetAs(t, aToken, args...)
}

// linnetAs starts it with another token in its environment.
func linnetAs(t *testing.T, token string, args ...string) *program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	// The race detector would keep each process for a second at its end.
	cmd.Env = append(os.Environ(), "LINNET_TEST_PROCESS=1", "LINNET_TOKEN="+token, "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	temp := t.TempDir()
	cmd.Env = append(cmd.Env, "TMPDIR="+temp)
	p := launch(t, cmd)
	p.temp = temp
	return p
}

// launch starts a program, which ends with the test at the latest.
func launch(t *testing.T, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{t: t, name: cmd.Args[len(cmd.Args)-1], cmd: cmd, said: new(transcript), gone: make(chan struct{})}
	if len(cmd.Args) > 1 {
		p.name = cmd.Args[1]
	}
	cmd.Stdout, cmd.Stderr = p.said, p.said
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.gone)
		_ = cmd.Wait() // its state says how it ended
	}()
	t.Cleanup(func() {
		p.kill()
		said := p.said.String()
		if strings.Contains(said, "DATA RACE") || strings.Contains(said, "panic:") || strings.Contains(said, "goroutine 1 [") {
			t.Errorf("%s broke:\n%s", p.name, said)
		} else if t.Failed() {
			t.Logf("%s said:\n%s", p.name, said[max(0, len(said)-6000):])
		}
	})
	return p
}

// says waits until the program has said what matches, and returns the groups.
func (p *program) says(pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	eventually(p.t, p.name+" to say "+pattern, func() bool {
		over := p.over()
		found = re.FindStringSubmatch(p.said.String())
		if found == nil && over {
			p.t.Fatalf("%s ended (%s) and never said %s", p.name, p.cmd.ProcessState, pattern)
		}
		return found != nil
	})
	return found
}

func (p *program) over() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// signal sends a signal; a program that has ended gets none.
func (p *program) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("%s: %v", p.name, err)
	}
}

// kill ends the program as a power cut would, and tells whether that is what
// ended it.
func (p *program) kill() bool {
	p.signal(syscall.SIGKILL)
	<-p.gone
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// exits waits for the program's end and holds its exit code to the one wanted.
func (p *program) exits(want int) {
	p.t.Helper()
	select {
	case <-p.gone:
	case <-time.After(patience):
		p.t.Fatalf("%s still runs after %s", p.name, patience)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != want {
		p.t.Fatalf("%s: exit code %d, want %d", p.name, got, want)
	}
}

// call runs a quick verb in this process and returns its exit code and all it
// said.
func call(args ...string) (code int, said string) {
	var out bytes.Buffer
	err := app.Main(args, strings.NewReader(""), &out, &out)
	return app.ExitCode(err), out.String()
}

// expect holds a quick verb to an exit code, and what it says to patterns.
func expect(t *testing.T, code int, args []string, patterns ...string) {
	t.Helper()
	got, said := call(args...)
	if got != code {
		t.Errorf("linnet %s: exit code %d, want %d:\n%s", strings.Join(args, " "), got, code, said)
	}
	matches(t, said, patterns...)
}

// matches holds a text to patterns.
func matches(t *testing.T, text string, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(text) {
			t.Errorf("does not say %q:\n%s", pattern, text)
		}
	}
}
