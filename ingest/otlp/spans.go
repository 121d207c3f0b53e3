package otlp

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/linnet-project/linnet/ingest/item"
)

// Request is the name of the events that spans become.
const Request = "request"

// mostSpan is the longest span that is believed.
const mostSpan = 24 * time.Hour

// Spans decodes batches of item.OTLPTraces.
type Spans struct {
	// Fields are the attributes that events keep for the rules to make tags of,
	// the span's own before its resource's.
	Fields []string
}

// Decode makes an event of each span of a server or consumer; spans of the
// inside of a service and of its calls are nobody's request, and are left out.
// Its error, where nothing can be read, is release.ErrInvalid.
func (s Spans) Decode(b item.Batch) (item.Decoded, error) {
	if !shallow(b.Body, mostNested) {
		return item.Decoded{}, unreadable("ExportTraceServiceRequest", errNested)
	}
	if err := bounded(b); err != nil {
		return item.Decoded{}, err
	}
	traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(b.Body)
	if err != nil {
		return item.Decoded{}, unreadable("ExportTraceServiceRequest", err)
	}
	d := item.Decoded{Events: make([]item.Event, 0, traces.SpanCount())}
	for i, resource := range traces.ResourceSpans().All() {
		from := s.resource(resource.Resource().Attributes())
		for j, scope := range resource.ScopeSpans().All() {
			for k, span := range scope.Spans().All() {
				if kind := span.Kind(); kind != ptrace.SpanKindServer && kind != ptrace.SpanKindConsumer {
					continue
				}
				place := "resource " + strconv.Itoa(i+1) + ", scope " + strconv.Itoa(j+1) + ", span " + strconv.Itoa(k+1)
				e, text := s.event(span, from)
				if text != "" {
					d.Refused = append(d.Refused, item.Refusal{Code: item.OutOfRange, Text: text, Place: place, Raw: item.EventLine(e)})
					continue
				}
				e.Place = place
				d.Events = append(d.Events, e)
			}
		}
	}
	return d, nil
}

// resource is what all spans of a resource have in common.
func (s Spans) resource(attributes pcommon.Map) item.Event {
	e := item.Event{Name: Request, Tags: map[string]string{}, Fields: s.fields(attributes, nil)}
	for _, p := range promoted {
		v := first(attributes, p.from...)
		switch {
		case v == "":
		case p.label == serviceLabel:
			e.Service = v
		case p.label == versionLabel:
			e.Version = v
		default:
			e.Tags[p.label] = v
		}
	}
	return e
}

// fields are the attributes to keep, among those that are there and those of the
// resource. The map is the event's own.
func (s Spans) fields(attributes pcommon.Map, of map[string]string) map[string]string {
	if len(s.Fields) == 0 {
		return nil
	}
	fields := maps.Clone(of)
	if fields == nil {
		fields = map[string]string{}
	}
	for _, name := range s.Fields {
		if v := first(attributes, name); v != "" {
			fields[name] = v
		}
	}
	return fields
}

// event is a span's event, and what is wrong with it; "" if nothing is.
func (s Spans) event(span ptrace.Span, from item.Event) (e item.Event, wrong string) {
	begin, end := span.StartTimestamp(), span.EndTimestamp()
	seconds := time.Duration(int64(end) - int64(begin)).Seconds()
	e = from
	e.Time = end.AsTime()
	e.Route = route(span)
	e.Outcome = outcome(span)
	e.Seconds = &seconds
	if id := span.TraceID(); !id.IsEmpty() {
		e.Trace = id.String()
		e.ID = e.Trace + "-" + span.SpanID().String()
	}
	e.Kept = kept(span.TraceState().AsRaw())
	e.Tags = maps.Clone(from.Tags) // rules change an event's tags in place
	e.Fields = s.fields(span.Attributes(), from.Fields)
	switch {
	case end == 0:
		return e, "the span has no end; spans are sent when they have ended"
	case begin > end || seconds < 0 || seconds > mostSpan.Seconds():
		return e, fmt.Sprintf("the span begins at %s and ends at %s", begin, end)
	}
	return e, ""
}

// route is what the span's request was for: the template that the server
// matched, the method called, the queue read, or the span's name where that can
// be no path with ids in it.
func route(span ptrace.Span) string {
	a := span.Attributes()
	if v := first(a, "http.route"); v != "" {
		return v
	}
	if method := first(a, "rpc.method"); method != "" {
		if service := first(a, "rpc.service"); service != "" && !strings.Contains(method, "/") {
			return service + "/" + method
		}
		return method
	}
	if v := first(a, "messaging.destination.template", "messaging.destination.name"); v != "" {
		return v
	}
	if name := span.Name(); few(name) {
		return name
	}
	return ""
}

// few tells whether a name looks like one of few: it is short, has no query and
// no number of three digits, such as an id has.
func few(name string) bool {
	digits := 0
	for _, c := range name {
		if c >= '0' && c <= '9' {
			digits++
		} else {
			digits = 0
		}
		if digits >= 3 || c == '?' {
			return false
		}
	}
	return len(name) <= 100
}

// outcome is how a span's request ended: an error if the span says so, or its
// answer's code is the server's fault.
func outcome(span ptrace.Span) item.Outcome {
	if span.Status().Code() == ptrace.StatusCodeError {
		return item.Error
	}
	a := span.Attributes()
	if code, err := strconv.Atoi(first(a, "http.response.status_code", "http.status_code")); err == nil && code >= http.StatusInternalServerError {
		return item.Error
	}
	switch first(a, "rpc.grpc.status_code") {
	case "2", "4", "12", "13", "14", "15":
		return item.Error
	}
	return item.OK
}

// kept is the share of such spans that their sampler kept, from the threshold in
// the trace state (ot=th:…): up to 14 hexadecimal digits after the point, of the
// share that is dropped. 0 for none.
func kept(state string) float64 {
	for member := range strings.SplitSeq(state, ",") {
		value, ok := strings.CutPrefix(strings.TrimSpace(member), "ot=")
		if !ok {
			continue
		}
		for field := range strings.SplitSeq(value, ";") {
			th, ok := strings.CutPrefix(field, "th:")
			if !ok || th == "" || len(th) > 14 {
				continue
			}
			dropped, err := strconv.ParseUint(th, 16, 64)
			if err != nil {
				continue
			}
			all := uint64(1) << (4 * len(th))
			return float64(all-dropped) / float64(all)
		}
	}
	return 0
}
