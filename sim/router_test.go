package sim

import (
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

// The modelled provider keeps what real ones must keep.
func TestRouterIsAProvider(t *testing.T) {
	trafficconf.Exercise(t, func(*testing.T) trafficconf.Harness {
		now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
		arms := []string{release.Baseline, release.Candidate}
		r := NewRouter("shop", arms, func() time.Time { return now })
		return trafficconf.Harness{
			Fences: true, Abilities: []release.Ability{release.Leases},
			Router: r, Service: "shop", Arms: arms,
			Advance: func(d time.Duration) { now = now.Add(d) },
		}
	})
}
