package vendortest

import "net/http"

// Fault is a way in which an API fails.
type Fault string

// The faults.
const (
	Deny     Fault = "deny"     // does not know the credentials: 401
	Forbid   Fault = "forbid"   // knows them, and they may not: 403
	Missing  Fault = "missing"  // knows no such place: 404
	Throttle Fault = "throttle" // asks for fewer requests: 429, Retry-After 1
	Fail     Fault = "fail"     // an internal failure: 500
	Partial  Fault = "partial"  // leaves something out, and says so
	Inside   Fault = "inside"   // says 200 and, within, that it failed
)

// Break makes the API fail in one way for so many requests, 0 for all until it
// is mended.
func (s *Server) Break(f Fault, requests int) (mend func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.left = f, requests
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fault, s.left = "", 0
	}
}

// early is the answer of a fault that does nothing else.
func early(v vendor, f Fault) (reply, bool) {
	switch f {
	case Deny:
		return v.refuse(http.StatusUnauthorized, ""), true
	case Forbid:
		return v.refuse(http.StatusForbidden, "the token lacks the right to read"), true
	case Missing:
		return v.refuse(http.StatusNotFound, "not found"), true
	case Throttle:
		a := v.refuse(http.StatusTooManyRequests, "too many requests")
		a.header = http.Header{"Retry-After": {"1"}}
		return a, true
	case Fail:
		return v.refuse(http.StatusInternalServerError, "an internal error occurred"), true
	}
	return reply{}, false
}
