package report

import "time"

// Release is the public form of a release's decision record. Times are UTC;
// fields that end in _s are seconds, those that end in _percent percentages
// (0.01 is 0.01 %). Fields may be added; none changes its meaning.
type Release struct {
	Name    string `json:"name"`
	Attempt int    `json:"attempt"`
	Service string `json:"service"`
	// Outcome is what was decided: "promoted", "rolled-back", "aborted" (by a
	// person), or "running" before that. Ended says that nothing more happens.
	Outcome string `json:"outcome"`
	Ended   bool   `json:"ended"`
	// Sentence says in plain words where the release stands and why.
	Sentence string `json:"sentence"`
	Phase    string `json:"phase"`
	// Since is when it came into its phase.
	Since  *time.Time `json:"since,omitempty"`
	Reason Reason     `json:"reason"`
	// Next is the command that is useful now, where there is one.
	Next *Next `json:"next,omitempty"`
	// By is who began it.
	By string `json:"by,omitempty"`
	// Approvals are those of the release as a whole, before its first weight.
	Approvals *Approvals `json:"approvals,omitempty"`

	Arms []Arm `json:"arms"`
	// Step counts from 1; it is 0 before the first step and when the release
	// has withdrawn below it.
	Step  int    `json:"step"`
	Steps []Step `json:"steps"`
	// Weight is the candidate's weight as recorded. Served says that the
	// provider has confirmed it.
	Weight        string  `json:"weight"`
	WeightPercent float64 `json:"weight_percent"`
	Served        bool    `json:"served"`

	Times    Times    `json:"times"`
	Exposure Exposure `json:"exposure"`
	Harm     *Harm    `json:"harm,omitempty"`
	// Budget is what is spent of the harm budget, where there is one.
	Budget *Budget `json:"harm_budget,omitempty"`
	// Standing is what the guardrails came to when the release was decided, or
	// at the last look before; the worst comes first.
	Standing []Comparison `json:"standing"`
	// Aftermath is what the watch after the end came to last.
	Aftermath []Comparison `json:"aftermath,omitempty"`
	// Recovery is "verified" or "not verified" once it is known whether the
	// baseline recovered after a rollback.
	Recovery string `json:"recovery,omitempty"`

	// Decisions leaves out the looks after which nothing changed. Of very many
	// the first and the last are kept; Omitted counts those between.
	Decisions        []Decision `json:"decisions"`
	DecisionsOmitted int        `json:"decisions_omitted,omitempty"`
	Effects          []Effect   `json:"effects"`
	EffectsOmitted   int        `json:"effects_omitted,omitempty"`

	Links     []Link   `json:"links"`
	Exemplars []string `json:"exemplars"` // trace ids of bad or slow requests, newest first
	// Warnings are what the sources said about their answers.
	Warnings []string `json:"warnings"`

	FalseRollbackPercent float64 `json:"false_rollback_percent"`
	Methods              int     `json:"methods"`
	FileHash             string  `json:"file_sha256"`
	Records              uint64  `json:"records"`
}

// Reason is a stable code and one plain sentence.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Arm is one of the versions compared.
type Arm struct {
	Name          string  `json:"name"`
	Version       string  `json:"version"`
	Commit        string  `json:"commit,omitempty"`
	Image         string  `json:"image,omitempty"`
	Weight        string  `json:"weight"`
	WeightPercent float64 `json:"weight_percent"`
}

// Step is one step of the release.
type Step struct {
	Weight        string  `json:"weight"`
	WeightPercent float64 `json:"weight_percent"`
	AtLeast       float64 `json:"at_least_s"`
	AtMost        float64 `json:"at_most_s"`
	// Approval is the group that is asked before this weight is set.
	Approval  string     `json:"approval,omitempty"`
	Approvals *Approvals `json:"approvals,omitempty"`
	// State is "done", "present", "ahead", or "stopped" where a rollback ended it.
	State string `json:"state"`
}

// Approvals is who is asked to approve a step, or the release as a whole, and who
// did.
type Approvals struct {
	From    string  `json:"from"`
	Quorum  int64   `json:"quorum"`
	Expires float64 `json:"expires_s,omitempty"`
	Comment bool    `json:"comment_required,omitempty"`
	// Given are in the order they came; Missing is how many more the release waits
	// for now.
	Given   []Approval `json:"given"`
	Missing int        `json:"missing,omitempty"`
}

// Approval is one that was given.
type Approval struct {
	Who    string    `json:"who"`
	Time   time.Time `json:"time"`
	Reason string    `json:"reason,omitempty"`
	// Glass says that it stands for all: the glass was broken.
	Glass bool `json:"glass,omitempty"`
}

// Times are the turning points of a release.
type Times struct {
	Started *time.Time `json:"started,omitempty"`
	// Exposed is when the candidate first got traffic.
	Exposed *time.Time `json:"exposed,omitempty"`
	// Decided is when promotion or rollback was decided, Ended when the traffic
	// had followed.
	Decided *time.Time `json:"decided,omitempty"`
	Ended   *time.Time `json:"ended,omitempty"`
	// ToDecision is the time from Exposed to Decided, ToEnd from Decided to
	// Ended; nil where either is open.
	ToDecision *float64 `json:"time_to_decision_s,omitempty"`
	ToEnd      *float64 `json:"time_to_end_s,omitempty"`
}

// Exposure is how many requests the candidate got before its promotion, as the
// first ratio guardrail counted them. One that was promoted and went back
// counts with all it got.
type Exposure struct {
	Metric   string `json:"metric,omitempty"`
	Requests int64  `json:"candidate_requests"`
	Bad      int64  `json:"candidate_bad"`
}

// Harm is what the candidate did to its requests beyond what the baseline
// would have done to them.
type Harm struct {
	Metric string `json:"metric"`
	// What says what happened to the bad requests: "failed", "took more than
	// 250 ms".
	What     string `json:"what"`
	Requests int64  `json:"requests"`
	// Bad is the most that can have been harmed; Expected how many there would
	// have been at the baseline's rate; Excess the difference, at least 0.
	Bad      int64   `json:"bad"`
	Expected float64 `json:"expected"`
	Excess   float64 `json:"excess"`
	Text     string  `json:"text"`
}

// Budget is what the candidate has cost of its harm budget, by the guardrail that
// shows the most. Spent is an estimate, at least 0; AtMost holds with 95 %, at
// every look at once, and is never more than failed on the candidate.
type Budget struct {
	Requests float64 `json:"requests"`
	Metric   string  `json:"metric,omitempty"`
	Spent    float64 `json:"spent"`
	AtMost   float64 `json:"at_most"`
	Text     string  `json:"text"`
}

// Comparison is both arms' figures for one metric and segment.
type Comparison struct {
	Metric   string `json:"metric"`
	Segment  string `json:"segment"`
	Kind     string `json:"kind"`
	Severity string `json:"severity"`
	Worse    string `json:"worse"`
	// Verdict is "pass", "fail" or "wait".
	Verdict string `json:"verdict"`
	Reason  Reason `json:"reason"`
	// Against is what the candidate is held against: the "baseline", a "limit",
	// the watched version's own "past", the "weight" (the share of all requests
	// that it should have had), or the harm "budget" (what the baseline's rate
	// would have failed).
	Against string `json:"against"`
	// Test names the statistics, with what they were adapted to.
	Test string `json:"test"`
	// Bound is the bound of a histogram that shows the most harm, in Unit ("s",
	// or empty where it is not known); the figures are shares beyond it. The Unit of
	// a count that is told by the second is "/s".
	Bound *float64 `json:"bound,omitempty"`
	Unit  string   `json:"unit,omitempty"`

	Baseline  Side `json:"baseline"`
	Candidate Side `json:"candidate"`
	Effect    Size `json:"effect"`
	// Evidence is that the candidate is worse by more than the tolerance,
	// ForPass that harm of Exclude times the baseline is ruled out.
	Evidence Proof   `json:"evidence"`
	ForPass  Proof   `json:"evidence_for_pass"`
	Exclude  float64 `json:"exclude"`
	// ByFloor says that a pass rests on the candidate's share alone, which is
	// too small to do harm.
	ByFloor bool `json:"by_floor,omitempty"`
	// P is the always-valid p-value of no harm beyond the tolerance, adjusted for
	// the number of guardrails and segments; nil where the method has none.
	P *float64 `json:"p"`
	// Superiority is the probability that a value of the candidate is worse than
	// one of the baseline; Quantiles and Shape tell how the distributions of a
	// histogram differ. They are told where it passes or fails.
	Superiority float64    `json:"superiority,omitempty"`
	Quantiles   []Quantile `json:"quantiles,omitempty"`
	Shape       string     `json:"shape,omitempty"`
	// Recent is where the evidence of harm comes from, where that is not the
	// whole release.
	Recent *Recent `json:"recent,omitempty"`
	// Belief is how likely harm is, under a prior: of a ratio, a count or a gauge
	// beside its baseline.
	Belief *Belief `json:"belief,omitempty"`

	Warnings []string `json:"warnings"`
}

// Belief is what a comparison comes to under a prior. It is not calibrated under
// repeated looks: who acts when the probability is high, and looks often enough,
// raises false alarms without bound. The evidence decides, unless the file asks
// for method bayesian.
type Belief struct {
	// ProbabilityWorse is that of harm beyond the tolerance.
	ProbabilityWorse float64 `json:"probability_worse"`
	// ExpectedLoss is how many bad events more than the baseline's are expected,
	// counting nothing where there are fewer, Per so much ("1,000 requests"); nil
	// for gauges.
	ExpectedLoss *float64 `json:"expected_loss,omitempty"`
	Per          string   `json:"expected_loss_per,omitempty"`
	// Calibrated says whether the probability holds at any number of looks. It
	// does not.
	Calibrated bool `json:"calibrated_under_repeated_looks"`
	// Decides says that the metric is judged by it.
	Decides bool `json:"decides,omitempty"`
}

// Quantile is a quantile of both arms, in the comparison's unit. Its effect holds
// with 95 % confidence at every look, and knows values by their bucket only.
type Quantile struct {
	Quantile  float64 `json:"quantile"`
	Baseline  float64 `json:"baseline"`
	Candidate float64 `json:"candidate"`
	Effect    Size    `json:"effect"`
}

// Side is one arm's figures, summed since the release began.
type Side struct {
	// N is the sample size, Events what the metric counts (for a histogram the
	// values beyond the bound, for a gauge 0), Value the rate, share or level;
	// nil where it is not known. For a limit, Value is what is allowed and N is 0.
	N      int64    `json:"n"`
	Events int64    `json:"events"`
	Value  *float64 `json:"value"`
}

// Recent is a stretch of looks up to the present one.
type Recent struct {
	Since     time.Time `json:"since"`
	Baseline  Side      `json:"baseline"`
	Candidate Side      `json:"candidate"`
}

// Size is how much worse the candidate is: how bad, not how sure.
type Size struct {
	// Ratio is candidate over baseline, turned so that above 1 is worse; Low
	// and High hold it with 95 % confidence, at every look at once. Nil where
	// not known, High also where there is no upper bound yet.
	Ratio *float64 `json:"ratio"`
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
	// Difference is the candidate's rate less the baseline's, for ratios, with
	// its bounds; nil where not known.
	Difference     *float64 `json:"difference,omitempty"`
	DifferenceLow  *float64 `json:"difference_low,omitempty"`
	DifferenceHigh *float64 `json:"difference_high,omitempty"`
}

// Proof is how sure: evidence as odds, and what is enough.
type Proof struct {
	// E and Threshold are odds, "E to 1"; at most 1e12, the logarithms (base e)
	// are exact. Threshold 0 means that the method has no such evidence.
	E            float64 `json:"e"`
	Threshold    float64 `json:"threshold"`
	LogE         float64 `json:"log_e"`
	LogThreshold float64 `json:"log_threshold"`
	// Progress is log E over log Threshold, from 0 to 1.
	Progress float64 `json:"progress"`
}

// Decision is one entry of the decision log.
type Decision struct {
	Seq uint64 `json:"seq"`
	// SHA256 is the record's hash, in hexadecimal digits; each goes over the one
	// before it, and so over all before.
	SHA256        string    `json:"sha256,omitempty"`
	Time          time.Time `json:"time"`
	Decision      string    `json:"decision"`
	Phase         string    `json:"phase"`
	Step          int       `json:"step"`
	Weight        string    `json:"weight"`
	WeightPercent float64   `json:"weight_percent"`
	Reason        Reason    `json:"reason"`
	Who           string    `json:"who,omitempty"`
	// From is where a person's order came from.
	From string `json:"from,omitempty"`
	// Verdict, Metric and Segment name what decided, for a look.
	Verdict string `json:"verdict,omitempty"`
	Metric  string `json:"metric,omitempty"`
	Segment string `json:"segment,omitempty"`
	// Comparisons are the figures that stood then, the worst first; Omitted
	// counts those beyond the first 50.
	Comparisons        []Comparison `json:"comparisons"`
	ComparisonsOmitted int          `json:"comparisons_omitted,omitempty"`
}

// Effect is something that was to be done to the world.
type Effect struct {
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	// Effect is "set-weight" or "notice".
	Effect        string   `json:"effect"`
	Weight        string   `json:"weight,omitempty"`
	WeightPercent *float64 `json:"weight_percent,omitempty"`
	Urgency       string   `json:"urgency,omitempty"`
	Title         string   `json:"title,omitempty"`
	// State is "pending", "done", "failed" (a weight is then tried again) or
	// "replaced" by a later weight.
	State    string     `json:"state"`
	Done     *time.Time `json:"done,omitempty"`
	Failures int        `json:"failures,omitempty"`
	Failure  string     `json:"failure,omitempty"`
}

// Link points to more.
type Link struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}
