package item

import (
	"encoding/json"
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
// among events, unless it is a native histogram: that is written for people.
func SampleLine(s Sample) []byte {
	line := sampleLine{Schema: SampleSchema, Time: time.UnixMilli(s.T).UTC().Format(time.RFC3339Nano), Labels: s.Labels.Map(), Value: s.V}
	switch {
	case s.H != nil:
		line.Value, line.Histogram = nil, s.H.String()
	case s.FH != nil:
		line.Value, line.Histogram = nil, s.FH.String()
	case math.IsNaN(s.V) || math.IsInf(s.V, 0):
		line.Value = strconv.FormatFloat(s.V, 'g', -1, 64)
	}
	text, err := json.Marshal(line)
	if err != nil {
		return nil
	}
	return text
}
