package rows

import (
	"math"
	"slices"
	"sync"

	"github.com/linnet-project/linnet/release"
)

// mostBounds is how many bounds of a metric are remembered.
const mostBounds = 200

// Bounds remembers the bounds of sparse buckets, by metric. Where a window has
// values in none but the slowest buckets, nobody would know else that they lie
// above the bounds of the others. The zero value knows none, and is ready for
// concurrent use.
type Bounds struct {
	mu    sync.Mutex
	known map[string][]float64
}

// Observe is the function of that name, where the buckets of answers before are
// there, too.
func (b *Bounds) Observe(q release.Query, rows []Row, warnings ...string) (release.Answer, error) {
	return observe(q, rows, b.learn(q.Metric, rows), warnings)
}

// learn takes the bounds of an answer, and gives those of all.
func (b *Bounds) learn(m release.Metric, rows []Row) []float64 {
	if m.Kind != release.Histogram {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.known[m.Name]
	for i := range rows {
		r := &rows[i]
		if r.Role != Sparse || math.IsInf(r.Bound, 0) || math.IsNaN(r.Bound) || len(all) >= mostBounds {
			continue
		}
		if at, ok := slices.BinarySearch(all, r.Bound); !ok {
			all = slices.Insert(slices.Clip(all), at, r.Bound)
		}
	}
	if b.known == nil {
		b.known = map[string][]float64{}
	}
	b.known[m.Name] = all
	return all
}
