package link

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

// Notifier adds to notices that ask for an approval the link to give it.
type Notifier struct {
	Next interface {
		Notify(ctx context.Context, n release.Notice) error
	}
	Keys *Keys
	// URL is how people reach the server.
	URL string
}

// Notify implements run.Notifier.
func (l Notifier) Notify(ctx context.Context, n release.Notice) error {
	if n.Happening != release.ToldApproval || n.Over {
		return l.Next.Notify(ctx, n)
	}
	parts := strings.Split(n.ID, "/") // name/attempt/sequence/index, as effects are called
	if len(parts) != 4 {
		return l.Next.Notify(ctx, n)
	}
	seq, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		return fmt.Errorf("notice %q has no sequence: %w", n.ID, release.ErrInvalid)
	}
	text, err := l.Keys.Sign(ctx, journal.ID{Name: n.Release, Attempt: n.Attempt}, seq)
	if err != nil {
		return err
	}
	n.Links = append(slices.Clone(n.Links), release.Link{Name: "answer", URL: strings.TrimSuffix(l.URL, "/") + back(text)})
	return l.Next.Notify(ctx, n)
}
