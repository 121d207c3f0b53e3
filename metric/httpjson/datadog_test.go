package httpjson_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/metric/httpjson"
	"github.com/linnet-project/linnet/release"
)

// The answers have the form that Datadog documents for "Query timeseries data
// across multiple products" (POST /api/v2/query/timeseries).
const (
	datadogHits = `{"data": {"id": "0", "type": "timeseries_response", "attributes": {
		"series": [
			{"group_tags": ["version:1.4.1"], "query_index": 0, "unit": [{"family": "network", "name": "hit"}, null]},
			{"group_tags": ["version:1.5.0"], "query_index": 0, "unit": null},
			{"group_tags": ["version:1.3.9"], "query_index": 0, "unit": null}],
		"times": [%d, %d, %d],
		"values": [[100, 110, 7], [50, 55, 3], [1, 1, 1]]}}}`
	datadogErrors = `{"data": {"id": "0", "type": "timeseries_response", "attributes": {
		"series": [{"group_tags": ["version:1.5.0"], "query_index": 0, "unit": null}],
		"times": [%d, %d], "values": [[null, 5]]}}}`
)

var datadogMetric = release.Metric{
	Kind: release.Ratio, Events: "sum:trace.http.request.errors{service:checkout} by {version}.as_count()",
	Of: "sum:trace.http.request.hits{service:checkout} by {version}.as_count()",
}

func TestDatadog(t *testing.T) {
	key, app := secretFile(t, "k3y\n"), secretFile(t, "app-k3y\n")
	at := func(n int) int64 { return minutes(0, n).To.UnixMilli() }
	srv := serve(t, func(_ int, r request) (int, string) {
		if r.header.Get("DD-API-KEY") != "k3y" || r.header.Get("DD-APPLICATION-KEY") != "app-k3y" {
			return http.StatusForbidden, `{"errors": ["Forbidden"]}`
		}
		if strings.Contains(r.body, "errors") {
			return http.StatusOK, fmt.Sprintf(datadogErrors, at(0), at(1))
		}
		return http.StatusOK, fmt.Sprintf(datadogHits, at(0), at(1), at(2))
	})
	s := preset(t, "datadog", srv.URL, map[string]string{"apiKeyFile": key, "appKeyFile": app})
	a := observe(t, s, datadogMetric, minutes(0, 1), minutes(1, 2))
	want(t, a, release.Baseline, "", minutes(0, 1), 0, 100)
	want(t, a, release.Baseline, "", minutes(1, 2), 0, 110)
	want(t, a, release.Candidate, "", minutes(0, 1), 0, 50)
	want(t, a, release.Candidate, "", minutes(1, 2), 5, 55)
	if len(a.Observations) != 4 {
		t.Errorf("%d observations, want 4: the bucket that is not over must wait", len(a.Observations))
	}
	asked := srv.requests()
	if len(asked) != 2 {
		t.Fatalf("%d requests for two questions", len(asked))
	}
	slices.SortFunc(asked, func(a, b request) int { return strings.Compare(a.body, b.body) }) // they come at once
	for i, text := range []string{datadogMetric.Events, datadogMetric.Of} {
		var body any
		if err := json.Unmarshal([]byte(asked[i].body), &body); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"data": map[string]any{"type": "timeseries_request", "attributes": map[string]any{
			"from": float64(at(0)), "to": float64(at(2)), "interval": 60000.0,
			"queries":  []any{map[string]any{"data_source": "metrics", "name": "a", "query": text}},
			"formulas": []any{map[string]any{"formula": "a"}},
		}}}
		if asked[i].method != http.MethodPost || asked[i].path != "/api/v2/query/timeseries" || asked[i].header.Get("Content-Type") != "application/json" || !reflect.DeepEqual(body, want) {
			t.Errorf("asked with %s %s %s", asked[i].method, asked[i].path, asked[i].body)
		}
	}
}

func TestDatadogByArm(t *testing.T) {
	srv := serve(t, func(_ int, r request) (int, string) {
		n := 10
		if strings.Contains(r.body, "version:1.5.0") {
			n = 20
		}
		return http.StatusOK, fmt.Sprintf(`{"data": {"type": "timeseries_response", "attributes": {
			"series": [{"group_tags": [], "query_index": 0}], "times": [%d], "values": [[%d]]}}}`, noon.UnixMilli(), n)
	})
	s := preset(t, "datadog", srv.URL, nil)
	a := observe(t, s, release.Metric{Kind: release.Count, Events: "sum:restarts{version:{{version}}}.as_count()"}, minutes(0, 1))
	want(t, a, release.Baseline, "", minutes(0, 1), 10, 0)
	want(t, a, release.Candidate, "", minutes(0, 1), 20, 0)
}

func TestDatadogRefuses(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		means  error
		words  []string
	}{
		{http.StatusForbidden, `{"errors": ["Forbidden"]}`, release.ErrInvalid, []string{"403", "apiKey"}},
		{http.StatusBadRequest, `{"errors": ["Error parsing query: unable to parse"]}`, release.ErrInvalid, []string{"unable to parse", "sum:trace.http.request."}},
		{http.StatusTooManyRequests, `{"errors": ["Rate limit of 100 requests in 60 seconds reached"]}`, release.ErrUnavailable, []string{"429", "Rate limit"}},
		{http.StatusOK, `{"errors": "query timed out"}`, release.ErrUnavailable, []string{"timed out"}},
	} {
		srv := serve(t, func(int, request) (int, string) { return tt.status, tt.body })
		key := secretFile(t, "k3y-of-ours")
		s := preset(t, "datadog", srv.URL, map[string]string{"apiKeyFile": key})
		_, err := s.Observe(context.Background(), release.Query{Metric: datadogMetric, Arms: arms, Windows: []release.Window{minutes(0, 1)}})
		if !errors.Is(err, tt.means) {
			t.Fatalf("%d: error %v, want %v", tt.status, err, tt.means)
		}
		for _, word := range tt.words {
			if word == "apiKey" {
				word = key
			}
			wantText(t, "error", err.Error(), word)
		}
		if n := len(srv.requests()); tt.status == http.StatusTooManyRequests && n > 2 { // each question once
			t.Errorf("two questions were asked %d times although the limit lasts for a minute", n)
		}
	}
}

func TestDatadogWantsCounts(t *testing.T) {
	c, err := httpjson.Vendor("datadog", httpjson.Use{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(datadogMetric, arms); err != nil {
		t.Error(err)
	}
	rate := datadogMetric
	rate.Of = "sum:trace.http.request.hits{version:{{version}}}"
	if err := c.Check(rate, arms); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), ".as_count()") {
		t.Errorf("a rate: error %v", err)
	}
	if err := c.Check(release.Metric{Kind: release.Gauge, Events: "avg:system.cpu.user{version:{{version}}}"}, arms); err != nil {
		t.Error(err)
	}
}
