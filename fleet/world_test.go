package fleet_test

import (
	"context"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/fleet"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// world is where the releases of a test happen: routers that serve what they are
// told, and sources that answer with what harmless or harmful versions would do.
type world struct {
	mu     sync.Mutex
	routes map[string]release.Route // by service
	// harm says that the candidates of a service are bad.
	harm map[string]bool
	// fail is what assembling a service's parts fails with; hang has its source
	// wait for its context.
	fail map[string]error
	hang map[string]bool
	// odd has its source panic.
	odd map[string]bool
}

func newWorld() *world {
	return &world{
		routes: map[string]release.Route{}, harm: map[string]bool{}, fail: map[string]error{}, hang: map[string]bool{}, odd: map[string]bool{},
	}
}

// set changes the world of a service.
func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// Assemble implements fleet.Assembler.
func (w *world) Assemble(_ context.Context, _ journal.ID, f spec.File) (fleet.Parts, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := place{w, f.Service + f.Labels["environment"]} // each environment has a provider of its own
	return fleet.Parts{Router: p, Source: p}, w.fail[f.Service]
}

// place is the router and the source of one service.
type place struct {
	*world
	service string
}

// Apply implements run.Router.
func (p place) Apply(_ context.Context, route release.Route) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if served := p.routes[p.service]; served.Epoch > route.Epoch {
		return fmt.Errorf("epoch %d is served: %w", served.Epoch, release.ErrConflict)
	}
	p.routes[p.service] = route
	return nil
}

// Observed implements run.Router.
func (p place) Observed(context.Context) (release.Seen, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return release.Seen{Route: p.routes[p.service]}, nil
}

// weight is what the candidate of a service gets.
func (w *world) weight(service string) release.Weight {
	w.mu.Lock()
	defer w.mu.Unlock()
	if weights := w.routes[service].Weights; len(weights) == 2 {
		return weights[1].Weight
	}
	return 0
}

// Observe implements run.Source. What it tells depends on the question alone.
func (p place) Observe(ctx context.Context, q release.Query) (release.Answer, error) {
	p.mu.Lock()
	harm, hang, odd := p.harm[p.service], p.hang[p.service], p.odd[p.service]
	p.mu.Unlock()
	if hang {
		<-ctx.Done()
		return release.Answer{}, ctx.Err()
	}
	if odd {
		panic("odd answer")
	}
	var a release.Answer
	for _, arm := range q.Arms {
		for _, w := range q.Windows {
			a.Observations = append(a.Observations, tell(q.Metric, arm.Name, w, harm && arm.Name == "candidate"))
		}
	}
	return a, nil
}

var seed = maphash.MakeSeed()

// tell draws what one arm did in one window: 300 requests.
func tell(m release.Metric, arm string, w release.Window, bad bool) release.Observation {
	chance := rand.New(rand.NewPCG(maphash.String(seed, m.Name+arm), uint64(w.To.UnixNano())))
	o := release.Observation{Metric: m.Name, Arm: arm, Window: w}
	switch m.Kind {
	case release.Histogram:
		o.Bounds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
		o.Counts = make([]int64, len(o.Bounds)+1)
		for range 300 {
			o.Counts[min(int(3+2*chance.ExpFloat64()), len(o.Counts)-1)]++
		}
	case release.Gauge:
		for range 3 {
			o.Points = append(o.Points, 0.4*(0.95+0.1*chance.Float64()))
		}
	default:
		o.Of, o.Events = 300, int64(chance.IntN(4))
		if bad {
			o.Events += 100
		}
	}
	return o
}

// file is a release file of a service with ten metrics.
func file(name, service string, more ...string) spec.File {
	return parse(name, strings.NewReplacer("NAME", name, "SERVICE", service, "MORE", strings.Join(more, "\n")).Replace(tenMetrics))
}

func parse(name, text string) spec.File {
	f, err := spec.Parse(name, []byte(text))
	if err != nil {
		panic(err)
	}
	return f
}

func beginning(f spec.File) control.Beginning {
	return control.Beginning{File: f, Plan: plan.Compile(f), Attempt: 1, By: "service:ci"}
}

const tenMetrics = `apiVersion: linnet/v1
kind: Release
metadata: { name: NAME, labels: { team: payments MORE} }
spec:
  service: SERVICE
  baseline:  { version: "1", labels: { version: stable } }
  candidate: { version: "2", labels: { version: canary } }
  traffic: { proxy: { service: SERVICE, admin: "http://127.0.0.1:1", tokenFile: token } }
  steps: [{ weight: 50%, atLeast: 2h, atMost: 6h }]
  analysis:
    source: { prometheus: { url: "http://localhost:9090" } }
    every: 15s
    metrics:
      - { name: errors, ratio: { bad: 'http_requests_total{status="500"}', of: http_requests_total } }
      - { name: timeouts, ratio: { bad: 'timeouts_total', of: http_requests_total } }
      - { name: retries, ratio: { bad: 'retries_total', of: http_requests_total } }
      - { name: rejected, ratio: { bad: 'rejected_total', of: http_requests_total } }
      - { name: latency, histogram: http_request_duration_seconds }
      - { name: database, histogram: db_query_duration_seconds }
      - { name: cpu, gauge: process_cpu_cores, tolerance: 20% }
      - { name: memory, gauge: process_resident_memory_bytes, tolerance: 20% }
      - { name: threads, gauge: process_threads, tolerance: 20%, severity: warning }
      - { name: queue, gauge: queue_length, tolerance: 20%, severity: warning }
`

// eventually waits for something to hold.
func eventually(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}
