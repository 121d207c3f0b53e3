package metricconf

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Wire lies between a source that asks over HTTP and its server: it plays the
// faults, and hears what is asked.
type Wire struct {
	// URL is what the source asks.
	URL string

	server *httptest.Server
	next   http.Handler

	mu    sync.Mutex
	fault Fault
	left  int           // how often the fault still happens; below 0 always
	undo  chan struct{} // closed when the fault ends
	asked []string
}

// NewWire lays a wire before a handler.
func NewWire(t *testing.T, next http.Handler) *Wire {
	w := &Wire{next: next}
	w.server = httptest.NewServer(w)
	w.URL = w.server.URL
	t.Cleanup(w.server.Close)
	return w
}

// To is a handler that passes requests on to a server elsewhere.
func To(t *testing.T, address string) http.Handler {
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // it complains of those who went away
	return proxy
}

// Break plays every fault but Partial, which only the bed knows how to.
func (w *Wire) Break(t *testing.T, f Fault) (undo func()) {
	switch f {
	case Partial:
		t.Fatal("a wire cannot make an answer partial; the bed must, or say in Cannot why it cannot")
	case Gone:
		w.server.Close()
		return func() {}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault, w.left, w.undo = f, -1, make(chan struct{})
	if f == BusyOnce || f == FailingOnce {
		w.left = 1
	}
	return sync.OnceFunc(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.fault = ""
		close(w.undo)
	})
}

// Asked gives, and forgets, the requests since the last call: method, path with
// query, and body.
func (w *Wire) Asked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	w.asked = nil
	return asked
}

// ServeHTTP implements http.Handler.
func (w *Wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	text := r.Method + " " + r.URL.RequestURI() + " " + string(body)
	if plain, err := url.QueryUnescape(text); err == nil {
		text = plain
	}
	w.mu.Lock()
	w.asked = append(w.asked, text)
	fault, undone := w.fault, w.undo
	if w.left == 0 {
		fault = ""
	}
	if w.left > 0 {
		w.left--
	}
	w.mu.Unlock()
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	w.play(rw, r, fault, undone)
}

// play answers as a fault does.
func (w *Wire) play(rw http.ResponseWriter, r *http.Request, f Fault, undone <-chan struct{}) {
	switch f {
	case Busy, BusyOnce, BusyLong:
		rw.Header().Set("Retry-After", map[Fault]string{Busy: "1", BusyOnce: "1", BusyLong: "3600"}[f])
		http.Error(rw, `{"error":"slow down"}`, http.StatusTooManyRequests)
	case Failing, FailingOnce:
		http.Error(rw, "no", http.StatusServiceUnavailable)
	case Hanging:
		select {
		case <-r.Context().Done():
		case <-undone:
		}
	case Cut:
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(rw, `{"`)
		_ = http.NewResponseController(rw).Flush() // who went away needs no answer
		panic(http.ErrAbortHandler)
	case Refused, Forbidden:
		// Some servers repeat what they were sent.
		rw.WriteHeader(map[Fault]int{Refused: http.StatusUnauthorized, Forbidden: http.StatusForbidden}[f])
		_, _ = fmt.Fprintf(rw, "{\"error\":\"%s is no good\"}", r.Header)
	case Garbage:
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, "\x00\x01}{]\xff garbage")
	case WebPage:
		rw.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(rw, "<!doctype html><title>Sign in</title>")
	case Skewed:
		w.next.ServeHTTP(&dated{rw}, r)
	default:
		w.next.ServeHTTP(rw, r)
	}
}

// dated answers with a date of long ago.
type dated struct{ http.ResponseWriter }

func (d *dated) WriteHeader(status int) {
	d.Header().Set("Date", "Mon, 01 Jan 2001 00:00:00 GMT")
	d.ResponseWriter.WriteHeader(status)
}

func (d *dated) Write(p []byte) (int, error) {
	d.Header().Set("Date", "Mon, 01 Jan 2001 00:00:00 GMT")
	return d.ResponseWriter.Write(p)
}

func (d *dated) Unwrap() http.ResponseWriter { return d.ResponseWriter }
