package proxy

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"

	"github.com/linnet-project/linnet/release"
)

const (
	minToken = 16
	maxToken = 4096
)

// ReadToken reads the token of an admin API from a file; white space around
// it does not count. Errors never hold what the file holds.
func ReadToken(path string) (string, error) {
	text, err := readLimited(path, maxToken)
	if err != nil {
		return "", fmt.Errorf("token file: %v: %w", err, release.ErrInvalid)
	}
	token := strings.TrimSpace(string(text))
	if err := checkToken(token); err != nil {
		return "", fmt.Errorf("token file %s: %w", path, err)
	}
	return token, nil
}

// checkToken refuses what is too easily guessed or cannot be sent.
func checkToken(token string) error {
	if len(token) < minToken || len(token) > maxToken {
		return fmt.Errorf("token has %d characters, must have %d to %d: %w", len(token), minToken, maxToken, release.ErrInvalid)
	}
	for _, c := range []byte(token) {
		if c <= ' ' || c > '~' {
			return fmt.Errorf("token: must be printable ASCII without spaces: %w", release.ErrInvalid)
		}
	}
	return nil
}

// guard lets only those through who know the token. Hashes are compared, so
// that the time taken says nothing about the token, not even its length.
func guard(token string, next http.HandlerFunc) http.HandlerFunc {
	want := sha256.Sum256([]byte(token))
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(given))
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="linnet"`)
			answer(w, http.StatusUnauthorized, errorForm{Code: codeUnauthorized, Error: "the admin API needs its bearer token"})
			return
		}
		next(w, r)
	}
}
