package split

import (
	"context"
	"slices"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Router is what every provider can do; see the suite in trafficconf.
type Router interface {
	Apply(ctx context.Context, route release.Route) error
	Observed(ctx context.Context) (release.Seen, error)
}

type renewer interface {
	Renew(ctx context.Context, owner string, epoch uint64, lease time.Duration) error
}

type readier interface {
	Ready(ctx context.Context, arm string) error
}

// Able is a provider of which it depends on its configuration whether it can
// renew leases and tell readiness.
type Able interface {
	Router
	renewer
	readier
}

// Only leaves the provider the methods Renew and Ready where its abilities list
// them: whoever uses a router finds out by its methods what it can do.
func Only(p Able, abilities []release.Ability) Router {
	leases, readiness := slices.Contains(abilities, release.Leases), slices.Contains(abilities, release.Readiness)
	switch {
	case leases && readiness:
		return p
	case leases:
		return struct {
			Router
			renewer
		}{p, p}
	case readiness:
		return struct {
			Router
			readier
		}{p, p}
	}
	return struct{ Router }{p}
}
