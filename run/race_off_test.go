//go:build !race

package run_test

// everyNth is of how many crash points one is tried.
const everyNth = 1
