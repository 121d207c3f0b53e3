package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/spec"
)

// aDoor opens a door on free ports. It is closed at the end, or before.
func aDoor(t *testing.T, data string) (_ *frontDoor, end func()) {
	t.Helper()
	log, in := slog.New(slog.DiscardHandler), spec.DefaultIngest()
	c := storeConfig(in, log)
	c.Dir, c.Retention = filepath.Join(data, "metrics-default"), time.Hour
	store, err := openStore(c)
	if err != nil {
		t.Fatal(err)
	}
	d, err := openDoor(t.Context(), doorConfig{
		Receive: spec.Receive{Listen: "127.0.0.1:0", GRPC: "127.0.0.1:0"}, rules: in, data: data, service: defaultDoor, store: store, log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		if err := errors.Join(d.close(10*time.Second), store.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return d, end
}

// A door that is stopped before it is open has stopped, and nothing is wrong.
func TestServeIsStoppedWhileTheLogIsReadAgain(t *testing.T) {
	data := t.TempDir()
	d, end := aDoor(t, data)
	b := item.Batch{Format: item.EventsJSON, Body: []byte(`{"service":"shop","version":"1","outcome":"ok"}` + "\n")}
	if r, err := d.door.Receive(t.Context(), b); err != nil || r.Accepted != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	end()
	for _, name := range []string{"checkpoint", "checkpoint.before"} {
		if err := os.Remove(filepath.Join(doorFolder(data, defaultDoor), name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	var said bytes.Buffer
	p := &process{out: &said, err: &said, data: data, logFormat: "text", logLevel: defaultLogLevel}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := p.serveIngest(ctx, ingestOptions{service: defaultDoor, listen: "127.0.0.1:0"}); err != nil {
		t.Errorf("it ends with %v", err)
	}
	if text := said.String(); !strings.Contains(text, "stopped while the log was read again") || strings.Contains(text, "canceled") {
		t.Errorf("it says %q", text)
	}
}
