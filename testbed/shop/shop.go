//go:build linux

// Package shop is what the end-to-end releases of the test bed have in common:
// a service in two versions, a real Prometheus that scrapes them, users, and the
// story of a candidate that breaks while it serves. A test of a provider brings
// what splits the traffic (Place) and nothing else.
package shop

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/program"
)

// patience bounds every wait; a machine with other work must not fail a test.
const patience = 2 * time.Minute

// Shop is a service with two versions that run, and a Prometheus.
type Shop struct {
	Base, Next *Version

	prometheus string // its URL
	data       string // Linnet's data folder
}

// Open starts both versions and a Prometheus. They end with the test.
func Open(t testing.TB) *Shop {
	t.Helper()
	s := &Shop{Base: openVersion(t, "1.0.0"), Next: openVersion(t, "1.1.0"), data: t.TempDir()}
	s.monitor(t)
	return s
}

// Of is the version with a name; nil where there is none.
func (s *Shop) Of(name string) *Version {
	for _, v := range []*Version{s.Base, s.Next} {
		if v.Name == name {
			return v
		}
	}
	return nil
}

// monitor starts the Prometheus. Where the machine has none the test is skipped,
// but not in CI, which installs it.
func (s *Shop) monitor(t testing.TB) {
	t.Helper()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("prometheus is not installed (apt-get install prometheus), and CI must not skip the tests with it")
		}
		t.Skip("prometheus is not installed (apt-get install prometheus): skipped")
	}
	dir, address := t.TempDir(), FreeAddress(t)
	type static struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	config, err := json.Marshal(map[string]any{ // which is YAML too
		"global": map[string]any{"scrape_interval": "300ms", "scrape_timeout": "300ms"},
		"scrape_configs": []any{map[string]any{"job_name": "shop", "static_configs": []static{
			{[]string{s.Base.Address}, map[string]string{"arm": release.Baseline}},
			{[]string{s.Next.Address}, map[string]string{"arm": release.Candidate}},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	p := program.ForTest(t, program.Config{Path: binary, Args: []string{
		"--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + address,
	}})
	s.prometheus = "http://" + address
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := p.Until(ctx, "is ready", func(ctx context.Context) bool { return answersOK(ctx, s.prometheus+"/-/ready") }); err != nil {
		t.Fatal(err)
	}
}

func answersOK(ctx context.Context, url string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// FreeAddress is a loopback address with a port on which nothing listens. The
// host is one of millions, so that nobody else takes the port in between.
func FreeAddress(t testing.TB) string {
	t.Helper()
	host := fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
	l, err := net.Listen("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// file writes the release file for a place and gives its name.
func (s *Shop) file(t testing.TB, p Place) string {
	t.Helper()
	text := fmt.Sprintf(`
apiVersion: linnet/v1
kind: Release
metadata: { name: %s }
spec:
  service: shop
  baseline:  { version: %s, labels: { arm: baseline } }
  candidate: { version: %s, labels: { arm: candidate } }
  traffic: { %s }
  steps: [ { weight: 20%%, atLeast: 5m, atMost: 10m } ]
  watch: 1s
  recovery: 1s
  analysis:
    source: { prometheus: { url: %q, timeout: 1s } }
    every: 1s
    delay: 1s
    warmUp: 1s
    blindFor: 5m
    falseRollback: 0.1%%
    metrics:
      - { name: errors, ratio: { bad: 'http_requests_total{status="500"}', of: http_requests_total } }
`, p.Name, s.Base.Name, s.Next.Name, p.Traffic, s.prometheus)
	name := filepath.Join(t.TempDir(), p.Name+".yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
