// Package contract is what Linnet and a provider of somebody else's say to each
// other: a small JSON form with four operations. Packages exec and webhook carry
// it, each in its own way; docs/own-provider.md tells it to whoever writes such a
// provider.
//
// What comes back is held to the contract before anybody relies on it: an answer
// that cannot be true is release.ErrInvalid, and says what is wrong with it.
package contract
