package googlemonitoring_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/googlemonitoring"
	"github.com/linnet-project/linnet/metric/googlemonitoring/googletest"
	"github.com/linnet-project/linnet/release"
)

const kind = "loadbalancing.googleapis.com/https/"

// of is what is written about one backend of a load balancer.
func of(name string, arm int, class string) googletest.Series {
	return googletest.Series{
		Type: kind + name, Kind: "DELTA", ResourceType: "https_lb_rule",
		Labels:         map[string]string{"response_code_class": class},
		ResourceLabels: map[string]string{"backend_target_name": "shop-" + arms()[arm].Version, "zone": "b"},
	}
}

const (
	requests = `metric.type="` + kind + `request_count" AND resource.labels.backend_target_name="shop-{{version}}"`
	failed   = requests + ` AND metric.labels.response_code_class="500"`
)

func errorsOf() release.Metric {
	return release.Metric{Kind: release.Ratio, Events: failed, Of: requests}
}

// counts writes requests and errors of some minutes.
func (b *bed) counts(minutes int) {
	for n := range minutes {
		end := start().Add(time.Duration(n+1) * time.Minute)
		for arm := range 2 {
			b.Put(of("request_count", arm, "200"), end, 100)
		}
		b.Put(of("request_count", 1, "500"), end, 4)
	}
}

func observe(t *testing.T, s *googlemonitoring.Source, q release.Query) release.Answer {
	t.Helper()
	a, err := s.Observe(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func fails(t *testing.T, err, meaning error, words ...string) {
	t.Helper()
	if !errors.Is(err, meaning) {
		t.Errorf("%v, expected it to be %v", err, meaning)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v: does not say %q", err, word)
		}
	}
	for _, secret := range []string{"ya29.", "PRIVATE", "eyJ"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%v: tells a credential", err)
		}
	}
}

// TestCounts: a ratio of two filters, over more points than a page has.
func TestCounts(t *testing.T) {
	b := newBed(t)
	b.counts(30)
	a := observe(t, b.open(t, nil), ask(errorsOf(), minutes(0, 10), minutes(10, 30)))
	want := []release.Observation{
		{Metric: "it", Arm: release.Baseline, Window: minutes(0, 10), Of: 1000},
		{Metric: "it", Arm: release.Candidate, Window: minutes(0, 10), Events: 40, Of: 1040},
		{Metric: "it", Arm: release.Baseline, Window: minutes(10, 30), Of: 2000},
		{Metric: "it", Arm: release.Candidate, Window: minutes(10, 30), Events: 80, Of: 2080},
	}
	if !reflect.DeepEqual(a.Observations, want) || len(a.Warnings) > 0 {
		t.Errorf("%+v, warnings %q", a.Observations, a.Warnings)
	}
	if calls, tokens := b.Calls(); calls != 4 || tokens != 1 {
		t.Errorf("%d requests with %d tokens", calls, tokens)
	}
}

// TestBuckets of every kind become the same counts.
func TestBuckets(t *testing.T) {
	b := newBed(t)
	s := b.open(t, nil)
	m := release.Metric{Kind: release.Histogram, Events: `metric.type="custom.googleapis.com/took" AND metric.labels.version="{{version}}"`}
	for n, options := range []map[string]any{
		{"explicitBuckets": map[string]any{"bounds": []float64{1, 2, 4, 8}}},
		{"exponentialBuckets": map[string]any{"numFiniteBuckets": 3, "growthFactor": 2, "scale": 1}},
		{"linearBuckets": map[string]any{"numFiniteBuckets": 3, "width": 2, "offset": 1}},
	} {
		end := start().Add(time.Duration(n+1) * time.Minute)
		for arm, counts := range [][]int64{{5, 0, 3, 0, 0}, {0, 0, 2, 0, 7}} {
			b.PutBuckets(googletest.Series{
				Type: "custom.googleapis.com/took", Kind: "DELTA", ResourceType: "global", Buckets: options,
				Labels: map[string]string{"version": arms()[arm].Version, "kind": string(rune('a' + n))},
			}, end, counts...)
		}
	}
	filter := m.Events
	for n, bounds := range [][]float64{{1, 2, 4, 8}, {1, 2, 4, 8}, {1, 3, 5, 7}} {
		m.Events = filter + ` AND metric.labels.kind="` + string(rune('a'+n)) + `"`
		a := observe(t, s, ask(m, minutes(float64(n), float64(n+1))))
		for i, counts := range [][]int64{{5, 0, 3, 0, 0}, {0, 0, 2, 0, 7}} {
			if o := a.Observations[i]; !slices.Equal(o.Bounds, bounds) || !slices.Equal(o.Counts, counts) {
				t.Errorf("%s: %v below %v, expected %v below %v", o.Arm, o.Counts, o.Bounds, counts, bounds)
			}
		}
	}
}

// TestArmsWithOtherBuckets are held against each other by what both have.
func TestArmsWithOtherBuckets(t *testing.T) {
	b := newBed(t)
	for arm, bounds := range [][]float64{{1, 2, 4}, {2, 4, 8}} {
		b.PutBuckets(googletest.Series{
			Type: "custom.googleapis.com/took", Kind: "DELTA", ResourceType: "global", Labels: map[string]string{"version": arms()[arm].Version},
			Buckets: map[string]any{"explicitBuckets": map[string]any{"bounds": bounds}},
		}, start().Add(time.Minute), 1, 2, 3, 4)
	}
	a := observe(t, b.open(t, nil), ask(release.Metric{Kind: release.Histogram, Events: `metric.type="custom.googleapis.com/took" | by metric.labels.version`}, minutes(0, 1)))
	for i, counts := range [][]int64{{3, 3, 4}, {1, 2, 7}} {
		if o := a.Observations[i]; !slices.Equal(o.Bounds, []float64{2, 4}) || !slices.Equal(o.Counts, counts) {
			t.Errorf("%s: %v below %v", o.Arm, o.Counts, o.Bounds)
		}
	}
	if !strings.Contains(strings.Join(a.Warnings, ""), "different buckets") {
		t.Errorf("warnings %q", a.Warnings)
	}
}

// TestFigures of a distribution are averages.
func TestFigures(t *testing.T) {
	b := newBed(t)
	for arm := range 2 {
		series := of("total_latencies", arm, "200")
		series.Buckets = map[string]any{"exponentialBuckets": map[string]any{"numFiniteBuckets": 3, "growthFactor": 2, "scale": 1}}
		b.PutBuckets(series, start().Add(time.Minute), 90, 5, 5)
		b.Put(googletest.Series{Type: "custom.googleapis.com/score", Kind: "GAUGE", ResourceType: "global", Labels: map[string]string{"version": arms()[arm].Version}}, start().Add(time.Minute), 0.25)
	}
	s := b.open(t, nil)
	for text, want := range map[string]float64{
		strings.Replace(requests, "request_count", "total_latencies", 1) + " | p99":         2,
		strings.Replace(requests, "request_count", "total_latencies", 1) + " | p50":         0,
		`metric.type="custom.googleapis.com/score" | by metric.labels.version`:              0.25,
		`metric.type="custom.googleapis.com/score" AND metric.labels.version="{{version}}"`: 0.25,
	} {
		a := observe(t, s, ask(release.Metric{Kind: release.Gauge, Averages: true, Events: text}, minutes(0, 1)))
		if len(a.Observations) != 2 || !a.Observations[1].Averages || a.Observations[1].Points[0] != want {
			t.Errorf("%s: %+v, expected %g", text, a.Observations, want)
		}
	}
}

// TestWhatGoogleSays: each refusal has its meaning and says what to do.
func TestWhatGoogleSays(t *testing.T) {
	b := newBed(t)
	b.counts(2)
	q := ask(errorsOf(), minutes(0, 2))
	for fault, c := range map[googletest.Fault]struct {
		meaning error
		says    []string
	}{
		googletest.Deny:      {release.ErrInvalid, []string{"403", b.keyFile, "monitoring.timeSeries.list", "metric it"}},
		googletest.Exhausted: {release.ErrUnavailable, []string{"RESOURCE_EXHAUSTED", "Quota exceeded"}},
		googletest.Fail:      {release.ErrUnavailable, []string{"INTERNAL"}},
		googletest.NoTokens:  {release.ErrUnavailable, []string{b.keyFile, "503"}},
		googletest.BadKey:    {release.ErrInvalid, []string{b.keyFile, "400", "make a new key"}},
	} {
		t.Run(string(fault), func(t *testing.T) {
			defer b.Break(fault)()
			_, err := b.open(t, nil).Observe(t.Context(), q)
			fails(t, err, c.meaning, c.says...)
		})
	}
	s := b.open(t, nil)
	for _, fault := range []googletest.Fault{googletest.Partial, googletest.Unreachable} {
		mend := b.Break(fault)
		if a := observe(t, s, q); len(a.Observations) != 2 || !strings.Contains(strings.Join(a.Warnings, ""), "partial") {
			t.Errorf("%s: %+v", fault, a)
		}
		mend()
	}
	_, err := s.Observe(t.Context(), ask(release.Metric{Kind: release.Count, Events: `metric.type="a" OR version="{{version}}"`}, minutes(0, 1)))
	fails(t, err, release.ErrInvalid, "INVALID_ARGUMENT", "Field filter")
	_, err = b.open(t, func(c *googlemonitoring.Config) { c.Project = "another" }).Observe(t.Context(), q)
	fails(t, err, release.ErrNotFound, "another")
	_, err = s.Observe(t.Context(), ask(release.Metric{Kind: release.Histogram, Events: requests}, minutes(0, 1)))
	fails(t, err, release.ErrInvalid, "no distribution")
}

// TestAMetricThatIsNotThereYet has no bad events.
func TestAMetricThatIsNotThereYet(t *testing.T) {
	b := newBed(t)
	b.counts(2)
	m := release.Metric{Kind: release.Ratio, Events: `metric.type="custom.googleapis.com/failed" AND metric.labels.version="{{version}}"`, Of: requests}
	a := observe(t, b.open(t, nil), ask(m, minutes(0, 2)))
	if len(a.Observations) != 2 || a.Observations[0].Events != 0 || a.Observations[0].Of != 200 || !strings.Contains(strings.Join(a.Warnings, ""), "no metric") {
		t.Errorf("%+v", a)
	}
}

func TestNobodyIsMeant(t *testing.T) {
	b := newBed(t)
	b.counts(2)
	a := observe(t, b.open(t, nil), ask(release.Metric{Kind: release.Count, Events: `metric.type="` + kind + `request_count" | by resource.labels.zone`}, minutes(0, 2)))
	if len(a.Observations) > 0 || !strings.Contains(strings.Join(a.Warnings, ""), "names an arm") {
		t.Errorf("%+v", a)
	}
}

// TestLogins: by a file, by the environment's file, by the machine's account; a
// token that was revoked is got anew, and so is one that ran out.
func TestLogins(t *testing.T) {
	b := newBed(t)
	b.counts(2)
	q := ask(errorsOf(), minutes(0, 2))
	now := time.Now()
	machine := b.open(t, func(c *googlemonitoring.Config) {
		c.CredentialsFile, c.Now = "", func() time.Time { return now }
	})
	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(b.url, "http://"))
	observe(t, machine, q)
	if _, n := b.Calls(); n != 1 {
		t.Errorf("%d tokens", n)
	}
	b.Revoke()
	observe(t, machine, q)
	observe(t, machine, q)
	if _, n := b.Calls(); n != 2 {
		t.Errorf("%d tokens after one was revoked", n)
	}
	for fault, meaning := range map[googletest.Fault]error{googletest.NoTokens: release.ErrUnavailable, googletest.BadKey: release.ErrInvalid} {
		mend := b.Break(fault)
		_, err := b.open(t, func(c *googlemonitoring.Config) { c.CredentialsFile = "" }).Observe(t.Context(), q)
		fails(t, err, meaning, "metadata server")
		mend()
	}
	t.Setenv("GCE_METADATA_HOST", "127.0.0.1:1")
	_, err := b.open(t, func(c *googlemonitoring.Config) { c.CredentialsFile = "" }).Observe(t.Context(), q)
	fails(t, err, release.ErrUnavailable, "no credentialsFile is given")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", b.keyFile)
	observe(t, b.open(t, func(c *googlemonitoring.Config) { c.CredentialsFile = "" }), q)

	for name, text := range map[string]string{"none.json": "", "words.json": "key", "strange.json": `{"type":"horse"}`, "half.json": `{"type":"service_account","private_key":"x"}`} {
		file := filepath.Join(t.TempDir(), name)
		if text != "" {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := b.open(t, func(c *googlemonitoring.Config) { c.CredentialsFile = file }).Observe(t.Context(), q)
		fails(t, err, release.ErrInvalid, name)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = b.open(t, nil).Observe(ctx, q)
	fails(t, err, release.ErrUnavailable, "canceled")
}

func TestConfigs(t *testing.T) {
	_, err := googlemonitoring.New(googlemonitoring.Config{Project: "Shop 7", Period: 90 * time.Second, Endpoint: "ftp://x"})
	fails(t, err, release.ErrInvalid, "project", "period: 1m30s", "url is not")
}

func TestNothingOver(t *testing.T) {
	b := newBed(t)
	s := b.open(t, nil)
	for _, windows := range [][]release.Window{nil, {minutes(1.1, 1.9)}} {
		a := observe(t, s, ask(errorsOf(), windows...))
		if calls, _ := b.Calls(); len(a.Observations) > 0 || calls > 0 {
			t.Errorf("%+v after %d requests", a, calls)
		}
	}
}

// TestOddNumbers are left out, with a warning.
func TestOddNumbers(t *testing.T) {
	b := newBed(t)
	for arm, v := range []float64{math.NaN(), math.Inf(1)} {
		b.Put(googletest.Series{Type: "custom.googleapis.com/level", Kind: "GAUGE", ResourceType: "global", Labels: map[string]string{"version": arms()[arm].Version}}, start().Add(time.Minute), v)
	}
	a := observe(t, b.open(t, nil), ask(release.Metric{Kind: release.Gauge, Events: `metric.type="custom.googleapis.com/level" | by metric.labels.version`}, minutes(0, 1)))
	if len(a.Observations) > 0 || len(a.Warnings) == 0 {
		t.Errorf("%+v", a)
	}
}
