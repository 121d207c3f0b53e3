package report_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

// course builds the course of a world as the desk does, each record with the
// decision as it was.
func (w *world) course(wanted report.Wanted) report.Course {
	w.t.Helper()
	b := report.NewCourse()
	var s engine.State
	for _, rec := range w.records {
		s, _, _ = engine.Step(s, rec.Event)
		b.Add(rec, s)
	}
	c := b.Course(s, wanted)
	for _, t := range c.Tracks {
		n := len(t.Time)
		for name, l := range map[string]int{
			"baseline value": len(t.Baseline.Value), "baseline n": len(t.Baseline.N), "baseline events": len(t.Baseline.Events),
			"candidate value": len(t.Candidate.Value), "candidate n": len(t.Candidate.N), "candidate events": len(t.Candidate.Events),
			"ratio": len(t.Ratio), "low": len(t.Low), "high": len(t.High), "evidence": len(t.Evidence), "for pass": len(t.ForPass),
		} {
			if l != n {
				w.t.Errorf("%s against %s: %s has %d points, time has %d", t.Metric, t.Against, name, l, n)
			}
		}
		if !slices.IsSorted(t.Time) || n > c.Points {
			w.t.Errorf("%s against %s: %d points: %v", t.Metric, t.Against, n, t.Time)
		}
	}
	if _, err := json.Marshal(c); err != nil {
		w.t.Error(err)
	}
	return c
}

func track(t *testing.T, c report.Course, metric, against string) report.Track {
	t.Helper()
	for _, one := range c.Tracks {
		if one.Metric == metric && one.Against == against {
			return one
		}
	}
	t.Fatalf("no track of %s against %s: %d tracks", metric, against, len(c.Tracks))
	return report.Track{}
}

func sum(counts []int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// last is the last number that is known of a column.
func last(t *testing.T, column []*float64) float64 {
	t.Helper()
	for _, x := range slices.Backward(column) {
		if x != nil {
			return *x
		}
	}
	t.Fatal("nothing is known in a column")
	return 0
}

// A bad release: what was counted is all there, the funnel ends where the verdict
// stands, and the evidence crosses its threshold when it is rolled back.
func TestCourseOfABadRelease(t *testing.T) {
	w := badErrors(t)
	c := w.course(report.Wanted{})
	errors := track(t, c, "errors", "baseline")
	var events, n int64
	for _, rec := range w.records {
		if e, ok := rec.Event.(engine.Looked); ok {
			for _, o := range e.Observations {
				if o.Metric == "errors" && o.Arm == release.Candidate {
					events, n = events+o.Events, n+int64(o.Of)
				}
			}
		}
	}
	if sum(errors.Candidate.Events) != events || sum(errors.Candidate.N) != n || events == 0 {
		t.Errorf("%d events of %d, want %d of %d", sum(errors.Candidate.Events), sum(errors.Candidate.N), events, n)
	}
	stood := w.report().Standing[0]
	if stood.Metric != "errors" || errors.Standing == nil || errors.Standing.Verdict != "fail" || errors.Hidden != nil {
		t.Fatalf("%+v", errors.Standing)
	}
	near := func(what string, got float64, want *float64) {
		if want == nil || math.Abs(got-*want) > 1e-4*math.Abs(*want) {
			t.Errorf("%s ends at %v, stands at %v", what, got, want)
		}
	}
	near("ratio", last(t, errors.Ratio), stood.Effect.Ratio)
	near("low", last(t, errors.Low), stood.Effect.Low)
	if e := last(t, errors.Evidence); e < 1 {
		t.Errorf("evidence ends at %v", e)
	}
	if past := track(t, c, "errors", "past"); len(past.Time) == 0 || past.Time[0] <= w.state.DecidedAt.UnixMilli() || past.Time[len(past.Time)-1] != errors.Time[len(errors.Time)-1] {
		t.Errorf("the watch of the recovery has %v, decided at %v", past.Time, w.state.DecidedAt)
	}
	var kinds []string
	for _, m := range c.Marks {
		kinds = append(kinds, m.Kind+" "+m.Title)
	}
	for _, want := range []string{"decision begins", "weight 1 %", "decision rolls back", "weight 0 %", "notice checkout-1.5.0 is rolled back", "decision ends"} {
		if !slices.Contains(kinds, want) {
			t.Errorf("no mark %q in %q", want, kinds)
		}
	}
	if !slices.IsSortedFunc(c.Marks, func(a, b report.Mark) int { return a.Time.Compare(b.Time) }) {
		t.Error("marks are out of order")
	}
	if c.Records != uint64(len(w.records)) || !c.From.Equal(start) || len(c.Standing) < 2 || c.Standing[0].Metric != "errors" || *c.Standing[0].Evidence < 1 {
		t.Errorf("%d records from %v: %+v", c.Records, c.From, c.Standing)
	}
}

// Latency: the distribution of both arms, and shares beyond the bound that stands.
func TestCourseOfLatency(t *testing.T) {
	w := badLatency(t)
	latency := track(t, w.course(report.Wanted{}), "latency", "baseline")
	d := latency.Distribution
	if d == nil || len(d.Bounds) != 3 || len(d.Baseline) != 4 || len(d.Candidate) != 4 || d.Unit != "s" || len(d.Quantiles) == 0 {
		t.Fatalf("%+v", d)
	}
	if latency.Bound == nil || latency.Standing.Bound == nil || *latency.Bound != *latency.Standing.Bound {
		t.Fatalf("bound %v, stands at %v", latency.Bound, latency.Standing.Bound)
	}
	if got, want := last(t, latency.Candidate.P99), last(t, latency.Baseline.P99); got <= 0.25 || want <= 0.1 || got < want {
		t.Errorf("p99 %v against %v", got, want)
	}
	if all, beyond := sum(d.Candidate), sum(latency.Candidate.Events); all == 0 || beyond == 0 || beyond > all {
		t.Errorf("%d of %d values beyond %v", beyond, all, *latency.Bound)
	}
}

// Segments: their tracks are asked for, and all of them stand in the table.
func TestCourseOfASegment(t *testing.T) {
	w := segment(t)
	whole := w.course(report.Wanted{})
	if len(whole.Tracks) != 2 || len(whole.Standing) < 4 || whole.Standing[0].Segment != "region=eu" || whole.Standing[0].Verdict != "fail" {
		t.Errorf("%d tracks: %+v", len(whole.Tracks), whole.Standing)
	}
	eu := w.course(report.Wanted{Segment: "region=eu"})
	if len(eu.Tracks) != 1 {
		t.Fatalf("%d tracks", len(eu.Tracks))
	}
	one, us := eu.Tracks[0], w.course(report.Wanted{Segment: "region=us"}).Tracks[0]
	if one.Segment != "region=eu" || last(t, one.Candidate.Value) < 0.05 || last(t, us.Candidate.Value) > 0.05 || *one.Standing.Effect.Ratio < 2 {
		t.Errorf("%+v", one)
	}
	if none := w.course(report.Wanted{Metric: "latency", Segment: "region=eu"}); len(none.Tracks) != 0 {
		t.Errorf("%+v", none.Tracks)
	}
}

// What waits says what could still hide; limits, gauges and what is not compared
// yet have their tracks.
func TestCourseOfAWaitingRelease(t *testing.T) {
	w := waiting(t)
	c := w.course(report.Wanted{})
	if limit := track(t, c, "availability", "limit"); limit.Limit == nil || *limit.Limit != 0.03 {
		t.Errorf("%+v", limit)
	}
	cpu := track(t, c, "cpu", "baseline")
	if v := last(t, cpu.Baseline.Value); math.Abs(v-0.5) > 0.02 || cpu.Candidate.N[len(cpu.Candidate.N)-1] != 2 || cpu.Severity != "warning" {
		t.Errorf("cpu %v: %+v", v, cpu.Candidate)
	}
	young := begin(t, checkout(errorsMetric(), latencyMetric())).looks(2).course(report.Wanted{})
	if h := track(t, young, "errors", "baseline").Hidden; h == nil || h.Text == "" || h.Exclude < 2 {
		t.Errorf("hidden %+v", h)
	}
	scheduled := checkout(errorsMetric())
	scheduled.StartAt = start.Add(time.Hour)
	if none := begin(t, scheduled).looks(2).course(report.Wanted{}); len(none.Tracks) != 1 || none.Tracks[0].Standing != nil || none.Tracks[0].Bursts == nil {
		t.Errorf("%+v", none.Tracks)
	}
	if empty := report.NewCourse().Course(engine.State{}, report.Wanted{}); empty.Tracks == nil || empty.Standing == nil {
		t.Errorf("%+v", empty)
	}
}

// A long course is told by longer stretches: nothing that was counted is lost, the
// funnel ends where it ends, and the most evidence stays. Told record by record or
// at once it is the same, in bounded memory.
func TestLongCourse(t *testing.T) {
	p := checkout(errorsMetric(), latencyMetric())
	p.Steps[0].AtLeast, p.Steps[0].AtMost = 100*time.Hour, 200*time.Hour
	w := begin(t, p)
	w.rate = 50
	b := report.NewCourse()
	var s engine.State
	next, size := 0, 0
	for range 5 {
		w.looks(500)
		for ; next < len(w.records); next++ {
			s, _, _ = engine.Step(s, w.records[next].Event)
			b.Add(w.records[next], s)
		}
		b.Course(s, report.Wanted{})
		size = max(size, b.Bytes())
	}
	want := w.course(report.Wanted{Points: 2000})
	if got := b.Course(s, report.Wanted{Points: 2000}); !equalJSON(t, got, want) {
		t.Error("a course that goes on differs from one that is told at once")
	}
	short := w.course(report.Wanted{Points: 50})
	long, few := track(t, want, "errors", "baseline"), track(t, short, "errors", "baseline")
	if len(long.Time) <= 1000 || len(few.Time) > 50 || len(few.Time) < 25 {
		t.Errorf("%d and %d points of 2,500 looks", len(long.Time), len(few.Time))
	}
	most := func(column []*float64) float64 {
		m := math.Inf(-1)
		for _, x := range column {
			if x != nil {
				m = math.Max(m, *x)
			}
		}
		return m
	}
	if sum(few.Candidate.N) != sum(long.Candidate.N) || sum(few.Baseline.Events) != sum(long.Baseline.Events) ||
		last(t, few.Ratio) != last(t, long.Ratio) || most(few.Evidence) != most(long.Evidence) ||
		few.Time[len(few.Time)-1] != long.Time[len(long.Time)-1] {
		t.Error("a shorter course tells something else")
	}
	if size > 4<<20 {
		t.Errorf("it takes %d bytes", size)
	}
}

func equalJSON(t *testing.T, a, b any) bool {
	t.Helper()
	x, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(x) == string(y)
}

// A burst of errors is found where it was; harm all along is none, and neither is
// what both arms suffer alike.
func TestBursts(t *testing.T) {
	p := checkout(errorsMetric(), latencyMetric())
	p.Metrics[0].Severity = release.Warning // it holds, and is not rolled back
	p.Steps[0].AtLeast, p.Steps[0].AtMost = 10*time.Hour, 20*time.Hour
	w := begin(t, p).looks(40)
	from := w.now
	w.candidate.errors = 0.3
	w.looks(3)
	to := w.now
	w.candidate.errors = 0.005
	w.looks(40)
	w.baseline.errors, w.candidate.errors = 0.2, 0.2
	w.looks(4)
	w.baseline.errors, w.candidate.errors = 0.005, 0.005
	w.looks(20)
	found := track(t, w.course(report.Wanted{}), "errors", "baseline").Bursts
	if len(found) != 1 || !found[0].From.Equal(from) || !found[0].To.Equal(to) || found[0].Candidate.Events < 50 || found[0].Excess < 40 {
		t.Errorf("%+v, want one from %v to %v", found, from, to)
	}
	if all := track(t, badErrors(t).course(report.Wanted{}), "errors", "baseline").Bursts; len(all) != 0 {
		t.Errorf("harm all along is a burst: %+v", all)
	}
}
