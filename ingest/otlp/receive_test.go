package otlp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	grpcgzip "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/otlp"
	bodies "github.com/linnet-project/linnet/ingest/post"
	"github.com/linnet-project/linnet/release"
)

// door keeps batches and answers as it is told.
type door struct {
	mu      sync.Mutex
	batches []item.Batch
	receipt item.Receipt
	err     error
}

func (d *door) Receive(_ context.Context, b item.Batch) (item.Receipt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.batches = append(d.batches, b)
	return d.receipt, d.err
}

func (d *door) last(t *testing.T) item.Batch {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.batches) == 0 {
		t.Fatal("nothing came")
	}
	return d.batches[len(d.batches)-1]
}

// post sends a body and gives the answer.
func post(t *testing.T, d *door, path string, header map[string]string, body []byte) (*http.Response, []byte) {
	t.Helper()
	s := httptest.NewServer(otlp.Handler(otlp.Config{Receiver: d, Most: 1 << 20}))
	defer s.Close()
	r, err := http.NewRequest(http.MethodPost, s.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range header {
		r.Header.Set(name, v)
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, answer
}

var protobuf = map[string]string{"Content-Type": "application/x-protobuf"}

func gzipped(t *testing.T, b []byte) []byte {
	var to bytes.Buffer
	w := gzip.NewWriter(&to)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return to.Bytes()
}

func TestWhatIsPostedComesInAsProtobuf(t *testing.T) {
	batch := fromShop(t, shop(), sum(cumulative))
	parsed, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(batch.Body)
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(parsed)
	if err != nil {
		t.Fatal(err)
	}
	coder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		kind, encoding string
		body           []byte
	}{
		"plain": {"application/x-protobuf", "", batch.Body},
		"gzip":  {"application/x-protobuf", "gzip", gzipped(t, batch.Body)},
		"zstd":  {"application/x-protobuf", "zstd", coder.EncodeAll(batch.Body, nil)},
		"json":  {"application/json; charset=utf-8", "gzip", gzipped(t, asJSON)},
	} {
		d := &door{receipt: item.Receipt{Accepted: 2}}
		resp, answer := post(t, d, "/v1/metrics", map[string]string{"Content-Type": c.kind, "Content-Encoding": c.encoding}, c.body)
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(c.kind, resp.Header.Get("Content-Type")) {
			t.Errorf("%s: %s %s %s", name, resp.Status, resp.Header.Get("Content-Type"), answer)
			continue
		}
		if want := map[string]string{"json": "{}"}[name]; string(answer) != want {
			t.Errorf("%s: answered %q, want %q", name, answer, want)
		}
		got := d.last(t)
		if !bytes.Equal(got.Body, batch.Body) || got.Format != item.OTLPMetrics || got.Sender != "otlp/http 127.0.0.1" {
			t.Errorf("%s: %d bytes of %s came from %q, want the %d sent", name, len(got.Body), got.Format, got.Sender, len(batch.Body))
		}
	}
}

func TestTracesAsJSON(t *testing.T) {
	d := &door{}
	resp, _ := post(t, d, "/v1/traces", map[string]string{"Content-Type": "application/json"}, []byte(`{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
		"scopeSpans":[{"spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","name":"GET /","kind":2,
		"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000"}]}]}]}`))
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	got := spans(t, d.last(t))
	if len(got.Events) != 1 || got.Events[0].Service != "shop" || *got.Events[0].Seconds != 1 || got.Events[0].Trace != "5b8efff798038103d269b633813fc60c" {
		t.Errorf("%+v", got.Events)
	}
}

func TestPartialSuccess(t *testing.T) {
	d := &door{receipt: item.Receipt{Accepted: 8, Refused: 2, Refusals: []item.Refusal{{Code: item.TooOld, Text: "too old by an hour"}}}}
	_, answer := post(t, d, "/v1/metrics", protobuf, nil)
	m := pmetricotlp.NewExportResponse()
	if err := m.UnmarshalProto(answer); err != nil {
		t.Fatal(err)
	}
	if p := m.PartialSuccess(); p.RejectedDataPoints() != 2 || !strings.Contains(p.ErrorMessage(), "too old by an hour") {
		t.Errorf("rejected %d: %q", p.RejectedDataPoints(), p.ErrorMessage())
	}
	_, answer = post(t, d, "/v1/traces", map[string]string{"Content-Type": "application/json"}, []byte(`{}`))
	s := ptraceotlp.NewExportResponse()
	if err := s.UnmarshalJSON(answer); err != nil {
		t.Fatal(err)
	}
	if p := s.PartialSuccess(); p.RejectedSpans() != 2 || !strings.Contains(p.ErrorMessage(), "quarantined") {
		t.Errorf("rejected %d: %q", p.RejectedSpans(), p.ErrorMessage())
	}
}

func TestWhatIsNotTakenSaysWhy(t *testing.T) {
	bomb := gzipped(t, make([]byte, 2<<20))
	for name, c := range map[string]struct {
		header map[string]string
		body   []byte
		err    error
		status int
		code   codes.Code
	}{
		"busy":             {protobuf, nil, item.Busy{After: 1500 * time.Millisecond}, 429, codes.ResourceExhausted},
		"unreadable":       {protobuf, []byte("x"), fmt.Errorf("no protobuf: %w", release.ErrInvalid), 400, codes.InvalidArgument},
		"down":             {protobuf, nil, fmt.Errorf("no space left: %w", release.ErrUnavailable), 503, codes.Unavailable},
		"no JSON":          {map[string]string{"Content-Type": "application/json"}, []byte("{"), nil, 400, codes.InvalidArgument},
		"no text":          {map[string]string{"Content-Type": "application/json"}, []byte("{\xff\xfe"), nil, 400, codes.InvalidArgument},
		"too large":        {protobuf, make([]byte, 2<<20), nil, 413, codes.InvalidArgument},
		"too large inside": {map[string]string{"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}, bomb, nil, 413, codes.InvalidArgument},
		"not gzip":         {map[string]string{"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}, []byte("x"), nil, 400, codes.InvalidArgument},
		"brotli":           {map[string]string{"Content-Type": "application/x-protobuf", "Content-Encoding": "br"}, nil, nil, 415, codes.InvalidArgument},
	} {
		resp, answer := post(t, &door{err: c.err}, "/v1/traces", c.header, c.body)
		if resp.StatusCode != c.status {
			t.Errorf("%s: %s, want %d", name, resp.Status, c.status)
		}
		if c.header["Content-Type"] == "application/json" && !strings.Contains(string(answer), `"message":`) {
			t.Errorf("%s: answered %q, want why", name, answer)
		}
		var said spb.Status
		if resp.Header.Get("Content-Type") == "application/x-protobuf" {
			if err := proto.Unmarshal(answer, &said); err != nil || codes.Code(said.Code) != c.code || said.Message == "" {
				t.Errorf("%s: answered %q (%v), want code %s and why", name, answer, err, c.code)
			}
		}
		if after := resp.Header.Get("Retry-After"); (name == "busy") != (after == "2") {
			t.Errorf("%s: Retry-After %q", name, after)
		}
	}
	if resp, _ := post(t, &door{}, "/v1/traces", map[string]string{"Content-Type": "text/plain"}, nil); resp.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("text: %s", resp.Status)
	}
}

// dial serves a door over gRPC and connects to it.
func dial(t *testing.T, d *door) *grpc.ClientConn {
	t.Helper()
	return connect(t, serveGRPC(t, otlp.Config{Receiver: d, Most: 1 << 20}))
}

// serveGRPC serves a configuration over gRPC, at the address that it gives.
func serveGRPC(t *testing.T, c otlp.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := otlp.NewServer(c)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func connect(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestOverGRPC(t *testing.T) {
	d := &door{receipt: item.Receipt{Accepted: 1, Refused: 1}}
	conn := dial(t, d)
	batch := fromShop(t, shop(), sum(cumulative))
	request := pmetricotlp.NewExportRequest()
	if err := request.UnmarshalProto(batch.Body); err != nil {
		t.Fatal(err)
	}
	answer, err := pmetricotlp.NewGRPCClient(conn).Export(metadata.AppendToOutgoingContext(t.Context(), "x-scope-orgid", "shop"), request, grpc.UseCompressor(grpcgzip.Name))
	if err != nil || answer.PartialSuccess().RejectedDataPoints() != 1 {
		t.Fatalf("%+v, %v", answer.PartialSuccess(), err)
	}
	if got := d.last(t); !bytes.Equal(got.Body, batch.Body) || got.Format != item.OTLPMetrics || got.Sender != "otlp/grpc 127.0.0.1" || got.Tenant != "shop" {
		t.Errorf("%d bytes of %s came from %q, want the %d sent", len(got.Body), got.Format, got.Sender, len(batch.Body))
	}

	traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(spanned(t, func(ptrace.Span) {}).Body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ptraceotlp.NewGRPCClient(conn).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(traces)); err != nil {
		t.Fatal(err)
	}
	if got := spans(t, d.last(t)); len(got.Events) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestOverGRPCWhatIsNotTakenSaysWhy(t *testing.T) {
	for want, err := range map[codes.Code]error{
		codes.ResourceExhausted: item.Busy{After: 3 * time.Second},
		codes.InvalidArgument:   fmt.Errorf("no: %w", release.ErrInvalid),
		codes.Unavailable:       fmt.Errorf("later: %w", release.ErrUnavailable),
	} {
		_, got := pmetricotlp.NewGRPCClient(dial(t, &door{err: err})).Export(t.Context(), pmetricotlp.NewExportRequest())
		if status.Code(got) != want {
			t.Errorf("%v: %v, want %s", err, got, want)
		}
		var wait time.Duration
		for _, detail := range status.Convert(got).Details() {
			if info, ok := detail.(*errdetails.RetryInfo); ok {
				wait = info.RetryDelay.AsDuration()
			}
		}
		if (want == codes.ResourceExhausted) != (wait == 3*time.Second) {
			t.Errorf("%v: says to wait %s", err, wait)
		}
	}
}

// However many connect, no more requests are read at once than there may be, one
// that is opened and not sent makes room again after its time, and who is turned
// away is told when to come again.
func TestOverGRPCManyAtOnce(t *testing.T) {
	address := serveGRPC(t, otlp.Config{Receiver: &door{}, AtOnce: 1, Timeout: 3 * time.Second})
	first, second := connect(t, address), connect(t, address)
	stream, err := first.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export")
	if err != nil {
		t.Fatal(err)
	}
	export := func() error {
		_, err := pmetricotlp.NewGRPCClient(second).Export(t.Context(), pmetricotlp.NewExportRequest())
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- stream.RecvMsg(&spb.Status{}) }()
	// The first may not have come when the second is asked.
	var turned error
	for turned = export(); turned == nil; turned = export() {
		if t.Context().Err() != nil {
			t.Fatal("nobody is turned away")
		}
	}
	said := status.Convert(turned)
	if said.Code() != codes.ResourceExhausted || len(said.Details()) != 1 {
		t.Fatalf("turned away with %v, %v", turned, said.Details())
	}
	if err := <-ended; status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("what is never sent ends with %v", err)
	}
	for err := export(); err != nil; err = export() {
		if status.Code(err) != codes.ResourceExhausted {
			t.Fatal(err)
		}
	}
}

// Calls that are not sent to their end take no room of the others but their turn,
// which the others wait for.
func TestOverGRPCOneIsReadAtATime(t *testing.T) {
	address := serveGRPC(t, otlp.Config{Receiver: &door{}, Reading: 1})
	first, second := connect(t, address), connect(t, address)
	stream, err := first.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export")
	if err != nil {
		t.Fatal(err)
	}
	export := func(wait time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		defer cancel()
		_, err := pmetricotlp.NewGRPCClient(second).Export(ctx, pmetricotlp.NewExportRequest())
		return err
	}
	// The first may not have come when the second is asked.
	for err = export(200 * time.Millisecond); err == nil; err = export(200 * time.Millisecond) {
		if t.Context().Err() != nil {
			t.Fatal("nobody waits")
		}
	}
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("who has to wait ends with %v", err)
	}
	later := make(chan error, 1)
	go func() { later <- export(time.Minute) }()
	if err := errors.Join(stream.SendMsg(&spb.Status{}), stream.CloseSend(), stream.RecvMsg(&spb.Status{})); err != nil {
		t.Fatal(err)
	}
	if err := <-later; err != nil {
		t.Errorf("when it is its turn: %v", err)
	}
}

// What was read takes of the room that all bodies share, and gives it back.
func TestOverGRPCBodiesShareTheRoom(t *testing.T) {
	batch := fromShop(t, shop(), sum(cumulative))
	request := pmetricotlp.NewExportRequest()
	if err := request.UnmarshalProto(batch.Body); err != nil {
		t.Fatal(err)
	}
	room := bodies.NewRoom(int64(len(batch.Body)))
	client := pmetricotlp.NewGRPCClient(connect(t, serveGRPC(t, otlp.Config{Receiver: &door{}, Room: room})))
	for range 3 {
		if _, err := client.Export(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	give, err := room.Take(1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Export(t.Context(), request); status.Code(err) != codes.ResourceExhausted || len(status.Convert(err).Details()) != 1 {
		t.Errorf("where there is no room: %v", err)
	}
	give()
	if _, err := client.Export(t.Context(), request); err != nil {
		t.Error(err)
	}
}
