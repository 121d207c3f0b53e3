// Package api is Linnet's HTTP API: what other programs and the screens see of
// releases, and how they begin and steer them. Every operation is described in
// the document that it serves at /openapi.json, which is made from the types
// here; domain types carry no tags, so that each form can change alone.
//
// It decides nothing: who may do what, and what happens to a release, is the
// desk's business. What goes wrong comes back as a Problem, which says what to do.
package api
