package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/linnet-project/linnet/forecast"
	"github.com/linnet-project/linnet/metric/prometheus"
	"github.com/linnet-project/linnet/metric/tsdb"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

// How much of the past a forecast is made from: an hour, in so many windows at
// most; looks that come more often are taken together.
const (
	learnFrom    = time.Hour
	learnWindows = 240
)

// openSource opens the release file's source to read from. An embedded store is
// opened as it lies there, and scrapes nothing.
func (p *process) openSource(f spec.File) (run.Source, func() error, error) {
	switch s := f.Analysis.Source; {
	case s.Prometheus != nil:
		client, err := prometheus.New(prometheusConfig(*s.Prometheus))
		return client, func() error { return nil }, err
	case s.Embedded != nil:
		dir := filepath.Join(p.data, "metrics-"+f.Service)
		if _, err := os.Stat(dir); err != nil {
			return nil, nil, fmt.Errorf("--from-source: the embedded store has nothing yet: %w: %w", err, release.ErrNotFound)
		}
		store, err := tsdb.Open(tsdb.Config{Dir: dir, Retention: s.Embedded.Retention, Interval: s.Embedded.Interval, Now: time.Now})
		if err != nil {
			return nil, nil, err
		}
		return store, store.Close, nil
	}
	return nil, nil, fmt.Errorf("the release file names no metric source that this linnet has: %w", release.ErrInvalid)
}

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
			warnings = append(warnings, plain(err))
			continue
		}
		s.Metrics[i] = known
		s.Rate = max(s.Rate, known.Rate)
	}
	return warnings, errors.Join(errs...)
}
