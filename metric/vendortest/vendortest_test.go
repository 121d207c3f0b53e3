package vendortest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var began = time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC)

// shop is a minute of each of two versions and regions, with something bad.
func shop() (all []Event) {
	for minute := range 2 {
		for v, version := range []string{"1.4.1", "1.5.0"} {
			for _, region := range []string{"eu", "us"} {
				for code, n := range map[string]float64{"200": 10, "500": float64(v + 1)} {
					all = append(all, Event{
						At: began.Add(time.Duration(minute)*time.Minute + 20*time.Second), Name: "shop", Value: n,
						Fields: map[string]string{"version": version, "region": region, "status": code, "took": "0.2"},
					})
				}
			}
		}
	}
	return all
}

// asks sends a request, and gives the status and the body of the answer.
func asks(t *testing.T, s *Server, method, target, body string, header map[string]string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	out, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(out)
}

// shape is what keys and kinds a JSON text has; of a list that of its first.
// Keys that are data (below a key of names) are one.
func shape(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return shapeOf(v, "")
}

func shapeOf(v any, key string) string {
	switch v := v.(type) {
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			part := k + ":" + shapeOf(v[k], k)
			if key == "data" && strings.HasPrefix(k, "AAAA") {
				part = "id:" + shapeOf(v[k], k)
			}
			parts = append(parts, part)
		}
		return "{" + strings.Join(slices.Compact(parts), ",") + "}"
	case []any:
		if len(v) == 0 {
			return "[]"
		}
		if _, ok := v[0].([]any); !ok && len(v) == 2 && key == "values" || key == "" {
			return fmt.Sprintf("[%s,%s]", shapeOf(v[0], "of"), shapeOf(v[len(v)-1], "of"))
		}
		return "[" + shapeOf(v[0], "of") + "]"
	}
	return fmt.Sprintf("%T", v)
}

func recorded(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func span() (from, to string) {
	return fmt.Sprint(began.UnixMilli()), fmt.Sprint(began.Add(2 * time.Minute).UnixMilli())
}

const esBody = `{"size":0,"query":{"bool":{"filter":[
 {"range":{"@timestamp":{"gte":%s,"lt":%s,"format":"epoch_millis"}}},{"query_string":{"query":"region:eu AND took:<1"}}]}},
 "aggs":{"time":{"date_histogram":{"field":"@timestamp","fixed_interval":"60s","min_doc_count":1},
 "aggs":{"version":{"terms":{"field":"version","size":10},"aggs":{"bad":{"filter":{"query_string":{"query":"status:5*"}}}}}}}}}`

// vendors are each server, with a right question and parts of its answer.
var vendors = map[string]struct {
	server *Server
	ask    func(from, to string) (method, target, body string, header map[string]string)
	like   string
	wants  []string
}{
	"loki": {
		Loki(Config{Tenant: "team", Token: "secret"}),
		func(from, to string) (string, string, string, map[string]string) {
			return "GET", "/loki/api/v1/query_range?" + url.Values{
				"query": {`sum by (version) (count_over_time({app="shop", region=~"eu|us"} | json | status >= 500 [60s]))`},
				"start": {from + "000000"}, "end": {to + "000000"}, "step": {"60"},
			}.Encode(), "", map[string]string{"X-Scope-OrgID": "team", "Authorization": "Bearer secret"}
		},
		"loki.json", []string{`{"metric":{"version":"1.5.0"},"values":[[1767366060,"4"],[1767366120,"4"]]}`},
	},
	"elasticsearch": {
		Elasticsearch(Config{Token: "id:key"}),
		func(from, to string) (string, string, string, map[string]string) {
			return "POST", "/shop/_search", fmt.Sprintf(esBody, from, to), map[string]string{"Content-Type": "application/json", "Authorization": "ApiKey aWQ6a2V5"}
		},
		"elasticsearch.json", []string{`"key":1767366000000`, `{"bad":{"doc_count":2},"doc_count":12,"key":"1.5.0"}`},
	},
	"dynatrace": {
		Dynatrace(Config{Token: "dt0c01.x"}),
		func(from, to string) (string, string, string, map[string]string) {
			return "GET", "/api/v2/metrics/query?" + url.Values{
				"metricSelector": {`shop:filter(eq("status","500")):splitBy("version"):sum`}, "resolution": {"1m"}, "from": {from}, "to": {to},
			}.Encode(), "", map[string]string{"Authorization": "Api-Token dt0c01.x"}
		},
		"dynatrace.json", []string{`"timestamps":[1767366060000,1767366120000],"values":[4,4]`},
	},
	"signalfx": {
		SignalFx(Config{Token: "t"}),
		func(from, to string) (string, string, string, map[string]string) {
			return "GET", "/v1/timeserieswindow?" + url.Values{
				"query": {`sf_metric:shop AND version:"1.5.0" AND status:500`}, "startMS": {from}, "endMS": {to}, "resolution": {"60000"},
			}.Encode(), "", map[string]string{"X-SF-TOKEN": "t"}
		},
		"signalfx.json", []string{`[[1767366000000,2],[1767366060000,2]]`},
	},
}

func TestAnswersLikeTheVendors(t *testing.T) {
	for name, v := range vendors {
		t.Run(name, func(t *testing.T) {
			v.server.Add(shop()...)
			from, to := span()
			method, target, body, header := v.ask(from, to)
			code, got := asks(t, v.server, method, target, body, header)
			if code != http.StatusOK {
				t.Fatalf("%d %s", code, got)
			}
			if a, b := shape(t, got), shape(t, recorded(t, v.like)); a != b {
				t.Errorf("the shape of the answer is\n%s, the vendor's is\n%s", a, b)
			}
			for _, want := range v.wants {
				if !strings.Contains(got, want) {
					t.Errorf("%s lacks %s", got, want)
				}
			}
			for key := range header {
				wrong := maps.Clone(header)
				wrong[key] = "x"
				if code, got := asks(t, v.server, method, target, body, wrong); code/100 != 4 {
					t.Errorf("a wrong %s: %d %s", key, code, got)
				}
			}
			for fault, want := range map[Fault]int{Deny: 401, Forbid: 403, Missing: 404, Throttle: 429, Fail: 500, Partial: 200, Inside: 200} {
				mend := v.server.Break(fault, 1)
				if code, said := asks(t, v.server, method, target, body, header); code != want || said == got {
					t.Errorf("%s: %d %s", fault, code, said)
				}
				mend()
			}
			if code, again := asks(t, v.server, method, target, body, header); code != 200 || again != got {
				t.Errorf("mended: %d %s", code, again)
			}
		})
	}
}

func TestErrorsLikeTheVendors(t *testing.T) {
	_, got := asks(t, Elasticsearch(Config{}), "POST", "/logs/_search", `{"size":0}`, map[string]string{"Content-Type": "application/json"})
	if want := strings.TrimSpace(recorded(t, "elasticsearch-error.json")); shape(t, got) != shape(t, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	_, got = asks(t, Dynatrace(Config{Token: "x"}), "GET", "/api/v2/metrics/query", "", nil)
	if shape(t, got) != shape(t, recorded(t, "dynatrace-error.json")) {
		t.Errorf("got %s", got)
	}
}

func TestFlux(t *testing.T) {
	s := InfluxDB2(Config{Token: "secret", Tenant: "acme"})
	s.Add(shop()...)
	s.Add(Event{At: began.Add(time.Second), Name: "shop", Fields: map[string]string{"version": "1.5.0"}, Value: 1})
	header := map[string]string{"Authorization": "Token secret", "Content-Type": "application/vnd.flux", "Accept": "application/csv"}
	query := `from(bucket: "shop")
  |> range(start: 2026-01-02T15:00:00.000Z, stop: 2026-01-02T15:02:00.000Z)
  |> filter(fn: (r) => r._measurement == "shop" and r._field == "value")
  |> group(columns: ["version", "region"])
  |> aggregateWindow(every: 60s, fn: sum, createEmpty: false)`
	code, got := asks(t, s, "POST", "/api/v2/query?org=acme", query, header)
	if code != http.StatusOK || !strings.HasPrefix(got, strings.SplitAfter(recorded(t, "influxdb2.csv"), "\n")[0]) ||
		!strings.Contains(got, "2026-01-02T15:01:00Z,12,1.5.0,us\r\n") || !strings.Contains(got, "\r\n\r\n,result,table,_start,_stop,_time,_value,version\r\n,_result,4,") {
		t.Errorf("%d %q", code, got)
	}
	for from, to := range map[string]string{"/query?org=acme": "/query?org=other", "application/csv": "text/html", "vnd.flux": "xml", "Token secret": "secret"} {
		h := map[string]string{}
		for k, v := range header {
			h[k] = strings.Replace(v, from, to, 1)
		}
		if code, got := asks(t, s, "POST", strings.Replace("/api/v2/query?org=acme", from, to, 1), query, h); code/100 != 4 {
			t.Errorf("%s: %d %s", to, code, got)
		}
	}
	defer s.Break(Inside, 0)()
	if _, got := asks(t, s, "POST", "/api/v2/query?org=acme", query, header); !bytes.HasPrefix([]byte(got), []byte(strings.SplitAfter(recorded(t, "influxdb2-error.csv"), "\n")[0])) {
		t.Errorf("got %q", got)
	}
}
