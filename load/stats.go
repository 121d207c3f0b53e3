package load

import (
	"math"
	"time"
)

// Result is what became of one request.
type Result struct {
	// Index counts the requests from 0, in the order in which they were due.
	Index uint64
	// Due is the instant at which the request was to be sent.
	Due time.Time
	// Latency runs from Due to the end of the answer's body, so that waiting
	// on this side counts too. 0 for a dropped request.
	Latency time.Duration
	// Status is the answer's HTTP status; 0 where there was none.
	Status int
	// Arm is the value of the arm header; "" where there was none.
	Arm string
	// Err is why there was no whole answer: refused, reset, timed out.
	Err error
	// Again is how often the request was sent once more because its reused
	// connection broke before any answer: net/http does so, as browsers do.
	Again uint64
	// Dropped says that the request was never sent, because too many were in
	// flight.
	Dropped bool
	// Cut says that the run ended before the answer was there. It is no error
	// of the service.
	Cut bool
}

// Stats sums up a run. Due = Dropped + Cut + Errors + the sum of Status.
type Stats struct {
	// Due counts the requests that were to be sent.
	Due uint64
	// Dropped, Cut and Errors count results by what they say of themselves.
	Dropped, Cut, Errors uint64
	// Again sums up Result.Again: breaks that users would not have seen.
	Again uint64
	// Status counts answers by HTTP status.
	Status map[int]uint64
	// Arms splits answers and errors by the arm that gave them; "" holds those
	// that named none.
	Arms map[string]ArmStats
	// Latency is that of all answers.
	Latency Latency
	// Elapsed is how long the run took, without the wait at its end.
	Elapsed time.Duration
}

// ArmStats is one arm's part of Stats.
type ArmStats struct {
	Errors uint64
	Status map[int]uint64
}

// add counts one result.
func (s *Stats) add(r Result) {
	s.Due++
	s.Again += r.Again
	switch {
	case r.Dropped:
		s.Dropped++
		return
	case r.Cut:
		s.Cut++
		return
	}
	arm := s.Arms[r.Arm]
	if arm.Status == nil {
		arm.Status = map[int]uint64{}
	}
	if r.Err != nil {
		s.Errors++
		arm.Errors++
	} else {
		s.Status[r.Status]++
		arm.Status[r.Status]++
		s.Latency.add(r.Latency)
	}
	s.Arms[r.Arm] = arm
}

// Latency is a distribution of latencies in buckets that grow by 2^(1/8)
// (about 9 %), from 10 µs to about 10 minutes; the zero value is empty.
type Latency struct {
	counts [latencyBuckets]uint64
	n      uint64
}

const (
	latencyBuckets = 208
	latencyLeast   = 10 * time.Microsecond
	perDoubling    = 8
)

func (l *Latency) add(d time.Duration) {
	i := 0
	if d > latencyLeast {
		i = int(math.Ceil(perDoubling * math.Log2(float64(d)/float64(latencyLeast))))
	}
	l.counts[min(i, latencyBuckets-1)]++
	l.n++
}

// Quantile is the latency that a share q (0 to 1) of the answers did not
// exceed, rounded up to the end of its bucket; 0 when there were no answers.
func (l *Latency) Quantile(q float64) time.Duration {
	rank := max(uint64(math.Ceil(q*float64(l.n))), 1)
	var seen uint64
	for i, c := range l.counts {
		if seen += c; c > 0 && seen >= rank {
			return time.Duration(float64(latencyLeast) * math.Exp2(float64(i)/perDoubling))
		}
	}
	return 0
}
