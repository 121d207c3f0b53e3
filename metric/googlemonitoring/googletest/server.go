// Package googletest is a server of Cloud Monitoring's API for tests, with the
// one that gives tokens and the metadata server of a machine: it keeps points,
// checks requests by the published model, aligns and reduces, answers in pages,
// and fails on demand.
package googletest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Project is the one that is there.
const Project = "shop-7"

// Fault is a way in which the API fails.
type Fault string

// The faults.
const (
	Partial     Fault = "partial"     // could not read everything
	Unreachable Fault = "unreachable" // cannot reach a region
	Deny        Fault = "deny"        // the account may not read
	Exhausted   Fault = "exhausted"   // the quota is used up
	Fail        Fault = "fail"        // an internal error
	NoTokens    Fault = "no tokens"   // the server of tokens is down
	BadKey      Fault = "bad key"     // the key was deleted
)

// Server is all of them, as an http.Handler.
type Server struct {
	now func() time.Time

	mu     sync.Mutex
	series map[string]*held
	key    *key
	tokens map[string]time.Time // when they end
	given  int
	fault  Fault
	calls  int
}

// New makes a server without data.
func New(now func() time.Time) (*Server, error) {
	k, err := newKey()
	return &Server{now: now, series: map[string]*held{}, key: k, tokens: map[string]time.Time{}}, err
}

// Break makes it fail in one way until it is mended.
func (s *Server) Break(f Fault) (mend func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fault = ""
	}
}

// Calls is how often time series were asked for, Tokens how many tokens were
// given.
func (s *Server) Calls() (calls, tokens int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls, s.given
}

// Revoke makes all tokens of no use.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// refusal is an error of the API.
type refusal struct {
	code            int
	status, message string
}

func invalid(format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, "INVALID_ARGUMENT", fmt.Sprintf(format, args...)}
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	switch r.URL.Path {
	case tokenPath:
		s.grant(w, r)
		return
	case metadataPath:
		s.machine(w, r)
		return
	}
	out, refused := s.list(r)
	if refused != nil {
		w.WriteHeader(refused.code)
		out = map[string]any{"error": map[string]any{"code": refused.code, "message": refused.message, "status": refused.status}}
	}
	_ = json.NewEncoder(w).Encode(out) // whoever asked may be gone
}

// list answers projects.timeSeries.list.
func (s *Server) list(r *http.Request) (any, *refusal) {
	s.calls++
	switch s.fault {
	case Deny:
		return nil, &refusal{http.StatusForbidden, "PERMISSION_DENIED", "Permission monitoring.timeSeries.list denied (or the resource may not exist)."}
	case Exhausted:
		return nil, &refusal{http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Time series queries'"}
	case Fail:
		return nil, &refusal{http.StatusInternalServerError, "INTERNAL", "An internal error occurred."}
	}
	if refused := s.known(r); refused != nil {
		return nil, refused
	}
	if r.Method != http.MethodGet || r.URL.Path != "/v3/projects/"+Project+"/timeSeries" {
		return nil, &refusal{http.StatusNotFound, "NOT_FOUND", "Requested entity was not found: " + r.URL.Path}
	}
	in, refused := readRequest(r.URL.Query())
	if refused != nil {
		return nil, refused
	}
	all, refused := s.answer(in)
	if refused != nil {
		return nil, refused
	}
	out := page(all, in)
	switch s.fault {
	case Partial:
		out["executionErrors"] = []any{map[string]any{"code": 4, "message": "the deadline was exceeded for some time series"}}
	case Unreachable:
		out["unreachable"] = []string{"locations/europe-west1"}
	}
	return out, nil
}

// request is what the API is asked.
type request struct {
	filter           filter
	from, to         time.Time
	period           time.Duration
	aligner, reducer string
	by               []string
	size, skip       int
}

var (
	params   = []string{"filter", "interval.startTime", "interval.endTime", "aggregation.alignmentPeriod", "aggregation.perSeriesAligner", "aggregation.crossSeriesReducer", "aggregation.groupByFields", "pageSize", "pageToken", "view", "alt", "prettyPrint"}
	aligners = []string{"ALIGN_DELTA", "ALIGN_MEAN"}
	reducers = []string{"REDUCE_NONE", "REDUCE_SUM", "REDUCE_MEAN", "REDUCE_PERCENTILE_50", "REDUCE_PERCENTILE_95", "REDUCE_PERCENTILE_99"}
)

// readRequest reads and checks the parameters.
func readRequest(q url.Values) (in request, refused *refusal) {
	for name, values := range q {
		if !slices.Contains(params, name) || len(values) > 1 && name != "aggregation.groupByFields" {
			return in, invalid("Invalid JSON payload received. Unknown name %q: Cannot bind query parameter.", name)
		}
	}
	var wrong error
	at := func(name string) time.Time {
		t, err := time.Parse(time.RFC3339, q.Get(name))
		if err != nil {
			wrong = err
		}
		return t
	}
	in.from, in.to = at("interval.startTime"), at("interval.endTime")
	in.aligner, in.reducer, in.by = q.Get("aggregation.perSeriesAligner"), q.Get("aggregation.crossSeriesReducer"), q["aggregation.groupByFields"]
	period, err := time.ParseDuration(q.Get("aggregation.alignmentPeriod"))
	in.period, in.size = period, 100_000
	if text := q.Get("pageSize"); text != "" {
		if in.size, wrong = strconv.Atoi(text); wrong != nil || in.size <= 0 {
			return in, invalid("The page size must be positive.")
		}
	}
	if text := q.Get("pageToken"); text != "" {
		if in.skip, wrong = strconv.Atoi(text); wrong != nil {
			return in, invalid("The page token is invalid.")
		}
	}
	switch {
	case wrong != nil || !in.from.Before(in.to):
		return in, invalid("Field interval.start_time must be before interval.end_time.")
	case q.Get("view") != "FULL" && q.Get("view") != "":
		return in, invalid("Field view is invalid.")
	case err != nil || period < time.Minute:
		return in, invalid("Field aggregation.alignmentPeriod must be at least 60 seconds.")
	case !slices.Contains(aligners, in.aligner) || !slices.Contains(reducers, in.reducer):
		return in, invalid("Field aggregation has an aligner or a reducer that is not known here.")
	case in.reducer == "REDUCE_NONE" && len(in.by) > 0:
		return in, invalid("Field aggregation.groupByFields needs a reducer.")
	}
	for _, name := range in.by {
		if !fieldLike.MatchString(name) {
			return in, invalid("Field aggregation.groupByFields had an invalid value: unrecognized field %s.", name)
		}
	}
	in.filter, refused = parseFilter(q.Get("filter"))
	return in, refused
}
