package api_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/database/databasetest"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
)

// BenchmarkReads asks for one release and for a list of 50, in turn, over loopback
// connections that stay open, while releases look as often as 10,000 of them do
// at a look each 15 s.
func BenchmarkReads(b *testing.B) {
	w := newWorld(b, databasetest.Folder(b))
	ids := w.many(b, 2_000)
	ctx, stop := context.WithCancel(b.Context())
	var writers sync.WaitGroup
	writers.Go(func() { w.look(ctx, b, ids) })
	const clients = 8
	took := make([][]time.Duration, clients)
	var wg sync.WaitGroup
	before := processor(b)
	b.ResetTimer()
	for c := range clients {
		wg.Go(func() {
			conn, err := net.Dial("tcp", strings.TrimPrefix(w.server.URL, "http://"))
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			in := bufio.NewReaderSize(conn, 64<<10)
			for n := range b.N / clients {
				path := fmt.Sprintf("/v1/releases/%s/1", ids[(n*clients+c)%len(ids)].Name)
				if n%2 == 0 {
					path = "/v1/releases?limit=50"
				}
				began := time.Now()
				if err := get(conn, in, path); err != nil {
					b.Error(err)
					return
				}
				took[c] = append(took[c], time.Since(began))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	spent := processor(b) - before
	stop()
	writers.Wait()
	all := slices.Concat(took...)
	slices.Sort(all)
	if len(all) > 0 {
		b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "reads/s")
		b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "ms-p99")
		b.ReportMetric(float64(spent.Microseconds())/float64(len(all)), "us-cpu/read")
	}
}

// BenchmarkServices lists 50 services with 10,000 releases.
func BenchmarkServices(b *testing.B) {
	w := newWorld(b, databasetest.Folder(b))
	w.many(b, 10_000)
	err := w.db.Write(b.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(b.Context(), `UPDATE releases SET service = 'service-' || id % 50, outcome = 'promoted', promoted = started + 1000000000 * (id % 3600) WHERE id % 200 > 0`)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		w.ask("GET", "/v1/services", "").want(200, nil)
	}
}

// processor is the processor time that this process has taken: server, clients and
// the releases that look.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// get asks once, as cheaply as can be: the client shares the machine.
func get(conn net.Conn, in *bufio.Reader, path string) error {
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path); err != nil {
		return err
	}
	r, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if _, err := io.Copy(io.Discard, r.Body); err != nil || r.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d, %w", path, r.StatusCode, err)
	}
	return nil
}

// many begins releases.
func (w *world) many(b *testing.B, n int) []journal.ID {
	text := []byte(file("checkout-1", "red", 5))
	sum := sha256.Sum256(text)
	ids := make([]journal.ID, n)
	for i := range ids {
		ids[i] = journal.ID{Name: fmt.Sprintf("checkout-%d", i), Attempt: 1}
		now := time.Now().UTC()
		e := engine.Started{At: now, Attempt: 1, Methods: 1, By: "ann@example.com",
			Plan: plan.Plan{Name: ids[i].Name, Service: "checkout", Hash: hex.EncodeToString(sum[:]), Steps: []plan.Step{{Weight: 5000}}, Every: 15 * time.Second}}
		s, d, _ := engine.Step(engine.State{}, e)
		if err := w.store.Begin(b.Context(), ids[i], text, journal.Record{At: now, Event: e, Decision: d}, &s); err != nil {
			b.Fatal(err)
		}
	}
	return ids
}

// look writes 667 quiet looks a second.
func (w *world) look(ctx context.Context, b *testing.B, ids []journal.ID) {
	tick := time.NewTicker(time.Second / 667)
	defer tick.Stop()
	states := map[journal.ID]engine.State{}
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		id := ids[n%len(ids)]
		s, ok := states[id]
		if !ok {
			var err error
			if s, _, err = w.store.Load(ctx, id, func(s engine.State, e engine.Event) engine.State { n, _, _ := engine.Step(s, e); return n }); err != nil {
				return
			}
		}
		now := time.Now().UTC()
		e := engine.Looked{At: now}
		next, d, _ := engine.Step(s, e)
		if err := w.store.Append(ctx, id, s.Seq, journal.Record{At: now, Event: e, Decision: d}, &next); err != nil {
			if ctx.Err() == nil {
				b.Error(err)
			}
			return
		}
		states[id] = next
	}
}
