package cloudwatch_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/linnet-project/linnet/awscall/awstest"
	"github.com/linnet-project/linnet/metric/cloudwatch"
	"github.com/linnet-project/linnet/metric/cloudwatch/cloudtest"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// TestTheManualTellsTheTruth: the metrics of its release file are answered, its
// other examples are questions, and its policy allows what is asked of AWS and no
// more.
func TestTheManualTellsTheTruth(t *testing.T) {
	text, err := os.ReadFile("../../docs/cloudwatch.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string) (out []string) {
		for _, m := range regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```").FindAllStringSubmatch(string(text), -1) {
			if m[1] == kind {
				out = append(out, m[2])
			}
		}
		return out
	}
	f, err := spec.Parse("docs/cloudwatch.md", []byte(block("yaml")[0]))
	if err != nil {
		t.Fatal(err)
	}
	b := newBed(t, awstest.Guard{})
	b.manual(f)
	both := []release.Arm{f.Baseline, f.Candidate}
	c := f.Analysis.Source.CloudWatch
	s := b.open(t, func(config *cloudwatch.Config) { config.Period, config.LogGroups = c.Period, c.LogGroups })
	for _, m := range f.Analysis.Metrics {
		if err := cloudwatch.Check(m, both); err != nil {
			t.Error(err)
		}
		a, err := s.Observe(t.Context(), release.Query{Metric: m, Arms: both, Windows: []release.Window{minutes(0, 1)}})
		if err != nil || len(a.Observations) != 2 || len(a.Warnings) > 0 {
			t.Errorf("%s: %+v, %v", m.Name, a, err)
		}
	}
	examples := block("")
	if err := cloudwatch.Check(release.Metric{Name: "it", Kind: release.Count, Events: examples[0]}, both); err != nil {
		t.Error(err)
	}
	if err := cloudwatch.Check(release.Metric{Name: "it", Kind: release.Ratio, Events: "failed", Of: "requests", Query: examples[1]}, both); err != nil {
		t.Error(err)
	}

	mend := b.Break(cloudtest.Endless)
	// A slow machine needs longer until there is a query to end.
	for timeout := 100 * time.Millisecond; b.Calls("StopQuery") == 0 && timeout < 10*time.Second; timeout *= 2 {
		hasty := b.open(t, func(config *cloudwatch.Config) { config.Timeout, config.LogGroups = timeout, c.LogGroups })
		_, err = hasty.Observe(t.Context(), release.Query{Metric: f.Analysis.Metrics[3], Arms: both, Windows: []release.Window{minutes(0, 1)}})
		fails(t, err, release.ErrUnavailable)
	}
	mend()
	var policy struct {
		Statement []struct{ Action []string }
	}
	if err := json.Unmarshal([]byte(block("json")[0]), &policy); err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	for operation, prefix := range map[string]string{"GetMetricData": "cloudwatch:", "StartQuery": "logs:", "GetQueryResults": "logs:", "StopQuery": "logs:", "AssumeRole": "sts:"} {
		if b.Calls(operation) > 0 {
			asked[prefix+operation] = true
		}
	}
	var allowed []string
	for _, s := range policy.Statement {
		allowed = append(allowed, s.Action...)
	}
	if slices.Sort(allowed); !slices.Equal(slices.Sorted(maps.Keys(asked)), allowed) {
		t.Errorf("asked for %v, and the policy allows %v", asked, allowed)
	}
}

// manual has what the manual's release file asks for.
func (b *bed) manual(f spec.File) {
	for _, arm := range []release.Arm{f.Baseline, f.Candidate} {
		for name, v := range map[string]float64{"RequestCount": 100, "HTTPCode_Target_5XX_Count": 1, "TargetResponseTime": 0.2} {
			b.Put(cloudtest.Metric{Namespace: "AWS/ApplicationELB", Name: name, Dimensions: map[string]string{
				"LoadBalancer": "app/shop/50dc6c495c0c9188", "TargetGroup": arm.Labels["group"],
			}}, start(), v)
		}
		b.Log("/shop/requests", start(), map[string]string{"visit": "1", "ordered": "1", "version": arm.Version})
	}
}
