package journal

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/linnet-project/linnet/release"
)

// maxName bounds a release's name, in bytes; it also names a lock file.
const maxName = 200

// ID names a release for ever: its name and which attempt at it, from 1.
type ID struct {
	Name    string
	Attempt int
}

// String gives NAME/ATTEMPT.
func (id ID) String() string { return id.Name + "/" + strconv.Itoa(id.Attempt) }

// ParseID reads NAME/ATTEMPT. Errors wrap release.ErrInvalid.
func ParseID(text string) (ID, error) {
	name, number, found := strings.Cut(text, "/")
	attempt, err := strconv.Atoi(number)
	if !found || err != nil || strconv.Itoa(attempt) != number {
		return ID{}, fmt.Errorf("release %q: expected NAME/ATTEMPT, such as checkout-1.5.0/1: %w", text, release.ErrInvalid)
	}
	id := ID{Name: name, Attempt: attempt}
	if err := id.check(); err != nil {
		return ID{}, err
	}
	return id, nil
}

// check refuses names that could not be a file's name or would not print as
// one word of a Head.
func (id ID) check() error {
	bad := func(r rune) bool { return r == '/' || unicode.IsSpace(r) || !unicode.IsPrint(r) }
	switch {
	case id.Name == "" || len(id.Name) > maxName || !utf8.ValidString(id.Name):
		return fmt.Errorf("release name %q: expected 1 to %d bytes of UTF-8: %w", id.Name, maxName, release.ErrInvalid)
	case strings.ContainsFunc(id.Name, bad):
		return fmt.Errorf("release name %q: no space, slash or unprintable character may be in it: %w", id.Name, release.ErrInvalid)
	case id.Attempt < 1:
		return fmt.Errorf("release %s: attempts count from 1: %w", id, release.ErrInvalid)
	}
	return nil
}
