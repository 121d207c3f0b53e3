package release

// Code is a stable, documented name for why something was decided. Programs
// may match on it; texts may change.
type Code string

// Reason is why a verdict or decision is what it is: a stable code and one
// plain sentence for people.
type Reason struct {
	Code Code
	Text string
}

// Codes of verdicts (why a comparison passes, fails or waits).
const (
	HarmFound       Code = "harm-found"       // the candidate is worse by more than the tolerance
	LimitBroken     Code = "limit-broken"     // the candidate breaks an absolute limit
	HarmExcluded    Code = "harm-excluded"    // harm of the size of exclude is ruled out
	Collecting      Code = "collecting"       // not enough evidence yet, either way
	NoData          Code = "no-data"          // the source answered and has no series
	SourceDown      Code = "source-down"      // the source could not be asked
	SourceInvalid   Code = "source-invalid"   // the source refused the query, or answered nonsense
	Warming         Code = "warming-up"       // a fresh process is still warming up
	Idle            Code = "idle"             // series are there but nothing happened
	TooFew          Code = "too-few-samples"  // fewer samples than the metric's least
	ZeroBaseline    Code = "zero-baseline"    // percent of nothing is not a number
	WithinDeviation Code = "within-deviation" // deviation is inside its tolerance
	WarningFails    Code = "warning-fails"    // a metric of severity warning fails
	TrafficRefused  Code = "traffic-refused"  // the candidate serves less than its share
	SampleRatio     Code = "sample-ratio"     // the split is not the one that was set: a routing fault
	ShareHolds      Code = "share-holds"      // the candidate's share is what it should be
	HarmBudget      Code = "harm-budget"      // the harm budget is spent, or too little is left for more weight
	WithinBudget    Code = "within-budget"    // the harm budget is not spent
	SampledApart    Code = "sampled-apart"    // the source samples the arms too differently to compare them
)

// Codes of decisions.
const (
	Begun          Code = "begun"          // the release starts
	NotYet         Code = "not-yet"        // its start lies in the future
	StepPassed     Code = "step-passed"    // fresh pass for the present step
	AtLeast        Code = "at-least"       // passes, but has not been watched long enough
	DeadlineHold   Code = "deadline-hold"  // atMost is over: holds
	DeadlineAsk    Code = "deadline-ask"   // atMost is over: a person is asked
	DeadlineGo     Code = "deadline-go"    // atMost is over: the file says go on
	NeedsApproval  Code = "needs-approval" // the next step waits for a person
	Approved       Code = "approved"       // a person approved
	Rejected       Code = "rejected"       // one of those asked to approve ended it
	Retracted      Code = "retracted"      // a person took an approval back
	Advanced       Code = "advanced"       // a person advanced it
	PausedByPerson Code = "paused"         // a person paused it
	Resumed        Code = "resumed"        // a person resumed it
	Aborted        Code = "aborted"        // a person aborted it
	Refused        Code = "refused"        // a command that does not apply now
	Blind          Code = "blind"          // no data for longer than allowed
	WeightLowered  Code = "weight-lowered" // somebody pulled the brake; respected
	WeightRaised   Code = "weight-raised"  // the weight was higher than recorded; put right
	LeaseLapsed    Code = "lease-lapsed"   // the provider went back to the baseline by itself
	Superseded     Code = "superseded"     // another release took over the service
	ProviderFails  Code = "provider-fails" // the provider cannot be reached
	NotReady       Code = "not-ready"      // the candidate cannot take traffic yet
	ProviderBack   Code = "provider-back"  // and can again
	WeightSet      Code = "weight-set"     // a weight was acknowledged
	RollingDown    Code = "rolling-down"   // a rollback in stages goes on
	AllPassed      Code = "all-passed"     // the last step passed
	WatchOver      Code = "watch-over"     // the watch after promotion ended quietly
	WatchHarm      Code = "watch-harm"     // harm seen after promotion
	Recovered      Code = "recovered"      // the baseline recovered after a rollback
	NotRecovered   Code = "not-recovered"  // it did not, or nobody can tell
	NoticeFailed   Code = "notice-failed"  // a notice could not be sent
	Quiet          Code = "quiet"          // nothing to do
)
