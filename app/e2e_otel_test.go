package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testprogram"
)

// instrumented is a version of a service that knows OpenTelemetry and nothing
// else: it sends its spans over HTTP and its metrics over gRPC.
type instrumented struct {
	url       string
	tracer    trace.Tracer
	durations metric.Float64Histogram
	version   string
	failing   float64 // share of requests
	slow      time.Duration
}

// startInstrumented starts a version that sends to two addresses.
func startInstrumented(t *testing.T, s instrumented, overHTTP, overGRPC string) *instrumented {
	t.Helper()
	ctx := t.Context()
	of := resource.NewSchemaless(attribute.String("service.name", "orders"), attribute.String("service.version", s.version),
		attribute.String("service.instance.id", "orders-"+s.version))
	spans, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(overHTTP), otlptracehttp.WithInsecure())
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithEndpoint(overGRPC), otlpmetricgrpc.WithInsecure())
	if err != nil {
		t.Fatal(err)
	}
	traced := sdktrace.NewTracerProvider(sdktrace.WithResource(of), sdktrace.WithBatcher(spans, sdktrace.WithBatchTimeout(200*time.Millisecond)))
	measured := sdkmetric.NewMeterProvider(sdkmetric.WithResource(of),
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics, sdkmetric.WithInterval(400*time.Millisecond))))
	s.tracer = traced.Tracer("orders")
	s.durations, err = measured.Meter("orders").Float64Histogram("http.server.request.duration", metric.WithUnit("s"),
		metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: &s, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_, _ = traced.Shutdown(ctx), measured.Shutdown(ctx) // nobody may be there any more
	})
	s.url = "http://" + l.Addr().String()
	return &s
}

// ServeHTTP takes an order, within a span and with its duration measured.
func (s *instrumented) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	ctx, span := s.tracer.Start(r.Context(), "POST /orders", trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	status := http.StatusOK
	if rand.Float64() < s.failing {
		status = http.StatusInternalServerError
		span.SetStatus(codes.Error, "the order was lost")
	}
	if s.slow > 0 {
		select {
		case <-time.After(s.slow):
		case <-r.Context().Done():
		}
	}
	of := []attribute.KeyValue{
		attribute.String("http.request.method", r.Method), attribute.String("http.route", "/orders"), attribute.Int("http.response.status_code", status),
	}
	span.SetAttributes(of...)
	s.durations.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(of...))
	w.Header().Set(demo.VersionHeader, s.version)
	w.WriteHeader(status)
}

// The metrics of the releases: errors as the spans tell them, latency as the
// service measures it.
const ordersRelease = `
apiVersion: linnet/v1
kind: Release
metadata: { name: NAME }
spec:
  service: orders
  baseline:  { version: 1.0.0, labels: { version: 1.0.0 } }
  candidate: { version: 1.1.0, labels: { version: 1.1.0 } }
  traffic:
    proxy: TRAFFIC
  steps: [ { weight: 50%, atLeast: 2s, atMost: 5m } ]
  watch: 1s
  recovery: 1s
  analysis:
    source: SOURCE
    every: 1s
    delay: 4s
    warmUp: 1s
    blindFor: 5m
    falseRollback: 0.1%
    metrics:
      - { name: errors, ratio: { bad: 'linnet_requests_total{service="orders",outcome="error"}', of: 'linnet_requests_total{service="orders"}' }, exclude: EXCLUDE }
      - { name: latency, histogram: 'http_server_request_duration_seconds{service="orders"}', exclude: EXCLUDE }
`

// A service instrumented with OpenTelemetry's SDK alone, and no Prometheus
// anywhere: the release looks at what the service itself sends to it. A good
// version is promoted; a bad one is rolled back because of what is bad about it.
func TestReleasesOnOpenTelemetry(t *testing.T) {
	t.Parallel()
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {})) // before and after the release nobody listens
	for _, c := range []struct {
		name    string
		next    instrumented
		metric  string // that decides; none for a good version
		exclude string
		exit    int
	}{
		{"good", instrumented{}, "", "100x", 0},
		{"errors", instrumented{failing: 0.2}, "errors", "2x", 3},
		{"slow", instrumented{slow: 60 * time.Millisecond}, "latency", "2x", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := aFront(t)
			s := &shop{t: t, name: "orders", data: t.TempDir()}
			c.next.version = "1.1.0"
			s.baseURL = startInstrumented(t, instrumented{version: "1.0.0"}, f.overHTTP, f.overGRPC).url
			s.nextURL = startInstrumented(t, c.next, f.overHTTP, f.overGRPC).url
			s.split()
			users := s.visit(s.traffic, 250, 0)
			file := filepath.Join(s.data, "release.yaml")
			text := strings.NewReplacer("NAME", c.name, "TRAFFIC", s.remote(), "SOURCE", f.source, "EXCLUDE", c.exclude).Replace(ordersRelease)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			linnet(t, "run", "-f", file, "--data", s.data).exits(c.exit)

			id := journal.ID{Name: c.name, Attempt: 1}
			s.sound(id)
			want := release.Whole
			if c.metric != "" {
				want = 0
				d := decisions(s.records(id), engine.RollBack)
				if len(d) != 1 || d[0].Verdict == nil || d[0].Verdict.Metric != c.metric {
					t.Errorf("rolled back because of %+v, want metric %s", d, c.metric)
				}
			}
			if w := engine.CandidateWeight(s.served().Route); w != want {
				t.Errorf("the splitter serves %s of the candidate, want %s", engine.Percent(w), engine.Percent(want))
			}
			if stats := users.stop(); stats.Errors > 0 {
				t.Errorf("%d of %d requests broke", stats.Errors, stats.Due)
			}
		})
	}
}

// front is where the instrumented services send to, and how a release file names
// it as its source: the front door of `linnet run`.
type front struct {
	overHTTP, overGRPC string
	source             string
}

// aFront picks addresses for a front door, with windows that are over soon.
func aFront(t *testing.T) front {
	t.Helper()
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(rules, []byte("apiVersion: linnet/v1\nkind: Ingest\nspec: { time: { window: 1s, lateness: 1s } }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	addresses := [2]string{testprogram.Address(t), testprogram.Address(t)}
	return front{overHTTP: addresses[0], overGRPC: addresses[1], source: fmt.Sprintf("{ embedded: { receive: { listen: %q, grpc: %q, rules: %q } } }",
		addresses[0], addresses[1], rules)}
}
