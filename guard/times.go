package guard

import (
	"fmt"
	"time"

	"github.com/linnet-project/linnet/calendar"
	"github.com/linnet-project/linnet/spec"
)

// at gives the stretch of a freeze that an instant lies in. Stretches that meet
// are one, so that its end is when the freeze is really over.
func (f freeze) at(now time.Time) (calendar.Span, bool) {
	if f.events == nil {
		return calendar.Span{Name: f.Name, From: f.from, To: f.to}, !now.Before(f.from) && now.Before(f.to)
	}
	span, in := f.events.At(now)
	for range maxStretches {
		next, more := f.events.At(span.To)
		if !in || !more {
			break
		}
		span.To = next.To
	}
	return span, in
}

const (
	// maxStretches bounds how many events that follow each other are joined.
	maxStretches = 100
	// ahead is how far ahead an allowed hour is looked for.
	ahead = 60 * 24 * time.Hour
)

// check says that releases may not begin at an instant, and when they may.
func (h hours) check(now time.Time) []Finding {
	end, off := h.off(now)
	if h.allowed(now) && !off {
		return nil
	}
	found := Finding{Rule: h.Name, Until: h.next(now)}
	found.Text = "it is outside the hours in which releases begin"
	if off {
		found.Text = "it is a holiday until " + local(end, h.Zone)
	}
	if found.Until.IsZero() {
		found.Text += fmt.Sprintf("; the next %d days have no such hour", ahead/(24*time.Hour))
	} else {
		found.Text += "; the next begins " + local(found.Until, h.Zone)
	}
	return []Finding{found}
}

// off tells until when an instant's holiday lasts, if it lies in one.
func (h hours) off(now time.Time) (end time.Time, off bool) {
	if h.except == nil {
		return time.Time{}, false
	}
	span, off := h.except.At(now)
	return span.To, off
}

// allowed tells by the week alone.
func (h hours) allowed(now time.Time) bool {
	at := now.In(h.zone)
	minute := at.Hour()*60 + at.Minute()
	for _, w := range h.Allow {
		if on(w, at.Weekday()) && w.From <= minute && minute < w.To {
			return true
		}
	}
	return false
}

func on(w spec.WeekSpan, day time.Weekday) bool {
	if w.First <= w.Last {
		return w.First <= day && day <= w.Last
	}
	return day >= w.First || day <= w.Last
}

// next is when the hours come, to the minute; zero where that is too far ahead.
func (h hours) next(now time.Time) time.Time {
	at := now.Truncate(time.Minute).Add(time.Minute)
	for at.Before(now.Add(ahead)) {
		if !h.allowed(at) {
			at = at.Add(time.Minute)
			continue
		}
		end, off := h.off(at)
		if !off {
			return at
		}
		at = end
	}
	return time.Time{}
}

// local writes an instant as people at the place read it.
func local(at time.Time, zone string) string {
	in, err := time.LoadLocation(zone)
	if err != nil {
		in = time.UTC
	}
	return at.In(in).Format("Mon 2006-01-02 15:04 MST")
}
