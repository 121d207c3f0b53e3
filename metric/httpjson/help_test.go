package httpjson_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/httpjson"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

var (
	noon = time.Date(2025, 6, 2, 12, 0, 0, 0, time.UTC)
	arms = []release.Arm{
		{Name: release.Baseline, Version: "1.4.1", Labels: map[string]string{"version": "1.4.1"}},
		{Name: release.Candidate, Version: "1.5.0", Labels: map[string]string{"version": "1.5.0"}},
	}
)

// minutes is the window from some minutes after noon to others.
func minutes(from, to int) release.Window {
	return release.Window{From: noon.Add(time.Duration(from) * time.Minute), To: noon.Add(time.Duration(to) * time.Minute)}
}

// request is what a server was asked.
type request struct {
	method, path, query, body string
	header                    http.Header
}

// vendor is a server of a test, which remembers what it was asked.
type vendor struct {
	*httptest.Server
	mu    sync.Mutex
	asked []request
}

// serve answers every request with what answer says of it; an empty answer is a
// refusal of the key.
func serve(t *testing.T, answer func(n int, r request) (status int, body string)) *vendor {
	t.Helper()
	v := &vendor{}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		one := request{r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header}
		v.mu.Lock()
		n := len(v.asked)
		v.asked = append(v.asked, one)
		v.mu.Unlock()
		status, text := answer(n, one)
		if status == http.StatusTooManyRequests {
			w.Header().Set("X-RateLimit-Reset", "60")
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) requests() []request {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.asked)
}

func secretFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, c httpjson.Config) *httpjson.Source {
	t.Helper()
	s, err := httpjson.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// preset opens a vendor's row of the table against a server.
func preset(t *testing.T, name, url string, settings map[string]string) *httpjson.Source {
	t.Helper()
	c, err := httpjson.Vendor(name, httpjson.Use{Settings: settings, Access: web.Config{URL: url}})
	if err != nil {
		t.Fatal(err)
	}
	return open(t, c)
}

// observe asks both arms; an error fails the test.
func observe(t *testing.T, s *httpjson.Source, m release.Metric, windows ...release.Window) release.Answer {
	t.Helper()
	m.Name = "errors"
	a, err := s.Observe(context.Background(), release.Query{Metric: m, Arms: arms, Windows: windows})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// want checks bad and all events of an arm in a window.
func want(t *testing.T, a release.Answer, arm, segment string, w release.Window, events int64, of float64) {
	t.Helper()
	for _, o := range a.Observations {
		if o.Arm == arm && o.Segment == segment && o.Window == w {
			if o.Events != events || o.Of != of {
				t.Errorf("%s %s: %d of %g, want %d of %g", arm, segment, o.Events, o.Of, events, of)
			}
			return
		}
	}
	t.Errorf("%s %s: no observation; got %+v, warnings %q", arm, segment, a.Observations, a.Warnings)
}

func wantText(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%s %q does not say %q", what, text, word)
		}
	}
}

// httpServer answers with whatever body holds.
func httpServer(t testing.TB, body *atomic.Value) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, body.Load().(string))
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}
