// Package rows makes observations of what a source answers line by line: a row
// says what happened to one arm in one stretch of time, as an event log, a
// database, or a metric service with buckets of its own tells it.
//
// A row counts, whole, in the window that its stretch ends in. So nothing is
// counted twice or lost between windows, however they lie to the source's
// buckets; and a stretch that has not ended yet is for a later window.
//
// What the source has no row of is missing, not zero: an arm without rows has no
// observation. Bad events of a ratio whose total is there are zero, since most
// sources have no row of nothing. For the same reason a sparse bucket without a
// row is empty, and Bounds remembers which there are.
package rows
