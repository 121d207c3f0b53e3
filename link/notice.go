package link

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
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
	seq, ok, err := sequence(n.ID)
	if err != nil {
		return err
	}
	if !ok {
		return l.Next.Notify(ctx, n)
	}
	text, err := l.Keys.Sign(ctx, journal.ID{Name: n.Release, Attempt: n.Attempt}, seq)
	if err != nil {
		return err
	}
	n.Links = append(slices.Clone(n.Links), release.Link{Name: "answer", URL: strings.TrimSuffix(l.URL, "/") + back(text)})
	return l.Next.Notify(ctx, n)
}

// sequence is the record that a notice tells of; false for one of something else.
func sequence(notice string) (uint64, bool, error) {
	parts := strings.Split(notice, "/") // name/attempt/sequence/index, as effects are called
	if len(parts) != 4 {
		return 0, false, nil
	}
	seq, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		return 0, false, fmt.Errorf("notice %q has no sequence: %w", notice, release.ErrInvalid)
	}
	return seq, true, nil
}

// Stands tells whether what a notice asked of a release is still what it waits for:
// an answer to an old question is none to the next one.
func Stands(r report.Release, notice string) bool {
	told, ok, err := sequence(notice)
	at, _ := question(r)
	return ok && err == nil && told == at
}
