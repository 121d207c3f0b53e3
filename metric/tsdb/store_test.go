package tsdb

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/storage"

	"github.com/linnet-project/linnet/metric/metricconf"
	"github.com/linnet-project/linnet/metric/prometheus"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testprogram"
)

var arms = []release.Arm{
	{Name: release.Baseline, Labels: map[string]string{"version": "stable"}},
	{Name: release.Candidate, Labels: map[string]string{"version": "canary"}},
}

// open opens a store whose logged errors fail the test.
func open(t *testing.T, c Config) *Store {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	c.Now, c.Interval = time.Now, minInterval
	var said logged
	c.Logger = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelError}))
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if text := said.text(); text != "" {
			t.Errorf("logged: %s", text)
		}
	})
	return s
}

type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// load appends samples from OpenMetrics text.
func (s *Store) load(t *testing.T, text string) {
	t.Helper()
	p := textparse.NewOpenMetricsParser([]byte(text), labels.NewSymbolTable())
	app := s.db.Appender(context.Background())
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		_, at, v := p.Series()
		var l labels.Labels
		p.Labels(&l)
		// What the store has already is not stored again.
		if _, err := app.Append(0, l, *at, v); err != nil && !errors.Is(err, storage.ErrOutOfOrderSample) {
			t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	metricconf.Exercise(t, func(t *testing.T, text string) metricconf.Source {
		s := open(t, Config{})
		s.load(t, text)
		return s
	})
}

// The same suite over HTTP: the store speaks Prometheus' API so well that the
// client for a real one cannot tell.
func TestConformanceOverTheAPI(t *testing.T) {
	metricconf.Exercise(t, func(t *testing.T, text string) metricconf.Source {
		s := open(t, Config{})
		s.load(t, text)
		srv := httptest.NewServer(s.Handler())
		t.Cleanup(srv.Close)
		src, err := prometheus.New(prometheus.Config{URL: srv.URL})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(src.Close)
		return src
	})
}

// late adds what came later to a store that holds what happened before.
func (s *Store) late(h metricconf.Happened) func(*testing.T, []metricconf.Stretch) {
	return func(t *testing.T, more []metricconf.Stretch) {
		h.Stretches = slices.Concat(h.Stretches, more)
		s.load(t, h.OpenMetrics())
	}
}

func TestAnswers(t *testing.T) {
	metricconf.Answers(t, 10*time.Second, func(t *testing.T, h metricconf.Happened) metricconf.Bed {
		s := open(t, Config{})
		s.load(t, h.OpenMetrics())
		return metricconf.Bed{
			Source: s,
			Metric: metricconf.TotalsMetric,
			Late:   s.late(h),
			Cannot: map[string]string{
				metricconf.CaseFaults: "the store lies in this process",
				metricconf.CaseFair:   "the store is not asked over any wire",
				metricconf.CaseFew:    "the store is not asked over any wire",
			},
		}
	})
}

// Over HTTP the store stands for a Prometheus that fails in every way.
func TestAnswersOverTheAPI(t *testing.T) {
	metricconf.Answers(t, 10*time.Second, func(t *testing.T, h metricconf.Happened) metricconf.Bed {
		s := open(t, Config{})
		s.load(t, h.OpenMetrics())
		wire := metricconf.NewWire(t, s.Handler())
		src, err := prometheus.New(prometheus.Config{URL: wire.URL, Timeout: 2 * time.Second, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(src.Close)
		return metricconf.Bed{
			Source: src, Metric: metricconf.TotalsMetric, Break: wire.Break, Late: s.late(h), Asked: wire.Asked,
			Cannot: map[string]string{
				metricconf.CasePartial: "the embedded store never answers in part",
			},
		}
	})
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("waited 20s for %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// app is a program to scrape.
type app struct {
	requests *client.CounterVec
	took     client.Histogram
	size     client.Histogram
	url      string
}

func newApp(t *testing.T) *app {
	r := client.NewRegistry()
	a := &app{
		requests: client.NewCounterVec(client.CounterOpts{Name: "requests_total", Help: "Requests."}, []string{"code", "version"}),
		took:     client.NewHistogram(client.HistogramOpts{Name: "took_seconds", NativeHistogramBucketFactor: 1.1}),
		size:     client.NewHistogram(client.HistogramOpts{Name: "size_bytes", NativeHistogramBucketFactor: 1.1, Buckets: []float64{1, 2}}),
	}
	r.MustRegister(a.requests, a.took, a.size)
	srv := httptest.NewServer(promhttp.HandlerFor(r, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	t.Cleanup(srv.Close)
	a.url = srv.URL + "/metrics?x=y"
	return a
}

func (a *app) serve(code string, n int) { a.requests.WithLabelValues(code, "own").Add(float64(n)) }

// total asks for one arm over a window.
func total(t *testing.T, src metricconf.Source, m release.Metric, arm int, from time.Time) release.Observation {
	t.Helper()
	a, err := src.Observe(context.Background(), release.Query{Metric: m, Arms: arms, Windows: []release.Window{{From: from, To: time.Now()}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range a.Observations {
		if o.Arm == arms[arm].Name {
			return o
		}
	}
	return release.Observation{}
}

// Scraped live, requests are counted to the last one; the arm's label goes
// before the program's own; histograms are read; it all survives a restart.
func TestScrapes(t *testing.T) {
	stable, canary := newApp(t), newApp(t)
	stable.serve("200", 1)
	canary.serve("200", 1)
	dir := t.TempDir()
	config := Config{Dir: dir, Targets: []Target{{stable.url, arms[0].Labels}, {canary.url, arms[1].Labels}}}
	ratio := release.Metric{Name: "errors", Kind: release.Ratio, Events: `requests_total{code="500",exported_version="own"}`, Of: "requests_total"}
	t.Run("live", func(t *testing.T) {
		s := open(t, config)
		eventually(t, "both to have been watched for a while", func() bool {
			a, err := s.Observe(context.Background(), release.Query{Metric: ratio, Arms: arms, Windows: []release.Window{
				{From: time.Now().Add(-time.Minute), To: time.Now().Add(-15 * minInterval)}}})
			return err == nil && len(a.Observations) == 2
		})
		// A scrape is stamped when it begins, and may see what happened a moment later.
		from := time.Now().Add(-3 * minInterval)
		for range 10 {
			canary.serve("200", 90)
			canary.serve("500", 10)
			stable.serve("200", 100)
			canary.took.Observe(0.11)
			canary.size.(client.ExemplarObserver).ObserveWithExemplar(1.5, client.Labels{"trace_id": "abc"})
		}
		eventually(t, "all requests to be counted", func() bool {
			return total(t, s, ratio, 0, from).Of >= 1000 && total(t, s, ratio, 1, from).Of >= 1000
		})
		if o := total(t, s, ratio, 0, from); o.Of != 1000 || o.Events != 0 {
			t.Errorf("baseline: %d of %g, want 0 of 1000", o.Events, o.Of)
		}
		if o := total(t, s, ratio, 1, from); o.Of != 1000 || o.Events != 100 {
			t.Errorf("candidate: %d of %g, want 100 of 1000", o.Events, o.Of)
		}
		latency := release.Metric{Name: "latency", Kind: release.Histogram, Events: "took_seconds"}
		if o := total(t, s, latency, 1, from); !reflect.DeepEqual(o.Counts, []int64{0, 10, 0}) || o.Bounds[0] > 0.11 || o.Bounds[1] < 0.11 {
			t.Errorf("native buckets: %v %v", o.Bounds, o.Counts)
		}
		latency.Events = "size_bytes"
		if o := total(t, s, latency, 1, from); !reflect.DeepEqual(o.Bounds, []float64{1, 2}) || !reflect.DeepEqual(o.Counts, []int64{0, 10, 0}) {
			t.Errorf("classic buckets beside native ones: %v %v", o.Bounds, o.Counts)
		}
		a, err := s.Observe(context.Background(), release.Query{Metric: latency, Arms: arms, Windows: []release.Window{{From: from, To: time.Now()}}})
		if err != nil || !reflect.DeepEqual(a.Exemplars, []string{"abc"}) {
			t.Errorf("exemplars %q, error %v", a.Exemplars, err)
		}
		up := release.Metric{Name: "up", Kind: release.Gauge, Events: "up"}
		if o := total(t, s, up, 1, from); len(o.Points) != 1 || o.Points[0] < 0.5 { // a slow machine misses one
			t.Errorf("up: %v", o.Points)
		}
		a, err = s.Observe(context.Background(), release.Query{Arms: arms, Windows: []release.Window{{From: from, To: time.Now()}},
			Metric: release.Metric{Name: "level", Kind: release.Gauge, Events: "requests_total"}})
		if err != nil || !strings.Contains(strings.Join(a.Warnings, "\n"), "declared as a counter") {
			t.Errorf("a counter read as a gauge: warnings %q, error %v", a.Warnings, err)
		}
		t.Run("as tools", func(t *testing.T) { asTools(t, s) })
	})
	t.Run("again", func(t *testing.T) {
		s := open(t, Config{Dir: dir})
		a, err := s.Observe(context.Background(), release.Query{Metric: ratio, Arms: arms, Windows: []release.Window{{From: time.Now().Add(-9 * time.Minute), To: time.Now()}}})
		if err != nil || len(a.Observations) != 2 || a.Observations[1].Events != 100 {
			t.Errorf("after a restart: %+v, %v", a, err)
		}
	})
}

// asTools looks through the API as promtool does.
func asTools(t *testing.T, s *Store) {
	t.Helper()
	promtool := testprogram.Find(t, "promtool", "prometheus")
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	now := time.Now()
	at := func(d time.Duration) string { return now.Add(d).UTC().Format(time.RFC3339) }
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"instant", srv.URL, `sum by (version) (requests_total)`}, `{version="canary"} => 1001`},
		{[]string{"range", srv.URL, "--step=1s", "--start", at(-time.Minute), "--end", at(time.Second), `up{version="stable"}`}, `job="linnet"`},
		{[]string{"series", srv.URL, "--match", `requests_total{code="500"}`}, `exported_version="own"`},
		{[]string{"labels", srv.URL, "version"}, "canary\nstable"},
		{[]string{"instant", srv.URL, `histogram_count(took_seconds{version="canary"})`}, "=> 10 @"},
	} {
		out, err := exec.Command(promtool, append([]string{"query"}, c.args...)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) {
			t.Errorf("promtool query %s: %v\n%s\nwant %s", strings.Join(c.args, " "), err, out, c.want)
		}
	}
}

func TestATargetThatIsDown(t *testing.T) {
	dead := httptest.NewServer(nil)
	dead.Close()
	s := open(t, Config{Targets: []Target{{dead.URL, arms[1].Labels}}})
	up := release.Metric{Name: "up", Kind: release.Gauge, Events: "up"}
	from := time.Now()
	eventually(t, "the target to be marked as down", func() bool {
		return reflect.DeepEqual(total(t, s, up, 1, from).Points, []float64{0})
	})
}

func TestOneProcessOnly(t *testing.T) {
	dir := t.TempDir()
	open(t, Config{Dir: dir})
	if s, err := Open(Config{Dir: dir, Now: time.Now}); !errors.Is(err, release.ErrConflict) || !strings.Contains(err.Error(), dir) || s != nil {
		t.Errorf("second opening: %v", err)
	}
}

// After a kill the lock is still there, and that is nothing to warn of.
func TestALockThatWasLeft(t *testing.T) {
	dir, log := t.TempDir(), &logged{}
	if err := os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Config{Dir: dir, Now: time.Now, Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if said := log.text(); !strings.Contains(said, "level=INFO msg=\""+leftLock) || strings.Contains(said, "level=WARN") {
		t.Errorf("it says\n%s", said)
	}
}

func TestBrokenFolders(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	broken := t.TempDir()
	const block = "01M7X9J6MDBAZ6MC667VXTRKPY"
	if err := os.MkdirAll(filepath.Join(broken, block, "chunks"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"meta.json": `{"ulid":"` + block + `","minTime":0,"maxTime":7200000,"stats":{},"compaction":{"level":1},"version":1}`,
		"index":     "not an index",
	} {
		if err := os.WriteFile(filepath.Join(broken, block, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{file, broken} {
		s, err := Open(Config{Dir: dir, Now: time.Now})
		if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), dir) || s != nil {
			t.Errorf("error %v, want one that names %s", err, dir)
		}
	}
}

// A power cut leaves half a record at the end of the log: what came before is
// still there.
func TestTornLog(t *testing.T) {
	dir := t.TempDir()
	text := "# TYPE x counter\nx_total{version=\"stable\"} 1 1748858400\nx_total{version=\"stable\"} 3 1748858415\n# EOF\n"
	t.Run("before", func(t *testing.T) { open(t, Config{Dir: dir}).load(t, text) })
	log := filepath.Join(dir, "wal", "00000000")
	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("\x01\x00\x40half a rec"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Config{Dir: dir, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	end := time.Unix(1748858415, 0)
	a, err := s.Observe(context.Background(), release.Query{Metric: release.Metric{Name: "m", Kind: release.Count, Events: "x_total"}, Arms: arms,
		Windows: []release.Window{{From: end.Add(-15 * time.Second), To: end}}})
	if err != nil || len(a.Observations) != 1 || a.Observations[0].Events != 2 {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestBadConfigs(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]Config{
		"no folder":      {Now: time.Now},
		"no clock":       {Dir: dir},
		"interval":       {Dir: dir, Now: time.Now, Interval: time.Millisecond},
		"retention":      {Dir: dir, Now: time.Now, Retention: time.Second},
		"target":         {Dir: dir, Now: time.Now, Targets: []Target{{URL: "localhost:80"}}},
		"password":       {Dir: dir, Now: time.Now, Targets: []Target{{URL: "http://a:s3cret@host/"}}},
		"label":          {Dir: dir, Now: time.Now, Targets: []Target{{URL: "http://host/", Labels: map[string]string{"a-b": "c"}}}},
		"the same twice": {Dir: dir, Now: time.Now, Targets: []Target{{URL: "http://host/"}, {URL: "http://host/"}}},
	} {
		if s, err := Open(c); !errors.Is(err, release.ErrInvalid) || strings.Contains(err.Error(), "s3cret") || s != nil {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestAPI(t *testing.T) {
	s := open(t, Config{})
	s.load(t, "# TYPE x counter\nx_total{version=\"stable\"} 1 1748858400\nx_total{version=\"canary\"} 3 1748858415\n# EOF\n")
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	for _, c := range []struct {
		path string
		code int
		want string
	}{
		{"query?query=x_total&time=1748858415", 200, `"resultType":"vector"`},
		{"query?query=x_total&time=1748858415", 200, `"value":[1748858415,"3"]`},
		{"query?query=x_total[1m]&time=2025-06-02T10:00:15Z", 200, `"values":[[1748858415,"3"]]`},
		{"query?query=nothing", 200, `"result":[]`},
		{"query?query=1%2B1&time=1", 200, `"result":[1,"2"]`},
		{"query?query=x{", 400, `"errorType":"bad_data"`},
		{"query?query=x&time=soon", 400, `"bad_data"`},
		{"query?query=x&timeout=never", 400, `"bad_data"`},
		{"query?query=x_total*on()x_total&time=1748858415", 422, `"errorType":"execution"`},
		{"query_range?query=x_total&start=1748858400&end=1748858415&step=5", 200, `"resultType":"matrix"`},
		{"query_range?query=x_total&start=0&end=1748858415&step=1", 400, "11000 points"},
		{"query_range?query=x_total&start=5&end=1&step=1", 400, "in this order"},
		{"query_range?query=x_total&start=1&end=5", 400, "step"},
		{"series?match[]=x_total", 200, `"version":"canary"`},
		{"series?match[]=x_total&limit=1", 200, `"data":[{"__name__":"x_total","version":"canary"}]`},
		{"series", 400, "match[]"},
		{"series?match[]=x_total&start=1748858410", 200, `"version":"canary"`},
		{"labels", 200, `"data":["__name__","version"]`},
		{"label/version/values", 200, `"data":["canary","stable"]`},
		{"label/version/values?match[]=x_total{version!=\"canary\"}&limit=1", 200, `"data":["stable"]`},
		{"label/none/values", 200, `"data":[]`},
		{"labels?limit=-1", 400, "limit"},
		{"metadata?metric=x", 200, `"data":{}`},
		{"status/buildinfo", 200, `"version"`},
	} {
		resp, err := http.Get(srv.URL + "/api/v1/" + c.path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != c.code || !strings.Contains(string(text), c.want) || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s, %v; want %d %s", c.path, resp.StatusCode, text, err, c.code, c.want)
		}
	}
	resp, err := http.Post(srv.URL+"/api/v1/query", "application/x-www-form-urlencoded", strings.NewReader("query="+strings.Repeat("x", 2<<20)))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a form of 2 MiB: %d", resp.StatusCode)
	}
}
