package statsd

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/linnet-project/linnet/ingest/item"
)

// crowdedOnce is a listener of a machine that has too many files open at first.
type crowdedOnce struct {
	net.Listener
	done bool
}

func (c *crowdedOnce) Accept() (net.Conn, error) {
	if !c.done {
		c.done = true
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return c.Listener.Accept()
}

type came chan string

func (c came) Receive(_ context.Context, b item.Batch) (item.Receipt, error) {
	c <- string(b.Body)
	return item.Receipt{}, nil
}

// A machine that has too many files open for a moment does not end the listener,
// and with it the whole door.
func TestTooManyFilesForAMoment(t *testing.T) {
	took := make(came, 1)
	l, err := Listen(t.Context(), Config{Address: "127.0.0.1:0", Door: took, Now: time.Now, Every: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	l.tcp = &crowdedOnce{Listener: l.tcp}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Serve(ctx) }()
	conn, err := net.Dial("tcp", l.tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Write([]byte("a:1|c\n"))
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
	select {
	case body := <-took:
		if body != "a:1|c\n" {
			t.Errorf("%q came", body)
		}
	case err := <-ended:
		t.Fatalf("it ended: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("nothing came")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
