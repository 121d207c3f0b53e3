package ingest_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"

	"github.com/linnet-project/linnet/ingest"
	"github.com/linnet-project/linnet/ingest/event"
	"github.com/linnet-project/linnet/ingest/fold"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/otlp"
	"github.com/linnet-project/linnet/ingest/remotewrite"
	"github.com/linnet-project/linnet/ingest/rules"
	"github.com/linnet-project/linnet/metric/tsdb"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/testprogram"
)

// serveOfBench names what this process is to be, door or bare, and dirOfBench
// its folder.
const (
	serveOfBench = "LINNET_BENCH_SERVE"
	dirOfBench   = "LINNET_BENCH_DIR"
)

// server is a process that takes what is sent.
type server struct {
	name string
	url  string
	pid  int
}

// startSelf starts this program again: as a "door" with everything that one has,
// which is decoders, rules, log, fold and store; or as the "bare" store that the
// door has, fed the way Prometheus feeds its own, as the version that is our
// library does it.
func startSelf(b *testing.B, what string) server {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	p := exec.Command(self, "-test.run=^TestServeForBench$", "-test.timeout=0")
	p.Env = append(os.Environ(), serveOfBench+"="+what, dirOfBench+"="+b.TempDir())
	p.Stderr = os.Stderr
	in, err := p.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := p.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close() // it ends when nobody is there any more
		_ = p.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("the %s did not start: %v", what, err)
	}
	return server{name: what, url: "http://" + strings.TrimSpace(address), pid: p.Process.Pid}
}

// TestServeForBench is what startSelf starts. It is no test unless a benchmark
// started it.
func TestServeForBench(t *testing.T) {
	what, dir := os.Getenv(serveOfBench), os.Getenv(dirOfBench)
	if what == "" {
		return
	}
	store, err := tsdb.Open(tsdb.Config{Dir: filepath.Join(dir, "store"), OutOfOrder: time.Hour, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	handler := bare(store)
	if what == "door" {
		door := openDoor(t, filepath.Join(dir, "door"), store)
		defer door.Close()
		handler = front(door)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(l.Addr())
	served := make(chan error, 1)
	go func() { served <- http.Serve(l, handler) }()
	_, _ = io.Copy(io.Discard, os.Stdin) // until the benchmark is over
	_ = l.Close()
	<-served
}

func openDoor(t *testing.T, dir string, store *tsdb.Store) *ingest.Door {
	checked, err := rules.New(spec.DefaultIngest())
	if err != nil {
		t.Fatal(err)
	}
	var remote remotewrite.Decoder
	door, err := ingest.Open(t.Context(), ingest.Config{
		Dir: dir, Store: store, Rules: ruled{checked}, Quarantine: fatal{}, Now: time.Now,
		Decoders: map[item.Format]ingest.Decoder{
			item.OTLPMetrics: otlp.Metrics, item.OTLPTraces: otlp.Spans{}.Decode,
			item.RemoteWrite: remote.V1, item.RemoteTwo: remote.V2, item.EventsJSON: event.NDJSON,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return door
}

// front serves a door.
func front(door *ingest.Door) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v1/", otlp.Handler(otlp.Config{Receiver: door}))
	mux.Handle("/api/v1/write", remotewrite.Handler(remotewrite.Config{Receiver: door}))
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = door.Receive(r.Context(), item.Batch{Format: item.EventsJSON, Body: body})
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	return mux
}

// bare takes remote write 1 into a store, with no more around it than what must
// be: decompress, decode, check the labels, append, commit.
func bare(store *tsdb.Store) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := write(r.Context(), store, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
}

func write(ctx context.Context, store *tsdb.Store, from io.Reader) error {
	zipped, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	body, err := s2.Decode(nil, zipped)
	if err != nil {
		return err
	}
	var request prompb.WriteRequest
	if err := request.Unmarshal(body); err != nil {
		return err
	}
	app := store.Appender(ctx)
	build := labels.NewScratchBuilder(0)
	for _, series := range request.Timeseries {
		ls := series.ToLabels(&build, nil)
		if _, twice := ls.HasDuplicateLabelNames(); twice || !ls.IsValid(model.UTF8Validation) {
			return fmt.Errorf("bad labels %s", ls)
		}
		for _, s := range series.Samples {
			if _, err := app.Append(0, ls, s.Timestamp, s.Value); err != nil {
				return err
			}
		}
	}
	return app.Commit()
}

// ruled are the default rules, with room for the series of the benchmarks.
type ruled struct{ *rules.Rules }

func (ruled) Terms() fold.Terms {
	terms := fold.Defaults()
	terms.Series = 1_000_000
	return terms
}

// fatal is a quarantine for a benchmark, of which nothing may be refused.
type fatal struct{}

func (fatal) Sync() error { return nil }

func (fatal) Put(_ context.Context, _ item.Batch, refused []item.Refusal) error {
	fmt.Fprintf(os.Stderr, "refused: %d, %s: %s\n", len(refused), refused[0].Code, refused[0].Text)
	os.Exit(1)
	return nil
}

// startPrometheus starts a bare Prometheus that takes remote write.
func startPrometheus(b *testing.B) server {
	b.Helper()
	p := testprogram.NewPrometheus(b, "global: { scrape_interval: 1m }\n", "--web.enable-remote-write-receiver")
	p.Start(b)
	return server{name: "prometheus", url: p.URL, pid: p.Process.Pid}
}

// cpu is the processor time that a process has used, of user and system, in
// seconds; Linux counts it in hundredths.
func (s server) cpu(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.pid))
	if err != nil {
		b.Skipf("processor time is read from /proc: %v", err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	ticks := 0
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return float64(ticks) / 100
}

// memory is the largest that a process has been, in MiB.
func (s server) memory(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	n, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(n) / 1024
}
