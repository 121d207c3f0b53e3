package demo_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/release"
)

// start serves until the test ends; the channel gives how Serve ended.
func start(t *testing.T, ctx context.Context, config demo.Config) (url string, ended <-chan error) {
	t.Helper()
	config.Listen = "127.0.0.1:0"
	ready, end := make(chan string, 1), make(chan error, 1)
	go func() { end <- demo.Serve(ctx, config, func(address string) { ready <- address }) }()
	select {
	case address := <-ready:
		return "http://" + address, end
	case err := <-end:
		t.Fatalf("ended before it was ready: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("not ready after 10 s")
	}
	return "", nil
}

func result(t *testing.T, ended <-chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("still serving after 10 s")
		return nil
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url, ended := start(t, ctx, demo.Config{Version: "v1"})
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if v := response.Header.Get(demo.VersionHeader); v != "v1" {
		t.Errorf("%s is %q", demo.VersionHeader, v)
	}
	cancel()
	if err := result(t, ended); err != nil {
		t.Errorf("ended with %v", err)
	}
	if _, err := http.Get(url); err == nil {
		t.Error("still answers after the end")
	}
}

func TestACrashEndsTheProcessAfterItsRequests(t *testing.T) {
	url, ended := start(t, t.Context(), demo.Config{Version: "v2", Fault: demo.Crash, CrashAfter: 20})
	answered := 0
	for range 40 {
		response, err := http.Get(url)
		if err != nil {
			break
		}
		response.Body.Close()
		answered++
	}
	if answered != 20 {
		t.Errorf("answered %d requests before the crash, want 20", answered)
	}
	if err := result(t, ended); !errors.Is(err, demo.ErrCrashed) {
		t.Errorf("ended with %v, want the crash", err)
	}
	if _, err := http.Get(url + "/healthz"); err == nil {
		t.Error("still answers after the crash")
	}
}

func TestServeTellsWhatIsWrong(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	err = demo.Serve(t.Context(), demo.Config{Listen: taken.Addr().String()}, nil)
	if !errors.Is(err, release.ErrUnavailable) {
		t.Errorf("an address in use: %v", err)
	}
	err = demo.Serve(t.Context(), demo.Config{Listen: "127.0.0.1:0", Fault: "slow"}, nil)
	if !errors.Is(err, release.ErrInvalid) {
		t.Errorf("an unknown fault: %v", err)
	}
}
