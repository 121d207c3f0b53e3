package app_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/linnet-project/linnet/demo"
)

// spans is a collector of traces.
type spans struct {
	*httptest.Server
	mu sync.Mutex
	// in are the names of spans by trace, of the one release that a trace is of.
	in map[string][]string
	of map[string]string
}

func collects(t *testing.T) *spans {
	c := &spans{in: map[string][]string{}, of: map[string]string{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(body)
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL, err)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range got.ResourceSpans().All() {
			for _, scope := range resource.ScopeSpans().All() {
				for _, span := range scope.Spans().All() {
					id := span.TraceID().String()
					c.in[id] = append(c.in[id], span.Name())
					release, ok := span.Attributes().Get("linnet.release")
					if ok && c.of[id] != "" && c.of[id] != release.Str() {
						t.Errorf("a trace is of %s and of %s", c.of[id], release.Str())
					}
					if ok {
						c.of[id] = release.Str()
					}
				}
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// A server's traces are one for each turn, with what was done in it; each line of
// its log that is about a release says which, and up to which record it goes.
func TestWhatAServerTellsItsOperators(t *testing.T) {
	t.Parallel()
	c := collects(t)
	d := drive(t, "traced", demo.None, "")
	p := linnet(t, "serve", "--data", d.data, "--listen", "127.0.0.1:0", "--config", filepath.Join(d.dir, "server.yaml"),
		"--log-level", "debug", "--log-format", "json", "--otlp", c.URL+"/v1/traces")
	server := p.says(`serving on (http://\S+)`)[1]
	expect(t, 0, []string{"release", "create", "--server", server, "-f", d.put("one.yaml", d.file("traced-one"))}, "begun")
	expect(t, 0, []string{"release", "watch", "traced-one", "--server", server}, "promoted")
	p.signal(syscall.SIGTERM)
	p.exits(0)

	c.mu.Lock()
	defer c.mu.Unlock()
	turns, looks := 0, 0
	for id, names := range c.in {
		n := 0
		for _, name := range names {
			if name == "linnet.turn" {
				n++
			}
		}
		if n != 1 || !strings.HasPrefix(c.of[id], "traced-") {
			t.Errorf("a trace of %q has %d turns: %v", c.of[id], n, names)
		}
		turns++
		if slices.Contains(names, "linnet.gather") && slices.Contains(names, "linnet.record") {
			looks++
		}
	}
	if turns < 5 || looks < 3 {
		t.Errorf("%d traces, %d of them looked", turns, looks)
	}
	lines := 0
	for line := bufio.NewScanner(strings.NewReader(p.said.String())); line.Scan(); {
		var said map[string]any
		if json.Unmarshal(line.Bytes(), &said) != nil {
			continue // for people: that it serves
		}
		release, about := said["release"].(string)
		if !about && strings.Contains(line.Text(), "traced-") {
			if _, route := said["owner"]; !route {
				t.Errorf("about a release, and does not say which: %s", line.Text())
			}
		}
		if !about {
			continue
		}
		lines++
		if seq, ok := said["seq"].(float64); !ok || seq < 0 || !strings.HasSuffix(release, "/1") {
			t.Errorf("does not say the attempt, or the record: %s", line.Text())
		}
	}
	if lines < 2 {
		t.Errorf("%d lines are about a release:\n%s", lines, p.said)
	}
	t.Logf("%d traces, %d looks, %d lines", turns, looks, lines)
}
