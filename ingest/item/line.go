package item

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// sampleLine is how a sample is written for the quarantine, so that it can be
// put right and sent again.
type sampleLine struct {
	Schema string            `json:"schema"`
	Time   string            `json:"time"`
	Labels map[string]string `json:"labels"`
	// Value is text where JSON has no number for it.
	Value     any    `json:"value,omitempty"`
	Histogram string `json:"histogram,omitempty"`
}

// SampleSchema is the schema of a sample as one line of JSON.
const SampleSchema = "linnet.sample/1"

// SampleLine writes a sample as one line of JSON, which the front door takes
// among events, unless it is a native histogram: that is written for people, and
// as its fields, since one that cannot be has no buckets that could be named.
func SampleLine(s Sample) []byte {
	line := sampleLine{Schema: SampleSchema, Time: time.UnixMilli(s.T).UTC().Format(time.RFC3339Nano), Labels: s.Labels.Map(), Value: s.V}
	switch {
	case s.H != nil:
		line.Value, line.Histogram = nil, fmt.Sprintf("%+v", *s.H)
	case s.FH != nil:
		line.Value, line.Histogram = nil, fmt.Sprintf("%+v", *s.FH)
	case math.IsNaN(s.V) || math.IsInf(s.V, 0):
		line.Value = strconv.FormatFloat(s.V, 'g', -1, 64)
	}
	text, err := json.Marshal(line)
	if err != nil {
		return nil
	}
	return text
}

// eventLine is how an event is written that came as something else than JSON.
type eventLine struct {
	Schema   string            `json:"schema"`
	ID       string            `json:"id,omitempty"`
	Time     string            `json:"time"`
	Name     string            `json:"name"`
	Service  string            `json:"service,omitempty"`
	Version  string            `json:"version,omitempty"`
	Arm      string            `json:"arm,omitempty"`
	Route    string            `json:"route,omitempty"`
	Outcome  Outcome           `json:"outcome"`
	Duration *float64          `json:"duration,omitempty"`
	Seconds  *float64          `json:"duration_s,omitempty"`
	Value    *float64          `json:"value,omitempty"`
	Count    int               `json:"count,omitempty"`
	Kept     float64           `json:"kept,omitempty"`
	Trace    string            `json:"trace,omitempty"`
	Tags     map[string]string `json:"tags,omitempty"`
}

// EventSchema is the newest schema of events, that of those that name none.
const EventSchema = "linnet.event/1"

// EventLine writes an event as one line of JSON in the newest schema, which the
// front door takes. Fields that no schema knows are not in it.
func EventLine(e Event) []byte {
	line := eventLine{
		Schema: EventSchema, ID: e.ID, Time: e.Time.UTC().Format(time.RFC3339Nano), Name: e.Name,
		Service: e.Service, Version: e.Version, Arm: e.Arm, Route: e.Route, Outcome: e.Outcome,
		Value: finite(e.Value), Count: e.Count, Kept: e.Kept, Trace: e.Trace, Tags: e.Tags,
	}
	if e.BareSeconds {
		line.Duration = finite(e.Seconds)
	} else {
		line.Seconds = finite(e.Seconds)
	}
	text, err := json.Marshal(line)
	if err != nil {
		return nil
	}
	return text
}

// finite leaves out a number that JSON has not.
func finite(v *float64) *float64 {
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return nil
	}
	return v
}
