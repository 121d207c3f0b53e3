package load

import (
	"math/rand/v2"
	"time"
)

// schedule gives the instants at which requests are due, from start on.
type schedule struct {
	start  time.Time
	rate   float64
	random *rand.Rand // nil for even spacing

	count uint64
	after float64 // seconds from start to the last instant given
}

// next is when the next request is due. Even spacing multiplies instead of
// adding up, so that it stays exact over a long run.
func (s *schedule) next() time.Time {
	if s.random == nil {
		s.after = float64(s.count) / s.rate
	} else {
		s.after += s.random.ExpFloat64() / s.rate
	}
	s.count++
	return s.start.Add(time.Duration(s.after * float64(time.Second)))
}
