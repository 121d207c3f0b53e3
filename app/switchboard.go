package app

import (
	"net"
	"sync"
)

// switchboard hands the connections of one listener to whoever serves them now,
// so that the splitter behind an address can be exchanged without a connection
// being refused.
type switchboard struct {
	net.Listener
	mu  sync.Mutex
	now *outlet
}

// outlet is the listener that a splitter sees.
type outlet struct {
	addr   net.Addr
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

// next gives a listener that gets all connections from now on.
func (b *switchboard) next() *outlet {
	o := &outlet{addr: b.Addr(), conns: make(chan net.Conn), closed: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = o
	return o
}

func (b *switchboard) current() *outlet {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

// run hands out connections until the listener is closed.
func (b *switchboard) run() error {
	for {
		conn, err := b.Accept()
		if err != nil {
			return err
		}
		b.hand(conn)
	}
}

// hand gives a connection to the splitter of now; where that one closes, to its
// successor, if there is one.
func (b *switchboard) hand(conn net.Conn) {
	for {
		to := b.current()
		select {
		case to.conns <- conn:
			return
		case <-to.closed:
			if b.current() == to {
				_ = conn.Close() // nobody serves any more
				return
			}
		}
	}
}

// Accept implements net.Listener.
func (o *outlet) Accept() (net.Conn, error) {
	select {
	case conn := <-o.conns:
		return conn, nil
	case <-o.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (o *outlet) Close() error {
	o.once.Do(func() { close(o.closed) })
	return nil
}

// Addr implements net.Listener.
func (o *outlet) Addr() net.Addr { return o.addr }
