package web

import (
	"fmt"
	"net/http"
	"time"
)

// Clock is by how much a server's clock differs from ours, at least, since an
// answer takes its time and its date tells whole seconds. The zero value is of
// clocks that agree, as far as one can tell.
type Clock struct {
	// Ahead is negative for a server that is behind.
	Ahead time.Duration
}

// A difference matters once it is a third of a window, but never below what
// dates can tell, and always above what moves the border of two steps.
const (
	leastAhead = 2 * time.Second
	mostAhead  = 5 * time.Second
)

// Warning says that a difference is too much for windows of that length; "" where
// it is not.
func (c Clock) Warning(window time.Duration) string {
	limit := min(max(window/3, leastAhead), mostAhead)
	switch {
	case c.Ahead > limit:
		return fmt.Sprintf("the source's clock is %s ahead of ours: what it counted lies in later windows than it should", c.Ahead.Round(time.Second))
	case c.Ahead < -limit:
		return fmt.Sprintf("the source's clock is %s behind ours: what it counted lies in earlier windows than it should", -c.Ahead.Round(time.Second))
	}
	return ""
}

func (w *Client) now() time.Time {
	if w.config.Now == nil {
		return time.Time{}
	}
	return w.config.Now()
}

// clockOf holds the date of an answer against when it was asked for and when it
// came. What a cache answered says nothing.
func clockOf(h http.Header, sent, got time.Time) Clock {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil || sent.IsZero() || h.Get("Age") != "" {
		return Clock{}
	}
	if ahead := date.Sub(got); ahead > 0 {
		return Clock{Ahead: ahead}
	}
	if behind := sent.Sub(date.Add(time.Second)); behind > 0 {
		return Clock{Ahead: -behind}
	}
	return Clock{}
}
