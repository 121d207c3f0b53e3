package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/app"
	"github.com/linnet-project/linnet/metric/tsdb"
)

const doctorRelease = `apiVersion: linnet/v1
kind: Release
metadata: { name: checkout-2 }
spec:
  service: checkout
  baseline:  { version: "1", labels: { version: stable } }
  candidate: { version: "2", labels: { version: canary } }
  traffic:
    proxy: { service: checkout, listen: "127.0.0.1:0", upstreams: { baseline: "http://127.0.0.1:1", candidate: "http://127.0.0.1:2" } }
  analysis:
    source: %s
    metrics:
      - { name: errors, ratio: { bad: 'requests_total{code="500"}', of: requests_total }, by: [region] }
      - { name: cpu, gauge: cpu_cores, severity: warning }
`

// samples are what a Prometheus of the test knows: every so often of the last
// ten minutes, up to an age.
type samples struct {
	versions   []string
	every, age time.Duration
}

// prometheusOf serves samples by Prometheus' API, from a store of ours.
func prometheusOf(t *testing.T, s samples) *httptest.Server {
	t.Helper()
	store, err := tsdb.Open(tsdb.Config{Dir: t.TempDir(), Interval: time.Minute, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	add := store.Appender(t.Context())
	now := time.Now()
	for _, version := range s.versions {
		for at := now.Add(-10 * time.Minute); at.Before(now.Add(-s.age)); at = at.Add(s.every) {
			n := at.Sub(now.Add(-10 * time.Minute)).Seconds()
			for name, v := range map[string]float64{"requests_total": 100 * n, "cpu_cores": 0.5} {
				l := labels.FromStrings("__name__", name, "version", version, "region", "eu", "code", "200")
				if _, err := add.Append(0, l, at.UnixMilli(), v); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := add.Commit(); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(store.Handler())
	t.Cleanup(srv.Close)
	return srv
}

// doctor runs linnet doctor on a source, and returns what it says and its exit
// code.
func doctor(t *testing.T, source string, flags ...string) (string, int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "release.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, doctorRelease, source), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	err := app.Main(append([]string{"doctor", "-f", file, "--data", t.TempDir()}, flags...), strings.NewReader(""), &out, &errs)
	return out.String() + errs.String(), app.ExitCode(err)
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	both := []string{"stable", "canary"}
	for _, tt := range []struct {
		name  string
		laid  samples
		code  int
		words []string
	}{
		{"all is there", samples{both, 5 * time.Second, 0}, 0, []string{
			"errors (guardrail, prometheus)", "samples in 5m", "in the last look, each 5s", "in 1 segments", "checkout-2 could start: every guardrail has data"}},
		{"a candidate to come", samples{both[:1], 5 * time.Second, 0}, 0, []string{"candidate  nothing yet", "could start"}},
		{"no baseline", samples{both[1:], 5 * time.Second, 0}, 1, []string{
			"baseline   nothing yet", "could not start: errors: no data of the baseline", "under version: stable", "docs/metrics.md"}},
		{"nothing at all", samples{nil, time.Second, 0}, 1, []string{"no data of the baseline in the last 5m"}},
		{"too coarse", samples{both, time.Minute, 0}, 0, []string{"each 1m", "write every: 1m"}},
		{"late", samples{both, 5 * time.Second, 90 * time.Second}, 0, []string{"the newest data of the baseline are 1m3", "and delay is 5s", "write delay: 1m3"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			said, code := doctor(t, "{ prometheus: { url: "+prometheusOf(t, tt.laid).URL+" } }")
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, word := range tt.words {
				if !strings.Contains(said, word) {
					t.Errorf("does not say %q", word)
				}
			}
			if t.Failed() {
				t.Log(said)
			}
		})
	}
}

func TestDoctorJSON(t *testing.T) {
	t.Parallel()
	said, code := doctor(t, "{ prometheus: { url: "+prometheusOf(t, samples{[]string{"stable"}, 5 * time.Second, 0}).URL+" } }", "--json")
	var d struct {
		Release string
		OK      bool
		Metrics []struct {
			Metric, Severity, Source string
			Arms                     []struct {
				Arm        string
				Found      bool
				Segments   int
				Samples    float64
				Resolution float64 `json:"resolution_s"`
				Age        float64 `json:"age_s"`
			}
		}
	}
	if err := json.Unmarshal([]byte(said), &d); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if code != 0 || !d.OK || d.Release != "checkout-2" || len(d.Metrics) != 2 || len(d.Metrics[0].Arms) != 2 {
		t.Fatalf("exit code %d: %s", code, said)
	}
	a := d.Metrics[0].Arms[0]
	if !a.Found || a.Segments != 1 || a.Samples < 20_000 || a.Samples > 32_000 || a.Resolution < 3 || a.Resolution > 8 || a.Age > 10 {
		t.Errorf("baseline: %+v", a)
	}
	if d.Metrics[0].Arms[1].Found {
		t.Errorf("a candidate is seen: %s", said)
	}
}

// A source that hangs, one that is not there, and one that refuses us: doctor
// comes back, in time, and says which.
func TestDoctorOfSourcesThatFail(t *testing.T) {
	t.Parallel()
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // lets the server see the client go
		<-r.Context().Done()
	}))
	t.Cleanup(hanging.Close)
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(refusing.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, x := range map[string]struct{ url, word, do string }{
		"hanging":  {hanging.URL, hanging.URL, "see that it runs and can be reached"},
		"gone":     {gone.URL, "refused", "see that it runs and can be reached"},
		"refusing": {refusing.URL, "401", "the credential that it names"},
	} {
		began := time.Now()
		said, code := doctor(t, "{ prometheus: { url: "+x.url+" } }", "--timeout", "2s")
		if code != 1 || !strings.Contains(said, x.word) || !strings.Contains(said, x.do) || !strings.Contains(said, "could not start") {
			t.Errorf("%s: exit code %d: %s", name, code, said)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
	}
}

// The targets of the embedded store are scraped on trial, and its own folder is
// left alone.
func TestDoctorOfTheEmbeddedStore(t *testing.T) {
	t.Parallel()
	began := time.Now()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "requests_total{code=\"200\",region=\"eu\"} %d\ncpu_cores 0.5\n", time.Since(began).Milliseconds())
	}))
	t.Cleanup(page.Close)
	said, code := doctor(t, "{ embedded: { targets: { baseline: [\""+page.URL+"/metrics\"], candidate: [\"http://127.0.0.1:1/metrics\"] } } }")
	for _, word := range []string{"errors (guardrail, embedded)", "scraped on trial", "candidate  nothing yet", "could start"} {
		if !strings.Contains(said, word) {
			t.Errorf("does not say %q", word)
		}
	}
	if code != 0 || t.Failed() {
		t.Errorf("exit code %d: %s", code, said)
	}
}

// A front door says how it is, with what it refused, and is asked for the metrics
// where it answers queries; one that is not open yet is no problem.
func TestDoctorOfAFrontDoor(t *testing.T) {
	t.Parallel()
	d := newDoor(t, "  time: { window: 1s, lateness: 1s }\n")
	file := filepath.Join(t.TempDir(), "release.yaml")
	text := strings.NewReplacer(`{ version: stable }`, `{ version: "1" }`, `{ version: canary }`, `{ version: "2" }`,
		`'requests_total{code="500"}'`, `'linnet_requests_total{outcome="error"}'`, `of: requests_total`, `of: linnet_requests_total`, ", by: [region]", "",
		"      - { name: cpu, gauge: cpu_cores, severity: warning }\n", "",
	).Replace(fmt.Sprintf(doctorRelease, "{ embedded: { receive: { listen: \""+d.address+"\" } } }\n    delay: 1m"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func() (string, int) {
		var out, errs bytes.Buffer
		err := app.Main([]string{"doctor", "-f", file, "--data", t.TempDir()}, strings.NewReader(""), &out, &errs)
		return out.String() + errs.String(), app.ExitCode(err)
	}
	if said, code := ask(); code != 0 || !strings.Contains(said, "not open: it opens with the release") || !strings.Contains(said, "as far as can be asked") {
		t.Fatalf("exit code %d: %s", code, said)
	}
	d.start()
	deadline := time.After(20 * time.Second)
	for i := 0; ; i++ {
		body := append(eventsOf(fmt.Sprint("doctor-", i), 20), "no event\n"...)
		if _, _, err := d.post(t.Context(), fmt.Sprint(i), body); err != nil {
			t.Fatal(err)
		}
		said, code := ask()
		if code == 0 && strings.Contains(said, "could start") && !strings.Contains(said, "nothing yet") &&
			strings.Contains(said, "records were refused") && strings.Contains(said, "unreadable") && strings.Contains(said, "sender ") {
			break
		}
		select {
		case <-deadline:
			t.Fatalf("exit code %d: %s", code, said)
		case <-time.After(500 * time.Millisecond):
		}
	}
	d.program.signal(syscall.SIGTERM)
	d.program.exits(0)
}
