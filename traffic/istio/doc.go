// Package istio splits traffic through an Istio VirtualService: it sets the
// weights of the arms' destinations on the routes that a release moves, and
// touches nothing else of the user's.
//
// The routes of a VirtualService are lists that have one owner as a whole, so
// nothing is ever applied: each change is a JSON patch of single values, guarded
// by tests of what was read and of the object's version.
//
// Istio's weights are whole percents, so the grain is 1000 of 100,000.
package istio
