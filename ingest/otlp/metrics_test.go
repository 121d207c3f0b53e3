package otlp_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/otlp"
	"github.com/linnet-project/linnet/release"
)

var (
	begun = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ended = begun.Add(90 * time.Second)
)

// cumulative and delta are shorter so.
const (
	cumulative = pmetric.AggregationTemporalityCumulative
	delta      = pmetric.AggregationTemporalityDelta
)

// fromShop is a batch of a service's, whose metrics fill adds.
func fromShop(t testing.TB, attributes map[string]any, fill func(pmetric.MetricSlice)) item.Batch {
	t.Helper()
	metrics := pmetric.NewMetrics()
	resource := metrics.ResourceMetrics().AppendEmpty()
	if err := resource.Resource().Attributes().FromRaw(attributes); err != nil {
		t.Fatal(err)
	}
	fill(resource.ScopeMetrics().AppendEmpty().Metrics())
	body, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(metrics)
	if err != nil {
		t.Fatal(err)
	}
	return item.Batch{Format: item.OTLPMetrics, Body: body}
}

func shop() map[string]any {
	return map[string]any{
		"service.name": "shop", "service.version": "1.5.0", "service.instance.id": "a",
		"deployment.environment.name": "live", "telemetry.sdk.name": "opentelemetry",
	}
}

// sum adds a counter of two routes.
func sum(temporality pmetric.AggregationTemporality) func(pmetric.MetricSlice) {
	return func(s pmetric.MetricSlice) {
		m := s.AppendEmpty()
		m.SetName("shop.orders")
		m.SetUnit("{order}")
		sum := m.SetEmptySum()
		sum.SetIsMonotonic(true)
		sum.SetAggregationTemporality(temporality)
		for i, route := range []string{"/cart", "/pay"} {
			p := sum.DataPoints().AppendEmpty()
			at(p)
			p.Attributes().PutStr("http.route", route)
			p.SetIntValue(int64(10 + i))
		}
	}
}

func at(p interface {
	SetTimestamp(pcommon.Timestamp)
	SetStartTimestamp(pcommon.Timestamp)
}) {
	p.SetStartTimestamp(pcommon.NewTimestampFromTime(begun))
	p.SetTimestamp(pcommon.NewTimestampFromTime(ended))
}

// find is the sample of the series that is written so.
func find(t *testing.T, d item.Decoded, series string) item.Sample {
	t.Helper()
	var all []string
	for _, s := range d.Samples {
		if s.Labels.String() == series {
			if s.T != ended.UnixMilli() {
				t.Errorf("%s is at %d, want %d", series, s.T, ended.UnixMilli())
			}
			return s
		}
		all = append(all, s.Labels.String())
	}
	t.Fatalf("no series %s among\n%s", series, strings.Join(all, "\n"))
	return item.Sample{}
}

func metrics(t *testing.T, b item.Batch) item.Decoded {
	t.Helper()
	d, err := otlp.Metrics(b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const ofShop = `environment="live", `

func TestCountersHaveTheLabelsOfTheirService(t *testing.T) {
	d := metrics(t, fromShop(t, shop(), sum(cumulative)))
	if len(d.Samples) != 2 || len(d.Refused) != 0 {
		t.Fatalf("%d samples, refused %+v", len(d.Samples), d.Refused)
	}
	s := find(t, d, `{__name__="shop_orders_total", environment="live", http_route="/pay", instance="a", job="shop", service="shop", version="1.5.0"}`)
	if s.V != 11 {
		t.Errorf("it stands at %v, want 11", s.V)
	}
}

func TestInstancesAreToldApart(t *testing.T) {
	for want, attributes := range map[string]map[string]any{
		`instance="pod-1"`:  {"service.name": "shop", "k8s.pod.name": "pod-1", "host.name": "h"},
		`instance="h/4711"`: {"service.name": "shop", "host.name": "h", "process.pid": 4711},
		`instance="x"`:      {"service.name": "shop", "service.instance.id": "x", "host.name": "h"},
	} {
		d := metrics(t, fromShop(t, attributes, sum(cumulative)))
		if got := d.Samples[0].Labels.String(); !strings.Contains(got, want) {
			t.Errorf("%v: the series is %s, want %s in it", attributes, got, want)
		}
	}
}

func TestHistogramsOfBothKinds(t *testing.T) {
	d := metrics(t, fromShop(t, shop(), func(s pmetric.MetricSlice) {
		m := s.AppendEmpty()
		m.SetName("http.server.request.duration")
		m.SetUnit("s")
		m.SetEmptyHistogram().SetAggregationTemporality(cumulative)
		p := m.Histogram().DataPoints().AppendEmpty()
		at(p)
		p.ExplicitBounds().FromRaw([]float64{0.1, 1})
		p.BucketCounts().FromRaw([]uint64{3, 2, 1})
		p.SetCount(6)
		p.SetSum(4.5)
		e := p.Exemplars().AppendEmpty()
		e.SetDoubleValue(0.5)
		e.SetTimestamp(pcommon.NewTimestampFromTime(ended))
		e.SetTraceID([16]byte{1})

		m = s.AppendEmpty()
		m.SetName("shop.wait")
		m.SetUnit("ms")
		m.SetEmptyExponentialHistogram().SetAggregationTemporality(cumulative)
		x := m.ExponentialHistogram().DataPoints().AppendEmpty()
		at(x)
		x.SetScale(0)
		x.SetCount(4)
		x.SetSum(20)
		x.SetZeroCount(1)
		x.Positive().SetOffset(1) // (2, 4], (4, 8]
		x.Positive().BucketCounts().FromRaw([]uint64{2, 1})
	}))
	const rest = `instance="a", job="shop", `
	const last = `service="shop", version="1.5.0"}`
	for series, v := range map[string]float64{
		`{__name__="http_server_request_duration_seconds_count", ` + ofShop + rest + last:                  6,
		`{__name__="http_server_request_duration_seconds_sum", ` + ofShop + rest + last:                    4.5,
		`{__name__="http_server_request_duration_seconds_bucket", ` + ofShop + rest + `le="0.1", ` + last:  3,
		`{__name__="http_server_request_duration_seconds_bucket", ` + ofShop + rest + `le="1", ` + last:    5,
		`{__name__="http_server_request_duration_seconds_bucket", ` + ofShop + rest + `le="+Inf", ` + last: 6,
	} {
		if s := find(t, d, series); s.V != v {
			t.Errorf("%s stands at %v, want %v", series, s.V, v)
		}
	}
	native := find(t, d, `{__name__="shop_wait_milliseconds", `+ofShop+rest+last)
	if native.H == nil || native.H.Count != 4 || native.H.ZeroCount != 1 || native.H.Sum != 20 || native.H.Validate() != nil {
		t.Fatalf("the native histogram is %+v", native.H)
	}
	var buckets []string
	for it := native.H.PositiveBucketIterator(); it.Next(); {
		buckets = append(buckets, it.At().String())
	}
	if got := strings.Join(buckets, " "); got != "(2,4]:2 (4,8]:1" {
		t.Errorf("its buckets are %s", got)
	}
	if len(d.Exemplars) != 1 || d.Exemplars[0].Labels.Get("le") != "1" || d.Exemplars[0].Exemplar.Labels.Get("trace_id") != "01000000000000000000000000000000" {
		t.Errorf("exemplars %+v, want the one in the bucket to 1", d.Exemplars)
	}
}

func TestWhatCannotBeTakenIsRefusedAndTheRestStands(t *testing.T) {
	d := metrics(t, fromShop(t, shop(), func(s pmetric.MetricSlice) {
		sum(delta)(s)
		sum(cumulative)(s)
		sum(pmetric.AggregationTemporalityUnspecified)(s)
		s.AppendEmpty().SetName("empty")
		s.AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty().SetDoubleValue(1) // no name
		m := s.AppendEmpty()
		m.SetName("coarse")
		m.SetEmptyExponentialHistogram().SetAggregationTemporality(cumulative)
		m.ExponentialHistogram().DataPoints().AppendEmpty().SetScale(-5)
	}))
	if len(d.Samples) != 2 {
		t.Errorf("%d samples, want the 2 of the cumulative counter", len(d.Samples))
	}
	got := map[item.Code]int{}
	for _, r := range d.Refused {
		got[r.Code]++
		if r.Text == "" || r.Place == "" {
			t.Errorf("a refusal says not why, or of what: %+v", r)
		}
	}
	if got[item.UnknownForm] != 5 || got[item.MissingTag] != 1 || got[item.OutOfRange] != 1 {
		t.Errorf("refused %v", got)
	}
	first := d.Refused[0]
	for _, want := range []string{"delta", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative"} {
		if !strings.Contains(first.Text, want) {
			t.Errorf("the refusal %q does not say %q", first.Text, want)
		}
	}
	if !strings.Contains(string(first.Raw), `"shop.orders"`) {
		t.Errorf("the refusal holds %s, want the metric as JSON", first.Raw)
	}
}

func TestAnUnreadableBatch(t *testing.T) {
	if _, err := otlp.Metrics(item.Batch{Body: []byte("hello")}); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("metrics: %v", err)
	}
	if _, err := (otlp.Spans{}).Decode(item.Batch{Body: []byte("hello")}); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("traces: %v", err)
	}
}

// What parses gives samples with a name and valid histograms; nothing panics.
func FuzzMetrics(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(fromShop(f, shop(), sum(cumulative)).Body)
	f.Add(fromShop(f, shop(), sum(delta)).Body)
	f.Add(fromShop(f, shop(), func(s pmetric.MetricSlice) {
		m := s.AppendEmpty()
		m.SetName("x")
		m.SetEmptyExponentialHistogram().SetAggregationTemporality(cumulative)
		x := m.ExponentialHistogram().DataPoints().AppendEmpty()
		at(x)
		x.SetScale(10)
		x.Negative().SetOffset(math.MaxInt32)
		x.Negative().BucketCounts().FromRaw([]uint64{1, 0, 1})
		m = s.AppendEmpty()
		m.SetName("y")
		q := m.SetEmptySummary().DataPoints().AppendEmpty()
		at(q)
		q.QuantileValues().AppendEmpty().SetQuantile(0.5)
	}).Body)
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := otlp.Metrics(item.Batch{Body: body})
		if err != nil && len(d.Samples)+len(d.Refused) > 0 {
			t.Errorf("an error and %d samples", len(d.Samples))
		}
		for _, s := range d.Samples {
			if s.Labels.Get("__name__") == "" {
				t.Errorf("a sample of no name: %s", s.Labels)
			}
		}
	})
}
