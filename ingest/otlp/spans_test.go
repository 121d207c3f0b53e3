package otlp_test

import (
	"maps"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/otlp"
)

// spanned is a batch with one span of the shop, 250 ms long, which change may
// change.
func spanned(t testing.TB, change func(ptrace.Span)) item.Batch {
	t.Helper()
	traces := ptrace.NewTraces()
	resource := traces.ResourceSpans().AppendEmpty()
	if err := resource.Resource().Attributes().FromRaw(shop()); err != nil {
		t.Fatal(err)
	}
	resource.Resource().Attributes().PutStr("cloud.region", "eu")
	span := resource.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetKind(ptrace.SpanKindServer)
	span.SetName("GET /orders/{id}")
	span.SetTraceID([16]byte{0xab})
	span.SetSpanID([8]byte{0xcd})
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(ended.Add(-250 * time.Millisecond)))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(ended))
	change(span)
	body, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
	if err != nil {
		t.Fatal(err)
	}
	return item.Batch{Format: item.OTLPTraces, Body: body}
}

func spans(t *testing.T, b item.Batch, fields ...string) item.Decoded {
	t.Helper()
	d, err := otlp.Spans{Fields: fields}.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestASpanOfAServerIsARequest(t *testing.T) {
	d := spans(t, spanned(t, func(s ptrace.Span) {
		s.Attributes().PutStr("http.route", "/orders/{id}")
		s.Attributes().PutStr("customer.tier", "gold")
		s.Attributes().PutStr("url.path", "/orders/17")
	}), "customer.tier", "telemetry.sdk.name")
	if len(d.Events) != 1 || len(d.Refused) != 0 {
		t.Fatalf("%d events, refused %+v", len(d.Events), d.Refused)
	}
	e := d.Events[0]
	if e.Name != "request" || e.Service != "shop" || e.Version != "1.5.0" || e.Route != "/orders/{id}" || e.Outcome != item.OK {
		t.Errorf("the event is %+v", e)
	}
	if !e.Time.Equal(ended) || e.Seconds == nil || *e.Seconds != 0.25 {
		t.Errorf("it ended at %s after %v s", e.Time, e.Seconds)
	}
	if e.Trace != "ab000000000000000000000000000000" || e.ID != e.Trace+"-cd00000000000000" || e.Kept != 0 {
		t.Errorf("trace %q, id %q, kept %v", e.Trace, e.ID, e.Kept)
	}
	if want := map[string]string{"environment": "live", "region": "eu"}; !maps.Equal(e.Tags, want) {
		t.Errorf("tags %v, want %v", e.Tags, want)
	}
	if want := map[string]string{"customer.tier": "gold", "telemetry.sdk.name": "opentelemetry"}; !maps.Equal(e.Fields, want) {
		t.Errorf("fields %v, want those asked for, %v", e.Fields, want)
	}
}

func TestRoutes(t *testing.T) {
	for want, change := range map[string]func(ptrace.Span){
		"/a/{b}": func(s ptrace.Span) { s.Attributes().PutStr("http.route", "/a/{b}") },
		"shop.Cart/Add": func(s ptrace.Span) {
			s.Attributes().PutStr("rpc.service", "shop.Cart")
			s.Attributes().PutStr("rpc.method", "Add")
		},
		"shop.Cart/Clear": func(s ptrace.Span) { s.Attributes().PutStr("rpc.method", "shop.Cart/Clear") },
		"orders": func(s ptrace.Span) {
			s.SetKind(ptrace.SpanKindConsumer)
			s.Attributes().PutStr("messaging.destination.name", "orders")
		},
		"GET /orders/{id}": func(ptrace.Span) {},
		"":                 func(s ptrace.Span) { s.SetName("GET /orders/82734") },
	} {
		if d := spans(t, spanned(t, change)); len(d.Events) != 1 || d.Events[0].Route != want {
			t.Errorf("%+v, want the route %q", d.Events, want)
		}
	}
}

func TestOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		want   item.Outcome
		change func(ptrace.Span)
	}{
		"not found":    {item.OK, func(s ptrace.Span) { s.Attributes().PutInt("http.response.status_code", 404) }},
		"http 503":     {item.Error, func(s ptrace.Span) { s.Attributes().PutInt("http.response.status_code", 503) }},
		"old http 500": {item.Error, func(s ptrace.Span) { s.Attributes().PutStr("http.status_code", "500") }},
		"status":       {item.Error, func(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeError) }},
		"grpc 5":       {item.OK, func(s ptrace.Span) { s.Attributes().PutInt("rpc.grpc.status_code", 5) }},
		"grpc 14":      {item.Error, func(s ptrace.Span) { s.Attributes().PutInt("rpc.grpc.status_code", 14) }},
	} {
		if d := spans(t, spanned(t, c.change)); len(d.Events) != 1 || d.Events[0].Outcome != c.want {
			t.Errorf("%s: %+v, want %s", name, d.Events, c.want)
		}
	}
}

func TestSamplingIsCarriedAlong(t *testing.T) {
	for state, want := range map[string]float64{
		"":                       0,
		"ot=th:0":                1,
		"ot=th:8":                0.5,
		"ot=th:c":                0.25,
		"vendor=x,ot=rv:1;th:e8": 0.09375,
		"ot=th:ffffffffffffff":   1.0 / (1 << 56), // which rules refuse; it is not all of them
		"ot=th:zz":               0,
		"ot=th:123456789abcdef0": 0,
	} {
		if d := spans(t, spanned(t, func(s ptrace.Span) { s.TraceState().FromRaw(state) })); d.Events[0].Kept != want {
			t.Errorf("%q: kept %v, want %v", state, d.Events[0].Kept, want)
		}
	}
}

func TestSpansThatAreNoRequests(t *testing.T) {
	for _, kind := range []ptrace.SpanKind{ptrace.SpanKindClient, ptrace.SpanKindInternal, ptrace.SpanKindProducer, ptrace.SpanKindUnspecified} {
		if d := spans(t, spanned(t, func(s ptrace.Span) { s.SetKind(kind) })); len(d.Events)+len(d.Refused) != 0 {
			t.Errorf("%s: %+v", kind, d)
		}
	}
}

func TestSpansThatCannotBe(t *testing.T) {
	for name, change := range map[string]func(ptrace.Span){
		"no end":                  func(s ptrace.Span) { s.SetEndTimestamp(0) },
		"ends before it is":       func(s ptrace.Span) { s.SetStartTimestamp(s.EndTimestamp() + 1) },
		"takes longer than a day": func(s ptrace.Span) { s.SetStartTimestamp(1) },
	} {
		d := spans(t, spanned(t, change))
		if len(d.Events) != 0 || len(d.Refused) != 1 || d.Refused[0].Code != item.OutOfRange || len(d.Refused[0].Raw) == 0 {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// Events have a time, an outcome and a duration that can be; nothing panics.
func FuzzSpans(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(spanned(f, func(ptrace.Span) {}).Body)
	f.Add(spanned(f, func(s ptrace.Span) { s.TraceState().FromRaw("ot=th:8"); s.SetEndTimestamp(0) }).Body)
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := otlp.Spans{Fields: []string{"a"}}.Decode(item.Batch{Body: body})
		if err != nil && len(d.Events)+len(d.Refused) > 0 {
			t.Errorf("an error and %d events", len(d.Events))
		}
		for _, e := range d.Events {
			if e.Outcome == "" || *e.Seconds < 0 || e.Kept < 0 || e.Kept > 1 {
				t.Errorf("the event is %+v", e)
			}
		}
	})
}
