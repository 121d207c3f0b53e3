package notify

import (
	"slices"
	"time"

	"github.com/linnet-project/linnet/spec"
)

// mostNights bounds how many quiet hours in a row are gone through.
const mostNights = 8

// quietUntil is when quiet hours of a name end that t lies in; t itself where it
// lies in none. Several that join are gone through.
func (r Rules) quietUntil(name string, t time.Time) time.Time {
	for range mostNights {
		end := t
		for _, q := range r.Quiet {
			if q.Name == name {
				end = later(end, r.quietEnd(q, t))
			}
		}
		if !end.After(t) {
			return t
		}
		t = end
	}
	return t
}

// quietEnd is the end of the quiet hours that t lies in, begun on its day or the
// one before; t itself where it lies in none.
func (r Rules) quietEnd(q spec.QuietHours, t time.Time) time.Time {
	local := t.In(r.zone(q.Zone))
	for back := range 2 {
		day := dayAfter(local, -back)
		if !on(q.Days, day) {
			continue
		}
		from, to := clock(day, q.From), clock(day, q.To)
		if q.To <= q.From {
			to = clock(dayAfter(day, 1), q.To)
		}
		if !t.Before(from) && t.Before(to) {
			return to
		}
	}
	return t
}

// nextDigest is when a digest goes out next, after t.
func (r Rules) nextDigest(name string, t time.Time) time.Time {
	for _, d := range r.Digests {
		if d.Name != name {
			continue
		}
		today := t.In(r.zone(d.Zone))
		for ahead := range mostNights {
			day := dayAfter(today, ahead)
			if at := clock(day, d.At); on(d.Days, day) && at.After(t) {
				return at
			}
		}
	}
	return t // a digest that was taken out of the file: at once
}

// dayAfter is noon some days later, or before: the one time that no zone leaves
// out.
func dayAfter(day time.Time, days int) time.Time {
	y, m, d := day.Date()
	return time.Date(y, m, d+days, 12, 0, 0, 0, day.Location())
}

// clock is a time of a day. Where the clock is set forward over it, it is as much
// later as that.
func clock(day time.Time, at time.Duration) time.Time {
	y, m, d := day.Date()
	t := time.Date(y, m, d, int(at/time.Hour), int(at%time.Hour/time.Minute), 0, 0, day.Location())
	// time.Date gives the instant by either of the two offsets.
	hour, minute, _ := t.Clock()
	early := at - time.Duration(hour)*time.Hour - time.Duration(minute)*time.Minute
	if early < 0 {
		early += 24 * time.Hour // it is on the day before
	}
	if early < 12*time.Hour {
		t = t.Add(early)
	}
	return t.UTC()
}

func on(days []spec.Weekday, t time.Time) bool {
	return len(days) == 0 || slices.Contains(days, spec.Weekdays()[t.Weekday()])
}

func (r Rules) zone(name string) *time.Location {
	if z := r.Zones[name]; z != nil {
		return z
	}
	return time.UTC
}
