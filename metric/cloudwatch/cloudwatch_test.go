package cloudwatch_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/awscall/awstest"
	"github.com/linnet-project/linnet/metric/cloudwatch"
	"github.com/linnet-project/linnet/metric/cloudwatch/cloudtest"
	"github.com/linnet-project/linnet/release"
)

const (
	bad     = `AWS/ApplicationELB HTTPCode_Target_5XX_Count {TargetGroup="{{group}}"} Sum`
	all     = `AWS/ApplicationELB RequestCount {TargetGroup="{{group}}"} Sum`
	latency = `AWS/ApplicationELB TargetResponseTime {TargetGroup="{{group}}"} `
)

func errorsOf() release.Metric { return release.Metric{Kind: release.Ratio, Events: bad, Of: all} }

// counts publishes requests and errors in each of some minutes, twice a minute.
func (b *bed) counts(minutes int) {
	for n := range minutes {
		for _, half := range []time.Duration{0, 30 * time.Second} {
			at := start().Add(time.Duration(n)*time.Minute + half)
			for arm := range 2 {
				b.Put(of("RequestCount", arm), at, 100)
				if arm == 1 {
					b.Put(of("HTTPCode_Target_5XX_Count", arm), at, 2)
				}
			}
		}
	}
}

func observe(t *testing.T, s *cloudwatch.Source, q release.Query) release.Answer {
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
	for _, word := range append(words, "") {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v: does not say %q", err, word)
		}
	}
	for _, secret := range []string{secretKey, accessKey} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%v: tells a credential", err)
		}
	}
}

// TestPages: an answer in many pages is whole.
func TestPages(t *testing.T) {
	b := newBed(t, awstest.Guard{})
	b.counts(30)
	b.Page = 7
	a := observe(t, b.open(t, nil), ask(errorsOf(), minutes(0, 30)))
	want := []release.Observation{
		{Metric: "it", Arm: release.Baseline, Window: minutes(0, 30), Of: 6000},
		{Metric: "it", Arm: release.Candidate, Window: minutes(0, 30), Events: 120, Of: 6000},
	}
	if !reflect.DeepEqual(a.Observations, want) || len(a.Warnings) > 0 {
		t.Errorf("%+v, warnings %q", a.Observations, a.Warnings)
	}
	if n := b.Calls("GetMetricData"); n != 13 {
		t.Errorf("%d requests for 90 points", n)
	}
}

// TestBuckets: a histogram is counted by trimmed counts, a value at a bound below
// it.
func TestBuckets(t *testing.T) {
	b := newBed(t, awstest.Guard{})
	s := b.open(t, nil)
	b.Put(of("TargetResponseTime", 0), start(), 0.05, 0.1, 0.2, 0.3)
	b.Put(of("TargetResponseTime", 1), start(), 0.4, 5) // all above the first bound: no count there
	m := release.Metric{Kind: release.Histogram, Events: latency + "Buckets(0.1, 0.3, 1)"}
	a := observe(t, s, ask(m, minutes(0, 1)))
	for i, want := range [][]int64{{2, 2, 0, 0}, {0, 0, 1, 1}} {
		if got := a.Observations[i]; !slices.Equal(got.Counts, want) || !slices.Equal(got.Bounds, []float64{0.1, 0.3, 1}) {
			t.Errorf("%s: %v below %v, expected %v", got.Arm, got.Counts, got.Bounds, want)
		}
	}
	// Of statistic sets only their figures are known.
	b.PutSet(of("TargetResponseTime", 0), start().Add(time.Minute), cloudtest.Set{SampleCount: 9, Sum: 3, Minimum: 0.1, Maximum: 2})
	b.PutSet(of("TargetResponseTime", 1), start().Add(time.Minute), cloudtest.Set{SampleCount: 9, Sum: 3, Minimum: 0.1, Maximum: 2})
	a = observe(t, s, ask(m, minutes(1, 2)))
	if len(a.Observations) > 0 || !strings.Contains(strings.Join(a.Warnings, ""), "value by value") {
		t.Errorf("of sets: %+v, warnings %q", a.Observations, a.Warnings)
	}
	a = observe(t, s, ask(release.Metric{Kind: release.Gauge, Averages: true, Events: latency + "Average"}, minutes(1, 2)))
	if len(a.Observations) != 2 || !a.Observations[0].Averages || a.Observations[0].Points[0] != 3.0/9 {
		t.Errorf("the average of sets: %+v", a.Observations)
	}
}

// TestSumsOfMetrics: terms joined by + add up.
func TestSumsOfMetrics(t *testing.T) {
	b := newBed(t, awstest.Guard{})
	b.counts(3)
	m := release.Metric{Kind: release.Count, Events: all + " + " + bad, Of: all}
	a := observe(t, b.open(t, nil), ask(m, minutes(0, 3)))
	if len(a.Observations) != 2 || a.Observations[0].Events != 600 || a.Observations[1].Events != 612 || a.Observations[1].Of != 600 {
		t.Errorf("%+v", a.Observations)
	}
}

func TestHighResolution(t *testing.T) {
	b := newBed(t, awstest.Guard{})
	b.counts(2)
	s := b.open(t, func(c *cloudwatch.Config) { c.Period = 10 * time.Second })
	a := observe(t, s, ask(errorsOf(), minutes(0, 0.5), minutes(0.5, 1)))
	if len(a.Observations) != 4 || a.Observations[3].Of != 100 {
		t.Errorf("%+v", a.Observations)
	}
}

// TestNothingOver: a window in which no period ends needs no request.
func TestNothingOver(t *testing.T) {
	b := newBed(t, awstest.Guard{})
	s := b.open(t, nil)
	for _, windows := range [][]release.Window{nil, {minutes(1.1, 1.9)}} {
		if a := observe(t, s, ask(errorsOf(), windows...)); len(a.Observations) > 0 || b.Calls("GetMetricData") > 0 {
			t.Errorf("%+v after %d requests", a, b.Calls("GetMetricData"))
		}
	}
}

// TestWhatAWSSays: each refusal has its meaning and says what to do.
func TestWhatAWSSays(t *testing.T) {
	b := newBed(t, awstest.Guard{})
	b.counts(4)
	b.Log(logGroup, start(), map[string]string{"status": "200"})
	s := b.open(t, func(c *cloudwatch.Config) { c.Timeout = time.Second })
	logs := release.Metric{Kind: release.Ratio, Query: "stats count(*) as all, sum(status >= 500) as bad by bin(1m), version", Events: "bad", Of: "all"}
	for _, c := range []struct {
		fault   cloudtest.Fault
		m       release.Metric
		meaning error
		says    []string
	}{
		{cloudtest.Throttle, errorsOf(), release.ErrUnavailable, []string{"GetMetricData", "ThrottlingException"}},
		{cloudtest.Throttle, logs, release.ErrUnavailable, []string{"StartQuery", "ThrottlingException"}},
		{cloudtest.Fail, errorsOf(), release.ErrUnavailable, []string{"InternalServiceFault"}},
		{cloudtest.Deny, errorsOf(), release.ErrInvalid, []string{"allow it cloudwatch:GetMetricData"}},
		{cloudtest.Deny, logs, release.ErrInvalid, []string{"allow it logs:StartQuery"}},
		{cloudtest.Expire, errorsOf(), release.ErrInvalid, []string{"refuses the credentials", "renew"}},
		{cloudtest.Mistrust, errorsOf(), release.ErrInvalid, []string{"refuses the credentials"}},
		{cloudtest.Mistrust, logs, release.ErrInvalid, []string{"refuses the credentials"}},
		{cloudtest.Internal, errorsOf(), release.ErrUnavailable, []string{"InternalError"}},
		{cloudtest.Forbidden, errorsOf(), release.ErrInvalid, []string{"Forbidden", "cloudwatch:GetMetricData"}},
		{cloudtest.Unmatched, errorsOf(), release.ErrUnavailable, []string{"times"}},
		{cloudtest.Busy, logs, release.ErrUnavailable, []string{"LimitExceededException", "concurrency"}},
		{cloudtest.Failed, logs, release.ErrUnavailable, []string{"Failed"}},
		{cloudtest.TimedOut, logs, release.ErrUnavailable, []string{"Timeout"}},
		{cloudtest.Forgetful, logs, release.ErrUnavailable, []string{"Unknown"}},
		{cloudtest.Endless, logs, release.ErrUnavailable, []string{"the query is Running", "within 1s"}},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			defer b.Break(c.fault)()
			_, err := s.Observe(t.Context(), ask(c.m, minutes(0, 4)))
			fails(t, err, c.meaning, append(c.says, "metric it")...)
		})
	}
	defer b.Break(cloudtest.Talkative)()
	a := observe(t, s, ask(errorsOf(), minutes(0, 4)))
	if said := strings.Join(a.Warnings, "\n"); len(a.Observations) != 2 || !strings.Contains(said, "one of the metrics is odd") || !strings.Contains(said, "MaxMetricsExceeded") {
		t.Errorf("%+v", a)
	}
}

// TestARoleIsTakenOn and its credentials are renewed.
func TestARoleIsTakenOn(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/linnet"
	b := newBed(t, awstest.Guard{Role: role, ExternalID: "shop-7"})
	b.counts(2)
	q := ask(errorsOf(), minutes(0, 2))
	_, err := b.open(t, nil).Observe(t.Context(), q)
	fails(t, err, release.ErrInvalid, "only "+role)
	_, err = b.open(t, func(c *cloudwatch.Config) { c.Role, c.ExternalID = role, "shop-8" }).Observe(t.Context(), q)
	fails(t, err, release.ErrInvalid, "allow it sts:AssumeRole")
	b.now = time.Now() // when the client thinks that credentials end
	s := b.open(t, func(c *cloudwatch.Config) { c.Role, c.ExternalID = role, "shop-7" })
	if a := observe(t, s, q); len(a.Observations) != 2 || b.Calls("AssumeRole") != 2 {
		t.Errorf("%+v after %d roles", a, b.Calls("AssumeRole"))
	}
}

func TestNoCredentials(t *testing.T) {
	b := newBed(t, awstest.Guard{})
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	_, err := b.open(t, nil).Observe(t.Context(), ask(errorsOf(), minutes(0, 2)))
	fails(t, err, release.ErrUnavailable, "no AWS credentials")
}

// TestQueriesAreStopped where nobody waits for them any more.
func TestQueriesAreStopped(t *testing.T) {
	b := newBed(t, awstest.Guard{})
	b.Log(logGroup, start(), map[string]string{"status": "200"})
	defer b.Break(cloudtest.Endless)()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	m := release.Metric{Kind: release.Count, Query: "filter v = \"{{version}}\" | stats count(*) as n by bin(1m)", Events: "n"}
	s := b.open(t, nil)
	go func() {
		_, err := s.Observe(ctx, ask(m, minutes(0, 2)))
		ended <- err
	}()
	deadline := time.After(10 * time.Second)
	for b.Calls("GetQueryResults") == 0 {
		select {
		case <-deadline:
			t.Fatal("no query was looked at")
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	err := <-ended
	fails(t, err, release.ErrUnavailable)
	if !errors.Is(err, context.Canceled) || b.Stopped() != 2 {
		t.Errorf("%v; %d queries were stopped, expected both arms'", err, b.Stopped())
	}
}

// TestBinsThatAreLongerThanLooks are warned of, also by a look that finds nothing.
func TestBinsThatAreLongerThanLooks(t *testing.T) {
	b := newBed(t, awstest.Guard{})
	b.Log(logGroup, start(), map[string]string{"v": "1.5.0"})
	s := b.open(t, nil)
	for _, c := range []struct {
		to   float64
		want bool
	}{{1, true}, {6, false}} {
		m := release.Metric{Kind: release.Count, Query: "stats count(*) as n by bin(5m), v", Events: "n"}
		a, err := s.Observe(t.Context(), ask(m, minutes(0, c.to)))
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(a.Warnings, "\n"); strings.Contains(said, "write every: 5m0s") != c.want {
			t.Errorf("look of %g minutes: warnings %q", c.to, said)
		}
	}
}

// TestStoppingHoldsNobodyUp: an abort waits for what it ends, also where AWS does
// not answer.
func TestStoppingHoldsNobodyUp(t *testing.T) {
	b := newBed(t, awstest.Guard{})
	b.Log(logGroup, start(), map[string]string{"status": "200"})
	defer b.Break(cloudtest.Endless)()
	deaf := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".StopQuery") {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return
		}
		b.ServeHTTP(w, r)
	}))
	m := release.Metric{Kind: release.Count, Query: "filter v = \"{{version}}\" | stats count(*) as n by bin(1m)", Events: "n"}
	began := time.Now()
	_, err := b.open(t, func(c *cloudwatch.Config) { c.LogsEndpoint, c.Timeout = deaf, time.Second }).Observe(t.Context(), ask(m, minutes(0, 2)))
	fails(t, err, release.ErrUnavailable, "no whole answer within 1s")
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %s to give up two queries", took)
	}
}

// TestLogsSayWhatIsWrong with a query or its answer.
func TestLogsSayWhatIsWrong(t *testing.T) {
	b := newBed(t, awstest.Guard{})
	for _, version := range []string{"1.4.1", "1.5.0"} {
		b.Log(logGroup, start(), map[string]string{"status": "200", "version": version, "word": "x", "arm": "none", "zone": "1.5.0"})
	}
	for name, c := range map[string]struct {
		query, events, of string
		groups            []string
		meaning           error
		says              string
	}{
		"no column":    {query: "stats count(*) as all by bin(1m), version", events: "bad", of: "all", meaning: release.ErrInvalid, says: "no column bad; it has all, bin(1m), version"},
		"no number":    {query: "stats count(*) as all by bin(1m), version, word as bad", events: "bad", of: "all", meaning: release.ErrInvalid, says: `column bad has "x"`},
		"not a query":  {query: "count everything by bin(1m)", events: "bad", of: "all", meaning: release.ErrInvalid, says: "MalformedQueryException"},
		"no group":     {query: "stats count(*) as all by bin(1m)", groups: []string{"/none"}, events: "all", of: "all", meaning: release.ErrNotFound, says: "/none"},
		"groups lack":  {query: "stats count(*) as all by bin(1m)", groups: []string{}, events: "all", of: "all", meaning: release.ErrInvalid, says: "logGroup"},
		"no time":      {query: "# bin(1m)\n| stats count(*) as all by version", events: "all", of: "all", meaning: release.ErrInvalid, says: ""},
		"not the time": {query: "stats count(*) as all by bin(1m) as t, version", events: "all", of: "all", meaning: release.ErrInvalid, says: "no column bin("},
	} {
		s := b.open(t, func(config *cloudwatch.Config) {
			if c.groups != nil {
				config.LogGroups = c.groups
			}
		})
		_, err := s.Observe(t.Context(), ask(release.Metric{Kind: release.Ratio, Query: c.query, Events: c.events, Of: c.of}, minutes(0, 2)))
		t.Run(name, func(t *testing.T) { fails(t, err, c.meaning, c.says) })
	}
	s := b.open(t, nil)
	count := func(query string) release.Answer {
		return observe(t, s, ask(release.Metric{Kind: release.Count, Query: query, Events: "n"}, minutes(0, 2)))
	}
	if a := count("stats count(*) as n by bin(1m) as time, version"); len(a.Observations) != 2 {
		t.Errorf("by a column named time: %+v", a)
	}
	for _, group := range []string{"word", "arm, version", "zone, version"} {
		a := count("stats count(*) as n by bin(1m), " + group)
		if group != "zone, version" && (len(a.Observations) != 0 || !strings.Contains(strings.Join(a.Warnings, ""), "names an arm")) {
			t.Errorf("by %s: %+v", group, a)
		}
	}
}

func TestConfigs(t *testing.T) {
	b := newBed(t, awstest.Guard{})
	_, err := cloudwatch.New(t.Context(), cloudwatch.Config{
		Region: cloudtest.Region, Period: 90 * time.Second, Role: "linnet", ExternalID: "x", Timeout: -1,
		Endpoint: "ftp://x", LogsEndpoint: "http://u:p@x/", LogGroups: make([]string, 51),
	})
	fails(t, err, release.ErrInvalid, "period: 1m30s", "role: \"linnet\"", "cloudwatch: endpoint:", "logsEndpoint: endpoint", "logGroups: 51", "timeout")
	_, err = cloudwatch.New(t.Context(), cloudwatch.Config{Endpoint: b.url})
	fails(t, err, release.ErrInvalid, "region: is missing")
	t.Setenv("AWS_REGION", cloudtest.Region)
	b.counts(1)
	if a := observe(t, b.open(t, func(c *cloudwatch.Config) { c.Region = "" }), ask(errorsOf(), minutes(0, 1))); len(a.Observations) != 2 {
		t.Errorf("by the region of the environment: %+v", a)
	}
}
