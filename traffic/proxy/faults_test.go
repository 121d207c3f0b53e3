package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/proxy"
)

// closedPort is an address that nobody listens on.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func TestAnUpstreamThatGivesNoAnswer(t *testing.T) {
	release1 := make(chan struct{})
	defer close(release1)
	hang := backend(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release1:
		case <-r.Context().Done():
		}
	})).URL
	reset := backend(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	})).URL
	nonsense := backend(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(c, "220 mail.example ESMTP\r\n")
		c.Close()
	})).URL
	for name, test := range map[string]struct {
		url    string
		status int
	}{
		"refuses connections": {closedPort(t), http.StatusBadGateway},
		"hangs":               {hang, http.StatusGatewayTimeout},
		"resets":              {reset, http.StatusBadGateway},
		"speaks no HTTP":      {nonsense, http.StatusBadGateway},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := pair(test.url, test.url)
			cfg.HeaderTimeout = 50 * time.Millisecond
			s := newServer(t, cfg)
			got, err := http.Post(serve(t, s), "text/plain", strings.NewReader("order"))
			text := read(t, got, err)
			if got.StatusCode != test.status || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain") {
				t.Errorf("the client got %d %q", got.StatusCode, text)
			}
			if strings.Contains(text, "127.0.0.1") {
				t.Errorf("the client is told the upstream's address: %q", text)
			}
			if got := requests(t, s, release.Baseline, "5xx", false); got != "1" {
				t.Errorf("counted %s times", got)
			}
		})
	}
}

// TestAnAnswerBrokenOff: the head said 200, so the client must notice by the
// cut, and the arm must not get away with it.
func TestAnAnswerBrokenOff(t *testing.T) {
	s, at := through(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half of")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	for name, client := range map[string]*http.Client{"HTTP/1.1": http.DefaultClient, "HTTP/2": h2c(t)} {
		got, err := client.Get(at)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(got.Body); err == nil {
			t.Errorf("%s: the client takes %q for the whole answer", name, text)
		}
		got.Body.Close()
	}
	eventually(t, "both are counted as errors", func() bool {
		return requests(t, s, release.Baseline, "5xx", false) == "2"
	})
}

// TestAClientThatLeavesIsNoErrorOfTheArm, whether it leaves while it sends,
// while it waits, or while it reads.
func TestAClientThatLeavesIsNoErrorOfTheArm(t *testing.T) {
	arrived := make(chan struct{}, 3)
	s, at := through(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/read" {
			w.Write(bytes.Repeat([]byte("x"), 1<<20))
			http.NewResponseController(w).Flush()
		}
		arrived <- struct{}{}
		if r.URL.Path == "/send" {
			io.Copy(io.Discard, r.Body)
		}
		<-r.Context().Done()
	}))
	for _, request := range []string{
		"POST /send HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf",
		"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /read HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(at, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, request)
		<-arrived
		c.Close()
	}
	eventually(t, "all three are counted as clients that left", func() bool {
		return requests(t, s, release.Baseline, "client_gone", false) == "3"
	})
	if got := requests(t, s, release.Baseline, "5xx", false); got != "0" {
		t.Errorf("the arm is blamed for %s", got)
	}
}

func TestAnUnhealthyCandidateGetsNoUsers(t *testing.T) {
	var sick atomic.Bool
	healthy := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/healthz" && name == release.Candidate && sick.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			io.WriteString(w, name)
		})
	}
	cfg := pair(backend(t, healthy(release.Baseline)).URL, backend(t, healthy(release.Candidate)).URL)
	cfg.HealthPath, cfg.HealthEvery, cfg.TesterHeader = "/healthz", 5*time.Millisecond, "Arm"
	s := newServer(t, cfg)
	apply(t, s, route(1, release.Whole))
	running(t, s)
	const sample = `linnet_proxy_upstream_healthy{arm="candidate",service="checkout"}`
	admin := adminOf(t, s)
	eventually(t, "both are probed", func() bool {
		return strings.Count(call(admin, http.MethodGet, "/v1/health", "").Body.String(), `"probed":true`) == 2
	})

	sick.Store(true)
	eventually(t, "the candidate is seen to be unhealthy", func() bool { return metric(t, s, sample) == "0" })
	if got := send(s, get("", "")).Body.String(); got != release.Baseline {
		t.Errorf("a user was sent to %q", got)
	}
	if got := send(s, get("Arm", release.Candidate)).Body.String(); got != release.Candidate {
		t.Errorf("a tester was sent to %q", got)
	}
	if got := metric(t, s, `linnet_proxy_diverted_total{arm="candidate",service="checkout"}`); got != "1" {
		t.Errorf("%s requests counted as diverted", got)
	}
	if w := call(admin, http.MethodGet, "/v1/health", ""); !strings.Contains(w.Body.String(), `"healthy":false`) || !strings.Contains(w.Body.String(), "status 503") {
		t.Errorf("the admin API says %s", w.Body)
	}
	if got := candidateWeight(t, s); got != release.Whole {
		t.Errorf("the route changed to %d by itself", got)
	}

	sick.Store(false)
	eventually(t, "the candidate is seen to be healthy", func() bool { return metric(t, s, sample) == "1" })
	if got := send(s, get("", "")).Body.String(); got != release.Candidate {
		t.Errorf("after recovery a user was sent to %q", got)
	}
}

func TestOneBadProbeIsNoIllness(t *testing.T) {
	var probes atomic.Int64
	url := backend(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n := probes.Add(1); n == 5 || n == 9 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})).URL
	var log bytes.Buffer
	cfg := proxy.Config{Service: service, Arms: []proxy.Upstream{{Name: "only", URL: url}}}
	cfg.HealthPath, cfg.HealthEvery = "/", 2*time.Millisecond
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s := newServer(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); s.Run(ctx) }()
	eventually(t, "it was probed often", func() bool { return probes.Load() > 12 })
	cancel()
	<-ended
	if strings.Contains(log.String(), "unhealthy") {
		t.Errorf("single bad probes made it ill:\n%s", &log)
	}
}

// TestNobodyHealthyChangesNothing: users are never sent to nowhere, nor away
// from an arm that may work to one that does not either.
func TestNobodyHealthyChangesNothing(t *testing.T) {
	ill := func(name string) string {
		return backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/healthz" {
				w.WriteHeader(http.StatusInternalServerError)
			}
			io.WriteString(w, name)
		})).URL
	}
	cfg := pair(ill(release.Baseline), ill(release.Candidate))
	cfg.HealthPath, cfg.HealthEvery = "/healthz", 5*time.Millisecond
	s := newServer(t, cfg)
	apply(t, s, route(1, release.Whole))
	running(t, s)
	for _, arm := range []string{release.Baseline, release.Candidate} {
		eventually(t, arm+" is seen to be unhealthy", func() bool {
			return metric(t, s, `linnet_proxy_upstream_healthy{arm="`+arm+`",service="checkout"}`) == "0"
		})
	}
	if got := send(s, get("", "")).Body.String(); got != release.Candidate {
		t.Errorf("a user was sent to %q", got)
	}
}

// TestAMalformedBodyIsNoErrorOfTheArm, though the upstream gave no answer.
func TestAMalformedBodyIsNoErrorOfTheArm(t *testing.T) {
	s, at := through(t, named(release.Baseline))
	line := raw(t, at, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n")
	if !strings.Contains(line, " 400 ") || requests(t, s, release.Baseline, "5xx", false) != "0" {
		t.Errorf("the client got %q", line)
	}
	eventually(t, "it is counted", func() bool {
		return requests(t, s, release.Baseline, "client_gone", false) == "1"
	})
}

func TestAnUnhealthyBaselineExposesNobody(t *testing.T) {
	up := backend(t, named(release.Candidate)).URL
	cfg := pair(closedPort(t), up)
	cfg.HealthPath, cfg.HealthEvery = "/", 5*time.Millisecond
	s := newServer(t, cfg)
	running(t, s)
	eventually(t, "the baseline is seen to be unhealthy", func() bool {
		return metric(t, s, `linnet_proxy_upstream_healthy{arm="baseline",service="checkout"}`) == "0"
	})
	if w := send(s, get("", "")); w.Code != http.StatusBadGateway {
		t.Errorf("with no weight on the candidate a user got %d %q", w.Code, w.Body)
	}
}

// running lets Run run until the test ends.
func running(t *testing.T, s *proxy.Server) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
}

// TestTheLeaseEndsOnTime drives Run's own timer.
func TestTheLeaseEndsOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		cfg := pair("http://127.0.0.1:1", "http://127.0.0.1:2")
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		s := newServer(t, cfg)
		running(t, s)
		lapses := func() string { return metric(t, s, `linnet_proxy_lapses_total{service="checkout"}`) }
		wait := func(d time.Duration) { <-time.After(d); synctest.Wait() }

		apply(t, s, leased(1, 10_000, 30*time.Second))
		for range 3 {
			wait(20 * time.Second)
			if err := s.Renew(t.Context(), "checkout-1.5.0/1", 1, 30*time.Second); err != nil {
				t.Fatal(err)
			}
		}
		wait(30*time.Second - time.Millisecond)
		if lapses() != "0" || candidateWeight(t, s) != 10_000 {
			t.Error("the lease ended early")
		}
		wait(2 * time.Millisecond)
		// The lapse is on record before anybody asks.
		if lapses() != "1" || !strings.Contains(log.String(), "the lease ran out") {
			t.Errorf("%s lapses; the log says\n%s", lapses(), &log)
		}
		if !observe(t, s).Lapsed || candidateWeight(t, s) != 0 {
			t.Errorf("after the lapse: %+v", observe(t, s))
		}
		err := s.Renew(t.Context(), "checkout-1.5.0/1", 1, 30*time.Second)
		if !errors.Is(err, release.ErrConflict) || !strings.Contains(err.Error(), "the lease lapsed at 2000-01-01T") {
			t.Errorf("renewal after the lapse: %v", err)
		}
		if err := s.Apply(t.Context(), leased(1, 10_000, 30*time.Second)); !errors.Is(err, release.ErrConflict) {
			t.Errorf("the lapsed route again: %v", err)
		}
		apply(t, s, leased(2, 1_000, time.Second))
		if observe(t, s).Lapsed {
			t.Error("a new route does not end the lapse")
		}
	})
}

// TestWeightsFlipUnderLoad: no request is lost or cut while routes come and go
// and while the proxy shuts down.
func TestWeightsFlipUnderLoad(t *testing.T) {
	slow := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for i := range 3 {
				fmt.Fprintf(w, "%s %d\n", name, i)
				http.NewResponseController(w).Flush()
				select {
				case <-time.After(time.Millisecond):
				case <-r.Context().Done():
				}
			}
		})
	}
	cfg := pair(backend(t, slow(release.Baseline)).URL, backend(t, slow(release.Candidate)).URL)
	s := newServer(t, cfg)
	at := serve(t, s)
	stop := make(chan struct{})
	var users sync.WaitGroup
	var served atomic.Int64
	for range 8 {
		users.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := whole(at); err != nil {
					t.Error(err)
					return
				}
				served.Add(1)
			}
		})
	}
	for epoch := uint64(1); served.Load() < 400 && !t.Failed(); epoch++ {
		apply(t, s, route(epoch, []release.Weight{0, 30_000, release.Whole}[epoch%3]))
	}
	close(stop)
	users.Wait()
}

// whole makes a request and holds the answer to come from one arm, complete.
func whole(at string) error {
	got, err := http.Get(at)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	name, _, _ := strings.Cut(string(text), " ")
	if want := fmt.Sprintf("%[1]s 0\n%[1]s 1\n%[1]s 2\n", name); err != nil || string(text) != want {
		return fmt.Errorf("an answer was cut or mixed: %q, %v", text, err)
	}
	return nil
}

func TestShutdownWaitsForWhatIsInFlight(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	url := backend(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		io.WriteString(w, "done")
	})).URL
	s := newServer(t, pair(url, url))
	at := serve(t, s)
	answer := make(chan string, 1)
	go func() {
		got, err := http.Get(at)
		if err != nil {
			answer <- err.Error()
			return
		}
		text, _ := io.ReadAll(got.Body)
		got.Body.Close()
		answer <- string(text)
	}()
	<-begun
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(t.Context()) }()
	eventually(t, "no new connections are taken", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(at, "http://"))
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	close(finish)
	if text := <-answer; text != "done" {
		t.Errorf("the request in flight got %q", text)
	}
	if err := <-ended; err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

func TestShutdownCutsWhatDoesNotEnd(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan struct{})
	url := backend(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(ended)
	})).URL
	s := newServer(t, pair(url, url))
	at := serve(t, s)
	go func() {
		if got, err := http.Get(at); err == nil {
			got.Body.Close()
		}
	}()
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a shutdown out of time said %v", err)
	}
	<-ended
}

// TestShutdownCutsWebSockets, of which the HTTP server no longer knows.
func TestShutdownCutsWebSockets(t *testing.T) {
	s, at := through(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := websocket.Accept(w, r, nil); err == nil {
			c.Read(r.Context())
			c.CloseNow()
		}
	}))
	c, _, err := websocket.Dial(t.Context(), strings.Replace(at, "http", "ws", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a shutdown with an open WebSocket said %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, _, err := c.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("the WebSocket is still open: %v", err)
	}
}

func TestErrorsAreLoggedWithoutFlooding(t *testing.T) {
	var log bytes.Buffer
	now := newClock()
	down := closedPort(t)
	cfg := pair(down, down)
	cfg.Logger, cfg.Now = slog.New(slog.NewTextHandler(&log, nil)), now.Now
	s := newServer(t, cfg)
	for range 2 {
		for range 50 {
			send(s, httptest.NewRequest(http.MethodGet, "/", nil))
		}
		now.Advance(time.Minute)
	}
	if got := strings.Count(log.String(), "gave no answer"); got != 2 {
		t.Errorf("100 errors in two minutes made %d lines:\n%s", got, &log)
	}
}
