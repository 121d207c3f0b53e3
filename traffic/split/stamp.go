package split

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/release"
)

// Stamp says whose route is served. A provider that has room for a line of text
// beside its weights (an annotation, a comment, an entry of a map) writes it
// there in the same change, so that a stale writer can be told.
type Stamp struct {
	Owner string
	Epoch uint64
}

// StampOf is the stamp of a route.
func StampOf(route release.Route) Stamp { return Stamp{Owner: route.Owner, Epoch: route.Epoch} }

// maxStamp bounds a stamp's text, in bytes.
const maxStamp = 1000

// String writes a stamp as one line that ParseStamp reads: epoch and owner,
// with everything quoted that could end the line.
func (s Stamp) String() string {
	return "epoch=" + strconv.FormatUint(s.Epoch, 10) + " owner=" + strconv.QuoteToASCII(s.Owner)
}

// ParseStamp reads what String wrote. Text that is none, an empty one too, is no
// stamp: the route is nobody's, and any writer is newer.
func ParseStamp(text string) (Stamp, bool) {
	if len(text) > maxStamp {
		return Stamp{}, false
	}
	head, quoted, ok := strings.Cut(strings.TrimSpace(text), " owner=")
	if !ok {
		return Stamp{}, false
	}
	number, ok := strings.CutPrefix(head, "epoch=")
	if !ok {
		return Stamp{}, false
	}
	epoch, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return Stamp{}, false
	}
	owner, err := strconv.Unquote(quoted)
	if err != nil {
		return Stamp{}, false
	}
	return Stamp{Owner: owner, Epoch: epoch}, true
}

// Fence refuses a route that is older than what is served, by the stamp found
// there: release.ErrConflict for a lower epoch, and for the same epoch with
// another owner. The same route again is fine, and so is a newer one.
func (s Stamp) Fence(route release.Route) error {
	switch {
	case route.Epoch < s.Epoch:
		return fmt.Errorf("epoch %d is stale: epoch %d of %.100q is served: %w", route.Epoch, s.Epoch, s.Owner, release.ErrConflict)
	case route.Epoch == s.Epoch && s.Epoch > 0 && route.Owner != s.Owner:
		return fmt.Errorf("epoch %d is %.100q's, not %.100q's: %w", route.Epoch, s.Owner, route.Owner, release.ErrConflict)
	}
	return nil
}
