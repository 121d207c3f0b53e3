package stage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/sim/world"
)

// The paces at which the releases of the stage go.
const (
	steady  = "    - { weight: 1%, atLeast: 4m, atMost: 30m }\n    - { weight: 5%, atLeast: 6m, atMost: 30m }\n    - { weight: 25%, atLeast: 6m, atMost: 40m }\n    - { weight: 50%, atLeast: 6m, atMost: 40m }\n"
	guarded = "    - { weight: 1%, atLeast: 4m, atMost: 30m }\n    - { weight: 10%, atLeast: 6m, atMost: 30m }\n    - { weight: 50%, atLeast: 8m, atMost: 40m, approval: { from: release-managers, comment: required } }\n"
	swift   = "    - { weight: 20%, atLeast: 30s, atMost: 2m }\n    - { weight: 50%, atLeast: 30s, atMost: 2m, atDeadline: go }\n"
)

// scene is one release, in short.
type scene struct {
	service, team, version, before string
	attempt                        int
	steps, every, watch            string
	family                         string
	seed                           uint64
	rps, errors                    float64
	ago, length                    time.Duration
	by                             string
	orders                         []Order
}

// Releases are those of the stage, the first begun first: some that run at now,
// some that ended, one for each thing that can come of a release.
func Releases(now time.Time) []Release {
	const day = 24 * time.Hour
	scenes := []scene{
		{service: "checkout", team: "shop", version: "2.14.0", before: "2.13.2", steps: steady, family: "segment-only", seed: 4, rps: 420, errors: 0.004, ago: 3*time.Hour + 12*time.Minute, by: "anna@example.com"},
		{service: "checkout", team: "shop", version: "2.13.2", before: "2.13.1", steps: steady, family: "aa-regions", seed: 5, rps: 400, errors: 0.004, ago: 2*day + 5*time.Hour, by: "ben@example.com"},
		{service: "checkout", team: "shop", version: "2.13.1", before: "2.13.0", steps: steady, family: "aa-regions", seed: 6, rps: 380, errors: 0.004, ago: 6*day + 2*time.Hour, by: "anna@example.com"},
		{service: "checkout", team: "shop", version: "2.13.0", before: "2.12.7", steps: steady, family: "errors-x5", seed: 7, rps: 390, errors: 0.004, ago: 9*day + 7*time.Hour, by: "anna@example.com"},
		{service: "search", team: "discovery", version: "7.1.0", before: "7.0.4", steps: steady, family: "aa-regions", seed: 8, rps: 900, errors: 0.002, ago: 15 * time.Minute, length: 15 * time.Minute, by: "service:ci"},
		{service: "search", team: "discovery", version: "7.0.4", before: "7.0.3", steps: steady, family: "latency-tail", seed: 9, rps: 850, errors: 0.002, ago: 26 * time.Hour, by: "service:ci"},
		{service: "payments", team: "money", version: "5.0.0", before: "4.9.9", steps: guarded, family: "aa-plain", seed: 10, rps: 260, errors: 0.003, ago: 31 * time.Minute, length: 31 * time.Minute, by: "carla@example.com"},
		{service: "payments", team: "money", version: "4.9.9", before: "4.9.8", steps: guarded, family: "aa-plain", seed: 11, rps: 250, errors: 0.003, ago: 4 * day, by: "carla@example.com",
			orders: []Order{{After: 35 * time.Minute, Verb: engine.Approve, Who: "dan@example.com", Reason: "checked the ledger, the totals agree"}}},
		{service: "catalog", team: "shop", version: "3.9.1", before: "3.9.0", steps: steady, family: "cpu-up", seed: 12, rps: 150, errors: 0.002, ago: 20 * time.Hour, by: "ben@example.com"},
		{service: "profile", team: "accounts", version: "1.4.0", before: "1.3.9", steps: steady, family: "aa-plain", seed: 13, rps: 40, errors: 0.005, ago: 30 * time.Hour, by: "eve@example.com",
			orders: []Order{{After: 14 * time.Minute, Verb: engine.Abort, Who: "eve@example.com", Reason: "wrong image: built from a branch"}}},
		{service: "recommend", team: "discovery", version: "0.9.3", before: "0.9.2", steps: steady, family: "aa-quiet", seed: 14, rps: 12, errors: 0.01, ago: 41 * time.Minute, length: 41 * time.Minute, by: "fay@example.com",
			orders: []Order{{After: 33 * time.Minute, Verb: engine.Pause, Who: "fay@example.com", Reason: "the feature store is being moved"}}},
	}
	out := make([]Release, 0, len(scenes))
	for _, s := range scenes {
		out = append(out, s.release(now))
	}
	slices.SortStableFunc(out, func(a, b Release) int { return cmp.Compare(a.Start.UnixNano(), b.Start.UnixNano()) })
	return out
}

// Many are so many short releases that ended before a moment, one after the other,
// each hour one.
func Many(n int, before time.Time) []Release {
	out := make([]Release, 0, n)
	for i := range n {
		family := "aa-plain"
		if i%7 == 3 {
			family = "errors-x20"
		}
		s := scene{service: fmt.Sprintf("service-%02d", i%25), team: fmt.Sprintf("team-%d", i%5), version: fmt.Sprintf("1.%d.0", i/25+1), before: fmt.Sprintf("1.%d.0", i/25),
			steps: swift, every: "30s", watch: "30s", family: family, seed: uint64(i), rps: 200, errors: 0.01, ago: time.Duration(n-i) * time.Hour, by: "service:ci"}
		out = append(out, s.release(before))
	}
	return out
}

// release writes the release out.
func (s scene) release(now time.Time) Release {
	family, _ := world.Find(s.family) // Releases and Many name known ones
	w := world.Draw(family, s.seed)
	w.RPS, w.ErrorRate, w.Faulty = s.rps, s.errors, min(2, len(w.Regions)-1)
	w.Median, w.Sigma = 0.045, 0.55
	file := strings.NewReplacer("SERVICE", s.service, "TEAM", s.team, "VERSION", s.version, "BEFORE", s.before,
		"STEPS", strings.TrimRight(s.steps, "\n"), "EVERY", cmp.Or(s.every, "15s"), "WATCH", cmp.Or(s.watch, "10m")).Replace(text)
	return Release{File: file, Attempt: max(1, s.attempt), By: s.by, World: w, Start: now.Add(-s.ago), For: cmp.Or(s.length, 3*time.Hour), Orders: s.orders}
}

// text is a release file with gaps.
const text = `apiVersion: linnet/v1
kind: Release
metadata:
  name: SERVICE-VERSION
  labels: { team: TEAM, environment: production }
spec:
  service: SERVICE
  baseline:  { version: BEFORE, labels: { version: "BEFORE" } }
  candidate: { version: VERSION, labels: { version: "VERSION" } }
  traffic:
    proxy:
      service: SERVICE
      listen: 127.0.0.1:0
      upstreams: { baseline: "http://127.0.0.1:9001", candidate: "http://127.0.0.1:9002" }
      sticky: { header: X-User }
      lease: 60s
  steps:
STEPS
  watch: WATCH
  recovery: 2m
  links:
    - { name: Traces, url: "https://traces.example.com/?service=SERVICE" }
  runbook: |
    Who is on call for TEAM decides. The last three incidents of SERVICE came from its cache.
  analysis:
    source: { prometheus: { url: "http://127.0.0.1:9090" } }
    every: EVERY
    falseRollback: 1%
    metrics:
      - { name: errors, ratio: { bad: 'http_requests_total{status="500"}', of: http_requests_total }, by: [region], tolerance: 10% }
      - { name: latency, histogram: http_request_duration_seconds, tolerance: 5% }
      - { name: cpu, gauge: process_cpu_cores, tolerance: 10% }
      - { name: memory, gauge: process_resident_memory_bytes, tolerance: 10%, severity: warning }
`

// Fill plays releases into a journal.
func Fill(ctx context.Context, to Journal, all []Release) error {
	for _, r := range all {
		if err := Play(ctx, to, r); err != nil {
			return err
		}
	}
	return nil
}
