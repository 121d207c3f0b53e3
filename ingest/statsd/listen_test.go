package statsd_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/statsd"
	"github.com/linnet-project/linnet/release"
)

// door is a front door that may be full.
type door struct {
	mu     sync.Mutex
	closed bool // whether it takes nothing
	events int
	ids    map[string]int
	came   chan struct{}
}

func (d *door) Receive(_ context.Context, b item.Batch) (item.Receipt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ids == nil {
		d.ids = map[string]int{}
	}
	d.ids[b.ID]++
	select {
	case d.came <- struct{}{}:
	default:
	}
	if d.closed {
		return item.Receipt{}, item.Busy{After: time.Second}
	}
	b.At = noon
	got, err := statsd.Decode(b)
	if b.Format != item.StatsD || b.Tenant != "shop" || !strings.HasPrefix(b.Sender, "statsd/") {
		err = errors.Join(err, fmt.Errorf("a batch of %s by %s: %w", b.Format, b.Sender, release.ErrInvalid))
	}
	d.events += len(got.Events)
	return item.Receipt{Accepted: len(got.Events)}, err
}

func (d *door) set(closed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = closed
}

func (d *door) took() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.events
}

// serve starts a listener; end stops it and waits for it.
func serve(t *testing.T, d *door, buffer int) (l *statsd.Listener, end func()) {
	t.Helper()
	l, err := statsd.Listen(t.Context(), statsd.Config{Address: "127.0.0.1:0", Door: d, Tenant: "shop", Buffer: buffer, Every: 10 * time.Millisecond, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Serve(ctx) }()
	return l, func() {
		t.Helper()
		stop()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("it does not end")
		}
	}
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatal("never: " + what)
		case <-tick.C:
		}
	}
}

func dial(t *testing.T, network string, l *statsd.Listener) net.Conn {
	t.Helper()
	conn, err := net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func send(t *testing.T, conn net.Conn, lines string) {
	t.Helper()
	if _, err := conn.Write([]byte(lines)); err != nil {
		t.Fatal(err)
	}
}

func TestBothNetworksAreHeard(t *testing.T) {
	d := &door{}
	l, end := serve(t, d, 0)
	defer end()
	send(t, dial(t, "udp", l), "order:1|c\norder:2|c")
	tcp := dial(t, "tcp", l)
	send(t, tcp, "order:1|c\nord")
	send(t, tcp, "er:1|c\n")
	until(t, "four events", func() bool { return d.took() == 4 })
}

func TestWhatIsLeftIsSentAtTheEnd(t *testing.T) {
	d := &door{closed: true, came: make(chan struct{}, 1)}
	l, end := serve(t, d, 0)
	send(t, dial(t, "udp", l), "order:1|c")
	<-d.came // offered, and not taken
	d.set(false)
	end()
	if d.took() != 1 || l.Stats().Dropped != 0 || l.Stats().Waiting != 0 {
		t.Errorf("%d events, %+v", d.took(), l.Stats())
	}
}

func TestAFullDoorDropsUDPAndHoldsTCPUp(t *testing.T) {
	d := &door{closed: true}
	l, end := serve(t, d, 2000)
	defer end()
	udp := dial(t, "udp", l)
	line := "order:1|c|#service:" + strings.Repeat("x", 80)
	until(t, "a drop", func() bool {
		_, _ = udp.Write([]byte(line)) // while its queue is full, the kernel drops too
		return l.Stats().Dropped > 0
	})
	if w := l.Stats().Waiting; w > 2000 {
		t.Errorf("%d bytes wait, more than the buffer", w)
	}
	figures, err := l.Metrics().Gather()
	if err != nil || len(figures) != 3 || figures[0].GetName() != "linnet_statsd_dropped_bytes_total" || figures[0].GetMetric()[0].GetCounter().GetValue() == 0 {
		t.Errorf("the metrics are %v, %v", figures, err)
	}
	const lines = 200
	tcp := dial(t, "tcp", l)
	send(t, tcp, strings.Repeat("tcp:1|c\n", lines))
	before := l.Stats().Bytes
	d.set(false)
	kept := int(before-l.Stats().Dropped) / (len(line) + 1)
	until(t, "all that was sent over TCP", func() bool { return d.took() >= lines+kept })
	d.mu.Lock()
	defer d.mu.Unlock()
	tries := 0
	for _, n := range d.ids {
		tries = max(tries, n)
	}
	if tries < 2 {
		t.Error("a batch that was not taken did not come again with its id")
	}
}

func TestAPortThatIsTaken(t *testing.T) {
	l, end := serve(t, &door{}, 0)
	defer end()
	if _, err := statsd.Listen(t.Context(), statsd.Config{Address: l.Addr().String(), Now: time.Now}); !errors.Is(err, release.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
