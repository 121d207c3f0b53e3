package vendortest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Dynatrace is a server of GET /api/v2/metrics/query, as Dynatrace's pages
// "Metrics API - GET metric data points", "Metric selector" and "FAQ" have it:
// slots of a minute or more, whose time stamps are their ends, and null where a
// slot has nothing. Token needs the scope metrics.read.
func Dynatrace(c Config) *Server { return newServer(c, dynatrace{}) }

type dynatrace struct{}

func (dynatrace) admit(c Config, r request) bool {
	return r.Header.Get("Authorization") == "Api-Token "+c.Token
}

func (dynatrace) refuse(status int, message string) reply {
	switch status {
	case http.StatusUnauthorized:
		message = "Token Authentication failed"
	case http.StatusForbidden:
		message = "Token is missing required scope. Use one of: metrics.read (Read metrics)"
	}
	return jsonReply(status, map[string]any{"error": map[string]any{"code": status, "message": message}})
}

func (v dynatrace) answer(d *Data, r request, f Fault) reply {
	if r.URL.Path != "/api/v2/metrics/query" || r.Method != http.MethodGet {
		return v.refuse(http.StatusNotFound, "HTTP 404 Not Found")
	}
	form := r.URL.Query()
	for name := range form {
		if !slices.Contains([]string{"metricSelector", "resolution", "from", "to"}, name) {
			return v.refuse(http.StatusBadRequest, "unknown parameter "+name)
		}
	}
	s, err := parseSelector(form.Get("metricSelector"))
	if err != nil {
		return v.refuse(http.StatusBadRequest, err.Error())
	}
	from, err1 := strconv.ParseInt(form.Get("from"), 10, 64)
	to, err2 := strconv.ParseInt(form.Get("to"), 10, 64)
	minutes, err3 := strconv.Atoi(strings.TrimSuffix(form.Get("resolution"), "m"))
	if err1 != nil || err2 != nil || err3 != nil || minutes < 1 || from >= to || from < 1e12 {
		return v.refuse(http.StatusBadRequest, fmt.Sprintf("Constraints violated: from %q, to %q, resolution %q", form.Get("from"), form.Get("to"), form.Get("resolution")))
	}
	g := grid{time.Unix(0, 0), time.Duration(minutes) * time.Minute, false}
	// Whole slots, also where the time frame only touches them.
	first, last := g.end(time.UnixMilli(from)), g.end(time.UnixMilli(to-1))
	data := []any{}
	for _, one := range s.run(d, g, first-g.step.Milliseconds(), last) {
		var dims []string
		for _, k := range s.by {
			dims = append(dims, one.fields[k])
		}
		times, values := []int64{}, []any{}
		for at := first; at <= last; at += g.step.Milliseconds() {
			times = append(times, at)
			if c, ok := one.cells[at]; ok {
				values = append(values, s.value(c))
			} else {
				values = append(values, nil)
			}
		}
		data = append(data, map[string]any{"dimensions": dims, "dimensionMap": one.fields, "timestamps": times, "values": values})
	}
	collection := map[string]any{"metricId": form.Get("metricSelector"), "dataPointCountRatio": 0.0012, "dimensionCountRatio": 0.0002, "data": data}
	if f == Inside || f == Partial {
		collection["data"] = data[:len(data)/2]
		collection["warnings"] = []string{"The limit of 100000 dimension tuples was exceeded; the result is incomplete."}
	}
	return jsonReply(0, map[string]any{"totalCount": len(data), "nextPageKey": nil, "resolution": form.Get("resolution"), "result": []any{collection}})
}

// selector is a metric selector.
type selector struct {
	key, kind string
	equal     map[string]string
	by        []string
}

var (
	selectorForm = regexp.MustCompile(`^([\w.-]+)((?::filter\(.*?\)\))?)(?::splitBy\(([^)]*)\))?:(sum|value|avg|max|count|percentile\(\d+\))$`)
	selectorEq   = regexp.MustCompile(`eq\("?([\w.]+)"?,"?([^")]*)"?\)`)
)

func parseSelector(text string) (selector, error) {
	m := selectorForm.FindStringSubmatch(text)
	if m == nil {
		return selector{}, fmt.Errorf("the metric selector is invalid: %s", text)
	}
	s := selector{key: m[1], kind: m[4], equal: map[string]string{}}
	for _, eq := range selectorEq.FindAllStringSubmatch(m[2], -1) {
		s.equal[eq[1]] = eq[2]
	}
	if (m[2] != "") != (len(s.equal) > 0) {
		return s, fmt.Errorf("the filter of the metric selector is invalid: %s", m[2])
	}
	for name := range strings.SplitSeq(m[3], ",") {
		if name = strings.Trim(strings.TrimSpace(name), `"`); name != "" {
			s.by = append(s.by, name)
		}
	}
	return s, nil
}

func (s selector) run(d *Data, g grid, from, to int64) []series {
	return group(d.find(func(e Event) bool {
		for k, v := range s.equal {
			if e.Fields[k] != v {
				return false
			}
		}
		at := e.At.UnixMilli()
		return e.Name == s.key && at >= from && at < to
	}), g, s.by, count)
}

func (s selector) value(c cell) any {
	switch s.kind {
	case "avg":
		return c.avg()
	case "max":
		return c.most()
	case "count":
		return len(c.values)
	case "sum", "value":
		return c.sum
	}
	percent, _ := strconv.Atoi(strings.Trim(s.kind, "percntil()"))
	return c.quantile(float64(percent) / 100)
}
