// Package tsdb is a metric source with everything inside: Prometheus' own time
// series store, PromQL engine and scraper as Go packages. It scrapes the arms
// itself, takes what the front door counts, keeps the samples in a folder for a
// while, answers queries exactly, and serves the Prometheus query API, so that
// Grafana and promtool can look.
//
// Every series scraped from a target carries the target's labels, those of its
// arm; a label of the same name that the target exposes is kept as
// exported_<name>, as Prometheus does. How observations are made of samples,
// package series says.
package tsdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/compression"

	"github.com/linnet-project/linnet/metric/series"
	"github.com/linnet-project/linnet/release"
)

// Defaults of Config.
const (
	DefaultInterval  = 5 * time.Second
	DefaultRetention = 7 * 24 * time.Hour
)

const (
	minInterval  = 100 * time.Millisecond
	queryTimeout = 30 * time.Second
	querySamples = 10_000_000
	walSegment   = 16 << 20
	maxExemplars = 10_000
)

// Target is a page of metrics to scrape.
type Target struct {
	// URL of the page, such as http://localhost:8081/metrics.
	URL string
	// Labels are put on every series from it: those of its arm.
	Labels map[string]string
}

// Config says where the store lives and what it scrapes.
type Config struct {
	// Dir is the store's own folder; it is made if it is missing.
	Dir string
	// Retention is how long samples are kept; 0 means DefaultRetention.
	Retention time.Duration
	// RetentionBytes is how much of it is kept at most; 0 for no bound.
	RetentionBytes int64
	// OutOfOrder is how much older than the newest sample in the store a sample
	// may be that Appender appends; 0 for not at all.
	OutOfOrder time.Duration
	// Interval is the time between scrapes, at least 100 ms; 0 means
	// DefaultInterval.
	Interval time.Duration
	Targets  []Target
	// Logger hears of targets that cannot be scraped and of the store's own
	// work; nil for nobody.
	Logger *slog.Logger
	// Now is the clock that queries without a time are answered by.
	Now func() time.Time
}

// Store is an open store. It is safe for concurrent use.
type Store struct {
	config  Config
	db      *tsdb.DB
	engine  *promql.Engine
	source  source
	scraper *scraper
	bell    bell
}

// Open opens the store in a folder and begins to scrape. It must be closed. An
// error names the folder: release.ErrConflict if another process has it open,
// release.ErrInvalid if it cannot be read or the config is no good.
func Open(c Config) (*Store, error) {
	if c.Interval == 0 {
		c.Interval = DefaultInterval
	}
	if c.Retention == 0 {
		c.Retention = DefaultRetention
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case c.Dir == "":
		return nil, invalid("metric store: a folder is needed")
	case c.Now == nil:
		return nil, invalid("metric store %s: a clock is needed", c.Dir)
	case c.Interval < minInterval:
		return nil, invalid("metric store %s: interval %s is shorter than %s", c.Dir, c.Interval, minInterval)
	case c.Retention < c.Interval:
		return nil, invalid("metric store %s: retention %s is shorter than the interval %s", c.Dir, c.Retention, c.Interval)
	}
	groups, err := groupsOf(c.Targets)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry() // the store's own metrics, on no page
	db, err := tsdb.Open(c.Dir, slog.New(calm{c.Logger.Handler()}), registry, options(c), nil)
	if err != nil {
		return nil, unopened(c.Dir, err)
	}
	s := &Store{config: c, db: db, engine: series.NewEngine(queryTimeout, querySamples)}
	db.SetWriteNotified(&s.bell)
	if s.scraper, err = scrapeInto(db, c, groups, registry); err != nil {
		return nil, errors.Join(invalid("metric store %s: %v", c.Dir, err), db.Close())
	}
	s.source = source{Store: series.Store{Queryable: db, Engine: s.engine}, db: db, scraper: s.scraper}
	return s, nil
}

func options(c Config) *tsdb.Options {
	o := tsdb.DefaultOptions()
	o.RetentionDuration = c.Retention.Milliseconds()
	o.MaxBytes = c.RetentionBytes
	o.OutOfOrderTimeWindow = c.OutOfOrder.Milliseconds()
	o.MaxBlockDuration = max(o.MinBlockDuration, o.RetentionDuration/10)
	o.WALSegmentSize = walSegment
	o.WALCompression = compression.Snappy
	o.EnableExemplarStorage = true
	o.MaxExemplars = maxExemplars
	return o
}

// unopened gives an error of opening a folder its meaning.
func unopened(dir string, err error) error {
	switch {
	case strings.Contains(err.Error(), "lock DB directory") && !errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("metric store %s is in use by another process (%w): %w", dir, err, release.ErrConflict)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("metric store %s: %w: %w", dir, err, release.ErrUnavailable)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR):
		return invalid("metric store %s cannot be written: %v", dir, err)
	}
	return invalid("metric store %s cannot be read (%v): move the folder away to begin with an empty one", dir, err)
}

// Observe answers q from raw samples.
func (s *Store) Observe(ctx context.Context, q release.Query) (release.Answer, error) {
	return series.Observe(ctx, s.source, q, series.Options{})
}

// Close stops scraping and closes the folder. Nothing may be asked after it.
func (s *Store) Close() error {
	s.scraper.stop()
	err := s.engine.Close()
	if err2 := s.db.Close(); err2 != nil {
		return errors.Join(err, fmt.Errorf("metric store %s: %w", s.config.Dir, err2))
	}
	return err
}

// source adds to the store its exemplars, and what types the targets declare.
type source struct {
	series.Store
	db      *tsdb.DB
	scraper *scraper
}

// Type implements series.Typed.
func (s source) Type(_ context.Context, family string) string { return s.scraper.typeOf(family) }

// Exemplars implements series.Exemplary.
func (s source) Exemplars(ctx context.Context, sel series.Selector, span series.Span) []series.Exemplar {
	q, err := s.db.ExemplarQuerier(ctx)
	if err != nil {
		return nil
	}
	found, err := q.Select(span.From, span.To, sel.Matchers)
	if err != nil {
		return nil
	}
	var all []series.Exemplar
	for _, one := range found {
		for _, e := range one.Exemplars {
			all = append(all, series.Exemplar{T: e.Ts, V: e.Value, Trace: series.TraceOf(e.Labels)})
		}
	}
	return all
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, release.ErrInvalid)...)
}
