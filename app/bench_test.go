package app_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/linnet-project/linnet/app"
)

// BenchmarkBacktest judges recordings of 45 minutes with a sample each 15 s and
// 40 series, the way `linnet backtest` does: reading included, two at a time.
func BenchmarkBacktest(b *testing.B) {
	dir := b.TempDir()
	file := filepath.Join(dir, "release.yaml")
	if err := os.WriteFile(file, []byte(benchRelease), 0o600); err != nil {
		b.Fatal(err)
	}
	const files = 20
	args := []string{"backtest", "--json", "-f", file}
	for i := range files {
		name := filepath.Join(dir, fmt.Sprintf("%d.om", i))
		if err := os.WriteFile(name, fortySeries(uint64(i)), 0o600); err != nil {
			b.Fatal(err)
		}
		args = append(args, name)
	}
	b.ResetTimer()
	for b.Loop() {
		if err := app.Main(args, bytes.NewReader(nil), io.Discard, os.Stderr); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*files)/b.Elapsed().Seconds(), "recordings/s")
}

const benchRelease = `apiVersion: linnet/v1
kind: Release
metadata: { name: bench }
spec:
  service: bench
  baseline:  { version: "1", labels: { version: stable } }
  candidate: { version: "2", labels: { version: canary } }
  traffic: { proxy: { service: bench } }
  steps: [{ weight: 5%, atLeast: 40m, atMost: 2h }]
  analysis:
    source: { prometheus: { url: "http://localhost:9090" } }
    every: 15s
    metrics:
      - { name: errors, ratio: { bad: 'http_requests_total{status="500"}', of: http_requests_total } }
      - { name: latency, histogram: http_request_duration_seconds }
      - { name: cpu, gauge: process_cpu_cores, tolerance: 20% }
      - { name: memory, gauge: process_resident_memory_bytes, tolerance: 20% }
`

// fortySeries is 15 minutes of one version and 30 of two: requests by status,
// a histogram of 12 bounds, and two gauges of three instances a version.
func fortySeries(seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 9))
	var b bytes.Buffer
	counter := func(name string, from int, perSample float64) {
		total := 0.0
		for k := from; k <= 180; k++ {
			if k > from {
				total += float64(int(perSample * (0.9 + 0.2*rng.Float64())))
			}
			fmt.Fprintf(&b, "%s %.0f %d\n", name, total, 1767225600+15*k)
		}
	}
	gauge := func(name string, from int, level float64) {
		for k := from; k <= 180; k++ {
			fmt.Fprintf(&b, "%s %.4f %d\n", name, level*(0.95+0.1*rng.Float64()), 1767225600+15*k)
		}
	}
	for _, a := range []struct {
		version string
		from    int
		n       float64
	}{{"stable", 0, 2850}, {"canary", 60, 150}} {
		counter(fmt.Sprintf(`http_requests_total{version=%q,status="200"}`, a.version), a.from, a.n*0.995)
		counter(fmt.Sprintf(`http_requests_total{version=%q,status="500"}`, a.version), a.from, a.n*0.005+1)
		for i := range 12 {
			le := fmt.Sprint(0.005 * float64(int(1)<<i))
			if i == 11 {
				le = "+Inf"
			}
			counter(fmt.Sprintf(`http_request_duration_seconds_bucket{version=%q,le=%q}`, a.version, le), a.from, a.n*float64(i+1)/12)
		}
		for i := range 3 {
			gauge(fmt.Sprintf(`process_cpu_cores{version=%q,instance="%s-%d"}`, a.version, a.version, i), a.from, 0.4)
			gauge(fmt.Sprintf(`process_resident_memory_bytes{version=%q,instance="%s-%d"}`, a.version, a.version, i), a.from, 3e8)
		}
	}
	b.WriteString("# EOF\n")
	return b.Bytes()
}
