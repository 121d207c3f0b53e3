package cloudwatch_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/linnet-project/linnet/awscall/awstest"
	"github.com/linnet-project/linnet/metric/cloudwatch"
	"github.com/linnet-project/linnet/metric/cloudwatch/cloudtest"
	"github.com/linnet-project/linnet/release"
)

const (
	accessKey = "AKIAIOSFODNN7EXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	logGroup  = "/shop/requests"
)

// start is when things happen in these tests.
func start() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// bed is the APIs and who may ask them.
type bed struct {
	*cloudtest.Server
	now time.Time
	url string
}

// newBed starts them. The environment has the credentials, as in real life.
func newBed(t *testing.T, guard awstest.Guard) *bed {
	t.Helper()
	b := &bed{now: start().Add(time.Hour)}
	guard.AccessKey, guard.SecretKey = accessKey, secretKey
	guard.Now = func() time.Time { return b.now }
	b.Server = cloudtest.New(guard)
	b.url = serve(t, b.Server)
	environment(t, b.url)
	return b
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// environment has credentials, and nothing of the machine's own.
func environment(t *testing.T, url string) {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": secretKey, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "",
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL_STS": url,
	} {
		t.Setenv(name, value)
	}
}

func (b *bed) open(t *testing.T, change func(*cloudwatch.Config)) *cloudwatch.Source {
	t.Helper()
	c := cloudwatch.Config{Region: cloudtest.Region, Endpoint: b.url, LogsEndpoint: b.url, LogGroups: []string{logGroup}, Timeout: 5 * time.Second}
	if change != nil {
		change(&c)
	}
	s, err := cloudwatch.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// arms are two versions of a shop, each behind a target group.
func arms() []release.Arm {
	return []release.Arm{
		{Name: release.Baseline, Version: "1.4.1", Labels: map[string]string{"version": "1.4.1", "group": "targetgroup/blue/1"}},
		{Name: release.Candidate, Version: "1.5.0", Labels: map[string]string{"version": "1.5.0", "group": "targetgroup/green/2"}},
	}
}

func minutes(from, to float64) release.Window {
	at := func(n float64) time.Time { return start().Add(time.Duration(n * float64(time.Minute))) }
	return release.Window{From: at(from), To: at(to)}
}

func ask(m release.Metric, windows ...release.Window) release.Query {
	m.Name = "it"
	return release.Query{Metric: m, Arms: arms(), Windows: windows}
}

// of is what is published about one arm.
func of(name string, arm int) cloudtest.Metric {
	return cloudtest.Metric{Namespace: "AWS/ApplicationELB", Name: name, Dimensions: map[string]string{"TargetGroup": arms()[arm].Labels["group"]}}
}
