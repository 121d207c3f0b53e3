package cloudtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/awscall/awstest"
)

// line is one of a log, as Logs Insights sees it: by its fields.
type line struct {
	at     time.Time
	fields map[string]string
}

// query is one of Logs Insights.
type query struct {
	rows      [][]field
	polls     int
	cancelled bool
}

type field struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

// Log writes a line to a log group, which is there from then on.
func (s *Server) Log(group string, at time.Time, fields map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[group] = append(s.groups[group], line{at, fields})
}

// Stopped is how many queries were stopped.
func (s *Server) Stopped() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, q := range s.queries {
		if q.cancelled {
			n++
		}
	}
	return n
}

// logsService is as signatures name it.
const logsService = "logs"

// serveLogs answers CloudWatch Logs, by the protocol AWS JSON 1.1.
func (s *Server) serveLogs(w http.ResponseWriter, r *http.Request, payload []byte) {
	out, refused := s.logs(r, payload)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if refused != nil {
		w.WriteHeader(status(refused))
		out = map[string]string{"__type": refused.Code, "message": refused.Message}
	}
	_ = json.NewEncoder(w).Encode(out) // whoever asked may be gone
}

func (s *Server) logs(r *http.Request, payload []byte) (any, *awstest.Refusal) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "Logs_20140328.")
	if !ok || r.Method != http.MethodPost || r.URL.Path != "/" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		return nil, refuse("UnknownOperationException", "no such operation")
	}
	s.calls[operation]++
	if refused := s.early(r, "logs:"+operation); refused != nil {
		return nil, refused
	}
	if refused := s.guard.Signed(r, payload, logsService); refused != nil {
		return nil, refused
	}
	switch operation {
	case "StartQuery":
		return s.startQuery(payload)
	case "GetQueryResults":
		return s.queryResults(payload)
	case "StopQuery":
		return s.stopQuery(payload)
	}
	return nil, refuse("UnknownOperationException", "no operation %s", operation)
}

// read reads a request by its model: no member may be unknown.
func read[T any](payload []byte) (in T, refused *awstest.Refusal) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return in, refuse("SerializationException", "%v", err)
	}
	return in, nil
}

var groupLike = regexp.MustCompile(`^[\w#+=/:,.@-]+$`)

func (s *Server) startQuery(payload []byte) (any, *awstest.Refusal) {
	in, refused := read[struct {
		StartTime, EndTime  *int64
		QueryString         *string
		Limit               *int
		LogGroupIdentifiers []string
	}](payload)
	switch {
	case refused != nil:
		return nil, refused
	case in.StartTime == nil || in.EndTime == nil || in.QueryString == nil || len(*in.QueryString) > 10_000 || *in.StartTime < 0 || *in.EndTime <= *in.StartTime:
		return nil, refuse("InvalidParameterException", "a query needs a start before its end, and a text of at most 10000 characters")
	case in.Limit != nil && (*in.Limit < 1 || *in.Limit > 100_000):
		return nil, refuse("InvalidParameterException", "limit must be between 1 and 100000")
	case len(in.LogGroupIdentifiers) == 0 || len(in.LogGroupIdentifiers) > 50:
		return nil, refuse("InvalidParameterException", "Exactly one of logGroupName, logGroupNames or logGroupIdentifiers is needed, with 1 to 50 log groups")
	case s.fault == Busy:
		return nil, refuse("LimitExceededException", "Account maximum query concurrency limit of [100] reached.")
	}
	var lines []line
	for _, name := range in.LogGroupIdentifiers {
		group, ok := s.groups[name[strings.LastIndex(name, ":")+1:]]
		if !groupLike.MatchString(name) || !ok {
			return nil, refuse("ResourceNotFoundException", "Log group '%s' does not exist", name)
		}
		for _, l := range group {
			if at := l.at.Unix(); at >= *in.StartTime && at <= *in.EndTime {
				lines = append(lines, l)
			}
		}
	}
	rows, err := run(*in.QueryString, lines)
	if err != nil {
		return nil, refuse("MalformedQueryException", "%v", err)
	}
	if in.Limit != nil && len(rows) > *in.Limit {
		rows = rows[:*in.Limit]
	}
	id := fmt.Sprintf("12ab3456-12ab-123a-789e-%012d", len(s.queries))
	s.queries[id] = &query{rows: rows}
	return map[string]string{"queryId": id}, nil
}

func (s *Server) queryResults(payload []byte) (any, *awstest.Refusal) {
	in, refused := read[struct {
		QueryID   string `json:"queryId"`
		NextToken string
		MaxItems  *int
	}](payload)
	if refused != nil {
		return nil, refused
	}
	q := s.queries[in.QueryID]
	if q == nil {
		return nil, refuse("ResourceNotFoundException", "no query %s", in.QueryID)
	}
	if in.MaxItems != nil && (*in.MaxItems < 1 || *in.MaxItems > 10_000) {
		return nil, refuse("InvalidParameterException", "maxItems must be between 1 and 10000")
	}
	out := map[string]any{"queryLanguage": "CWLI", "statistics": map[string]float64{"recordsMatched": float64(len(q.rows))}}
	state := map[Fault]string{Failed: "Failed", TimedOut: "Timeout", Forgetful: "Unknown", Endless: "Running"}[s.fault]
	if q.polls++; state == "" && q.polls <= s.Polls {
		state = "Running"
		if q.polls == 1 {
			state = "Scheduled"
		}
	}
	if q.cancelled {
		state = "Cancelled"
	}
	if state != "" {
		out["status"], out["results"] = state, q.rows[:min(1, len(q.rows))] // partial ones
		return out, nil
	}
	from := 0
	if in.NextToken != "" {
		n, err := strconv.Atoi(in.NextToken)
		if err != nil || n > len(q.rows) {
			return nil, refuse("InvalidParameterException", "the token is not one of ours")
		}
		from = n
	}
	most := 10_000
	if s.Page > 0 {
		most = s.Page
	}
	to := min(from+most, len(q.rows))
	if to < len(q.rows) {
		out["nextToken"] = strconv.Itoa(to)
	}
	out["status"], out["results"] = "Complete", q.rows[from:to]
	return out, nil
}

func (s *Server) stopQuery(payload []byte) (any, *awstest.Refusal) {
	in, refused := read[struct {
		QueryID string `json:"queryId"`
	}](payload)
	if refused != nil {
		return nil, refused
	}
	q := s.queries[in.QueryID]
	if q == nil || q.cancelled {
		return nil, refuse("InvalidParameterException", "the query is not running")
	}
	q.cancelled = true
	return map[string]bool{"success": true}, nil
}
