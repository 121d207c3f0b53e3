package fold

import (
	"fmt"
	"time"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

// Rules are what the user declared of data that comes in. They are safe for
// concurrent use, and the same thing comes out the same, always: a replay
// depends on it.
type Rules interface {
	// Event brings an event into its normal form (names, units, tags), or tells
	// why it is refused; Place and Raw of a refusal may be empty.
	Event(*item.Event) *item.Refusal
	// Sample does the same to a sample of a sender that counts for itself. Its
	// labels may be shared with other samples; they are replaced, not changed.
	Sample(*item.Sample) *item.Refusal
	// Share is how much of the events like this one is counted: above 0, at most 1.
	// It is asked of an event in its normal form.
	Share(*item.Event) float64
	// Terms are the rules that are numbers.
	Terms() Terms
}

// Terms are the rules that are numbers.
type Terms struct {
	// Window is how long the windows are that events are counted in. They are
	// aligned to the clock, and each is closed on the left: (from, to].
	Window time.Duration
	// Lateness is how long after its end a window stays open.
	Lateness time.Duration
	// MaxAge and MaxAhead are how old, and how far in the future, the time of an
	// event or sample may be when it comes in.
	MaxAge, MaxAhead time.Duration
	// SeenFor is for how long the ids of events and batches are remembered, 0 for
	// not at all, and SeenMost how many at most: where more come, the oldest are
	// forgotten before their time, which Stats tells. One takes about 24 bytes.
	SeenFor  time.Duration
	SeenMost int
	// Series is how many series a tenant may have at once, and Tenants of those
	// that have a limit of their own. A series that nothing was heard of for an
	// hour or two counts no more.
	Series  int
	Tenants map[string]int
	// Common is how many the tenants that have no limit of their own may have
	// together, since a sender can name as many tenants as it likes.
	Common int
	// KeepFor and KeepBytes bound the raw batches that are kept for a replay.
	KeepFor   time.Duration
	KeepBytes int64
}

// Check tells what is wrong with the terms. An error wraps release.ErrInvalid.
func (t Terms) Check() error {
	switch {
	case t.Window < time.Millisecond || t.Window%time.Millisecond != 0:
		return fmt.Errorf("windows of %s: they must have whole milliseconds: %w", t.Window, release.ErrInvalid)
	case t.Lateness < 0 || t.MaxAge <= 0 || t.MaxAhead < 0 || t.SeenFor < 0 || t.KeepFor < 0:
		return fmt.Errorf("a lateness of %s, an age of %s, %s ahead, ids for %s or the log for %s cannot be: %w",
			t.Lateness, t.MaxAge, t.MaxAhead, t.SeenFor, t.KeepFor, release.ErrInvalid)
	}
	return nil
}

// Defaults are the terms where nothing is declared.
func Defaults() Terms {
	return Terms{
		Window: 5 * time.Second, Lateness: 10 * time.Second,
		MaxAge: 24 * time.Hour, MaxAhead: time.Minute,
		SeenFor: time.Hour, SeenMost: 4_000_000, Series: 10_000, Common: 500_000,
		KeepFor: 48 * time.Hour, KeepBytes: 5 << 30,
	}
}

// limit is how many series a tenant may have.
func (t Terms) limit(tenant string) int {
	if n, ok := t.Tenants[tenant]; ok {
		return n
	}
	return t.Series
}
