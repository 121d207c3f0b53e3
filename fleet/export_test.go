package fleet

import (
	"context"

	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/journal"
)

// BeginUnchecked begins a release without a look at what else runs.
func (f *Fleet) BeginUnchecked(ctx context.Context, b control.Beginning) (journal.ID, error) {
	return f.begin(ctx, b)
}

// Room waits for a place among those that record.
func (f *Fleet) Room(ctx context.Context) (func(), error) { return f.room(ctx) }

// MostStoring is how many there are.
const MostStoring = mostStoring
