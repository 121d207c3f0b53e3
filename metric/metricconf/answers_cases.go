package metricconf

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Names of the cases that some sources cannot have.
const (
	CaseCount     = "events without an exposure"
	CaseHistogram = "histogram"
	CaseGauge     = "gauge"
	CaseAverage   = "averages"
	CaseNaN       = "NaN and Inf"
	CaseSegments  = "segments"
	CasePlaceless = "some without a segment"
	CaseZones     = "too many segments of the source"
	CaseLate      = "what comes late"
	CaseFair      = "both arms are asked the same"
	CaseFew       = "many windows in few requests"
	CasePartial   = "a partial answer warns"
	CaseSkewed    = "a clock that is off warns"
	CaseBusy      = "busy once"
	CaseRefused   = "credentials that are refused"
	CaseForbidden = "credentials without a permission"
	CaseGarbage   = "garbage"
	CasePage      = "a web page"
	CaseCut       = "a connection that breaks"
	CaseGone      = "nobody there"
	// CaseFaults are all cases in which the source fails.
	CaseFaults = "faults"
)

type answerCase struct {
	name  string
	run   func(*answers)
	fault bool
}

// answerCases are in this order, since what comes late changes what happened,
// and who is gone does not come back.
var answerCases = []answerCase{
	{name: "exact counts of the whole history", run: wholeHistory},
	{name: "exact counts at every look", run: everyLook},
	{name: CaseCount, run: plainCounts},
	{name: "nothing happened", run: nothing},
	{name: "no row of bad ones is none", run: noBadRows},
	{name: "only one arm was there", run: loneArm},
	{name: "a time without anything", run: silence},
	{name: "only what is over", run: onlyWhatIsOver},
	{name: "an instance that began anew", run: begunAnew},
	{name: CaseHistogram, run: histograms},
	{name: CaseGauge, run: levelsOf},
	{name: CaseAverage, run: averages},
	{name: CaseNaN, run: oddLevels},
	{name: CaseSegments, run: regions},
	{name: CasePlaceless, run: placeless},
	{name: CaseZones, run: manyZones},
	{name: CaseFair, run: fair},
	{name: CaseFew, run: fewRequests},
	{name: "asked by many", run: askedByMany},
	{name: "given up before", run: givenUp},
	{name: CasePartial, run: partial, fault: true},
	{name: CaseSkewed, run: skewed, fault: true},
	{name: CaseBusy, run: busyOnce, fault: true},
	{name: "busy all the time", run: unavailable(Busy), fault: true},
	{name: "busy for long", run: unavailable(BusyLong), fault: true},
	{name: "an error of the source, once", run: failsOnce, fault: true},
	{name: "errors of the source", run: unavailable(Failing), fault: true},
	{name: "no answer in time", run: unavailable(Hanging), fault: true},
	{name: "given up while it waits", run: givenUpInBetween, fault: true},
	{name: CaseRefused, run: invalid(Refused), fault: true},
	{name: CaseForbidden, run: invalid(Forbidden), fault: true},
	{name: CaseGarbage, run: invalid(Garbage), fault: true},
	{name: CasePage, run: invalid(WebPage), fault: true},
	{name: CaseCut, run: unavailable(Cut), fault: true},
	{name: CaseLate, run: lateComers},
	{name: CaseGone, run: unavailable(Gone), fault: true},
}

// wholeHistory: windows off the grid that follow each other lose and double
// nothing.
func wholeHistory(b *answers) {
	windows := b.consecutive(1.0/3, 2.5, 22)
	a := b.ask(b.metric(AskRatio), windows...)
	b.holds(AskRatio, a, "", windows...)
	for _, arm := range answerArms() {
		var bad int64
		var all float64
		for _, o := range a.Observations {
			if o.Arm == arm.Name {
				bad, all = bad+o.Events, all+o.Of
			}
		}
		want := b.h.in(release.Window{From: windows[0].From, To: windows[len(windows)-1].To}, arm.Name, "")
		if bad != want.bad || all != float64(want.all) {
			b.Errorf("%s: %d of %g in all windows, want %d of %d", arm.Name, bad, all, want.bad, want.all)
		}
	}
}

// everyLook asks one window after the other, as a release does, by windows
// shorter and longer than the grain.
func everyLook(b *answers) {
	for _, long := range []float64{0.7, 1, 1.6} {
		for _, w := range b.consecutive(10.4, long, 6) {
			b.holds(AskRatio, b.ask(b.metric(AskRatio), w), "", w)
		}
	}
}

func plainCounts(b *answers) {
	windows := b.consecutive(6.2, 3, 4)
	b.holds(AskCount, b.ask(b.metric(AskCount), windows...), "", windows...)
}

func nothing(b *answers) {
	long := b.h.Grain * 20
	w := release.Window{From: b.h.Start.Add(-2 * long), To: b.h.Start.Add(-long)}
	for _, q := range []Question{AskRatio, AskCount, AskHistogram, AskGauge, AskAverage} {
		if b.cannotAsk(q) {
			continue
		}
		if a := b.ask(b.metric(q), w); len(a.Observations) != 0 {
			b.Errorf("%s: got %+v, want no observation", q, a.Observations)
		}
	}
}

// cannotAsk tells that the case of a question is left out.
func (b *answers) cannotAsk(q Question) bool {
	name := map[Question]string{AskCount: CaseCount, AskHistogram: CaseHistogram, AskGauge: CaseGauge, AskAverage: CaseAverage}[q]
	_, cannot := b.bed.Cannot[name]
	return cannot
}

func noBadRows(b *answers) {
	w := b.h.window(0, quietTo)
	a := b.ask(b.metric(AskRatio), w)
	b.holds(AskRatio, a, "", w)
	if len(a.Observations) != 2 {
		b.Errorf("%d observations, want one of each arm: %+v", len(a.Observations), a.Observations)
	}
}

func loneArm(b *answers) {
	w := b.h.window(loneFrom+1, loneTo)
	a := b.ask(b.metric(AskRatio), w)
	b.holds(AskRatio, a, "", w)
	b.silent(a, release.Candidate, w)
}

func silence(b *answers) {
	before, during, after := b.h.window(gapFrom-4, gapFrom-1), b.h.window(gapFrom+1, gapTo), b.h.window(gapTo, gapTo+3)
	a := b.ask(b.metric(AskRatio), before, during, after)
	b.holds(AskRatio, a, "", before, after)
	b.silent(a, release.Baseline, during)
	b.silent(a, release.Candidate, during)
}

// onlyWhatIsOver: a stretch that ends after the window is for the next one.
func onlyWhatIsOver(b *answers) {
	w, next := b.h.window(8, 9.9), b.h.window(9.9, 10.2)
	b.holds(AskRatio, b.ask(b.metric(AskRatio), w), "", w)
	b.holds(AskRatio, b.ask(b.metric(AskRatio), next), "", next)
}

func begunAnew(b *answers) {
	windows := b.consecutive(restart-2, 1, 4)
	b.holds(AskRatio, b.ask(b.metric(AskRatio), windows...), "", windows...)
}

func histograms(b *answers) {
	windows := b.consecutive(5.5, 3, 3)
	a := b.ask(b.metric(AskHistogram), windows...)
	by := b.ask(b.metric(AskHistogram, LabelRegion), windows...)
	for _, w := range windows {
		for _, arm := range answerArms() {
			b.wantBuckets(a, place{arm.Name, "", w}, b.h.in(w, arm.Name, "").buckets)
			b.wantBuckets(by, place{arm.Name, "region=us", w}, b.h.in(w, arm.Name, "us").buckets)
		}
	}
}

func (b *answers) wantBuckets(a release.Answer, at place, counts []int64) {
	b.Helper()
	o, ok := pick(a, at.arm, at.segment, at.w)
	if !ok || !slices.Equal(o.Bounds, b.h.Bounds) || !slices.Equal(o.Counts, counts) {
		b.Errorf("%s: got %v %v (%t), want %v %v", at, o.Bounds, o.Counts, ok, b.h.Bounds, counts)
	}
}

// levelsOf holds the mean of the points against the truth, since sources differ
// in whether they tell each reading, or each instance's mean.
func levelsOf(b *answers) {
	for _, w := range []release.Window{b.h.window(5, 9), b.h.window(12, 13)} {
		a := b.ask(b.metric(AskGauge), w)
		for _, arm := range answerArms() {
			o, ok := pick(a, arm.Name, "", w)
			if want := mean(b.h.in(w, arm.Name, "").levels); !ok || math.Abs(mean(o.Points)-want) > 1e-6*want {
				b.Errorf("%s in %s: points %v (%t), want a mean of %g", arm.Name, label(w), o.Points, ok, want)
			}
			if o.Averages {
				b.Errorf("%s in %s: a level is said to be an average", arm.Name, label(w))
			}
		}
	}
}

func averages(b *answers) {
	w := b.h.window(5, 11)
	a := b.ask(b.metric(AskAverage), w)
	for _, arm := range answerArms() {
		o, ok := pick(a, arm.Name, "", w)
		if want := mean(b.h.in(w, arm.Name, "").averages); !ok || math.Abs(mean(o.Points)-want) > 1e-6*want || !o.Averages {
			b.Errorf("%s: points %v (%t), averages %t; want averages with a mean of %g", arm.Name, o.Points, ok, o.Averages, want)
		}
	}
}

func oddLevels(b *answers) {
	w := b.h.window(oddFrom-1, oddTo)
	a := b.ask(b.metric(AskGauge), w)
	for _, arm := range answerArms() {
		if o, ok := pick(a, arm.Name, "", w); !ok || len(o.Points) == 0 || mean(o.Points) != 7 {
			b.Errorf("%s: points %v (%t), want the two readings of 7", arm.Name, o.Points, ok)
		}
	}
	b.warned(a, "NaN", "infinite", "no number")
}

func regions(b *answers) {
	windows := b.consecutive(6.5, 2.5, 3)
	a := b.ask(b.metric(AskRatio, LabelRegion), windows...)
	for _, region := range []string{"", "eu", "us"} {
		b.holds(AskRatio, a, region, windows...)
	}
	if len(a.Observations) != 3*2*len(windows) {
		b.Errorf("%d observations, want those of all and of two regions, of two arms, in %d windows", len(a.Observations), len(windows))
	}
}

func placeless(b *answers) {
	w := b.h.window(placelessFrom-1, placelessTo)
	a := b.ask(b.metric(AskRatio, LabelRegion), w)
	for _, region := range []string{"", "eu", "us"} {
		b.holds(AskRatio, a, region, w)
	}
	b.warned(a, "region")
}

func manyZones(b *answers) {
	w := b.h.window(zonesFrom-1, zonesTo)
	a := b.ask(b.metric(AskRatio, LabelRegion), w)
	b.holds(AskRatio, a, "", w)
	b.holds(AskRatio, a, "eu", w)
	segments := map[string]bool{}
	for _, o := range a.Observations {
		if o.Segment != "" {
			segments[o.Segment] = true
		}
	}
	if n := len(segments); n == 0 || n > 100 {
		b.Errorf("%d segments, want at most 100", n)
	}
	b.warned(a, "segments")
}

// fair: what the source is asked for one arm it is asked for the other.
func fair(b *answers) {
	b.bed.Asked()
	b.ask(b.metric(AskRatio), b.h.window(5.3, 8.1))
	asked := map[string]int{}
	names := strings.NewReplacer("stable", "ARM", "canary", "ARM", release.Baseline, "ARM", release.Candidate, "ARM")
	all := b.bed.Asked()
	for _, text := range all {
		if neutral := names.Replace(text); neutral != text {
			asked[neutral]++
			if strings.Contains(text, "canary") && strings.Contains(text, "stable") {
				asked[neutral]++ // one question for both
			}
		}
	}
	if len(all) == 0 {
		b.Error("nothing was asked")
	}
	for text, n := range asked {
		if n%2 != 0 {
			b.Errorf("asked for one arm alone: %s", text)
		}
	}
}

func fewRequests(b *answers) {
	b.ask(b.metric(AskRatio), b.h.window(5, 6))
	b.bed.Asked()
	b.ask(b.metric(AskRatio), b.h.window(5, 6))
	one := len(b.bed.Asked())
	b.ask(b.metric(AskRatio), b.consecutive(5, 0.5, 100)...)
	if many := len(b.bed.Asked()); many > 2*one+4 {
		b.Errorf("a hundred windows took %d requests, one took %d", many, one)
	}
}

func askedByMany(b *answers) {
	w := b.h.window(6.5, 11)
	m := b.metric(AskRatio)
	want := b.ask(m, w)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got, err := b.try(context.Background(), m, w); err != nil || !reflect.DeepEqual(got.Observations, want.Observations) {
				b.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		})
	}
	all.Wait()
}

func givenUp(b *answers) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b.gaveUp(b.try(ctx, b.metric(AskRatio), b.h.window(5, 6)))
}

func (b *answers) gaveUp(a release.Answer, err error) {
	b.Helper()
	if !errors.Is(err, context.Canceled) || !errors.Is(err, release.ErrUnavailable) {
		b.Errorf("got %+v, error %v; want one that wraps context.Canceled and release.ErrUnavailable", a, err)
	}
}

// givenUpInBetween: who asks is gone while the source does not answer, and has
// the error long before the source's own timeout.
func givenUpInBetween(b *answers) {
	defer b.bed.Break(b.T, Hanging)()
	ctx, cancel := context.WithCancel(context.Background())
	defer time.AfterFunc(200*time.Millisecond, cancel).Stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.gaveUp(b.try(ctx, b.metric(AskRatio), b.h.window(5, 6)))
	}()
	late := time.NewTimer(1500 * time.Millisecond)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
		b.Error("no answer within 1.5s after nobody waited for it any more")
		<-done
	}
}

// lateComers: what was not there when its window was asked for counts once it
// is asked for again, in its own window and in no other.
func lateComers(b *answers) {
	whole := b.h.window(lateFrom, lateTo)
	b.silent(b.ask(b.metric(AskRatio), whole), release.Candidate, whole)
	more := b.h.stretches(lateFrom, lateTo)
	b.bed.Late(b.T, more)
	b.h.Stretches = slices.Concat(b.h.Stretches, more)
	windows := b.consecutive(lateFrom-0.6, 1.5, 5)
	b.holds(AskRatio, b.ask(b.metric(AskRatio), windows...), "", windows...)
}
