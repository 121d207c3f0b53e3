package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/linnet-project/linnet/calm"
	"github.com/linnet-project/linnet/ingest"
	"github.com/linnet-project/linnet/ingest/event"
	"github.com/linnet-project/linnet/ingest/forward"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/otlp"
	"github.com/linnet-project/linnet/ingest/post"
	"github.com/linnet-project/linnet/ingest/quarantine"
	"github.com/linnet-project/linnet/ingest/remotewrite"
	"github.com/linnet-project/linnet/ingest/rules"
	"github.com/linnet-project/linnet/ingest/statsd"
	"github.com/linnet-project/linnet/metric/tsdb"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// doorConfig says where a front door listens and what it belongs to.
type doorConfig struct {
	spec.Receive
	rules         spec.Ingest
	data, service string
	store         *tsdb.Store
	log           *slog.Logger
	// queries says whether it answers the store's queries too.
	queries bool
}

// frontDoor is a door with all that listens for it.
type frontDoor struct {
	door       *ingest.Door
	quarantine *quarantine.Quarantine
	forward    *forward.Forward // nil where nothing is forwarded
	http       net.Listener
	grpc       net.Listener     // nil for none
	statsd     *statsd.Listener // nil for none

	over  <-chan struct{} // something ended by itself
	stop  context.CancelFunc
	group *errgroup.Group
	ends  []func(context.Context) error
}

// doorFolder is the folder of a service's door.
func doorFolder(data, service string) string { return filepath.Join(data, "ingest-"+service) }

// readRules reads a file of rules; the defaults where there is none.
func readRules(file string) (spec.Ingest, error) {
	if file == "" {
		return spec.DefaultIngest(), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return spec.Ingest{}, fmt.Errorf("rules: %w: %w", err, release.ErrInvalid)
	}
	return spec.ParseIngest(file, text)
}

// storeConfig is what a store needs to take what a door's rules let in.
func storeConfig(in spec.Ingest, log *slog.Logger) tsdb.Config {
	return tsdb.Config{
		RetentionBytes: in.Store.Size, Logger: log, Now: time.Now,
		// The sample of a window is a little older than what it counts.
		OutOfOrder: in.TooOld + in.Future + in.Lateness + 3*in.Window,
	}
}

func openStore(c tsdb.Config) (*tsdb.Store, error) {
	if err := os.MkdirAll(filepath.Dir(c.Dir), 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	c.Logger = calm.Log(c.Logger)
	return tsdb.Open(c)
}

// decoders read each format by the rules of a file.
func decoders(in spec.Ingest) map[item.Format]ingest.Decoder {
	writes := &remotewrite.Decoder{}
	return map[item.Format]ingest.Decoder{
		item.EventsJSON:  event.NDJSON,
		item.EventsCSV:   event.CSV,
		item.StatsD:      statsd.Decode,
		item.OTLPMetrics: otlp.Metrics,
		item.OTLPTraces:  otlp.Spans{Fields: slices.Concat(in.Fields, slices.Sorted(maps.Keys(in.Rename)))}.Decode,
		item.RemoteWrite: writes.V1,
		item.RemoteTwo:   writes.V2,
	}
}

// openDoor opens a door on a store and listens for it.
func openDoor(opening context.Context, c doorConfig) (_ *frontDoor, err error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(opening))
	group, ctx := errgroup.WithContext(ctx)
	d := &frontDoor{over: ctx.Done(), stop: stop, group: group}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close(0))
		}
	}()
	held, err := rules.New(c.rules)
	if err != nil {
		return nil, err
	}
	dir := doorFolder(c.data, c.service)
	if d.quarantine, err = quarantine.Open(quarantine.Config{
		Dir: filepath.Join(dir, "quarantine"), For: c.rules.Quarantine.For, Size: c.rules.Quarantine.Size, Now: time.Now, Logger: c.log,
	}); err != nil {
		return nil, err
	}
	group.Go(func() error { d.tidy(ctx); return nil })
	if f := c.rules.Forward; f != nil {
		if d.forward, err = forward.Start(c.store, forward.Config{
			URL: f.URL, Username: f.Username, PasswordFile: f.PasswordFile, BearerTokenFile: f.BearerTokenFile, Headers: f.Headers,
			CAFile: f.CAFile, CertFile: f.CertFile, KeyFile: f.KeyFile, ServerName: f.ServerName, Insecure: f.Insecure,
			Timeout: f.Timeout, Logger: c.log,
		}); err != nil {
			return nil, err
		}
	}
	if d.door, err = ingest.Open(opening, ingest.Config{
		Dir: dir, Store: c.store, Rules: held, Decoders: decoders(c.rules), Quarantine: d.quarantine, Logger: c.log, Now: time.Now,
		Limits: ingest.Limits{Batch: int(c.rules.Limits.Batch)},
	}); err != nil {
		return nil, err
	}
	if err := d.listen(ctx, c); err != nil {
		return nil, err
	}
	if open := d.open(); len(open) > 0 {
		c.log.Warn("the front door can be reached from other machines, and asks nobody who they are; keep it on a loopback address, or behind a firewall or a proxy that asks",
			"addresses", strings.Join(open, ", "))
	}
	return d, nil
}

// tidyEvery is how often the quarantine is looked through for what is too old.
const tidyEvery = time.Hour

// tidy keeps the quarantine in bounds until the context ends.
func (d *frontDoor) tidy(ctx context.Context) {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.quarantine.Tidy()
		}
	}
}

// listen opens the door's addresses.
func (d *frontDoor) listen(ctx context.Context, c doorConfig) (err error) {
	if c.StatsD != "" {
		if err := d.listenStatsD(ctx, c); err != nil {
			return err
		}
	}
	if d.http, err = new(net.ListenConfig).Listen(ctx, "tcp", c.Listen); err != nil {
		return fmt.Errorf("receive: %w: %w", err, release.ErrInvalid)
	}
	d.http = limited(d.http, mostConnections)
	bodies := post.NewRoom(max(mostReading, 2*c.rules.Limits.Batch))
	server := &http.Server{
		Handler: d.handler(c, bodies), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: queueTime, WriteTimeout: 2 * queueTime,
		IdleTimeout: idleTime, MaxHeaderBytes: 64 << 10, BaseContext: func(net.Listener) context.Context { return ctx },
	}
	d.group.Go(func() error {
		if err := server.Serve(d.http); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	d.ends = append(d.ends, func(ctx context.Context) error {
		if err := server.Shutdown(ctx); err != nil {
			return server.Close()
		}
		return nil
	})
	if c.GRPC != "" {
		return d.listenGRPC(ctx, c, bodies)
	}
	return nil
}

func (d *frontDoor) listenStatsD(ctx context.Context, c doorConfig) (err error) {
	if d.statsd, err = statsd.Listen(ctx, statsd.Config{Address: c.StatsD, Door: d.door, Now: time.Now, Logger: c.log}); err != nil {
		return err
	}
	lines, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	d.group.Go(func() error {
		defer close(done)
		return d.statsd.Serve(lines)
	})
	d.ends = append(d.ends, func(context.Context) error {
		stop()
		<-done // it sends what is left to the door, for some seconds at most
		return nil
	})
	return nil
}

func (d *frontDoor) listenGRPC(ctx context.Context, c doorConfig, bodies *post.Room) (err error) {
	if d.grpc, err = new(net.ListenConfig).Listen(ctx, "tcp", c.GRPC); err != nil {
		return fmt.Errorf("receive: grpc: %w: %w", err, release.ErrInvalid)
	}
	d.grpc = limited(d.grpc, mostConnections)
	most := c.rules.Limits.Batch
	server := otlp.NewServer(otlp.Config{
		Receiver: d.door, Most: most, AtOnce: mostRequests, Timeout: queueTime,
		Reading: int(max(1, mostReading/most)), Room: bodies,
	}, grpc.MaxConcurrentStreams(mostRequests/4), grpc.ConnectionTimeout(5*time.Second), grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: idleTime}))
	d.group.Go(func() error {
		if err := server.Serve(d.grpc); !errors.Is(err, grpc.ErrServerStopped) {
			return err
		}
		return nil // it was closed before it began
	})
	d.ends = append(d.ends, func(ctx context.Context) error {
		defer context.AfterFunc(ctx, server.Stop)()
		server.GracefulStop()
		return nil
	})
	return nil
}

// mostRequests bounds the requests that are read at once, and mostReading what
// their bodies hold together, in bytes, where no batch needs more. mostConnections
// bounds the connections of an address, and idleTime how long one is kept on which
// nothing comes.
const (
	mostRequests    = 256
	mostReading     = 128 << 20
	mostConnections = 1024
	idleTime        = 2 * time.Minute
)

// handler is all that the door serves over HTTP.
func (d *frontDoor) handler(c doorConfig, room *post.Room) http.Handler {
	mux := http.NewServeMux()
	most := c.rules.Limits.Batch
	mux.Handle(event.Path, crowded(http.StatusTooManyRequests, room, event.Handler(d.door, most)))
	signals := crowded(http.StatusTooManyRequests, room, otlp.Handler(otlp.Config{Receiver: d.door, Most: most}))
	mux.Handle("/v1/metrics", signals)
	mux.Handle("/v1/traces", signals)
	// A Prometheus throws away what is answered with 429.
	mux.Handle("/api/v1/write", crowded(http.StatusServiceUnavailable, room, remotewrite.Handler(remotewrite.Config{Receiver: d.door, Most: most})))
	figures := prometheus.Gatherers{d.door.Metrics()}
	if d.forward != nil {
		figures = append(figures, d.forward.Metrics())
	}
	if d.statsd != nil {
		figures = append(figures, d.statsd.Metrics())
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(figures, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /v1/status", d.status)
	mux.HandleFunc("GET /healthz", d.healthy)
	if c.queries {
		mux.Handle("/api/v1/", c.store.Handler())
	}
	return mux
}

// crowded turns requests away with a status while many are under way; their
// bodies share what room there is. What was read whole is finished whether or not
// its sender still listens: net/http takes one that closed its own side, and waits
// for the answer, for one that went away.
func crowded(status int, bodies *post.Room, next http.Handler) http.Handler {
	room := make(chan struct{}, mostRequests)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), queueTime)
			defer cancel()
			r, done := bodies.Let(r.WithContext(ctx))
			defer done()
			next.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "the front door is full; try again in 1s", status)
		}
	})
}

// healthy answers 200 while every part of the door works, else 503 and what does
// not.
func (d *frontDoor) healthy(w http.ResponseWriter, _ *http.Request) {
	var ill []string
	for part, text := range d.door.Status().Ill {
		ill = append(ill, part+": "+text)
	}
	if len(ill) > 0 {
		http.Error(w, strings.Join(ill, "\n"), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// doorStatus is how a door is, as JSON.
type doorStatus struct {
	Accepted     uint64            `json:"accepted"`
	Repeated     uint64            `json:"repeated"`
	SampledOut   uint64            `json:"sampledOut"`
	Refused      map[string]uint64 `json:"refused"`
	QueueBatches int               `json:"queueBatches"`
	QueueBytes   int               `json:"queueBytes"`
	LogBytes     int64             `json:"logBytes"`
	OpenWindows  int               `json:"openWindows"`
	ClosedUntil  *time.Time        `json:"closedUntil,omitempty"`
	Checkpoint   *time.Time        `json:"checkpoint,omitempty"`
	Series       map[string]int    `json:"series"`
	Remembered   int               `json:"rememberedIds"`
	Senders      []doorSender      `json:"senders"`
	Ill          map[string]string `json:"ill"`
}

type doorSender struct {
	Name     string    `json:"name"`
	Last     time.Time `json:"last"`
	Accepted uint64    `json:"accepted"`
	Refused  uint64    `json:"refused"`
}

func (d *frontDoor) status(w http.ResponseWriter, _ *http.Request) {
	s := d.door.Status()
	out := doorStatus{
		Accepted: s.Accepted, Repeated: s.Repeated, SampledOut: s.Sampled, Refused: map[string]uint64{},
		QueueBatches: s.QueueBatches, QueueBytes: s.QueueBytes, LogBytes: s.LogBytes, OpenWindows: s.Open,
		ClosedUntil: some(s.Closed), Checkpoint: some(s.Checkpoint), Series: s.Series, Remembered: s.Seen,
		Senders: []doorSender{}, Ill: s.Ill,
	}
	for code, n := range s.Counts.Refused {
		out.Refused[string(code)] = n
	}
	for _, one := range s.Senders {
		out.Senders = append(out.Senders, doorSender(one))
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out) // who went away needs no answer
}

func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// listening are the addresses at which it listens.
func (d *frontDoor) listening() (all []doorAddress) {
	all = append(all, doorAddress{"http", d.http.Addr()})
	if d.grpc != nil {
		all = append(all, doorAddress{"grpc", d.grpc.Addr()})
	}
	if d.statsd != nil {
		all = append(all, doorAddress{"statsd", d.statsd.Addr()})
	}
	return all
}

// doorAddress is one address of a door.
type doorAddress struct {
	scheme string
	addr   net.Addr
}

// String writes it down for people.
func (l doorAddress) String() string { return l.scheme + "://" + l.addr.String() }

// addresses are where it listens, for people.
func (d *frontDoor) addresses() string {
	var all []string
	for _, l := range d.listening() {
		all = append(all, l.String())
	}
	return strings.Join(all, ", ")
}

// open are those of its addresses that other machines can reach.
func (d *frontDoor) open() (all []string) {
	for _, l := range d.listening() {
		if at, err := netip.ParseAddrPort(l.addr.String()); err != nil || !at.Addr().IsLoopback() {
			all = append(all, l.String())
		}
	}
	return all
}

// close lets what is under way finish, for a while, and closes everything but the
// store.
func (d *frontDoor) close(wait time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	var errs []error
	for _, end := range d.ends {
		errs = append(errs, end(ctx))
	}
	d.stop()
	errs = append(errs, d.group.Wait())
	if d.door != nil {
		errs = append(errs, d.door.Close())
	}
	if d.quarantine != nil {
		errs = append(errs, d.quarantine.Close())
	}
	if d.forward != nil {
		errs = append(errs, d.forward.Close())
	}
	return errors.Join(errs...)
}
