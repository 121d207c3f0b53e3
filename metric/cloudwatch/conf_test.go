package cloudwatch_test

import (
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/linnet-project/linnet/awscall/awstest"
	"github.com/linnet-project/linnet/metric/cloudwatch"
	"github.com/linnet-project/linnet/metric/cloudwatch/cloudtest"
	"github.com/linnet-project/linnet/metric/metricconf"
	"github.com/linnet-project/linnet/release"
)

// laid is a source with a wire before the APIs.
func laid(t *testing.T, h metricconf.Happened) (*cloudtest.Server, *metricconf.Wire, metricconf.Bed) {
	api := cloudtest.New(awstest.Guard{AccessKey: accessKey, SecretKey: secretKey, Now: func() time.Time { return h.End }})
	wire := metricconf.NewWire(t, api)
	environment(t, wire.URL)
	s, err := cloudwatch.New(t.Context(), cloudwatch.Config{
		Region: cloudtest.Region, Endpoint: wire.URL, LogsEndpoint: wire.URL, Period: h.Grain, LogGroups: []string{logGroup}, Timeout: 2 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return api, wire, metricconf.Bed{Source: s, Asked: wire.Asked, Secrets: []string{secretKey, accessKey}}
}

// TestMetricsAsEverySource passes the suite with CloudWatch's metrics.
func TestMetricsAsEverySource(t *testing.T) {
	metricconf.Answers(t, time.Minute, func(t *testing.T, h metricconf.Happened) metricconf.Bed {
		api, wire, bed := laid(t, h)
		publish := func(all []metricconf.Stretch) {
			for _, s := range all {
				publishStretch(api, h, s)
			}
		}
		publish(h.Stretches)
		bed.Late = func(_ *testing.T, more []metricconf.Stretch) { publish(more) }
		bed.Break = func(t *testing.T, f metricconf.Fault) func() {
			if f == metricconf.Partial {
				return api.Break(cloudtest.Partial)
			}
			return wire.Break(t, f)
		}
		bed.Metric = func(q metricconf.Question, _ []string) release.Metric {
			one := func(name, stat string) string { return "Shop " + name + ` {version="{{version}}"} ` + stat }
			switch q {
			case metricconf.AskRatio:
				return release.Metric{Events: one("Failed", "Sum"), Of: one("Took", "SampleCount")}
			case metricconf.AskCount:
				return release.Metric{Events: one("Took", "SampleCount")}
			case metricconf.AskHistogram:
				return release.Metric{Events: one("Took", "Buckets(0.1, 0.5, 1)")}
			case metricconf.AskGauge:
				return release.Metric{Events: one("Level", "Average")}
			}
			return release.Metric{Events: one("Score", "Average")}
		}
		const exact = "a metric of CloudWatch has its dimensions or is another one: what is published without a region is not among the regions, whose sum the whole is"
		bed.Cannot = map[string]string{
			metricconf.CaseNaN:       "CloudWatch takes no value that is not a number",
			metricconf.CasePlaceless: exact,
		}
		return bed
	})
}

// publishStretch publishes what happened under the arm's version and region, and
// once more for all regions, as applications do.
func publishStretch(api *cloudtest.Server, h metricconf.Happened, s metricconf.Stretch) {
	at := s.To.Add(-h.Grain)
	sets := []map[string]string{{"version": s.Arm.Version}}
	if s.Region != "" {
		sets = append(sets, map[string]string{"version": s.Arm.Version, "region": s.Region})
	}
	for _, dimensions := range sets {
		m := func(name string) cloudtest.Metric {
			return cloudtest.Metric{Namespace: "Shop", Name: name, Dimensions: dimensions}
		}
		for i, n := range s.Buckets {
			for range n {
				api.Put(m("Took"), at, []float64{0.1, 0.3, 0.7, 2}[i])
			}
		}
		if s.Bad > 0 {
			api.Put(m("Failed"), at, float64(s.Bad))
		}
		if !math.IsNaN(s.Level) && !math.IsInf(s.Level, 0) {
			api.Put(m("Level"), at, s.Level)
		}
		api.Put(m("Score"), at, s.Average)
	}
}

// TestLogsAsEverySource passes the suite with Logs Insights, where one query tells
// of all arms, and where each arm has its own.
func TestLogsAsEverySource(t *testing.T) {
	for name, form := range map[string]struct {
		filter, by string
		polls      int
	}{
		"one query":    {"filter ispresent(version) |", ", version", 1},
		"a query each": {`filter version = "{{version}}" |`, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			metricconf.Answers(t, time.Minute, func(t *testing.T, h metricconf.Happened) metricconf.Bed {
				api, wire, bed := laid(t, h)
				api.Page, api.Polls = 500, form.polls
				write := func(all []metricconf.Stretch) {
					for _, s := range all {
						writeStretch(api, h, s)
					}
				}
				write(h.Stretches)
				bed.Late = func(_ *testing.T, more []metricconf.Stretch) { write(more) }
				bed.Break = wire.Break
				bed.Metric = func(q metricconf.Question, by []string) release.Metric {
					group := form.by
					for _, label := range by {
						group += ", " + label
					}
					stats := func(what, more string) string {
						return form.filter + " stats " + what + " by bin(1m)" + group + more
					}
					switch q {
					case metricconf.AskRatio:
						return release.Metric{Query: stats("count(took) as all, sum(status >= 500) as bad", ""), Events: "bad", Of: "all"}
					case metricconf.AskCount:
						return release.Metric{Query: stats("count(took) as all", ""), Events: "all"}
					case metricconf.AskHistogram:
						return release.Metric{Query: "filter ispresent(bound) | " + stats("count(took) as n", ", bound"), Events: "n"}
					case metricconf.AskGauge:
						return release.Metric{Query: "filter ispresent(level) | " + stats("avg(level) as x", ""), Events: "x"}
					}
					return release.Metric{Query: "filter ispresent(score) | " + stats("avg(score) as x", ""), Events: "x"}
				}
				bed.Cannot = map[string]string{
					metricconf.CaseNaN:     "Logs Insights leaves out of a statistic what is no number",
					metricconf.CasePartial: "what a query has found while it runs is not taken for an answer",
				}
				return bed
			})
		})
	}
}

// writeStretch writes a line for each request, and one for the level.
func writeStretch(api *cloudtest.Server, h metricconf.Happened, s metricconf.Stretch) {
	at := s.To.Add(-h.Grain / 2)
	line := func(more map[string]string) {
		more["version"], more["region"] = s.Arm.Version, s.Region
		api.Log(logGroup, at, more)
	}
	left := s.Bad
	for i, n := range s.Buckets {
		for range n {
			status := "200"
			if left > 0 {
				status, left = "503", left-1
			}
			line(map[string]string{"status": status, "took": []string{"0.1", "0.3", "0.7", "2"}[i], "bound": []string{"0.1", "0.5", "1", "Inf"}[i]})
		}
	}
	for name, v := range map[string]float64{"level": s.Level, "score": s.Average} {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			line(map[string]string{name: strconv.FormatFloat(v, 'g', -1, 64), "status": fmt.Sprint(200)})
		}
	}
}
