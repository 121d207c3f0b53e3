package rows

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

const (
	// Most is how many rows one answer may have.
	Most        = 200_000
	maxSegments = 100
	maxWarnings = 20
	maxNumber   = 1 << 62 // of events, beyond which none can be meant
)

// Role says what a row's value is.
type Role int

// The roles of rows.
const (
	Events Role = iota // bad events of a Ratio, events of a Count
	Of                 // all events of a Ratio, exposure of a Count
	Bucket             // values of a Histogram up to Bound, and above the one before
	Sparse             // as Bucket, of a source that has no row of an empty one
	Single             // one value of a Histogram; it is put into a bucket here
	Level              // a point of a Gauge
)

// Row is what a source tells of one arm in one stretch of time.
type Row struct {
	// Arm is an index of Query.Arms; see ArmOf.
	Arm int
	// To is when the stretch ends, by the source's clock.
	To time.Time
	// Labels are those that may be segments; may be nil.
	Labels map[string]string
	Role   Role
	// Value is a number of events that were gained in the stretch, an exposure, a
	// level, or a Single's own value.
	Value float64
	// Bound is the upper bound of a Bucket, +Inf for the last.
	Bound float64
	// Kept is the share of the events that the source kept, where it samples and
	// Value is scaled up to stand for all; 0 stands for all.
	Kept float64
}

// ArmOf finds the arm that a source calls by a text: its name, its version, or
// the value of one of its labels; -1 for none, or for several.
func ArmOf(arms []release.Arm, text string) int {
	found := -1
	for i, a := range arms {
		if text == "" || a.Name != text && a.Version != text && !slices.Contains(slices.Collect(maps.Values(a.Labels)), text) {
			continue
		}
		if found >= 0 {
			return -1
		}
		found = i
	}
	return found
}

// tally is the sum of the rows of one observation.
type tally struct {
	events, of, keptEvents, keptOf float64
	hasEvents, hasOf               bool
	buckets                        map[float64]float64
	squares                        float64 // of what each value of a histogram stands for
	sparse                         bool    // a bucket that is not there is empty
	points                         []float64
}

type place struct {
	window  int
	segment string
	arm     int
}

type look struct {
	q        release.Query
	sums     map[place]*tally
	known    []float64 // bounds of sparse buckets, from answers before
	warnings []string
}

// Observe makes the answer of q from the source's rows, in any order. Rows
// outside the windows are passed over. Numbers that cannot be are left out with
// a warning; too many rows are release.ErrInvalid.
func Observe(q release.Query, rows []Row, warnings ...string) (release.Answer, error) {
	return observe(q, rows, nil, warnings)
}

func observe(q release.Query, rows []Row, known []float64, warnings []string) (release.Answer, error) {
	if len(rows) > Most {
		return release.Answer{}, fmt.Errorf("metric %s: the source answers with more than %d rows: let it group them: %w", q.Metric.Name, Most, release.ErrInvalid)
	}
	l := &look{q: q, sums: map[place]*tally{}, known: known, warnings: warnings}
	odd := 0
	outside := Outside{Windows: q.Windows}
	for i := range rows {
		r := &rows[i]
		w, ok := windowOf(q.Windows, r.To)
		switch {
		case !ok:
			outside.Add(r.To)
		case r.Arm < 0 || r.Arm >= len(q.Arms):
		case math.IsNaN(r.Value) || math.IsInf(r.Value, 0) || math.IsNaN(r.Bound) || r.Role != Level && (r.Value > maxNumber || r.Value < 0 && r.Role != Single):
			odd++
		default:
			l.take(r, w)
		}
	}
	if odd > 0 {
		l.warn("%d rows hold no number that can be (NaN, infinite, a negative count or one too large) and were skipped", odd)
	}
	if text := outside.Warning(len(rows)); text != "" {
		l.warn("%s", text)
	}
	return l.answer(), nil
}

func (l *look) warn(format string, args ...any) {
	l.warnings = append(l.warnings, "metric "+l.q.Metric.Name+": "+fmt.Sprintf(format, args...))
}

// windowOf finds the window that an instant lies in.
func windowOf(windows []release.Window, at time.Time) (int, bool) {
	i, _ := slices.BinarySearchFunc(windows, at, func(w release.Window, at time.Time) int { return w.To.Compare(at) })
	return i, i < len(windows) && at.After(windows[i].From)
}

func (l *look) take(r *Row, window int) {
	l.sum(r, place{window, "", r.Arm})
	by := l.q.Metric.By
	if len(by) == 0 {
		return
	}
	parts := make([]string, len(by))
	for i, name := range by {
		if r.Labels[name] == "" {
			l.warn("some rows of arm %s lack a label of by (%s) and are in no segment", l.q.Arms[r.Arm].Name, strings.Join(by, ", "))
			return
		}
		parts[i] = name + "=" + r.Labels[name]
	}
	l.sum(r, place{window, strings.Join(parts, ","), r.Arm})
}

func (l *look) sum(r *Row, at place) {
	t := l.sums[at]
	if t == nil {
		t = &tally{buckets: map[float64]float64{}}
		l.sums[at] = t
	}
	kept := 1.0
	if r.Kept > 0 && r.Kept < 1 {
		kept = r.Kept
	}
	switch r.Role {
	case Events:
		t.hasEvents, t.events, t.keptEvents = true, t.events+r.Value, t.keptEvents+r.Value*kept
	case Of:
		t.hasOf, t.of, t.keptOf = true, t.of+r.Value, t.keptOf+r.Value*kept
	case Single:
		lower, upper := around(r.Value)
		t.buckets[lower] += 0
		t.bucket(upper, 1, kept)
		t.sparse = true
	case Bucket, Sparse:
		t.bucket(r.Bound, r.Value, kept)
		t.sparse = r.Role == Sparse
	case Level:
		t.points = append(t.points, r.Value)
	}
}

func (t *tally) bucket(bound, n, kept float64) {
	t.buckets[bound] += n
	t.of, t.squares = t.of+n, t.squares+n/kept
}

// around are the bounds of the bucket of a single value: four for each doubling,
// and one for all that is not above zero.
func around(value float64) (lower, upper float64) {
	if !(value > 0) {
		return 0, 0
	}
	k := math.Ceil(math.Log2(value)*4 - 1e-9) // a value that is a bound belongs below it
	return math.Exp2((k - 1) / 4), math.Exp2(k / 4)
}

// answer gives the observations by window, segment and arm.
func (l *look) answer() release.Answer {
	var names []string
	for at := range l.sums {
		names = append(names, at.segment)
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) > maxSegments+1 {
		l.warn("%d segments, of which the first %d by name are judged on their own", len(names)-1, maxSegments)
		names = names[:maxSegments+1]
	}
	var out release.Answer
	sparse := l.sparse()
	for w := range l.q.Windows {
		for _, name := range names {
			bounds := l.bounds(w, name, sparse)
			for arm := range l.q.Arms {
				if t, ok := l.sums[place{w, name, arm}]; ok {
					if o, ok := l.observation(place{w, name, arm}, t, bounds); ok {
						out.Observations = append(out.Observations, o)
					}
				}
			}
		}
	}
	slices.Sort(l.warnings)
	out.Warnings = slices.Compact(l.warnings)
	if n := len(out.Warnings); n > maxWarnings {
		out.Warnings = append(out.Warnings[:maxWarnings:maxWarnings], fmt.Sprintf("and %d more warnings", n-maxWarnings))
	}
	return out
}

func (l *look) observation(at place, t *tally, bounds []float64) (release.Observation, bool) {
	m := l.q.Metric
	o := release.Observation{Metric: m.Name, Segment: at.segment, Arm: l.q.Arms[at.arm].Name, Window: l.q.Windows[at.window]}
	switch m.Kind {
	case release.Gauge:
		o.Points, o.Averages = t.points, m.Averages
		return o, len(t.points) > 0
	case release.Histogram:
		o.Bounds, o.Counts = bounds, counted(t.buckets, bounds)
		if t.squares > t.of {
			o.Kept.Of = min(t.of*t.of/t.squares, float64(total(o.Counts)))
		}
		return o, len(t.buckets) > 0 && len(bounds) > 0
	}
	o.Events, o.Of = whole(t.events), t.of
	if t.keptEvents < t.events || t.keptOf < t.of {
		o.Kept = release.Kept{Events: whole(t.keptEvents), Of: t.keptOf}
		if m.Kind == release.Ratio {
			o.Kept.Events = min(o.Kept.Events, whole(o.Of), int64(t.keptOf))
		}
	}
	switch {
	case m.Kind == release.Count && m.Of == "":
		return o, t.hasEvents
	case m.Kind == release.Count:
		return o, t.hasEvents || t.hasOf
	case !t.hasOf:
		l.warn("arm %s has rows of bad but none of of", o.Arm)
		return o, false
	case float64(o.Events) > o.Of:
		l.warn("arm %s has %d bad events out of %g: of must count the bad ones, too", o.Arm, o.Events, o.Of)
		o.Events = whole(o.Of)
	}
	return o, true
}

// sparse are the bounds of all sparse buckets: whoever has none with such a bound
// has an empty one.
func (l *look) sparse() []float64 {
	all := map[float64]bool{}
	for _, t := range l.sums {
		for bound := range t.buckets {
			if t.sparse && !math.IsInf(bound, 1) {
				all[bound] = true
			}
		}
	}
	for _, bound := range l.known {
		all[bound] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// bounds are those that both arms' buckets have in a window and segment, so that
// the arms are held against each other by the same; the infinite one aside.
func (l *look) bounds(window int, segment string, sparse []float64) []float64 {
	if l.q.Metric.Kind != release.Histogram {
		return nil
	}
	if len(sparse) > 0 {
		return sparse
	}
	var common []float64
	first, differ := true, false
	for arm := range l.q.Arms {
		t, ok := l.sums[place{window, segment, arm}]
		if !ok {
			continue
		}
		mine := slices.DeleteFunc(slices.Sorted(maps.Keys(t.buckets)), func(b float64) bool { return math.IsInf(b, 1) })
		if first {
			common, first = mine, false
			continue
		}
		n := len(common)
		common = slices.DeleteFunc(common, func(b float64) bool { _, ok := slices.BinarySearch(mine, b); return !ok })
		differ = differ || len(common) != n || len(common) != len(mine)
	}
	if differ {
		l.warn("the arms have different buckets; they are compared by their %d common bounds", len(common))
	}
	return common
}

// counted puts buckets between bounds; what lies beyond the last is the last.
func counted(buckets map[float64]float64, bounds []float64) []int64 {
	sums := make([]float64, len(bounds)+1)
	for bound, n := range buckets {
		i, _ := slices.BinarySearch(bounds, bound)
		sums[i] += n
	}
	out := make([]int64, len(sums))
	for i, s := range sums {
		out[i] = whole(s)
	}
	return out
}

func total(counts []int64) (sum int64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// whole rounds a sum to events.
func whole(v float64) int64 { return int64(math.Round(min(v, maxNumber))) }
