package fleet_test

import (
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/linnet-project/linnet/fleet"
	"github.com/linnet-project/linnet/journal"
)

// BenchmarkTurn takes one turn after the other, of a hundred releases with ten
// metrics, and tells the processor time of each.
func BenchmarkTurn(b *testing.B) {
	store, err := journal.Open(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	var at atomic.Int64
	at.Store(time.Now().UnixNano())
	f := fleet.New(fleet.Config{Store: store, Assembler: newWorld(), Salt: rand.Text, Now: func() time.Time { return time.Unix(0, at.Load()) }})
	var ids []journal.ID
	for i := range 100 {
		name := fmt.Sprintf("service-%d", i)
		id, err := f.BeginUnchecked(b.Context(), beginning(file(name+"-2", name)))
		if err != nil {
			b.Fatal(err)
		}
		ids = append(ids, id)
	}
	turn := func(i int) {
		if i%len(ids) == 0 {
			at.Add(int64(15 * time.Second))
		}
		if _, err := f.Turn(b.Context(), ids[i%len(ids)]); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 20 * len(ids) {
		turn(i)
	}
	cpu := used()
	b.ResetTimer()
	for i := range b.N {
		turn(i)
	}
	b.ReportMetric((used()-cpu).Seconds()*1e6/float64(b.N), "cpu-µs/turn")
}
