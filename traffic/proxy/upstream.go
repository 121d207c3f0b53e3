package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/linnet-project/linnet/release"
)

// flushEvery is how long a part of an answer may wait for more to go with it.
// It concerns answers of known length: streams and events pass at once.
const flushEvery = 5 * time.Millisecond

// upstream is one arm at work.
type upstream struct {
	Upstream
	target    *url.URL
	transport *http.Transport
	proxy     *httputil.ReverseProxy
	counters  counters
	log       *slog.Logger
	now       func() time.Time

	// healthy is read by every request, state by those who ask for details.
	healthy atomic.Bool
	state   health
	// complaint is when the log last heard of an error, in Unix seconds.
	complaint atomic.Int64
}

func newUpstream(s *Server, arm Upstream, buffers *buffers) (*upstream, error) {
	to, err := target(arm.URL)
	if err != nil {
		return nil, fmt.Errorf("arm %s: %w: %w", arm.Name, release.ErrInvalid, err)
	}
	u := &upstream{Upstream: arm, target: to, log: s.log.With("arm", arm.Name), now: s.cfg.Now}
	u.healthy.Store(true)
	u.counters = s.metrics.of(arm)
	u.transport = newTransport(s.cfg, to)
	if to.Scheme == "h2c" {
		to.Scheme = "http" // the transport speaks nothing but HTTP/2 to it
	}
	u.proxy = &httputil.ReverseProxy{
		Rewrite:       func(pr *httputil.ProxyRequest) { s.rewrite(pr, to) },
		Transport:     u.transport,
		FlushInterval: flushEvery,
		BufferPool:    buffers,
		ErrorHandler:  u.failed,
		ErrorLog:      slog.NewLogLogger(u.log.Handler(), slog.LevelDebug),
	}
	return u, nil
}

// newTransport keeps bytes as they are: no decompression, no proxy taken from
// the environment.
func newTransport(cfg Config, to *url.URL) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(to.Scheme != "h2c")
	protocols.SetHTTP2(to.Scheme == "https")
	protocols.SetUnencryptedHTTP2(to.Scheme == "h2c")
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: cfg.DialTimeout, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:    cfg.DialTimeout,
		ResponseHeaderTimeout:  cfg.HeaderTimeout,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        cfg.IdleTimeout,
		MaxIdleConnsPerHost:    512,
		MaxResponseHeaderBytes: 1 << 20,
		DisableCompression:     true,
		Protocols:              protocols,
		// A dead peer of a connection with many streams is found out.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
	}
}

// rewrite points a request at an upstream and leaves the rest as the client
// sent it: path, query and Host.
func (s *Server) rewrite(pr *httputil.ProxyRequest, to *url.URL) {
	// We do not read queries, so those we could not read pass too.
	pr.Out.URL.RawQuery = pr.In.URL.RawQuery
	pr.SetURL(to)
	pr.Out.Host = pr.In.Host
	s.setForwarded(pr)
	// A connection switched to HTTP/2 would be a tunnel past the splitter.
	if hasToken(pr.In.Header["Upgrade"], "h2c") {
		pr.Out.Header.Del("Upgrade")
		pr.Out.Header.Del("Connection")
		pr.Out.Header.Del("Http2-Settings")
	}
}

func hasToken(values []string, token string) bool {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// setForwarded tells the upstream who asked. What a trusted peer said before
// us is kept, and added to; what anybody else claims is dropped.
func (s *Server) setForwarded(pr *httputil.ProxyRequest) {
	in, out := pr.In.Header, pr.Out.Header
	if !s.trusted(pr.In.RemoteAddr) {
		pr.SetXForwarded()
		return
	}
	if prior := in["X-Forwarded-For"]; len(prior) > 0 {
		out["X-Forwarded-For"] = slices.Clone(prior)
	}
	pr.SetXForwarded()
	for _, name := range []string{"Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if prior := in[name]; len(prior) > 0 {
			out[name] = prior
		}
	}
}

// errorStatus is what the client is told when an upstream gave no answer.
func errorStatus(err error) int {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return http.StatusBadGateway
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

// failed answers for an upstream that gave none.
func (u *upstream) failed(w http.ResponseWriter, r *http.Request, err error) {
	x, ours := w.(*exchange)
	if ours && x.status != 0 {
		return // the head of an answer is out already
	}
	if ours && x.clientLeft() {
		x.gone.Store(true)
		// Mostly nobody is there to read it; else its body was malformed.
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	u.complain("upstream gave no answer", err)
	status := errorStatus(err)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	fmt.Fprintf(w, "%d %s: the service gave no answer\n", status, strings.ToLower(http.StatusText(status)))
}

// complain logs at most one error in ten seconds; the metrics count them all.
func (u *upstream) complain(what string, err error) {
	now, last := u.now().Unix(), u.complaint.Load()
	if now-last >= 10 && u.complaint.CompareAndSwap(last, now) {
		u.log.Warn(what, "url", u.URL, "problem", err)
	}
}

// watch probes the upstream until ctx ends.
func (u *upstream) watch(ctx context.Context, cfg Config) {
	tick := time.NewTicker(cfg.HealthEvery)
	defer tick.Stop()
	for {
		err := u.probe(ctx, cfg)
		if ctx.Err() != nil {
			return
		}
		u.note(err)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// buffers are shared by all answers on their way.
type buffers struct{ pool sync.Pool }

type buffer [32 << 10]byte

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any { return new(buffer) }}}
}

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte { return b.pool.Get().(*buffer)[:] }

// Put implements httputil.BufferPool.
func (b *buffers) Put(buf []byte) { b.pool.Put((*buffer)(buf)) }
