package spec

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Ingest is a rules file of the front door, parsed, validated and with every
// default filled in: what is sent to Linnet is held against it.
type Ingest struct {
	// Text is the file as it was read; Hash the SHA-256 of Text, in hex.
	Text []byte
	Hash string

	// Require are the tags that every event must have; one of several where they
	// stand with | between them.
	Require []string
	// Fill is what a tag is where an event leaves it out.
	Fill map[string]string
	// Rename gives the new name of a tag, of an event's or a series', by its old
	// one.
	Rename map[string]string
	// Keep are the tags that are kept, all of them where it is empty; Drop those
	// that are not.
	Keep, Drop []string
	// Fields are fields of an event that its schema does not know and that are
	// kept as tags.
	Fields []string
	Units  []IngestUnit
	Ranges []IngestRange
	Series IngestSeries

	// TooOld is how far back, and Future how far ahead of the moment that it came
	// in, an event's time may lie.
	TooOld, Future time.Duration
	// Window is the length of the stretches that events are counted by, Lateness
	// how long after its end a window still takes events, by the clock of events.
	Window, Lateness time.Duration
	// Dedupe is how long an id is remembered; 0 for not at all.
	Dedupe time.Duration

	Limits   IngestLimits
	Sampling []IngestSampling

	Store, Log, Quarantine Retention
	// Forward is where samples go besides the store; nil for nowhere.
	Forward *Forward
}

// IngestUnit declares the unit of values that come without one.
type IngestUnit struct {
	// Match is a pattern of the names of series, or of events with .duration or
	// .value behind them; * stands for anything.
	Match string
	// Unit is one of IngestUnits.
	Unit string
}

// IngestUnits are the units that a value may come in.
func IngestUnits() []string {
	return []string{"ns", "us", "µs", "ms", "s", "min", "h", "bytes", "KB", "MB", "GB", "KiB", "MiB", "GiB", "ratio", "percent"}
}

// IngestRange says what values can be, in base units.
type IngestRange struct {
	// Match is a pattern as in IngestUnit.
	Match string
	// AtLeast and AtMost are the bounds; nil for none.
	AtLeast, AtMost *float64
}

// IngestSeries is what holds for series that senders count themselves.
type IngestSeries struct {
	// Require is as in Ingest.
	Require []string
	// UnitsByName says whether a name such as latency_milliseconds is turned into
	// base units: latency_seconds.
	UnitsByName bool
}

// IngestLimits bound what a sender can make the door keep.
type IngestLimits struct {
	// Batch is the most bytes of one batch, unpacked.
	Batch int64
	// Series is how many series a tenant may have at once.
	Series int64
	// Tags is how many tags one event or series may have, Tag how many bytes one
	// value of a tag.
	Tags, Tag int64
	Tenants   []IngestTenant
}

// IngestTenant is a tenant with a limit of its own.
type IngestTenant struct {
	Name   string
	Series int64
}

// SeriesOf is how many series a tenant may have at once.
func (l IngestLimits) SeriesOf(tenant string) int64 {
	for _, t := range l.Tenants {
		if t.Name == tenant {
			return t.Series
		}
	}
	return l.Series
}

// IngestSampling says how much of some events is kept. The first that fits an
// event holds.
type IngestSampling struct {
	// Service, Route and Name are patterns.
	Service, Route, Name string
	// Keep is the share that is kept, above 0 and at most 1.
	Keep float64
	// KeepErrors says whether errors are all kept.
	KeepErrors bool
}

// Retention says how much of something is kept: what is older than For goes,
// and the oldest where it is more than Size bytes.
type Retention struct {
	For  time.Duration
	Size int64
}

// Forward is a store that speaks Prometheus' remote write.
type Forward struct {
	URL             string
	BearerTokenFile string
	Username        string
	PasswordFile    string
	Headers         map[string]string
	TLS
	Timeout time.Duration
}

var ingestDocument = document[Ingest]{
	kind: "Ingest", title: "rules of the front door", keys: headed("Ingest", ingestSpecKeys), rules: ingestRules,
	read: func(i *Ingest) (*[]byte, *string) { return &i.Text, &i.Hash },
}

// ParseIngest reads a rules file of the front door, as Parse reads a release
// file: name is what errors call it, and an error holds all that is wrong.
func ParseIngest(name string, text []byte) (Ingest, error) { return ingestDocument.parse(name, text) }

// DefaultIngest is what holds where there is no rules file.
func DefaultIngest() Ingest {
	in, err := ParseIngest("default", []byte("apiVersion: linnet/v1\nkind: Ingest\n"))
	if err != nil {
		// A test reads the defaults of the table.
		return Ingest{}
	}
	return in
}

// FormatIngest writes rules in full, with every default spelled out.
// ParseIngest reads them back as equal, Text and Hash apart.
func FormatIngest(in Ingest) []byte { return ingestDocument.format(in) }

// OwnLabel says that Linnet itself gives a label of that name to series made of
// events, so that a tag cannot have it.
func OwnLabel(tag string) bool {
	switch tag {
	case "name", "outcome", "le", "quantile", "sample_ratio", "tenant":
		return true
	}
	return strings.HasPrefix(tag, "__")
}

// ingestRules checks what must hold between the keys of a rules file.
func ingestRules(c *checker, in Ingest) {
	for i, r := range in.Ranges {
		at := "spec.ranges[" + strconv.Itoa(i) + "]"
		switch {
		case !c.fine(at+".atLeast", at+".atMost"):
		case r.AtLeast == nil && r.AtMost == nil:
			c.fail(at, "has no bound", "write atLeast, atMost or both")
		case r.AtLeast != nil && r.AtMost != nil && *r.AtLeast > *r.AtMost:
			c.fail(at+".atLeast", "is more than atMost, so that nothing fits", "swap them")
		}
	}
	for i, s := range in.Sampling {
		at := "spec.sampling[" + strconv.Itoa(i) + "].keep"
		if c.fine(at) && !(s.Keep > 0 && s.Keep <= 1) {
			c.fail(at, formatPercent(s.Keep)+" is no share that could be kept", "write more than 0% and at most 100%")
		}
	}
	for tag := range in.Fill {
		if OwnLabel(tag) {
			c.fail(join("spec.fill", tag), "is a label of Linnet's own", "choose another name")
		}
	}
	for old, renamed := range in.Rename {
		if old == renamed {
			c.fail(join("spec.rename", old), "is its own name", "take it out")
		}
		if again, ok := in.Rename[renamed]; ok && old != renamed {
			c.fail(join("spec.rename", old), fmt.Sprintf("becomes %s, which becomes %s", clip(renamed), clip(again)), "name the last one at once; renaming is done once")
		}
	}
	first := map[string]bool{}
	for i, t := range in.Limits.Tenants {
		if first[t.Name] {
			c.fail("spec.limits.tenants["+strconv.Itoa(i)+"].name", clip(t.Name)+" is there already", "give each tenant one entry")
		}
		first[t.Name] = true
	}
	if c.fine("spec.time.dedupe", "spec.time.lateness") && in.Dedupe != 0 && in.Dedupe < in.Lateness {
		c.fail("spec.time.dedupe", formatDuration(in.Dedupe)+" is shorter than lateness, "+formatDuration(in.Lateness), "let ids be remembered for at least as long as windows are open")
	}
	if f := in.Forward; f != nil {
		certificateRules(c, f.TLS, "spec.forward")
	}
}
