package spec

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func fullGuards(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/guards/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func FuzzParseGuards(f *testing.F) {
	f.Add(fullGuards(f))
	f.Add([]byte("apiVersion: linnet/v1\nkind: Guards\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		g, err := ParseGuards("f", text)
		if err != nil {
			if !reflect.DeepEqual(g, Guards{}) {
				t.Fatal("half of the guard rails came back with an error")
			}
			return
		}
		again, err := ParseGuards("f", FormatGuards(g))
		g.Text, g.Hash, again.Text, again.Hash = nil, "", nil, ""
		if err != nil || !reflect.DeepEqual(g, again) {
			t.Fatalf("%v; got\n%+v\nwant\n%+v", err, again, g)
		}
	})
}

func TestGuards(t *testing.T) {
	g, err := ParseGuards("guards.yaml", fullGuards(t))
	if err != nil {
		t.Fatal(err)
	}
	from, to := FreezeTimes(g.Freezes[0])
	if want := time.Date(2026, 12, 19, 23, 0, 0, 0, time.UTC); !from.Equal(want) {
		t.Errorf("the freeze begins %s, not %s", from, want)
	}
	if want := time.Date(2027, 1, 3, 23, 0, 0, 0, time.UTC); !to.Equal(want) {
		t.Errorf("the freeze ends %s, not at the end of its last day, %s", to, want)
	}
	if got, want := g.Hours[0].Allow[1], (WeekSpan{time.Friday, time.Friday, 540, 720}); got != want {
		t.Errorf("fri 09:00-12:00 is %+v", got)
	}
}

func TestGuardsThatAreWrong(t *testing.T) {
	for text, want := range map[string]string{
		"rules: [{name: a, require: 'true'}]":                                                     "message",
		"rules: [{name: a, require: 'true', message: m}, {name: a, require: 'true', message: m}]": "is there already",
		"freezes: [{name: a, from: 2026-12-24}]":                                                  "does not say when",
		"freezes: [{name: a, from: 2026-12-24, to: 2026-12-20}]":                                  "is not after from",
		"freezes: [{name: a, from: 2026-12-24, to: 2026-12-24T00:00}]":                            "is not after from",
		"freezes: [{name: a, from: 2026-12-24, to: 2026-12-26, calendar: x.ics}]":                 "both times and a calendar",
		"freezes: [{name: a, from: 24.12.2026, to: 2026-12-26}]":                                  "is not a local time",
		"freezes: [{name: a, from: 2026-12-24, to: 2026-12-26, zone: Europe/Bonn}]":               "is not a time zone",
		"hours: [{name: a, allow: ['mon-fri 9-17']}]":                                             "is no stretch of the week",
		"hours: [{name: a, allow: ['mon 17:00-09:00']}]":                                          "ends before it begins",
		"hours: [{name: a}]":                          "allow",
		"limits: [{name: a, atMost: 0}]":              "is too little",
		"limits: [{name: a, atMost: 1, per: region}]": "is not known here",
	} {
		_, err := ParseGuards("g.yaml", []byte("apiVersion: linnet/v1\nkind: Guards\nspec: {"+text+"}\n"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "g.yaml:3:") {
			t.Errorf("%s gives %v, not %q with its line", text, err, want)
		}
	}
}
