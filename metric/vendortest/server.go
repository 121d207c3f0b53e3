// Package vendortest has small servers of the HTTP APIs that metric vendors
// publish, for tests. Each keeps events, answers the questions that our pages
// recommend as the vendor's documentation says, refuses what the vendor would
// refuse, and fails on demand in the vendor's own words. testdata has answers as
// the vendors' pages show them, which ours are held against.
package vendortest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"sync"
)

// Config says whom a server knows.
type Config struct {
	// Token, or Username and Password, are the credentials that it takes; a vendor
	// looks at those that it has.
	Token, Username, Password string
	// Tenant is the one that a request must name, where the vendor has some.
	Tenant string
}

// Server is one vendor's API, as an http.Handler.
type Server struct {
	Data
	config Config
	vendor vendor

	mu    sync.Mutex
	fault Fault
	left  int // how many requests it is for; 0 for all
}

// request is what somebody asks for.
type request struct {
	Method string
	URL    *url.URL
	Header http.Header
	Body   string
}

// reply is an answer of the API.
type reply struct {
	status int // 0 means 200
	kind   string
	body   []byte
	header http.Header
}

// vendor is one API: whom it lets in, what it answers, and how it says no.
type vendor interface {
	// admit tells whether the credentials are right.
	admit(c Config, r request) bool
	// answer answers a request; of the faults it knows Partial and Inside.
	answer(d *Data, r request, f Fault) reply
	// refuse words an error.
	refuse(status int, message string) reply
}

func newServer(c Config, v vendor) *Server { return &Server{config: c, vendor: v} }

// maxBody bounds a request, in bytes.
const maxBody = 1 << 20

// ServeHTTP answers a request of the API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return
	}
	asked := request{r.Method, r.URL, r.Header, string(body)}
	fault := s.take()
	a, failed := early(s.vendor, fault)
	if !failed && !s.vendor.admit(s.config, asked) {
		a, failed = s.vendor.refuse(http.StatusUnauthorized, ""), true
	}
	if !failed {
		a = s.vendor.answer(&s.Data, asked, fault)
	}
	a.write(w)
}

func (a reply) write(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", a.kind)
	w.WriteHeader(max(a.status, http.StatusOK))
	// Whoever asked may be gone.
	_, _ = w.Write(a.body)
}

// take gives the fault that a request meets.
func (s *Server) take() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.fault
	if s.left > 0 {
		if s.left--; s.left == 0 {
			s.fault = ""
		}
	}
	return f
}

func jsonReply(status int, v any) reply {
	body, err := json.Marshal(v)
	if err != nil {
		return reply{status: http.StatusInternalServerError, kind: "text/plain", body: []byte(err.Error())}
	}
	return reply{status: status, kind: "application/json", body: body}
}

func textReply(status int, text string) reply {
	return reply{status: status, kind: "text/plain; charset=utf-8", body: []byte(text + "\n")}
}
