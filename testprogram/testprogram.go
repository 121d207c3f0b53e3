// Package testprogram starts programs for tests: real ones that are installed on
// this machine, which end with the test.
//
// Where a program is not installed the test is skipped and says so, but not with
// CI set in the environment: it must install it.
package testprogram

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds the start of a program: a machine with other work is slow.
const patience = time.Minute

// Find returns the path of a program that Debian's package has, or else skips the
// test. It looks into folders, whose names may be patterns, and then along PATH:
// Debian leaves some out of it, and others' wrappers may be in it.
func Find(t testing.TB, name, packet string, folders ...string) string {
	t.Helper()
	for _, folder := range folders {
		found, _ := filepath.Glob(filepath.Join(folder, name)) // the pattern is ours
		if len(found) > 0 {
			return found[len(found)-1]
		}
	}
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed (apt-get install %s), and CI must not skip the tests with it", name, packet)
	}
	if err != nil {
		t.Skipf("%s is not installed (apt-get install %s): the test with it is skipped", name, packet)
	}
	return path
}

// Address is host:port that nobody listens on, on a loopback address of its own:
// nobody else gets the port before it is used, nor while its program is restarted.
func Address(t testing.TB) string {
	t.Helper()
	own := fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
	l, err := net.Listen("tcp", own)
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0") // not every system has them all
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Running is a program that runs.
type Running struct {
	// Process is the program's, for those who measure it or stop it for a while.
	Process *os.Process
	over    chan struct{}
}

// Start starts a program, and waits until it answers a GET of a URL as it should.
func Start(t testing.TB, ready, path string, args ...string) *Running {
	t.Helper()
	said := &transcript{}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := &Running{Process: cmd.Process, over: make(chan struct{})}
	go func() {
		defer close(r.over)
		_ = cmd.Wait() // it is ended by the test
	}()
	t.Cleanup(func() {
		r.Kill()
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(path), said)
		}
	})
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	client := &http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	for {
		if answer, err := client.Get(ready); err == nil {
			_ = answer.Body.Close() // nothing is read
			if answer.StatusCode == http.StatusOK {
				return r
			}
		}
		select {
		case <-r.over:
			t.Fatalf("%s ended", path)
		case <-deadline:
			t.Fatalf("%s is not ready after %s", path, patience)
		case <-tick.C:
		}
	}
}

// Kill ends the program at once.
func (r *Running) Kill() {
	_ = r.Process.Kill() // it may be gone
	<-r.over
}

// transcript is the beginning of what a program says.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text.Len() < 8000 {
		s.text.Write(p)
	}
	return len(p), nil
}

// String implements fmt.Stringer.
func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
