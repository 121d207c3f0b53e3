package httpjson_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/httpjson"
	"github.com/linnet-project/linnet/metric/vendortest"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// one event of each arm a minute after noon, as each vendor names things.
func visits(name string) (all []vendortest.Event) {
	for i, a := range arms {
		all = append(all, vendortest.Event{At: noon.Add(30 * time.Second), Name: name, Value: float64(10 * (i + 1)), Fields: map[string]string{"version": a.Version}})
	}
	return all
}

const fluxVisits = `from(bucket: "shop") |> range(start: {{fromTime}}, stop: {{toTime}}) |> filter(fn: (r) => r._measurement == "visits" and r._field == "value")
	|> group(columns: ["version"]) |> aggregateWindow(every: {{step}}s, fn: sum, createEmpty: false)`

// What a vendor says goes wrong has a meaning, and its words are told.
func TestVendorsRefuse(t *testing.T) {
	for _, v := range []struct {
		name     string
		server   *vendortest.Server
		settings func(file string) map[string]string
		secret   string
		question string
		words    map[vendortest.Fault]string // what the vendor says
		inside   error                       // nil: an answer with a warning
	}{
		{
			"loki", vendortest.Loki(vendortest.Config{}), func(string) map[string]string { return nil }, "",
			`sum by (version) (count_over_time({app="visits"} [{{step}}s]))`,
			map[vendortest.Fault]string{vendortest.Inside: "deadline"}, release.ErrUnavailable,
		},
		{
			"elasticsearch", vendortest.Elasticsearch(vendortest.Config{Token: "id:key"}),
			func(file string) map[string]string { return map[string]string{"index": "visits", "apiKeyFile": file} }, "aWQ6a2V5",
			"version:{{version}}",
			map[vendortest.Fault]string{vendortest.Missing: "not found", vendortest.Inside: "node is gone"}, nil,
		},
		{
			"dynatrace", vendortest.Dynatrace(vendortest.Config{Token: "tok3n"}),
			func(file string) map[string]string { return map[string]string{"tokenFile": file} }, "tok3n",
			`visits:splitBy("version"):sum`,
			map[vendortest.Fault]string{vendortest.Inside: "incomplete"}, nil,
		},
		{
			"signalFx", vendortest.SignalFx(vendortest.Config{Token: "tok3n"}),
			func(file string) map[string]string { return map[string]string{"tokenFile": file} }, "tok3n",
			`sf_metric:visits AND version:"{{version}}"`,
			map[vendortest.Fault]string{vendortest.Inside: "timed out"}, nil,
		},
		{
			"influxDB", vendortest.InfluxDB2(vendortest.Config{Token: "tok3n", Tenant: "acme"}),
			func(file string) map[string]string { return map[string]string{"org": "acme", "tokenFile": file} }, "tok3n",
			fluxVisits,
			map[vendortest.Fault]string{vendortest.Inside: "shard is closed"}, release.ErrInvalid,
		},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			v.server.Add(visits("visits")...)
			srv := httptest.NewServer(v.server)
			t.Cleanup(srv.Close)
			file := secretFile(t, v.secret+"\n")
			c, err := httpjson.Vendor(v.name, httpjson.Use{Settings: v.settings(file), Access: web.Config{URL: srv.URL}, Step: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			s := open(t, c)
			m := release.Metric{Name: "visits", Kind: release.Count, Events: v.question}
			try := func(f vendortest.Fault, requests int) (release.Answer, error) {
				defer v.server.Break(f, requests)()
				return s.Observe(context.Background(), release.Query{Metric: m, Arms: arms, Windows: []release.Window{minutes(0, 1)}})
			}
			for fault, means := range map[vendortest.Fault]error{
				vendortest.Deny: release.ErrInvalid, vendortest.Forbid: release.ErrInvalid, vendortest.Missing: release.ErrNotFound,
				vendortest.Fail: release.ErrUnavailable, vendortest.Inside: v.inside,
			} {
				a, err := try(fault, 0)
				if !errors.Is(err, means) {
					t.Errorf("%s: error %v, want %v", fault, err, means)
				}
				said := fmt.Sprint(err, a.Warnings)
				wantText(t, string(fault), said, v.words[fault])
				if fault == vendortest.Deny && v.secret != "" {
					wantText(t, string(fault), said, file)
				}
				if v.secret != "" && strings.Contains(said, v.secret) {
					t.Errorf("%s: the secret is told: %s", fault, said)
				}
			}
			if a, err := try(vendortest.Throttle, 1); err != nil || len(a.Observations) != 2 || a.Observations[1].Events != 20 {
				t.Errorf("throttled once: %+v, %v", a, err)
			}
		})
	}
}

// The other ways to say who asks.
func TestVendorCredentials(t *testing.T) {
	password := secretFile(t, "pa55")
	basic := vendortest.Config{Username: "linnet", Password: "pa55"}
	for name, v := range map[string]struct {
		server   *vendortest.Server
		settings map[string]string
		access   web.Config
		question string
	}{
		"elasticsearch": {vendortest.Elasticsearch(basic), map[string]string{"index": "visits"}, web.Config{Username: "linnet", PasswordFile: password}, "version:{{version}}"},
		"loki":          {vendortest.Loki(vendortest.Config{Token: "t"}), nil, web.Config{BearerTokenFile: secretFile(t, "t")}, `sum by (version) (count_over_time({app="visits"} [{{step}}s]))`},
	} {
		v.server.Add(visits("visits")...)
		srv := httptest.NewServer(v.server)
		t.Cleanup(srv.Close)
		v.access.URL = srv.URL
		c, err := httpjson.Vendor(name, httpjson.Use{Settings: v.settings, Access: v.access})
		if err != nil {
			t.Fatal(err)
		}
		a := observe(t, open(t, c), release.Metric{Kind: release.Count, Events: v.question}, minutes(0, 1))
		want(t, a, release.Candidate, "", minutes(0, 1), 20, 0)
	}
}

// Questions that would not be answered with counts are refused before they are
// asked.
func TestVendorsWantCounts(t *testing.T) {
	for name, v := range map[string]struct {
		settings   map[string]string
		good, rate string
	}{
		"loki":      {nil, `sum(count_over_time({app="shop"}[{{step}}s]))`, `sum(rate({app="shop"}[{{step}}s]))`},
		"dynatrace": {nil, `requests:splitBy("version"):sum`, `requests:splitBy("version"):avg`},
		"influxDB":  {map[string]string{"database": "shop"}, `SELECT sum("n") FROM "r" GROUP BY time({{step}}s)`, `SELECT mean("n") FROM "r" GROUP BY time({{step}}s)`},
	} {
		c, err := httpjson.Vendor(name, httpjson.Use{Settings: v.settings})
		if err != nil {
			t.Fatal(err)
		}
		m := release.Metric{Name: "m", Kind: release.Count, Events: v.good}
		if err := c.Check(m, arms); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		m.Events = v.rate
		if err := c.Check(m, arms); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%s: %q is taken for a count: %v", name, v.rate, err)
		}
	}
}

// A question whose ranges are not the source's steps would count lines more than
// once.
func TestVendorsWantTheirSteps(t *testing.T) {
	for name, questions := range map[string][]string{
		"loki":     {`sum(count_over_time({app="shop"}[1m]))`, `avg_over_time({app="shop"} | unwrap n [5m])`},
		"influxDB": {`SELECT sum("n") FROM "r" GROUP BY time(1m)`},
	} {
		for i, text := range questions {
			m := release.Metric{Name: "m", Kind: []release.Kind{release.Count, release.Gauge}[i], Events: text}
			if err := httpjson.CheckFor(name)(m, arms); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "{{step}}") {
				t.Errorf("%s: %q: %v", name, text, err)
			}
		}
	}
}

// Where answers have no labels, a question must be of one arm, and there are no
// segments.
func TestVendorsWithoutLabels(t *testing.T) {
	for name, v := range map[string]struct {
		good, bad release.Metric
	}{
		"signalFx":      {release.Metric{Events: "sf_metric:x AND version:{{version}}"}, release.Metric{Events: "sf_metric:x"}},
		"elasticsearch": {release.Metric{Events: "version:{{version}}"}, release.Metric{Events: "version:{{version}}", By: []string{"region"}}},
	} {
		v.good.Kind, v.bad.Kind = release.Count, release.Count
		if err := httpjson.CheckFor(name)(v.good, arms); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := httpjson.CheckFor(name)(v.bad, arms); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%s: %+v is taken: %v", name, v.bad, err)
		}
	}
	search := release.Metric{Kind: release.Count, Query: rowsOf("version:*", "", "region"), Events: "doc_count", By: []string{"region"}}
	if err := httpjson.CheckFor("elasticsearch")(search, arms); err != nil {
		t.Error(err)
	}
}

// A page of buckets that is full may lack some: that is said.
func TestElasticsearchCutsOff(t *testing.T) {
	s := vendortest.Elasticsearch(vendortest.Config{})
	for i := range 10_001 {
		s.Add(vendortest.Event{At: noon.Add(time.Second), Name: "visits", Value: 1, Fields: map[string]string{"version": arms[i%2].Version, "user": fmt.Sprintf("u%05d", i)}})
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	e := preset(t, "elasticsearch", srv.URL, map[string]string{"index": "visits"})
	m := release.Metric{Kind: release.Count, Query: rowsOf("version:*", "", "user"), Events: "doc_count"}
	if a := observe(t, e, m, minutes(0, 1)); len(a.Warnings) != 1 || !strings.Contains(a.Warnings[0], "buckets[9999]") {
		t.Errorf("warnings %q", a.Warnings)
	}
	s2 := release.Metric{Kind: release.Count, Query: rowsOf("version:*", ""), Events: "doc_count"}
	if a := observe(t, e, s2, minutes(0, 1)); len(a.Warnings) != 0 {
		t.Errorf("warnings %q", a.Warnings)
	}
}

// InfluxDB itself marks what its limit of rows cut off, and says no in an answer
// with status 200.
func TestInfluxDBCutsOff(t *testing.T) {
	t.Parallel()
	i := vendortest.StartInflux(t, 2)
	for n := range 3 {
		for _, e := range visits("visits") {
			e.At = e.At.Add(time.Duration(n) * time.Minute)
			i.Write(t, e)
		}
	}
	use := httpjson.Use{
		Settings: map[string]string{"database": "shop"}, Step: time.Minute,
		Access: web.Config{URL: i.URL, Username: i.Username, PasswordFile: secretFile(t, i.Password)},
	}
	ask := func(use httpjson.Use) (release.Answer, error) {
		c, err := httpjson.Vendor("influxDB", use)
		if err != nil {
			t.Fatal(err)
		}
		const text = `SELECT sum("value") FROM "visits" WHERE time >= {{fromMs}}ms AND time < {{toMs}}ms GROUP BY time({{step}}s), "version" fill(none)`
		m := release.Metric{Name: "visits", Kind: release.Count, Events: text}
		return open(t, c).Observe(context.Background(), release.Query{Metric: m, Arms: arms, Windows: []release.Window{minutes(0, 3)}})
	}
	if a, err := ask(use); err != nil || !strings.Contains(fmt.Sprint(a.Warnings), "partial") {
		t.Errorf("cut off: %+v, %v; want a warning", a, err)
	}
	use.Settings = map[string]string{"database": "shop", "retentionPolicy": "gone"}
	if a, err := ask(use); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "retention policy not found") {
		t.Errorf("no such policy: %+v, %v", a, err)
	}
	use.Access.PasswordFile = secretFile(t, "wr0ng")
	if _, err := ask(use); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), use.Access.PasswordFile) || strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("a wrong password: %v", err)
	}
}

// InfluxDB 1 does what it is told, even by GET; a metric must not tell it to change
// anything.
func TestInfluxDBIsOnlyRead(t *testing.T) {
	check := func(question string) error {
		return httpjson.CheckFor("influxDB")(release.Metric{Kind: release.Count, Events: question}, arms)
	}
	for _, question := range []string{
		`DROP MEASUREMENT "count" -- {{step}}`, `SELECT sum(x) FROM y GROUP BY time({{step}}s); delete from "count"`, `drop /* sum {{step}} */ series from x`,
		`SELECT sum(x) INTO "z" FROM y GROUP BY time({{step}}s)`, `from(bucket: "b") |> aggregateWindow(every: {{step}}s, fn: sum) |> to(bucket: "c")`,
	} {
		if err := check(question); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "only reads") {
			t.Errorf("%s is taken: %v", question, err)
		}
	}
	for _, question := range []string{
		`SELECT sum("dropped") FROM "drop" WHERE kind = 'into' AND "set" = 'all' GROUP BY time({{step}}s), "version"`,
		`from(bucket: "b") |> drop(columns: ["x"]) |> set(key: "a", value: "b") |> aggregateWindow(every: {{step}}s, fn: sum) |> toFloat()`,
	} {
		if err := check(question); err != nil {
			t.Errorf("%s: %v", question, err)
		}
	}
}
