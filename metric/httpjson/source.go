package httpjson

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/metric/template"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// asked is one question of a metric, and where its numbers stand.
type asked struct {
	text    string
	columns []column
}

// column is a number of a row: the member of that name, or a path; "" is the
// source's own.
type column struct {
	name string
	role rows.Role
}

// questions are those that a metric consists of.
func questions(m release.Metric) ([]asked, error) {
	var columns []column
	switch m.Kind {
	case release.Ratio:
		columns = []column{{m.Events, rows.Events}, {m.Of, rows.Of}}
	case release.Count:
		columns = []column{{m.Events, rows.Events}}
		if m.Of != "" {
			columns = append(columns, column{m.Of, rows.Of})
		}
	case release.Histogram:
		columns = []column{{m.Events, rows.Bucket}}
	case release.Gauge:
		columns = []column{{m.Events, rows.Level}}
	default:
		return nil, fmt.Errorf("metric %s: kind %q is not known: %w", m.Name, m.Kind, release.ErrInvalid)
	}
	for _, c := range columns {
		if strings.TrimSpace(c.name) == "" {
			return nil, fmt.Errorf("metric %s: a question is empty: %w", m.Name, release.ErrInvalid)
		}
	}
	if m.Query != "" {
		return []asked{{m.Query, columns}}, nil
	}
	var all []asked
	for _, c := range columns {
		all = append(all, asked{c.name, []column{{"", c.role}}})
	}
	return all, nil
}

// look is the gathering of one answer.
type look struct {
	s     *Source
	q     release.Query
	found []*found // one for each question, and arm where it is asked by arm
}

// Observe implements run.Source.
func (s *Source) Observe(ctx context.Context, q release.Query) (release.Answer, error) {
	a, err := s.observe(ctx, q)
	for i, text := range a.Warnings {
		a.Warnings[i] = s.web.Hidden(text)
	}
	return a, s.web.HiddenIn(err)
}

func (s *Source) observe(ctx context.Context, q release.Query) (release.Answer, error) {
	all, err := questions(q.Metric)
	switch {
	case err != nil:
		return release.Answer{}, err
	case len(q.Windows) == 0 || len(q.Arms) == 0:
		return release.Answer{}, nil
	}
	if err := s.config.gives(q.Metric); err != nil {
		return release.Answer{}, fmt.Errorf("metric %s: %w", q.Metric.Name, err)
	}
	l := &look{s: s, q: q}
	if err := l.ask(ctx, all); err != nil {
		return release.Answer{}, fmt.Errorf("metric %s: %w", q.Metric.Name, err)
	}
	return l.answer()
}

// answer makes one answer of all that was found.
func (l *look) answer() (release.Answer, error) {
	var first time.Time // that anything is there
	for _, f := range l.found {
		for _, p := range f.points {
			if first.IsZero() || p.To.Before(first) {
				first = p.To
			}
		}
	}
	var all []rows.Row
	var warnings []string
	for _, f := range l.found {
		got, err := f.rows(first)
		if err != nil {
			return release.Answer{}, fmt.Errorf("metric %s: %s: %w", l.q.Metric.Name, l.s.web.URL(), err)
		}
		all = append(all, got...)
		warnings = append(warnings, f.warnings...)
	}
	return l.s.bounds.Observe(l.q, all, warnings...)
}

// ask asks all questions, each once or once an arm, several at a time. The first
// error ends the others.
func (l *look) ask(ctx context.Context, all []asked) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	start := func(one asked, arm int, values template.Values) {
		f := &found{reader: &l.s.read, sighted: &l.s.sighted, q: l.q, arm: arm, columns: one.columns, outside: rows.Outside{Windows: l.q.Windows}}
		l.found = append(l.found, f)
		g.Go(func() error { return l.stretches(ctx, one.text, values, f) })
	}
	for _, one := range all {
		names, err := template.Names(one.text)
		if err != nil {
			g.Go(func() error { return err })
			break
		}
		if !template.Apart(slices.AppendSeq(names, maps.Keys(l.s.uses)), l.q.Arms) {
			start(one, everyArm, template.Arm(l.q.Arms[0]))
			continue
		}
		for i, arm := range l.q.Arms {
			start(one, i, template.Arm(arm))
		}
	}
	return g.Wait()
}

// everyArm stands for an answer that tells the arms itself.
const everyArm = -1

// stretches asks for all windows, in as few parts as the API allows.
func (l *look) stretches(ctx context.Context, question string, values template.Values, into *found) error {
	c := &l.s.config
	from := wholeSteps(l.q.Windows[0].From, c.Step)
	to := wholeSteps(l.q.Windows[len(l.q.Windows)-1].To, c.Step)
	if !from.Before(to) {
		return nil // nothing is whole yet
	}
	if c.Totals {
		from = wholeSteps(from.Add(-c.Lookback), c.Step)
	}
	part := to.Sub(from)
	if c.Most > 0 {
		part = min(part, time.Duration(c.Most)*c.Step)
	}
	if to.Sub(from) > maxRequests*part {
		return fmt.Errorf("%s is more than %d requests of %s each can tell; raise %s: %w", to.Sub(from), maxRequests, part, c.longer(), release.ErrInvalid)
	}
	for at := from; at.Before(to); at = at.Add(part) {
		w := release.Window{From: at, To: at.Add(part)}
		if w.To.After(to) {
			w.To = to
		}
		into.window = w
		values := values.Span(w, c.Step)
		text, err := template.Fill(question, values)
		if err != nil {
			return err
		}
		if err := l.pages(ctx, text, values, into); err != nil {
			return err
		}
	}
	return nil
}

// longer names the keys that let one request tell of more; what a vendor's API
// can, its users do not say.
func (c *Config) longer() string {
	keys := "step"
	if c.API.Name == jsonName {
		keys = fmt.Sprintf("most (%d) or step", c.Most)
	}
	if c.Totals {
		keys += ", or shorten lookback (" + c.Lookback.String() + ")"
	}
	return keys
}

// wholeSteps is the last instant up to t that is whole steps from 1970, as APIs
// lay their buckets; time.Truncate counts from the year 1.
func wholeSteps(t time.Time, step time.Duration) time.Time {
	seconds, of := t.Unix(), int64(step/time.Second)
	return time.Unix(seconds-((seconds%of)+of)%of, 0)
}

// pages reads all pages of an answer.
func (l *look) pages(ctx context.Context, text string, values template.Values, into *found) error {
	q, err := l.s.request(text, values)
	if err != nil {
		return err
	}
	window := l.q.Windows[len(l.q.Windows)-1]
	for range maxPages {
		var page page
		q.Read = func(body io.Reader) (err error) {
			page, err = l.s.read.page(body)
			return err
		}
		var clock web.Clock
		if clock, err = l.s.web.Ask(ctx, q); err != nil {
			return err
		}
		if skew := clock.Warning(window.To.Sub(window.From)); skew != "" {
			into.warnings = append(into.warnings, skew)
		}
		if err := into.take(page); err != nil {
			return fmt.Errorf("%s: %w", l.s.web.URL(), err)
		}
		if page.next == "" {
			return nil
		}
		if q, err = l.s.next(q, page.next); err != nil {
			return fmt.Errorf("%s: %w", l.s.web.URL(), err)
		}
	}
	return fmt.Errorf("%s: the answer has more than %d pages; let it group more: %w", l.s.web.URL(), maxPages, release.ErrInvalid)
}
