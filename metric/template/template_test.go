package template_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/template"
	"github.com/linnet-project/linnet/release"
)

var candidate = release.Arm{Name: release.Candidate, Version: "1.5.0", Labels: map[string]string{"version": "canary", "track": "b"}}

func TestFill(t *testing.T) {
	from := time.Date(2026, 3, 1, 12, 0, 0, 250_000_000, time.FixedZone("", 3600))
	v := template.Arm(candidate).Span(release.Window{From: from, To: from.Add(time.Minute)}, 15*time.Second).With("page", "2")
	for text, want := range map[string]string{
		"":                             "",
		"no value":                     "no value",
		"{{version}}/{{ track }}":      "canary/b", // a label goes before the arm's own
		"{{arm}}":                      "candidate",
		"{{from}} {{toMs}}":            "1772362800 1772362860250",
		"{{before}}":                   "1772362799",
		"{{fromNs}}":                   "1772362800250000000",
		"{{fromTime}}":                 "2026-03-01T11:00:00.250Z",
		"every {{step}} s":             "every 15 s",
		"page {{page}}":                "page 2",
		`{"a":{"b":"{{version}}"}}`:    `{"a":{"b":"canary"}}`,
		"{{version}}{{version}} {x} }": "canarycanary {x} }",
	} {
		if got, err := template.Fill(text, v); err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestWhatCannotBeFilled(t *testing.T) {
	for text, words := range map[string][]string{
		"a {{versoin}}": {"versoin", "known: arm, track, version"},
		"a {{version":   {"{{ without }}"},
		"{{}}":          {"not known"},
	} {
		_, err := template.Fill(text, template.Arm(candidate))
		for _, word := range words {
			if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), word) {
				t.Errorf("%q: error %v, want one that says %q", text, err, word)
			}
		}
	}
	for _, value := range []string{`x" or "1"="1`, "a b", "a'", "a\n", "a;b", "a{b}", "ä", "$x", "a\\", "a,b", "a)"} {
		if got, err := template.Fill("{{v}}", template.Values{"v": value}); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%q: got %q, %v; want a refusal", value, got, err)
		}
	}
}

func TestNames(t *testing.T) {
	got, err := template.Names("{{b}} {{ a }} {{b}}")
	if err != nil || !reflect.DeepEqual(got, []string{"b", "a"}) {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := template.Names("{{b"); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("error %v", err)
	}
}

// Values and spans are not shared between those who add to them.
func TestValuesAreCopies(t *testing.T) {
	v := template.Arm(candidate)
	v.With("x", "1")
	v.Span(release.Window{From: time.Unix(1, 0), To: time.Unix(2, 0)}, time.Second)
	if len(v) != 3 {
		t.Errorf("got %v, want arm, track and version only", v)
	}
	v["version"] = "changed"
	if candidate.Labels["version"] != "canary" {
		t.Error("an arm's label was changed")
	}
}

func TestApart(t *testing.T) {
	arms := []release.Arm{
		{Name: release.Baseline, Version: "1", Labels: map[string]string{"app": "shop", "track": "stable"}},
		{Name: release.Candidate, Version: "2", Labels: map[string]string{"app": "shop", "canary": "yes"}},
	}
	for name, want := range map[string]bool{"app": false, "from": false, "arm": true, "version": true, "track": true, "canary": true} {
		if got := template.Apart([]string{"step", name}, arms); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// A value never brings more into a question than its own safe characters, and
// the text around it stays as it was.
func FuzzFill(f *testing.F) {
	f.Add("select {{v}}", "canary")
	f.Add("{{v}}{{ v }}", `'; drop table orders; --`)
	f.Add("{{{v}}}", "{{v}}")
	f.Add("{{v", "1.5.0-rc.1+build")
	f.Fuzz(func(t *testing.T, text, value string) {
		got, err := template.Fill(text, template.Values{"v": value})
		if err != nil {
			if got != "" || !errors.Is(err, release.ErrInvalid) {
				t.Errorf("got %q, %v", got, err)
			}
			return
		}
		names, err := template.Names(text)
		if err != nil || len(names) > 1 || len(names) == 1 && names[0] != "v" {
			t.Errorf("filled %q, whose names are %q, %v", text, names, err)
		}
		if len(names) == 1 && strings.ContainsAny(value, " \t\n\"'`;\\(){}[]<>=,&|$%*?#!") {
			t.Errorf("%q came into a question", value)
		}
		empty, err := template.Fill(text, template.Values{"v": ""})
		if err != nil || len(names) == 0 && got != text || strings.Count(got, value) < len(names) || len(empty) > len(got) {
			t.Errorf("%q became %q; without the value %q, %v", text, got, empty, err)
		}
	})
}
