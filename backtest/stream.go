package backtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/ndjson"
	"github.com/linnet-project/linnet/release"
)

// maxInstant bounds the observations of one instant.
const maxInstant = 100_000

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
	scan.Buffer(make([]byte, 64<<10), ndjson.MaxLine)
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
		return fmt.Errorf("line %d: longer than %d bytes: %w", n+1, ndjson.MaxLine, release.ErrInvalid)
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
	l, err := ndjson.Parse(text)
	if err != nil {
		return err
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

// observation checks a line against the metric that it names.
func (s *stream) observation(l ndjson.Line) (release.Observation, error) {
	m, known := s.metrics[l.Metric]
	switch {
	case l.Time == nil: // that is said first
	case !known:
		return release.Observation{}, invalid("metric %q is not in the release file", l.Metric)
	case l.Arm != release.Baseline && l.Arm != release.Candidate:
		return release.Observation{}, invalid("arm %q is none of baseline, candidate", l.Arm)
	}
	o, err := l.Observation(m.Kind)
	if err == nil && m.Kind == release.Count && l.Of == nil {
		return o, invalid(`%s is a count: expected "count" and "of" (its exposure), above 0 and at most 1e12`, l.Metric)
	}
	o.Averages = m.Averages
	return o, err
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
