package httpjson_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/httpjson"
	"github.com/linnet-project/linnet/metric/vendortest"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// The questions of docs/vendors.md are answered: by the vendor's own program
// where there is one, by a server that behaves like it else.
func TestQuestionsOfTheDocs(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "vendors.md"))
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page, -1) {
		if !bytes.Contains(block[1], []byte("kind: Release")) {
			continue
		}
		f, err := spec.Parse("vendors.md", block[1])
		if err != nil {
			t.Fatal(err)
		}
		v := f.Analysis.Source.Vendor
		seen = append(seen, v.Name)
		t.Run(fmt.Sprint(v.Name, len(seen)), func(t *testing.T) {
			t.Parallel()
			s := documented(t, v)
			for _, m := range f.Analysis.Metrics {
				answered(t, s, m, []release.Arm{f.Baseline, f.Candidate})
			}
		})
	}
	if want := []string{"influxDB", "influxDB", "graphite", "dynatrace", "signalFx", "loki", "elasticsearch"}; !slices.Equal(seen, want) {
		t.Errorf("the page has release files of %q, want %q", seen, want)
	}
}

// answered asks a metric for a stretch in which both arms did something.
func answered(t *testing.T, s *httpjson.Source, m release.Metric, arms []release.Arm) {
	t.Helper()
	a, err := s.Observe(context.Background(), release.Query{Metric: m, Arms: arms, Windows: []release.Window{minutes(0, 2)}})
	if err != nil {
		t.Errorf("%s: %v", m.Name, err)
		return
	}
	found := map[string]int{}
	for _, o := range a.Observations {
		if o.Segment == "" && (o.Events > 0 || len(o.Points) > 0 || len(o.Counts) > 0) && (m.Kind != release.Ratio || o.Of > float64(o.Events)) {
			found[o.Arm]++
		}
		if o.Segment == "region=eu" {
			found["eu"]++
		}
	}
	if found[release.Baseline] != 1 || found[release.Candidate] != 1 || len(m.By) > 0 && found["eu"] != 2 || len(a.Warnings) > 0 {
		t.Errorf("%s: %+v, warnings %q", m.Name, a.Observations, a.Warnings)
	}
}

// documented opens a vendor's source as the page has it, before something that
// holds what the page's questions ask for.
func documented(t *testing.T, v *spec.Vendor) *httpjson.Source {
	t.Helper()
	use := httpjson.Use{Settings: map[string]string{}, Step: v.Step, Access: web.Config{Headers: v.Headers, Username: v.Username}}
	for name, value := range v.Settings {
		if strings.HasSuffix(name, "File") {
			value = secretFile(t, "t0ken")
		}
		use.Settings[name] = value
	}
	serve := func(s *vendortest.Server, events ...vendortest.Event) {
		s.Add(events...)
		srv := httptest.NewServer(s)
		t.Cleanup(srv.Close)
		use.Access.URL = srv.URL
	}
	switch {
	case v.Name == "influxDB" && v.Settings["database"] != "":
		i := vendortest.StartInflux(t, 0)
		i.Write(t, influxEvents()...)
		use.Settings["database"], use.Access.URL = "shop", i.URL
		use.Access.Username, use.Access.PasswordFile = i.Username, secretFile(t, i.Password)
	case v.Name == "influxDB":
		serve(vendortest.InfluxDB2(vendortest.Config{Token: "t0ken", Tenant: "acme"}), influxEvents()...)
	case v.Name == "graphite":
		g := vendortest.StartGraphite(t, v.Step)
		g.Write(t, graphiteEvents()...)
		use.Access.URL, use.Access.PasswordFile = g.URL, secretFile(t, "t0ken")
	case v.Name == "dynatrace":
		serve(vendortest.Dynatrace(vendortest.Config{Token: "t0ken"}), measured()...)
	case v.Name == "signalFx":
		serve(vendortest.SignalFx(vendortest.Config{Token: "t0ken"}, "process.rss", "checkout.p99"), measured()...)
	case v.Name == "loki":
		use.Access.BearerTokenFile = secretFile(t, "t0ken")
		serve(vendortest.Loki(vendortest.Config{Token: "t0ken", Tenant: "shop"}), logged("checkout")...)
	case v.Name == "elasticsearch":
		serve(vendortest.Elasticsearch(vendortest.Config{Token: "id:key"}), logged("logs-checkout-2025.06")...)
		use.Settings["apiKeyFile"] = secretFile(t, "aWQ6a2V5")
	}
	c, err := httpjson.Vendor(v.Name, use)
	if err != nil {
		t.Fatal(err)
	}
	return open(t, c)
}

// each makes events of both versions in two regions, a while after noon.
func each(make func(version, region string) []vendortest.Event) (all []vendortest.Event) {
	for _, a := range arms {
		for _, region := range []string{"eu", "us"} {
			for _, e := range make(a.Version, region) {
				e.At = noon.Add(25 * time.Second)
				all = append(all, e)
			}
		}
	}
	return all
}

func influxEvents() []vendortest.Event {
	return each(func(version, region string) []vendortest.Event {
		point := func(name, field string, value float64, tags ...string) vendortest.Event {
			fields := map[string]string{"_field": field, "version": version, "region": region}
			for i := 0; i < len(tags); i += 2 {
				fields[tags[i]] = tags[i+1]
			}
			return vendortest.Event{Name: name, Fields: fields, Value: value}
		}
		return []vendortest.Event{
			point("requests", "count", 90, "status", "200"), point("requests", "count", 10, "status", "500"), point("requests", "errors", 10, "status", "500"),
			point("took", "count", 60, "le", "0.1"), point("took", "count", 40, "le", "+Inf"),
			point("pods", "restarts", 1, "pod", region), point("pods", "rss", 1e8, "pod", region), point("timings", "p99", 0.3),
		}
	})
}

func graphiteEvents() []vendortest.Event {
	return each(func(version, region string) (out []vendortest.Event) {
		for path, value := range map[string]float64{
			"stats_counts.checkout.%s.%s.requests": 100, "stats_counts.checkout.%s.%s.errors": 10,
			"stats.gauges.checkout.%s.%s.rss": 1e8, "stats.timers.checkout.%s.%s.upper_99": 0.3,
		} {
			out = append(out, vendortest.Event{Name: fmt.Sprintf(path, node(version), region), Value: value})
		}
		return out
	})
}

func measured() []vendortest.Event {
	return each(func(version, region string) (out []vendortest.Event) {
		for name, value := range map[string]float64{
			"checkout.requests": 100, "checkout.errors": 10, "checkout.restarts": 1, "checkout.rss": 1e8, "process.rss": 1e8,
			"checkout.response.time": 0.3, "checkout.p99": 0.3,
		} {
			out = append(out, vendortest.Event{Name: name, Value: value, Fields: map[string]string{
				"version": version, "region": region, "pod": region, "service": "checkout"}})
		}
		return out
	})
}

// logged are lines of an app, or documents of an index.
func logged(name string) []vendortest.Event {
	return each(func(version, region string) (out []vendortest.Event) {
		for status, n := range map[string]float64{"200": 90, "500": 10} {
			out = append(out, vendortest.Event{Name: name, Value: n, Fields: map[string]string{
				"version": version, "region": region, "status": status, "pod": region, "queue_length": "3", "took_ms": "300", "line": "a panic",
				"service.version": version, "cloud.region": region, "http.response.status_code": status, "event.duration": "300",
			}})
		}
		return out
	})
}
