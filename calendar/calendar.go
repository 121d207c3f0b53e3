// Package calendar tells whether an instant lies in the events of an iCalendar
// file (RFC 5545): freezes, holidays. Repeated events, whole days, exceptions and
// time zones count as any calendar program shows them; events that were cancelled
// do not.
//
// The package is pure: the file's text and the instant are arguments.
package calendar

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-ical"

	"github.com/linnet-project/linnet/release"
)

// Limits on what is read of a calendar.
const (
	maxBytes  = 4 << 20
	maxEvents = 20_000
	// longest is how long one event may last.
	longest = 400 * 24 * time.Hour
	// firstYear and lastYear bound when events begin, and how far repeated ones
	// are followed; maxRepeats how often one may repeat in them, and maxStarts how
	// often all of them together.
	firstYear, lastYear = 1900, 2100
	maxRepeats          = 80_000
	maxStarts           = 400_000
)

// Calendar is a calendar that was read.
type Calendar struct{ events []event }

// event is one event, repeated or not.
type event struct {
	name  string
	lasts time.Duration
	// days is how many whole days it lasts, where it has no times of day: a day
	// has 23 to 25 hours.
	days int
	// starts are its occurrences, in order.
	starts []time.Time
}

// Span is one occurrence of an event; To is not in it any more.
type Span struct {
	Name     string
	From, To time.Time
}

// Parse reads a calendar. Times without a zone, and whole days, are those of
// zone. name is what errors call it; they wrap release.ErrInvalid.
func Parse(name string, text []byte, zone *time.Location) (c Calendar, err error) {
	if len(text) > maxBytes {
		return Calendar{}, fmt.Errorf("%s: has %d bytes and may have %d: %w", name, len(text), maxBytes, release.ErrInvalid)
	}
	starts := 0
	decoder := ical.NewDecoder(strings.NewReader(unfolded(text)))
	for n := 0; ; n++ {
		read, err := decode(decoder)
		if errors.Is(err, io.EOF) && n > 0 {
			return c, nil
		}
		if err != nil {
			return Calendar{}, fmt.Errorf("%s: is no iCalendar file (BEGIN:VCALENDAR … END:VCALENDAR): %w: %w", name, err, release.ErrInvalid)
		}
		moved := movedOf(read, zone)
		for _, e := range read.Events() {
			own, ok, err := eventOf(e, zone, moved)
			if err != nil {
				return Calendar{}, fmt.Errorf("%s: event %q: %w: %w", name, titled(e), err, release.ErrInvalid)
			}
			if starts += len(own.starts); starts > maxStarts {
				return Calendar{}, fmt.Errorf("%s: its events take place more than %d times up to the year %d; end those that repeat (UNTIL): %w", name, maxStarts, lastYear, release.ErrInvalid)
			}
			if ok {
				c.events = append(c.events, own)
			}
		}
		if len(c.events) > maxEvents {
			return Calendar{}, fmt.Errorf("%s: has more than %d events: %w", name, maxEvents, release.ErrInvalid)
		}
	}
}

// decode reads one calendar. The decoder panics on some lines that are cut off,
// which is an error like any other here.
func decode(d *ical.Decoder) (c *ical.Calendar, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("a line is cut off")
		}
	}()
	return d.Decode()
}

// unfolded gives a text the line ends that the format asks for: files that people
// edit have others.
func unfolded(text []byte) string {
	return strings.ReplaceAll(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n", "\r\n")
}

func titled(e ical.Event) string {
	title, err := e.Props.Text(ical.PropSummary)
	if err != nil || title == "" {
		return "without a title"
	}
	return title
}

// eventOf reads one event; false for one that does not take place.
func eventOf(e ical.Event, zone *time.Location, moved map[string][]time.Time) (event, bool, error) {
	if status, err := e.Status(); err != nil || status == ical.EventCancelled {
		return event{}, false, err
	}
	begins := e.Props.Get(ical.PropDateTimeStart)
	if begins == nil {
		return event{}, false, errors.New("has no DTSTART")
	}
	start, err := begins.DateTime(zone)
	if err != nil {
		return event{}, false, err
	}
	end, err := e.DateTimeEnd(zone)
	if err != nil {
		return event{}, false, err
	}
	own := event{name: titled(e), lasts: end.Sub(start)}
	if start.Year() < firstYear || start.Year() >= lastYear {
		return event{}, false, fmt.Errorf("begins in the year %d, expected %d to %d", start.Year(), firstYear, lastYear)
	}
	if begins.ValueType() == ical.ValueDate || len(begins.Value) == len("20060102") {
		own.days = max(1, int((end.Sub(start)+12*time.Hour)/(24*time.Hour)))
	}
	if own.lasts < 0 || own.lasts > longest {
		return event{}, false, fmt.Errorf("lasts %s, expected 0 to %s", own.lasts, longest)
	}
	own.starts, err = startsOf(e, start, zone, moved)
	return own, err == nil, err
}

func (e event) span(start time.Time) Span {
	end := start.Add(e.lasts)
	if e.days > 0 {
		end = start.AddDate(0, 0, e.days)
	}
	return Span{Name: e.name, From: start, To: end}
}

// At gives the occurrence that an instant lies in; of several the one that ends
// last.
func (c Calendar) At(now time.Time) (Span, bool) {
	var found Span
	for _, e := range c.events {
		for _, start := range e.around(now) {
			s := e.span(start)
			if !now.Before(s.From) && now.Before(s.To) && s.To.After(found.To) {
				found = s
			}
		}
	}
	return found, !found.To.IsZero()
}

// around gives the starts whose occurrences an instant may lie in.
func (e event) around(now time.Time) []time.Time {
	// The day more is for whole days, which may have 25 hours.
	first, _ := slices.BinarySearchFunc(e.starts, now.Add(-e.lasts-24*time.Hour), time.Time.Compare)
	last, _ := slices.BinarySearchFunc(e.starts, now.Add(1), time.Time.Compare)
	return e.starts[first:last]
}

// Names lists the titles of a calendar's events, each once, for people who check
// that they have the right file.
func (c Calendar) Names() []string {
	var names []string
	for _, e := range c.events {
		names = append(names, e.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
