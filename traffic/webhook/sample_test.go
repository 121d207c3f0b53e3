package webhook_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testprogram"
	"github.com/linnet-project/linnet/traffic/chaos"
	"github.com/linnet-project/linnet/traffic/split"
	"github.com/linnet-project/linnet/traffic/trafficconf"
	"github.com/linnet-project/linnet/traffic/webhook"
)

const (
	service = "checkout"
	token   = "a-token-that-nobody-may-read"
)

var (
	arms      = []string{release.Baseline, release.Candidate, "third"}
	abilities = []release.Ability{release.ManyArms}
)

// sample is the sample endpoint as a process, behind a front that fails when it
// is told to.
type sample struct {
	t     *testing.T
	dir   string
	url   string // of the sample itself
	front *httptest.Server
	fault atomic.Value // a trafficconf.Fault, "" for none
	freed chan struct{}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newSample(t *testing.T) *sample {
	t.Helper()
	s := &sample{t: t, dir: t.TempDir(), freed: make(chan struct{})}
	s.fault.Store(trafficconf.Fault(""))
	file := write(t, filepath.Join(s.dir, "token"), token+"\n")
	cmd := exec.Command(testprogram.Find(t, "python3", "python3", "/usr/bin"), "../../examples/providers/serve.py", filepath.Join(s.dir, "split.json"), file)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the sample does not say where it is: %v", err)
	}
	s.url = strings.TrimSpace(line)
	s.front = httptest.NewServer(s)
	t.Cleanup(func() {
		close(s.freed)
		s.front.Close()
	})
	return s
}

// ServeHTTP passes requests on, or fails.
func (s *sample) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	switch s.fault.Load().(trafficconf.Fault) {
	case trafficconf.Throttled:
		http.Error(w, "slow down, "+r.Header.Get("Authorization"), http.StatusTooManyRequests)
	case trafficconf.Failing:
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, `{"error": "internal error for `+r.Header.Get("Authorization")+`"}`)
	case trafficconf.Hanging:
		select {
		case <-r.Context().Done():
		case <-s.freed:
		}
	case trafficconf.Broken:
		s.pass(httptest.NewRecorder(), r, text)
		panic(http.ErrAbortHandler)
	case trafficconf.Forbidden:
		http.Error(w, "no", http.StatusForbidden)
	case trafficconf.Missing:
		http.NotFound(w, r)
	case trafficconf.Contested:
		http.Error(w, "busy", http.StatusConflict)
	case trafficconf.Lying:
		if strings.Contains(string(text), `"operation":"apply"`) {
			io.WriteString(w, "{}")
			return
		}
		s.pass(w, r, text)
	default:
		s.pass(w, r, text)
	}
}

func (s *sample) pass(w http.ResponseWriter, r *http.Request, text []byte) {
	to, err := http.NewRequest(r.Method, s.url, strings.NewReader(string(text)))
	if err != nil {
		s.t.Error(err)
		return
	}
	to.Header = r.Header
	got, err := http.DefaultClient.Do(to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer got.Body.Close()
	w.WriteHeader(got.StatusCode)
	io.Copy(w, got.Body)
}

func (s *sample) fail(f trafficconf.Fault) func() {
	if f == trafficconf.Unreachable {
		return nil // TestEndpointsThatAreNone
	}
	s.fault.Store(f)
	return func() { s.fault.Store(trafficconf.Fault("")) }
}

func theSample(t *testing.T) trafficconf.Harness {
	s := newSample(t)
	router, err := webhook.New(webhook.Config{
		Rules: split.Rules{Service: service, Arms: arms, Abilities: abilities, Grain: 100},
		URL:   s.front.URL + "/split?key=" + token, BearerTokenFile: filepath.Join(s.dir, "token"), Timeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return trafficconf.Harness{
		Router: router, Service: service, Arms: arms, Abilities: abilities, Grain: 100, Fences: true,
		Break: s.fail, Secret: token,
	}
}

// TestTheSampleConforms: the sample of docs/own-provider.md is all that a
// provider has to be.
func TestTheSampleConforms(t *testing.T) { trafficconf.Exercise(t, theSample) }

func TestTheSampleInChaos(t *testing.T) { chaos.Exercise(t, theSample) }

// TestTheSampleAsksForItsToken.
func TestTheSampleAsksForItsToken(t *testing.T) {
	s := newSample(t)
	for _, with := range []string{"", "Bearer wrong", "Bearer \xff"} {
		r, err := http.NewRequest(http.MethodPost, s.url, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header["Authorization"] = []string{with}
		got, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		got.Body.Close()
		if got.StatusCode != http.StatusUnauthorized {
			t.Errorf("with %q: %d", with, got.StatusCode)
		}
	}
}
