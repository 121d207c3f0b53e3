// Package ndjson reads observations as `linnet judge` takes them and commands
// print them: one JSON object a line.
package ndjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

// MaxLine bounds a line, in bytes.
const MaxLine = 1 << 20

// most is how many events one observation may have.
const most = 1e15

// Line is one observation as it comes in.
type Line struct {
	// Time is when its window ends; nil where the line does not tell.
	Time    *time.Time `json:"time"`
	Metric  string     `json:"metric"`
	Segment string     `json:"segment"`
	Arm     string     `json:"arm"`
	Bad     *events    `json:"bad"`
	Count   *events    `json:"count"`
	Of      *float64   `json:"of"`
	Bounds  []real     `json:"bounds"`
	Counts  []events   `json:"counts"`
	Points  []real     `json:"points"`
	// Of what was sampled: how many were really counted.
	KeptEvents *events  `json:"kept_events"`
	KeptOf     *float64 `json:"kept_of"`
}

// events is a whole number, also where a writer puts 3 as 3.0 or 3e0.
type events int64

func (e *events) UnmarshalJSON(text []byte) error {
	x, err := strconv.ParseFloat(string(text), 64)
	if err != nil || x != math.Trunc(x) || math.Abs(x) > most {
		return fmt.Errorf("%.40s is no whole number of events from 0 to 1e15", text)
	}
	*e = events(x)
	return nil
}

// real is a number; null, which would be read as 0, is none.
type real float64

func (r *real) UnmarshalJSON(text []byte) error {
	x, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return fmt.Errorf("%.40s is no number", text)
	}
	*r = real(x)
	return nil
}

func floats(rs []real) []float64 {
	out := make([]float64, len(rs))
	for i, r := range rs {
		out[i] = float64(r)
	}
	return out
}

// Parse reads a line. An error wraps release.ErrInvalid.
func Parse(text []byte) (Line, error) {
	var l Line
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return l, invalid("%s", said(err))
	}
	if d.More() {
		return l, invalid("more than one JSON value")
	}
	return l, nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, release.ErrInvalid)...)
}

// said is what a decoder's error says of the line, in the words of the format.
func said(err error) string {
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field == "":
		return "expected an object {…}, and this is of the kind " + kind.Value
	case errors.As(err, &kind):
		return fmt.Sprintf("%q is of the kind %s, which does not fit", kind.Field, kind.Value)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends too early: a brace, bracket or quote is not closed"
	}
	if strings.HasPrefix(err.Error(), "parsing time") || strings.HasPrefix(err.Error(), "Time.") {
		return `"time" cannot be read; write it as "2026-01-02T15:04:05Z"`
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// Observation makes an observation of a line, whose metric has a kind; its window
// is the caller's to know. A count may have no exposure. An error wraps
// release.ErrInvalid.
func (l Line) Observation(kind release.Kind) (release.Observation, error) {
	o := release.Observation{Metric: l.Metric, Segment: l.Segment, Arm: l.Arm}
	if l.Time == nil {
		return o, invalid(`"time" is missing; write it as "2026-01-02T15:04:05Z"`)
	}
	switch kind {
	case release.Ratio:
		if l.Bad == nil || l.Of == nil || *l.Bad < 0 || !(*l.Of >= float64(*l.Bad)) || *l.Of > most {
			return o, invalid(`%s is a ratio: expected "bad" and "of", 0 <= bad <= of <= 1e15`, l.Metric)
		}
		o.Events, o.Of = int64(*l.Bad), *l.Of
	case release.Count:
		if l.Count == nil || *l.Count < 0 || l.Of != nil && (!(*l.Of > 0) || *l.Of > 1e12) {
			return o, invalid(`%s is a count: expected "count" and "of" (its exposure), above 0 and at most 1e12`, l.Metric)
		}
		if o.Events = int64(*l.Count); l.Of != nil {
			o.Of = *l.Of
		}
	case release.Histogram:
		var err error
		if o, err = histogram(o, l); err != nil {
			return o, err
		}
	default:
		if len(l.Points) == 0 {
			return o, invalid(`%s is a gauge: expected "points"`, l.Metric)
		}
		o.Points = floats(l.Points)
	}
	err := keep(&o, l, kind)
	return o, err
}

// keep reads how many of what an observation tells were really counted: all of
// what the line does not say it of.
func keep(o *release.Observation, l Line, kind release.Kind) error {
	if l.KeptEvents == nil && l.KeptOf == nil {
		return nil
	}
	of := o.Of
	for _, n := range o.Counts {
		of += float64(n)
	}
	all := release.Kept{Events: o.Events, Of: of}
	k := all
	if l.KeptEvents != nil {
		k.Events = int64(*l.KeptEvents)
	}
	if l.KeptOf != nil {
		k.Of = *l.KeptOf
	}
	if kind == release.Gauge || k.Events < 0 || k.Events > all.Events || !(k.Of >= 0 && k.Of <= all.Of) ||
		k.Events == 0 && all.Events > 0 || k.Of == 0 && all.Of > 0 || kind == release.Ratio && float64(k.Events) > k.Of {
		return invalid(`"kept_events" and "kept_of" say how many were really counted of what is told: not more, and some where there are any`)
	}
	if k != all {
		o.Kept = k
	}
	return nil
}

func histogram(o release.Observation, l Line) (release.Observation, error) {
	if len(l.Bounds) == 0 || len(l.Counts) != len(l.Bounds)+1 {
		return o, invalid(`%s is a histogram: expected "bounds" and one more "counts" (the last is beyond all bounds)`, l.Metric)
	}
	for i, b := range l.Bounds {
		if i > 0 && b <= l.Bounds[i-1] {
			return o, invalid("bounds of %s must rise", l.Metric)
		}
	}
	for _, n := range l.Counts {
		if n < 0 {
			return o, invalid("counts of %s must lie between 0 and 1e15", l.Metric)
		}
		o.Counts = append(o.Counts, int64(n))
	}
	o.Bounds = floats(l.Bounds)
	return o, nil
}
