package vendortest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Loki is a server of Grafana Loki's query_range, as its page "Loki HTTP API"
// (docs/sources/reference/loki-http-api.md in grafana/loki) has it, for metric
// queries of one aggregation. The label app of an event is its Name.
func Loki(c Config) *Server { return newServer(c, loki{}) }

type loki struct{}

// Loki itself has no credentials: a front has, and Grafana Cloud.
func (loki) admit(c Config, r request) bool {
	if c.Tenant != "" && r.Header.Get("X-Scope-Orgid") != c.Tenant {
		return false
	}
	return basicOrBearer(c, r)
}

// basicOrBearer tells whether a request has the credentials that there are.
func basicOrBearer(c Config, r request) bool {
	got := r.Header.Get("Authorization")
	switch {
	case c.Username != "":
		return got == "Basic "+base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Password))
	case c.Token != "":
		return got == "Bearer "+c.Token
	}
	return true
}

func (loki) refuse(status int, message string) reply {
	if status == http.StatusUnauthorized && message == "" {
		message = "no org id"
	}
	return textReply(status, message)
}

// most is how many points of a series Loki gives.
const mostPoints = 11_000

func (l loki) answer(d *Data, r request, f Fault) reply {
	if r.URL.Path != "/loki/api/v1/query_range" {
		return textReply(http.StatusNotFound, "404 page not found")
	}
	form := r.URL.Query()
	start, err1 := lokiTime(form.Get("start"))
	end, err2 := lokiTime(form.Get("end"))
	step, err3 := lokiStep(form.Get("step"))
	q, err4 := parseLogQL(form.Get("query"))
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return textReply(http.StatusBadRequest, err.Error())
		}
	}
	switch {
	case end.Before(start):
		return textReply(http.StatusBadRequest, "end timestamp must not be before or equal to start time")
	case end.Sub(start)/step > mostPoints:
		return textReply(http.StatusBadRequest, "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter")
	case f == Inside:
		return jsonReply(0, map[string]any{"status": "error", "errorType": "timeout", "error": "context deadline exceeded"})
	}
	result := q.run(d, start, end, step)
	out := map[string]any{"status": "success"}
	if f == Partial {
		result = result[:len(result)/2]
		out["warnings"] = []string{"maximum number of series (1) reached for a single query; returning partial results"}
	}
	out["data"] = map[string]any{"resultType": "matrix", "result": result, "stats": map[string]any{"summary": map[string]any{"execTime": 0.01}}}
	return jsonReply(0, out)
}

// lokiTime reads nanoseconds, seconds with a fraction, or RFC 3339.
func lokiTime(text string) (time.Time, error) {
	if ns, err := strconv.ParseInt(text, 10, 64); err == nil {
		if len(text) <= 10 {
			return time.Unix(ns, 0), nil
		}
		return time.Unix(0, ns), nil
	}
	if s, err := strconv.ParseFloat(text, 64); err == nil {
		return time.UnixMilli(int64(s * 1000)), nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return at, fmt.Errorf("could not parse %q as a time", text)
	}
	return at, nil
}

func lokiStep(text string) (time.Duration, error) {
	if s, err := strconv.ParseFloat(text, 64); err == nil && s > 0 {
		return time.Duration(s * float64(time.Second)), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("zero or negative query resolution step widths are not accepted. Try a positive integer")
	}
	return d, nil
}

// logQL is a metric query: an aggregation over a range, and one over labels.
type logQL struct {
	over   string // count_over_time …
	outer  string // sum …, "" for none
	by     []string
	span   time.Duration
	holds  []func(Event) bool
	unwrap string
	// quantile is that of quantile_over_time.
	quantile float64
}

var (
	logQLForm  = regexp.MustCompile(`^(?:(sum|avg|max|min) ?(?:by ?\(([^)]*)\))? ?\( ?)?(count_over_time|avg_over_time|max_over_time|quantile_over_time)\( ?(?:([0-9.]+), ?)?\{([^}]*)\}(.*?)\[(\w+)\] ?\)(?: by ?\(([^)]*)\))? ?\)?$`)
	logQLLabel = regexp.MustCompile(`^(\w+) ?(=|!=|=~|!~) ?["` + "`" + `](.*)["` + "`" + `]$`)
	logQLField = regexp.MustCompile(`^(\w+) ?(==|!=|>=|<=|>|<|=) ?"?([^"]*)"?$`)
)

func parseLogQL(text string) (logQL, error) {
	m := logQLForm.FindStringSubmatch(strings.Join(strings.Fields(text), " "))
	if m == nil {
		return logQL{}, fmt.Errorf("parse error at line 1, col 1: syntax error: unexpected %.40s", text)
	}
	span, err := time.ParseDuration(m[7])
	if err != nil {
		return logQL{}, fmt.Errorf("parse error at line 1, col 1: not a valid duration string: %q", m[7])
	}
	q := logQL{outer: m[1], over: m[3], span: span}
	if q.over == "quantile_over_time" {
		if q.quantile, err = strconv.ParseFloat(m[4], 64); err != nil {
			return q, fmt.Errorf("parse error at line 1, col 1: syntax error: unexpected %q", m[4])
		}
	}
	for name := range strings.SplitSeq(m[2]+","+m[8], ",") {
		if name = strings.TrimSpace(name); name != "" {
			q.by = append(q.by, name)
		}
	}
	for matcher := range strings.SplitSeq(m[5], ",") {
		l := logQLLabel.FindStringSubmatch(strings.TrimSpace(matcher))
		if l == nil {
			return q, fmt.Errorf("parse error at line 1, col 1: syntax error: unexpected %q", matcher)
		}
		q.holds = append(q.holds, matches(l[1], l[2], l[3]))
	}
	for stage := range strings.SplitSeq(m[6], "|") {
		stage = strings.TrimSpace(stage)
		field, isUnwrap := strings.CutPrefix(stage, "unwrap ")
		part, isFilter := strings.CutPrefix(stage, "= ")
		f := logQLField.FindStringSubmatch(stage)
		switch {
		case stage == "" || stage == "json" || stage == "logfmt":
		case isFilter:
			q.holds = append(q.holds, func(e Event) bool { return strings.Contains(e.Fields["line"], strings.Trim(part, `"`)) })
		case isUnwrap:
			q.unwrap = field
		case f != nil:
			q.holds = append(q.holds, matches(f[1], f[2], f[3]))
		default:
			return q, fmt.Errorf("parse error at line 1, col 1: syntax error: unexpected %q", stage)
		}
	}
	if (q.over == "count_over_time") != (q.unwrap == "") {
		return q, fmt.Errorf("parse error : invalid aggregation %s with unwrap %q", q.over, q.unwrap)
	}
	return q, nil
}

// matches makes a condition on a field; app is the name of the event.
func matches(name, op, want string) func(Event) bool {
	return func(e Event) bool {
		got := e.Fields[name]
		if name == "app" {
			got = e.Name
		}
		a, err1 := strconv.ParseFloat(got, 64)
		b, err2 := strconv.ParseFloat(want, 64)
		numbers := err1 == nil && err2 == nil
		switch op {
		case "=", "==":
			return got == want
		case "!=":
			return got != want
		case "=~", "!~":
			ok, _ := regexp.MatchString("^(?:"+want+")$", got)
			return ok == (op == "=~")
		case ">=":
			return numbers && a >= b
		case "<=":
			return numbers && a <= b
		case ">":
			return numbers && a > b
		}
		return numbers && a < b
	}
}

func (q logQL) run(d *Data, start, end time.Time, step time.Duration) []any {
	events := d.find(func(e Event) bool {
		return !slices.ContainsFunc(q.holds, func(holds func(Event) bool) bool { return !holds(e) })
	})
	value := count
	if q.unwrap != "" {
		value = func(e Event) float64 {
			v, _ := strconv.ParseFloat(e.Fields[q.unwrap], 64)
			return v
		}
	}
	points := map[string][]any{}
	labels := map[string]map[string]string{}
	for at := start; !at.After(end); at = at.Add(step) {
		here := slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return !e.At.After(at.Add(-q.span)) || e.At.After(at) })
		for _, s := range group(here, grid{at.Add(-q.span), q.span, true}, q.by, value) {
			c, v := s.cells[at.UnixMilli()], 0.0
			switch {
			case q.over == "avg_over_time":
				v = c.avg()
			case q.over == "max_over_time":
				v = c.most()
			case q.over == "quantile_over_time":
				v = c.quantile(q.quantile)
			default:
				v = c.sum
			}
			key := keyOf(s.fields)
			labels[key] = s.fields
			points[key] = append(points[key], []any{float64(at.UnixMilli()) / 1000, strconv.FormatFloat(v, 'f', -1, 64)})
		}
	}
	out := []any{}
	for _, key := range slices.Sorted(maps.Keys(points)) {
		out = append(out, map[string]any{"metric": labels[key], "values": points[key]})
	}
	return out
}
