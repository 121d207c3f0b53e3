package river

import (
	"errors"
	"testing"
	"time"

	"github.com/linnet-project/linnet/journal"
)

// A command hurries a release whose turns go well, or have failed for a moment; one
// whose turns fail again and again is tried as seldom as without it.
func TestACommandHurriesNothingHopeless(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	c := &Caller{cfg: Config{Clock: NewClock(nil, func() time.Time { return now })}, busy: map[journal.ID]bool{}, failures: map[journal.ID]failing{}}
	shop := journal.ID{Name: "shop", Attempt: 1}
	for n := range hopes + 1 {
		if jobs := c.found([]journal.ID{shop}, nil); len(jobs) != 1 {
			t.Errorf("after %d failures there are %d jobs", n, len(jobs))
		}
		c.count(shop, errors.New("no such provider"))
	}
	if jobs := c.found([]journal.ID{shop}, nil); len(jobs) != 0 {
		t.Errorf("after more it is still hurried: %+v", jobs)
	}
	if jobs := c.found([]journal.ID{shop}, []journal.ID{shop}); len(jobs) != 1 || c.Lag().Overdue != 1 {
		t.Errorf("overdue, it has %d jobs", len(jobs))
	}
	c.count(shop, nil)
	if jobs := c.found([]journal.ID{shop}, nil); len(jobs) != 1 || len(c.failures) != 0 {
		t.Errorf("once it goes well there are %d jobs", len(jobs))
	}
	c.count(shop, errors.New("no such provider"))
	now = now.Add(keptFailed + time.Second)
	if c.found(nil, nil); len(c.failures) != 0 {
		t.Errorf("of a release that others take on is kept %v", c.failures)
	}
}
