package release

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
