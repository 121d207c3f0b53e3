package forward

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/metric/tsdb"
	"github.com/linnet-project/linnet/release"
)

// What the embedded store takes is in a real Prometheus soon after, also what was
// taken while that was away.
func TestForwardToPrometheus(t *testing.T) {
	store, err := tsdb.Open(tsdb.Config{Dir: t.TempDir(), Now: time.Now, OutOfOrder: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	m := newMonitor(t)
	f, err := Start(store, Config{URL: m.url + "/api/v1/write", Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	put := func(v float64) {
		app := store.Appender(context.Background())
		if _, err := app.Append(0, labels.FromStrings("__name__", "orders_total", "version", "2"), time.Now().UnixMilli(), v); err != nil {
			t.Fatal(err)
		}
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	// Nobody listens yet; and what comes in the first moments may be older than
	// the beginning of the forwarding.
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for i := range 40 {
		put(float64(i))
		<-ticker.C
	}
	m.start()
	m.await("max_over_time(orders_total[10m])", "39")
	m.await("count_over_time(orders_total[10m]) > bool 20", "1")
	put(40)
	m.await("orders_total", "40")
}

func TestForwardRefusesWhatCannotBe(t *testing.T) {
	store, err := tsdb.Open(tsdb.Config{Dir: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, c := range []Config{{}, {URL: "mimir:8080"}, {URL: "http://me:secret@mimir/push"}} {
		if _, err := Start(store, c); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// monitor is a real Prometheus that takes remote write.
type monitor struct {
	t                *testing.T
	binary, dir, url string
}

func newMonitor(t *testing.T) *monitor {
	t.Helper()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("prometheus is not installed (apt-get install prometheus), and CI must not skip the tests with it")
		}
		t.Skip("prometheus is not installed (apt-get install prometheus): the test with a real Prometheus is skipped")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return &monitor{t: t, binary: binary, dir: t.TempDir(), url: "http://" + l.Addr().String()}
}

func (m *monitor) start() {
	m.t.Helper()
	config := filepath.Join(m.dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte("global: {}\n"), 0o600); err != nil {
		m.t.Fatal(err)
	}
	u, err := url.Parse(m.url)
	if err != nil {
		m.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, m.binary, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(m.dir, "data"),
		"--web.listen-address="+u.Host, "--web.enable-remote-write-receiver")
	c.WaitDelay = 5 * time.Second
	if err := c.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() {
		cancel()
		_ = c.Wait() // it was killed
	})
}

// await waits until a query has a value.
func (m *monitor) await(query, want string) {
	m.t.Helper()
	last := ""
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(60 * time.Second); ; {
		select {
		case <-deadline:
			m.t.Fatalf("Prometheus says that %s is %s, not %s", query, last, want)
		case <-ticker.C:
		}
		resp, err := http.Get(m.url + "/api/v1/query?query=" + url.QueryEscape(query))
		if err != nil {
			last = err.Error()
			continue
		}
		var said struct {
			Data struct {
				Result []struct {
					Metric map[string]string
					Value  [2]any
				}
			}
		}
		err = json.NewDecoder(resp.Body).Decode(&said)
		resp.Body.Close()
		if err == nil && len(said.Data.Result) == 1 {
			if last = said.Data.Result[0].Value[1].(string); last == want && said.Data.Result[0].Metric["version"] == "2" {
				return
			}
		}
	}
}
