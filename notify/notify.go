// Package notify decides what becomes of a notice: which channels are told, when,
// together with what, who else when nobody acknowledges it, and what is better not
// told at all.
//
// It is pure. What it remembers is a Book for each service; Step takes what
// happened and the time, and gives the next book and what is to be sent.
package notify

import (
	"slices"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// Rules are who is told of what.
type Rules struct {
	spec.Notices
	// Zones are the time zones that it names; one that is missing is UTC.
	Zones map[string]*time.Location
}

const (
	// flapsWithin and flapsMost are when something that comes and goes is held to
	// flap: it began more often than that within that time. It must last for calm
	// then to be told again.
	flapsWithin = time.Hour
	flapsMost   = 3
	calm        = 15 * time.Minute
	// mostWaiting and mostTopics bound a book.
	mostWaiting = 500
	mostTopics  = 300
	// forgetAfter is how long it is known whom something was told that has no end.
	forgetAfter = 7 * 24 * time.Hour
)

// Book is what is known of the notices of one service.
type Book struct {
	Topics  []Topic
	Waiting []Waiting
}

// Topic is one thing that people are told of: a release's attempt and a
// happening.
type Topic struct {
	Key string
	// Open says that it lasts.
	Open bool
	// Starts are when it began, of the last hour; At is its last notice.
	Starts []time.Time
	At     time.Time
	// Ways are whom its present turn was told, for its end; Last is the last
	// page of it, and LastTo are the channels that have that.
	Ways   []Way
	Last   string
	LastTo []string
	// Acked is who acknowledged it; "" for nobody.
	Acked string
	// Armed says that Rungs were set: who else is told while nobody acknowledges.
	Armed bool
	Rungs []Rung
}

// Way is how a channel is told.
type Way struct {
	Channel string
	// Quiet and Digest are as in spec.NoticeRoute; neither holds back a page.
	Quiet, Digest string
	Page          bool
}

// Rung is one step of an escalation.
type Rung struct {
	At time.Time
	To []string
}

// Waiting is a notice on its way to one channel.
type Waiting struct {
	Way
	Notice, Topic string
	Over          bool
	// Ready is when it has lasted long enough, Send when it goes at the latest.
	// Until then it may go along with others, unless it is Held by quiet hours.
	Ready, Send time.Time
	Held        bool
	// Rungs are set once it is sent.
	Rungs []spec.Escalation
}

// Event is what happens. It is one of Told and Acked.
type Event interface{ event() }

// Told is a notice that came.
type Told struct{ Notice release.Notice }

// Acked is somebody who takes care of a topic.
type Acked struct{ Topic, By string }

func (Told) event()  {}
func (Acked) event() {}

// Delivery is a message to be sent on a channel. A delivery whose ID is known
// already is the same one; a digest then has more in it.
type Delivery struct {
	ID, Channel string
	Due         time.Time
	// Notices are the ids of what it tells, oldest first.
	Notices           []string
	Digest, Escalated bool
}

// Drop is a notice that is not told on some way, and why.
type Drop struct{ Notice, Why string }

// Result is what a step came to.
type Result struct {
	Deliveries []Delivery
	Drops      []Drop
	// Next is when to step again without anything happening; zero for never.
	Next time.Time
}

// Step takes events, in order, and lets the time pass until now. The book given
// is left as it was.
func Step(r Rules, b Book, now time.Time, events ...Event) (Book, Result) {
	s := &step{rules: r, now: now, book: Book{Topics: slices.Clone(b.Topics), Waiting: slices.Clone(b.Waiting)}}
	for _, e := range events {
		switch e := e.(type) {
		case Told:
			s.told(e.Notice)
		case Acked:
			s.acked(e)
		}
	}
	s.bound()
	s.flush()
	s.escalate()
	s.forget()
	s.out.Next = s.next()
	return s.book, s.out
}

// step is one step being worked out.
type step struct {
	rules Rules
	now   time.Time
	book  Book
	out   Result
}

// Lasting tells what can be over by itself, so that it is worth to wait whether
// it lasts.
func Lasting(h release.Happening) bool {
	switch h {
	case release.ToldApproval, release.ToldHold, release.ToldBlind, release.ToldProvider, release.ToldNotReady, release.ToldLowered, release.ToldTakenOver:
		return true
	}
	return false
}

// Routes are the indices of the routes that a notice takes.
func (r Rules) Routes(n release.Notice) (all []int) {
	for i, route := range r.Notices.Routes {
		if !fits(route.Match, n) {
			continue
		}
		all = append(all, i)
		if !route.Also {
			break
		}
	}
	return all
}

func fits(m spec.NoticeMatch, n release.Notice) bool {
	return spec.Fits(m.Teams, n.Team) && spec.Fits(m.Services, n.Service) && spec.Fits(m.Environments, n.Environment) &&
		(len(m.Events) == 0 || slices.Contains(m.Events, n.Happening)) &&
		(len(m.Severities) == 0 || slices.Contains(m.Severities, n.Urgency))
}
