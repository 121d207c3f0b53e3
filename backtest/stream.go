package backtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
)

// Limits on a stream of observations.
const (
	maxLine    = 1 << 20
	maxInstant = 100_000 // observations of one instant
	most       = 1e15    // events of one observation
)

// line is one observation as it comes in.
type line struct {
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

// Stream judges observations, one JSON object a line, and calls emit with the
// verdict of each instant, when a later time or the end closes it. weight is
// the candidate's share of traffic. Observations of the baseline before the
// candidate's first are its past. Errors name the line and wrap
// release.ErrInvalid.
func Stream(in io.Reader, cfg judge.Config, weight release.Weight, emit func(judge.Verdict) error) error {
	s := &stream{cfg: cfg, weight: weight, emit: emit, metrics: map[string]release.Metric{}, seen: map[string]bool{}}
	for _, m := range cfg.Metrics {
		s.metrics[m.Name] = m
	}
	scan := bufio.NewScanner(in)
	scan.Buffer(make([]byte, 64<<10), maxLine)
	n := 0
	for scan.Scan() {
		n++
		if len(bytes.TrimSpace(scan.Bytes())) == 0 {
			continue
		}
		if err := s.take(scan.Bytes()); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := scan.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("line %d: longer than %d bytes: %w", n+1, maxLine, release.ErrInvalid)
	} else if err != nil {
		return fmt.Errorf("line %d: %w", n+1, err)
	}
	return s.close()
}

// stream is an instant being gathered, and the evidence so far.
type stream struct {
	cfg     judge.Config
	weight  release.Weight
	emit    func(judge.Verdict) error
	metrics map[string]release.Metric

	state judge.State
	live  bool
	last  time.Time // the instant before
	at    time.Time // the instant being gathered
	obs   []release.Observation
	seen  map[string]bool
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, release.ErrInvalid)...)
}

// take adds one line.
func (s *stream) take(text []byte) error {
	var l line
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return invalid("%s", said(err))
	}
	if d.More() {
		return invalid("more than one JSON value")
	}
	o, err := s.observation(l)
	if err != nil {
		return err
	}
	if !s.at.IsZero() && l.Time.Before(s.at) {
		return invalid("time %s lies before %s; observations come in the order of time", l.Time.Format(time.RFC3339), s.at.Format(time.RFC3339))
	}
	if l.Time.After(s.at) {
		if err := s.close(); err != nil {
			return err
		}
		s.at = *l.Time
	}
	o.Window = release.Window{From: s.last, To: s.at}
	key := o.Metric + "\x00" + o.Segment + "\x00" + o.Arm
	switch {
	case s.seen[key]:
		return invalid("a second observation of %s of the %s at this time", o.Metric, o.Arm)
	case len(s.obs) >= maxInstant:
		return invalid("more than %d observations at one time", maxInstant)
	}
	s.seen[key] = true
	s.obs = append(s.obs, o)
	s.live = s.live || o.Arm == release.Candidate
	return nil
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

// observation checks a line against the metric that it names.
func (s *stream) observation(l line) (release.Observation, error) {
	o := release.Observation{Metric: l.Metric, Segment: l.Segment, Arm: l.Arm}
	m, known := s.metrics[l.Metric]
	switch {
	case l.Time == nil:
		return o, invalid(`"time" is missing; write it as "2026-01-02T15:04:05Z"`)
	case !known:
		return o, invalid("metric %q is not in the release file", l.Metric)
	case l.Arm != release.Baseline && l.Arm != release.Candidate:
		return o, invalid("arm %q is none of baseline, candidate", l.Arm)
	}
	switch m.Kind {
	case release.Ratio:
		if l.Bad == nil || l.Of == nil || *l.Bad < 0 || !(*l.Of >= float64(*l.Bad)) || *l.Of > most {
			return o, invalid(`%s is a ratio: expected "bad" and "of", 0 <= bad <= of <= 1e15`, l.Metric)
		}
		o.Events, o.Of = int64(*l.Bad), *l.Of
	case release.Count:
		if l.Count == nil || l.Of == nil || *l.Count < 0 || !(*l.Of > 0) || *l.Of > 1e12 {
			return o, invalid(`%s is a count: expected "count" and "of" (its exposure), above 0 and at most 1e12`, l.Metric)
		}
		o.Events, o.Of = int64(*l.Count), *l.Of
	case release.Histogram:
		var err error
		if o, err = histogram(o, l); err != nil {
			return o, err
		}
	default:
		if len(l.Points) == 0 {
			return o, invalid(`%s is a gauge: expected "points"`, l.Metric)
		}
		o.Points, o.Averages = floats(l.Points), m.Averages
	}
	err := keep(&o, l, m.Kind)
	return o, err
}

// keep reads how many of what an observation tells were really counted.
func keep(o *release.Observation, l line, kind release.Kind) error {
	if l.KeptEvents == nil && l.KeptOf == nil {
		return nil
	}
	of, events := o.Of, o.Events
	for _, n := range o.Counts {
		of += float64(n)
	}
	if l.KeptEvents != nil {
		o.Kept.Events = int64(*l.KeptEvents)
	}
	if l.KeptOf != nil {
		o.Kept.Of = *l.KeptOf
	}
	if kind == release.Gauge || o.Kept.Events < 0 || o.Kept.Events > events || !(o.Kept.Of >= 0 && o.Kept.Of <= of) ||
		kind == release.Ratio && float64(o.Kept.Events) > o.Kept.Of {
		return invalid(`"kept_events" and "kept_of" say how many were really counted of what is told, and cannot be more`)
	}
	return nil
}

func histogram(o release.Observation, l line) (release.Observation, error) {
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

// close judges the instant gathered.
func (s *stream) close() error {
	if len(s.obs) == 0 {
		return nil
	}
	look := judge.Look{At: s.at, Observations: s.obs, Weight: s.weight, Share: s.weight, Live: s.live, Settled: true}
	var v judge.Verdict
	s.state, v = judge.Step(s.cfg, s.state, look)
	s.last, s.obs = s.at, nil
	clear(s.seen)
	return s.emit(v)
}

// EValue turns log evidence, which is rounded, into the e-value that is shown:
// finite, above zero, and with as many digits as mean something.
func EValue(logE float64) float64 {
	e := math.Exp(min(max(logE, -690), 690))
	shown, err := strconv.ParseFloat(strconv.FormatFloat(e, 'g', 5, 64), 64)
	if err != nil {
		return e
	}
	return shown
}
