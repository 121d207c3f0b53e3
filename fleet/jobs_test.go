package fleet_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linnet-project/linnet/fleet"
)

// A job that panics is told of and called again; the others, and the process, go
// on.
func TestAJobThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		jobs := fleet.NewTickers(slog.New(slog.NewTextHandler(&log, nil)))
		odd, good := 0, 0
		jobs.Every("odd", time.Minute, func(context.Context) error { odd++; panic("boom") })
		jobs.Every("good", time.Minute, func(context.Context) error { good++; return nil })
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
		defer cancel()
		jobs.Run(ctx)
		if odd != 3 || good != 3 || strings.Count(log.String(), "job=odd panic=boom") != 3 {
			t.Errorf("called %d and %d times:\n%s", odd, good, &log)
		}
	})
}
