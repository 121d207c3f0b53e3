package chaos

import (
	"context"
	"sync/atomic"

	"github.com/linnet-project/linnet/release"
)

// health is how the candidate does.
type health int32

const (
	good health = iota
	bad
	quiet // so few requests that nobody can tell
)

// requests are those of an arm in each window, and out of a thousand so many
// fail of the baseline, and of a bad candidate.
const (
	requests = 100_000
	fewest   = 1
	normal   = 2
	wrong    = 200
)

// source is a metric whose candidate does as a story says. It knows the
// candidate only while it has traffic.
type source struct {
	health  atomic.Int32
	exposes func() bool
}

func (s *source) turns(h health) { s.health.Store(int32(h)) }

// Observe implements run.Source.
func (s *source) Observe(ctx context.Context, q release.Query) (a release.Answer, err error) {
	h, exposed := health(s.health.Load()), s.exposes()
	for _, w := range q.Windows {
		for i, arm := range q.Arms {
			o := release.Observation{Metric: q.Metric.Name, Arm: arm.Name, Window: w, Events: requests * normal / 1000, Of: requests}
			switch {
			case i > 0 && (!exposed || len(q.Windows) > 1):
				continue
			case i > 0 && h == bad:
				o.Events = requests * wrong / 1000
			case h == quiet:
				o.Events, o.Of = 0, fewest
			}
			a.Observations = append(a.Observations, o)
		}
	}
	return a, ctx.Err()
}
