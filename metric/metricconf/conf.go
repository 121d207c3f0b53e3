// Package metricconf holds what every metric source must do. A source is done
// when Answers passes, and one of raw samples when Exercise does, too: its own
// tests shrink to laying before it what happened, and to breaking it.
package metricconf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Source is what is exercised.
type Source interface {
	Observe(ctx context.Context, q release.Query) (release.Answer, error)
}

// Exercise runs every behaviour of raw samples against a source. It calls open once, with the
// samples that the source must hold, as OpenMetrics text with timestamps.
func Exercise(t *testing.T, open func(t *testing.T, openMetrics string) Source) {
	w := newWorld()
	src := open(t, w.text())
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(&bench{T: t, src: src, world: w}) })
	}
}

// bench is one case at work.
type bench struct {
	*testing.T
	src   Source
	world *world
}

// ask asks for a metric in windows; an error fails the case.
func (b *bench) ask(m release.Metric, windows ...release.Window) release.Answer {
	b.Helper()
	a, err := b.try(m, arms, windows...)
	if err != nil {
		b.Fatalf("Observe: %v", err)
	}
	return a
}

func (b *bench) try(m release.Metric, arms []release.Arm, windows ...release.Window) (release.Answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return b.src.Observe(ctx, release.Query{Metric: m, Arms: arms, Windows: windows})
}

// refused asks for something that must be refused as invalid, with a message
// that holds all of the words.
func (b *bench) refused(m release.Metric, arms []release.Arm, words ...string) {
	b.Helper()
	a, err := b.try(m, arms, window(0, 4))
	if !errors.Is(err, release.ErrInvalid) {
		b.Fatalf("got %+v, error %v; want an error that wraps release.ErrInvalid", a, err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			b.Errorf("error %q does not say %q", err, word)
		}
	}
}

// pick finds the observation of an arm, segment and window.
func pick(a release.Answer, arm, segment string, w release.Window) (release.Observation, bool) {
	i := slices.IndexFunc(a.Observations, func(o release.Observation) bool {
		return o.Arm == arm && o.Segment == segment && o.Window == w
	})
	if i < 0 {
		return release.Observation{}, false
	}
	return a.Observations[i], true
}

// want checks events and out-of of one observation.
func (b *bench) want(a release.Answer, at place, events int64, of float64) {
	b.Helper()
	o, ok := pick(a, at.arm, at.segment, at.w)
	if !ok {
		b.Errorf("no observation of %s; got %+v", at, a.Observations)
		return
	}
	if o.Events != events || o.Of != of {
		b.Errorf("%s: %d of %g, want %d of %g", at, o.Events, o.Of, events, of)
	}
}

// place says which observation is meant.
type place struct {
	arm, segment string
	w            release.Window
}

// String implements fmt.Stringer.
func (p place) String() string { return fmt.Sprintf("%s %q in %s", p.arm, p.segment, label(p.w)) }

// absent checks that an arm has no observation.
func (b *bench) absent(a release.Answer, arm, segment string, w release.Window) {
	b.Helper()
	if o, ok := pick(a, arm, segment, w); ok {
		b.Errorf("%s %q in %s: got %+v, want no observation", arm, segment, label(w), o)
	}
}

// warned checks that a warning says something.
func (b *bench) warned(a release.Answer, word string) {
	b.Helper()
	if !slices.ContainsFunc(a.Warnings, func(w string) bool { return strings.Contains(w, word) }) {
		b.Errorf("no warning says %q: %q", word, a.Warnings)
	}
}

func label(w release.Window) string {
	return w.From.Sub(origin()).String() + " to " + w.To.Sub(origin()).String()
}
