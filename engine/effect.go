package engine

import "github.com/linnet-project/linnet/release"

// EffectID names an effect for ever: doing it twice under one id equals once.
type EffectID struct {
	Release string
	Attempt int
	// Seq is the sequence of the event whose step asked for the effect, Index
	// its place among that step's effects.
	Seq   uint64
	Index int
}

// Effect is something to be done to the world. It is one of SetRoute and
// Notify; nobody outside this package can add one. The event that led to it is
// in the journal before it begins, and an Acknowledged follows when it is done.
type Effect interface{ ID() EffectID }

// SetRoute makes the provider serve a route. A later SetRoute replaces an
// earlier one that is still unacknowledged.
type SetRoute struct {
	Effect EffectID
	Route  release.Route
}

// Notify tells people. It is done after routes, so that nobody is told of a
// rollback before traffic moves.
type Notify struct {
	Effect EffectID
	Notice release.Notice
}

// ID implements Effect.
func (e SetRoute) ID() EffectID { return e.Effect }

// ID implements Effect.
func (e Notify) ID() EffectID { return e.Effect }
