package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/forecast"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
)

// How much of the past a forecast is made from: an hour, in so many windows at
// most; looks that come more often are taken together.
const (
	learnFrom    = time.Hour
	learnWindows = 240
)

// learn reads the last hour up to an instant from a source, all metrics. What
// the source has nothing of stays as it was, and is among the warnings.
func learn(ctx context.Context, source run.Source, pl plan.Plan, to time.Time, s *forecast.Service) (warnings []string, _ error) {
	every := max(pl.Every, learnFrom/learnWindows)
	n := int(learnFrom / every)
	windows := make([]release.Window, max(n, 1))
	for i := range windows {
		end := to.Add(-time.Duration(len(windows)-1-i) * every)
		windows[i] = release.Window{From: end.Add(-every), To: end}
	}
	var errs []error
	for i, m := range pl.Metrics {
		got, err := source.Observe(ctx, release.Query{Metric: m, Arms: pl.Arms, Windows: windows})
		if err != nil {
			errs = append(errs, fmt.Errorf("--from-source: %w", err))
			continue
		}
		known, err := forecast.Learn(m, got.Observations)
		if err != nil {
			warnings = append(warnings, release.Plain(err))
			continue
		}
		s.Metrics[i] = known
		s.Rate = max(s.Rate, known.Rate)
	}
	return warnings, errors.Join(errs...)
}
