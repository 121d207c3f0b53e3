// Package journal keeps the durable record of every release: what happened,
// what was decided on it, and what was to be done about it, in an order that
// nobody can change unnoticed.
//
// A release is an [ID], a name and an attempt. Its records are numbered from
// 1; an append names the record it builds on and loses with
// release.ErrConflict when somebody else was faster. Each record carries a
// SHA-256 over itself and the hash before it, so that [Reader.Verify] can name
// the first record that is not what was written, and a [Head] kept elsewhere
// also shows that nothing was cut off the end.
//
// The store is one SQLite database in a data folder. What is inside it has a
// form of its own (the form… files): the domain types carry no tags, and
// either side can change alone. Beside the records lie an index for lists, the
// release files, the latest snapshot of each State, and the inbox through
// which another process hands commands to the one that runs the release.
//
// The package reads no clock; times are arguments.
package journal
