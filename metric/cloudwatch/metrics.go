package cloudwatch

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/release"
)

const (
	// maxQueries is how many parts one request may have.
	maxQueries = 500
	maxPages   = 200
)

// series is one result: the points of a metric by the start of their period, in
// milliseconds since 1970.
type series struct {
	points map[int64]float64
	status types.StatusCode
}

// answer is what GetMetricData says, by the ids of the request and, where it
// searched, the labels of what it found.
type answer struct {
	series   map[string]map[string]*series
	labelled bool
	remarks
}

// observeMetrics asks for all arms and parts in one request.
func (s *Source) observeMetrics(ctx context.Context, q release.Query) (release.Answer, error) {
	parts, err := partsOf(q.Metric, q.Arms)
	if err != nil {
		return release.Answer{}, err
	}
	at := span(q.Windows, s.config.Period)
	if !at.From.Before(at.To) {
		return rows.Observe(q, nil)
	}
	var asked []types.MetricDataQuery
	for i, p := range parts {
		for j, t := range p.terms {
			asked = append(asked, s.queriesOf(fmt.Sprintf("p%dt%d", i, j), t, q.Metric.By)...)
		}
	}
	if len(asked) > maxQueries {
		return release.Answer{}, invalid("metric %s: needs %d parts of a request, and %d are allowed; use fewer buckets", q.Metric.Name, len(asked), maxQueries)
	}
	got, err := s.ask(ctx, q.Metric, asked, at)
	if err != nil {
		return release.Answer{}, err
	}
	got.cut(q.Metric.Name, at)
	var out []rows.Row
	for i, p := range parts {
		for j, t := range p.terms {
			out = append(out, s.rowsOf(got, fmt.Sprintf("p%dt%d", i, j), p, t, q.Metric.By)...)
		}
	}
	if q.Metric.Kind == release.Histogram && len(out) > 0 && !slices.ContainsFunc(out, func(r rows.Row) bool { return r.Value > 0 && r.Bound <= last(parts) }) {
		got.add("metric %s: no value is in any bucket: CloudWatch counts by value only what was published value by value, and no negative ones; or all are above the last bound", q.Metric.Name)
		out = nil
	}
	return rows.Observe(q, out, got.said...)
}

// last is the highest bound of the buckets.
func last(parts []part) float64 {
	high := 0.0
	for _, p := range parts {
		for _, t := range p.terms {
			high = max(high, t.bounds[len(t.bounds)-1])
		}
	}
	return high
}

// queriesOf asks for a term: its statistic, or how many values there are at all
// and up to each bound.
func (s *Source) queriesOf(id string, t term, by []string) []types.MetricDataQuery {
	if t.bounds == nil {
		return []types.MetricDataQuery{s.queryOf(id, t.stat, t, by)}
	}
	out := []types.MetricDataQuery{s.queryOf(id, "SampleCount", t, by)}
	for i, b := range t.bounds {
		out = append(out, s.queryOf(upTo(id, i), "TC(:"+number(b)+")", t, by))
	}
	return out
}

// upTo is the id of the values up to a bound.
func upTo(id string, bound int) string { return fmt.Sprintf("%sb%d", id, bound) }

// rowsOf makes rows of a term's points, in each segment that was found.
func (s *Source) rowsOf(got *answer, id string, p part, t term, by []string) []rows.Row {
	var out []rows.Row
	for label, one := range got.series[id] {
		labels := labelsOf(label, by)
		for ms, v := range one.points {
			row := rows.Row{Arm: p.arm, To: time.UnixMilli(ms).Add(s.config.Period), Labels: labels, Role: p.role, Value: v}
			if t.bounds == nil {
				out = append(out, row)
				continue
			}
			// What is up to a bound counts whatever is up to those before it, too.
			below := 0.0
			for i, bound := range t.bounds {
				n := max(below, got.of(upTo(id, i), label).points[ms])
				row.Bound, row.Value, below = bound, n-below, n
				out = append(out, row)
			}
			row.Bound, row.Value = math.Inf(1), max(0, v-below)
			out = append(out, row)
		}
	}
	return out
}

func (a *answer) of(id, label string) *series {
	if a.series[id] == nil {
		a.series[id] = map[string]*series{}
	}
	got := a.series[id][label]
	if got == nil {
		got = &series{points: map[int64]float64{}}
		a.series[id][label] = got
	}
	return got
}

// all are the series of every id and label.
func (a *answer) all() (out []*series) {
	for _, labelled := range a.series {
		out = slices.AppendSeq(out, maps.Values(labelled))
	}
	return out
}

// ask pages through the answer of one request, oldest points first.
func (s *Source) ask(ctx context.Context, m release.Metric, queries []types.MetricDataQuery, at release.Window) (*answer, error) {
	metric := m.Name
	got := &answer{series: map[string]map[string]*series{}, labelled: len(m.By) > 0}
	in := &cw.GetMetricDataInput{
		MetricDataQueries: queries, StartTime: &at.From, EndTime: &at.To, ScanBy: types.ScanByTimestampAscending,
	}
	for range maxPages {
		var out *cw.GetMetricDataOutput
		err := s.metricsAPI.Call(ctx, "GetMetricData", "metric "+metric, func(ctx context.Context, tries aws.Retryer) (err error) {
			out, err = s.metrics.GetMetricData(ctx, in, func(o *cw.Options) { o.Retryer = tries })
			return err
		})
		if err != nil {
			return nil, err
		}
		got.clock(out.ResultMetadata, s.config.Period)
		if err := got.take(s, metric, out); err != nil {
			return nil, err
		}
		if aws.ToString(out.NextToken) == "" {
			return got, got.failed(metric)
		}
		in.NextToken = out.NextToken
	}
	return nil, invalid("metric %s: CloudWatch answers with more than %d pages; use a longer period", metric, maxPages)
}

// take adds a page.
func (a *answer) take(s *Source, metric string, page *cw.GetMetricDataOutput) error {
	for _, m := range page.Messages {
		a.add("metric %s: CloudWatch says %s: %s", metric, aws.ToString(m.Code), s.metricsAPI.Clean(aws.ToString(m.Value)))
	}
	for _, r := range page.MetricDataResults {
		if len(r.Timestamps) != len(r.Values) {
			return fmt.Errorf("metric %s: CloudWatch answers with %d times and %d values: %w", metric, len(r.Timestamps), len(r.Values), release.ErrUnavailable)
		}
		label := ""
		if a.labelled {
			label = aws.ToString(r.Label)
		}
		one := a.of(aws.ToString(r.Id), label)
		one.status = r.StatusCode
		for i, t := range r.Timestamps {
			one.points[t.UnixMilli()] = r.Values[i]
		}
		for _, m := range r.Messages {
			a.add("metric %s: CloudWatch says %s: %s", metric, aws.ToString(m.Code), s.metricsAPI.Clean(aws.ToString(m.Value)))
		}
	}
	return nil
}

// failed gives a meaning to results that AWS could not give.
func (a *answer) failed(metric string) error {
	for _, one := range a.all() {
		switch one.status {
		case types.StatusCodeForbidden:
			return invalid("metric %s: GetMetricData: CloudWatch refuses the metric (Forbidden); allow it cloudwatch:GetMetricData in the account of the metric", metric)
		case types.StatusCodeInternalError:
			return fmt.Errorf("metric %s: GetMetricData: CloudWatch could not read the metric (InternalError): %w", metric, release.ErrUnavailable)
		}
	}
	return nil
}

// cut takes away what lies behind the end of a part that is not whole, so that
// all parts of all arms tell of the same time.
func (a *answer) cut(metric string, at release.Window) {
	end, whole := at.To.UnixMilli(), true
	for _, one := range a.all() {
		if one.status != types.StatusCodePartialData {
			continue
		}
		newest := at.From.UnixMilli() - 1
		for ms := range one.points {
			newest = max(newest, ms)
		}
		end, whole = min(end, newest), false
	}
	if whole {
		return
	}
	for _, one := range a.all() {
		for ms := range one.points {
			if ms > end {
				delete(one.points, ms)
			}
		}
	}
	a.add("metric %s: CloudWatch has given a part of the data only (PartialData), up to %s", metric, time.UnixMilli(max(end, at.From.UnixMilli())).UTC().Format(time.RFC3339))
}
