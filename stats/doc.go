// Package stats holds the statistical procedures that Linnet's verdicts rest
// on: numbers in, plain results out. Nothing here reads a clock, draws a random
// number or knows what a release is.
//
// Evidence is kept as e-processes on a logarithmic scale. An e-process starts
// at 1, is never negative, and under its null hypothesis its expectation at any
// stopping time is at most 1; so the probability that it ever reaches 1/alpha
// is at most alpha (Ville's inequality), however often one looks. Averages of
// e-processes are e-processes under any dependence, which is how several tests
// of one metric are combined.
package stats
