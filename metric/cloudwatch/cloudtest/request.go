package cloudtest

import (
	"regexp"
	"slices"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/linnet-project/linnet/awscall/awstest"
)

// request is what GetMetricData is asked.
type request struct {
	queries  []asked
	from, to time.Time
	token    string
}

// asked is one of its queries.
type asked struct {
	id, label, stat string
	metric          Metric
	search          *search
	period          time.Duration
}

func validation(format string, args ...any) *awstest.Refusal {
	return refuse("ValidationError", format, args...)
}

// reader reads a value by the published model; the first that is wrong stays.
type reader struct{ refused *awstest.Refusal }

func (r *reader) wrong(format string, args ...any) {
	if r.refused == nil {
		r.refused = validation(format, args...)
	}
}

// fields reads a structure that has no other members than these, of which those
// with a * are required.
func (r *reader) fields(v cbor.Value, at string, members ...string) cbor.Map {
	m, ok := v.(cbor.Map)
	if !ok {
		r.wrong("%s: is no structure", at)
		return cbor.Map{}
	}
	for _, name := range members {
		if name[0] == '*' && m[name[1:]] == nil {
			r.wrong("%s.%s: is required", at, name[1:])
		}
	}
	for name := range m {
		if !slices.Contains(members, name) && !slices.Contains(members, "*"+name) {
			r.wrong("%s.%s: is not known", at, name)
		}
	}
	return m
}

// text reads a text of so many characters; "" where there is none.
func (r *reader) text(v cbor.Value, at string, most int) string {
	if v == nil {
		return ""
	}
	s, ok := v.(cbor.String)
	if !ok || s == "" || len(s) > most {
		r.wrong("%s: is no text of 1 to %d characters", at, most)
	}
	return string(s)
}

func (r *reader) number(v cbor.Value, at string) int64 {
	n, ok := v.(cbor.Uint)
	if !ok {
		r.wrong("%s: is no positive number", at)
	}
	return int64(n)
}

func (r *reader) list(v cbor.Value, at string, most int) cbor.List {
	l, ok := v.(cbor.List)
	if v != nil && !ok || len(l) > most {
		r.wrong("%s: is no list of at most %d", at, most)
	}
	return l
}

func (r *reader) time(v cbor.Value, at string) time.Time {
	t, err := cbor.AsTime(v)
	if err != nil {
		r.wrong("%s: %v", at, err)
	}
	return t
}

var (
	idLike        = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)
	namespaceLike = regexp.MustCompile(`^[^:].*$`)
)

// readRequest reads and checks a request.
func readRequest(v cbor.Value) (request, *awstest.Refusal) {
	r := &reader{}
	m := r.fields(v, "GetMetricData", "*MetricDataQueries", "*StartTime", "*EndTime", "NextToken", "ScanBy", "MaxDatapoints", "LabelOptions")
	if r.refused != nil {
		return request{}, r.refused
	}
	in := request{from: r.time(m["StartTime"], "StartTime"), to: r.time(m["EndTime"], "EndTime"), token: r.text(m["NextToken"], "NextToken", 1024)}
	if !in.from.Before(in.to) {
		r.wrong("The parameter StartTime must be less than the parameter EndTime")
	}
	if r.text(m["ScanBy"], "ScanBy", 40) != "TimestampAscending" {
		r.wrong("ScanBy: nothing but TimestampAscending is here")
	}
	seen := map[string]bool{}
	for _, v := range r.list(m["MetricDataQueries"], "MetricDataQueries", 500) {
		q := r.query(v)
		if seen[q.id] {
			r.wrong("The value %s for parameter MetricDataQueries.Id is there twice", q.id)
		}
		seen[q.id] = true
		in.queries = append(in.queries, q)
	}
	if len(in.queries) == 0 {
		r.wrong("MetricDataQueries: is empty")
	}
	return in, r.refused
}

// query reads one query: a metric and a statistic, or a search.
func (r *reader) query(v cbor.Value) (q asked) {
	m := r.fields(v, "MetricDataQuery", "*Id", "MetricStat", "Expression", "Label", "ReturnData", "Period", "AccountId")
	q.id, q.label = r.text(m["Id"], "Id", 255), r.text(m["Label"], "Label", 2048)
	if !idLike.MatchString(q.id) {
		r.wrong("Id: %q does not match %s", q.id, idLike)
	}
	if (m["MetricStat"] == nil) == (m["Expression"] == nil) {
		r.wrong("MetricDataQuery: has either MetricStat or Expression")
		return q
	}
	if m["Expression"] != nil {
		text := r.text(m["Expression"], "Expression", 2048)
		parsed, stat, period, err := parseSearch(text)
		if err != "" {
			r.wrong("Error in expression '%s': %s", q.id, err)
		}
		q.search, q.stat, q.period = &parsed, stat, period
	} else {
		s := r.fields(m["MetricStat"], "MetricStat", "*Metric", "*Period", "*Stat", "Unit")
		q.stat, q.period = r.text(s["Stat"], "Stat", 100), time.Duration(r.number(s["Period"], "Period"))*time.Second
		q.metric = r.metric(s["Metric"])
	}
	short := []time.Duration{1, 5, 10, 20, 30}
	if q.period <= 0 || q.period%time.Minute != 0 && !slices.Contains(short, q.period/time.Second) {
		r.wrong("Period: must be 1, 5, 10, 20, 30 or a multiple of 60, not %s", q.period)
	}
	if _, ok := statistic(q.stat, nil); ok || !known(q.stat) {
		r.wrong("Stat: The value %s is not a valid statistic", q.stat)
	}
	return q
}

func (r *reader) metric(v cbor.Value) Metric {
	m := r.fields(v, "Metric", "Namespace", "MetricName", "Dimensions")
	out := Metric{Namespace: r.text(m["Namespace"], "Namespace", 255), Name: r.text(m["MetricName"], "MetricName", 255)}
	if !namespaceLike.MatchString(out.Namespace) || out.Name == "" {
		r.wrong("Metric: has no namespace, or no name")
	}
	for _, v := range r.list(m["Dimensions"], "Dimensions", 30) {
		d := r.fields(v, "Dimension", "*Name", "*Value")
		if out.Dimensions == nil {
			out.Dimensions = map[string]string{}
		}
		out.Dimensions[r.text(d["Name"], "Dimension.Name", 255)] = r.text(d["Value"], "Dimension.Value", 1024)
	}
	return out
}
