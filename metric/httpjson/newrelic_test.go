package httpjson_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/metric/httpjson"
	"github.com/linnet-project/linnet/release"
)

// What NerdGraph answers, as its tutorials and the reference of NRQL show it.
const newRelicAnswer = `{"data": {"actor": {"account": {"nrql": {"results": [
	{"beginTimeSeconds": %[1]d, "endTimeSeconds": %[2]d, "facet": "1.4.1", "version": "1.4.1", "requests": 100, "errors": 1},
	{"beginTimeSeconds": %[1]d, "endTimeSeconds": %[2]d, "facet": "1.5.0", "version": "1.5.0", "requests": 40, "errors": 4},
	{"beginTimeSeconds": %[2]d, "endTimeSeconds": %[3]d, "facet": "1.4.1", "version": "1.4.1", "requests": 110, "errors": 0},
	{"beginTimeSeconds": %[2]d, "endTimeSeconds": %[3]d, "facet": "1.5.0", "version": "1.5.0", "requests": 44, "errors": null}
]}}}}}`

func TestNewRelic(t *testing.T) {
	at := func(n int) int64 { return minutes(0, n).To.Unix() }
	srv := serve(t, func(_ int, r request) (int, string) {
		if r.header.Get("API-Key") != "NRAK-1" {
			return http.StatusUnauthorized, `{"errors":[{"message":"Invalid credentials provided"}]}`
		}
		return http.StatusOK, fmt.Sprintf(newRelicAnswer, at(0), at(1), at(2))
	})
	s := preset(t, "newRelic", srv.URL, map[string]string{"account": "1234567", "apiKeyFile": secretFile(t, "NRAK-1\n")})
	m := release.Metric{
		Kind: release.Ratio, Events: "errors", Of: "requests",
		Query: "SELECT count(*) AS requests, filter(count(*), WHERE error IS true) AS errors FROM Transaction WHERE appName = 'checkout' FACET version",
	}
	a := observe(t, s, m, minutes(0, 1), minutes(1, 2))
	want(t, a, release.Baseline, "", minutes(0, 1), 1, 100)
	want(t, a, release.Candidate, "", minutes(0, 1), 4, 40)
	want(t, a, release.Baseline, "", minutes(1, 2), 0, 110)
	want(t, a, release.Candidate, "", minutes(1, 2), 0, 44)

	asked := srv.requests()
	if len(asked) != 1 || asked[0].method != http.MethodPost || asked[0].path != "/graphql" {
		t.Fatalf("asked %+v", asked)
	}
	var body struct {
		Query     string
		Variables map[string]any
	}
	if err := json.Unmarshal([]byte(asked[0].body), &body); err != nil {
		t.Fatal(err)
	}
	nrql := fmt.Sprintf("%s SINCE %d UNTIL %d TIMESERIES 60 SECONDS", m.Query, 1000*at(0), 1000*at(2))
	if body.Variables["account"] != 1234567.0 || body.Variables["nrql"] != nrql {
		t.Errorf("asked with %v, want %s", body.Variables, nrql)
	}
	wantText(t, "query", body.Query, "$account: Int!", "$nrql: Nrql!", "nrql(query: $nrql", "results")
}

func TestNewRelicOfOneArm(t *testing.T) {
	srv := serve(t, func(_ int, r request) (int, string) {
		n := 10
		if strings.Contains(r.body, "version = '1.5.0'") {
			n = 30
		}
		return http.StatusOK, fmt.Sprintf(`{"data": {"actor": {"account": {"nrql": {"results": [
			{"beginTimeSeconds": %d, "endTimeSeconds": %d, "count": %d}]}}}}}`, minutes(0, 1).From.Unix(), minutes(0, 1).To.Unix(), n)
	})
	s := preset(t, "newRelic", srv.URL, map[string]string{"account": "1"})
	a := observe(t, s, release.Metric{Kind: release.Count, Events: "SELECT count(*) FROM TransactionError WHERE version = '{{version}}'"}, minutes(0, 1))
	want(t, a, release.Baseline, "", minutes(0, 1), 10, 0)
	want(t, a, release.Candidate, "", minutes(0, 1), 30, 0)
}

func TestNewRelicErrorsInsideAnAnswer(t *testing.T) {
	for _, tt := range []struct {
		body  string
		means error
		word  string
	}{
		{`{"data":{"actor":{"account":{"nrql":null}}},"errors":[{"extensions":{"errorClass":"TIMEOUT"},"message":"Query timed out","path":["actor","account","nrql"]}]}`, release.ErrUnavailable, "Query timed out"},
		{`{"errors":[{"extensions":{"errorClass":"TOO_MANY_REQUESTS"},"message":"slow down"}]}`, release.ErrUnavailable, "slow down"},
		{`{"data":{"actor":{"account":{"nrql":null}}},"errors":[{"extensions":{"errorClass":"BAD_USER_INPUT"},"message":"NRQL Syntax Error: Error at line 1 position 8"}]}`, release.ErrInvalid, "NRQL Syntax Error"},
	} {
		srv := serve(t, func(int, request) (int, string) { return http.StatusOK, tt.body })
		s := preset(t, "newRelic", srv.URL, map[string]string{"account": "1"})
		m := release.Metric{Name: "errors", Kind: release.Count, Events: "SELECT count(*) FROM X"}
		_, err := s.Observe(context.Background(), release.Query{Metric: m, Arms: arms, Windows: []release.Window{minutes(0, 1)}})
		if !errors.Is(err, tt.means) {
			t.Errorf("error %v, want %v", err, tt.means)
			continue
		}
		wantText(t, "error", err.Error(), tt.word, srv.URL)
	}
}

// A history is asked for in stretches of at most 366 buckets, and each bucket
// counts once.
func TestNewRelicHistory(t *testing.T) {
	srv := serve(t, func(_ int, r request) (int, string) {
		var body struct{ Variables struct{ NRQL string } }
		var from, to int64
		_ = json.Unmarshal([]byte(r.body), &body)
		_, span, _ := strings.Cut(body.Variables.NRQL, " SINCE ")
		if _, err := fmt.Sscanf(span, "%d UNTIL %d", &from, &to); err != nil || (to-from)/60000 > 366 {
			return http.StatusBadRequest, `{}`
		}
		var all []string
		for at := from / 1000; at < to/1000; at += 60 {
			all = append(all, fmt.Sprintf(`{"beginTimeSeconds": %d, "endTimeSeconds": %d, "facet": ["1.5.0", "eu"], "count": 1}`, at, at+60))
		}
		return http.StatusOK, `{"data": {"actor": {"account": {"nrql": {"results": [` + strings.Join(all, ",") + `]}}}}}`
	})
	s := preset(t, "newRelic", srv.URL, map[string]string{"account": "1"})
	var windows []release.Window
	for n := 0; n < 1000; n += 5 {
		windows = append(windows, minutes(n, n+5))
	}
	a := observe(t, s, release.Metric{Kind: release.Count, Events: "SELECT count(*) FROM X FACET version, region"}, windows...)
	for _, w := range windows {
		want(t, a, release.Candidate, "", w, 5, 0)
	}
	if n := len(srv.requests()); n != 3 {
		t.Errorf("%d requests for 1000 buckets, want 3", n)
	}
}

func TestSettingsOfPresets(t *testing.T) {
	for _, tt := range []struct {
		name     string
		settings map[string]string
		word     string
	}{
		{"newRelic", nil, "account is missing"}, {"newRelic", map[string]string{"account": "1", "region": "moon"}, "eu, us"},
		{"newRelic", map[string]string{"account": "1", "site": "x"}, "no setting"}, {"nobody", nil, "not known"},
	} {
		_, err := httpjson.Vendor(tt.name, httpjson.Use{Settings: tt.settings})
		if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), tt.word) {
			t.Errorf("%s %v: error %v, want %q", tt.name, tt.settings, err, tt.word)
		}
	}
	eu, err := httpjson.Vendor("newRelic", httpjson.Use{Settings: map[string]string{"account": "1", "region": "eu"}})
	if err != nil || eu.Values["region"] != "api.eu.newrelic.com" {
		t.Errorf("%v, %v", eu.Values, err)
	}
	for _, p := range httpjson.Presets() { // each row can be opened as it is
		settings := map[string]string{p.When: "1"}
		for name, s := range p.Settings {
			if s.Need {
				settings[name] = "1"
			}
		}
		delete(settings, "")
		c, err := httpjson.Vendor(p.Name, httpjson.Use{Settings: settings})
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
			continue
		}
		if c.Access.URL == "" { // where the vendor has no address of its own
			c.Access.URL = "http://localhost"
		}
		if _, err := httpjson.New(c); err != nil {
			t.Error(err)
		}
	}
}
