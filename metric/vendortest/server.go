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
	"time"
)

// Config says whom a server knows, and what time it is there.
type Config struct {
	// Token, or Username and Password, are the credentials that it takes; a vendor
	// looks at those that it has.
	Token, Username, Password string
	// Tenant is the one that a request must name, where the vendor has some.
	Tenant string
	// Now is the server's clock, told in the header Date; nil for the real one.
	Now func() time.Time
}

// Server is one vendor's API, as an http.Handler.
type Server struct {
	Data
	config Config
	vendor vendor

	mu    sync.Mutex
	fault Fault
	left  int
	asked []Request
}

// Request is what somebody asked for.
type Request struct {
	Method string
	URL    *url.URL
	Header http.Header
	Body   string
}

// Form is the parameters of the URL and of a body that is a form.
func (r Request) Form() url.Values {
	form := r.URL.Query()
	if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		body, _ := url.ParseQuery(r.Body)
		for k, v := range body {
			form[k] = append(form[k], v...)
		}
	}
	return form
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
	admit(c Config, r Request) bool
	// answer answers a request; of the faults it knows Partial and Inside.
	answer(d *Data, r Request, f Fault) reply
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
	asked := Request{r.Method, r.URL, r.Header, string(body)}
	fault := s.take(asked)
	if s.config.Now != nil {
		w.Header().Set("Date", s.config.Now().UTC().Format(http.TimeFormat))
	}
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

// take notes a request and gives the fault it meets.
func (s *Server) take(r Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r)
	f := s.fault
	if s.left > 0 {
		if s.left--; s.left == 0 {
			s.fault = ""
		}
	}
	return f
}

// Asked are the requests so far.
func (s *Server) Asked() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.asked...)
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
