package vendortest

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// InfluxDB2 is a server of POST /api/v2/query with Flux, as InfluxDB 2's pages
// "Query with the InfluxDB API", "Annotated CSV" and "aggregateWindow() function"
// have it: CSV, with one header for each form of table. An event is a point of
// the measurement Name, in the bucket "shop" of the organisation Tenant, whose
// field _field of Fields ("value" without) is Value.
func InfluxDB2(c Config) *Server { return newServer(c, influxDB2{c.Tenant}) }

type influxDB2 struct{ org string }

func (influxDB2) admit(c Config, r request) bool {
	return r.Header.Get("Authorization") == "Token "+c.Token
}

func (influxDB2) refuse(status int, message string) reply {
	code := map[int]string{
		http.StatusBadRequest: "invalid", http.StatusUnauthorized: "unauthorized", http.StatusForbidden: "forbidden",
		http.StatusNotFound: "not found", http.StatusTooManyRequests: "too many requests", http.StatusInternalServerError: "internal error",
	}[status]
	if status == http.StatusUnauthorized {
		message = "unauthorized access"
	}
	return jsonReply(status, map[string]string{"code": code, "message": message})
}

func (v influxDB2) answer(d *Data, r request, f Fault) reply {
	switch {
	case r.URL.Path != "/api/v2/query" || r.Method != http.MethodPost:
		return v.refuse(http.StatusNotFound, "path not found")
	case r.URL.Query().Get("org") != v.org:
		return v.refuse(http.StatusNotFound, `organization name "`+r.URL.Query().Get("org")+`" not found`)
	case !strings.Contains(r.Header.Get("Accept"), "application/csv"):
		return v.refuse(http.StatusBadRequest, "only application/csv can be answered")
	}
	text, err := fluxText(r)
	if err != nil {
		return v.refuse(http.StatusBadRequest, err.Error())
	}
	q, err := parseFlux(text)
	switch {
	case err != nil:
		return v.refuse(http.StatusBadRequest, err.Error())
	case q.bucket != "shop":
		return v.refuse(http.StatusNotFound, fmt.Sprintf("failed to initialize execute state: could not find bucket %q", q.bucket))
	case f == Inside:
		return reply{kind: "text/csv; charset=utf-8", body: []byte(",error,reference\r\n,engine: read: shard is closed,897\r\n\r\n")}
	}
	return reply{kind: "text/csv; charset=utf-8", body: q.run(d)}
}

// fluxText takes the query out of a request: the body itself, or a member of it.
func fluxText(r request) (string, error) {
	switch kind := r.Header.Get("Content-Type"); kind {
	case "application/vnd.flux":
		return r.Body, nil
	case "application/json":
		var in struct {
			Query, Type string
			Dialect     struct {
				Header      bool
				Annotations []string
			}
		}
		decoder := json.NewDecoder(strings.NewReader(r.Body))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil || in.Type != "flux" || !in.Dialect.Header || len(in.Dialect.Annotations) > 0 {
			return "", fmt.Errorf("failed decoding request body: %v: %s", err, r.Body)
		}
		return in.Query, nil
	default:
		return "", fmt.Errorf("unknown content type %q", kind)
	}
}

// flux is a query: a bucket's points, filtered, grouped and put into windows.
type flux struct {
	bucket      string
	start, stop time.Time
	equal       map[string]string
	by          []string
	every       time.Duration
	fn          string
}

var (
	fluxBucket = regexp.MustCompile(`^from\(bucket: ?"([^"]*)"\)$`)
	fluxRange  = regexp.MustCompile(`^range\(start: ?([^,]+), ?stop: ?([^)]+)\)$`)
	fluxFilter = regexp.MustCompile(`^filter\(fn: ?\(r\) => (.*)\)$`)
	fluxEqual  = regexp.MustCompile(`^r\.(\w+) == "([^"]*)"$`)
	fluxGroup  = regexp.MustCompile(`^group\(columns: ?\[([^\]]*)\]\)$`)
	fluxWindow = regexp.MustCompile(`^aggregateWindow\(every: ?(\w+), ?fn: ?(sum|mean|max), ?createEmpty: ?false\)$`)
)

func parseFlux(text string) (q flux, err error) {
	q.equal = map[string]string{}
	for i, part := range strings.Split(strings.Join(strings.Fields(text), " "), "|>") {
		part = strings.TrimSpace(part)
		if err := q.take(i, part); err != nil {
			return q, fmt.Errorf("error @1:1-1:%d: %w", len(text), err)
		}
	}
	if q.every <= 0 || !q.start.Before(q.stop) || q.equal["_field"] == "" || q.equal["_measurement"] == "" {
		return q, fmt.Errorf("cannot query an empty range, or without measurement, field or windows: %s", text)
	}
	return q, nil
}

func (q *flux) take(i int, part string) (err error) {
	find := func(form *regexp.Regexp) []string { return form.FindStringSubmatch(part) }
	if m := find(fluxBucket); m != nil && i == 0 {
		q.bucket = m[1]
	} else if m := find(fluxRange); m != nil && i == 1 {
		if q.start, err = time.Parse(time.RFC3339Nano, m[1]); err == nil {
			q.stop, err = time.Parse(time.RFC3339Nano, m[2])
		}
	} else if m := find(fluxFilter); m != nil {
		for one := range strings.SplitSeq(m[1], " and ") {
			eq := fluxEqual.FindStringSubmatch(one)
			if eq == nil {
				return fmt.Errorf("undefined identifier in %q", one)
			}
			q.equal[eq[1]] = eq[2]
		}
	} else if m := find(fluxGroup); m != nil {
		for name := range strings.SplitSeq(m[1], ",") {
			if name = strings.Trim(strings.TrimSpace(name), `"`); name != "" {
				q.by = append(q.by, name)
			}
		}
	} else if m := find(fluxWindow); m != nil {
		q.fn = m[2]
		q.every, err = time.ParseDuration(m[1])
	} else {
		err = fmt.Errorf("invalid expression %q", part)
	}
	return err
}

// run writes tables as the API does: those of the same columns under one header.
// Columns that are grouped by and a point does not have are left out of its table.
func (q flux) run(d *Data) []byte {
	events := d.find(func(e Event) bool {
		for k, v := range q.equal {
			if k != "_field" && k != "_measurement" && e.Fields[k] != v {
				return false
			}
		}
		return e.Name == q.equal["_measurement"] && fieldOf(e) == q.equal["_field"] && !e.At.Before(q.start) && e.At.Before(q.stop)
	})
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	var before []string
	for i, s := range group(events, grid{time.Unix(0, 0), q.every, false}, q.by, count) {
		header := []string{"", "result", "table", "_start", "_stop", "_time", "_value"}
		var values []string
		for _, k := range q.by {
			if v := s.fields[k]; v != "" {
				header, values = append(header, k), append(values, v)
			}
		}
		if !slices.Equal(header, before) {
			if before != nil {
				w.Flush()
				out.WriteString("\r\n")
			}
			_ = w.Write(header) // into memory
			before = header
		}
		for _, end := range s.ends() {
			c := s.cells[end]
			v := map[string]float64{"sum": c.sum, "mean": c.avg(), "max": c.most()}[q.fn]
			// The last window ends where the range does.
			stop := min(end, q.stop.UnixMilli())
			_ = w.Write(append([]string{"", "_result", strconv.Itoa(i), fluxTime(q.start), fluxTime(q.stop),
				fluxTime(time.UnixMilli(stop)), strconv.FormatFloat(v, 'f', -1, 64)}, values...))
		}
	}
	w.Flush()
	out.WriteString("\r\n")
	return out.Bytes()
}

// fieldOf is the field that an event's Value is of.
func fieldOf(e Event) string {
	if name := e.Fields["_field"]; name != "" {
		return name
	}
	return "value"
}

func fluxTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
