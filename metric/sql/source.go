package sql

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/release"
)

const (
	retries    = 2
	firstPause = 200 * time.Millisecond // before the second try, then four times as long
)

// Source asks one database. It is safe for concurrent use.
type Source struct {
	config  Config
	dialect dialect
	server  server
	bounds  rows.Bounds
}

// failure is an error of the server; again says that another try may help.
type failure struct {
	error
	again bool
}

// Unwrap gives the error its meaning.
func (f failure) Unwrap() error { return f.error }

// Check holds a metric's query against what any database could take: whether it
// is one query that reads, uses known parameters, and has columns to count.
func Check(m release.Metric, arms []release.Arm) error {
	err := errors.New("no dialect")
	for _, name := range []Dialect{SQLite, MySQL, ClickHouse, PostgreSQL} {
		// What one takes for a comment is code to another.
		if _, err = prepare(dialects[name], release.Query{Metric: m, Arms: arms}, 0); err == nil {
			return nil
		}
	}
	return err
}

// prepare makes the question of a query.
func prepare(d dialect, q release.Query, grain time.Duration) (question, error) {
	m := q.Metric
	if m.Query == "" {
		return question{}, invalid("metric %s: it has no query; write query: SELECT …, and names of its columns where other sources have questions", m.Name)
	}
	if err := distinct(q.Arms); err != nil {
		return question{}, fmt.Errorf("metric %s: %w", m.Name, err)
	}
	var span release.Window
	if n := len(q.Windows); n > 0 {
		span = release.Window{From: q.Windows[0].From, To: q.Windows[n-1].To}
	}
	asked, err := d.ask(m.Query, paramsOf(q.Arms, span, grain))
	if err != nil {
		return question{}, fmt.Errorf("metric %s: %w", m.Name, err)
	}
	return asked, nil
}

// distinct checks that a version tells which arm it is.
func distinct(arms []release.Arm) error {
	for _, a := range arms {
		if a.Version != "" && rows.ArmOf(arms, a.Version) < 0 {
			return invalid("version %q is that of several arms, and rows could not tell them apart", a.Version)
		}
	}
	return nil
}

// Observe answers q by one query for all of its windows and arms.
func (s *Source) Observe(ctx context.Context, q release.Query) (release.Answer, error) {
	asked, err := prepare(s.dialect, q, s.config.Grain)
	if err != nil || len(q.Windows) == 0 {
		return release.Answer{}, err
	}
	pause := firstPause
	for try := 0; ; try++ {
		answer, err := s.once(ctx, q, asked)
		var f failure
		if err == nil || !errors.As(err, &f) || !f.again || try == retries {
			return answer, s.named(q.Metric, err)
		}
		wait := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			wait.Stop()
			return release.Answer{}, s.named(q.Metric, over(ctx))
		case <-wait.C:
		}
		pause *= 4
	}
}

// named says whose error it is.
func (s *Source) named(m release.Metric, err error) error {
	var f failure
	if errors.As(err, &f) {
		err = f.error
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("metric %s: %s: %w", m.Name, s.config.where(), err)
}

// once asks once.
func (s *Source) once(ctx context.Context, q release.Query, asked question) (release.Answer, error) {
	// A taker's error must not wait for the rows that are still to come.
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	r := &reader{q: q, enough: enough}
	clock, err := s.server.ask(ctx, asked, r)
	switch {
	case r.err != nil:
		return release.Answer{}, r.err
	case err != nil:
		return release.Answer{}, err
	}
	warnings := r.warnings()
	last := q.Windows[len(q.Windows)-1]
	if w := clock.Warning(last.To.Sub(last.From)); w != "" {
		warnings = append(warnings, "metric "+q.Metric.Name+": "+s.config.where()+": "+w)
	}
	return s.bounds.Observe(q, r.rows, warnings...)
}

// Close ends the connections.
func (s *Source) Close() { s.server.close() }
