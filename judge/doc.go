// Package judge turns observations into comparisons and comparisons into a
// verdict: which test for which metric, when, combined how. It is pure: the
// same configuration, state and looks give the same verdicts, bit for bit.
//
// What decides holds at every look: the probability that a harmless release is
// ever failed by its guardrails is Config.FalseRollback at most, as far as the
// noise is what was measured.
//
//   - Ratios and counts: the conditional likelihood of each window
//     (stats.Conditional), and where the past is noisier than chance or too short
//     to tell the average with stats.SelfNormalised and stats.SignBet (robust.go).
//   - Histograms: stats.Ranks averaged with stats.Conditional at up to five
//     thresholds (spread.go).
//   - Gauges: stats.LevelShift; without a past averaged with an anytime-valid t,
//     which also makes passes and intervals (gauges.go).
//   - Absolute limits: stats.Limit, for gauges the t (limits.go).
//   - The candidate's share of the requests: stats.Split (traffic.go). What it
//     costs in failed requests: stats.Excess (budget.go).
//
// The false-alarm budget is shared by testWeight and tests, within a metric by
// segments.go, and segments that are worse together fail together (jointly).
//
// Three things hold for less. Deviation (deviation.go) is a fresh test of the
// last window and promises nothing. The intervals of quantiles (shape.go) are
// tuned to the values of their look; they tell and do not decide. Watch charts a
// version alone against its own past, which holds only if the world does not
// change.
package judge
