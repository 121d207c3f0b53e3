package fold

import (
	"time"

	"github.com/linnet-project/linnet/ingest/item"
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
	// Terms are the rules that are numbers.
	Terms() Terms
}

// Terms are the rules that are numbers; zero stands for the default.
type Terms struct {
	// Window is how long the windows are that events are counted in. They are
	// aligned to the clock, and each is closed on the left: (from, to].
	Window time.Duration
	// Lateness is how long after its end a window stays open.
	Lateness time.Duration
	// MaxAge and MaxAhead are how old, and how far in the future, the time of an
	// event or sample may be when it comes in.
	MaxAge, MaxAhead time.Duration
	// SeenFor is for how long the ids of events and batches are remembered, and
	// SeenMost how many at most: where more come, the oldest are forgotten before
	// their time, which Stats tells. One takes about 24 bytes.
	SeenFor  time.Duration
	SeenMost int
	// Series is how many series a tenant may have at once, and Tenants of those
	// that have a limit of their own. A series that nothing was heard of for an
	// hour or two counts no more.
	Series  int
	Tenants map[string]int
	// Sampling says of which events only a share is counted; the first row that
	// matches an event holds.
	Sampling []Sampling
	// KeepFor and KeepBytes bound the raw batches that are kept for a replay.
	KeepFor   time.Duration
	KeepBytes int64
}

// Defaults of Terms.
const (
	DefaultWindow    = 5 * time.Second
	DefaultLateness  = 10 * time.Second
	DefaultMaxAge    = time.Hour
	DefaultMaxAhead  = time.Minute
	DefaultSeenFor   = 10 * time.Minute
	DefaultSeenMost  = 4_000_000
	DefaultSeries    = 100_000
	DefaultKeepFor   = 24 * time.Hour
	DefaultKeepBytes = 4 << 30
)

// Sampling is a rule by which only a share of the events is counted. Their
// series carry that share as the label sample_ratio.
type Sampling struct {
	// Service and Name are those of the events that it is for; "" for all.
	Service, Name string
	// Rate is the share that is kept: above 0, at most 1.
	Rate float64
	// ByTrace keeps or drops all events of a trace together.
	ByTrace bool
	// KeepErrors keeps every event whose outcome is an error.
	KeepErrors bool
}

// Filled are the terms with the defaults in place of zeros.
func (t Terms) Filled() Terms {
	fill(&t.Window, DefaultWindow)
	fill(&t.Lateness, DefaultLateness)
	fill(&t.MaxAge, DefaultMaxAge)
	fill(&t.MaxAhead, DefaultMaxAhead)
	fill(&t.SeenFor, DefaultSeenFor)
	fill(&t.SeenMost, DefaultSeenMost)
	fill(&t.Series, DefaultSeries)
	fill(&t.KeepFor, DefaultKeepFor)
	fill(&t.KeepBytes, DefaultKeepBytes)
	return t
}

func fill[T comparable](p *T, otherwise T) {
	var zero T
	if *p == zero {
		*p = otherwise
	}
}

// limit is how many series a tenant may have.
func (t Terms) limit(tenant string) int {
	if n, ok := t.Tenants[tenant]; ok {
		return n
	}
	return t.Series
}
