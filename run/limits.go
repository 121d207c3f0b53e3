package run

import "time"

// Limits on what one turn waits for, tries and takes. docs/running.md tells
// them to people, and a test holds the two together.
const (
	// storeWait bounds each call of the journal. It is shorter than staleAfter,
	// so that what was just read may be acted on.
	storeWait = 8 * time.Second
	// pollWait bounds a glance at the inbox while something else is waited for.
	pollWait = 2 * time.Second
	// routerWait bounds one call of the provider.
	routerWait = 10 * time.Second
	// sourceWait bounds the asking of all sources in a look.
	sourceWait = 15 * time.Second
	// noticeWait bounds the telling of people in a turn, all notices together.
	noticeWait = 5 * time.Second
	// staleAfter is how old the last reading of the journal may be when an
	// effect begins.
	staleAfter = 10 * time.Second

	// tries is how often a call that is unavailable is tried within a turn, and
	// backOff how long to wait after the first, give or take half; it doubles.
	// A notice is tried once a turn, as many times.
	tries   = 3
	backOff = 200 * time.Millisecond
	// slowest is how many times backOff doubles at most, for a journal that
	// stays unavailable.
	slowest = 6
	// How long what did not work waits for its next turn at most: a route that
	// could not be set, a look that could not be recorded, a notice.
	routeAgain  = 15 * time.Second
	lookAgain   = 15 * time.Second
	noticeAgain = 5 * time.Second
	// commandPoll is how often the inbox is looked at, and shortestNap how long
	// a turn that is all but due waits at least.
	commandPoll = 250 * time.Millisecond
	shortestNap = time.Millisecond

	// pastWindows is how many windows of the baseline's past are asked for.
	pastWindows = 60
	// longestWindow bounds what one look asks for after a long silence.
	longestWindow = time.Hour
	// concurrent is how many metrics are asked for at a time.
	concurrent = 8
)

// Limits on what a source may answer to one query, and what a look keeps of it.
const (
	maxObservations = 50_000
	maxNumbers      = 1_000_000 // bounds, counts and points of all observations
	maxSegmentText  = 1_000     // bytes
	maxCount        = 1e12      // events in one window; a long release must not overflow
	maxLevel        = 1e100
	maxWarnings     = 10
	maxText         = 500 // bytes of a warning, an error or an exemplar
)
