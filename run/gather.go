package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// gather asks every source and the provider at the same time, in a time that
// leaves a lease alive. An abort cuts it short.
func (r *Runner) gather(ctx context.Context) engine.Looked {
	ctx, end := r.span(ctx, "gather")
	defer end(nil)
	ctx, cancel := context.WithTimeout(ctx, r.share(sourceWait, 3))
	defer cancel()

	look := engine.Looked{At: r.now(), Window: r.window(r.wall())}
	answers := make([]answer, len(r.state.Plan.Metrics))
	var seen release.Seen
	var unseen error
	r.interruptible(ctx, func(ctx context.Context) {
		var wg sync.WaitGroup
		slots := make(chan struct{}, concurrent)
		wg.Go(func() { seen, unseen = r.observed(ctx) })
		if look.Window.To.After(look.Window.From) {
			for i, m := range r.state.Plan.Metrics {
				wg.Go(func() {
					slots <- struct{}{}
					defer func() { <-slots }()
					answers[i] = r.ask(ctx, m, look.Window)
				})
			}
		}
		wg.Wait()
	})
	if unseen == nil {
		seen.Writers = keep(nil, seen.Writers...)
		look.Seen = &seen
		look.Warnings = r.writers(look.Warnings, seen.Writers)
	} else {
		look.Warnings = keep(look.Warnings, "the weights could not be read back: "+unseen.Error())
	}
	if look.Window.To.Before(look.Window.From) {
		look.Warnings = keep(look.Warnings, fmt.Sprintf(
			"the clock was set back: up to %s everything has been asked for, and nothing is until then", look.Window.From.Format(time.RFC3339)))
	}
	for i, m := range r.state.Plan.Metrics {
		a := answers[i]
		look.Observations = append(look.Observations, a.Observations...)
		look.Warnings = keep(look.Warnings, a.Warnings...)
		look.Exemplars = keep(look.Exemplars, a.Exemplars...)
		if a.problem != nil {
			look.Problems = append(look.Problems, release.Problem{Metric: m.Name, Reason: *a.problem})
		}
	}
	return look
}

// writers warns, once, of those who also write what the provider serves.
func (r *Runner) writers(warnings, now []string) []string {
	if len(now) == 0 || slices.Equal(now, r.others) {
		return warnings
	}
	r.others = now
	return keep(warnings, "the split is also written by "+strings.Join(now, ", "))
}

// answer is what a source said, or why it did not.
type answer struct {
	release.Answer
	problem *release.Reason
}

// window is what a look covers: from the last one's end to now less the delay.
func (r *Runner) window(now time.Time) release.Window {
	w := release.Window{From: r.state.WindowTo, To: now.Add(-r.state.Plan.Delay)}
	if w.From.IsZero() {
		w.From = w.To.Add(-r.state.Plan.Every)
	}
	if w.To.Sub(w.From) > longestWindow {
		w.From = w.To.Add(-longestWindow)
	}
	return w
}

// ask asks for one metric. A metric that was missed before is asked for all it
// missed. The first look also asks for the baseline's past, which is good to
// have and no more: where it cannot be had, the look goes on without.
func (r *Runner) ask(ctx context.Context, m release.Metric, w release.Window) answer {
	now := w
	if from, ok := r.covered[m.Name]; ok && from.Before(w.From) && w.To.Sub(from) <= longestWindow {
		now.From = from
	}
	got, err := r.query(ctx, m, []release.Window{now})
	if err != nil {
		code := release.SourceDown
		if errors.Is(err, release.ErrInvalid) || errors.Is(err, release.ErrNotFound) {
			code = release.SourceInvalid
		}
		return answer{problem: &release.Reason{Code: code, Text: clip(m.Name + ": " + err.Error())}}
	}
	if r.state.LookedAt.IsZero() {
		before, err := r.query(ctx, m, past(w, r.state.Plan.Every))
		if err != nil {
			got.Warnings = append(got.Warnings, m.Name+": the baseline's past is not known: "+err.Error())
		}
		got.Observations = append(before.Observations, got.Observations...)
	}
	return answer{Answer: got}
}

// query asks a source, and holds the answer to what was asked.
func (r *Runner) query(ctx context.Context, m release.Metric, windows []release.Window) (release.Answer, error) {
	q := release.Query{Metric: m, Arms: r.state.Plan.Arms, Windows: windows}
	var got release.Answer
	err := r.call(ctx, "observe", sourceWait, func(ctx context.Context) (err error) {
		got, err = r.cfg.Source.Observe(ctx, q)
		return err
	})
	if err != nil {
		return release.Answer{}, err
	}
	return inspect(q, got)
}

// past returns the windows before w, oldest first.
func past(w release.Window, every time.Duration) []release.Window {
	out := make([]release.Window, pastWindows)
	for i := range out {
		to := w.From.Add(-time.Duration(pastWindows-1-i) * every)
		out[i] = release.Window{From: to.Add(-every), To: to}
	}
	return out
}

// cover remembers up to when each metric's observations were had. What a source
// that was down missed is asked for again; what it answered nonsense to is not,
// since it would answer the same.
func (r *Runner) cover(look engine.Looked) {
	if !look.Window.To.After(look.Window.From) {
		return // nothing was asked for
	}
	down := map[string]bool{}
	for _, p := range look.Problems {
		down[p.Metric] = p.Reason.Code == release.SourceDown
	}
	for _, m := range r.state.Plan.Metrics {
		if !down[m.Name] {
			r.covered[m.Name] = look.Window.To
		} else if _, ok := r.covered[m.Name]; !ok {
			r.covered[m.Name] = look.Window.From
		}
	}
}
