package sql_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/metricconf"
	"github.com/linnet-project/linnet/metric/sql"
	"github.com/linnet-project/linnet/release"
)

// house answers as ClickHouse's HTTP interface does
// (https://clickhouse.com/docs/interfaces/http): a GET is read-only, settings and
// parameters are in the URL, {name:Type} is a parameter, and an error is a text
// with its code. It knows the tables of the suite, not SQL.
type house struct {
	t      *testing.T
	bounds []float64

	mu  sync.Mutex
	all []metricconf.Stretch
}

const instantOfHouse = "2006-01-02 15:04:05.000"

// ServeHTTP implements http.Handler.
func (h *house) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	refuse := func(status, code int, text string) {
		w.Header().Set("X-ClickHouse-Exception-Code", strconv.Itoa(code))
		http.Error(w, fmt.Sprintf("Code: %d. DB::Exception: %s (version 24.8.4.13 (official build))", code, text), status)
	}
	q := r.URL.Query()
	user, password, _ := r.BasicAuth()
	switch {
	case r.Method != http.MethodGet || r.URL.Path != "/":
		h.t.Errorf("asked by %s %s", r.Method, r.URL.Path)
	case user != "linnet" || password != secret:
		refuse(http.StatusForbidden, 516, "linnet: Authentication failed")
		return
	}
	for name, want := range map[string]string{
		"database": "shop", "default_format": "JSONCompact", "wait_end_of_query": "1", "limit": "200001", "max_execution_time": "7",
		"cancel_http_readonly_queries_on_client_close": "1", "date_time_output_format": "iso", "output_format_json_quote_denormals": "1",
	} {
		if got := q.Get(name); got != want {
			h.t.Errorf("setting %s is %q, want %q", name, got, want)
		}
	}
	text := q.Get("query")
	if !strings.Contains(text, "BETWEEN {p1:DateTime64(3, 'UTC')} AND {p2:DateTime64(3, 'UTC')}") {
		refuse(http.StatusBadRequest, 62, "Syntax error: failed at position 1 ("+text+")")
		return
	}
	from, err1 := time.Parse(instantOfHouse, q.Get("param_p1"))
	to, err2 := time.Parse(instantOfHouse, q.Get("param_p2"))
	if err1 != nil || err2 != nil {
		refuse(http.StatusBadRequest, 457, fmt.Sprint("Value cannot be parsed: ", err1, err2))
		return
	}
	columns := strings.Split(text[len("SELECT "):strings.Index(text, " FROM")], ", ")
	answer := struct {
		Meta       []map[string]string `json:"meta"`
		Data       [][]any             `json:"data"`
		Statistics map[string]float64  `json:"statistics"`
	}{meta(columns), h.data(text, from, to), map[string]float64{"elapsed": 0.001}}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		h.t.Log(err) // who asked is gone
	}
}

func meta(columns []string) (all []map[string]string) {
	for _, c := range columns {
		if _, as, ok := strings.Cut(c, " AS "); ok {
			c = as
		}
		all = append(all, map[string]string{"name": c, "type": "String"})
	}
	return all
}

// data are the rows of a query of the suite. 64-bit numbers may be quoted, and
// what is no number is.
func (h *house) data(text string, from, to time.Time) (data [][]any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	data = [][]any{}
	for _, s := range h.all {
		if s.To.Before(from) || s.To.After(to) {
			continue
		}
		who := []any{s.Arm.Version, s.To.UTC().Format("2006-01-02T15:04:05.000Z"), s.Region}
		row := func(more ...any) { data = append(data, append(who[:3:3], more...)) }
		switch {
		case strings.Contains(text, "n, bad FROM"):
			row(strconv.FormatInt(s.All, 10), s.Bad)
		case strings.Contains(text, "region, n FROM counted"):
			row(s.All)
		case strings.Contains(text, "FROM buckets"):
			for i, n := range s.Buckets {
				if i < len(h.bounds) {
					row(h.bounds[i], n)
				} else {
					row(nil, n)
				}
			}
		case strings.Contains(text, "level FROM"):
			row(denormal(s.Level))
		default:
			row(s.Average)
		}
	}
	return data
}

func denormal(v float64) any {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 1):
		return "inf"
	}
	return v
}

// clickHouseAt is a source of a server at a URL.
func clickHouseAt(t *testing.T, address string) *sql.Source {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	host, text, err := net.SplitHostPort(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return bed{config: sql.Config{
		Dialect: sql.ClickHouse, Host: host, Port: port, Database: "shop", User: "linnet", PasswordFile: passwordFile(t), Timeout: 5 * time.Second, Now: time.Now,
	}}.source(t)
}

func TestConformanceOfClickHouse(t *testing.T) {
	t.Parallel()
	metricconf.Answers(t, time.Second, func(t *testing.T, happened metricconf.Happened) metricconf.Bed {
		h := &house{t: t, bounds: happened.Bounds, all: happened.Stretches}
		w := metricconf.NewWire(t, h)
		return metricconf.Bed{
			Source: clickHouseAt(t, w.URL), Break: w.Break, Asked: w.Asked, Secrets: []string{secret},
			Metric: func(q metricconf.Question, _ []string) release.Metric { return questions[q] },
			Late: func(_ *testing.T, more []metricconf.Stretch) {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.all = append(h.all[:len(h.all):len(h.all)], more...)
			},
			Cannot: map[string]string{metricconf.CasePartial: "a database answers in whole or not at all"},
		}
	})
}

// TestClickHouseParameters go in their own notation, and what would end one is
// escaped.
func TestClickHouseParameters(t *testing.T) {
	var asked url.Values
	w := metricconf.NewWire(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query()
		fmt.Fprint(w, `{"meta":[{"name":"arm","type":"String"},{"name":"time","type":"DateTime"},{"name":"visits","type":"UInt64"},{"name":"failed","type":"UInt8"}],"data":[["x\\y\tz","2026-01-02T10:00:30Z","7",true]],"rows":1}`)
	}))
	s := clickHouseAt(t, w.URL)
	odd := []release.Arm{{Name: release.Baseline, Version: "1.0"}, {Name: release.Candidate, Version: "x\\y\tz"}}
	a, err := s.Observe(t.Context(), release.Query{Arms: odd, Windows: minutes(1),
		Metric: ratio("SELECT arm, time, visits, failed FROM t WHERE version IN (:baseline, :candidate) AND at::DateTime > :from AND note != ':to\\' :to' AND :step > 0")})
	if err != nil {
		t.Fatal(err)
	}
	want(t, a, "candidate  +1m0s: 1 of 7")
	for name, want := range map[string]string{
		"query":    "SELECT arm, time, visits, failed FROM t WHERE version IN ({p1:String}, {p2:String}) AND at::DateTime > {p3:DateTime64(3, 'UTC')} AND note != ':to\\' :to' AND {p4:Int64} > 0",
		"param_p1": "1.0", "param_p2": `x\\y\tz`, "param_p3": "2026-01-02 10:00:00.000", "param_p4": "1",
	} {
		if got := asked.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// FuzzClickHouseAnswers: whatever comes is an answer, or an error with a meaning.
func FuzzClickHouseAnswers(f *testing.F) {
	for _, seed := range []string{
		`{"meta":[{"name":"arm"},{"name":"time"},{"name":"visits"},{"name":"failed"}],"data":[["stable","2026-01-02T10:00:30Z","7",1]]}`,
		`{"data":[[1]]}`, `{"meta":[],"data":[[]]}`, `{"meta":[{"name":"arm"}],"data":{}}`, `[]`, `{"meta":null,"data":null}`, `{}`, "Code: 62. DB::Exception: no",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w := metricconf.NewWire(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
		a, err := clickHouseAt(t, w.URL).Observe(t.Context(), release.Query{Metric: ratio("SELECT 1"), Arms: arms, Windows: minutes(1)})
		if err != nil {
			wantError(t, err, release.ErrInvalid)
		}
		for _, o := range a.Observations {
			if o.Events < 0 || float64(o.Events) > o.Of {
				t.Errorf("%q: %+v", text, o)
			}
		}
	})
}
