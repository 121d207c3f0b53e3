package demo

import (
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// What an ordinary version does, and what the faults make of it.
const (
	medianLatency = 8 * time.Millisecond
	latencySpread = 0.5 // standard deviation of the logarithm: p99 is 26 ms
	errorShare    = 0.005

	faultyErrorShare = 0.05
	latencyFactor    = 1.6
	tailShare        = 0.03
	tailExtra        = 400 * time.Millisecond

	cpuCores  = 0.25
	cpuSpread = 0.06 // relative standard deviation of one reading
)

// behaviour draws what happens to each request. Requests and readings of the
// CPU have generators of their own, so that what happens to the n-th request
// depends on the seed alone and not on who scrapes how often.
type behaviour struct {
	fault Fault

	mu       sync.Mutex
	requests *rand.Rand
	readings *rand.Rand
}

func newBehaviour(fault Fault, seed uint64) *behaviour {
	return &behaviour{
		fault:    fault,
		requests: rand.New(rand.NewPCG(seed, 1)),
		readings: rand.New(rand.NewPCG(seed, 2)),
	}
}

// request draws how long the next request takes, and whether it fails. It
// always draws the same number of times, so that the versions of one seed
// differ by their fault and by nothing else.
func (b *behaviour) request() (takes time.Duration, fails bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	deviate, chance, tail := b.requests.NormFloat64(), b.requests.Float64(), b.requests.Float64()

	seconds := medianLatency.Seconds() * math.Exp(latencySpread*deviate)
	share := errorShare
	switch b.fault {
	case Errors:
		share = faultyErrorShare
	case Latency:
		seconds *= latencyFactor
	case Tail:
		if tail < tailShare {
			seconds += tailExtra.Seconds()
		}
	}
	return time.Duration(seconds * float64(time.Second)), chance < share
}

// cores draws the CPU that the process seems to use at a reading. It does not
// follow the requests: the arms of a release have unequal shares of them, and
// a level that grew with traffic could not be compared.
func (b *behaviour) cores() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return cpuCores * max(0, 1+cpuSpread*b.readings.NormFloat64())
}
