// Package engine is the only place where a release's state changes:
//
//	Step(State, Event) (State, Decision, []Effect)
//
// It is pure. Time comes with the events, effects go out as data, and every
// decision carries its reason. What an event is worth is asked of package
// judge, so folding the same events again gives the same decisions: that is
// what replay does.
package engine
