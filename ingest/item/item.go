// Package item holds the nouns of the front door: what a sender sends, what is
// decoded of it, and what is refused.
package item

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/release"
)

// Format is how a batch is written.
type Format string

// The formats.
const (
	OTLPMetrics Format = "otlp-metrics" // ExportMetricsServiceRequest, protobuf
	OTLPTraces  Format = "otlp-traces"  // ExportTraceServiceRequest, protobuf
	RemoteWrite Format = "remote-write-1"
	RemoteTwo   Format = "remote-write-2"
	EventsJSON  Format = "events-ndjson"
	EventsCSV   Format = "events-csv"
	StatsD      Format = "statsd"
)

// Batch is what one sender sent at once, as it came but for compression. It is
// in the log before it is acknowledged, and a replay decodes it again.
type Batch struct {
	// Seq is its place in the log, from 1; the door gives it.
	Seq uint64
	// ID is the sender's own name for it, "" where it has none: seen twice within
	// the declared time, it counts once.
	ID     string
	Tenant string
	// Sender says where it came from, for people: "otlp/http 10.0.0.7".
	Sender string
	Format Format
	// At is when it came in, by our clock.
	At   time.Time
	Body []byte
}

// Outcome is how a request or a doing ended.
type Outcome string

// The outcomes.
const (
	OK    Outcome = "ok"
	Error Outcome = "error"
)

// MaxCount bounds how many events one may stand for, LeastKept does so for those
// that a sender left out, and MaxRaw bounds the bytes that are kept of what is
// refused.
const (
	MaxCount  = 1_000_000
	LeastKept = 1e-6
	MaxRaw    = 64 << 10
)

// Event is one request, or one other thing that happened, such as an order.
type Event struct {
	// ID tells events apart: seen twice within the declared time, it counts once.
	ID   string
	Time time.Time
	// Name is what happened: "request" of a service's requests, else of the
	// sender's choice.
	Name    string
	Service string
	Version string
	Arm     string
	Route   string
	Outcome Outcome
	// Seconds is how long it took; nil where that is not told.
	Seconds *float64
	// Value is what it was worth, in base units; nil where that is not told.
	Value *float64
	// BareSeconds and BareValue say that Seconds and Value are as the sender wrote
	// them, without a unit; rules may declare it.
	BareSeconds, BareValue bool
	// Count is how many such events it stands for, each with these Seconds and
	// this Value, at most MaxCount; 0 stands for 1.
	Count int
	// Tags are further labels: environment, region, device, …
	Tags map[string]string
	// Fields are what the schema does not know, as text; rules may make tags of
	// them. They stay in the log in any case.
	Fields map[string]string
	// Trace is the id of its trace; "" for none.
	Trace string
	// Kept is the share of such events that the sender kept, LeastKept to 1; 0
	// stands for 1.
	Kept float64
	// Place is where in the batch it stands, for people: "line 7". Raw is the
	// event as it came, at most 64 KiB, for the quarantine; it is a slice of the
	// batch where that can be.
	Place string
	Raw   []byte
}

// WrongKept says what is wrong with the share that was kept, and what to do; "" for
// nothing.
func (e *Event) WrongKept() string {
	switch {
	case e.Kept == 0 || e.Kept >= LeastKept && e.Kept <= 1:
		return ""
	case e.Kept > 0 && e.Kept < LeastKept:
		return fmt.Sprintf("the sender says that it kept a share of %g, and one event would stand for more than %d; let it keep a share of 0.000001 at least", e.Kept, MaxCount)
	}
	return fmt.Sprintf("the sender says that it kept a share of %g; send one from 0.000001 to 1", e.Kept)
}

// Sample is one sample of one series, as a sender that counts for itself has it.
// One of V, H and FH counts.
type Sample struct {
	Labels labels.Labels
	T      int64 // milliseconds since 1970
	V      float64
	H      *histogram.Histogram
	FH     *histogram.FloatHistogram
}

// Exemplar is an example of what a series counts.
type Exemplar struct {
	Labels labels.Labels // the series'
	exemplar.Exemplar
}

// Many tells whether it is more than a batch may come to.
func (d *Decoded) Many() bool {
	return len(d.Events)+len(d.Samples)+len(d.Exemplars)+len(d.Refused) > MostItems
}

// Refusal is one thing that was not taken, and why.
type Refusal struct {
	Code  Code
	Text  string // one sentence that says what is wrong and what to do
	Place string
	Raw   []byte // as it came, or as JSON where it was binary; at most 64 KiB
}

// Bounds of what is said of a refusal, in bytes: names that a sender chose stand in
// both, and a sender may choose long ones.
const (
	maxText  = 2 << 10
	maxPlace = 256
)

// Bounded is the refusal with no more text than people read.
func (r Refusal) Bounded() Refusal {
	r.Text, r.Place, r.Raw = clip(r.Text, maxText), clip(r.Place, maxPlace), r.Raw[:min(len(r.Raw), MaxRaw)]
	return r
}

func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// Code is a stable name for why something is refused.
type Code string

// Codes of refusals.
const (
	Unreadable  Code = "unreadable"  // the batch or record cannot be decoded
	UnknownForm Code = "schema"      // a version of the schema that is not known, or a field of the wrong type
	MissingTag  Code = "missing-tag" // a required label is not there
	OutOfRange  Code = "range"       // a value that cannot be
	TooOld      Code = "too-old"
	TooNew      Code = "too-new"      // its time lies in the future
	TooLate     Code = "too-late"     // its window is closed
	Disordered  Code = "out-of-order" // older than a sample of its series, beyond what is allowed
	TooMany     Code = "cardinality"  // the tenant's limit of series
	TooLarge    Code = "too-large"
)

// Codes are all of them.
func Codes() []Code {
	return []Code{
		Unreadable, UnknownForm, MissingTag, OutOfRange, TooOld, TooNew, TooLate, Disordered, TooMany, TooLarge,
	}
}

// MostItems bounds how many events, samples and refusals a batch may come to. Some
// of a few bytes take some hundred each, and a batch is bounded in bytes alone.
const MostItems = 1 << 20

// ErrMany is the error of a batch that comes to more than MostItems.
var ErrMany = fmt.Errorf("the batch holds more than %d events, samples and refusals; send smaller ones: %w", MostItems, release.ErrInvalid)

// Decoded is what a batch holds.
type Decoded struct {
	Events  []Event
	Samples []Sample
	// Exemplars are of the series of Samples, or of those of other batches.
	Exemplars []Exemplar
	Refused   []Refusal
}

// Busy is the error of a door that is full: the same batch may come again after
// a while.
type Busy struct {
	After time.Duration
}

// Error implements error.
func (b Busy) Error() string {
	return fmt.Sprintf("the front door is full; try again in %s", b.After)
}

// Unwrap makes it a release.ErrUnavailable.
func (b Busy) Unwrap() error { return release.ErrUnavailable }

// Receipt is what the door did with a batch.
type Receipt struct {
	Seq      uint64
	Accepted int // events and samples
	Refused  int // those in the quarantine
	Repeated int // those seen before
	// Refusals are the first few of those refused, without Raw.
	Refusals []Refusal
}
