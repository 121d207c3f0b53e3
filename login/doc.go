// Package login knows who somebody is: it checks API tokens and sessions, has
// people log in at an identity provider by OpenID Connect, and keeps strangers
// from asking too fast, guessing, or riding on somebody's browser. What somebody
// may do is not its business but that of package access.
package login
