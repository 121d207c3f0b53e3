// Package guard holds a release that somebody wants to begin against what the
// company asks of every release: conditions in CEL, freezes, hours, and how many
// may run at once. All that is wrong is found at once, each with what to do or
// when it will be over.
//
// The package is pure: files, the time and what runs are arguments.
package guard

import (
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/cel"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/calendar"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// Rails are guard rails that were read and compiled. They are safe for use by
// several goroutines.
type Rails struct {
	rules   []rule
	freezes []freeze
	hours   []hours
	limits  []spec.ReleaseLimit
}

type rule struct {
	spec.GuardRule
	program cel.Program
}

type freeze struct {
	spec.Freeze
	from, to time.Time
	events   *calendar.Calendar
}

type hours struct {
	spec.ReleaseHours
	zone   *time.Location
	except *calendar.Calendar
}

// Subject is a release, as far as guard rails tell releases apart.
type Subject struct{ Name, Service, Team, Environment string }

// Finding is one guard rail that a release does not meet.
type Finding struct {
	// Rule is its name, Text what is wrong and what to do.
	Rule, Text string
	// Until is when it will be met by itself; zero where it will not, or where
	// nobody can know.
	Until time.Time
	// Warn says that the release may begin all the same.
	Warn bool
}

// Compile reads guard rails: expressions are type-checked, calendars read by the
// function given, by the names that the file gives them; name is what errors call
// the file. An error is of type spec.Errors, all that is wrong and where.
func Compile(name string, g spec.Guards, read func(name string) ([]byte, error)) (Rails, error) {
	r := Rails{limits: g.Limits}
	env, err := environment()
	if err != nil {
		return Rails{}, err
	}
	var errs spec.Errors
	wrong := func(err error, path string, i int, key, hint string) {
		if err != nil {
			errs = append(errs, spec.Wrong(name, g.Text, fmt.Sprintf("spec.%s[%d].%s", path, i, key), release.Plain(err), hint))
		}
	}
	for i, from := range g.Rules {
		program, err := compile(env, from.Require)
		wrong(err, "rules", i, "require", "docs/guards.md has the names of a release")
		r.rules = append(r.rules, rule{from, program})
	}
	for i, f := range g.Freezes {
		own := freeze{Freeze: f}
		if f.Calendar == "" {
			own.from, own.to = spec.FreezeTimes(f)
		} else {
			own.events, err = events(f.Calendar, f.Zone, read)
			wrong(err, "freezes", i, "calendar", "")
		}
		r.freezes = append(r.freezes, own)
	}
	for i, h := range g.Hours {
		own := hours{ReleaseHours: h}
		own.zone, err = time.LoadLocation(h.Zone)
		wrong(err, "hours", i, "zone", "")
		if h.Except != "" {
			own.except, err = events(h.Except, h.Zone, read)
			wrong(err, "hours", i, "except", "")
		}
		r.hours = append(r.hours, own)
	}
	if len(errs) > 0 {
		return Rails{}, errs
	}
	return r, nil
}

func events(name, zone string, read func(string) ([]byte, error)) (*calendar.Calendar, error) {
	in, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	text, err := read(name)
	if err != nil {
		return nil, err
	}
	c, err := calendar.Parse(name, text, in)
	return &c, err
}

// Request is a release that is to begin.
type Request struct {
	// Now is when it would begin.
	Now  time.Time
	Who  access.Actor
	File spec.File
	Plan plan.Plan
	// Running are the releases that run.
	Running []Subject
}

// Check gives the guard rails that a release does not meet, in the order of the
// file.
func (r Rails) Check(q Request) []Finding {
	s := subject(q.File)
	begins := q.Now
	if q.Plan.StartAt.After(begins) {
		begins = q.Plan.StartAt // that is when its traffic moves first
	}
	var found []Finding
	found = append(found, r.conditions(s, q)...)
	for _, f := range r.freezes {
		if !fits(f.Whom, s) {
			continue
		}
		if span, in := f.at(begins); in {
			found = append(found, Finding{
				Rule: f.Name, Until: span.To,
				Text: fmt.Sprintf("nothing is released during %s, until %s", span.Name, local(span.To, f.Zone)),
			})
		}
	}
	for _, h := range r.hours {
		if fits(h.Whom, s) {
			found = append(found, h.check(begins)...)
		}
	}
	for _, l := range r.limits {
		if fits(l.Whom, s) {
			found = append(found, full(l, s, q.Running)...)
		}
	}
	return found
}

func (r Rails) conditions(s Subject, q Request) []Finding {
	var found []Finding
	input := map[string]any{"release": viewOf(q.File, q.Plan), "who": actorOf(q.Who), "now": q.Now}
	for _, rule := range r.rules {
		if !fits(rule.Whom, s) {
			continue
		}
		met, err := holds(rule.program, input)
		switch {
		case err != nil:
			// What cannot be told is not met: a rule must not be passed by an
			// expression that fails.
			found = append(found, Finding{Rule: rule.Name, Warn: rule.Warn,
				Text: fmt.Sprintf("%s (its condition cannot be told of this release: %v)", rule.Message, err)})
		case !met:
			found = append(found, Finding{Rule: rule.Name, Text: rule.Message, Warn: rule.Warn})
		}
	}
	return found
}

// fits tells whether a guard rail holds for a release.
func fits(w spec.Whom, s Subject) bool {
	return spec.Fits(w.Services, s.Service) && spec.Fits(w.Teams, s.Team) && spec.Fits(w.Environments, s.Environment)
}

// full says that no more releases may run at once.
func full(l spec.ReleaseLimit, s Subject, running []Subject) []Finding {
	var names []string
	for _, other := range running {
		if other.Name != s.Name && fits(l.Whom, other) && counted(l.Per, other) == counted(l.Per, s) {
			names = append(names, other.Name)
		}
	}
	if int64(len(names)) < l.AtMost {
		return nil
	}
	const shown = 5
	more := ""
	if len(names) > shown {
		more = fmt.Sprintf(" and %d more", len(names)-shown)
		names = names[:shown]
	}
	return []Finding{{Rule: l.Name, Text: fmt.Sprintf("%d may run at once, and there are %s%s; begin when one of them has ended",
		l.AtMost, strings.Join(names, ", "), more)}}
}

func counted(per string, s Subject) string {
	switch per {
	case spec.PerService:
		return s.Service
	case spec.PerTeam:
		return s.Team
	case spec.PerEnvironment:
		return s.Environment
	}
	return ""
}
