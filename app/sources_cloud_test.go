package app

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/linnet-project/linnet/awscall/awstest"
	"github.com/linnet-project/linnet/metric/cloudwatch/cloudtest"
	"github.com/linnet-project/linnet/metric/googlemonitoring"
	"github.com/linnet-project/linnet/metric/googlemonitoring/googletest"
	"github.com/linnet-project/linnet/metric/httpjson"
	"github.com/linnet-project/linnet/metric/prometheus"
	"github.com/linnet-project/linnet/metric/sql"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

// mixedClouds is a release that asks both clouds.
const mixedClouds = `
apiVersion: linnet/v1
kind: Release
metadata: { name: shop-2 }
spec:
  service: shop
  baseline:  { version: "1", labels: { version: "1" } }
  candidate: { version: "2", labels: { version: "2" } }
  traffic:
    proxy: { admin: http://10.0.0.5:8441, tokenFile: /etc/linnet/token }
  steps:
    - { weight: 1%%, atLeast: 10m, atMost: 1h }
  analysis:
    source:
      cloudWatch: { region: eu-west-1, endpoint: %[1]q, logsEndpoint: %[1]q, logGroups: [ /shop ], period: 5m, role: "arn:aws:iam::123456789012:role/linnet", externalId: shop-7 }
    others:
      - name: google
        googleMonitoring: { project: shop-7, endpoint: %[2]q, credentialsFile: %[3]q, period: 5m, ingestDelay: 30s }
    metrics:
      - name: errors
        ratio: { bad: 'Shop Failed {version={{version}}} Sum', of: 'Shop Requests {version={{version}}} Sum' }
      - name: orders
        query: stats count(*) as visits, sum(ordered) as orders by bin(5m), version
        ratio: { bad: orders, of: visits }
      - name: level
        source: google
        gauge: metric.type="custom.googleapis.com/level" | by metric.labels.version
`

// TestCloudsAreOpenedAsTheFileSays: what a release file says of CloudWatch and
// Google's monitoring is how they are asked.
func TestCloudsAreOpenedAsTheFileSays(t *testing.T) {
	const key, secret = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	amazon := cloudtest.New(awstest.Guard{AccessKey: key, SecretKey: secret, Role: "arn:aws:iam::123456789012:role/linnet", ExternalID: "shop-7", Now: time.Now})
	google, err := googletest.New(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	one, two := httptest.NewServer(amazon), httptest.NewServer(google)
	t.Cleanup(one.Close)
	t.Cleanup(two.Close)
	folder := t.TempDir()
	file := filepath.Join(folder, "key.json")
	if err := os.WriteFile(file, google.KeyFile(two.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": filepath.Join(folder, "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(folder, "none"), "AWS_ENDPOINT_URL_STS": one.URL,
	} {
		t.Setenv(name, value)
	}
	f, err := spec.Parse("release.yaml", fmt.Appendf(nil, mixedClouds, one.URL, two.URL, file))
	if err != nil {
		t.Fatal(err)
	}
	if f.Analysis.Every != 5*time.Minute || f.Analysis.Delay != 3*time.Minute {
		t.Errorf("looks every %s, %s late", f.Analysis.Every, f.Analysis.Delay)
	}

	end := time.Now().Truncate(5 * time.Minute)
	for _, version := range []string{"1", "2"} {
		at, dimensions := end.Add(-4*time.Minute), map[string]string{"version": version}
		amazon.Put(cloudtest.Metric{Namespace: "Shop", Name: "Requests", Dimensions: dimensions}, at, 10)
		amazon.Log("/shop", at, map[string]string{"version": version, "ordered": "1"})
		google.Put(googletest.Series{Type: "custom.googleapis.com/level", Kind: "GAUGE", ResourceType: "global", Labels: dimensions}, at, 0.5)
	}
	source, closing, err := (&process{data: folder}).openSources(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := closing(); err != nil {
			t.Error(err)
		}
	}()
	for _, m := range f.Analysis.Metrics {
		if err := checkMetric(f, m); err != nil {
			t.Error(err)
		}
		a, err := source.Observe(t.Context(), release.Query{
			Metric: m, Arms: []release.Arm{f.Baseline, f.Candidate}, Windows: []release.Window{{From: end.Add(-5 * time.Minute), To: end}},
		})
		if err != nil || len(a.Observations) != 2 {
			t.Errorf("%s: %+v, %v", m.Name, a, err)
		}
	}
}

// TestSourcesThatKeepConnectionsAreClosed: the table's sources are closed by a
// method of this form alone.
func TestSourcesThatKeepConnectionsAreClosed(t *testing.T) {
	for _, s := range []run.Source{(*prometheus.Source)(nil), (*httpjson.Source)(nil), (*googlemonitoring.Source)(nil), (*sql.Source)(nil)} {
		if _, ok := s.(interface{ Close() }); !ok {
			t.Errorf("%T is never closed", s)
		}
	}
}
