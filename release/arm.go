package release

import "time"

// The names of the two arms of an ordinary release.
const (
	Baseline  = "baseline"
	Candidate = "candidate"
)

// Arm is one version of a service under a name.
type Arm struct {
	Name    string
	Version string
	// Labels select the arm's series in a metric source, for example
	// {"version": "canary"}.
	Labels map[string]string
	// Commit and Image say what was built, for the record; both may be empty.
	Commit string
	Image  string
}

// Weight is a share of traffic in 100,000ths: 1 is 0.001 %.
type Weight uint32

// Whole is all of the traffic.
const Whole Weight = 100_000

// ArmWeight is the weight of one arm.
type ArmWeight struct {
	Arm    string
	Weight Weight
}

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
}

// Seen is what a provider's data plane serves now, as read back from it.
type Seen struct {
	Route Route
	// Lapsed says that a lease ran out and the provider went back to the first
	// arm by itself.
	Lapsed bool
}
