package spec

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Guards is what a company asks of every release before it may begin.
type Guards struct {
	// Text is the file as it was read; Hash the SHA-256 of Text, in hex.
	Text []byte
	Hash string

	Rules   []GuardRule
	Freezes []Freeze
	Hours   []ReleaseHours
	Limits  []ReleaseLimit
}

// Whom says which releases something holds for: those that one pattern of each
// list fits. An empty list fits all; * in a pattern stands for anything.
type Whom struct{ Services, Teams, Environments []string }

// GuardRule is a condition that a release must meet.
type GuardRule struct {
	Name string
	Whom
	// Require is a CEL expression over the release; Message what to do where it
	// is not true.
	Require, Message string
	// Warn says that a release which does not meet it is told so, and begins.
	Warn bool
}

// Freeze is a time in which no release begins.
type Freeze struct {
	Name string
	Whom
	// From and To are local times in Zone (2006-01-02 or 2006-01-02T15:04); empty
	// where Calendar, an iCalendar file whose events are the freezes, is set. A
	// date as To is frozen to its end.
	From, To string
	Zone     string
	Calendar string
}

// ReleaseHours are the only times in which releases begin.
type ReleaseHours struct {
	Name string
	Whom
	Zone  string
	Allow []WeekSpan
	// Except is an iCalendar file whose events, holidays, are not allowed.
	Except string
}

// WeekSpan is a part of each of some days of the week.
type WeekSpan struct {
	// First and Last are the days, both included; Last may lie before First: sat-mon.
	First, Last time.Weekday
	// From and To are minutes since midnight; From is included, To is not.
	From, To int
}

// ReleaseLimit bounds how many releases run at once.
type ReleaseLimit struct {
	Name string
	Whom
	AtMost int64
	// Per says what is counted alone: each service, team, environment, or all
	// that it holds for together.
	Per string
}

// What a limit is for each of.
const (
	PerService     = "service"
	PerTeam        = "team"
	PerEnvironment = "environment"
	PerAll         = "all"
)

var guardsDocument = document[Guards]{
	kind: "Guards", title: "guard rails for releases", keys: headed("Guards", guardsKeys), rules: guardsRules,
	read: func(g *Guards) (*[]byte, *string) { return &g.Text, &g.Hash },
}

// ParseGuards reads guard rails, as Parse reads a release file: name is what
// errors call the file, and an error holds all that is wrong. Expressions are
// only read by package guard.
func ParseGuards(name string, text []byte) (Guards, error) { return guardsDocument.parse(name, text) }

// FormatGuards writes guard rails in full, with every default spelled out.
func FormatGuards(g Guards) []byte { return guardsDocument.format(g) }

// guardsRules checks what must hold between the keys.
func guardsRules(c *checker, g Guards) {
	seen := map[string]bool{}
	name := func(list string, i int, name string) {
		at := "spec." + list + "[" + strconv.Itoa(i) + "].name"
		if c.fine(at) && seen[name] {
			c.fail(at, clip(name)+" is there already", "give each guard rail a name of its own: findings say it")
		}
		seen[name] = true
	}
	for i, r := range g.Rules {
		name("rules", i, r.Name)
	}
	for i, f := range g.Freezes {
		name("freezes", i, f.Name)
		freezeRules(c, "spec.freezes["+strconv.Itoa(i)+"]", f)
	}
	for i, h := range g.Hours {
		name("hours", i, h.Name)
	}
	for i, l := range g.Limits {
		name("limits", i, l.Name)
	}
}

func freezeRules(c *checker, at string, f Freeze) {
	if !c.fine(at+".from", at+".to", at+".calendar", at+".zone") {
		return
	}
	switch {
	case f.Calendar != "" && (f.From != "" || f.To != ""):
		c.fail(at, "has both times and a calendar", "write from and to, or calendar; two freezes may have one each")
	case f.Calendar == "" && (f.From == "" || f.To == ""):
		c.fail(at, "does not say when it is", "write from and to, or calendar")
	case f.Calendar == "":
		from, to := FreezeTimes(f)
		if !to.After(from) {
			c.fail(at+".to", fmt.Sprintf("%s is not after from, %s", f.To, f.From), "swap them")
		}
	}
}

// FreezeTimes gives the instants between which a freeze without a calendar lasts.
func FreezeTimes(f Freeze) (from, to time.Time) {
	zone, err := time.LoadLocation(f.Zone)
	if err != nil {
		zone = time.UTC // parseZone has refused it
	}
	from, _ = readMoment(f.From, zone)
	to, day := readMoment(f.To, zone)
	if day {
		to = to.AddDate(0, 0, 1)
	}
	return from, to
}

const (
	dayForm    = "2006-01-02"
	momentForm = "2006-01-02T15:04"
)

// readMoment reads a local time, and says whether it is a whole day; a zero time
// where it is neither.
func readMoment(text string, zone *time.Location) (at time.Time, day bool) {
	if at, err := time.ParseInLocation(dayForm, text, zone); err == nil {
		return at, true
	}
	at, err := time.ParseInLocation(momentForm, text, zone)
	if err != nil {
		return time.Time{}, false
	}
	return at, false
}

// The scalars that only guard rails have.
var (
	moments = &kind[string]{noun: "a local time", pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2})?$`, parse: parseMoment, format: same}
	zones   = &kind[string]{noun: "a time zone such as Europe/Berlin", pattern: `^[A-Za-z0-9_+/-]{1,64}$`, parse: parseZone, format: same}
	spans   = &kind[WeekSpan]{noun: "days and hours", pattern: `^[a-z]{3}(-[a-z]{3})? [0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$`, parse: parseSpan, format: formatSpan}
	// expression is CEL; it is compiled where it is used, and by lint.
	expression = &kind[string]{noun: "a CEL expression", pattern: selector.pattern, parse: parseExpression, format: same}
)

func parseExpression(s string) (string, fault) {
	s, bad := parseSelector(s)
	if bad != (fault{}) {
		bad.hint = "write an expression such as release.steps[0].weight <= 0.05, or payload.ref == \"refs/heads/main\""
	}
	return s, bad
}

func parseMoment(s string) (string, fault) {
	if at, _ := readMoment(s, time.UTC); at.IsZero() || at.Year() < 1970 || at.Year() > 2200 {
		return "", fault{"is not a local time", "write one such as 2026-12-24 or 2026-12-24T18:00; the zone stands under zone"}
	}
	return s, fault{}
}

func parseZone(s string) (string, fault) {
	if _, err := time.LoadLocation(s); err != nil || s == "" || s == "Local" {
		return "", fault{"is not a time zone that is known", "write one such as UTC, Europe/Berlin or America/New_York"}
	}
	return s, fault{}
}

func parseSpan(s string) (WeekSpan, fault) {
	wrong := fault{"is no stretch of the week", "write one such as mon-thu 09:00-16:30, or fri 09:00-24:00"}
	on, hours, ok := strings.Cut(s, " ")
	from, to, both := strings.Cut(hours, "-")
	if !ok || !both {
		return WeekSpan{}, wrong
	}
	first, last, several := strings.Cut(on, "-")
	if !several {
		last = first
	}
	w := WeekSpan{First: weekday(first), Last: weekday(last), From: minutes(from), To: minutes(to)}
	switch {
	case w.First < 0 || w.Last < 0 || w.From < 0 || w.To < 0:
		return WeekSpan{}, wrong
	case w.To <= w.From:
		return WeekSpan{}, fault{"ends before it begins", "write two stretches where one goes over midnight"}
	}
	return w, fault{}
}

func weekday(s string) time.Weekday {
	for i, d := range Weekdays() {
		if string(d) == s {
			return time.Weekday(i)
		}
	}
	return -1
}

// minutes reads 09:30 as minutes since midnight, up to 24:00; -1 for none.
func minutes(s string) int {
	hour, minute, ok := strings.Cut(s, ":")
	h, err1 := strconv.Atoi(hour)
	m, err2 := strconv.Atoi(minute)
	if !ok || err1 != nil || err2 != nil || len(hour) != 2 || len(minute) != 2 || h < 0 || m < 0 || m > 59 || h*60+m > 24*60 {
		return -1
	}
	return h*60 + m
}

func formatSpan(w WeekSpan) string {
	on := string(Weekdays()[w.First])
	if w.Last != w.First {
		on += "-" + string(Weekdays()[w.Last])
	}
	return fmt.Sprintf("%s %02d:%02d-%02d:%02d", on, w.From/60, w.From%60, w.To/60, w.To%60)
}
