package webhook_test

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
	"github.com/linnet-project/linnet/traffic/webhook"
)

func rules() split.Rules { return split.Rules{Service: service, Arms: arms[:2]} }

func route() release.Route {
	return release.Route{Service: service, Weights: split.Of(arms[:2], []release.Weight{90_000, 10_000}), Epoch: 7, Owner: "checkout-1.5.0/1"}
}

// asked is a router of an endpoint that answers as told.
func asked(t *testing.T, answer http.HandlerFunc, change func(*webhook.Config)) split.Router {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	cfg := webhook.Config{Rules: rules(), URL: server.URL + "/split"}
	if change != nil {
		change(&cfg)
	}
	router, err := webhook.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return router
}

// TestWhatTheEndpointGets is what the docs promise.
func TestWhatTheEndpointGets(t *testing.T) {
	var got *http.Request
	var body []byte
	file := write(t, filepath.Join(t.TempDir(), "token"), token)
	router := asked(t, func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}, func(c *webhook.Config) {
		c.URL += "?pool=a"
		c.BearerTokenFile, c.Headers = file, map[string]string{"X-Team": "payments"}
	})
	if err := router.Apply(t.Context(), route()); err != nil {
		t.Fatal(err)
	}
	if got.Method != http.MethodPost || got.URL.String() != "/split?pool=a" || got.Header.Get("Content-Type") != "application/json" ||
		got.Header.Get("Authorization") != "Bearer "+token || got.Header.Get("X-Team") != "payments" {
		t.Errorf("the request is %s %s with %v", got.Method, got.URL, got.Header)
	}
	const want = `{"version":1,"operation":"apply","service":"checkout","arms":["baseline","candidate"],` +
		`"route":{"weights":[{"arm":"baseline","weight":90000},{"arm":"candidate","weight":10000}],"epoch":7,"owner":"checkout-1.5.0/1"}}`
	if string(body) != want {
		t.Errorf("the request is\n%s, expected\n%s", body, want)
	}
	write(t, file, "another")
	if err := router.Apply(t.Context(), route()); err != nil || got.Header.Get("Authorization") != "Bearer another" {
		t.Errorf("a token that was changed is sent as %q (%v)", got.Header.Get("Authorization"), err)
	}
}

func TestStatuses(t *testing.T) {
	for status, meaning := range map[int]error{
		200: nil, 204: nil, 400: release.ErrInvalid, 401: release.ErrInvalid, 403: release.ErrInvalid, 404: release.ErrNotFound,
		405: release.ErrInvalid, 408: release.ErrUnavailable, 409: release.ErrConflict, 412: release.ErrConflict, 413: release.ErrInvalid,
		422: release.ErrInvalid, 429: release.ErrUnavailable, 500: release.ErrUnavailable, 502: release.ErrUnavailable, 503: release.ErrUnavailable,
	} {
		router := asked(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }, nil)
		if err := router.Apply(t.Context(), route()); !errors.Is(err, meaning) {
			t.Errorf("status %d: %v, expected %v", status, err, meaning)
		}
	}
}

// TestErrorsHoldNoKey: a key in the URL stays out of errors though the endpoint
// repeats it.
func TestErrorsHoldNoKey(t *testing.T) {
	router := asked(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"error": "key %s is not known (%s)"}`, r.URL.Query().Get("key"), r.URL.RawQuery)
	}, func(c *webhook.Config) { c.URL += "?pool=a&key=hunter%2022" })
	err := router.Apply(t.Context(), route())
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "is not known") || strings.Contains(err.Error(), "hunter") {
		t.Errorf("%v", err)
	}
}

// TestRedirectsAreNotFollowed: a token must not go where somebody else points.
func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked elsewhere, with %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		router := asked(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) }, nil)
		if err := router.Apply(t.Context(), route()); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "redirect") {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

func TestAnswersHaveABound(t *testing.T) {
	router := asked(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			io.WriteString(w, strings.Repeat(" ", 1<<16))
		}
	}, nil)
	if _, err := router.Observed(t.Context()); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "65536 bytes") {
		t.Errorf("a long answer: %v", err)
	}
}

// TestPatienceEnds where the head, or the body, does not come.
func TestPatienceEnds(t *testing.T) {
	for name, begin := range map[string]string{"no head": "", "no body": `{"route":`} {
		router := asked(t, func(w http.ResponseWriter, r *http.Request) {
			if begin != "" {
				io.WriteString(w, begin)
				http.NewResponseController(w).Flush()
			}
			io.Copy(io.Discard, r.Body) // or the server does not see the client leave
			<-r.Context().Done()
		}, func(c *webhook.Config) { c.Timeout = 200 * time.Millisecond })
		if _, err := router.Observed(t.Context()); !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "no answer within 200ms") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEndpointsThatAreNone(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for _, c := range []struct {
		url     string
		meaning error
		says    string
	}{
		{"http://" + closed.Addr().String() + "/?key=" + token, release.ErrUnavailable, "refused"},
		{"https://" + plain.Listener.Addr().String(), release.ErrInvalid, "does not speak TLS"},
	} {
		router, err := webhook.New(webhook.Config{Rules: rules(), URL: c.url})
		if err != nil {
			t.Fatal(err)
		}
		if err = router.Apply(t.Context(), route()); !errors.Is(err, c.meaning) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v, expected %q with %q", c.url, err, c.meaning, c.says)
		}
	}
}

// TestCertificates: the server's is checked against the file, and one of our own
// is shown.
func TestCertificates(t *testing.T) {
	var shown int
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { shown = len(r.TLS.PeerCertificates) }))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	defer server.Close()
	dir := t.TempDir()
	ca := write(t, filepath.Join(dir, "ca.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	for _, c := range []struct {
		name   string
		change func(*webhook.Config)
		good   bool
	}{
		{"unknown", func(*webhook.Config) {}, false},
		{"by its file", func(c *webhook.Config) { c.CAFile = ca }, true},
		{"by its file and name", func(c *webhook.Config) { c.CAFile, c.ServerName = ca, "example.com" }, true},
		{"by its file and another name", func(c *webhook.Config) { c.CAFile, c.ServerName = ca, "other.test" }, false},
		{"not checked", func(c *webhook.Config) { c.Insecure = true }, true},
	} {
		cfg := webhook.Config{Rules: rules(), URL: server.URL}
		c.change(&cfg)
		router, err := webhook.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		err = router.Apply(t.Context(), route())
		if c.good && err != nil || !c.good && (!errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "caFile")) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	key, certificate := keyPair(t)
	router, err := webhook.New(webhook.Config{
		Rules: rules(), URL: server.URL, CAFile: ca,
		CertFile: write(t, filepath.Join(dir, "cert.pem"), certificate), KeyFile: write(t, filepath.Join(dir, "key.pem"), key),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := router.Apply(t.Context(), route()); err != nil || shown != 1 {
		t.Errorf("%d certificates shown, %v", shown, err)
	}
	if err := os.Remove(filepath.Join(dir, "key.pem")); err != nil {
		t.Fatal(err)
	}
	if err := router.Apply(t.Context(), route()); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "keyFile") {
		t.Errorf("without its key: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	empty := write(t, filepath.Join(dir, "empty"), " \n")
	const url = "http://localhost/"
	for says, cfg := range map[string]webhook.Config{
		"url must":                      {},
		"without user and password":     {URL: "http://me:" + token + "@localhost/"},
		"certFile and keyFile":          {URL: url, CertFile: empty},
		"timeout":                       {URL: url, Timeout: -1},
		"must hold a token on one line": {URL: url, BearerTokenFile: empty},
		"no such file":                  {URL: url, BearerTokenFile: filepath.Join(dir, "none")},
		"holds no certificate":          {URL: url, CAFile: empty},
	} {
		_, err := webhook.New(cfg)
		if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), token) {
			t.Errorf("%v, expected %q", err, says)
		}
	}
}
