package cloudtest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/linnet-project/linnet/awscall/awstest"
)

// Metric is what values are published under.
type Metric struct {
	Namespace, Name string
	Dimensions      map[string]string
}

func (m Metric) key() string {
	text := m.Namespace + "\x00" + m.Name
	for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
		text += "\x00" + name + "\x00" + m.Dimensions[name]
	}
	return text
}

// published is a metric and its data.
type published struct {
	Metric
	data []datum
}

// datum is values of a moment, or a set of which only figures are known.
type datum struct {
	at     time.Time
	values []float64
	set    *Set
}

// Set is a statistic set: how applications publish many values at once.
type Set struct{ SampleCount, Sum, Minimum, Maximum float64 }

// Put publishes values of a moment.
func (s *Server) Put(m Metric, at time.Time, values ...float64) {
	s.put(m, datum{at: at, values: values})
}

// PutSet publishes a statistic set.
func (s *Server) PutSet(m Metric, at time.Time, set Set) { s.put(m, datum{at: at, set: &set}) }

func (s *Server) put(m Metric, d datum) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.metrics[m.key()]
	if p == nil {
		p = &published{Metric: m}
		s.metrics[m.key()] = p
	}
	p.data = append(p.data, d)
}

// metricsService is as signatures name it.
const metricsService = "monitoring"

// serveMetrics answers GetMetricData, by the protocol RPC v2 with CBOR.
func (s *Server) serveMetrics(w http.ResponseWriter, r *http.Request, payload []byte) {
	out, refused := s.metricData(r, payload)
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	if refused != nil {
		w.Header().Set("X-Amzn-Query-Error", refused.Code+";Sender")
		w.WriteHeader(status(refused))
		out = cbor.Map{"__type": cbor.String("com.amazonaws.cloudwatch#" + refused.Code), "message": cbor.String(refused.Message)}
	}
	_, _ = w.Write(cbor.Encode(out)) // whoever asked may be gone
}

func (s *Server) metricData(r *http.Request, payload []byte) (cbor.Value, *awstest.Refusal) {
	operation, ok := strings.CutPrefix(r.URL.Path, "/service/GraniteServiceVersion20100801/operation/")
	if !ok || operation != "GetMetricData" || r.Method != http.MethodPost || r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" || r.Header.Get("Content-Type") != "application/cbor" {
		return nil, &awstest.Refusal{Code: "UnknownOperationException", Message: "no such operation", Status: http.StatusNotFound}
	}
	s.calls[operation]++
	if refused := s.early(r, "cloudwatch:"+operation); refused != nil {
		return nil, refused
	}
	if refused := s.guard.Signed(r, payload, metricsService); refused != nil {
		return nil, refused
	}
	body, err := cbor.Decode(payload)
	if err != nil {
		return nil, refuse("SerializationException", "%v", err)
	}
	in, refused := readRequest(body)
	if refused != nil {
		return nil, refused
	}
	return s.answer(in)
}

// point is one of a result.
type point struct {
	at time.Time
	v  float64
}

// result is all points of one metric, oldest first.
type result struct {
	id, label string
	points    []point
}

// answer computes everything, and gives one page of it.
func (s *Server) answer(in request) (cbor.Value, *awstest.Refusal) {
	var all []result
	for _, q := range in.queries {
		found := []*published{{Metric: q.metric}}
		if p := s.metrics[q.metric.key()]; p != nil {
			found[0] = p
		}
		if q.search != nil {
			found = s.found(*q.search)
		}
		for _, p := range found {
			all = append(all, result{q.id, q.labelOf(p.Metric), p.points(q, in.from, in.to, s.guard.Now())})
		}
	}
	if s.fault == Partial {
		for i := range all {
			all[i].points = all[i].points[:len(all[i].points)/2]
		}
	}
	return s.page(all, in)
}

// page gives the points from the token on, so many of them.
func (s *Server) page(all []result, in request) (cbor.Value, *awstest.Refusal) {
	skip, left := 0, 100_800
	if s.Page > 0 {
		left = s.Page
	}
	if in.token != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(in.token, "page-"))
		if err != nil || n <= 0 {
			return nil, refuse("InvalidNextToken", "the token is not one of ours")
		}
		skip = n
	}
	next := skip + left
	out, more := cbor.List{}, false
	for _, r := range all {
		state := "Complete"
		from := min(skip, len(r.points))
		to := min(from+left, len(r.points))
		skip, left = skip-from, left-(to-from)
		if to < len(r.points) {
			state, more = "PartialData", true
		}
		switch s.fault {
		case Partial:
			state = "PartialData"
		case Internal:
			state = "InternalError"
		case Forbidden:
			state = "Forbidden"
		}
		one := cbor.Map{"Id": cbor.String(r.id), "Label": cbor.String(r.label), "StatusCode": cbor.String(state)}
		times, values := cbor.List{}, cbor.List{}
		for _, p := range r.points[from:to] {
			times = append(times, &cbor.Tag{ID: 1, Value: cbor.Float64(p.at.Unix())})
			values = append(values, cbor.Float64(p.v))
		}
		if s.fault == Unmatched {
			times = append(times, &cbor.Tag{ID: 1, Value: cbor.Float64(0)})
		}
		one["Timestamps"], one["Values"] = times, values
		if s.fault == Talkative {
			one["Messages"] = message("ArithmeticError", "one of the metrics is odd")
		}
		out = append(out, one)
	}
	answer := cbor.Map{"MetricDataResults": out, "Messages": cbor.List{}}
	if more {
		answer["NextToken"] = cbor.String(fmt.Sprintf("page-%d", next))
	}
	if s.fault == Talkative {
		answer["Messages"] = message("MaxMetricsExceeded", "Maximum number of allowed metrics exceeded")
	}
	return answer, nil
}

func message(code, value string) cbor.List {
	return cbor.List{cbor.Map{"Code": cbor.String(code), "Value": cbor.String(value)}}
}

// points are the statistic of each period in [from, to) in which there was
// anything.
func (p *published) points(q asked, from, to, now time.Time) (out []point) {
	periods := map[int64][]datum{}
	for _, d := range p.data {
		at := d.at.Truncate(q.period)
		if at.Before(from.Truncate(q.period)) || !at.Before(to) || q.period < time.Minute && now.Sub(at) > 3*time.Hour {
			continue
		}
		periods[at.Unix()] = append(periods[at.Unix()], d)
	}
	for _, at := range slices.Sorted(maps.Keys(periods)) {
		if v, ok := statistic(q.stat, periods[at]); ok {
			out = append(out, point{time.Unix(at, 0), v})
		}
	}
	return out
}
