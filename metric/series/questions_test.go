package series_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/series"
	"github.com/linnet-project/linnet/release"
)

// What is told to be asked can be pasted: it is PromQL, with the arm's labels.
func TestQuestions(t *testing.T) {
	arm := release.Arm{Name: release.Candidate, Labels: map[string]string{"version": "canary"}}
	for _, c := range []struct {
		name string
		m    release.Metric
		want []series.Question
	}{
		{"ratio", release.Metric{Kind: release.Ratio, Events: `http_requests_total{status=~"5.."}`, Of: "http_requests_total"}, []series.Question{
			{Role: "bad", Query: `http_requests_total{status=~"5..",version="canary"}[15s]`,
				Graph: `sum(rate(http_requests_total{status=~"5..",version="canary"}[1m])) / sum(rate(http_requests_total{version="canary"}[1m]))`},
			{Role: "of", Query: `http_requests_total{version="canary"}[15s]`}}},
		{"union", release.Metric{Kind: release.Count, Events: `a_total or b_total`}, []series.Question{
			{Role: "count", Query: `a_total{version="canary"}[15s]`, Graph: `(sum(rate(a_total{version="canary"}[1m])) + sum(rate(b_total{version="canary"}[1m])))`},
			{Role: "count", Query: `b_total{version="canary"}[15s]`}}},
		{"histogram", release.Metric{Kind: release.Histogram, Events: "latency_seconds"}, []series.Question{
			{Role: "histogram", Query: `latency_seconds_bucket{version="canary"}[15s]`,
				Graph: `histogram_quantile(0.99, sum by (le) (rate(latency_seconds_bucket{version="canary"}[1m])))`},
			{Role: "histogram", Query: `latency_seconds{version="canary"}[15s]`}}},
		{"gauge", release.Metric{Kind: release.Gauge, Events: "cpu"}, []series.Question{
			{Role: "gauge", Query: `cpu{version="canary"}[15s]`, Graph: `cpu{version="canary"}`}}},
		{"expression", release.Metric{Kind: release.Gauge, Events: "max by (pod) (cpu)"}, []series.Question{
			{Role: "gauge", Query: `max by (pod) (cpu{version="canary"})`, Graph: `max by (pod) (cpu{version="canary"})`}}},
	} {
		got, err := series.Questions(c.m, arm, 15*time.Second)
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s: %v, %+v", c.name, err, got)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %+v\nwant %+v", c.name, got[i], c.want[i])
			}
			for _, text := range []string{got[i].Query, got[i].Graph} {
				if _, err := series.Parse(text); err != nil && text != "" {
					t.Errorf("%s: %v", text, err)
				}
			}
		}
	}
	if _, err := series.Questions(release.Metric{Name: "m", Kind: release.Ratio, Events: "rate(x[5m])", Of: "x"}, arm, time.Second); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "rate") {
		t.Error(err)
	}
}
