package tsdb

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/annotations"
)

func (s *Store) query(ctx context.Context, r *http.Request) (any, annotations.Annotations, error) {
	at, err := timeOf(r, "time", s.config.Now())
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel, err := limited(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	defer cancel()
	q, err := s.engine.NewInstantQuery(ctx, s.db, nil, r.FormValue("query"), at)
	if err != nil {
		return nil, nil, badData(`invalid parameter "query": %v`, err)
	}
	return run(ctx, q)
}

func (s *Store) queryRange(ctx context.Context, r *http.Request) (any, annotations.Annotations, error) {
	start, err1 := timeOf(r, "start", time.Time{})
	end, err2 := timeOf(r, "end", time.Time{})
	step, err3 := durationOf(r, "step")
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, nil, badData("%v", err)
	}
	switch {
	case start.IsZero() || end.IsZero() || end.Before(start):
		return nil, nil, badData("start and end must be given, in this order")
	case step <= 0:
		return nil, nil, badData("step must be given and positive")
	case end.Sub(start)/step > maxPoints:
		return nil, nil, badData("more than %d points a series: use a longer step", maxPoints)
	}
	ctx, cancel, err := limited(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	defer cancel()
	q, err := s.engine.NewRangeQuery(ctx, s.db, nil, r.FormValue("query"), start, end, step)
	if err != nil {
		return nil, nil, badData(`invalid parameter "query": %v`, err)
	}
	return run(ctx, q)
}

// limited holds a query to the timeout that the caller asks for.
func limited(ctx context.Context, r *http.Request) (context.Context, context.CancelFunc, error) {
	if r.FormValue("timeout") == "" {
		return ctx, func() {}, nil
	}
	timeout, err := durationOf(r, "timeout")
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	return ctx, cancel, nil
}

// run evaluates a query and writes its value down before its memory is used
// for another.
func run(ctx context.Context, q promql.Query) (any, annotations.Annotations, error) {
	defer q.Close()
	res := q.Exec(ctx)
	if res.Err != nil {
		return nil, res.Warnings, res.Err
	}
	value, err := json.Marshal(res.Value)
	if string(value) == "null" {
		value = []byte("[]")
	}
	return map[string]any{"resultType": res.Value.Type(), "result": json.RawMessage(value)}, res.Warnings, err
}
