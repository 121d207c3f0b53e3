package tsdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/annotations"
)

// Limits of the API.
const (
	maxForm    = 1 << 20
	maxPoints  = 11_000 // of a range query, as Prometheus has it
	maxListed  = 100_000
	apiVersion = "2.55.0" // whose query API this is; Grafana asks
)

// Handler serves the part of Prometheus' query API that Grafana and promtool
// use, below /api/v1/: query, query_range, series, labels, label/…/values,
// metadata, and status/buildinfo. It reads only.
func (s *Store) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, f := range map[string]endpoint{
		"/api/v1/query":               s.query,
		"/api/v1/query_range":         s.queryRange,
		"/api/v1/series":              s.listSeries,
		"/api/v1/labels":              s.listLabels,
		"/api/v1/label/{name}/values": s.listValues,
		"/api/v1/metadata":            s.listMetadata,
		"/api/v1/status/buildinfo":    buildInfo,
	} {
		mux.Handle("GET "+path, answered(f))
		mux.Handle("POST "+path, answered(f))
	}
	return mux
}

// endpoint yields the data of an answer.
type endpoint func(ctx context.Context, r *http.Request) (data any, warnings annotations.Annotations, err error)

// apiError is an error as the API types it.
type apiError struct {
	kind   string
	status int
	err    error
}

func (e apiError) Error() string { return e.err.Error() }

func badData(format string, args ...any) error {
	return apiError{"bad_data", http.StatusBadRequest, fmt.Errorf(format, args...)}
}

// answered wraps an endpoint's data, or error, as the API does.
func answered(f endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
		defer cancel()
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		var data any
		var warnings annotations.Annotations
		err := r.ParseForm()
		if err != nil {
			err = badData("%v", err)
		} else {
			data, warnings, err = f(ctx, r)
		}
		said := map[string]any{"status": "success", "data": data}
		status := http.StatusOK
		if err != nil {
			e := typed(err)
			status = e.status
			said = map[string]any{"status": "error", "errorType": e.kind, "error": e.Error()}
		}
		if w, i := warnings.AsStrings("", 10, 10); len(w)+len(i) > 0 {
			said["warnings"], said["infos"] = w, i
		}
		w.Header().Set("Content-Type", "application/json")
		text, err := json.Marshal(said)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			text = []byte(`{"status":"error","errorType":"internal","error":"the answer cannot be written"}`)
		} else {
			w.WriteHeader(status)
		}
		_, _ = w.Write(text) // who went away needs no answer
	})
}

// typed gives an error of the engine the API's type.
func typed(err error) apiError {
	var known apiError
	var timeout promql.ErrQueryTimeout
	var cancelled promql.ErrQueryCanceled
	var store promql.ErrStorage
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &cancelled):
		return apiError{"canceled", 499, err}
	case errors.As(err, &timeout), errors.Is(err, context.DeadlineExceeded):
		return apiError{"timeout", http.StatusServiceUnavailable, err}
	case errors.As(err, &store):
		return apiError{"internal", http.StatusInternalServerError, err}
	}
	return apiError{"execution", http.StatusUnprocessableEntity, err}
}

func buildInfo(context.Context, *http.Request) (any, annotations.Annotations, error) {
	return map[string]string{
		"version": apiVersion, "revision": "linnet", "branch": "", "buildUser": "", "buildDate": "", "goVersion": runtime.Version(),
	}, nil, nil
}
