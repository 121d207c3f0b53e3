package app_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/linnet-project/linnet/ingest"
	"github.com/linnet-project/linnet/ingest/fold"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/otlp"
	"github.com/linnet-project/linnet/ingest/rules"
	"github.com/linnet-project/linnet/metric/tsdb"
	"github.com/linnet-project/linnet/spec"
)

// quickRules are the default rules with windows that are over soon.
type quickRules struct{ *rules.Rules }

func (quickRules) Terms() fold.Terms { return fold.Terms{Window: time.Second, Lateness: time.Second} }

// loud is a quarantine that nothing may come into.
type loud struct{ t *testing.T }

func (l loud) Put(_ context.Context, b item.Batch, r []item.Refusal) error {
	l.t.Errorf("refused of %s: %d, %s: %s", b.Sender, len(r), r[0].Code, r[0].Text)
	return nil
}

// openFront opens a front door, and a store behind it that answers queries.
func openFront(t *testing.T) front {
	t.Helper()
	dir := t.TempDir()
	store, err := tsdb.Open(tsdb.Config{Dir: filepath.Join(dir, "store"), OutOfOrder: time.Hour, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	checked, err := rules.New(spec.DefaultIngest())
	if err != nil {
		t.Fatal(err)
	}
	door, err := ingest.Open(t.Context(), ingest.Config{
		Dir: filepath.Join(dir, "door"), Store: store, Rules: quickRules{checked}, Quarantine: loud{t}, Now: time.Now,
		Decoders: map[item.Format]ingest.Decoder{item.OTLPMetrics: otlp.Metrics, item.OTLPTraces: otlp.Spans{}.Decode},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = door.Close() })
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	overHTTP, overGRPC := listen(), listen()
	served := make(chan error, 2)
	mux := http.NewServeMux()
	mux.Handle("/v1/", otlp.Handler(otlp.Config{Receiver: door}))
	mux.Handle("/api/", store.Handler())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { served <- server.Serve(overHTTP) }()
	rpc := otlp.NewServer(otlp.Config{Receiver: door})
	go func() { served <- rpc.Serve(overGRPC) }()
	t.Cleanup(func() {
		_ = server.Close()
		rpc.Stop()
		<-served
		<-served
	})
	return front{overHTTP: overHTTP.Addr().String(), overGRPC: overGRPC.Addr().String(), source: fmt.Sprintf("{ prometheus: { url: 'http://%s' } }", overHTTP.Addr())}
}
