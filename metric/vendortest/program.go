package vendortest

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/linnet-project/linnet/testprogram"
)

// launched is a program that a test starts.
type launched struct {
	name string
	env  []string
	// args are those for an address to listen on; ready is a path that it answers
	// as only it does.
	args  func(address string) []string
	ready string
	is    func(*http.Response) bool
}

// start runs a program until the test ends, and gives the address on which it
// answers. Somebody else may take a free address first: then it takes another.
func (l launched) start(t *testing.T) string {
	t.Helper()
	for range 5 {
		at := testprogram.Address(t)
		if l.answers(t, at) {
			return at
		}
	}
	t.Fatalf("%s ended five times", l.name)
	return ""
}

// answers starts the program, and tells whether it lived until it answered.
func (l launched) answers(t *testing.T, at string) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, l.name, l.args(at)...)
	cmd.Env = append(os.Environ(), l.env...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = cmd.Wait() // it was killed, or the address is taken
	}()
	t.Cleanup(func() {
		cancel()
		<-over
		if t.Failed() {
			t.Logf("%s said:\n%.4000s", l.name, said.String())
		}
	})
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		if resp, err := http.Get("http://" + at + l.ready); err == nil {
			ours := l.is(resp)
			resp.Body.Close()
			if ours {
				return true
			}
		}
		select {
		case <-again.C:
		case <-over:
			return false
		case <-deadline.C:
			t.Fatalf("%s does not answer %s%s", l.name, at, l.ready)
		}
	}
}
