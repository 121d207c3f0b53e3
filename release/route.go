package release

import "time"

// Route says how the traffic of a service is split. It is absolute: applying
// it twice equals applying it once.
type Route struct {
	Service string
	// Weights has one entry an arm, in the order of the release's arms
	// (baseline first); they sum to Whole.
	Weights []ArmWeight
	// Salt decides, with a user's key, who sees which arm. It stays the same
	// over a release, so that a user stays in an arm while its weight grows.
	Salt string
	// Epoch fences stale writers: a provider that keeps versions refuses a
	// route whose epoch is lower than the one it serves.
	Epoch uint64
	// Owner names the release and attempt this route belongs to.
	Owner string
	// Lease is how long the route holds without renewal before the provider
	// returns all traffic to the first arm by itself; 0 means for good.
	Lease time.Duration

	// Testers, Sticky and Mirror are asked only of providers that list the
	// ability. Their zero values ask for nothing, and take away what an earlier
	// route of ours asked for.
	Testers Testers
	Sticky  Sticky
	// Mirror is the share of the first arm's requests that the second arm gets a
	// copy of; what it answers to copies nobody sees.
	Mirror Weight
}

// Testers lets a request choose its arm, whatever the weights: one whose header
// or cookie has an arm's name as its value goes to that arm. Either may be
// empty.
type Testers struct {
	Header, Cookie string
}

// Sticky keeps each user in one arm, as told apart by a header or a cookie; at
// most one of them is set.
type Sticky struct {
	Header, Cookie string
	// For is how long, where the provider times it; 0 leaves it to the provider.
	For time.Duration
}

// Seen is what a provider's data plane serves now, as read back from it.
type Seen struct {
	Route Route
	// Lapsed says that a lease ran out and the provider went back to the first
	// arm by itself.
	Lapsed bool
	// Parts are the routers that serve the route together, where they are
	// several and their weights differ; Route then has the weights of the one
	// that gives the arms after the first the least.
	Parts []Part
	// Writers names who else writes what is served (a field manager, a GitOps
	// tool), where the provider can tell; at most ten.
	Writers []string
}

// Part is what one of several routers serves.
type Part struct {
	Name    string
	Weights []ArmWeight
}

// Ability is something that only some providers can do.
type Ability string

// The abilities of providers.
const (
	HeaderTesters Ability = "testers by header" // Route.Testers.Header
	CookieTesters Ability = "testers by cookie" // Route.Testers.Cookie
	HeaderSticky  Ability = "sticky by header"  // Route.Sticky.Header
	CookieSticky  Ability = "sticky by cookie"  // Route.Sticky.Cookie
	Mirrors       Ability = "mirroring"         // Route.Mirror
	ManyArms      Ability = "more than two arms"
	Leases        Ability = "lease"     // Route.Lease, and a method Renew
	Readiness     Ability = "readiness" // a method Ready: whether an arm could take traffic
)
