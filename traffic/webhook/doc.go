// Package webhook lets an HTTP endpoint of the user's own split the traffic. Each
// operation of package contract is a POST to the one URL; the request is its body,
// and so is the answer. docs/own-provider.md tells how to write one.
//
// Redirects are not followed, since a token must not go where somebody else
// points. Tokens and certificates are read from their files when they are used, so
// that they can be rotated, and never appear in errors.
package webhook
