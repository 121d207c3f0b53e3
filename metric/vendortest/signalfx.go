package vendortest

import (
	"fmt"
	"hash/crc32"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// SignalFx is a server of GET /v1/timeserieswindow, as Splunk Observability
// Cloud's page "Retrieve metric time series (MTS)" has it. What is named in
// gauges is rolled up to its average, everything else is a counter and rolled up
// to its sum. Series are told by their ids alone.
func SignalFx(c Config, gauges ...string) *Server { return newServer(c, signalFx{gauges}) }

type signalFx struct{ gauges []string }

func (signalFx) admit(c Config, r request) bool { return r.Header.Get("X-SF-Token") == c.Token }

func (signalFx) refuse(status int, message string) reply {
	if status == http.StatusUnauthorized {
		message = "Unauthorized"
	}
	return jsonReply(status, map[string]any{"code": status, "message": message})
}

func (v signalFx) answer(d *Data, r request, f Fault) reply {
	if r.URL.Path != "/v1/timeserieswindow" || r.Method != http.MethodGet {
		return v.refuse(http.StatusNotFound, "HTTP 404 Not Found")
	}
	form := r.URL.Query()
	for name := range form {
		if !slices.Contains([]string{"query", "startMS", "endMS", "resolution"}, name) {
			return v.refuse(http.StatusBadRequest, "unknown parameter "+name)
		}
	}
	from, err1 := strconv.ParseInt(form.Get("startMS"), 10, 64)
	to, err2 := strconv.ParseInt(form.Get("endMS"), 10, 64)
	step := form.Get("resolution")
	if err1 != nil || err2 != nil || from < 1e12 || from >= to || !slices.Contains([]string{"1000", "60000", "300000", "3600000"}, step) {
		return v.refuse(http.StatusBadRequest, fmt.Sprintf("startMS, endMS or resolution is no good: %v", form))
	}
	holds, err := lucene(form.Get("query"))
	if err != nil {
		return v.refuse(http.StatusBadRequest, err.Error())
	}
	if f == Inside {
		return jsonReply(0, map[string]any{"data": map[string]any{}, "errors": []string{"search timed out"}})
	}
	ms, _ := strconv.ParseInt(step, 10, 64)
	g := grid{time.Unix(0, 0), time.Duration(ms) * time.Millisecond, false}
	data := map[string]any{}
	for _, s := range v.series(d, holds, g) {
		points := [][]any{}
		for _, end := range s.ends() {
			if at := end - ms; at >= from && at < to {
				points = append(points, []any{at, s.cells[end].sum})
			}
		}
		if len(points) > 0 {
			data[tsid(s.fields)] = points
		}
	}
	errs := []string{}
	if f == Partial {
		for id := range data {
			delete(data, id)
			break
		}
		errs = append(errs, "not all time series could be read")
	}
	return jsonReply(0, map[string]any{"data": data, "errors": errs})
}

// series are those of all fields, each with its rollup as the sum of its cells.
func (v signalFx) series(d *Data, holds func(Event) bool, g grid) []series {
	events := d.find(func(e Event) bool {
		named := Event{Fields: map[string]string{"sf_metric": e.Name}}
		for k, f := range e.Fields {
			named.Fields[k] = f
		}
		return holds(named)
	})
	var names []string
	for i, e := range events {
		events[i].Fields = map[string]string{"sf_metric": e.Name}
		for k, f := range e.Fields {
			events[i].Fields[k] = f
			if !slices.Contains(names, k) {
				names = append(names, k)
			}
		}
	}
	all := group(events, g, append(names, "sf_metric"), count)
	for _, s := range all {
		if !slices.Contains(v.gauges, s.fields["sf_metric"]) {
			continue
		}
		for at, c := range s.cells {
			c.sum = c.avg()
			s.cells[at] = c
		}
	}
	return all
}

// tsid makes up a series' id, of the letters that theirs have.
func tsid(fields map[string]string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
	id := []byte("AAAA")
	for n := crc32.ChecksumIEEE([]byte(keyOf(fields))); n > 0; n /= 32 {
		id = append(id, letters[n%32])
	}
	return string(id)
}
