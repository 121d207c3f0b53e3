// Package river calls turns on several machines: each turn is a job of River
// (riverqueue.com) in the PostgreSQL that the journal lies in, and whichever
// replica is free takes it.
//
// A job is unique by its release and when it is due, in whatever state, so that
// two replicas which come to the same conclusion make one job of it, and a job
// that was left running by a replica which died stands in nobody's way: what is
// overdue is made a job again, under the seconds in which it was found so. That
// two turns of a release happen at the same time is seldom, and harmless.
//
// All times are those of the database: a replica whose own clock is wrong follows
// it (Clock).
package river
