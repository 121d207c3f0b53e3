package forward

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/metric/tsdb"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testprogram"
)

// What the embedded store takes is in a real Prometheus soon after, also what was
// taken while that was away.
func TestForwardToPrometheus(t *testing.T) {
	store, err := tsdb.Open(tsdb.Config{Dir: t.TempDir(), Now: time.Now, OutOfOrder: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	m := testprogram.NewPrometheus(t, "global: {}\n", "--web.enable-remote-write-receiver")
	f, err := Start(store, Config{URL: m.URL + "/api/v1/write", Timeout: time.Second})
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
	m.Start(t)
	await(t, m, "max_over_time(orders_total[10m])", "39")
	await(t, m, "count_over_time(orders_total[10m]) > bool 20", "1")
	put(40)
	await(t, m, "orders_total", "40")
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

// await waits until a query of a Prometheus has a value.
func await(t *testing.T, m *testprogram.Prometheus, query, want string) {
	t.Helper()
	last := ""
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(60 * time.Second); ; {
		select {
		case <-deadline:
			t.Fatalf("Prometheus says that %s is %s, not %s", query, last, want)
		case <-ticker.C:
		}
		resp, err := http.Get(m.URL + "/api/v1/query?query=" + url.QueryEscape(query))
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
