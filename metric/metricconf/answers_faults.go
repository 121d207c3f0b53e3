package metricconf

import (
	"context"
	"errors"

	"github.com/linnet-project/linnet/release"
)

// Fault is a way in which a source fails.
type Fault string

// The faults.
const (
	// Busy answers 429 with Retry-After: 1; BusyOnce does so once, and then
	// answers. BusyLong asks to wait for an hour.
	Busy     Fault = "429"
	BusyOnce Fault = "429 once"
	BusyLong Fault = "429 for an hour"
	// Failing answers 503, or as the source says that it cannot now; FailingOnce
	// does so once, and then answers.
	Failing     Fault = "503"
	FailingOnce Fault = "503 once"
	// Hanging never answers.
	Hanging Fault = "hanging"
	// Cut ends the connection within the answer.
	Cut Fault = "cut"
	// Gone is nobody there. It is the last that happens and need not be undone.
	Gone Fault = "gone"
	// Refused refuses who asks (401), Forbidden what it may ask (403).
	Refused   Fault = "401"
	Forbidden Fault = "403"
	// Garbage is an answer in no known form, WebPage one of a login page.
	Garbage Fault = "garbage"
	WebPage Fault = "web page"
	// Partial is an answer that the source itself calls incomplete.
	Partial Fault = "partial"
	// Skewed is a source whose clock is off by years.
	Skewed Fault = "skewed"
)

// fault breaks the source and asks it.
func (b *answers) fault(f Fault) (release.Answer, error) {
	b.Helper()
	defer b.bed.Break(b.T, f)()
	return b.try(context.Background(), b.metric(AskRatio), b.h.window(5, 8))
}

// unavailable: the source says that it cannot answer now, by itself, before the
// one who asks loses patience; and answers again once it can.
func unavailable(f Fault) func(*answers) {
	return func(b *answers) {
		a, err := b.fault(f)
		if !errors.Is(err, release.ErrUnavailable) || errors.Is(err, release.ErrInvalid) {
			b.Fatalf("got %+v, error %v; want one that wraps release.ErrUnavailable", a, err)
		}
		b.Logf("%v", err)
		if f == Gone {
			return
		}
		w := b.h.window(5, 8)
		b.holds(AskRatio, b.ask(b.metric(AskRatio), w), "", w)
	}
}

// invalid: asking again will not help, and the error says so.
func invalid(f Fault) func(*answers) {
	return func(b *answers) {
		a, err := b.fault(f)
		if !errors.Is(err, release.ErrInvalid) || errors.Is(err, release.ErrUnavailable) {
			b.Fatalf("got %+v, error %v; want one that wraps release.ErrInvalid", a, err)
		}
		b.Logf("%v", err)
	}
}

func (b *answers) recovers(f Fault) {
	b.Helper()
	a, err := b.fault(f)
	if err != nil {
		b.Fatalf("error %v, want an answer after another try", err)
	}
	b.holds(AskRatio, a, "", b.h.window(5, 8))
}

func busyOnce(b *answers)  { b.recovers(BusyOnce) }
func failsOnce(b *answers) { b.recovers(FailingOnce) }

func partial(b *answers) {
	a, err := b.fault(Partial)
	if err != nil || len(a.Warnings) == 0 {
		b.Fatalf("got warnings %q, error %v; want a warning that the answer is partial", a.Warnings, err)
	}
	b.Logf("%q", a.Warnings)
}

func skewed(b *answers) {
	a, err := b.fault(Skewed)
	if err != nil {
		b.Fatalf("error %v", err)
	}
	b.warned(a, "clock")
	b.holds(AskRatio, a, "", b.h.window(5, 8))
}
