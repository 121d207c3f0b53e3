// Package report renders the decision record of a release: what was decided,
// when, on what numbers of both arms, how large the effect is and how sure the
// evidence.
//
// A [Builder] reads a release's records once, in order, and keeps a bounded
// part of them; its [Release] is the public form of the record, in types of
// its own so that neither the stored nor the domain types need tags. [Text],
// [Markdown] and [JSON] write it. [Line] and [Live] show a release while it
// runs. Nothing here recomputes a verdict: what is shown is what was recorded.
//
// Names, reasons and labels were written by people and other systems; whatever
// could steer a terminal or break out of Markdown is made harmless.
package report
