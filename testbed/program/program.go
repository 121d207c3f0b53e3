//go:build linux

// Package program starts the programs of the test bed, such as kube-apiserver
// or Prometheus, and sees to it that none outlives the test that started it.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Config says what to start.
type Config struct {
	// Path is the program's file, or a name to be found in PATH.
	Path string
	Args []string
	// Env is added to this process's environment.
	Env []string
	// Log is the file that takes what the program says, in both its streams.
	// ForTest makes one where it is empty.
	Log string
}

// Program is a process with its children.
type Program struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{}
	told atomic.Bool // an error holds the end of the log already
}

// Built is the path of a program that scripts/testbed builds.
func Built(name string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	path, err := filepath.EvalSymlinks(filepath.Join(root, "bin", "testbed", name))
	if err != nil {
		return "", fmt.Errorf("%s is not built (scripts/testbed %s): %w", name, name, err)
	}
	return path, nil
}

// Root is the folder of the repository: the first one upwards from the working
// directory that holds scripts/testbed.
func Root() (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := here; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "scripts", "testbed")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not within the repository", here)
		}
	}
}

// Start starts a program. It ends with Stop, or with this process, however that
// ends.
func Start(c Config) (*Program, error) {
	log, err := os.Create(c.Log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &Program{name: filepath.Base(c.Path), log: c.Log, cmd: exec.Command(c.Path, c.Args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = append(os.Environ(), c.Env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread ends that started the
		// child: this one has to stay.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // its state says how it ended
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	return p, nil
}

// ForTest starts a program that ends with the test at the latest; when the test
// fails, the end of what it said is shown.
func ForTest(t testing.TB, c Config) *Program {
	t.Helper()
	if c.Log == "" {
		c.Log = filepath.Join(t.TempDir(), "log")
	}
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() && !p.told.Load() {
			t.Log(p.Tail())
		}
	})
	return p
}

// Stop kills the program and its children, and returns when it is gone. None of
// them has anything to keep.
func (p *Program) Stop() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // an error says that it is gone
	<-p.done
}

// Signal sends a signal to the program alone.
func (p *Program) Signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

// Over tells whether the program has ended.
func (p *Program) Over() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Wait waits for the program's end and gives its exit code, -1 where a signal
// ended it.
func (p *Program) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("%s still runs: %w", p.name, ctx.Err())
	}
}

// Says waits until the program has said what matches, and gives the groups. The
// error comes with the end of what it said.
func (p *Program) Says(ctx context.Context, pattern *regexp.Regexp) (found []string, err error) {
	err = p.Until(ctx, "says "+pattern.String(), func(context.Context) bool {
		said, _ := os.ReadFile(p.log)
		found = pattern.FindStringSubmatch(string(said))
		return found != nil
	})
	return found, err
}

// Until waits for something that the program is to bring about. The error comes
// with the end of what it said.
func (p *Program) Until(ctx context.Context, what string, holds func(context.Context) bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		over := p.Over()
		switch {
		case holds(ctx):
			return nil
		case over:
			p.told.Store(true)
			return fmt.Errorf("%s ended (%s) before it %s:\n%s", p.name, p.cmd.ProcessState, what, p.Tail())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.told.Store(true)
			return fmt.Errorf("%s: waited for it until it %s: %w:\n%s", p.name, what, context.Cause(ctx), p.Tail())
		}
	}
}

// tail is how much of a log is shown when something went wrong.
const tail = 6000

// Tail is the end of what the program said.
func (p *Program) Tail() string {
	f, err := os.Open(p.log)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, size-tail), io.SeekStart)
	}
	said, _ := io.ReadAll(io.LimitReader(f, tail))
	return fmt.Sprintf("--- the end of what %s said:\n%s", p.name, said)
}
