// Package statsd listens for StatsD, with the tags of DogStatsD: counters and
// timers become events, gauges samples.
package statsd

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/ingest/item"
)

// Bounds of one line.
const (
	maxLine   = 8 << 10
	maxValues = 1000
	maxTags   = 200
)

// Decode reads a batch of lines. What came without a time of its own, as nearly
// all of StatsD does, happened when the batch came in.
func Decode(b item.Batch) (item.Decoded, error) {
	d := decoder{batch: b, last: map[string]int{}}
	for line := range bytes.SplitSeq(b.Body, []byte("\n")) {
		d.number++
		if line = bytes.TrimSpace(line); len(line) > 0 {
			d.line(line)
		}
		if d.out.Many() {
			return item.Decoded{}, item.ErrMany
		}
	}
	return d.out, nil
}

type decoder struct {
	batch  item.Batch
	out    item.Decoded
	number int
	// last is where the sample of a gauge is, by its labels: of several at once,
	// the last one holds.
	last map[string]int
}

// metric is one line, taken apart.
type metric struct {
	name   string
	values []string
	kind   string
	rate   float64 // 1 where none is given
	tags   []tag
	time   time.Time
}

type tag struct{ name, value string }

func (d *decoder) refuse(line []byte, code item.Code, text string) {
	d.out.Refused = append(d.out.Refused, item.Refusal{
		Code: code, Text: text, Place: d.place(), Raw: line[:min(len(line), item.MaxRaw)],
	})
}

func (d *decoder) place() string { return "line " + strconv.Itoa(d.number) }

func (d *decoder) line(line []byte) {
	switch {
	case len(line) > maxLine:
		d.refuse(line, item.TooLarge, fmt.Sprintf("the line has %d bytes, more than %d; send one metric a line", len(line), maxLine))
		return
	case !utf8.Valid(line):
		d.refuse(line, item.Unreadable, "the line is not UTF-8; send it as UTF-8")
		return
	}
	m, problem := parse(string(line))
	if problem != "" {
		d.refuse(line, item.Unreadable, problem)
		return
	}
	if m.time.IsZero() {
		m.time = d.batch.At
	}
	if m.kind == "g" {
		d.gauge(line, m)
		return
	}
	d.events(line, m)
}

// parse takes a line apart: name:value:value|type|@rate|#tag:value,tag|T1760000000.
func parse(line string) (m metric, problem string) {
	switch {
	case strings.HasPrefix(line, "_e{"):
		return m, "events of DogStatsD are texts and nothing is counted by them; leave them out"
	case strings.HasPrefix(line, "_sc|"):
		return m, "service checks are not taken; send a gauge instead"
	}
	head, rest, ok := strings.Cut(line, "|")
	m.name, head, _ = strings.Cut(head, ":")
	if !ok || m.name == "" || head == "" {
		return m, "a line is name:value|type, such as checkout.time:12|ms|#service:checkout,version:1.5.0"
	}
	m.values = strings.SplitN(head, ":", maxValues+1)
	if len(m.values) > maxValues {
		return m, fmt.Sprintf("it has more than %d values; send fewer a line", maxValues)
	}
	m.kind, rest, _ = strings.Cut(rest, "|")
	switch m.kind {
	case "c", "ms", "h", "d", "g":
	case "s":
		return m, "sets count different values, which cannot be added up over several servers; count them where they are, and send a gauge"
	default:
		return m, fmt.Sprintf("the type %.20q is not known; c, ms, h, d and g are", m.kind)
	}
	m.rate = 1
	for part := range strings.SplitSeq(rest, "|") {
		if problem := m.part(part); problem != "" {
			return m, problem
		}
	}
	return m, ""
}

// part reads one of the parts behind the type.
func (m *metric) part(part string) string {
	switch {
	case part == "":
	case part[0] == '@':
		rate, err := strconv.ParseFloat(part[1:], 64)
		if err != nil || !(rate > 0 && rate <= 1) {
			return fmt.Sprintf("the sampling rate is %.20q; send @0.1 for one in ten", part)
		}
		m.rate = rate
	case part[0] == '#':
		for text := range strings.SplitSeq(part[1:], ",") {
			if text == "" {
				continue
			}
			name, value, ok := strings.Cut(text, ":")
			if !ok {
				value = "true"
			}
			if m.tags = append(m.tags, tag{name, value}); len(m.tags) > maxTags {
				return fmt.Sprintf("it has more than %d tags; send fewer", maxTags)
			}
		}
	case part[0] == 'T':
		seconds, err := strconv.ParseInt(part[1:], 10, 64)
		if err != nil || seconds < 0 || seconds > 1e11 {
			return fmt.Sprintf("the time is %.20q; send T and the seconds since 1970", part)
		}
		m.time = time.Unix(seconds, 0).UTC()
	case strings.HasPrefix(part, "c:") || strings.HasPrefix(part, "e:") || strings.HasPrefix(part, "card:"):
		// Of the agent between: the container that sent it. No part of the metric.
	default:
		return fmt.Sprintf("%.20q behind the type is not known; @rate, #tags and T with a time are", part)
	}
	return ""
}

// events makes events of a counter or timer.
func (d *decoder) events(line []byte, m metric) {
	e := item.Event{Time: m.time, Name: m.name, Outcome: item.OK, Place: d.place(), Raw: line}
	if m.rate < 1 {
		e.Kept = m.rate
	}
	if e.Name == "requests" {
		e.Name = "request"
	}
	judged, problem := tagged(&e, m.tags)
	if problem == "" && !judged && e.Name == "request" {
		problem = "a request says neither outcome nor status; add the tag outcome:ok or outcome:error, or status with the HTTP status"
	}
	if problem != "" {
		d.refuse(line, item.UnknownForm, problem)
		return
	}
	made := make([]item.Event, 0, len(m.values))
	for _, text := range m.values {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			d.refuse(line, item.Unreadable, fmt.Sprintf("the value %.40q is no number", text))
			return
		}
		one := e
		one.Tags = maps.Clone(e.Tags) // rules change an event's tags in place
		switch m.kind {
		case "c":
			if v != math.Trunc(v) || v < 0 || v > item.MaxCount {
				d.refuse(line, item.OutOfRange, fmt.Sprintf("it counts %v; send a whole number from 0 to %d", v, item.MaxCount))
				return
			}
			if v == 0 {
				continue
			}
			if v > 1 {
				one.Count = int(v)
			}
		case "ms":
			v /= 1000
			one.Seconds = &v
		default:
			one.Value, one.BareValue = &v, true
		}
		made = append(made, one)
	}
	d.out.Events = append(d.out.Events, made...)
}

// tagged gives an event its tags, and tells whether they say how it ended.
func tagged(e *item.Event, tags []tag) (judged bool, problem string) {
	for _, t := range tags {
		switch t.name {
		case "service":
			e.Service = t.value
		case "version":
			e.Version = t.value
		case "arm":
			e.Arm = t.value
		case "route":
			e.Route = t.value
		case "outcome":
			switch e.Outcome = item.Outcome(t.value); e.Outcome {
			case item.OK, item.Error:
			default:
				return false, fmt.Sprintf("the tag outcome is %.40q; send ok or error", t.value)
			}
			judged = true
		case "status":
			status, err := strconv.Atoi(t.value)
			if err != nil || status < 100 || status > 599 {
				return false, fmt.Sprintf("the tag status is %.40q; send an HTTP status, 100 to 599", t.value)
			}
			if status >= 500 && !judged {
				e.Outcome = item.Error
			}
			judged = true
		default:
			if e.Tags == nil {
				e.Tags = map[string]string{}
			}
			e.Tags[t.name] = t.value
		}
	}
	return judged, ""
}

// gauge makes a sample of a gauge.
func (d *decoder) gauge(line []byte, m metric) {
	text := m.values[len(m.values)-1]
	if strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-") {
		d.refuse(line, item.UnknownForm, "a sign before a gauge's value asks for a step from where it stood, which nobody here knows after a restart; send where it stands")
		return
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		d.refuse(line, item.Unreadable, fmt.Sprintf("the value %.40q is no number", text))
		return
	}
	named := map[string]string{model.MetricNameLabel: labelName(m.name)}
	for _, t := range m.tags {
		if name := labelName(t.name); t.value != "" && !strings.HasPrefix(name, "__") {
			named[name] = t.value
		}
	}
	s := item.Sample{Labels: labels.FromMap(named), T: m.time.UnixMilli(), V: v}
	key := s.Labels.String() + strconv.FormatInt(s.T, 10)
	if at, ok := d.last[key]; ok {
		d.out.Samples[at] = s
		return
	}
	d.last[key] = len(d.out.Samples)
	d.out.Samples = append(d.out.Samples, s)
}

// labelName makes a name that Prometheus takes: checkout.cpu is checkout_cpu.
func labelName(name string) string {
	clean := []byte(name)
	for i, c := range clean {
		if !(c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
			clean[i] = '_'
		}
	}
	if len(clean) == 0 || clean[0] >= '0' && clean[0] <= '9' {
		return "_" + string(clean)
	}
	return string(clean)
}
