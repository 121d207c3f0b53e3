package googlemonitoring_test

import (
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/googlemonitoring"
	"github.com/linnet-project/linnet/metric/googlemonitoring/googletest"
	"github.com/linnet-project/linnet/metric/metricconf"
	"github.com/linnet-project/linnet/release"
)

// TestAsEverySource passes the suite: where a filter names the arm, and where a
// group does.
func TestAsEverySource(t *testing.T) {
	for name, form := range map[string]struct{ filter, group string }{
		"a filter each": {` AND metric.labels.version = "{{version}}"`, ""},
		"by group":      {"", "metadata.user_labels.version"},
	} {
		t.Run(name, func(t *testing.T) {
			metricconf.Answers(t, time.Minute, func(t *testing.T, h metricconf.Happened) metricconf.Bed {
				api, err := googletest.New(time.Now)
				if err != nil {
					t.Fatal(err)
				}
				wire := metricconf.NewWire(t, api)
				s, err := googlemonitoring.New(googlemonitoring.Config{
					Project: googletest.Project, Endpoint: wire.URL, CredentialsFile: keyFile(t, api, wire.URL), Timeout: 2 * time.Second, Now: time.Now,
				})
				if err != nil {
					t.Fatal(err)
				}
				put := func(all []metricconf.Stretch) {
					for _, s := range all {
						putStretch(api, s)
					}
				}
				put(h.Stretches)
				return metricconf.Bed{
					Source: s, Secrets: []string{"ya29.token", "PRIVATE KEY"},
					Late: func(_ *testing.T, more []metricconf.Stretch) { put(more) },
					Asked: func() (out []string) {
						for _, text := range wire.Asked() {
							if !strings.HasPrefix(text, "POST /token") {
								out = append(out, text)
							}
						}
						return out
					},
					Break: func(t *testing.T, f metricconf.Fault) func() {
						if f == metricconf.Partial {
							return api.Break(googletest.Partial)
						}
						return wire.Break(t, f)
					},
					Metric: func(q metricconf.Question, by []string) release.Metric {
						var fields []string
						if form.group != "" {
							fields = append(fields, form.group)
						}
						for _, label := range by {
							fields = append(fields, "metric.labels."+label)
						}
						one := func(name string) string {
							text := `metric.type = "custom.googleapis.com/shop/` + name + `"` + form.filter
							if len(fields) > 0 {
								text += " | by " + strings.Join(fields, ", ")
							}
							return text
						}
						switch q {
						case metricconf.AskRatio:
							return release.Metric{Events: one("failed"), Of: one("took")}
						case metricconf.AskCount:
							return release.Metric{Events: one("took")}
						case metricconf.AskHistogram:
							return release.Metric{Events: one("took")}
						case metricconf.AskGauge:
							return release.Metric{Events: one("level")}
						}
						return release.Metric{Events: one("score")}
					},
				}
			})
		})
	}
}

func putStretch(api *googletest.Server, s metricconf.Stretch) {
	to := func(name, kind string) googletest.Series {
		out := googletest.Series{
			Type: "custom.googleapis.com/shop/" + name, Kind: kind, ResourceType: "k8s_container",
			Labels: map[string]string{"version": s.Arm.Version, "region": s.Region, "instance": s.Instance}, UserLabels: map[string]string{"version": s.Arm.Version},
		}
		if s.Region == "" {
			delete(out.Labels, "region")
		}
		return out
	}
	took := to("took", "DELTA")
	took.Buckets = map[string]any{"explicitBuckets": map[string]any{"bounds": []float64{0.1, 0.5, 1}}}
	api.PutBuckets(took, s.To, s.Buckets...)
	if s.Bad > 0 {
		api.Put(to("failed", "DELTA"), s.To, float64(s.Bad))
	}
	api.Put(to("level", "GAUGE"), s.To, s.Level)
	api.Put(to("score", "GAUGE"), s.To, s.Average)
}
