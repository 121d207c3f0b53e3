// Package fleet runs many releases in one process.
//
// A Fleet knows how to take one turn of any release: it puts the release's parts
// together from its file when it first meets it, keeps its state, holds what goes
// wrong to the release it goes wrong in, and says how long nothing needs doing.
// Who calls the turn is another matter: Timers on one machine, jobs in a database
// on several. The turn is the same.
package fleet
