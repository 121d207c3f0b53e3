package googlemonitoring_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/googlemonitoring"
	"github.com/linnet-project/linnet/metric/googlemonitoring/googletest"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// TestTheManualTellsTheTruth: the metrics of its release file are answered, and
// its other example is a question.
func TestTheManualTellsTheTruth(t *testing.T) {
	text, err := os.ReadFile("../../docs/google-monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```").FindAllStringSubmatch(string(text), -1)
	f, err := spec.Parse("docs/google-monitoring.md", []byte(blocks[0][2]))
	if err != nil {
		t.Fatal(err)
	}
	b := newBed(t)
	both := []release.Arm{f.Baseline, f.Candidate}
	for _, arm := range both {
		b.manual(arm)
	}
	s := b.open(t, nil)
	for _, m := range f.Analysis.Metrics {
		if err := googlemonitoring.Check(m, both); err != nil {
			t.Error(err)
		}
		a, err := s.Observe(t.Context(), release.Query{Metric: m, Arms: both, Windows: []release.Window{minutes(0, 1)}})
		if err != nil || len(a.Observations) != 2*(1+len(m.By)) || len(a.Warnings) > 0 {
			t.Errorf("%s: %+v, %v", m.Name, a, err)
		}
	}
	example := strings.TrimSpace(blocks[1][2])
	if err := googlemonitoring.Check(release.Metric{Name: "it", Kind: release.Count, Events: example, By: []string{"location"}}, both); blocks[1][1] != "" || err != nil {
		t.Errorf("%s: %v", example, err)
	}
}

// manual has what the manual's release file asks for about an arm.
func (b *bed) manual(arm release.Arm) {
	end := start().Add(time.Minute)
	backend := googletest.Series{
		Type: "loadbalancing.googleapis.com/https/backend_request_count", Kind: "DELTA", ResourceType: "https_lb_rule",
		ResourceLabels: map[string]string{"backend_target_name": arm.Labels["backend"]},
	}
	for _, class := range []string{"200", "500"} {
		backend.Labels = map[string]string{"response_code_class": class}
		b.Put(backend, end, 10)
	}
	backend.Type, backend.Buckets = "loadbalancing.googleapis.com/https/backend_latencies", map[string]any{"exponentialBuckets": map[string]any{"numFiniteBuckets": 66, "growthFactor": 1.4, "scale": 1}}
	b.PutBuckets(backend, end, 0, 0, 0, 5, 9, 2)
	for _, name := range []string{"orders", "visits"} {
		b.Put(googletest.Series{
			Type: "logging.googleapis.com/user/" + name, Kind: "DELTA", ResourceType: "k8s_container", Labels: map[string]string{"version": arm.Version, "region": "eu"},
		}, end, 7)
	}
	b.Put(googletest.Series{
		Type: "kubernetes.io/container/memory/used_bytes", Kind: "GAUGE", ResourceType: "k8s_container",
		ResourceLabels: map[string]string{"namespace_name": "shop"}, UserLabels: map[string]string{"version": arm.Version},
	}, end, 1<<28)
}
