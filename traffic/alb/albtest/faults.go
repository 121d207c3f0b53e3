package albtest

import (
	"net/http"
	"strings"

	"github.com/linnet-project/linnet/awscall/awstest"
)

// Fault is a way in which the API fails.
type Fault string

// The faults.
const (
	Throttle Fault = "throttle"  // asks for fewer requests
	Fail     Fault = "fail"      // an internal failure
	Busy     Fault = "busy"      // unavailable, from a front that does not speak the protocol
	Hang     Fault = "hang"      // never answers
	BreakOff Fault = "break off" // does it, and cuts the connection
	Garble   Fault = "garble"    // does it, and sends half of the answer
	Expire   Fault = "expire"    // the token has run out
	Deny     Fault = "deny"      // the policy does not allow it
	Mistrust Fault = "mistrust"  // finds the signature wrong, and repeats what it should have signed
	Vanish   Fault = "vanish"    // rules and listeners are not there any more
	InUse    Fault = "in use"    // somebody else is changing it
	Lie      Fault = "lie"       // says that it changed the rule, and did not
	Novel    Fault = "novel"     // shows a part of actions that no model has yet
)

// Break makes the API fail in one way until it is mended: in one operation, or
// in all of ELBv2 where that is "".
func (s *Server) Break(f Fault, operation string) (mend func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.broken = f, operation
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fault, s.broken = "", ""
	}
}

// Lag lets the next reads after each change, so many of them, still show what
// was there before it.
func (s *Server) Lag(reads int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = reads
}

func (s *Server) faultFor(operation string) Fault {
	if s.broken == "" && operations[operation].service == elbService || s.broken == operation {
		return s.fault
	}
	return ""
}

// early is the refusal of a fault that does nothing else.
func (s *Server) early(f Fault, name string, of operation, r *http.Request) error {
	changes := of.writes || s.broken == name
	switch f {
	case Throttle:
		return refuse("Throttling", "Rate exceeded")
	case Fail:
		return &awstest.Refusal{Code: "InternalFailure", Message: "The request processing has failed because of an unknown error.", Status: http.StatusInternalServerError}
	case Busy:
		return &awstest.Refusal{Code: "ServiceUnavailable", Message: "Service is unavailable", Status: http.StatusServiceUnavailable}
	case Expire:
		return &awstest.Refusal{Code: "ExpiredToken", Message: "The security token included in the request is expired", Status: http.StatusForbidden}
	case Mistrust:
		return &awstest.Refusal{Code: "SignatureDoesNotMatch", Status: http.StatusForbidden, Message: "The request signature we calculated does not match the signature you provided. The Canonical String for this request should have been 'POST " +
			r.Header.Get("Authorization") + " x-amz-security-token:" + r.Header.Get("X-Amz-Security-Token") + " " + s.config.SecretKey + "'"}
	case Deny:
		if changes {
			return &awstest.Refusal{Code: "AccessDenied", Status: http.StatusForbidden, Message: "User: arn:aws:sts::" + Account + ":assumed-role/deploy/linnet is not authorized to perform: elasticloadbalancing:" + name}
		}
	case InUse:
		if changes {
			return refuse("ResourceInUse", "A specified resource is in use")
		}
	case Vanish:
		switch {
		case strings.Contains(name, "Rule"):
			return refuse("RuleNotFound", "One or more rules not found")
		case strings.Contains(name, "Listener"):
			return refuse("ListenerNotFound", "One or more listeners not found")
		}
	}
	return nil
}
