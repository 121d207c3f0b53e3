package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/proxy"
)

// h2c is a client that speaks nothing but HTTP/2 without TLS.
func h2c(t testing.TB) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: protocols}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

// through puts one backend behind both arms of a proxy and returns its URL.
func through(t testing.TB, h http.Handler) (*proxy.Server, string) {
	t.Helper()
	url := backend(t, h).URL
	s := newServer(t, pair(url, url))
	return s, serve(t, s)
}

func read(t testing.TB, r *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestHTTP2OnBothSides(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.Proto, r.Header.Get("X-Forwarded-Host"))
	})
	url := backend(t, h).URL
	for scheme, want := range map[string]string{"http": "HTTP/1.1", "h2c": "HTTP/2.0"} {
		upstream := strings.Replace(url, "http", scheme, 1)
		at := serve(t, newServer(t, pair(upstream, upstream)))
		got, err := h2c(t).Get(at)
		if err == nil && got.ProtoMajor != 2 {
			t.Errorf("the client got %s", got.Proto)
		}
		if text := read(t, got, err); text != want+" "+strings.TrimPrefix(at, "http://") {
			t.Errorf("upstream over %s saw %q", scheme, text)
		}
	}
}

func TestWebSocketPasses(t *testing.T) {
	cut := make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		defer close(cut)
		defer c.CloseNow()
		for {
			kind, message, err := c.Read(r.Context())
			if err != nil || c.Write(r.Context(), kind, message) != nil {
				return
			}
		}
	})
	url := backend(t, h).URL
	cfg := pair(url, url)
	cfg.StickyCookie = "linnet"
	s := newServer(t, cfg)
	at := serve(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, answer, err := websocket.Dial(ctx, strings.Replace(at, "http", "ws", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if cookies := answer.Cookies(); len(cookies) != 1 {
		t.Errorf("the answer to the upgrade has cookies %v", cookies)
	}
	apply(t, s, route(1, release.Whole)) // must not touch what is open
	for _, message := range []string{"one", strings.Repeat("two", 10_000)} {
		if err := c.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(ctx); err != nil || string(got) != message {
			t.Fatalf("echo of %d bytes: %d bytes, %v", len(message), len(got), err)
		}
	}
	if got := requests(t, s, release.Baseline, "1xx", false); got != "1" {
		t.Errorf("an open connection is counted %s times", got)
	}
	if got := metric(t, s, `linnet_proxy_in_flight{arm="baseline",service="checkout"}`); got != "1" {
		t.Errorf("%s in flight", got)
	}
	c.Close(websocket.StatusNormalClosure, "")
	<-cut
}

func TestGRPCPasses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	backend, state := grpc.NewServer(), health.NewServer()
	healthpb.RegisterHealthServer(backend, state)
	go backend.Serve(l)
	t.Cleanup(backend.Stop)
	upstream := "h2c://" + l.Addr().String()
	s := newServer(t, pair(upstream, upstream))
	at := serve(t, s)

	conn, err := grpc.NewClient(strings.TrimPrefix(at, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := healthpb.NewHealthClient(conn)

	if got, err := client.Check(ctx, &healthpb.HealthCheckRequest{}); err != nil || got.Status != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("unary call: %v, %v", got, err)
	}
	_, err = client.Check(ctx, &healthpb.HealthCheckRequest{Service: "nobody"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("an error of the service came as %v", err)
	}
	watchThrough(ctx, t, client, state)

	// An unknown method is the server's fault, though HTTP says 200.
	if err := conn.Invoke(ctx, "/no.Such/Method", &healthpb.HealthCheckRequest{}, &healthpb.HealthCheckResponse{}); status.Code(err) != codes.Unimplemented {
		t.Errorf("an unknown method gave %v", err)
	}
	for class, want := range map[string]string{"2xx": "1", "4xx": "1", "5xx": "1", "client_gone": "1"} {
		eventually(t, "calls of class "+class+" are counted", func() bool {
			return requests(t, s, release.Baseline, class, false) == want
		})
	}
}

// TestAnAnswerOfNothingButAStatus must come as one head that ends the stream,
// or gRPC clients take it for a stream that broke off.
func TestAnAnswerOfNothingButAStatus(t *testing.T) {
	s, at := through(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", "14")
		http.NewResponseController(w).Flush()
		select {
		case <-time.After(20 * time.Millisecond):
		case <-r.Context().Done():
		}
	}))
	got, err := h2c(t).Get(at)
	if text := read(t, got, err); text != "" || got.ContentLength != 0 {
		t.Errorf("%q of length %d: the head was sent before its end was known", text, got.ContentLength)
	}
	eventually(t, "it is counted as an error", func() bool {
		return requests(t, s, release.Baseline, "5xx", false) == "1"
	})
}

// watchThrough takes two messages off a stream and leaves it.
func watchThrough(ctx context.Context, t *testing.T, client healthpb.HealthClient, state *health.Server) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := client.Watch(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []healthpb.HealthCheckResponse_ServingStatus{
		healthpb.HealthCheckResponse_SERVING, healthpb.HealthCheckResponse_NOT_SERVING,
	} {
		got, err := stream.Recv()
		if err != nil || got.Status != want {
			t.Fatalf("stream: %v, %v, expected %v", got, err, want)
		}
		state.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	}
}

func TestStreamsAreNotHeldBack(t *testing.T) {
	for name, header := range map[string]http.Header{
		"chunked":      {},
		"events":       {"Content-Type": {"text/event-stream"}},
		"known length": {"Content-Length": {"6"}},
	} {
		t.Run(name, func(t *testing.T) {
			next := make(chan string)
			h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range header {
					w.Header()[k] = v
				}
				http.NewResponseController(w).Flush()
				for part := range next {
					io.WriteString(w, part)
					http.NewResponseController(w).Flush()
				}
			})
			_, at := through(t, h)
			// The head arrives before there is any body,
			got, err := http.Get(at)
			if err != nil {
				t.Fatal(err)
			}
			defer got.Body.Close()
			// and each part before the next one is even made.
			for _, part := range []string{"a1\n", "b2\n"} {
				next <- part
				buf := make([]byte, len(part))
				if _, err := io.ReadFull(got.Body, buf); err != nil || string(buf) != part {
					t.Fatalf("read %q, %v", buf, err)
				}
			}
			close(next)
			if rest, err := io.ReadAll(got.Body); len(rest) > 0 || err != nil {
				t.Errorf("at the end %q, %v", rest, err)
			}
		})
	}
}

func TestTrailersPass(t *testing.T) {
	_, at := through(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "Sum")
		io.WriteString(w, "body")
		w.Header().Set("Sum", "42")
	}))
	got, err := http.Get(at)
	if text := read(t, got, err); text != "body" || got.Trailer.Get("Sum") != "42" {
		t.Errorf("body %q, trailer %v", text, got.Trailer)
	}
}

func TestBigUploadPasses(t *testing.T) {
	const size = 16 << 20
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		fmt.Fprintf(w, "%d %v %x", n, err, sum.Sum(nil))
	})
	_, at := through(t, h)
	block := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	parts := make([]io.Reader, size/len(block))
	sum := sha256.New()
	for i := range parts {
		parts[i] = bytes.NewReader(block)
		sum.Write(block)
	}
	want := fmt.Sprintf("%d <nil> %x", size, sum.Sum(nil))
	for name, client := range map[string]*http.Client{"HTTP/1.1": http.DefaultClient, "HTTP/2": h2c(t)} {
		for i := range parts {
			parts[i] = bytes.NewReader(block)
		}
		got, err := client.Post(at, "application/octet-stream", io.MultiReader(parts...))
		if text := read(t, got, err); text != want {
			t.Errorf("%s: upload arrived as %q, sent %q", name, text, want)
		}
	}
}

// dump answers with the request as it arrived.
func dump(w http.ResponseWriter, r *http.Request) {
	text, _ := httputil.DumpRequest(r, false)
	w.Write(text)
}

func TestRequestsArriveAsSent(t *testing.T) {
	_, at := through(t, http.HandlerFunc(dump))
	r, _ := http.NewRequest(http.MethodGet, at+"/a%2Fb//c?x=1;y=%zz&z", nil)
	r.Host = "shop.example"
	r.Header.Set("Connection", "Keep-Alive, X-Hop")
	r.Header.Set("X-Hop", "drop me")
	r.Header.Set("X-App", "keep me")
	got, err := http.DefaultClient.Do(r)
	text := read(t, got, err)
	for _, want := range []string{"GET /a%2Fb//c?x=1;y=%zz&z HTTP/1.1", "Host: shop.example", "X-App: keep me",
		"X-Forwarded-For: 127.0.0.1\r\n", "X-Forwarded-Host: shop.example", "X-Forwarded-Proto: http\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q did not arrive in\n%s", want, text)
		}
	}
	if strings.Contains(text, "X-Hop") {
		t.Errorf("a hop-by-hop header arrived in\n%s", text)
	}
}

func TestForwardedHeadersOfTrustedPeersOnly(t *testing.T) {
	url := backend(t, http.HandlerFunc(dump)).URL
	s := newServer(t, pair(url, url))
	for peer, want := range map[string][]string{
		"10.0.0.7:1234":     {"X-Forwarded-For: 203.0.113.9, 10.0.0.7\r\n", "X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example", "Forwarded: for=203.0.113.9"},
		"[::1]:1234":        {"X-Forwarded-For: 203.0.113.9, ::1\r\n", "X-Forwarded-Proto: https"},
		"198.51.100.3:1234": {"X-Forwarded-For: 198.51.100.3\r\n", "X-Forwarded-Proto: http\r\n", "X-Forwarded-Host: example.com"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-For", "203.0.113.9")
		r.Header.Set("X-Forwarded-Proto", "https")
		r.Header.Set("X-Forwarded-Host", "shop.example")
		r.Header.Set("Forwarded", "for=203.0.113.9")
		text := send(s, r).Body.String()
		for _, line := range want {
			if !strings.Contains(text, line) {
				t.Errorf("from %s: no %q in\n%s", peer, line, text)
			}
		}
	}
}

// TestNoTunnelPastTheSplitter: an upgrade to h2c, or CONNECT, would let all
// that follows on the connection reach an upstream unseen.
func TestNoTunnelPastTheSplitter(t *testing.T) {
	_, at := through(t, http.HandlerFunc(dump))
	r, _ := http.NewRequest(http.MethodGet, at, nil)
	r.Header.Set("Connection", "Upgrade, HTTP2-Settings")
	r.Header.Set("Upgrade", "h2c")
	r.Header.Set("HTTP2-Settings", "AAMAAABkAAQAAP__")
	got, err := http.DefaultClient.Do(r)
	if text := read(t, got, err); strings.Contains(text, "Upgrade") || strings.Contains(text, "Http2-Settings") {
		t.Errorf("the upgrade arrived in\n%s", text)
	}
	if line := raw(t, at, "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n"); !strings.Contains(line, "405") {
		t.Errorf("CONNECT was answered with %q", line)
	}
	if line := raw(t, at, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"); !strings.Contains(line, " 501 ") && !strings.Contains(line, " 400 ") {
		t.Errorf("a body of two lengths was answered with %q", line)
	}
}

// raw sends bytes and returns the status line that comes back.
func raw(t *testing.T, at, text string) string {
	t.Helper()
	c, err := net.DialTimeout("tcp", strings.TrimPrefix(at, "http://"), patience)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, text)
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}
