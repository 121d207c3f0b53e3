//go:build race

package run_test

// everyNth is of how many crash points one is tried: the race detector slows
// SQLite down thirty times, and sees the same code at each of them.
const everyNth = 5
