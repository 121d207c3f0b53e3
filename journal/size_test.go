package journal

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
)

// A release is looked at thousands of times and nearly all looks are quiet:
// each may cost 1 KiB, as a row and as growth of the file.
const quietMost = 1024

func TestQuietLookIsSmall(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	var packs packer
	plain, packed, largest := 0, 0, 0
	const looks = 200
	for seq := range uint64(looks) {
		body, err := encodeRecord(quietLook(random, seq+1))
		if err != nil {
			t.Fatal(err)
		}
		row, err := packs.pack(body)
		if err != nil {
			t.Fatal(err)
		}
		size := len(row) + len(Hash{}) + 24 // ids, sequence and form, at their longest
		plain, packed, largest = plain+len(body), packed+size, max(largest, size)
	}
	t.Logf("a quiet look: %d bytes as JSON, %d as a row, %d at most", plain/looks, packed/looks, largest)
	if largest > quietMost {
		t.Errorf("a quiet look costs up to %d bytes, want at most %d", largest, quietMost)
	}
}

func TestFileGrowsSlowly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := opened(t, dir, quick())
	begin1(t, s, checkout)
	size := func() int64 {
		t.Helper()
		if err := s.db.Alone(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, database.FileName))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	const looks = 1000
	follow(t, s, checkout, 1+looks)
	growth := (size() - before) / looks
	t.Logf("the file grew by %d bytes a look", growth)
	if growth > quietMost {
		t.Errorf("the file grew by %d bytes a look, want at most %d", growth, quietMost)
	}
}

func BenchmarkAppend(b *testing.B) {
	s := opened(b, b.TempDir(), defaults())
	begin1(b, s, checkout)
	random := rand.New(rand.NewPCG(5, 6))
	looks := make([]Record, 100)
	for i := range looks {
		looks[i] = quietLook(random, 0)
	}
	b.ReportAllocs()
	seq := uint64(1)
	for b.Loop() {
		rec := looks[seq%100]
		if err := s.Append(b.Context(), checkout, seq, rec, &engine.State{Seq: seq + 1}); err != nil {
			b.Fatal(err)
		}
		seq++
	}
}

func BenchmarkVerify(b *testing.B) {
	s := begun(b)
	follow(b, s, checkout, 1000)
	for b.Loop() {
		if _, err := s.Verify(b.Context(), checkout); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "records/s")
}
