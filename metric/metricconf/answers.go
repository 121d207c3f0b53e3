package metricconf

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Question is what the suite asks a source for.
type Question string

// The questions, of everything that happened to an arm, in each region where By
// says so.
const (
	AskRatio     Question = "ratio"     // Bad out of All
	AskCount     Question = "count"     // All, without an exposure
	AskHistogram Question = "histogram" // Buckets
	AskGauge     Question = "gauge"     // Level
	AskAverage   Question = "average"   // Average, as a metric with Averages
)

// Bed is a source with what happened laid before it.
type Bed struct {
	Source Source
	// Metric gives the fields of a metric that hold the question in the source's
	// language: Events, Of, Query. The suite sets the others.
	Metric func(q Question, by []string) release.Metric
	// Break makes the source fail until the undo; see Fault, and Wire.Break for
	// what is asked over HTTP. nil where Cannot has CaseFaults.
	Break func(t *testing.T, f Fault) (undo func())
	// Late adds to what happened after the source was opened, or nil where Cannot
	// has CaseLate.
	Late func(t *testing.T, more []Stretch)
	// Asked gives, and forgets, what the source was asked since the last call, with
	// nothing in it that differs from one request to the next by itself (ids,
	// signatures); see Wire.Asked. nil where Cannot has CaseFair.
	Asked func() []string
	// Secrets are texts that no error and no warning may hold.
	Secrets []string
	// Cannot says, by name, which cases this source cannot have, and why. The
	// reason is printed.
	Cannot map[string]string
}

// Answers runs what every source must do, in whatever language it is asked. It
// calls open once, with what happened on a grid of grain, which should be the
// finest that the source can tell. The source's own timeout should be a few
// seconds, since a case waits for it, and its clock the real one.
func Answers(t *testing.T, grain time.Duration, open func(t *testing.T, h Happened) Bed) {
	h := happened(grain)
	b := &answers{bed: open(t, h), h: h}
	for name := range b.bed.Cannot {
		if name != CaseFaults && !slices.ContainsFunc(answerCases, func(c answerCase) bool { return c.name == name }) {
			t.Errorf("Cannot names %q, which is no case", name)
		}
	}
	for _, c := range answerCases {
		t.Run(c.name, func(t *testing.T) {
			if why, ok := b.bed.Cannot[c.name]; ok {
				t.Skip("left out: " + why)
			}
			if why, ok := b.bed.Cannot[CaseFaults]; ok && c.fault {
				t.Skip("left out: " + why)
			}
			c.run(&answers{T: t, bed: b.bed, h: b.h})
		})
	}
}

// answers is one case at work.
type answers struct {
	*testing.T
	bed Bed
	h   Happened
}

// patience is how long a source may take in the worst case: three tries and
// what a server may ask it to wait.
const patience = 45 * time.Second

// metric is a question as a metric of the release.
func (b *answers) metric(q Question, by ...string) release.Metric {
	m := b.bed.Metric(q, by)
	m.Name, m.By, m.Kind = string(q), by, release.Kind(q)
	if q == AskAverage {
		m.Kind, m.Averages = release.Gauge, true
	}
	if len(by) > 0 {
		m.Name += "-by-" + strings.Join(by, "-")
	}
	return m
}

// ask asks for a metric in windows; an error fails the case.
func (b *answers) ask(m release.Metric, windows ...release.Window) release.Answer {
	b.Helper()
	a, err := b.try(context.Background(), m, windows...)
	if err != nil {
		b.Fatalf("Observe: %v", err)
	}
	return a
}

// try asks, and holds whatever comes against the secrets.
func (b *answers) try(ctx context.Context, m release.Metric, windows ...release.Window) (release.Answer, error) {
	b.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a, err := b.bed.Source.Observe(ctx, release.Query{Metric: m, Arms: answerArms(), Windows: windows})
	said := strings.Join(a.Warnings, "\n")
	if err != nil {
		said += "\n" + err.Error()
	}
	for _, secret := range b.bed.Secrets {
		if strings.Contains(said, secret) {
			b.Errorf("a secret is told: %q", said)
		}
	}
	return a, err
}

// holds checks the counts of both arms in the windows against the truth, for all
// ("") or a region.
func (b *answers) holds(q Question, a release.Answer, region string, windows ...release.Window) {
	b.Helper()
	segment := ""
	if region != "" {
		segment = LabelRegion + "=" + region
	}
	for _, w := range windows {
		for _, arm := range answerArms() {
			want := b.h.in(w, arm.Name, region)
			o, ok := pick(a, arm.Name, segment, w)
			at := place{arm.Name, segment, w}
			events, of := want.bad, float64(want.all)
			if q == AskCount {
				events, of = want.all, 0
			}
			switch {
			case want.all == 0 && (!ok || o.Events == 0 && o.Of == 0):
			case !ok:
				b.Errorf("%s: no observation, want %d of %g", at, events, of)
			case o.Events != events || o.Of != of:
				b.Errorf("%s: %d of %g, want %d of %g", at, o.Events, o.Of, events, of)
			}
		}
	}
}

// silent checks that an arm has no observation in a window.
func (b *answers) silent(a release.Answer, arm string, w release.Window) {
	b.Helper()
	if o, ok := pick(a, arm, "", w); ok {
		b.Errorf("%s in %s: got %+v, want no observation", arm, label(w), o)
	}
}

func (b *answers) warned(a release.Answer, words ...string) {
	b.Helper()
	said := strings.ToLower(strings.Join(a.Warnings, "\n"))
	for _, word := range words {
		if strings.Contains(said, strings.ToLower(word)) {
			return
		}
	}
	b.Errorf("no warning says %q: %q", words, a.Warnings)
}

// consecutive are n windows one after the other, so many stretches long.
func (b *answers) consecutive(from, long float64, n int) (windows []release.Window) {
	for i := range n {
		windows = append(windows, b.h.window(from+float64(i)*long, from+float64(i+1)*long))
	}
	return windows
}
