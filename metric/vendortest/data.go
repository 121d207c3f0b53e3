package vendortest

import (
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// Event is something that happened, or was read, at an instant.
type Event struct {
	At time.Time
	// Name is the measure, or the stream of logs, that it belongs to.
	Name   string
	Fields map[string]string
	// Value is how often it happened, or the level that was read.
	Value float64
}

// Data is what a server keeps.
type Data struct {
	mu     sync.Mutex
	events []Event
}

// Add keeps events.
func (d *Data) Add(events ...Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, events...)
}

// find gives the events that a condition holds for.
func (d *Data) find(holds func(Event) bool) []Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []Event
	for _, e := range d.events {
		if holds(e) {
			out = append(out, e)
		}
	}
	return out
}

// cell is what some events of one stretch come to.
type cell struct {
	sum    float64
	values []float64
}

func (c cell) avg() float64 { return c.sum / float64(len(c.values)) }

func (c cell) most() float64 { return slices.Max(c.values) }

// quantile lies between the two values that it falls between.
func (c cell) quantile(q float64) float64 {
	sorted := slices.Sorted(slices.Values(c.values))
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// series is what the events with the same fields come to, by the end of their
// stretches in milliseconds.
type series struct {
	fields map[string]string
	cells  map[int64]cell
}

// grid lays stretches of time: they end at origin plus a multiple of step.
type grid struct {
	origin time.Time
	step   time.Duration
	// late says that an event at a stretch's end belongs to it, not to the next.
	late bool
}

// end is when the stretch of an instant ends, in milliseconds.
func (g grid) end(at time.Time) int64 {
	n := float64(at.Sub(g.origin)) / float64(g.step)
	steps := math.Floor(n) + 1
	if g.late {
		steps = math.Ceil(n)
	}
	return g.origin.Add(time.Duration(steps) * g.step).UnixMilli()
}

// group makes series of events, by some fields, in the order of their values.
func group(events []Event, g grid, by []string, value func(Event) float64) []series {
	all := map[string]series{}
	for _, e := range events {
		fields := map[string]string{}
		for _, k := range by {
			if v := e.Fields[k]; v != "" {
				fields[k] = v
			}
		}
		key := keyOf(fields)
		if all[key].cells == nil {
			all[key] = series{fields, map[int64]cell{}}
		}
		at, v := g.end(e.At), value(e)
		c := all[key].cells[at]
		all[key].cells[at] = cell{c.sum + v, append(c.values, v)}
	}
	var out []series
	for _, key := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[key])
	}
	return out
}

func keyOf(fields map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		b.WriteString(k + "=" + fields[k] + "\x00")
	}
	return b.String()
}

func count(e Event) float64 { return e.Value }

// ends are when a series' stretches end, in order.
func (s series) ends() []int64 { return slices.Sorted(maps.Keys(s.cells)) }
