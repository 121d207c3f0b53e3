package exec_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// relay passes connections on to a server, or answers them itself.
type relay struct {
	at      string
	to      string
	own     atomic.Pointer[string]
	listen  net.Listener
	mu      sync.Mutex
	open    map[net.Conn]bool
	working sync.WaitGroup
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &relay{at: listen.Addr().String(), to: to, listen: listen, open: map[net.Conn]bool{}}
	l.working.Go(func() {
		for {
			c, err := listen.Accept()
			if err != nil {
				return
			}
			l.keep(c)
			l.working.Go(func() { l.serve(c) })
		}
	})
	t.Cleanup(l.close)
	return l
}

// instead answers with a text and hangs up, until the undo.
func (l *relay) instead(text string) (undo func()) {
	l.own.Store(&text)
	return func() { l.own.Store(nil) }
}

func (l *relay) serve(c net.Conn) {
	defer l.drop(c)
	if own := l.own.Load(); own != nil {
		_, _ = c.Read(make([]byte, 1024)) // what comes unread resets the connection
		_, _ = io.WriteString(c, *own)
		return
	}
	next, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	l.keep(next)
	defer l.drop(next)
	l.working.Go(func() {
		_, _ = io.Copy(next, c)
		_ = next.Close()
	})
	_, _ = io.Copy(c, next)
}

func (l *relay) keep(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[c] = true
}

func (l *relay) drop(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
	_ = c.Close()
}

// close ends it with all its connections.
func (l *relay) close() {
	_ = l.listen.Close()
	l.mu.Lock()
	for c := range l.open {
		_ = c.Close()
	}
	l.mu.Unlock()
	l.working.Wait()
}
