package httpjson_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/httpjson"
	"github.com/linnet-project/linnet/metric/metricconf"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// shop knows what happened, and tells it in several forms.
type shop struct {
	h  metricconf.Happened
	mu sync.Mutex
	// partial says that it calls its answers so.
	partial bool
}

func (s *shop) stretches(from, to time.Time) []metricconf.Stretch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.h.Stretches), func(one metricconf.Stretch) bool {
		return !one.To.After(from) || one.To.After(to)
	})
}

func (s *shop) late(_ *testing.T, more []metricconf.Stretch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.h.Stretches = slices.Concat(s.h.Stretches, more)
}

func (s *shop) isPartial() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.partial
}

// breaks is a bed's Break: the wire's, but for an answer that is partial.
func (s *shop) breaks(w *metricconf.Wire) func(*testing.T, metricconf.Fault) func() {
	set := func(partial bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.partial = partial
	}
	return func(t *testing.T, f metricconf.Fault) func() {
		if f != metricconf.Partial {
			return w.Break(t, f)
		}
		set(true)
		return func() { set(false) }
	}
}

func finite(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Sprint(v)
	}
	return v
}

// events answers GET /events?ask=…&since=…&until=…: a row for each stretch, or
// each bucket of it, with its time in words.
func (s *shop) events(w http.ResponseWriter, r *http.Request) {
	since, err := time.Parse(time.RFC3339, r.URL.Query().Get("since"))
	until, err2 := time.Parse(time.RFC3339, r.URL.Query().Get("until"))
	if err != nil || err2 != nil {
		http.Error(w, `{"error":"no time"}`, http.StatusBadRequest)
		return
	}
	list := []map[string]any{}
	for _, one := range s.stretches(since, until) {
		row := func(more map[string]any) {
			more["at"], more["version"] = one.To.UTC().Format(time.RFC3339), one.Arm.Version
			if one.Region != "" {
				more["region"] = one.Region
			}
			list = append(list, more)
		}
		switch r.URL.Query().Get("ask") {
		case "ratio":
			row(map[string]any{"requests": one.All, "errors": one.Bad})
		case "count":
			row(map[string]any{"value": strconv.FormatInt(one.All, 10)})
		case "histogram":
			for i, n := range one.Buckets {
				var le any
				if i < len(s.h.Bounds) {
					le = s.h.Bounds[i]
				}
				row(map[string]any{"le": le, "value": n})
			}
		case "gauge":
			row(map[string]any{"value": finite(one.Level)})
		case "average":
			row(map[string]any{"value": one.Average})
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"rows": list, "partial": s.isPartial()})
}

func TestConformanceOfEvents(t *testing.T) {
	t.Parallel()
	metricconf.Answers(t, 10*time.Second, func(t *testing.T, h metricconf.Happened) metricconf.Bed {
		s := &shop{h: h}
		mux := http.NewServeMux()
		mux.HandleFunc("GET /api/events", s.events)
		wire := metricconf.NewWire(t, mux)
		return metricconf.Bed{
			Source: open(t, httpjson.Config{
				Access: web.Config{URL: wire.URL + "/api", BearerTokenFile: secretFile(t, "s3cret-t0ken"), Timeout: 5 * time.Second, Now: time.Now},
				Path:   "/events", Params: map[string]string{"ask": "{{question}}", "since": "{{fromTime}}", "until": "{{toTime}}"},
				Step: h.Grain,
				Mapping: httpjson.Mapping{
					Rows: []httpjson.Level{{Each: "$.rows[*]"}}, Time: "$.at", AtEnd: true, Arm: "$.version",
					Value: "$.value", Bound: "$.le", Warnings: []string{"$.partial"}, Errors: []string{"$.error"},
				},
			}),
			Metric: func(q metricconf.Question, _ []string) release.Metric {
				if q == metricconf.AskRatio {
					return release.Metric{Query: "ratio", Events: "errors", Of: "requests"}
				}
				return release.Metric{Events: string(q)}
			},
			Break: s.breaks(wire), Late: s.late, Asked: wire.Asked, Secrets: []string{"s3cret-t0ken"},
		}
	})
}

// series answers POST /series with a form: running totals of one version, as
// lists of [milliseconds, total] with tags.
func (s *shop) series(w http.ResponseWriter, r *http.Request) {
	name, version, _ := strings.Cut(r.PostFormValue("ask"), " of ")
	from, _ := strconv.ParseInt(r.PostFormValue("from"), 10, 64)
	to, _ := strconv.ParseInt(r.PostFormValue("to"), 10, 64)
	type one struct {
		Tags   []string `json:"tags"`
		LE     string   `json:"le,omitempty"`
		Points [][2]any `json:"points"`
	}
	all := map[string]*one{}
	now := map[string]float64{}
	point := func(key string, tags []string, le string, at time.Time, v any) {
		if ms := at.UnixMilli(); ms < 1000*from || ms > 1000*to {
			return
		}
		if all[key] == nil {
			all[key] = &one{Tags: tags, LE: le}
		}
		all[key].Points = append(all[key].Points, [2]any{at.UnixMilli(), v})
	}
	for _, st := range s.stretches(s.h.Start.Add(-time.Hour), s.h.End.Add(time.Hour)) {
		if st.Arm.Version != version {
			continue
		}
		tags := []string{"version:" + version, "instance:" + st.Instance, "region:" + st.Region}
		total := func(le string, gained int64) {
			key := fmt.Sprint(tags, le)
			if _, ok := now[key]; !ok && gained == 0 && name == "bad" {
				return
			}
			if st.To.Equal(s.h.Start.Add(s.h.Grain)) {
				point(key, tags, le, s.h.Start, 0)
			}
			if st.Restarted {
				now[key] = 0
			}
			now[key] += float64(gained)
			point(key, tags, le, st.To, now[key])
		}
		switch name {
		case "bad":
			total("", st.Bad)
		case "all":
			total("", st.All)
		case "took":
			upTo := int64(0)
			for i, n := range st.Buckets {
				upTo += n
				le := "+Inf"
				if i < len(s.h.Bounds) {
					le = fmt.Sprint(s.h.Bounds[i])
				}
				total(le, upTo)
			}
		case "level":
			point(fmt.Sprint(tags), tags, "", st.To, finite(st.Level))
		case "average":
			point(fmt.Sprint(tags), tags, "", st.To, st.Average)
		}
	}
	out := []*one{}
	for _, series := range all {
		out = append(out, series)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"series": out, "notes": map[bool][]string{true: {"a store is away"}}[s.isPartial()]})
}

func TestConformanceOfTotals(t *testing.T) {
	t.Parallel()
	metricconf.Answers(t, 10*time.Second, func(t *testing.T, h metricconf.Happened) metricconf.Bed {
		s := &shop{h: h}
		mux := http.NewServeMux()
		mux.HandleFunc("POST /series", s.series)
		wire := metricconf.NewWire(t, mux)
		return metricconf.Bed{
			Source: open(t, httpjson.Config{
				Access: web.Config{URL: wire.URL, SecretHeaders: map[string]string{"X-Key": secretFile(t, "s3cret-k3y")}, Timeout: 5 * time.Second, Now: time.Now},
				Path:   "/series", Form: map[string]string{"ask": "{{question}}", "from": "{{from}}", "to": "{{to}}"},
				Step: h.Grain,
				Mapping: httpjson.Mapping{
					Rows: []httpjson.Level{{Each: "$.series[*]"}, {Each: "$.points[*]"}}, Time: "$[0]", TimeFormat: "ms",
					Tags: "^$.tags", Value: "$[1]", Bound: "^$.le", Cumulative: true, Totals: true, Warnings: []string{"$.notes[*]"},
				},
			}),
			Metric: func(q metricconf.Question, _ []string) release.Metric {
				of := func(name string) string { return name + " of {{version}}" }
				return map[metricconf.Question]release.Metric{
					metricconf.AskRatio: {Events: of("bad"), Of: of("all")}, metricconf.AskCount: {Events: of("all")},
					metricconf.AskHistogram: {Events: of("took")}, metricconf.AskGauge: {Events: of("level")}, metricconf.AskAverage: {Events: of("average")},
				}[q]
			},
			Break: s.breaks(wire), Late: s.late, Asked: wire.Asked, Secrets: []string{"s3cret-k3y"},
		}
	})
}

// group is what one group of stretches did in one bucket.
type group struct {
	begin          int64 // milliseconds
	keys           string
	version        string
	region         string
	all, bad       int64
	level, average float64
	n              int
}

// grouped sums up by buckets of the grain and by labels.
func (s *shop) grouped(from, to time.Time, by []string, version string) []*group {
	all := map[string]*group{}
	for _, st := range s.stretches(from, to) {
		g := &group{begin: st.To.Add(-s.h.Grain).UnixMilli()}
		if slices.Contains(by, "version") {
			g.version = st.Arm.Version
		}
		if slices.Contains(by, "region") {
			g.region = st.Region
		}
		if version != "" && st.Arm.Version != version {
			continue
		}
		g.keys = fmt.Sprint(g.version, " ", g.region)
		key := fmt.Sprint(g.begin, g.keys)
		if all[key] == nil {
			all[key] = g
		}
		g = all[key]
		g.n, g.all, g.bad, g.level, g.average = g.n+1, g.all+st.All, g.bad+st.Bad, g.level+st.Level, g.average+st.Average
	}
	var out []*group
	for _, g := range all {
		g.level, g.average = g.level/float64(g.n), g.average/float64(g.n)
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b *group) int { return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.keys, b.keys)) })
	return out
}

var datadogQuery = regexp.MustCompile(`^(sum|avg):shop\.(\w+)\{(?:version:(\w+)|\*)\}(?: by \{([a-z,]+)\})?(\.as_count\(\))?$`)

// datadog answers as Datadog does.
func (s *shop) datadog(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Data struct {
			Attributes struct {
				From, To, Interval int64
				Queries            []struct{ Query string }
			}
		}
	}
	body, _ := io.ReadAll(r.Body)
	if json.Unmarshal(body, &q) != nil || len(q.Data.Attributes.Queries) != 1 || q.Data.Attributes.Interval != s.h.Grain.Milliseconds() {
		http.Error(w, `{"errors":["bad request"]}`, http.StatusBadRequest)
		return
	}
	m := datadogQuery.FindStringSubmatch(q.Data.Attributes.Queries[0].Query)
	if m == nil {
		http.Error(w, `{"errors":["unable to parse"]}`, http.StatusBadRequest)
		return
	}
	groups := s.grouped(time.UnixMilli(q.Data.Attributes.From), time.UnixMilli(q.Data.Attributes.To), strings.Split(m[4], ","), m[3])
	at, of := map[int64]int{}, map[string]int{}
	times, series, values := []int64{}, []any{}, [][]any{}
	for _, g := range groups {
		if _, ok := at[g.begin]; !ok {
			at[g.begin] = len(times)
			times = append(times, g.begin)
		}
	}
	for _, g := range groups {
		v := map[string]any{"requests": g.all, "errors": g.bad, "level": g.level, "average": g.average}[m[2]]
		if m[2] == "errors" && g.bad == 0 {
			continue
		}
		i, ok := of[g.keys]
		if !ok {
			i = len(series)
			of[g.keys] = i
			tags := []string{}
			for name, value := range map[string]string{"version": g.version, "region": g.region} {
				if value != "" {
					tags = append(tags, name+":"+value)
				}
			}
			series = append(series, map[string]any{"group_tags": tags, "query_index": 0})
			values = append(values, make([]any, len(times)))
		}
		values[i][at[g.begin]] = v
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{
		"id": "0", "type": "timeseries_response", "attributes": map[string]any{"series": series, "times": times, "values": values},
	}})
}

func TestConformanceOfDatadog(t *testing.T) {
	for _, each := range []string{"both arms at once", "each arm"} {
		t.Run(each, func(t *testing.T) {
			t.Parallel()
			metricconf.Answers(t, time.Minute, func(t *testing.T, h metricconf.Happened) metricconf.Bed {
				s := &shop{h: h}
				mux := http.NewServeMux()
				mux.HandleFunc("POST /api/v2/query/timeseries", s.datadog)
				wire := metricconf.NewWire(t, mux)
				return metricconf.Bed{
					Source: vendorOf(t, "datadog", wire.URL, map[string]string{"apiKeyFile": secretFile(t, "s3cret-k3y"), "appKeyFile": secretFile(t, "s3cret-4pp")}),
					Metric: func(q metricconf.Question, by []string) release.Metric {
						scope := "{*} by {" + strings.Join(append([]string{"version"}, by...), ",") + "}"
						if each == "each arm" {
							if scope = "{version:{{version}}}"; len(by) > 0 {
								scope += " by {" + strings.Join(by, ",") + "}"
							}
						}
						return map[metricconf.Question]release.Metric{
							metricconf.AskRatio:   {Events: "sum:shop.errors" + scope + ".as_count()", Of: "sum:shop.requests" + scope + ".as_count()"},
							metricconf.AskCount:   {Events: "sum:shop.requests" + scope + ".as_count()"},
							metricconf.AskGauge:   {Events: "avg:shop.level" + scope},
							metricconf.AskAverage: {Events: "avg:shop.average" + scope},
						}[q]
					},
					Break: s.breaks(wire), Late: s.late, Asked: wire.Asked, Secrets: []string{"s3cret-k3y", "s3cret-4pp"},
					Cannot: map[string]string{
						metricconf.CaseHistogram: "Datadog tells quantiles of distributions, not buckets",
						metricconf.CaseNaN:       "JSON has no such numbers, and Datadog stores none",
						metricconf.CasePartial:   "Datadog does not say so",
					},
				}
			})
		})
	}
}

// vendorOf opens a preset by the grain of what happened.
func vendorOf(t *testing.T, name, address string, settings map[string]string) *httpjson.Source {
	t.Helper()
	c, err := httpjson.Vendor(name, httpjson.Use{
		Settings: settings, Step: time.Minute, Access: web.Config{URL: address, Timeout: 5 * time.Second, Now: time.Now},
	})
	if err != nil {
		t.Fatal(err)
	}
	return open(t, c)
}

var nrql = regexp.MustCompile(`^SELECT (.*) FROM Shop(?: WHERE version = '(\w+)')?(?: FACET (\w+))? SINCE (\d+) UNTIL (\d+) TIMESERIES 60 SECONDS$`)

// newRelic answers as NerdGraph does.
func (s *shop) newRelic(w http.ResponseWriter, r *http.Request) {
	var q struct{ Variables struct{ NRQL string } }
	body, _ := io.ReadAll(r.Body)
	m := nrql.FindStringSubmatch(q.Variables.NRQL)
	if json.Unmarshal(body, &q) == nil {
		m = nrql.FindStringSubmatch(q.Variables.NRQL)
	}
	if m == nil {
		_, _ = io.WriteString(w, `{"errors":[{"message":"NRQL Syntax Error"}]}`)
		return
	}
	from, _ := strconv.ParseInt(m[4], 10, 64)
	to, _ := strconv.ParseInt(m[5], 10, 64)
	results := []map[string]any{}
	for _, g := range s.grouped(time.UnixMilli(from), time.UnixMilli(to), []string{m[3]}, m[2]) {
		row := map[string]any{"beginTimeSeconds": g.begin / 1000, "endTimeSeconds": g.begin/1000 + 60}
		for _, one := range strings.Split(m[1], ", ") {
			what, as, _ := strings.Cut(one, " AS ")
			row[as] = map[string]any{"sum(requests)": g.all, "sum(errors)": g.bad, "average(level)": g.level, "average(took)": g.average}[what]
		}
		if facet := map[string]string{"version": g.version, "region": g.region}[m[3]]; facet != "" {
			row["facet"], row[m[3]] = facet, facet
		}
		results = append(results, row)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"actor": map[string]any{"account": map[string]any{"nrql": map[string]any{"results": results}}}}})
}

func TestConformanceOfNewRelic(t *testing.T) {
	t.Parallel()
	metricconf.Answers(t, time.Minute, func(t *testing.T, h metricconf.Happened) metricconf.Bed {
		s := &shop{h: h}
		mux := http.NewServeMux()
		mux.HandleFunc("POST /graphql", s.newRelic)
		wire := metricconf.NewWire(t, mux)
		return metricconf.Bed{
			Source: vendorOf(t, "newRelic", wire.URL, map[string]string{"account": "1", "apiKeyFile": secretFile(t, "s3cret-k3y")}),
			Metric: func(q metricconf.Question, by []string) release.Metric {
				tail := " FROM Shop FACET version"
				if len(by) > 0 {
					tail = " FROM Shop WHERE version = '{{version}}' FACET " + by[0]
				}
				return map[metricconf.Question]release.Metric{
					metricconf.AskRatio:   {Query: "SELECT sum(requests) AS requests, sum(errors) AS errors" + tail, Events: "errors", Of: "requests"},
					metricconf.AskCount:   {Events: "SELECT sum(requests) AS value" + tail},
					metricconf.AskGauge:   {Events: "SELECT average(level) AS value" + tail},
					metricconf.AskAverage: {Events: "SELECT average(took) AS value" + tail},
				}[q]
			},
			Break: s.breaks(wire), Late: s.late, Asked: wire.Asked, Secrets: []string{"s3cret-k3y"},
			Cannot: map[string]string{
				metricconf.CaseHistogram: "NRQL's histograms are no time series of buckets",
				metricconf.CaseNaN:       "JSON has no such numbers",
				metricconf.CasePartial:   "NerdGraph refuses what it cannot answer whole",
			},
		}
	})
}
