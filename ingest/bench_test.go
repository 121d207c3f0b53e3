package ingest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// What the benchmarks send: requests of 2,000 things from 4 senders at once; the
// samples are of 10,000 series with 8 labels each.
const (
	senders    = 4
	perRequest = 2000
	perSender  = 2500 // series
)

// request is the n-th request of a sender, and how it is posted.
type request struct {
	path string
	kind string
	// encoding is "" where it is not compressed.
	encoding string
	body     func(sender, n int) []byte
}

// BenchmarkRemoteWrite sends the same, by remote write 1, to the front door, to a
// bare Prometheus (the real program), and to the bare store of the version that
// is our library, in turn.
func BenchmarkRemoteWrite(b *testing.B) {
	beside(b, request{"/api/v1/write", "application/x-protobuf", "snappy", writeV1}, startSelf(b, "door"), startPrometheus(b), startSelf(b, "bare"))
}

// BenchmarkFrontDoor sends each kind of data to a front door of its own.
func BenchmarkFrontDoor(b *testing.B) {
	const protobuf = "application/x-protobuf"
	for name, r := range map[string]request{
		"remote-write-2": {"/api/v1/write", protobuf + ";proto=io.prometheus.write.v2.Request", "snappy", writeV2},
		"otlp-metrics":   {"/v1/metrics", protobuf, "", otlpMetrics},
		"otlp-spans":     {"/v1/traces", protobuf, "", otlpSpans},
		"ndjson-events":  {"/events", "application/x-ndjson", "", ndjson},
	} {
		b.Run(name, func(b *testing.B) { beside(b, r, startSelf(b, "door")) })
	}
}

// beside sends requests to all servers in turn, and reports what each of them
// took in a second of processor time; the generator's own does not count.
func beside(b *testing.B, r request, servers ...server) {
	const warm = 4 // requests of each sender that bring the series
	send := func(from, to int) {
		var all sync.WaitGroup
		for sender := range senders {
			all.Go(func() {
				for n := from; n < to; n++ {
					body := r.body(sender, n)
					for _, s := range servers {
						if err := r.post(s.url, body); err != nil {
							b.Error(err)
							return
						}
					}
				}
			})
		}
		all.Wait()
	}
	send(0, warm)
	before := make([]float64, len(servers))
	for i, s := range servers {
		before[i] = s.cpu(b)
	}
	b.ResetTimer()
	rounds := (b.N + senders - 1) / senders
	send(warm, warm+rounds)
	b.StopTimer()
	rates := make([]float64, len(servers))
	for i, s := range servers {
		rates[i] = float64(rounds*senders*perRequest) / max(s.cpu(b)-before[i], 0.005)
		b.ReportMetric(rates[i], s.name+"/core-s")
		b.ReportMetric(s.memory(b), s.name+"-MiB")
		if i > 0 {
			b.ReportMetric(rates[0]/rates[i], "x-"+s.name)
		}
	}
	b.ReportMetric(0, "ns/op") // mostly the generator's
}

func (r request) post(url string, body []byte) error {
	q, err := http.NewRequest(http.MethodPost, url+r.path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", r.kind)
	if r.encoding != "" {
		q.Header.Set("Content-Encoding", r.encoding)
	}
	if r.encoding == "snappy" {
		q.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %.300s", resp.Status, said)
	}
	return err
}

// each calls f for what is in a request: a series, and the time of its sample.
// The series of a sender come in turn, a second apart, from ten minutes ago.
func each(sender, n int, f func(labels.Labels, int64, float64)) {
	for i := range perRequest {
		at := n*perRequest + i
		t := start() + int64(at/perSender)*100
		f(seriesOf(sender, at%perSender), t, float64(at))
	}
}

// start is the time of the first samples, in milliseconds.
var start = sync.OnceValue(func() int64 { return time.Now().Add(-40 * time.Minute).UnixMilli() })

// known are the series, made once.
var known = sync.OnceValue(func() (all [senders * perSender]labels.Labels) {
	for i := range all {
		all[i] = labels.FromStrings("__name__", fmt.Sprintf("http_server_requests_%d_total", i%50), "job", "shop",
			"instance", fmt.Sprintf("10.1.%d.%d:8080", i/2500, i/250%10), "version", fmt.Sprintf("1.%d.0", i/5000),
			"method", "GET", "code", fmt.Sprint(200+i/50%5), "route", fmt.Sprintf("/api/v1/orders/{id}/items/%d", i%250/50), "region", "eu-central")
	}
	return all
})

func seriesOf(sender, i int) labels.Labels { return known()[sender*perSender+i] }

func writeV1(sender, n int) []byte {
	request := prompb.WriteRequest{}
	each(sender, n, func(ls labels.Labels, t int64, v float64) {
		request.Timeseries = append(request.Timeseries, prompb.TimeSeries{
			Labels: prompb.FromLabels(ls, nil), Samples: []prompb.Sample{{Value: v, Timestamp: t}},
		})
	})
	return snappy(&request)
}

func writeV2(sender, n int) []byte {
	symbols := writev2.NewSymbolTable()
	request := writev2.Request{}
	each(sender, n, func(ls labels.Labels, t int64, v float64) {
		request.Timeseries = append(request.Timeseries, writev2.TimeSeries{
			LabelsRefs: symbols.SymbolizeLabels(ls, nil), Samples: []writev2.Sample{{Value: v, Timestamp: t}},
		})
	})
	request.Symbols = symbols.Symbols()
	return snappy(&request)
}

func snappy(message interface{ Marshal() ([]byte, error) }) []byte {
	body, err := message.Marshal()
	if err != nil {
		panic(err)
	}
	return s2.EncodeSnappy(nil, body)
}

// otlpMetrics are data points of the same series.
func otlpMetrics(sender, n int) []byte {
	metrics := pmetric.NewMetrics()
	resource := metrics.ResourceMetrics().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "shop")
	resource.Resource().Attributes().PutStr("service.version", "1.5.0")
	resource.Resource().Attributes().PutStr("service.instance.id", fmt.Sprint(sender))
	scope := resource.ScopeMetrics().AppendEmpty()
	sums := map[string]pmetric.Sum{}
	each(sender, n, func(ls labels.Labels, t int64, v float64) {
		name := ls.Get("__name__")
		sum, ok := sums[name]
		if !ok {
			m := scope.Metrics().AppendEmpty()
			m.SetName(name)
			sum = m.SetEmptySum()
			sum.SetIsMonotonic(true)
			sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			sums[name] = sum
		}
		p := sum.DataPoints().AppendEmpty()
		p.SetTimestamp(pcommon.Timestamp(t * 1e6))
		p.SetDoubleValue(v)
		for _, label := range []string{"instance", "method", "code", "route", "region"} {
			p.Attributes().PutStr("http."+label, ls.Get(label))
		}
	})
	body, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(metrics)
	if err != nil {
		panic(err)
	}
	return body
}

// otlpSpans are spans of a server with 8 attributes each.
func otlpSpans(sender, n int) []byte {
	traces := ptrace.NewTraces()
	resource := traces.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "shop")
	resource.Resource().Attributes().PutStr("service.version", "1.5.0")
	scope := resource.ScopeSpans().AppendEmpty()
	now := time.Now()
	for i := range perRequest {
		span := scope.Spans().AppendEmpty()
		span.SetKind(ptrace.SpanKindServer)
		id := uint64(sender)<<48 | uint64(n)<<16 | uint64(i)
		span.SetTraceID([16]byte{1, byte(id >> 56), byte(id >> 48), byte(id >> 40), byte(id >> 32), byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)})
		span.SetSpanID([8]byte{1, byte(i >> 8), byte(i)})
		span.SetName("GET /orders/{id}")
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(now))
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-time.Duration(1+i%200) * time.Millisecond)))
		a := span.Attributes()
		a.PutStr("http.request.method", "GET")
		a.PutStr("http.route", fmt.Sprintf("/orders/{id}/%d", i%20))
		a.PutInt("http.response.status_code", 200)
		a.PutStr("url.path", "/orders/17")
		a.PutStr("url.scheme", "https")
		a.PutStr("server.address", "shop.example")
		a.PutStr("client.address", "10.1.2.3")
		a.PutStr("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)")
	}
	body, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
	if err != nil {
		panic(err)
	}
	return body
}

// ndjson are events of the same kind.
func ndjson(sender, n int) []byte {
	var body bytes.Buffer
	to := json.NewEncoder(&body)
	now := time.Now().UTC().Format(time.RFC3339Nano)
	for i := range perRequest {
		if err := to.Encode(map[string]any{
			"id": fmt.Sprintf("%d-%d-%d", sender, n, i), "time": now, "service": "shop", "version": "1.5.0",
			"route": fmt.Sprintf("/orders/{id}/%d", i%20), "outcome": "ok", "duration_s": float64(1+i%200) / 1000, "region": "eu-central",
		}); err != nil {
			panic(err)
		}
	}
	return body.Bytes()
}
