package httpjson_test

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/httpjson"
	"github.com/linnet-project/linnet/metric/metricconf"
	"github.com/linnet-project/linnet/metric/vendortest"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// trial is a preset before the suite.
type trial struct {
	name     string
	grain    time.Duration
	timeout  time.Duration // longer for programs that share the machine; 2s else
	settings map[string]string
	access   web.Config
	secrets  []string
	// metrics are the questions; with a region where one asks by it.
	metrics map[metricconf.Question]release.Metric
	regions release.Metric
	// tell makes events of what happened.
	tell   func(s metricconf.Stretch, bounds []float64) []vendortest.Event
	cannot map[string]string
}

// exercise runs the suite against a server, whose events add keeps; half makes
// its answers partial.
func (tr trial) exercise(t *testing.T, h http.Handler, add func(...vendortest.Event), half func() (mend func())) {
	metricconf.Answers(t, tr.grain, func(t *testing.T, happened metricconf.Happened) metricconf.Bed {
		keep := func(all []metricconf.Stretch) {
			var events []vendortest.Event
			for _, s := range all {
				for _, e := range tr.tell(s, happened.Bounds) {
					if !math.IsNaN(e.Value) && !math.IsInf(e.Value, 0) {
						e.At = s.To.Add(-happened.Grain / 2)
						events = append(events, e)
					}
				}
			}
			add(events...)
		}
		keep(happened.Stretches)
		wire := metricconf.NewWire(t, h)
		tr.access.URL, tr.access.Timeout, tr.access.Now = wire.URL, max(tr.timeout, 5*time.Second), time.Now
		c, err := httpjson.Vendor(tr.name, httpjson.Use{Settings: tr.settings, Access: tr.access, Step: tr.grain})
		if err != nil {
			t.Fatal(err)
		}
		bed := metricconf.Bed{
			Source: open(t, c),
			Metric: func(q metricconf.Question, by []string) release.Metric {
				m := tr.metrics[q]
				if len(by) > 0 && q == metricconf.AskRatio {
					m = tr.regions
				}
				kind := map[metricconf.Question]release.Kind{metricconf.AskAverage: release.Gauge}[q]
				if kind == "" {
					kind = release.Kind(q)
				}
				checked := m
				checked.Name, checked.Kind = string(q), kind
				if err := c.Check(checked, arms); err != nil {
					t.Errorf("Check: %v", err)
				}
				return m
			},
			Break: func(t *testing.T, f metricconf.Fault) func() {
				if f == metricconf.Partial {
					return half()
				}
				return wire.Break(t, f)
			},
			Late:    func(_ *testing.T, more []metricconf.Stretch) { keep(more) },
			Asked:   wire.Asked,
			Secrets: tr.secrets,
			Cannot:  map[string]string{metricconf.CaseNaN: "it keeps only numbers"},
		}
		maps.Copy(bed.Cannot, tr.cannot)
		return bed
	})
}

// measures tell a stretch as points of metrics: requests, errors, took (a count
// for each bucket), level and average.
func measures(s metricconf.Stretch, bounds []float64) []vendortest.Event {
	fields := map[string]string{"version": s.Arm.Version, "region": s.Region, "instance": s.Instance}
	out := []vendortest.Event{
		{Name: "requests", Fields: fields, Value: float64(s.All)}, {Name: "level", Fields: fields, Value: s.Level},
		{Name: "average", Fields: fields, Value: s.Average},
	}
	if s.Bad > 0 {
		out = append(out, vendortest.Event{Name: "errors", Fields: fields, Value: float64(s.Bad)})
	}
	for i, n := range s.Buckets {
		le := maps.Clone(fields)
		le["le"] = boundText(bounds, i)
		out = append(out, vendortest.Event{Name: "took", Fields: le, Value: float64(n)})
	}
	return out
}

func boundText(bounds []float64, i int) string {
	if i == len(bounds) {
		return "+Inf"
	}
	return strconv.FormatFloat(bounds[i], 'g', -1, 64)
}

// lines tell a stretch as lines of logs: of app shop, with a status, and took,
// level and average with a field of that name.
func lines(s metricconf.Stretch, bounds []float64) []vendortest.Event {
	line := func(name string, n float64, more ...string) vendortest.Event {
		fields := map[string]string{"version": s.Arm.Version, "region": s.Region, "instance": s.Instance}
		for i := 0; i < len(more); i += 2 {
			fields[more[i]] = more[i+1]
		}
		return vendortest.Event{Name: name, Fields: fields, Value: n}
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	out := []vendortest.Event{line("shop", float64(s.All-s.Bad), "status", "200"), line("average", 1, "average", number(s.Average))}
	if !math.IsNaN(s.Level) && !math.IsInf(s.Level, 0) {
		out = append(out, line("level", 1, "level", number(s.Level)))
	}
	if s.Bad > 0 {
		out = append(out, line("shop", float64(s.Bad), "status", "500"))
	}
	for i, n := range s.Buckets {
		le := ""
		if i < len(bounds) { // a line beyond all bounds has none
			le = boundText(bounds, i)
		}
		out = append(out, line("took", float64(n), "le", le))
	}
	return out
}

// broken breaks a server's answers in half.
func broken(s *vendortest.Server) func() func() {
	return func() func() { return s.Break(vendortest.Partial, 0) }
}

func ask(kind metricconf.Question, texts ...string) release.Metric {
	m := release.Metric{Events: texts[0]}
	if len(texts) > 1 && kind == metricconf.AskRatio {
		m.Of = texts[1]
	}
	return m
}

func TestLokiConforms(t *testing.T) {
	t.Parallel()
	s := vendortest.Loki(vendortest.Config{Tenant: "team-a", Username: "linnet", Password: "pa55"})
	over := func(by, app, stages string) string {
		return fmt.Sprintf(`sum by (%s) (count_over_time({app=%q} | json%s [{{step}}s]))`, by, app, stages)
	}
	level := func(name string) string {
		return fmt.Sprintf(`avg_over_time({app=%q} | json | unwrap %[1]s [{{step}}s]) by (version)`, name)
	}
	trial{
		name: "loki", grain: 15 * time.Second, settings: map[string]string{"tenant": "team-a"},
		access:  web.Config{Username: "linnet", PasswordFile: secretFile(t, "pa55")},
		secrets: []string{"pa55"},
		metrics: map[metricconf.Question]release.Metric{
			metricconf.AskRatio:     ask(metricconf.AskRatio, over("version", "shop", " | status >= 500"), over("version", "shop", "")),
			metricconf.AskCount:     ask(metricconf.AskCount, over("version", "shop", "")),
			metricconf.AskHistogram: ask(metricconf.AskHistogram, over("version, region, le", "took", "")),
			metricconf.AskGauge:     ask(metricconf.AskGauge, level("level")),
			metricconf.AskAverage:   ask(metricconf.AskAverage, level("average")),
		},
		regions: ask(metricconf.AskRatio, over("version, region", "shop", " | status >= 500"), over("version, region", "shop", "")),
		tell:    lines,
	}.exercise(t, s, s.Add, broken(s))
}

// rowsOf is a search of one's own: documents of an index by time, version and
// what else, with an aggregation below.
func rowsOf(find, below string, by ...string) string {
	sources := []string{`{"time":{"date_histogram":{"field":"@timestamp","fixed_interval":"{{step}}s"}}}`}
	for _, name := range append([]string{"version"}, by...) {
		sources = append(sources, fmt.Sprintf(`{%q:{"terms":{"field":%[1]q,"missing_bucket":true}}}`, name))
	}
	return fmt.Sprintf(`{"size":0,"query":{"bool":{"filter":[
		{"range":{"@timestamp":{"gte":{{fromMs}},"lt":{{toMs}},"format":"epoch_millis"}}},{"query_string":{"query":%q}}]}},
		"aggs":{"rows":{"composite":{"size":10000,"sources":[%s]},"aggs":{%s}}}}`, find, strings.Join(sources, ","), below)
}

func TestElasticsearchConforms(t *testing.T) {
	t.Parallel()
	s := vendortest.Elasticsearch(vendortest.Config{Token: "id:s3cr3t"})
	bad := `"bad":{"filter":{"query_string":{"query":"status:>=500"}}}`
	avg := func(name string) release.Metric {
		return release.Metric{Query: rowsOf("app:"+name, fmt.Sprintf(`"it":{"avg":{"field":%q}}`, name)), Events: "$.it.value"}
	}
	trial{
		name: "elasticsearch", grain: 15 * time.Second,
		settings: map[string]string{"index": "*", "apiKeyFile": secretFile(t, "aWQ6czNjcjN0")},
		secrets:  []string{"aWQ6czNjcjN0", "s3cr3t"},
		metrics: map[metricconf.Question]release.Metric{
			metricconf.AskRatio:     ask(metricconf.AskRatio, "app:shop AND version:{{version}} AND status:>=500", `app:shop AND version:"{{version}}"`),
			metricconf.AskCount:     ask(metricconf.AskCount, "app:shop AND version:{{version}} AND status:*"),
			metricconf.AskHistogram: {Query: rowsOf("app:took", "", "region", "le"), Events: "doc_count"},
			metricconf.AskGauge:     avg("level"),
			metricconf.AskAverage:   avg("average"),
		},
		regions: release.Metric{Query: rowsOf("app:shop", bad, "region"), Events: "$.bad.doc_count", Of: "doc_count"},
		tell:    lines,
	}.exercise(t, s, s.Add, broken(s))
}

func TestDynatraceConforms(t *testing.T) {
	t.Parallel()
	s := vendortest.Dynatrace(vendortest.Config{Token: "dt0c01.s3cr3t"})
	trial{
		name: "dynatrace", grain: time.Minute, settings: map[string]string{"tokenFile": secretFile(t, "dt0c01.s3cr3t")},
		secrets: []string{"dt0c01.s3cr3t"},
		metrics: map[metricconf.Question]release.Metric{
			metricconf.AskRatio:     ask(metricconf.AskRatio, `errors:splitBy("version"):sum`, `requests:splitBy("version"):sum`),
			metricconf.AskCount:     ask(metricconf.AskCount, `requests:filter(eq("version","{{version}}")):splitBy():sum`),
			metricconf.AskHistogram: ask(metricconf.AskHistogram, `took:splitBy("version","region","le"):sum`),
			metricconf.AskGauge:     ask(metricconf.AskGauge, `level:splitBy("version"):avg`),
			metricconf.AskAverage:   ask(metricconf.AskAverage, `average:splitBy("version"):avg`),
		},
		regions: ask(metricconf.AskRatio, `errors:splitBy("version","region"):sum`, `requests:splitBy("version","region"):sum`),
		tell:    measures,
	}.exercise(t, s, s.Add, broken(s))
}

func TestSignalFxConforms(t *testing.T) {
	t.Parallel()
	s := vendortest.SignalFx(vendortest.Config{Token: "s3cr3t"}, "level", "average")
	of := func(name string) string { return fmt.Sprintf(`sf_metric:%q AND version:"{{version}}"`, name) }
	const byID = "series come by their ids, without dimensions"
	trial{
		name: "signalFx", grain: time.Minute, settings: map[string]string{"tokenFile": secretFile(t, "s3cr3t")},
		secrets: []string{"s3cr3t"},
		metrics: map[metricconf.Question]release.Metric{
			metricconf.AskRatio:   ask(metricconf.AskRatio, of("errors"), of("requests")),
			metricconf.AskCount:   ask(metricconf.AskCount, of("requests")),
			metricconf.AskGauge:   ask(metricconf.AskGauge, of("level")),
			metricconf.AskAverage: ask(metricconf.AskAverage, of("average")),
		},
		tell: measures,
		cannot: map[string]string{
			metricconf.CaseHistogram: byID, metricconf.CaseSegments: byID, metricconf.CasePlaceless: byID, metricconf.CaseZones: byID,
		},
	}.exercise(t, s, s.Add, broken(s))
}

func TestInfluxDB2Conforms(t *testing.T) {
	t.Parallel()
	s := vendortest.InfluxDB2(vendortest.Config{Token: "s3cr3t", Tenant: "acme"})
	of := func(name, fn string, by ...string) string {
		return fmt.Sprintf(`from(bucket: "shop")
			|> range(start: {{fromTime}}, stop: {{toTime}})
			|> filter(fn: (r) => r._measurement == %q and r._field == "value")
			|> group(columns: [%s])
			|> aggregateWindow(every: {{step}}s, fn: %s, createEmpty: false)`, name, quoted(`"`, append([]string{"version"}, by...)...), fn)
	}
	trial{
		name: "influxDB", grain: 10 * time.Second, settings: map[string]string{"org": "acme", "tokenFile": secretFile(t, "s3cr3t")},
		secrets: []string{"s3cr3t"},
		metrics: map[metricconf.Question]release.Metric{
			metricconf.AskRatio:     ask(metricconf.AskRatio, of("errors", "sum"), of("requests", "sum")),
			metricconf.AskCount:     ask(metricconf.AskCount, of("requests", "sum")),
			metricconf.AskHistogram: ask(metricconf.AskHistogram, of("took", "sum", "region", "le")),
			metricconf.AskGauge:     ask(metricconf.AskGauge, of("level", "mean")),
			metricconf.AskAverage:   ask(metricconf.AskAverage, of("average", "mean")),
		},
		regions: ask(metricconf.AskRatio, of("errors", "sum", "region"), of("requests", "sum", "region")),
		tell:    measures,
		cannot:  map[string]string{metricconf.CasePartial: "an answer is whole, or ends in an error"},
	}.exercise(t, s, s.Add, broken(s))
}

func quoted(mark string, names ...string) string {
	for i, name := range names {
		names[i] = mark + name + mark
	}
	return strings.Join(names, ", ")
}

func TestInfluxDB1Conforms(t *testing.T) {
	t.Parallel()
	i := vendortest.StartInflux(t, 100_000)
	of := func(name, fn string, by ...string) string {
		return fmt.Sprintf(`SELECT %s("value") FROM %q WHERE time >= {{fromMs}}ms AND time < {{toMs}}ms GROUP BY time({{step}}s), %s fill(none)`,
			fn, name, quoted(`"`, append([]string{"version"}, by...)...))
	}
	trial{
		name: "influxDB", grain: 10 * time.Second, timeout: 20 * time.Second, settings: map[string]string{"database": "shop"},
		access: web.Config{Username: i.Username, PasswordFile: secretFile(t, i.Password)}, secrets: []string{i.Password},
		metrics: map[metricconf.Question]release.Metric{
			metricconf.AskRatio:     ask(metricconf.AskRatio, of("errors", "sum"), of("requests", "sum")),
			metricconf.AskCount:     ask(metricconf.AskCount, of("requests", "sum")),
			metricconf.AskHistogram: ask(metricconf.AskHistogram, of("took", "sum", "region", "le")),
			metricconf.AskGauge:     ask(metricconf.AskGauge, of("level", "mean")),
			metricconf.AskAverage:   ask(metricconf.AskAverage, of("average", "mean")),
		},
		regions: ask(metricconf.AskRatio, of("errors", "sum", "region"), of("requests", "sum", "region")),
		tell:    measures,
		cannot:  map[string]string{metricconf.CasePartial: "see TestInfluxDBCutsOff"},
	}.exercise(t, metricconf.To(t, i.URL), func(events ...vendortest.Event) { i.Write(t, events...) }, nil)
}

// node is a text as a node of a path, which dots would part.
func node(text string) string {
	if text == "" {
		return "none"
	}
	return strings.ReplaceAll(text, ".", "_")
}

func TestGraphiteConforms(t *testing.T) {
	t.Parallel()
	const grain = 10 * time.Second
	g := vendortest.StartGraphite(t, grain)
	of := func(name string) string {
		return fmt.Sprintf(`aliasSub(groupByNode(shop.*.*.*.%s, 1, 'sum'), '^', 'version:')`, name)
	}
	by := func(name string) string {
		return fmt.Sprintf(`aliasSub(groupByNodes(shop.*.*.*.%s, 'sum', 1, 2), '^([^.]+)\.(.+)$', 'version:\1,region:\2')`, name)
	}
	mean := func(name string) string {
		return fmt.Sprintf(`averageSeries(shop.{{version}}.*.*.%s)`, name)
	}
	took := `aliasSub(aliasSub(groupByNodes(shop.*.*.*.took.*, 'sum', 1, 2, 5),
		'^([^.]+)\.([^.]+)\.(\d+)_?(\d*)$', 'version:\1,region:\2,le:\3.\4'), '^([^.:]+)\.([^.]+)\.\+Inf$', 'version:\1,region:\2')`
	trial{
		name: "graphite", grain: grain, timeout: 20 * time.Second,
		access: web.Config{Username: "linnet", PasswordFile: secretFile(t, "pa55")}, secrets: []string{"pa55"},
		metrics: map[metricconf.Question]release.Metric{
			metricconf.AskRatio:     ask(metricconf.AskRatio, of("errors"), of("requests")),
			metricconf.AskCount:     ask(metricconf.AskCount, "sumSeries(shop.{{version}}.*.*.requests)"),
			metricconf.AskHistogram: ask(metricconf.AskHistogram, took),
			metricconf.AskGauge:     ask(metricconf.AskGauge, mean("level")),
			metricconf.AskAverage:   ask(metricconf.AskAverage, mean("average")),
		},
		regions: ask(metricconf.AskRatio, by("errors"), by("requests")),
		tell: func(s metricconf.Stretch, bounds []float64) []vendortest.Event {
			events := measures(s, bounds)
			if strings.HasPrefix(s.Region, "z") {
				events = events[:1] // a file each: only the requests
			}
			for i, e := range events {
				path := []string{"shop", s.Arm.Version, node(s.Region), s.Instance, e.Name}
				if le := e.Fields["le"]; le != "" {
					path = append(path, node(le))
				}
				events[i].Name = strings.Join(path, ".")
			}
			return slices.Clip(events)
		},
		cannot: map[string]string{
			metricconf.CasePlaceless: "a path has a node for everything",
			metricconf.CasePartial:   "it does not tell",
		},
	}.exercise(t, metricconf.To(t, g.URL), func(events ...vendortest.Event) { g.Write(t, events...) }, nil)
}
