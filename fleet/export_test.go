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
