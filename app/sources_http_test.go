package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/forecast"
)

// apis are two services at one address: one of somebody's own, which wants a
// token of OAuth 2, and Datadog. Both tell of 100 requests/s of the baseline.
func apis(t *testing.T) string {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		if id, secret, _ := r.BasicAuth(); id != "linnet" || secret != "client-s3cret" || r.FormValue("scope") != "read" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"t0ken","token_type":"bearer","expires_in":3600}`)
	})
	mux.HandleFunc("POST /own/query", func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Ask      string
			From, To int64
			Exact    bool
		}
		if r.Header.Get("Authorization") != "Bearer t0ken" || r.Header.Get("X-Tenant") != "shop" || json.NewDecoder(r.Body).Decode(&q) != nil || !q.Exact {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var rows []string
		for at := q.From; at < q.To; at += 60 {
			rows = append(rows, fmt.Sprintf(`{"at":%d,"version":"1.4.1","all":6000,"bad":120}`, at))
		}
		fmt.Fprintf(w, `{"rows":[%s]}`, strings.Join(rows, ","))
	})
	mux.HandleFunc("POST /api/v2/query/timeseries", func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Data struct {
				Attributes struct{ From, To, Interval int64 }
			}
		}
		if r.Header.Get("DD-API-KEY") != "k3y" || r.Header.Get("DD-APPLICATION-KEY") != "4pp" || json.NewDecoder(r.Body).Decode(&q) != nil || q.Data.Attributes.Interval != 60000 {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		var times, values []string
		for at := q.Data.Attributes.From; at < q.Data.Attributes.To; at += 60000 {
			times, values = append(times, fmt.Sprint(at)), append(values, "300")
		}
		fmt.Fprintf(w, `{"data":{"attributes":{"series":[{"group_tags":["version:1.4.1"]}],"times":[%s],"values":[[%s]]}}}`, strings.Join(times, ","), strings.Join(values, ","))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

const askedOverHTTP = `apiVersion: linnet/v1
kind: Release
metadata: { name: checkout-1.5.0 }
spec:
  service: checkout
  baseline: { version: 1.4.1, labels: { version: 1.4.1 } }
  candidate: { version: 1.5.0, labels: { version: 1.5.0 } }
  traffic: { proxy: { listen: 127.0.0.1:8080, upstreams: { baseline: http://127.0.0.1:9001, candidate: http://127.0.0.1:9002 } } }
  steps: [ { weight: 10%, atLeast: 10m, atMost: 1h } ]
  analysis:
    source:
      json:
        url: ADDRESS/own
        path: /query
        oauth2: { tokenURL: ADDRESS/token, clientID: linnet, clientSecretFile: DIR/client, scopes: [read] }
        headers: { X-Tenant: shop }
        body: { ask: "{{question}}", from: "{{number from}}", to: "{{number to}}", exact: true }
        rows: [ "$.rows[*]" ]
        time: $.at
        timeFormat: s
        arm: $.version
    others:
      - name: dd
        datadog: { url: ADDRESS, apiKeyFile: DIR/key, appKeyFile: DIR/app }
    metrics:
      - { name: errors, query: requests by version, ratio: { bad: bad, of: all } }
      - { name: retries, source: dd, count: "sum:retries{*} by {version}.as_count()" }
`

// TestSourcesOverHTTP: what a release file says of an API of one's own and of a
// vendor's arrives in the requests, and what they answer in the plan.
func TestSourcesOverHTTP(t *testing.T) {
	dir := t.TempDir()
	text := strings.NewReplacer("ADDRESS", apis(t), "DIR", dir).Replace(askedOverHTTP)
	for name, content := range map[string]string{"client": "client-s3cret", "key": "k3y\n", "app": "4pp", "release.yaml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "release.yaml")
	var out, notes bytes.Buffer
	err := Main([]string{"plan", "-f", file, "--from-source", "--json", "--paths", "25"}, strings.NewReader(""), &out, &notes)
	if err != nil {
		t.Fatalf("%v\n%s", err, notes.String())
	}
	var told forecast.Forecast
	if err := json.Unmarshal(out.Bytes(), &told); err != nil {
		t.Fatal(err)
	}
	within(t, "requests/s", told.Rate, 100, 0.01)
	within(t, "errors", told.Metrics[0].Level, 0.02, 0.01)
	if told.Metrics[0].Origin != forecast.Read || told.Metrics[1].Origin != forecast.Read {
		t.Errorf("%+v", told.Metrics)
	}

	for from, to := range map[string]string{"arm: $.version": "arm: $.[", ".as_count()": "", "{{number from}}": "{{number from"} {
		if err := os.WriteFile(file, []byte(strings.Replace(text, from, to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		notes.Reset()
		if err := Main([]string{"lint", file}, strings.NewReader(""), &notes, &notes); ExitCode(err) != exitInput {
			t.Errorf("lint of %q in place of %q: %v\n%s", to, from, err, notes.String())
		}
	}
}
