package calendar

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
)

// holidays are as calendar programs export them: a day that repeats each year, a
// span with times and a zone, a weekly one with an exception and a moved
// occurrence, and one that was cancelled.
const holidays = `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//tests//EN
BEGIN:VEVENT
UID:1
SUMMARY:New Year
DTSTART;VALUE=DATE:20200101
RRULE:FREQ=YEARLY
END:VEVENT
BEGIN:VEVENT
UID:2
SUMMARY:Black Friday
DTSTART;TZID=America/New_York:20261127T060000
DTEND;TZID=America/New_York:20261128T000000
END:VEVENT
BEGIN:VEVENT
UID:3
SUMMARY:Payday
DTSTART;TZID=Europe/Berlin:20261002T080000
DURATION:PT4H
RRULE:FREQ=WEEKLY;UNTIL=20261121T000000Z
EXDATE;TZID=Europe/Berlin:20261009T080000,20261016T080000
END:VEVENT
BEGIN:VEVENT
UID:3
SUMMARY:Payday\, a day later
RECURRENCE-ID;TZID=Europe/Berlin:20261023T080000
DTSTART;TZID=Europe/Berlin:20261024T080000
DURATION:PT4H
END:VEVENT
BEGIN:VEVENT
UID:4
SUMMARY:Called off
STATUS:CANCELLED
DTSTART;VALUE=DATE:20261120
END:VEVENT
END:VCALENDAR
`

func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestAt(t *testing.T) {
	c, err := Parse("holidays.ics", []byte(holidays), berlin(t))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		"2026-12-31T22:59:59Z": "",
		"2026-12-31T23:00:00Z": "New Year", // midnight in Berlin
		"2027-01-01T22:59:59Z": "New Year",
		"2027-01-01T23:00:00Z": "",
		"2019-01-01T12:00:00Z": "", // before the first
		"2026-11-27T10:59:59Z": "",
		"2026-11-27T11:00:00Z": "Black Friday",
		"2026-11-28T04:59:59Z": "Black Friday",
		"2026-11-28T05:00:00Z": "",
		"2026-10-02T06:00:00Z": "Payday",
		"2026-10-09T07:00:00Z": "", // an exception
		"2026-10-16T07:00:00Z": "",
		"2026-10-23T07:00:00Z": "", // moved
		"2026-10-24T07:00:00Z": "Payday, a day later",
		"2026-10-30T07:00:00Z": "Payday", // 08:00 in winter
		"2026-10-30T06:30:00Z": "",
		"2027-01-08T07:30:00Z": "", // after the last
		"2026-11-20T12:00:00Z": "", // cancelled
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := c.At(when)
		if got.Name != want || ok != (want != "") {
			t.Errorf("at %s there is %q, not %q", at, got.Name, want)
		}
		if ok && (when.Before(got.From) || !when.Before(got.To)) {
			t.Errorf("%s does not lie in %v", at, got)
		}
	}
	if got := strings.Join(c.Names(), ", "); got != "Black Friday, New Year, Payday, Payday, a day later" {
		t.Error(got)
	}
}

func TestFilesThatAreWrong(t *testing.T) {
	event := func(lines string) string {
		return "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:1\n" + lines + "\nEND:VEVENT\nEND:VCALENDAR\n"
	}
	for text, want := range map[string]string{
		"":                                "no iCalendar file",
		"hello":                           "no iCalendar file",
		"BEGIN:VCALENDAR\nBEGIN:VEVENT\n": "no iCalendar file",
		event("SUMMARY:x"):                "has no DTSTART",
		event("DTSTART:yesterday"):        "yesterday",
		event("DTSTART;TZID=Nowhere:20260101T000000"):             "Nowhere",
		event("DTSTART:20260101T000000Z\nDTEND:20250101T000000Z"): "lasts",
		event("DTSTART:20260101T000000Z\nRRULE:FREQ=SECONDLY"):    "DAILY or less often",
		event("DTSTART:20260101T000000Z\nRRULE:FREQ=OFTEN"):       "OFTEN",
	} {
		_, err := Parse("x.ics", []byte(text), time.UTC)
		if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "x.ics: ") {
			t.Errorf("%q gives %v, not %q", text, err, want)
		}
	}
}

// A few lines must not fill the memory: each repeats within bounds, and all of
// them together do, too.
func TestACalendarIsBoundedAsAWhole(t *testing.T) {
	daily := "BEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:19000101\nRRULE:FREQ=DAILY\nEND:VEVENT\n"
	text := "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n" + strings.Repeat(daily, 8) + "END:VCALENDAR\n"
	if _, err := Parse("x.ics", []byte(text), time.UTC); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "UNTIL") {
		t.Error(err)
	}
	if _, err := Parse("x.ics", []byte(strings.Replace(text, daily, "", 4)), time.UTC); err != nil {
		t.Errorf("some that go on for ever: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(holidays))
	f.Add([]byte("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101T000000Z\nRRULE:FREQ=DAILY;COUNT=3\nRDATE:20270101T000000Z\nEND:VEVENT\nEND:VCALENDAR\n"))
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("f", text, time.UTC)
		if err != nil {
			return
		}
		if s, ok := c.At(at); ok && (at.Before(s.From) || !at.Before(s.To)) {
			t.Fatalf("%v is not at %v", s, at)
		}
	})
}
