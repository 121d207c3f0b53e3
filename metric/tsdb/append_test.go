package tsdb

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/release"
)

func TestSamplesAreAppendedLateToo(t *testing.T) {
	s := open(t, Config{OutOfOrder: time.Hour})
	end := time.Now().Truncate(time.Second)
	put := func(at time.Time, v float64) {
		app := s.Appender(context.Background())
		if _, err := app.Append(0, labels.FromStrings("__name__", "orders_total", "version", "canary"), at.UnixMilli(), v); err != nil {
			t.Fatal(err)
		}
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	put(end, 9)
	put(end.Add(-time.Minute), 4) // late
	put(end.Add(-time.Minute), 4) // again
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	got, err := s.Observe(t.Context(), release.Query{
		Metric:  release.Metric{Name: "orders", Kind: release.Count, Events: "orders_total"},
		Arms:    arms,
		Windows: []release.Window{{From: end.Add(-30 * time.Second), To: end}},
	})
	if err != nil || len(got.Observations) != 1 || got.Observations[0].Events != 5 {
		t.Fatalf("%+v, %v", got, err)
	}
}
