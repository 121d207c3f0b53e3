package metricconf

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

// The samples lie on a grid of step after origin, a whole number of hours, an
// hour in all, so that a store keeps them in one block.
const (
	step  = 15 * time.Second
	ticks = 200
)

func origin() time.Time { return time.Date(2025, 6, 2, 10, 0, 0, 0, time.UTC) }

var (
	arms = []release.Arm{
		{Name: release.Baseline, Labels: map[string]string{"version": "stable"}},
		{Name: release.Candidate, Labels: map[string]string{"version": "canary"}},
	}
	versions = []string{"stable", "canary"}
)

// tick is the time of the n-th sample.
func tick(n int) time.Time { return origin().Add(time.Duration(n) * step) }

// window reaches from just after one tick's samples to another's.
func window(from, to int) release.Window {
	return release.Window{From: tick(from), To: tick(to)}
}

// family is the series of one metric, by their labels.
type family struct {
	kind   string
	series map[string][]string // lines by name and labels
}

// world is all samples, and what really happened.
type world struct {
	families map[string]*family
	// truth is what the generated counters gained by arm and tick.
	truth map[string]*[ticks]int64
}

func newWorld() *world {
	w := &world{families: map[string]*family{}, truth: map[string]*[ticks]int64{}}
	w.generated()
	w.irregular()
	w.buckets()
	w.levels()
	w.many()
	return w
}

// add records a sample of a series at tick n; the value is spelled as given.
func (w *world) add(kind, name, labels string, n int, value string) {
	base := name
	for _, suffix := range []string{"_total", "_bucket", "_count", "_sum"} {
		base = strings.TrimSuffix(base, suffix)
	}
	f := w.families[base]
	if f == nil {
		f = &family{kind: kind, series: map[string][]string{}}
		w.families[base] = f
	}
	key := name + "{" + labels + "}"
	f.series[key] = append(f.series[key], fmt.Sprintf("%s %s %d\n", key, value, tick(n).Unix()))
}

func (w *world) num(kind, name, labels string, n int, value float64) {
	w.add(kind, name, labels, n, strconv.FormatFloat(value, 'g', -1, 64))
}

// text writes the world down as OpenMetrics.
func (w *world) text() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(w.families)) {
		f := w.families[name]
		fmt.Fprintf(&b, "# TYPE %s %s\n", name, f.kind)
		for _, key := range slices.Sorted(maps.Keys(f.series)) {
			b.WriteString(strings.Join(f.series[key], ""))
		}
	}
	b.WriteString("# EOF\n")
	return b.String()
}

// generated makes counters of three instances an arm, with restarts at random,
// and remembers what they gained.
func (w *world) generated() {
	r := rand.New(rand.NewPCG(1, 2))
	for _, v := range versions {
		for _, status := range []string{"200", "500"} {
			truth := &[ticks]int64{}
			w.truth[v+status] = truth
			for instance := range 3 {
				labels := fmt.Sprintf(`version=%q,status=%q,instance="%d"`, v, status, instance)
				count := int64(r.IntN(1000))
				w.num("counter", "gen_requests_total", labels, 0, float64(count))
				for n := 1; n < ticks; n++ {
					gained := int64(r.IntN(50))
					if r.IntN(40) == 0 { // restarted: it is seen again at what it has gained since
						gained, count = min(gained, count-1), 0
						gained = max(gained, 0)
					}
					count += gained
					truth[n] += gained
					w.num("counter", "gen_requests_total", labels, n, float64(count))
				}
			}
		}
	}
}

// gained is the truth between two ticks.
func (w *world) gained(version string, from, to int, status ...string) (sum int64) {
	for _, s := range status {
		for n := from + 1; n <= to; n++ {
			sum += w.truth[version+s][n]
		}
	}
	return sum
}

// irregular makes series that begin, end, restart, pause and hold no numbers.
func (w *world) irregular() {
	for n := range ticks {
		for i, v := range versions {
			l := fmt.Sprintf("version=%q", v)
			w.num("counter", "plain_total", l, n, float64(10*(i+1)*n))
			if v == "canary" && n >= 40 { // the first error of a new kind, three at once
				w.num("counter", "late_total", l+`,status="500"`, n, float64(n-37))
			}
			if v == "stable" || n < 60 || n > 80 {
				w.num("counter", "gap_total", l, n, float64(5*n))
			}
			if v == "stable" || n < 100 {
				w.num("counter", "ends_total", l, n, float64(n))
			}
			if n%4 == 0 {
				w.num("counter", "sparse_total", l, n, float64(n))
			}
			if v == "stable" {
				w.num("counter", "lonely_total", l, n, float64(n))
			}
			w.add("counter", "odd_total", l, n, odd(n))
			w.num("counter", "restart_total", l, n, float64(1+n%50*7))
			w.num("counter", "fraction_total", l, n, float64(n)*0.3)
		}
		w.num("counter", "shared_total", `version="stable",track="canary"`, n, float64(n))
		for i, region := range []string{"eu", "us"} {
			w.num("counter", "region_total", fmt.Sprintf(`version="stable",region=%q`, region), n, float64((i+1)*n))
			w.num("counter", "region_total", fmt.Sprintf(`version="canary",region=%q`, region), n, float64((i+3)*n))
		}
		w.num("counter", "region_total", `version="canary"`, n, float64(n))
	}
}

// odd is a counter that is sometimes no number.
func odd(n int) string {
	switch n % 10 {
	case 3:
		return "NaN"
	case 7:
		return "+Inf"
	}
	return strconv.Itoa(2 * n)
}

// buckets makes classic histograms: at each tick one value in the first
// bucket, two in the second, three beyond; the canary has twice as many.
func (w *world) buckets() {
	for n := range ticks {
		for i, v := range versions {
			for _, region := range []string{"eu", "us"} {
				l := fmt.Sprintf("version=%q,region=%q", v, region)
				k := float64(n * (i + 1))
				w.num("histogram", "took_seconds_bucket", l+`,le="0.1"`, n, k)
				w.num("histogram", "took_seconds_bucket", l+`,le="0.5"`, n, 3*k)
				w.num("histogram", "took_seconds_bucket", l+`,le="+Inf"`, n, 6*k)
				w.num("histogram", "took_seconds_count", l, n, 6*k)
				w.num("histogram", "took_seconds_sum", l, n, k)
			}
			l := fmt.Sprintf("version=%q", v)
			w.num("histogram", "mixed_seconds_bucket", l+`,le="1"`, n, float64(n))
			if v == "stable" {
				w.num("histogram", "mixed_seconds_bucket", l+`,le="2"`, n, float64(2*n))
			}
			w.num("histogram", "mixed_seconds_bucket", l+`,le="+Inf"`, n, float64(3*n))
			// A scrape that raced with the program: more below 1 than in all.
			w.num("histogram", "raced_seconds_bucket", l+`,le="1"`, n, float64(n+n%2*5))
			w.num("histogram", "raced_seconds_bucket", l+`,le="+Inf"`, n, float64(n+2))
		}
	}
}

func (w *world) levels() {
	for n := range ticks {
		for i, v := range versions {
			for instance := range 2 {
				l := fmt.Sprintf(`version=%q,instance="%d"`, v, instance)
				w.num("gauge", "level", l, n, float64(10*(i+1)+instance+n%2))
			}
		}
	}
}

// many makes more segments than are judged.
func (w *world) many() {
	for n := range 4 {
		for _, v := range versions {
			for zone := range 120 {
				w.num("counter", "zones_total", fmt.Sprintf(`version=%q,zone="z%03d"`, v, zone), n, float64(n))
			}
		}
	}
}
