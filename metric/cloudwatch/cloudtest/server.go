// Package cloudtest is a server of CloudWatch's and CloudWatch Logs' APIs, for
// tests: it keeps values and log lines, checks requests by the published models,
// computes statistics from the values, runs the part of Logs Insights' language
// that counts, answers in pages, and fails on demand.
package cloudtest

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/linnet-project/linnet/awscall/awstest"
)

// Region is where everything is.
const Region = "eu-west-1"

// Fault is a way in which the APIs fail.
type Fault string

// The faults.
const (
	Throttle  Fault = "throttle"  // asks for fewer requests
	Fail      Fault = "fail"      // an internal failure
	Deny      Fault = "deny"      // the policy does not allow it
	Expire    Fault = "expire"    // the token has run out
	Mistrust  Fault = "mistrust"  // finds the signature wrong, and repeats what it should have signed
	Partial   Fault = "partial"   // gives half of the data and says so
	Internal  Fault = "internal"  // cannot read the metrics
	Forbidden Fault = "forbidden" // may not read the metrics of another account
	Busy      Fault = "busy"      // has too many queries of logs at once
	Endless   Fault = "endless"   // runs a query of logs for ever
	Failed    Fault = "failed"    // ends a query of logs as failed
	TimedOut  Fault = "timed out" // ends a query of logs as timed out
	Talkative Fault = "talkative" // adds messages
	Unmatched Fault = "unmatched" // gives more times than values
	Forgetful Fault = "forgetful" // does not know how a query of logs went
)

// Server is the APIs, as an http.Handler.
type Server struct {
	// Page is how many points, or rows, an answer has at most; 0 for as many as
	// AWS allows.
	Page int
	// Polls is how often a query of logs is still running.
	Polls int

	mu      sync.Mutex
	guard   awstest.Guard
	metrics map[string]*published
	groups  map[string][]line
	queries map[string]*query
	fault   Fault
	calls   map[string]int
}

// New makes a server without data that takes what the guard lets through, at the
// guard's time.
func New(g awstest.Guard) *Server {
	g.Region = Region
	return &Server{
		Polls: 1, guard: g, metrics: map[string]*published{}, groups: map[string][]line{}, queries: map[string]*query{}, calls: map[string]int{},
	}
}

// Break makes the APIs fail in one way until it is mended.
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

// Calls is how often an operation was asked for.
func (s *Server) Calls(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[operation]
}

func refuse(code, format string, args ...any) *awstest.Refusal {
	return &awstest.Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

// maxBody bounds a request, in bytes.
const maxBody = 8 << 20

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return
	}
	w.Header().Set("X-Amzn-Requestid", "b0ee5f3e-0000-4000-8000-5d6f7a8b9c0d")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case strings.HasPrefix(r.URL.Path, "/service/"):
		s.serveMetrics(w, r, payload)
	case r.Header.Get("X-Amz-Target") != "":
		s.serveLogs(w, r, payload)
	default:
		s.serveRoles(w, r, payload)
	}
}

// early is the refusal of a fault that does nothing else.
func (s *Server) early(r *http.Request, action string) *awstest.Refusal {
	switch s.fault {
	case Throttle:
		return refuse("ThrottlingException", "Rate exceeded")
	case Fail:
		return &awstest.Refusal{Code: "InternalServiceFault", Message: "The service has failed", Status: http.StatusInternalServerError}
	case Deny:
		return &awstest.Refusal{Code: "AccessDeniedException", Status: http.StatusForbidden, Message: "User: arn:aws:sts::123456789012:assumed-role/deploy/linnet is not authorized to perform: " + action}
	case Expire:
		return &awstest.Refusal{Code: "ExpiredTokenException", Status: http.StatusForbidden, Message: "The security token included in the request is expired"}
	case Mistrust:
		return &awstest.Refusal{Code: "SignatureDoesNotMatch", Status: http.StatusForbidden, Message: "The Canonical String for this request should have been 'POST " +
			r.Header.Get("Authorization") + " " + s.guard.SecretKey + "'"}
	}
	return nil
}

// serveRoles answers STS' AssumeRole, by the query protocol.
func (s *Server) serveRoles(w http.ResponseWriter, r *http.Request, payload []byte) {
	form, err := url.ParseQuery(string(payload))
	refused := s.guard.Signed(r, payload, awstest.STS)
	if err != nil || form.Get("Action") != "AssumeRole" || form.Get("Version") != "2011-06-15" {
		refused = refuse("InvalidAction", "nothing but AssumeRole is here")
	}
	var held awstest.Session
	if refused == nil {
		s.calls["AssumeRole"]++
		held, refused = s.guard.Assume(form.Get("RoleArn"), form.Get("ExternalId"))
	}
	w.Header().Set("Content-Type", "text/xml")
	type credentials struct{ AccessKeyId, SecretAccessKey, SessionToken, Expiration string }
	type said struct{ Code, Message string }
	var answer any
	if refused != nil {
		w.WriteHeader(status(refused))
		answer = struct {
			XMLName xml.Name `xml:"ErrorResponse"`
			Error   said
		}{Error: said{refused.Code, refused.Message}}
	} else {
		answer = struct {
			XMLName     xml.Name    `xml:"AssumeRoleResponse"`
			Credentials credentials `xml:"AssumeRoleResult>Credentials"`
		}{Credentials: credentials{held.ID, held.Secret, held.Token, held.Until.UTC().Format(time.RFC3339)}}
	}
	_ = xml.NewEncoder(w).Encode(answer) // whoever asked may be gone
}

func status(r *awstest.Refusal) int {
	if r.Status == 0 {
		return http.StatusBadRequest
	}
	return r.Status
}
