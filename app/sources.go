package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/linnet-project/linnet/metric/cloudwatch"
	"github.com/linnet-project/linnet/metric/exec"
	"github.com/linnet-project/linnet/metric/googlemonitoring"
	"github.com/linnet-project/linnet/metric/httpjson"
	"github.com/linnet-project/linnet/metric/prometheus"
	"github.com/linnet-project/linnet/metric/series"
	"github.com/linnet-project/linnet/metric/sql"
	"github.com/linnet-project/linnet/metric/tsdb"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

// sources is the table of metric sources: by the name that a release file calls
// each, what makes it, and what checks a metric against its language. One with
// a method Close is closed at the end.
var sources = map[string]struct {
	open  func(context.Context, spec.Source) (run.Source, error)
	check func(release.Metric, []release.Arm) error
}{
	"prometheus": {openPrometheus, series.Check},
	// The store lives in this process, which opens it itself.
	"embedded":      {nil, series.Check},
	"json":          {openJSON, nil}, // its own configuration checks
	"datadog":       {openVendor, httpjson.CheckFor("datadog")},
	"newRelic":      {openVendor, httpjson.CheckFor("newRelic")},
	"influxDB":      {openVendor, httpjson.CheckFor("influxDB")},
	"graphite":      {openVendor, httpjson.CheckFor("graphite")},
	"dynatrace":     {openVendor, httpjson.CheckFor("dynatrace")},
	"signalFx":      {openVendor, httpjson.CheckFor("signalFx")},
	"loki":          {openVendor, httpjson.CheckFor("loki")},
	"elasticsearch": {openVendor, httpjson.CheckFor("elasticsearch")},
	"sql":           {openSQL, sql.Check},
	"cloudWatch":    {openCloudWatch, cloudwatch.Check},

	"googleMonitoring": {openGoogleMonitoring, googlemonitoring.Check},
	"exec":             {openExec, exec.Check},
}

// checkMetric holds a metric against the language of the source that it names.
func checkMetric(f spec.File, m release.Metric) error {
	s, ok := f.Analysis.Of(m.Source)
	if !ok {
		return fmt.Errorf("metric %s: there is no source %q: %w", m.Name, m.Source, release.ErrInvalid)
	}
	arms := []release.Arm{f.Baseline, f.Candidate}
	if s.JSON != nil {
		return configOf(s.JSON).Check(m, arms)
	}
	return sources[s.Kind()].check(m, arms)
}

// mixed asks each metric of the source that it names.
type mixed map[string]run.Source

// Observe implements run.Source.
func (m mixed) Observe(ctx context.Context, q release.Query) (release.Answer, error) {
	source, ok := m[q.Metric.Source]
	if !ok {
		return release.Answer{}, fmt.Errorf("metric %s: there is no source %q: %w", q.Metric.Name, q.Metric.Source, release.ErrInvalid)
	}
	a, err := source.Observe(ctx, q)
	if err != nil && q.Metric.Source != "" {
		err = fmt.Errorf("source %s: %w", q.Metric.Source, err)
	}
	return a, err
}

// measure makes the metric sources that a release file names; embedded gives the
// one that lives in this process.
func (w *parts) measure(ctx context.Context, f spec.File, embedded func() (run.Source, error)) (err error) {
	if f.Analysis.Source.Embedded != nil {
		w.source, err = embedded()
	} else {
		w.source, err = w.sourceOf(ctx, f.Analysis.Source)
	}
	if err != nil || len(f.Analysis.Others) == 0 {
		return err
	}
	all := mixed{"": w.source}
	for _, s := range f.Analysis.Others {
		if all[s.Name], err = w.sourceOf(ctx, s); err != nil {
			return fmt.Errorf("source %s: %w", s.Name, err)
		}
	}
	w.source = all
	return nil
}

func (w *parts) sourceOf(ctx context.Context, s spec.Source) (run.Source, error) {
	open := openSource
	if w.open != nil {
		open = w.open
	}
	source, err := open(ctx, s)
	if c, ok := source.(interface{ Close() }); ok && err == nil {
		w.ends = append(w.ends, c.Close)
	}
	return source, err
}

func openSource(ctx context.Context, s spec.Source) (run.Source, error) {
	open := sources[s.Kind()].open
	if open == nil {
		return nil, fmt.Errorf("the release file names no metric source that this linnet has: %w", release.ErrInvalid)
	}
	return open(ctx, s)
}

// openSources opens a release file's sources to read from. An embedded store is
// opened as it lies there, and scrapes nothing.
func (p *process) openSources(ctx context.Context, f spec.File) (_ run.Source, _ func() error, err error) {
	all := mixed{}
	var ends []func() error
	end := func() error {
		var errs []error
		for _, f := range ends {
			errs = append(errs, f())
		}
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, end())
		}
	}()
	for _, s := range f.Analysis.All() {
		if s.Embedded != nil {
			store, err := p.readStore(f)
			if err != nil {
				return nil, nil, err
			}
			all[s.Name], ends = store, append(ends, store.Close)
			continue
		}
		source, err := openSource(ctx, s)
		if err != nil {
			return nil, nil, err
		}
		if c, ok := source.(interface{ Close() }); ok {
			ends = append(ends, func() error { c.Close(); return nil })
		}
		all[s.Name] = source
	}
	return all, end, nil
}

// readStore opens a release's embedded store as it lies there.
func (p *process) readStore(f spec.File) (*tsdb.Store, error) {
	c := f.Analysis.Source.Embedded
	dir := filepath.Join(p.data, "metrics-"+f.Service)
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("the embedded store has nothing yet: %w: %w", err, release.ErrNotFound)
	}
	return tsdb.Open(tsdb.Config{Dir: dir, Retention: c.Retention, Interval: c.Interval, Now: time.Now})
}

func openPrometheus(_ context.Context, s spec.Source) (run.Source, error) {
	return prometheus.New(reach(s.Prometheus.Access))
}

// embedStore runs the metric store inside this process, scraping the arms, and
// the splitter where that lives here too; and the front door where the file has
// one.
func (w *parts) embedStore(ctx context.Context, p *process, f spec.File, log *slog.Logger) (run.Source, error) {
	splitter := ""
	if w.proxy != nil {
		splitter = w.status + splitterMetrics
	}
	var err error
	if w.store, w.door, err = openEmbedded(ctx, f, p.data, splitter, log); err != nil {
		return nil, err
	}
	if w.door != nil {
		p.say("ingest on %s", w.door.addresses())
	}
	return w.store, nil
}

// openEmbedded opens the metric store that a file asks for, with the front door
// where it has one; splitter is where a splitter in this process has its metrics,
// "" for none.
func openEmbedded(ctx context.Context, f spec.File, data, splitter string, log *slog.Logger) (*tsdb.Store, *frontDoor, error) {
	c := f.Analysis.Source.Embedded
	cfg := tsdb.Config{Logger: log, Now: time.Now}
	var in spec.Ingest
	if c.Receive != nil {
		var err error
		if in, err = rulesOf(f); err != nil {
			return nil, nil, err
		}
		cfg = storeConfig(in, log)
	}
	cfg.Dir, cfg.Retention, cfg.Interval = filepath.Join(data, "metrics-"+f.Service), c.Retention, c.Interval
	if splitter != "" {
		cfg.Targets = append(cfg.Targets, tsdb.Target{URL: splitter})
	}
	cfg.Targets = append(cfg.Targets, targets(f)...)
	store, err := openStore(cfg)
	if err != nil || c.Receive == nil {
		return store, nil, err
	}
	door, err := openDoor(ctx, doorConfig{Receive: *c.Receive, rules: in, data: data, service: f.Service, store: store, log: log})
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return store, door, nil
}

// rulesOf reads the rules of a release's front door. What they make late, the
// release must wait for.
func rulesOf(f spec.File) (spec.Ingest, error) {
	in, err := readRules(f.Analysis.Source.Embedded.Receive.Rules)
	if err != nil {
		return in, err
	}
	if late := in.Window + in.Lateness + 2*time.Second; f.Analysis.Delay < late {
		return in, fmt.Errorf("spec.analysis.delay is %s, and by the rules of receive a window is whole %s after it began: write delay: %s, or a shorter window or lateness into the rules: %w",
			f.Analysis.Delay, late, late, release.ErrInvalid)
	}
	return in, nil
}
