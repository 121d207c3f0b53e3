package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// exchange is one request on its way, and the ResponseWriter of its answer. It
// sets the sticky cookie and knows in the end how the request went.
type exchange struct {
	http.ResponseWriter
	in     *http.Request
	arm    *upstream
	tester bool
	start  time.Time
	cookie *http.Cookie
	// status is what the client was told; 0 until it was told anything.
	status int
	// headOnly says that the head must be the whole answer; see FlushError.
	headOnly bool
	counted  bool
	// gone says that the client left before its answer was complete, or broke
	// its own request off.
	gone atomic.Bool
}

// forward is the traffic handler.
func (s *Server) forward(w http.ResponseWriter, r *http.Request) {
	start := s.cfg.Now()
	if r.Method == http.MethodConnect {
		http.Error(w, "405 this is no forward proxy", http.StatusMethodNotAllowed)
		return
	}
	c, err := s.choose(r, start)
	if err != nil {
		http.Error(w, "400 "+err.Error(), http.StatusBadRequest)
		return
	}
	if c.from != nil {
		c.from.counters.diverted.Inc()
	}
	s.inFlight.Add(1)
	defer s.inFlight.Add(-1)
	c.arm.counters.inFlight.Inc()
	defer c.arm.counters.inFlight.Dec()
	x := &exchange{ResponseWriter: w, in: r, arm: c.arm, tester: c.tester, start: start}
	if c.newKey != "" {
		x.cookie = s.cookie(r, c.newKey)
	}
	if r.ContentLength != 0 && r.Body != nil {
		r.Body = &watchedBody{r.Body, &x.gone}
	}
	defer x.end()
	c.arm.proxy.ServeHTTP(x, r)
}

// end counts the request, also where the reverse proxy panics to cut an answer
// short that its upstream broke off.
func (x *exchange) end() {
	problem := recover()
	x.count(x.class(problem != nil))
	if problem != nil {
		panic(problem)
	}
}

// class is how the request went. An answer that its upstream broke off is a
// server error whatever its head said, and a client that left is no error of
// the arm.
func (x *exchange) class(broken bool) class {
	switch {
	case broken && !x.clientLeft():
		return class5xx
	case broken || x.gone.Load():
		return classGone
	case x.status < 100 || x.status > 599:
		return class5xx // nothing a client can make sense of
	}
	if x.status == http.StatusOK && strings.HasPrefix(x.Header().Get("Content-Type"), "application/grpc") {
		return x.grpcClass()
	}
	return class(x.status/100 - 1)
}

// grpcClass reads the outcome of a gRPC call, which is 200 for HTTP. Its
// status comes as a trailer, or in the head where there is no message.
func (x *exchange) grpcClass() class {
	text := x.Header().Get("Grpc-Status")
	if text == "" {
		text = x.Header().Get(http.TrailerPrefix + "Grpc-Status")
	}
	switch text {
	case "0":
		return class2xx
	case "1": // cancelled
		return classGone
	case "", "2", "4", "12", "13", "14", "15":
		// none, unknown, deadline exceeded, unimplemented, internal,
		// unavailable, data loss
		return class5xx
	}
	if _, err := strconv.ParseUint(text, 10, 31); err != nil {
		return class5xx
	}
	return class4xx
}

// count takes the request into the metrics, once.
func (x *exchange) count(c class) {
	if x.counted {
		return
	}
	x.counted = true
	took := x.arm.now().Sub(x.start)
	x.arm.counters.done(c, x.tester, took)
}

// clientLeft tells whether the client has gone.
func (x *exchange) clientLeft() bool { return x.gone.Load() || x.in.Context().Err() != nil }

// WriteHeader implements http.ResponseWriter.
func (x *exchange) WriteHeader(status int) {
	if status >= 200 && x.status == 0 {
		x.begin(status)
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.begin(http.StatusOK)
	}
	n, err := x.ResponseWriter.Write(p)
	if err != nil {
		x.gone.Store(true)
	}
	return n, err
}

// Hijack implements http.Hijacker: the connection becomes a WebSocket or the
// like. It is counted now, as it may live for days.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err == nil {
		x.begin(http.StatusSwitchingProtocols)
		x.count(class1xx)
	}
	return conn, rw, err
}

// FlushError implements what http.ResponseController looks for. A gRPC answer
// that is nothing but a status has to end with its head: flushed earlier, it
// would look to the client like the head of a stream that broke off.
func (x *exchange) FlushError() error {
	if x.headOnly {
		return nil
	}
	return http.NewResponseController(x.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach what exchange does not offer.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// begin notes the status. The cookie goes in only here, as informational
// answers on the way clear the headers.
func (x *exchange) begin(status int) {
	x.status = status
	x.headOnly = x.Header().Get("Grpc-Status") != ""
	if x.cookie != nil {
		http.SetCookie(x.ResponseWriter, x.cookie)
	}
}

// watchedBody notices a client that leaves while it sends, so that the
// upstream is not blamed.
type watchedBody struct {
	io.ReadCloser
	gone *atomic.Bool
}

// Read implements io.Reader.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.gone.Store(true)
	}
	return n, err
}
