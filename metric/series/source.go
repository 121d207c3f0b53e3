package series

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Point is a sample: a value at a time in milliseconds since 1970.
type Point struct {
	T int64
	V float64
}

// Cell is a bucket of a native histogram: N values above Lo, up to Hi. A zero
// bucket reaches from below 0 to above it.
type Cell struct {
	Lo, Hi, N float64
}

// Dist is a native histogram at a time in milliseconds since 1970: the values
// counted so far, by Cells in rising order.
type Dist struct {
	T     int64
	Cells []Cell
}

// Series is one series with its samples in order of time; it has Points or
// Dists. Observe only reads it, so a source may hand out what it keeps.
type Series struct {
	Labels labels.Labels
	Points []Point
	Dists  []Dist
}

// Span is a stretch of time (From, To] in milliseconds since 1970.
type Span struct {
	From, To int64
}

// Value is one element of an instant vector.
type Value struct {
	Labels labels.Labels
	V      float64
}

// Selected is what a source has of a selector, Warnings what it says about it.
type Selected struct {
	Series   []Series
	Warnings []string
}

// Evaluated is an expression's vector at each instant asked for.
type Evaluated struct {
	Vectors  [][]Value
	Warnings []string
}

// Source is what knows raw samples. Its errors wrap the meanings of release;
// to have no such series is no error. Observe may call it concurrently.
type Source interface {
	// Select returns the raw samples in the span of all series selected, and
	// no more series than limit; more than that is release.ErrInvalid (see
	// TooMany).
	Select(ctx context.Context, s Selector, span Span, limit int) (Selected, error)
	// Eval evaluates an expression that yields an instant vector at each time.
	Eval(ctx context.Context, expression string, at []time.Time) (Evaluated, error)
}

// Typed is a Source that may know what type a metric family was declared as:
// counter, gauge, histogram, …; "" where it does not.
type Typed interface {
	Type(ctx context.Context, family string) string
}

// MaxSeries is how many series a selector may match.
const MaxSeries = 10_000

// TooMany is the error for a selector that matches more series than limit.
func TooMany(what string, limit int) error {
	return invalid("%s matches more than %d series; narrow the selector", what, limit)
}

// Options say what a source knows about itself.
type Options struct {
	// Start is since when the source saw everything; zero where it cannot
	// tell. With it, samples are read back to Start, however far that is.
	Start time.Time
}
