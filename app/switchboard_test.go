package app

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// While what is behind an address is exchanged, again and again, every request is
// answered, and in the end by the last.
func TestSwitchboardLosesNoConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	board := &switchboard{Listener: l}
	var old *http.Server
	var going sync.WaitGroup
	defer going.Wait()
	ctx := context.WithoutCancel(t.Context())
	change := func(name string) {
		next := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })}
		outlet := board.next()
		go func() { _ = next.Serve(outlet) }()
		if last := old; last != nil {
			going.Go(func() {
				<-time.After(300 * time.Millisecond) // who has connected sends a request first
				if err := last.Shutdown(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		old = next
	}
	change("first")
	done := make(chan error, 1)
	go func() { done <- board.run() }()
	changed := make(chan struct{})
	go func() {
		defer close(changed)
		for range 20 {
			change("another")
		}
		change("last")
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func() string {
		got, err := client.Get("http://" + l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		text, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for range 200 {
		if text := ask(); text == "" {
			t.Error("an empty answer")
		}
	}
	<-changed
	if text := ask(); text != "last" {
		t.Errorf("answered by %q", text)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	<-done
	if err := old.Close(); err != nil {
		t.Error(err)
	}
}
