package app

import (
	"errors"
	"net"
	"testing"
	"time"
)

// Beyond its bound a listener takes no connection until one is closed, and closing
// it ends the wait.
func TestConnectionsAreBounded(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limited(inner, 1)
	type taken struct {
		conn net.Conn
		err  error
	}
	accepted := make(chan taken)
	go func() {
		for {
			conn, err := l.Accept()
			accepted <- taken{conn, err}
			if err != nil {
				return
			}
		}
	}()
	for range 2 {
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	first := <-accepted
	select {
	case second := <-accepted:
		t.Fatalf("a second is taken: %+v", second)
	case <-time.After(100 * time.Millisecond):
	}
	if _, ok := first.conn.(interface{ CloseWrite() error }); !ok {
		t.Error("net/http cannot close its side of one alone")
	}
	_ = first.conn.Close()
	_ = first.conn.Close() // counts once
	if second := <-accepted; second.err != nil {
		t.Fatal(second.err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if last := <-accepted; !errors.Is(last.err, net.ErrClosed) {
		t.Errorf("after its end: %+v", last)
	}
}

// The addresses of a door are bounded so.
func TestTheDoorsAddressesAreBounded(t *testing.T) {
	d, _ := aDoor(t, t.TempDir())
	for _, l := range []net.Listener{d.http, d.grpc} {
		if bounded, ok := l.(*limitedListener); !ok || cap(bounded.room) != mostConnections {
			t.Errorf("%s takes any number of connections", l.Addr())
		}
	}
}
