package googlemonitoring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

const (
	pageSize = 20_000 // points
	maxPages = 200
)

// look is the gathering of one answer.
type look struct {
	s        *Source
	q        release.Query
	at       release.Window
	found    []found
	warnings []string
}

// found is a series of one question.
type found struct {
	question
	arm int // that was asked about; -1 where the series must tell
	series
}

func (l *look) warn(format string, args ...any) {
	text := "metric " + l.q.Metric.Name + ": " + fmt.Sprintf(format, args...)
	if !slices.Contains(l.warnings, text) {
		l.warnings = append(l.warnings, text)
	}
}

// Observe answers q from Cloud Monitoring.
func (s *Source) Observe(ctx context.Context, q release.Query) (release.Answer, error) {
	l := &look{s: s, q: q}
	if len(q.Windows) > 0 {
		l.at = release.Window{From: q.Windows[0].From.Truncate(s.config.Period), To: q.Windows[len(q.Windows)-1].To.Truncate(s.config.Period)}
	}
	all := texts(q.Metric)
	for i := range q.Arms {
		questions, err := questionsOf(q.Metric, q.Arms, i)
		if err != nil {
			return release.Answer{}, err
		}
		for _, one := range questions {
			about := i
			if !each(all[one.role], q.Arms) {
				if about = -1; i > 0 {
					continue // asked once for all
				}
			}
			if !l.at.From.Before(l.at.To) {
				continue
			}
			if err := l.ask(ctx, one, about); err != nil {
				return release.Answer{}, fmt.Errorf("metric %s: %w", q.Metric.Name, err)
			}
		}
	}
	out, err := l.rows()
	if err != nil {
		return release.Answer{}, fmt.Errorf("metric %s: %w", q.Metric.Name, err)
	}
	return rows.Observe(q, out, l.warnings...)
}

// params are what the API is asked by.
func (l *look) params(q question) url.Values {
	p := url.Values{
		"filter":                      {q.filter},
		"interval.startTime":          {l.at.From.UTC().Format(time.RFC3339)},
		"interval.endTime":            {l.at.To.UTC().Format(time.RFC3339)},
		"aggregation.alignmentPeriod": {strconv.FormatInt(int64(l.s.config.Period/time.Second), 10) + "s"},
		"pageSize":                    {strconv.Itoa(pageSize)},
		"view":                        {"FULL"},
	}
	aligner, reducer := "ALIGN_DELTA", "REDUCE_SUM"
	switch {
	case q.figure == "mean":
		reducer = "REDUCE_MEAN"
	case q.figure != "":
		reducer = "REDUCE_PERCENTILE_" + q.figure[1:]
	case q.role == rows.Level && len(q.by) > 0:
		aligner, reducer = "ALIGN_MEAN", "REDUCE_MEAN"
	case q.role == rows.Level:
		aligner, reducer = "ALIGN_MEAN", "REDUCE_NONE"
	}
	p.Set("aggregation.perSeriesAligner", aligner)
	p.Set("aggregation.crossSeriesReducer", reducer)
	for _, f := range q.by {
		p.Add("aggregation.groupByFields", f.String())
	}
	return p
}

// ask pages through the series of one question.
func (l *look) ask(ctx context.Context, q question, arm int) error {
	params := l.params(q)
	for range maxPages {
		var page page
		clock, err := l.s.client.Ask(ctx, web.Question{
			Path: "/v3/projects/" + url.PathEscape(l.s.config.Project) + "/timeSeries", Params: params, About: q.filter,
			Read:    func(r io.Reader) error { return json.NewDecoder(r).Decode(&page) },
			Explain: explain,
		})
		if errors.Is(err, release.ErrNotFound) && strings.Contains(err.Error(), noMetric) {
			l.warn("the project has no metric of the filter %.200q yet", q.filter)
			return nil
		}
		if err != nil {
			return err
		}
		if text := clock.Warning(l.s.config.Period); text != "" {
			l.warn("%s", text)
		}
		for _, e := range page.ExecutionErrors {
			l.warn("the answer is partial: %s", web.Clip(e.Message))
		}
		for _, region := range page.Unreachable {
			l.warn("the answer is partial: %s cannot be reached", web.Clip(region))
		}
		for _, s := range page.TimeSeries {
			l.found = append(l.found, found{q, arm, s})
		}
		if page.NextPageToken == "" {
			return nil
		}
		params.Set("pageToken", page.NextPageToken)
	}
	return invalid("%s gives more than %d pages for the filter %.200q; narrow it", l.s.client.URL(), maxPages, q.filter)
}

// noMetric is how the API says that nothing was ever written to a metric.
const noMetric = "Cannot find metric"

// explain takes the API's refusal apart.
func explain(body []byte) web.Trouble {
	var said struct {
		Error struct{ Message, Status string }
	}
	if json.Unmarshal(body, &said) != nil {
		return web.Trouble{}
	}
	return web.Trouble{Kind: said.Error.Status, Message: said.Error.Message}
}
