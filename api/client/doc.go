// Package client is the Go client of Linnet's API.
//
// What passes by itself, it bears: a server that restarts, a connection that
// breaks, an answer that it is too busy. Requests that change something carry an
// idempotency key that stays the same from try to try, so that one sent twice
// happens once. Following a release goes on where it was, whatever comes between.
package client
