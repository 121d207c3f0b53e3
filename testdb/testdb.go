// Package testdb starts database servers for tests: real ones, each on a free
// port of this machine with a folder of its own, which end with the test.
//
// Where a server is not installed the test is skipped and says so, but not with
// CI set in the environment: it must install them.
package testdb

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Server is a server that runs.
type Server struct {
	// Host and Port are where it listens.
	Host string
	Port int
	// User may do everything, with Password.
	User     string
	Password string
	// CAFile holds the certificate that its own is checked against, for who asks
	// for an encrypted connection.
	CAFile string
}

// Address is host:port.
func (s Server) Address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// patience bounds the start of a server: a machine with other work is slow.
const patience = time.Minute

const password = "p0ssw0rd of the tests"

// home is a folder for a server, and who it runs as: servers refuse root.
type home struct {
	dir string
	as  *syscall.Credential
}

func newHome(t testing.TB) home {
	t.Helper()
	// Not TempDir: what lies above it is closed to others.
	dir, err := os.MkdirTemp("", "linnet-db-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	h := home{dir: dir}
	if os.Getuid() != 0 {
		return h
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err1 := strconv.ParseUint(nobody.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(nobody.Gid, 10, 32)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	h.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		t.Fatal(err)
	}
	return h
}

// write puts a file there that the server may read.
func (h home) write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func (h home) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = h.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.dir, "TMPDIR=" + h.dir, "TZ=UTC", "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: h.as, Setpgid: true}
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// once runs a program to its end.
func (h home) once(t testing.TB, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if said, err := h.command(ctx, program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%.4000s", program, err, said)
	}
}

// serve runs a program until the test ends, and waits until it is ready.
func (h home) serve(t testing.TB, ready func(context.Context) error, program string, args ...string) {
	t.Helper()
	h.start(t, ready, program, args...)
}

// running is a server that was started.
type running struct {
	process *os.Process
	over    chan struct{}
}

// stop sends a signal, and waits for the end.
func (r running) stop(t testing.TB, signal os.Signal) {
	t.Helper()
	_ = r.process.Signal(signal) // it may be gone
	select {
	case <-r.over:
	case <-time.After(patience):
		t.Fatalf("a server does not end after %s", signal)
	}
}

// start is serve for a server that is to be stopped meanwhile.
func (h home) start(t testing.TB, ready func(context.Context) error, program string, args ...string) running {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	cmd := h.command(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) } // at once: nobody needs the data
	said := &transcript{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = cmd.Wait() // it is ended by us
	}()
	t.Cleanup(func() {
		end()
		<-over
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(program), said)
		}
	})
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		err := ready(ctx)
		cancel()
		if err == nil {
			return running{cmd.Process, over}
		}
		select {
		case <-over:
			t.Fatalf("%s ended", program)
		case <-deadline:
			t.Fatalf("%s is not ready after %s: %v", program, patience, err)
		case <-tick.C:
		}
	}
}

// transcript is the end of what a server says.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text.Len() < 1<<20 {
		s.text.Write(p)
	}
	return len(p), nil
}

// String implements fmt.Stringer.
func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.text.String()
	return all[max(0, len(all)-4000):]
}

// freePort is a port that nobody has.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func number(name string, n int) string { return fmt.Sprintf("--%s=%d", name, n) }
