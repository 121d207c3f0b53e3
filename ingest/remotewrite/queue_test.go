package remotewrite_test

import (
	"errors"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promconf "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/remotewrite"
)

// Prometheus' own store, log watcher, queue and client write here by version 2.
func TestPrometheusQueueOfVersion2(t *testing.T) {
	d := &door{fail: []error{item.Busy{After: time.Second}}} // it comes again
	receiver := httptest.NewServer(remotewrite.Handler(remotewrite.Config{Receiver: d}))
	defer receiver.Close()

	dir := t.TempDir()
	options := tsdb.DefaultOptions()
	options.EnableExemplarStorage, options.MaxExemplars = true, 10
	db, err := tsdb.Open(dir, nil, nil, options, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	writes := remote.NewWriteStorage(slog.New(slog.DiscardHandler), prometheus.NewRegistry(), dir, time.Second, noTargets{}, false)
	defer writes.Close()
	if err := writes.ApplyConfig(toVersion2(t, receiver.URL)); err != nil {
		t.Fatal(err)
	}
	db.SetWriteNotified(writes)

	orders, waits := labels.FromStrings("__name__", "orders_total", "version", "1.5.0"), labels.FromStrings("__name__", "wait_seconds", "version", "1.5.0")
	now := time.Now().Add(time.Second).UnixMilli() // what was before the queue began is not its business
	app := db.Appender(t.Context())
	_, err = app.Append(0, orders, now, 7)
	_, err2 := app.AppendHistogram(0, waits, now, native(), nil)
	_, err3 := app.AppendExemplar(0, orders, exemplar.Exemplar{Labels: labels.FromStrings("trace_id", "ab"), Value: 1, Ts: now, HasTs: true})
	if err := errors.Join(err, err2, err3, app.Commit()); err != nil {
		t.Fatal(err)
	}

	tick := now
	eventually(t, "the samples", func() bool {
		// The watcher of the log looks when something is committed, else each 15 s.
		tick++
		app := db.Appender(t.Context())
		if _, err := app.Append(0, labels.FromStrings("__name__", "tick"), tick, 1); err != nil {
			t.Fatal(err)
		}
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
		return len(d.latest("orders_total")) == 1 && len(d.latest("wait_seconds")) == 1
	})
	if s := d.latest("orders_total")[orders.String()]; s.V != 7 || s.T != now {
		t.Errorf("the counter came as %+v", s)
	}
	if s := d.latest("wait_seconds")[waits.String()]; s.H == nil || s.H.Count != 3 {
		t.Errorf("the histogram came as %+v", s)
	}
	eventually(t, "the exemplar", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.marks) == 1 && labels.Equal(d.marks[0].Labels, orders) && d.marks[0].Exemplar.Labels.Get("trace_id") == "ab"
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.batches[0].Format != item.RemoteTwo || len(d.refused) > 0 {
		t.Errorf("it came as %s, refused %+v", d.batches[0].Format, d.refused)
	}
}

func toVersion2(t *testing.T, address string) *config.Config {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, "http") {
		t.Fatal(address, err)
	}
	to := config.DefaultRemoteWriteConfig
	to.URL, to.Name = &promconf.URL{URL: u}, "linnet"
	to.ProtobufMessage = "io.prometheus.write.v2.Request"
	to.SendNativeHistograms, to.SendExemplars = true, true
	to.QueueConfig.BatchSendDeadline = model.Duration(100 * time.Millisecond)
	all := config.DefaultConfig
	all.RemoteWriteConfigs = []*config.RemoteWriteConfig{&to}
	return &all
}

// noTargets says that nothing is scraped.
type noTargets struct{}

func (noTargets) Get() (*scrape.Manager, error) { return nil, errors.New("nothing is scraped") }
