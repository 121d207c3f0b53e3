package link_test

import (
	"errors"
	"testing"
	"time"

	"github.com/linnet-project/linnet/database/databasetest"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/link"
	"github.com/linnet-project/linnet/release"
)

// Whatever a link says, it is one that was signed here, or it is refused.
func FuzzVerify(f *testing.F) {
	keys, err := link.NewKeys(f.Context(), databasetest.Folder(f), func() time.Time { return at })
	if err != nil {
		f.Fatal(err)
	}
	signed, err := keys.Sign(f.Context(), journal.ID{Name: "checkout-2", Attempt: 3}, 17)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add("e30.e30")
	f.Add("eyJrIjoiIn0.")
	f.Fuzz(func(t *testing.T, text string) {
		q, err := keys.Verify(t.Context(), text)
		if err == nil && text != signed || err != nil && (!errors.Is(err, release.ErrInvalid) || q != link.Question{}) {
			t.Fatalf("%+v, %v", q, err)
		}
		if _, err := keys.Ticket(t.Context(), text, "ann"); err != nil && len(text) == 0 && !errors.Is(err, release.ErrInvalid) {
			t.Fatal(err)
		}
	})
}
