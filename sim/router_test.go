package sim

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/chaos"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

func modelled(*testing.T) trafficconf.Harness {
	h, _ := model()
	return h
}

func model() (trafficconf.Harness, *Router) {
	var passed atomic.Int64
	now := func() time.Time {
		return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC).Add(time.Duration(passed.Load()))
	}
	arms := []string{release.Baseline, release.Candidate}
	r := NewRouter("shop", arms, now)
	return trafficconf.Harness{
		Fences: true, Abilities: []release.Ability{release.Leases},
		Router: r, Service: "shop", Arms: arms,
		Advance: func(d time.Duration) { passed.Add(int64(d)) },
	}, r
}

// The modelled provider keeps what real ones must keep.
func TestRouterIsAProvider(t *testing.T) { trafficconf.Exercise(t, modelled) }

func TestRouterInChaos(t *testing.T) {
	chaos.Exercise(t, func(*testing.T) trafficconf.Harness {
		h, r := model()
		h.Edit = func(second release.Weight) { r.Meddle(second, "", 0) }
		return h
	})
}
