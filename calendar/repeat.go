package calendar

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-ical"
	"github.com/teambition/rrule-go"
)

// startsOf gives the occurrences of an event, in order: by its rule and its extra
// dates, less the exceptions and those that were moved. A rule that repeats
// within a day is refused: there is no end to walking through it.
func startsOf(e ical.Event, start time.Time, zone *time.Location, moved map[string][]time.Time) ([]time.Time, error) {
	rule, err := e.Props.RecurrenceRule()
	if err != nil {
		return nil, err
	}
	set := new(rrule.Set)
	set.DTStart(start)
	set.RDate(start)
	if rule != nil {
		if rule.Freq > rrule.DAILY {
			return nil, fmt.Errorf("repeats %s, expected DAILY or less often", rule.Freq)
		}
		rule.Dtstart = start
		r, err := rrule.NewRRule(*rule)
		if err != nil {
			return nil, err
		}
		set.RRule(r)
	}
	more, err1 := dates(e, ical.PropRecurrenceDates, zone)
	except, err2 := dates(e, ical.PropExceptionDates, zone)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if e.Props.Get(ical.PropRecurrenceID) == nil {
		except = append(except, moved[uid(e)]...)
	}
	for _, d := range more {
		set.RDate(d)
	}
	for _, d := range except {
		set.ExDate(d)
	}
	return follow(set)
}

// follow lists what a set repeats, as far as anybody plans. The library panics on
// some rules that make no sense, which is an error like any other here.
func follow(set *rrule.Set) (starts []time.Time, err error) {
	defer func() {
		if recover() != nil {
			starts, err = nil, errors.New("its rule cannot be followed")
		}
	}()
	next := set.Iterator()
	for at, ok := next(); ok && at.Year() < lastYear; at, ok = next() {
		if len(starts) == maxRepeats {
			return nil, fmt.Errorf("repeats more than %d times", maxRepeats)
		}
		starts = append(starts, at)
	}
	return starts, nil
}

// dates reads a property that holds dates, several with commas between them.
func dates(e ical.Event, name string, zone *time.Location) ([]time.Time, error) {
	var all []time.Time
	for _, p := range e.Props.Values(name) {
		for value := range strings.SplitSeq(p.Value, ",") {
			one := p
			one.Value = value
			at, err := one.DateTime(zone)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			all = append(all, at)
		}
	}
	return all, nil
}

// movedOf gives, for each repeated event, the occurrences that an event of its
// own stands for.
func movedOf(c *ical.Calendar, zone *time.Location) map[string][]time.Time {
	moved := map[string][]time.Time{}
	for _, e := range c.Events() {
		if p := e.Props.Get(ical.PropRecurrenceID); p != nil {
			if at, err := p.DateTime(zone); err == nil {
				moved[uid(e)] = append(moved[uid(e)], at)
			}
		}
	}
	return moved
}

func uid(e ical.Event) string {
	id, err := e.Props.Text(ical.PropUID)
	if err != nil {
		return ""
	}
	return id
}
