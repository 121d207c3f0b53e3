//go:build linux

package program

import (
	"net"
	"os"
	"testing"
)

// Front is this machine's address in the network that scripts/netns makes. All
// other addresses of 10.99.0.0/16 lead here too.
const Front = "10.99.0.1"

// Address is where a test's programs should listen: Front, or 127.0.0.1 where
// this process has no network of its own.
func Address() string {
	l, err := net.Listen("tcp", Front+":0")
	if err != nil {
		return "127.0.0.1"
	}
	l.Close()
	return Front
}

// NeedsAddresses skips a test that cannot do with 127.0.0.1, such as one where
// pods have addresses of their own: it has to run within scripts/netns, as make
// test-kube does. In CI it fails.
func NeedsAddresses(t testing.TB) {
	t.Helper()
	if Address() == Front {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("this test needs addresses of its own (scripts/netns), and CI must not skip it")
	}
	t.Skip("skipped: this test needs addresses of its own (scripts/netns)")
}
