package release

import (
	"errors"
	"strings"
)

// The four meanings an error can have at a border. Adapters wrap one of these
// (fmt.Errorf("…: %w", release.ErrUnavailable)); callers ask with errors.Is.
// Missing data is a value, never an error.
var (
	// ErrInvalid: the request can never succeed as it is; a person must change
	// something. Not retried.
	ErrInvalid = errors.New("invalid")
	// ErrNotFound: the thing named does not exist. Not retried at once.
	ErrNotFound = errors.New("not found")
	// ErrConflict: somebody else changed or owns the thing, or the request is
	// stale. The caller reads again before it tries again.
	ErrConflict = errors.New("conflict")
	// ErrUnavailable: the other side cannot answer now. Retried with back-off.
	ErrUnavailable = errors.New("unavailable")
)

// Plain is an error in words for people: without the word for its meaning at the
// end.
func Plain(err error) string {
	text := err.Error()
	for _, meaning := range []error{ErrInvalid, ErrNotFound, ErrConflict, ErrUnavailable} {
		text = strings.TrimSuffix(text, ": "+meaning.Error())
	}
	return text
}
