package run

import "time"

// Inspect is what every answer of a source goes through.
var Inspect = inspect

// Limits are what docs/running.md promises, by its names for them.
var Limits = map[string]time.Duration{
	"a call of the journal":                         storeWait,
	"a glance at the inbox meanwhile":               pollWait,
	"a call of the provider":                        routerWait,
	"all sources in a look":                         sourceWait,
	"all notices in a turn":                         noticeWait,
	"age of what is acted on":                       staleAfter,
	"pause after the first failure":                 backOff,
	"next try of a route that could not be set":     routeAgain,
	"next try of a look that could not be recorded": lookAgain,
	"next try of a notice":                          noticeAgain,
	"look at the inbox":                             commandPoll,
	"longest window of a look":                      longestWindow,
}

// Counts are the bounds there that are numbers.
var Counts = map[string]int{
	"tries of a call in a turn":         tries,
	"turns that try a notice":           tries,
	"windows of the baseline's past":    pastWindows,
	"metrics asked for at a time":       concurrent,
	"observations in an answer":         maxObservations,
	"numbers in an answer":              maxNumbers,
	"bytes of a segment's name":         maxSegmentText,
	"warnings, or exemplars, in a look": maxWarnings,
	"bytes of a text from outside":      maxText,
}
