// Package token is the form of an API token: how it is written, read and
// compared, and what of it is kept.
package token

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/linnet-project/linnet/release"
)

// Prefix begins every token, so that people and scanners for leaked secrets
// know one when they see it.
const Prefix = "lnt_"

// The lengths of the parts of a token, in bytes before they are written.
const (
	IDSize     = 10
	SecretSize = 32
)

// Token is a token in its parts. It prints as its id alone.
type Token struct {
	// ID names the token in lists and in the audit; it is no secret.
	ID     string
	secret [SecretSize]byte
}

// New makes a token of bytes drawn at random.
func New(id [IDSize]byte, secret [SecretSize]byte) Token {
	return Token{ID: hex.EncodeToString(id[:]), secret: secret}
}

// Parse reads a token. The error, release.ErrInvalid, says what a token looks
// like and nothing of what was given.
func Parse(s string) (Token, error) {
	bad := fmt.Errorf("not a token: one looks like %s<id>_<secret>: %w", Prefix, release.ErrInvalid)
	rest, ok := strings.CutPrefix(s, Prefix)
	if !ok || len(rest) != hex.EncodedLen(IDSize)+1+hex.EncodedLen(SecretSize) {
		return Token{}, bad
	}
	id, secret, ok := strings.Cut(rest, "_")
	if !ok || !ValidID(id) {
		return Token{}, bad
	}
	t := Token{ID: id}
	b, err := hex.DecodeString(secret)
	// Digits above 9 in lower case: only one way to write a token is one.
	if err != nil || len(b) != SecretSize || hex.EncodeToString(b) != secret {
		return Token{}, bad
	}
	copy(t.secret[:], b)
	return t, nil
}

// ValidID tells whether something can be the id of a token.
func ValidID(id string) bool {
	b, err := hex.DecodeString(id)
	return err == nil && len(b) == IDSize && hex.EncodeToString(b) == id
}

// Text is the token as its owner keeps it. It is shown once, when it is made.
func (t Token) Text() string { return Prefix + t.ID + "_" + hex.EncodeToString(t.secret[:]) }

// Hash is what is kept of the secret. SHA-256 without salt and without slowness
// is right here, as it would not be for a password: the secret is 256 bits of
// chance, so that there is no list to try and no two are alike, and it is
// checked with every request.
func (t Token) Hash() []byte {
	h := sha256.Sum256(t.secret[:])
	return h[:]
}

// Matches tells whether the token is the one whose hash was kept, in a time that
// says nothing about how much of it is right.
func (t Token) Matches(hash []byte) bool { return subtle.ConstantTimeCompare(t.Hash(), hash) == 1 }

// String hides the secret.
func (t Token) String() string { return Prefix + t.ID + "_***" }

// GoString hides the secret from %#v, too.
func (t Token) GoString() string { return t.String() }
