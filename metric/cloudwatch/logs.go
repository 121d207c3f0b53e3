package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/release"
)

const (
	pageRows   = 10_000
	maxRows    = 100_000
	firstPause = 100 * time.Millisecond // between looks at a query that runs, then twice as long each time
	lastPause  = 2 * time.Second
	stopWait   = 2 * time.Second // for all queries of a metric
)

// observeLogs asks Logs Insights.
func (s *Source) observeLogs(ctx context.Context, q release.Query) (release.Answer, error) {
	in, err := insightsOf(q.Metric, q.Arms)
	if err != nil {
		return release.Answer{}, err
	}
	var notes remarks
	if n := len(q.Windows); n > 0 && in.bin >= 2*q.Windows[n-1].To.Sub(q.Windows[n-1].From) {
		notes.add("metric %s: its query has bins of %s, and looks come more often: most find nothing; write every: %[2]s, or a shorter bin", q.Metric.Name, in.bin)
	}
	at := span(q.Windows, in.bin)
	if !at.From.Before(at.To) {
		return rows.Observe(q, nil, notes.said...)
	}
	running := make([]string, len(in.questions))
	ended := 0
	defer func() { s.stop(ctx, running[ended:]) }()
	for i, text := range in.questions {
		var said middleware.Metadata
		if running[i], said, err = s.start(ctx, q.Metric.Name, text, at); err != nil {
			return release.Answer{}, err
		}
		notes.clock(said, in.bin)
	}
	table := &table{insights: in, query: q}
	for arm, id := range running {
		lines, err := s.results(ctx, q.Metric.Name, id)
		if err != nil {
			return release.Answer{}, err
		}
		ended++
		if !in.each {
			arm = -1
		}
		if err := table.take(lines, arm); err != nil {
			return release.Answer{}, err
		}
	}
	return s.bounds.Observe(q, table.rows, append(notes.said, table.said...)...)
}

// start begins a query and gives its id, and what came with it. Both ends of its
// span count; a bin that begins at the end is left out with those that are not
// over.
func (s *Source) start(ctx context.Context, metric, text string, at release.Window) (string, middleware.Metadata, error) {
	var out *logs.StartQueryOutput
	err := s.logsAPI.Call(ctx, "StartQuery", "metric "+metric, func(ctx context.Context, tries aws.Retryer) (err error) {
		out, err = s.logs.StartQuery(ctx, &logs.StartQueryInput{
			QueryString: &text, StartTime: aws.Int64(at.From.Unix()), EndTime: aws.Int64(at.To.Unix()),
			LogGroupIdentifiers: s.config.LogGroups, Limit: aws.Int32(maxRows),
		}, func(o *logs.Options) { o.Retryer = tries })
		return err
	})
	if err != nil {
		return "", middleware.Metadata{}, err
	}
	return aws.ToString(out.QueryId), out.ResultMetadata, nil
}

// stop ends queries that nobody waits for any more, also where the time to wait
// for them has run out; it is AWS' to end them by itself otherwise.
func (s *Source) stop(ctx context.Context, ids []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWait)
	defer cancel()
	var all sync.WaitGroup
	for _, id := range ids {
		if id != "" {
			all.Go(func() { _, _ = s.logs.StopQuery(ctx, &logs.StopQueryInput{QueryId: &id}) })
		}
	}
	all.Wait()
}

// results waits for a query's end and pages through its rows.
func (s *Source) results(ctx context.Context, metric, id string) ([][]types.ResultField, error) {
	var lines [][]types.ResultField
	in := &logs.GetQueryResultsInput{QueryId: &id}
	pause := firstPause
	for {
		var out *logs.GetQueryResultsOutput
		err := s.logsAPI.Call(ctx, "GetQueryResults", "metric "+metric, func(ctx context.Context, tries aws.Retryer) (err error) {
			out, err = s.logs.GetQueryResults(ctx, in, func(o *logs.Options) { o.Retryer = tries })
			return err
		})
		if err != nil {
			return nil, err
		}
		switch out.Status {
		case types.QueryStatusComplete:
			lines = append(lines, out.Results...)
			in.NextToken, in.MaxItems = out.NextToken, aws.Int32(pageRows)
			if len(lines) >= maxRows {
				return nil, invalid("metric %s: the query has %d rows or more, which Logs Insights cuts off; group by fewer values or a longer bin", metric, maxRows)
			}
			if aws.ToString(out.NextToken) == "" {
				return lines, nil
			}
			continue
		case types.QueryStatusScheduled, types.QueryStatusRunning:
		case types.QueryStatusFailed, types.QueryStatusCancelled, types.QueryStatusTimeout:
			return nil, fmt.Errorf("metric %s: Logs Insights ended the query as %s: %w", metric, out.Status, release.ErrUnavailable)
		default:
			return nil, fmt.Errorf("metric %s: Logs Insights does not know how the query went (%.40q): %w", metric, out.Status, release.ErrUnavailable)
		}
		if err := wait(ctx, pause); err != nil {
			return nil, fmt.Errorf("metric %s: GetQueryResults: the query is %s: %w: %w", metric, out.Status, err, release.ErrUnavailable)
		}
		pause = min(2*pause, lastPause)
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return errors.Join(context.Cause(ctx))
	case <-timer.C:
		return nil
	}
}
