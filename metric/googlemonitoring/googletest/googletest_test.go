package googletest_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/monitoring/v3"
	"google.golang.org/api/option"

	"github.com/linnet-project/linnet/metric/googlemonitoring/googletest"
)

// TestGooglesOwnClient logs in to the server and understands what it answers.
func TestGooglesOwnClient(t *testing.T) {
	s, err := googletest.New(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(s)
	t.Cleanup(api.Close)
	end := time.Date(2026, 3, 1, 12, 1, 0, 0, time.UTC)
	for zone, counts := range map[string][]int64{"a": {1, 2, 3}, "b": {4, 0, 0}} {
		s.PutBuckets(googletest.Series{
			Type: "custom.googleapis.com/took", Kind: "DELTA", ResourceType: "global", Labels: map[string]string{"zone": zone, "version": "2"},
			Buckets: map[string]any{"explicitBuckets": map[string]any{"bounds": []float64{0.1, 1}}},
		}, end, counts...)
	}
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), oauth2.HTTPClient, api.Client()), 10*time.Second)
	defer cancel()
	keys, err := google.CredentialsFromJSONWithType(ctx, s.KeyFile(api.URL), google.ServiceAccount, monitoring.MonitoringReadScope)
	if err != nil {
		t.Fatal(err)
	}
	client, err := monitoring.NewService(ctx, option.WithEndpoint(api.URL), option.WithHTTPClient(oauth2.NewClient(ctx, keys.TokenSource)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.Projects.TimeSeries.List("projects/" + googletest.Project).Context(ctx).
		Filter(`metric.type = "custom.googleapis.com/took"`).View("FULL").
		IntervalStartTime(end.Add(-time.Minute).Format(time.RFC3339)).IntervalEndTime(end.Format(time.RFC3339)).
		AggregationAlignmentPeriod("60s").AggregationPerSeriesAligner("ALIGN_DELTA").AggregationCrossSeriesReducer("REDUCE_SUM").
		AggregationGroupByFields("metric.labels.version").Do()
	if err != nil {
		t.Fatal(err)
	}
	if len(got.TimeSeries) != 1 || got.TimeSeries[0].Metric.Labels["version"] != "2" || len(got.TimeSeries[0].Points) != 1 {
		t.Fatalf("%+v", got)
	}
	p := got.TimeSeries[0].Points[0]
	d := p.Value.DistributionValue
	if p.Interval.EndTime != "2026-03-01T12:01:00Z" || d == nil || d.Count != 10 || len(d.BucketCounts) != 3 || d.BucketCounts[0] != 5 || d.BucketOptions.ExplicitBuckets.Bounds[1] != 1 {
		t.Errorf("%+v %+v", p.Interval, d)
	}
}
