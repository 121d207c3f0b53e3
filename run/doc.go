// Package run turns the engine's decisions into deeds. A turn sets the route
// that the journal says is still unacknowledged, takes the commands of people,
// gathers observations, steps the engine once, records, acts and acknowledges,
// and tells people last. It owns the clock, and it declares the small
// interfaces that it calls; adapters match them by shape.
//
// A turn is harmless when run twice: an append names the record it builds on,
// who loses reads again and steps the same event again, and an effect begins
// only shortly after its record was written or read.
package run
