package statsd

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

// Door takes batches. An error that wraps release.ErrUnavailable may be none the
// next time: the same batch, with the same id, is then sent again.
type Door interface {
	Receive(ctx context.Context, b item.Batch) (item.Receipt, error)
}

// Config says where to listen and where to send.
type Config struct {
	// Address is host:port, for UDP and TCP alike; port 0 picks a free one.
	Address string
	Door    Door
	Tenant  string
	// Buffer is the most bytes that wait for the door; 0 for 4 MiB. What comes
	// besides is dropped and counted over UDP, and waits over TCP.
	Buffer int
	// Every is how often what came in goes to the door; 0 for a second.
	Every time.Duration
	// Now is the clock.
	Now func() time.Time
	// Logger hears of what is dropped; nil for nobody.
	Logger *slog.Logger
}

const (
	defaultBuffer = 4 << 20
	maxDatagram   = 64 << 10
	// maxSenders bounds the senders that are told apart, and maxConns those that
	// are connected over TCP at once.
	maxSenders = 1000
	maxConns   = 256
	// idle is how long a connection may say nothing.
	idle = 5 * time.Minute
	// receiveTimeout bounds how long one batch may take at the door, lastTimeout
	// how long all may at the end, and patience how long a batch is offered to a
	// door that is full before it is dropped.
	receiveTimeout = 10 * time.Second
	lastTimeout    = 5 * time.Second
	patience       = 30 * time.Second
	// crowdedFor is how long no connection is taken where the machine has too many.
	crowdedFor = time.Second
	// tellEvery is how often drops are logged.
	tellEvery = time.Minute
)

// Stats are what a listener has seen.
type Stats struct {
	// Bytes came in, Dropped of them were let go because the door was full: what
	// the kernel drops before that, nobody can count here.
	Bytes, Dropped int64
	// Waiting are the bytes that wait for the door.
	Waiting int64
}

// Listener listens.
type Listener struct {
	config Config
	udp    net.PacketConn
	tcp    net.Listener
	// prefix and number make the ids of batches.
	prefix string
	number int

	mu    sync.Mutex
	stats Stats
	// coming are the lines that came since the last batch, by sender.
	coming map[string][]byte
	// room is closed whenever there may be room again.
	room chan struct{}
	told time.Time
}

// pending is a batch that the door has not taken yet.
type pending struct {
	item.Batch
	since time.Time
}

// Listen opens the sockets. An error wraps release.ErrUnavailable.
func Listen(ctx context.Context, c Config) (*Listener, error) {
	if c.Buffer == 0 {
		c.Buffer = defaultBuffer
	}
	if c.Every == 0 {
		c.Every = time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("statsd: %w: %w", err, release.ErrUnavailable)
	}
	l := &Listener{config: c, prefix: "statsd-" + hex.EncodeToString(id[:]), coming: map[string][]byte{}, room: make(chan struct{})}
	// Both have the same port. One that the system chose for TCP may be taken for
	// UDP; another one will not.
	err := l.open(ctx)
	for try := 1; err != nil && strings.HasSuffix(c.Address, ":0") && try < 5; try++ {
		err = l.open(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("statsd: %w: %w", err, release.ErrUnavailable)
	}
	if u, ok := l.udp.(*net.UDPConn); ok {
		// The more the kernel holds, the fewer it drops; it may grant less.
		_ = u.SetReadBuffer(defaultBuffer)
	}
	return l, nil
}

func (l *Listener) open(ctx context.Context) (err error) {
	if l.tcp, err = new(net.ListenConfig).Listen(ctx, "tcp", l.config.Address); err != nil {
		return err
	}
	if l.udp, err = new(net.ListenConfig).ListenPacket(ctx, "udp", l.tcp.Addr().String()); err != nil {
		return errors.Join(err, l.tcp.Close())
	}
	return nil
}

// Addr is where it listens, over UDP and TCP.
func (l *Listener) Addr() net.Addr { return l.udp.LocalAddr() }

// Stats are what it has seen so far.
func (l *Listener) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats
}

// Metrics are the same figures, for a page of metrics.
func (l *Listener) Metrics() prometheus.Gatherer {
	r := prometheus.NewRegistry()
	counter := func(name, help string, of func(Stats) int64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "linnet_statsd_" + name, Help: help},
			func() float64 { return float64(of(l.Stats())) }))
	}
	counter("received_bytes_total", "Bytes that came in.", func(s Stats) int64 { return s.Bytes })
	counter("dropped_bytes_total", "Bytes that came over UDP while the front door was full, and were dropped.", func(s Stats) int64 { return s.Dropped })
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "linnet_statsd_waiting_bytes", Help: "Bytes that wait for the front door."},
		func() float64 { return float64(l.Stats().Waiting) }))
	return r
}

// Serve takes lines until the context ends, and then sends what is left to the
// door before it returns. An error wraps release.ErrUnavailable.
func (l *Listener) Serve(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var readers sync.WaitGroup
	failed := make(chan error, 2)
	readers.Go(func() { failed <- l.packets(); stop() })
	readers.Go(func() { failed <- l.accept(ctx); stop() })
	context.AfterFunc(ctx, func() { _, _ = l.udp.Close(), l.tcp.Close() })
	waiting := l.forward(ctx)
	stop()
	readers.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTimeout)
	defer cancel()
	l.give(last, append(waiting, l.batches()...))
	return errors.Join(<-failed, <-failed)
}

// forward sends what came in to the door, again and again, until the context
// ends. It gives back what the door has not taken.
func (l *Listener) forward(ctx context.Context) []pending {
	tick := time.NewTicker(l.config.Every)
	defer tick.Stop()
	var waiting []pending
	for {
		select {
		case <-ctx.Done():
			return waiting
		case <-tick.C:
			waiting = l.give(ctx, append(waiting, l.batches()...))
		}
	}
}

// batches makes batches of what came in.
func (l *Listener) batches() []pending {
	now := l.config.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []pending
	for sender, lines := range l.coming {
		l.number++
		out = append(out, pending{since: now, Batch: item.Batch{
			ID: fmt.Sprintf("%s-%d", l.prefix, l.number), Tenant: l.config.Tenant, Sender: sender, Format: item.StatsD, Body: lines,
		}})
	}
	l.coming = map[string][]byte{}
	return out
}

// give offers batches to the door, and gives back those that it may take later.
func (l *Listener) give(ctx context.Context, batches []pending) (later []pending) {
	for i, b := range batches {
		one, cancel := context.WithTimeout(ctx, receiveTimeout)
		_, err := l.config.Door.Receive(one, b.Batch)
		cancel()
		switch {
		case err == nil || !errors.Is(err, release.ErrUnavailable):
			// What is refused is in the quarantine.
			l.took(len(b.Body), 0)
		case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
			// The end comes: these are offered once more.
			return append(later, batches[i:]...)
		case ctx.Err() != nil || l.config.Now().Sub(b.since) > patience:
			l.took(len(b.Body), len(b.Body))
		default:
			later = append(later, b)
		}
	}
	return later
}

// took makes room for so many bytes, of which so many are lost.
func (l *Listener) took(n, lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Waiting -= int64(n)
	if lost > 0 {
		l.drop(lost)
	}
	close(l.room)
	l.room = make(chan struct{})
}

// drop counts what is lost, and says so now and then.
func (l *Listener) drop(n int) {
	l.stats.Dropped += int64(n)
	if now := l.config.Now(); now.Sub(l.told) >= tellEvery {
		l.told = now
		l.config.Logger.Warn("the front door is full, and StatsD that came over UDP is dropped", "bytes", l.stats.Dropped)
	}
}

// add keeps lines for the next batch. Where there is no room it gives what is
// closed when there may be.
func (l *Listener) add(sender string, lines []byte) (full <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stats.Waiting+int64(len(lines))+1 > int64(l.config.Buffer) {
		return l.room
	}
	if _, known := l.coming[sender]; !known && len(l.coming) >= maxSenders {
		sender = "statsd others"
	}
	l.stats.Bytes += int64(len(lines)) + 1
	l.stats.Waiting += int64(len(lines)) + 1
	l.coming[sender] = append(append(l.coming[sender], lines...), '\n')
	return nil
}

// packets reads datagrams until the socket is closed.
func (l *Listener) packets() error {
	buffer := make([]byte, maxDatagram)
	for {
		n, from, err := l.udp.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("statsd: %w: %w", err, release.ErrUnavailable)
		}
		if n > 0 && l.add(sender("udp", from), bytes.TrimRight(buffer[:n], "\n")) != nil {
			l.mu.Lock()
			l.stats.Bytes += int64(n)
			l.drop(n)
			l.mu.Unlock()
		}
	}
}

// crowdedErrors are those of a machine that has too much open for a moment. They end
// no listener: what else listens would end with it.
var crowdedErrors = []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM}

// accept serves connections until the socket is closed, and returns after the
// last of them.
func (l *Listener) accept(ctx context.Context) error {
	var conns sync.WaitGroup
	defer conns.Wait()
	places := make(chan struct{}, maxConns)
	for {
		conn, err := l.tcp.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case slices.ContainsFunc(crowdedErrors, func(crowded error) bool { return errors.Is(err, crowded) }):
			l.config.Logger.Error("no StatsD over TCP can be taken for a moment", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(crowdedFor):
			}
			continue
		case err != nil:
			return fmt.Errorf("statsd: %w: %w", err, release.ErrUnavailable)
		}
		select {
		case places <- struct{}{}:
		default:
			_ = conn.Close()
			continue
		}
		conns.Go(func() {
			defer func() { <-places }()
			l.lines(ctx, conn)
		})
	}
}

// lines reads a connection to its end, or the context's. While there is no room
// it reads nothing, and the sender has to wait.
func (l *Listener) lines(ctx context.Context, conn net.Conn) {
	end := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		if end() {
			_ = conn.Close()
		}
	}()
	r := bufio.NewReaderSize(conn, maxDatagram)
	from := sender("tcp", conn.RemoteAddr())
	for {
		_ = conn.SetReadDeadline(l.config.Now().Add(idle))
		line, err := r.ReadSlice('\n')
		for len(line) > 0 {
			full := l.add(from, line[:len(line)-tail(line)])
			if full == nil {
				break
			}
			select {
			case <-full:
			case <-ctx.Done():
				return
			}
		}
		// A line that does not fit the buffer comes in pieces, which are refused.
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

func tail(line []byte) int {
	if line[len(line)-1] == '\n' {
		return 1
	}
	return 0
}

// sender names where lines come from, for people.
func sender(network string, from net.Addr) string {
	address := from.String()
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	return "statsd/" + network + " " + address
}
