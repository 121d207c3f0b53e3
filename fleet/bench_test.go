package fleet_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/linnet-project/linnet/fleet"
	"github.com/linnet-project/linnet/journal"
)

// BenchmarkReleases runs many releases with ten metrics and a look each 15 s on
// SQLite, in real time and with sources that answer at once, and tells what a
// machine needs for them. It takes minutes; LINNET_RELEASES chooses how many.
func BenchmarkReleases(b *testing.B) {
	counts := []string{"1000", "3000", "10000"}
	if chosen := os.Getenv("LINNET_RELEASES"); chosen != "" {
		counts = strings.Split(chosen, ",")
	}
	for _, n := range counts {
		b.Run(n, func(b *testing.B) {
			n, err := strconv.Atoi(n)
			if err != nil {
				b.Fatal(err)
			}
			benchReleases(b, n)
		})
	}
}

const (
	// settling is how long the releases may take until all have looked twice, the
	// first time at an hour of the past; measuring how long it is measured then.
	settling, measuring = 20 * time.Minute, time.Minute
)

func benchReleases(b *testing.B, n int) {
	dir := b.TempDir()
	store, err := journal.Open(b.Context(), dir)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	var mu sync.Mutex
	var took []time.Duration
	failed := 0
	f := fleet.New(fleet.Config{
		Store: store, Assembler: newWorld(), Salt: rand.Text, Now: time.Now,
		OnTurn: func(_ journal.ID, d time.Duration, err error) {
			mu.Lock()
			defer mu.Unlock()
			took = append(took, d)
			if err != nil {
				failed++
			}
		},
	})
	timers := fleet.NewTimers(fleet.TimersConfig{Fleet: f, Queue: store, Now: time.Now})
	began := time.Now()
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	for i := range n {
		name := fmt.Sprintf("service-%d", i)
		if _, err := f.BeginUnchecked(ctx, beginning(file(name+"-2", name))); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%d begun in %s", n, time.Since(began))
	done := make(chan struct{})
	go func() { defer close(done); timers.Run(ctx) }()
	eventually(b, settling, "every release looks each 15 s", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(took) > 3*n && timers.Lag().Oldest < time.Second
	})
	b.Logf("settled after %s", time.Since(began))
	mu.Lock()
	took, failed = took[:0], 0
	mu.Unlock()
	cpu, size, from := used(), folder(b, dir), time.Now()
	pause(b, measuring)
	passed := time.Since(from)
	mu.Lock()
	turns := slices.Sorted(slices.Values(took))
	mu.Unlock()
	b.ReportMetric((used()-cpu).Seconds()/passed.Seconds(), "cores")
	b.ReportMetric(float64(resident(b))/(1<<20), "MiB-RSS")
	b.ReportMetric(float64(folder(b, dir)-size)/(1<<20)/passed.Hours(), "MiB-journal/h")
	b.ReportMetric(float64(len(turns))/passed.Seconds(), "turns/s")
	b.ReportMetric(turns[len(turns)/2].Seconds()*1e3, "ms-p50")
	b.ReportMetric(turns[len(turns)*99/100].Seconds()*1e3, "ms-p99")
	b.ReportMetric(timers.Lag().Oldest.Seconds(), "s-lag")
	mu.Lock()
	b.ReportMetric(float64(failed), "failed")
	mu.Unlock()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MiB-heap")
	stop()
	<-done
	debug.FreeOSMemory()
}

// used is the processor time of this process.
func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident is the memory of this process, in bytes.
func resident(b *testing.B) int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Skip("no /proc here")
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

func folder(b *testing.B, dir string) (size int64) {
	files, err := filepath.Glob(filepath.Join(dir, "linnet.db"))
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			b.Fatal(err)
		}
		size += info.Size()
	}
	return size
}
