package control

import (
	"context"
	"testing"
	"time"

	"github.com/linnet-project/linnet/journal"
)

// hasty is a journal that wants to know how long it may take.
type hasty struct {
	Journal
	t *testing.T
}

func (h hasty) Choose(ctx context.Context, _ journal.Choice) ([]journal.Summary, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		h.t.Error("the journal may take for ever")
	}
	return make([]journal.Summary, 10), nil
}

// Answers that are too old to be given are not kept, and none is waited for
// without end.
func TestOldAnswersAreLetGo(t *testing.T) {
	now := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	r := recent{journal: hasty{t: t}, now: func() time.Time { return now }}
	for n := range 10 {
		if _, err := r.choose(t.Context(), journal.Choice{Before: int64(n)}); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(recentFor)
	if _, err := r.choose(t.Context(), journal.Choice{}); err != nil || len(r.answers) != 1 {
		t.Errorf("%d answers are kept, %v", len(r.answers), err)
	}
}
