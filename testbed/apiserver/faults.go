package apiserver

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// Fault is what a proxy before the API server does to a call.
type Fault struct {
	// Status, where set, is answered as Kubernetes would, with a Status body.
	Status int
	// Reason and Message go into that body.
	Reason, Message string
	// RetryAfter, in seconds, goes into header and body.
	RetryAfter int
	// Hang never answers: until the client gives up, or the fault is lifted.
	Hang bool
	// Drop breaks the connection without an answer.
	Drop bool
	// Half sends what the server answered, cut in the middle; a watch is cut
	// off after its first event.
	Half bool
	// Lie answers what a dry run would: it says yes and changes nothing.
	Lie bool
	// After lets the call through and only then answers Status, hangs or drops:
	// the change has happened and the caller does not know.
	After bool
	// Plain answers Status with a text that is none of Kubernetes', as a load
	// balancer in between would.
	Plain bool
	// Methods are those it strikes, watches being "WATCH"; none means all.
	Methods []string
	// Skip is how many of those it lets pass first.
	Skip int
	// Times is how many calls it strikes before it is gone; 0 means all.
	Times int
}

// Faulty is an API server behind a proxy that can be told to misbehave.
type Faulty struct {
	// URL is where the proxy listens, over plain HTTP, without credentials.
	URL string

	proxy *httputil.ReverseProxy

	mu     sync.Mutex
	fault  *Fault
	lifted chan struct{} // closed when the present fault is lifted
	count  map[string]int
	open   map[int]*call // calls on their way
	next   int
}

// call is one on its way.
type call struct {
	cut  context.CancelFunc
	mute atomic.Bool
}

// Faulty puts a proxy before the server for the length of a test.
func (s *Server) Faulty(t testing.TB) *Faulty {
	t.Helper()
	target, err := url.Parse(s.config.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	f := &Faulty{
		proxy: &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				// The caller's credentials are its own business; the proxy's count.
				r.Out.Header.Del("Authorization")
			},
			Transport:     transport,
			FlushInterval: -1, // watches are streams
			ErrorLog:      log.New(io.Discard, "", 0),
		},
		lifted: make(chan struct{}), count: map[string]int{}, open: map[int]*call{},
	}
	front := httptest.NewServer(f)
	f.URL = front.URL
	t.Cleanup(func() {
		f.Lift()
		f.Cut()
		front.Close()
	})
	return f
}

// Config reaches the server through the proxy.
func (f *Faulty) Config() *rest.Config { return &rest.Config{Host: f.URL, QPS: -1} }

// Set makes the proxy misbehave from the next call on.
func (f *Faulty) Set(fault Fault) {
	f.Lift()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = &fault
}

// Lift ends the fault; what hung is cut off.
func (f *Faulty) Lift() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = nil
	close(f.lifted)
	f.lifted = make(chan struct{})
}

// Cut breaks all calls that are on their way, watches above all.
func (f *Faulty) Cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.open {
		c.cut()
	}
}

// Mute lets the caller hear nothing more of all calls that are on their way,
// watches above all, which stay open: a connection whose other end is gone.
func (f *Faulty) Mute() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.open {
		c.mute.Store(true)
	}
}

// Calls is how often a method came by so far, struck or not.
func (f *Faulty) Calls(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count[method]
}

// ServeHTTP passes a call on, or strikes it.
func (f *Faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	r = r.WithContext(ctx)
	present := &call{cut: cancel}
	fault, lifted, done := f.begin(r, present)
	defer done()
	w = &muffler{w, &present.mute}
	if fault == nil {
		f.proxy.ServeHTTP(w, r)
		return
	}
	if fault.After {
		f.proxy.ServeHTTP(httptest.NewRecorder(), r)
	}
	switch {
	case fault.Hang:
		select {
		case <-lifted:
		case <-ctx.Done():
		}
		panic(http.ErrAbortHandler)
	case fault.Drop:
		panic(http.ErrAbortHandler)
	case fault.Half:
		f.half(w, r)
	case fault.Lie:
		q := r.URL.Query()
		q.Set("dryRun", "All")
		r.URL.RawQuery = q.Encode()
		f.proxy.ServeHTTP(w, r)
	default:
		fault.answer(w)
	}
}

// begin notes a call and finds out whether it is struck.
func (f *Faulty) begin(r *http.Request, present *call) (*Fault, <-chan struct{}, func()) {
	method := r.Method
	if r.URL.Query().Get("watch") != "" {
		method = "WATCH"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count[method]++
	f.next++
	id := f.next
	f.open[id] = present
	done := func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.open, id)
	}
	if f.fault == nil || !f.fault.strikes(method) {
		return nil, nil, done
	}
	if f.fault.Skip > 0 {
		f.fault.Skip--
		return nil, nil, done
	}
	struck := *f.fault
	if f.fault.Times > 0 {
		if f.fault.Times--; f.fault.Times == 0 {
			f.fault = nil
		}
	}
	return &struck, f.lifted, done
}

func (f *Fault) strikes(method string) bool {
	for _, m := range f.Methods {
		if m == method {
			return true
		}
	}
	return len(f.Methods) == 0
}

// answer is an error as the API server words it.
func (f *Fault) answer(w http.ResponseWriter) {
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	if f.Plain {
		http.Error(w, "upstream connect error", f.Status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":%q,"reason":%q,"details":{"retryAfterSeconds":%d},"code":%d}`,
		f.Message, f.Reason, f.RetryAfter, f.Status)
}

// half passes on the first half of an answer and breaks the connection.
func (f *Faulty) half(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("watch") != "" {
		cut := &cutter{ResponseWriter: w, after: 1}
		f.proxy.ServeHTTP(cut, r)
		panic(http.ErrAbortHandler)
	}
	whole := httptest.NewRecorder()
	r.Header.Del("Accept-Encoding")
	f.proxy.ServeHTTP(whole, r)
	body, _ := io.ReadAll(whole.Result().Body)
	for name, values := range whole.Result().Header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(whole.Code)
	w.Write(body[:len(body)/2])
	panic(http.ErrAbortHandler)
}

// muffler swallows what is written once it is told to.
type muffler struct {
	http.ResponseWriter
	mute *atomic.Bool
}

func (m *muffler) Write(p []byte) (int, error) {
	if m.mute.Load() {
		return len(p), nil
	}
	return m.ResponseWriter.Write(p)
}

func (m *muffler) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// cutter breaks a stream after some writes.
type cutter struct {
	http.ResponseWriter
	after int
}

func (c *cutter) Write(p []byte) (int, error) {
	if c.after == 0 {
		panic(http.ErrAbortHandler)
	}
	c.after--
	return c.ResponseWriter.Write(p)
}

func (c *cutter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Eventually waits until a condition holds, and fails the test where it does
// not within a bound that no healthy machine needs.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
