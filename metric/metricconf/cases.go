package metricconf

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"

	"github.com/linnet-project/linnet/release"
)

var cases = []struct {
	name string
	run  func(*bench)
}{
	{"exact counts over a history", exactHistory},
	{"exact counts look by look", exactLooks},
	{"no data", noData},
	{"one arm only", oneArm},
	{"bad without series is none", noBad},
	{"a newborn series counts from nothing", newborn},
	{"a gap counts when it ends", gap},
	{"a vanished series", vanished},
	{"scrapes sparser than windows", sparser},
	{"restarts", restarts},
	{"NaN and Inf", noNumbers},
	{"fractions round at the sum", fractions},
	{"windows between samples", between},
	{"only up to the window's end", noFuture},
	{"segments", segmented},
	{"too many segments", manySegments},
	{"counts with exposure", counts},
	{"unions of selectors", unions},
	{"classic histogram", classic},
	{"different buckets", mixedBuckets},
	{"buckets that raced", racedBuckets},
	{"gauge by instance", gauge},
	{"gauge by expression", gaugeExpression},
	{"bad expressions", badExpressions},
	{"labels that cannot tell arms apart", badArms},
	{"no histogram", notHistogram},
	{"cancelled", cancelled},
	{"many at once", concurrent},
}

func ratio(bad, of string, by ...string) release.Metric {
	return release.Metric{Name: "errors", Kind: release.Ratio, Events: bad, Of: of, By: by}
}

func count(events string) release.Metric {
	return release.Metric{Name: "events", Kind: release.Count, Events: events}
}

func histogram(name string, by ...string) release.Metric {
	return release.Metric{Name: "latency", Kind: release.Histogram, Events: name, By: by}
}

func exactHistory(b *bench) {
	var windows []release.Window
	for n := 4; n+3 < ticks; n += 3 {
		windows = append(windows, window(n, n+3))
	}
	a := b.ask(ratio(`gen_requests_total{status="500"}`, "gen_requests_total"), windows...)
	if len(a.Observations) != 2*len(windows) {
		b.Errorf("%d observations of %d windows and two arms", len(a.Observations), len(windows))
	}
	for i, w := range windows {
		n := 4 + 3*i
		for k, v := range versions {
			b.want(a, place{arms[k].Name, "", w}, b.world.gained(v, n, n+3, "500"), float64(b.world.gained(v, n, n+3, "200", "500")))
		}
	}
}

func exactLooks(b *bench) {
	for n := 50; n < 60; n++ {
		w := window(n, n+1)
		a := b.ask(ratio(`gen_requests_total{status=~"5.."}`, "gen_requests_total"), w)
		for k, v := range versions {
			b.want(a, place{arms[k].Name, "", w}, b.world.gained(v, n, n+1, "500"), float64(b.world.gained(v, n, n+1, "200", "500")))
		}
	}
}

func noData(b *bench) {
	for _, m := range []release.Metric{
		ratio("nothing_total", "nothing_at_all_total"), count("nothing_total"), histogram("nothing_seconds"),
		{Name: "level", Kind: release.Gauge, Events: "nothing"}, {Name: "level", Kind: release.Gauge, Events: "sum(nothing)"},
	} {
		if a := b.ask(m, window(10, 14)); len(a.Observations) != 0 {
			b.Errorf("%s %s: got %+v, want no observation", m.Kind, m.Events, a.Observations)
		}
	}
}

func oneArm(b *bench) {
	w := window(10, 14)
	a := b.ask(count("lonely_total"), w)
	b.want(a, place{release.Baseline, "", w}, 4, 0)
	b.absent(a, release.Candidate, "", w)
}

func noBad(b *bench) {
	w := window(10, 14)
	a := b.ask(ratio(`plain_total{status="500"}`, "plain_total"), w)
	b.want(a, place{release.Baseline, "", w}, 0, 40)
	b.want(a, place{release.Candidate, "", w}, 0, 80)
}

func newborn(b *bench) {
	before, birth, after := window(37, 39), window(39, 41), window(41, 43)
	m := ratio(`late_total{status="500"}`, "plain_total")
	for _, a := range []release.Answer{b.ask(m, before, birth, after), {
		Observations: slices.Concat(b.ask(m, before).Observations, b.ask(m, birth).Observations, b.ask(m, after).Observations),
	}} {
		b.want(a, place{release.Candidate, "", before}, 0, 40)
		b.want(a, place{release.Candidate, "", birth}, 4, 40)
		b.want(a, place{release.Candidate, "", after}, 2, 40)
		b.want(a, place{release.Baseline, "", birth}, 0, 20)
	}
}

func gap(b *bench) {
	before, during, after := window(56, 58), window(70, 72), window(80, 82)
	a := b.ask(count("gap_total"), before, during, after)
	b.want(a, place{release.Candidate, "", before}, 10, 0)
	b.absent(a, release.Candidate, "", during)
	b.want(a, place{release.Baseline, "", during}, 10, 0)
	b.want(a, place{release.Candidate, "", after}, 5*82-5*59, 0)
}

func vanished(b *bench) {
	last, gone := window(98, 100), window(104, 106)
	a := b.ask(count("ends_total"), last, gone)
	b.want(a, place{release.Candidate, "", last}, 1, 0)
	b.absent(a, release.Candidate, "", gone)
	b.want(a, place{release.Baseline, "", gone}, 2, 0)
}

func sparser(b *bench) {
	hit, idle := window(19, 20), window(20, 21)
	a := b.ask(count("sparse_total"), hit, idle)
	b.want(a, place{release.Candidate, "", hit}, 4, 0)
	b.want(a, place{release.Candidate, "", idle}, 0, 0)
}

func restarts(b *bench) {
	w := window(48, 52) // 337, 344, then 1, 8, 15
	b.want(b.ask(count("restart_total"), w), place{release.Candidate, "", w}, 7+1+7+7, 0)
}

func noNumbers(b *bench) {
	w := window(12, 17) // 24, NaN, 28, 30, 32, +Inf
	a := b.ask(count("odd_total"), w)
	b.want(a, place{release.Candidate, "", w}, 8, 0)
	b.warned(a, "NaN")
}

func fractions(b *bench) {
	w := window(10, 15)
	b.want(b.ask(count("fraction_total"), w), place{release.Candidate, "", w}, 2, 0) // 1.5
}

func between(b *bench) {
	w := release.Window{From: tick(10).Add(step / 3), To: tick(12).Add(step / 2)}
	a := b.ask(count("plain_total"), w)
	b.want(a, place{release.Baseline, "", w}, 20, 0)
	b.want(a, place{release.Candidate, "", w}, 40, 0)
}

func noFuture(b *bench) {
	early, birth := window(20, 30), window(38, 39)
	b.absent(b.ask(count("late_total"), early), release.Candidate, "", early)
	b.absent(b.ask(count("late_total"), birth), release.Candidate, "", birth)
}

func segmented(b *bench) {
	w := window(10, 14)
	a := b.ask(ratio("region_total", "region_total", "region"), w)
	b.want(a, place{release.Baseline, "", w}, 12, 12)
	b.want(a, place{release.Baseline, "region=eu", w}, 4, 4)
	b.want(a, place{release.Baseline, "region=us", w}, 8, 8)
	b.want(a, place{release.Candidate, "", w}, 32, 32)
	b.want(a, place{release.Candidate, "region=us", w}, 16, 16)
	b.warned(a, "region")
	if len(a.Observations) != 6 {
		b.Errorf("%d observations, want 6", len(a.Observations))
	}
}

func manySegments(b *bench) {
	w := window(1, 3)
	a := b.ask(ratio("zones_total", "zones_total", "zone"), w)
	b.want(a, place{release.Baseline, "", w}, 240, 240)
	b.want(a, place{release.Candidate, "zone=z099", w}, 2, 2)
	b.absent(a, release.Candidate, "zone=z100", w)
	b.warned(a, "100")
}

func counts(b *bench) {
	w := window(10, 14)
	m := count("ends_total")
	m.Of = "plain_total"
	a := b.ask(m, w)
	b.want(a, place{release.Baseline, "", w}, 4, 40)
	b.want(a, place{release.Candidate, "", w}, 4, 80)
}

func unions(b *bench) {
	w := window(10, 14)
	for _, text := range []string{"ends_total or gap_total", "sum(ends_total) + (gap_total)", "ends_total + gap_total or ends_total"} {
		b.want(b.ask(count(text), w), place{release.Candidate, "", w}, 24, 0)
	}
}

func (b *bench) wantBuckets(a release.Answer, at place, bounds []float64, counts []int64) {
	b.Helper()
	o, ok := pick(a, at.arm, at.segment, at.w)
	if !ok || !slices.Equal(o.Bounds, bounds) || !slices.Equal(o.Counts, counts) {
		b.Errorf("%s: got %v %v (%t), want %v %v", at, o.Bounds, o.Counts, ok, bounds, counts)
	}
}

func classic(b *bench) {
	w := window(10, 14)
	for _, name := range []string{"took_seconds", "took_seconds_bucket", `took_seconds{region=~"eu|us"}`} {
		a := b.ask(histogram(name, "region"), w)
		bounds := []float64{0.1, 0.5}
		b.wantBuckets(a, place{release.Baseline, "", w}, bounds, []int64{8, 16, 24})
		b.wantBuckets(a, place{release.Candidate, "", w}, bounds, []int64{16, 32, 48})
		b.wantBuckets(a, place{release.Candidate, "region=eu", w}, bounds, []int64{8, 16, 24})
	}
}

func mixedBuckets(b *bench) {
	w := window(10, 14)
	a := b.ask(histogram("mixed_seconds"), w)
	b.wantBuckets(a, place{release.Baseline, "", w}, []float64{1}, []int64{4, 8})
	b.wantBuckets(a, place{release.Candidate, "", w}, []float64{1}, []int64{4, 8})
	b.warned(a, "common bounds")
}

func racedBuckets(b *bench) {
	w := window(10, 11)
	b.wantBuckets(b.ask(histogram("raced_seconds"), w), place{release.Baseline, "", w}, []float64{1}, []int64{6, 0})
}

func gauge(b *bench) {
	w := window(10, 14)
	a := b.ask(release.Metric{Name: "level", Kind: release.Gauge, Events: "level"}, w)
	for i, arm := range arms {
		o, _ := pick(a, arm.Name, "", w)
		if base := float64(10 * (i + 1)); !slices.Equal(o.Points, []float64{base + 0.5, base + 1.5}) {
			b.Errorf("%s: points %v, want the mean of each of two instances", arm.Name, o.Points)
		}
	}
}

func gaugeExpression(b *bench) {
	w1, w2 := window(10, 14), window(14, 17)
	a := b.ask(release.Metric{Name: "level", Kind: release.Gauge, Events: "max by (instance) (level) * 2"}, w1, w2)
	for w, want := range map[release.Window][]float64{w1: {40, 42}, w2: {42, 44}} {
		if o, _ := pick(a, release.Candidate, "", w); !slices.Equal(o.Points, want) {
			b.Errorf("%s: points %v, want %v", label(w), o.Points, want)
		}
	}
	a = b.ask(release.Metric{Name: "level", Kind: release.Gauge, Events: "avg(level)"}, w1)
	b.warned(a, "instance")
}

func badExpressions(b *bench) {
	b.refused(ratio("plain_total{", "plain_total"), arms, "errors", "bad", "1:13")
	b.refused(ratio("plain_total", "rate(plain_total[5m])"), arms, "of", "rate()")
	b.refused(ratio("plain_total", ""), arms, "of", "empty")
	b.refused(count("increase(plain_total[5m])"), arms, "increase()")
	b.refused(count("plain_total offset 5m"), arms, "offset")
	b.refused(count("plain_total - ends_total"), arms, "plain selector")
	b.refused(count(`{job=~".*"}`), arms, "at least one non-empty matcher")
	b.refused(count(`plain_total{version="canary"}`), arms, "version", "events")
	b.refused(histogram(`took_seconds_bucket{le="0.5"}`), arms, "le")
	b.refused(release.Metric{Name: "level", Kind: release.Gauge, Events: "level[5m]"}, arms, "instant vector")
	b.refused(release.Metric{Name: "level", Kind: release.Gauge, Events: "vector(1)"}, arms, "no selector")
	b.refused(release.Metric{Name: "level", Kind: release.Gauge, Events: "level offset -5m"}, arms, "negative")
	b.refused(release.Metric{Name: "level", Kind: "mood", Events: "level"}, arms, "mood")
}

func badArms(b *bench) {
	named := func(base, cand map[string]string) []release.Arm {
		return []release.Arm{{Name: release.Baseline, Labels: base}, {Name: release.Candidate, Labels: cand}}
	}
	m := count("shared_total")
	b.refused(m, named(nil, map[string]string{"version": "canary"}), "baseline", "no labels")
	b.refused(m, named(map[string]string{"app": "shop"}, map[string]string{"app": "shop", "version": "canary"}), "baseline", "candidate")
	b.refused(m, named(map[string]string{"version": "stable"}, map[string]string{"track": "canary"}), "shared_total", "baseline", "candidate")
}

func notHistogram(b *bench) {
	b.refused(histogram("level"), arms, "level", "no histogram")
}

func cancelled(b *bench) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := b.src.Observe(ctx, release.Query{Metric: count("plain_total"), Arms: arms, Windows: []release.Window{window(10, 14)}})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, release.ErrUnavailable) {
		b.Errorf("got error %v, want one that wraps context.Canceled and release.ErrUnavailable", err)
	}
}

func concurrent(b *bench) {
	w := window(100, 104)
	m := ratio(`gen_requests_total{status="500"}`, "gen_requests_total")
	want := b.ask(m, w)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := b.try(m, arms, w); err != nil || !reflect.DeepEqual(got, want) {
				b.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		})
	}
	wg.Wait()
}
