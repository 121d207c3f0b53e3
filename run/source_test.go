package run_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// broken makes the source fail for the metrics named, or for all.
func (w *world) broken(err error, metrics ...string) {
	w.source.set(func() {
		w.source.fault = func(_ context.Context, q release.Query) error {
			for _, m := range metrics {
				if m == q.Metric.Name {
					return err
				}
			}
			if len(metrics) == 0 {
				return err
			}
			return nil
		}
	})
}

func (w *world) mended() { w.source.set(func() { w.source.fault, w.source.odd = nil, nil }) }

// problem is the code of a metric's problem in the last look; "" for none.
func (w *world) problem(metric string) release.Code {
	looks := w.looks()
	for _, p := range looks[len(looks)-1].Problems {
		if p.Metric == metric {
			if !strings.HasPrefix(p.Reason.Text, metric+": ") {
				w.Errorf("problem %q does not name its metric", p.Reason.Text)
			}
			return p.Reason.Code
		}
	}
	return ""
}

func TestASourceThatIsDownHolds(t *testing.T) {
	refused := fmt.Errorf("connection refused: %w", release.ErrUnavailable)
	for name, c := range map[string]struct {
		err     error
		metrics []string
		code    release.Code
	}{
		"all down":    {refused, nil, release.SourceDown},
		"one down":    {refused, []string{"errors"}, release.SourceDown},
		"all invalid": {fmt.Errorf("parse error at char 3: %w", release.ErrInvalid), nil, release.SourceInvalid},
		"not found":   {fmt.Errorf("404: %w", release.ErrNotFound), []string{"errors"}, release.SourceInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, aPlan(), func(w *world) {
				g := w.start()
				defer g.stop()
				w.until("the first step", func() bool { return w.phase() == engine.Observing })
				w.broken(c.err, c.metrics...)
				w.pass(100 * time.Second)
				if got := w.problem("errors"); got != c.code {
					t.Errorf("the reason is %q, want %q", got, c.code)
				}
				if got := w.router.weight(); got != 10_000 {
					t.Errorf("without data of its guardrail it went to %d", got)
				}
				w.mended()
				w.settled(g.end(), engine.Promoted)
				w.coveredOnce("errors", c.code == release.SourceDown)
				w.coveredOnce("faults", c.code == release.SourceDown || c.metrics != nil)
			})
		})
	}
}

// coveredOnce holds the windows that a metric was had for to be one after the
// other, without overlap, and without gap where nothing may be missed.
func (w *world) coveredOnce(metric string, all bool) {
	w.Helper()
	windows := w.source.windows(metric)
	slices.SortFunc(windows, func(a, b release.Window) int { return a.To.Compare(b.To) })
	for i, v := range windows[1:] {
		last := windows[i].To
		if v.From.Before(last) || all && v.From.After(last) {
			w.Errorf("%s: window %s to %s after one to %s", metric, v.From, v.To, last)
		}
	}
}

// Blind for longer than the file allows, it steps back under that name, and
// climbs when there is data again.
func TestBlindForLongStepsBack(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		g := w.start()
		defer g.stop()
		w.until("the second step", func() bool { return w.router.weight() == 50_000 })
		w.source.set(func() { w.source.fault = func(ctx context.Context, _ release.Query) error { return hang(ctx) } })
		w.until("a step back", func() bool { return w.decided(engine.StepBack, release.Blind) > 0 })
		w.mended()
		w.settled(g.end(), engine.Promoted)
		if w.decided(engine.RollBack, "") > 0 {
			t.Error("a broken monitor rolled back")
		}
	})
}

// What is no evidence must not become any, whatever a source answers.
func TestNonsenseIsNamed(t *testing.T) {
	window := func(q release.Query, o release.Observation) release.Answer {
		o.Window, o.Metric, o.Arm = q.Windows[len(q.Windows)-1], q.Metric.Name, release.Candidate
		return release.Answer{Observations: []release.Observation{o}}
	}
	for name, odd := range map[string]func(q release.Query) release.Answer{
		"negative events": func(q release.Query) release.Answer {
			return window(q, release.Observation{Events: -5, Of: 10})
		},
		"too many events": func(q release.Query) release.Answer {
			return window(q, release.Observation{Events: math.MaxInt64, Of: math.MaxFloat64})
		},
		"NaN": func(q release.Query) release.Answer {
			return window(q, release.Observation{Of: math.NaN()})
		},
		"infinity": func(q release.Query) release.Answer {
			return window(q, release.Observation{Of: math.Inf(1)})
		},
		"another metric": func(q release.Query) release.Answer {
			a := window(q, release.Observation{Events: 900, Of: 1000})
			a.Observations[0].Metric = "cpu"
			return a
		},
		"another arm": func(q release.Query) release.Answer {
			a := window(q, release.Observation{Events: 900, Of: 1000})
			a.Observations[0].Arm = "canary"
			return a
		},
		"another window": func(q release.Query) release.Answer {
			a := window(q, release.Observation{Events: 900, Of: 1000})
			a.Observations[0].Window.To = a.Observations[0].Window.To.Add(time.Hour)
			return a
		},
		"twice": func(q release.Query) release.Answer {
			a := window(q, release.Observation{Events: 900, Of: 1000})
			a.Observations = append(a.Observations, a.Observations[0])
			return a
		},
		"a long segment": func(q release.Query) release.Answer {
			return window(q, release.Observation{Segment: strings.Repeat("x", 1<<20), Of: 1})
		},
		"a hundred thousand": func(q release.Query) release.Answer {
			return release.Answer{Observations: make([]release.Observation, 100_000)}
		},
		"a million numbers": func(q release.Query) release.Answer {
			return window(q, release.Observation{Of: 1, Points: make([]float64, 1_000_001)})
		},
		"panic": func(q release.Query) release.Answer { panic("index out of range") },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, aPlan(), func(w *world) {
				g := w.start()
				defer g.stop()
				w.until("the first step", func() bool { return w.phase() == engine.Observing })
				w.source.set(func() {
					w.source.odd = func(q release.Query) (release.Answer, bool) { return odd(q), true }
				})
				w.pass(3*every + time.Second)
				if got := w.problem("errors"); got != release.SourceInvalid {
					t.Errorf("the reason is %q", got)
				}
				w.mended()
				w.settled(g.end(), engine.Promoted)
			})
		})
	}
}

// A look that is too large for the journal says so, and the release goes on.
func TestALookTooLargeForTheJournal(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		g := w.start()
		defer g.stop()
		w.until("the first step", func() bool { return w.phase() == engine.Observing })
		w.source.set(func() {
			w.source.odd = func(q release.Query) (a release.Answer, ok bool) {
				for i := range 10_000 {
					a.Observations = append(a.Observations, release.Observation{
						Metric: q.Metric.Name, Arm: release.Candidate, Window: q.Windows[0],
						Segment: fmt.Sprintf("user=%d,%s", i, strings.Repeat("x", 600)), Of: 5,
					})
				}
				return a, true
			}
		})
		w.pass(2 * every)
		if got := w.problem("errors"); got != release.SourceInvalid {
			t.Errorf("the reason is %q", got)
		}
		w.mended()
		w.settled(g.end(), engine.Promoted)
	})
}

// What a source says besides is bounded too.
func TestTextsAreBounded(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		w.source.odd = func(q release.Query) (release.Answer, bool) {
			a := w.source.answer(q, 0, false)
			for range 100 {
				a.Warnings = append(a.Warnings, strings.Repeat("é", 100_000))
				a.Exemplars = append(a.Exemplars, strings.Repeat("x", 100_000))
			}
			return a, true
		}
		if err := w.runner().Turn(w.Context()); err != nil {
			t.Fatal(err)
		}
		look := w.looks()[0]
		if len(look.Warnings) != 10 || len(look.Exemplars) != 10 || len(look.Warnings[0]) > 510 || len(look.Exemplars[0]) > 510 {
			t.Errorf("%d warnings of %d bytes, %d exemplars", len(look.Warnings), len(look.Warnings[0]), len(look.Exemplars))
		}
	})
}
