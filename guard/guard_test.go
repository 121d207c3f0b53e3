package guard

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

const file = `apiVersion: linnet/v1
kind: Release
metadata: { name: checkout-2, labels: { team: payments, environment: production } }
spec:
  service: checkout
  baseline: { version: 1.0.0, labels: { version: stable } }
  candidate: { version: 2.0.0, labels: { version: canary } }
  traffic: { proxy: { service: checkout, admin: "http://127.0.0.1:1" } }
  steps:
    - { weight: 5%, atLeast: 5m, atMost: 30m }
    - { weight: 50%, atLeast: 5m, atMost: 30m, approval: { from: release-managers } }
  links: [{ name: runbook, url: "https://example.com/checkout" }]
  analysis:
    source: { prometheus: { url: "http://127.0.0.1:1" } }
    metrics:
      - { name: errors, ratio: { bad: bad_total, of: all_total }, worse: higher, by: [region] }
      - { name: cpu, gauge: cpu, worse: higher, severity: warning }
`

func request(t testing.TB, at string) Request {
	t.Helper()
	f, err := spec.Parse("release.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	now, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	who := access.Actor{Name: "anna@example.com", Kind: access.Person, Groups: []string{"payments"}}
	return Request{Now: now, Who: who, File: f, Plan: plan.Compile(f)}
}

// rails compiles guard rails; files are calendars by name.
func rails(t testing.TB, body string, files map[string]string) (Rails, error) {
	t.Helper()
	g, err := spec.ParseGuards("guards.yaml", []byte("apiVersion: linnet/v1\nkind: Guards\nspec:\n"+body))
	if err != nil {
		t.Fatal(err)
	}
	return Compile("guards.yaml", g, func(name string) ([]byte, error) {
		text, ok := files[name]
		if !ok {
			return nil, fmt.Errorf("open %s: %w", name, os.ErrNotExist)
		}
		return []byte(text), nil
	})
}

func must(t testing.TB, body string, files map[string]string) Rails {
	t.Helper()
	r, err := rails(t, body, files)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// told is what is found, in one line.
func told(found []Finding) string {
	var lines []string
	for _, f := range found {
		line := f.Rule + ": " + f.Text
		if f.Warn {
			line = "warning: " + line
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

func TestConditions(t *testing.T) {
	for require, met := range map[string]bool{
		`release.metrics.exists(m, m.kind == "ratio" && m.severity == "guardrail")`: true,
		`release.metrics.all(m, m.severity == "guardrail")`:                         false,
		`release.metrics.exists(m, "region" in m.by)`:                               true,
		`release.steps[0].weight <= 0.05`:                                           true,
		`release.steps[0].weight < 0.05`:                                            false,
		`release.steps.all(s, s.weight <= 0.05 || s.atLeast >= duration("5m"))`:     true,
		`release.steps[size(release.steps) - 1].approval == "release-managers"`:     true,
		`release.falseRollback <= 0.01`:                                             true,
		`release.team == "payments" && release.environment == "production"`:         true,
		`release.labels["team"] == "payments" && release.candidate == "2.0.0"`:      true,
		`release.links.exists(l, l == "runbook") && release.provider == "proxy"`:    true,
		`who.kind != "person" || "payments" in who.groups`:                          true,
		`who.name.endsWith("@example.org")`:                                         false,
		`now.getDayOfWeek("Europe/Berlin") == 5`:                                    true,
		`release.steps[7].weight < 0.5`:                                             false, // cannot be told
		`release.labels["nothing"] == ""`:                                           false,
		`[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, [1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9].all(e, [1,2,3,4,5,6,7,8,9].all(f, a+b+c+d+e+f > 0))))))`: false, // costs too much
	} {
		r := must(t, "  rules: [{name: r, require: '"+require+"', message: mend it}]\n", nil)
		found := told(r.Check(request(t, "2026-11-20T12:00:00Z")))
		if (found == "") != met || !met && !strings.HasPrefix(found, "r: mend it") {
			t.Errorf("%s gives %q", require, found)
		}
	}
}

func TestExpressionsThatAreWrong(t *testing.T) {
	for require, want := range map[string]string{
		`release.step[0].weight < 1`:    "undefined field 'step'",
		`release.name`:                  "gives string, expected true or false",
		`release.steps[0].weight < "1"`: "no matching overload",
		`relaese.name == ""`:            "undeclared reference",
		`release.name ==`:               "Syntax error",
	} {
		_, err := rails(t, "  rules: [{name: r, require: '"+require+"', message: m}]\n", nil)
		if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "guards.yaml:4:30: spec.rules[0].require: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s gives %v, not %q", require, err, want)
		}
	}
}

const sale = `BEGIN:VCALENDAR
VERSION:2.0
PRODID:x
BEGIN:VEVENT
UID:1
SUMMARY:the sale
DTSTART:20261127T060000
DTEND:20261128T000000
END:VEVENT
BEGIN:VEVENT
UID:2
SUMMARY:the day after
DTSTART;VALUE=DATE:20261128
END:VEVENT
END:VCALENDAR
`

func TestTimes(t *testing.T) {
	r := must(t, `
  freezes:
    - { name: christmas, from: 2026-12-20, to: 2027-01-03, zone: Europe/Berlin }
    - { name: sale, services: ["check*"], calendar: sale.ics, zone: Europe/Berlin }
    - { name: elsewhere, services: [cart], from: 2020-01-01, to: 2030-01-01 }
  hours:
    - name: office
      environments: [production]
      zone: Europe/Berlin
      allow: [mon-thu 09:00-16:00, fri 09:00-12:00]
      except: sale.ics
`, map[string]string{"sale.ics": sale})
	for at, want := range map[string]string{
		"2026-11-18T10:00:00Z": "",
		"2026-11-18T15:00:00Z": "office: it is outside the hours in which releases begin; the next begins Thu 2026-11-19 09:00 CET",
		"2026-11-20T11:30:00Z": "office: it is outside the hours in which releases begin; the next begins Mon 2026-11-23 09:00 CET",
		"2026-11-26T20:00:00Z": "office: it is outside the hours in which releases begin; the next begins Mon 2026-11-30 09:00 CET", // Friday is a holiday
		"2026-11-27T10:00:00Z": "sale: nothing is released during the sale, until Sun 2026-11-29 00:00 CET; " +
			"office: it is a holiday until Sat 2026-11-28 00:00 CET; the next begins Mon 2026-11-30 09:00 CET",
		"2026-12-22T10:00:00Z": "christmas: nothing is released during christmas, until Mon 2027-01-04 00:00 CET",
	} {
		if got := told(r.Check(request(t, at))); got != want {
			t.Errorf("at %s:\n%q, not\n%q", at, got, want)
		}
	}
	q := request(t, "2026-11-18T10:00:00Z")
	q.Plan.StartAt = time.Date(2026, 12, 22, 10, 0, 0, 0, time.UTC)
	if got := r.Check(q); len(got) != 1 || got[0].Rule != "christmas" || !got[0].Until.Equal(time.Date(2027, 1, 3, 23, 0, 0, 0, time.UTC)) {
		t.Errorf("a release that is to start in a freeze: %+v", got)
	}
	never := must(t, "  hours:\n    - name: never\n      allow: [mon 00:00-24:00]\n      except: all.ics\n", map[string]string{
		"all.ics": "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:20261001\nDTEND;VALUE=DATE:20271001\nEND:VEVENT\nEND:VCALENDAR\n"})
	if got := told(never.Check(request(t, "2026-11-16T10:00:00Z"))); !strings.Contains(got, "the next 60 days have no such hour") {
		t.Error(got)
	}
	if _, err := rails(t, "  freezes: [{name: sale, calendar: gone.ics}]\n", nil); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "gone.ics") {
		t.Errorf("a calendar that is not there: %v", err)
	}
}

func TestLimits(t *testing.T) {
	r := must(t, `
  limits:
    - { name: each-service, atMost: 1, per: service }
    - { name: each-team, atMost: 3, per: team, environments: [production] }
    - { name: the-shop, services: [checkout, cart], atMost: 2 }
`, nil)
	run := func(running ...Subject) string {
		q := request(t, "2026-11-20T12:00:00Z")
		q.Running = running
		return told(r.Check(q))
	}
	other := func(name, service, team, environment string) Subject {
		return Subject{name, service, team, environment}
	}
	cart := other("cart-7", "cart", "shop", "production")
	if got := run(cart, other("search-1", "search", "payments", "staging")); got != "" {
		t.Errorf("below every limit: %s", got)
	}
	if got := run(other("checkout-2", "checkout", "payments", "production")); got != "" {
		t.Errorf("it counts itself: %s", got)
	}
	if got := run(other("checkout-1", "checkout", "payments", "staging")); got != "each-service: 1 may run at once, and there are checkout-1; begin when one of them has ended" {
		t.Error(got)
	}
	if got := run(cart, other("cart-8", "cart", "shop", "production")); !strings.HasPrefix(got, "the-shop: 2 may run at once, and there are cart-7, cart-8;") {
		t.Error(got)
	}
	of := func(n int) (all []Subject) {
		for i := range n {
			all = append(all, other(fmt.Sprint("r", i), fmt.Sprint("s", i), "payments", "production"))
		}
		return all
	}
	if got := run(of(2)...); got != "" {
		t.Error(got)
	}
	if got := run(of(8)...); got != "each-team: 3 may run at once, and there are r0, r1, r2, r3, r4 and 3 more; begin when one of them has ended" {
		t.Error(got)
	}
}

// TestThePage compiles what the page about guard rails shows.
func TestThePage(t *testing.T) {
	page, err := os.ReadFile("../docs/guards.md")
	if err != nil {
		t.Fatal(err)
	}
	_, sample, _ := strings.Cut(string(page), "```yaml\n")
	sample, _, _ = strings.Cut(sample, "```")
	g, err := spec.ParseGuards("guards.md", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Compile("guards.md", g, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := told(r.Check(request(t, "2026-11-18T10:00:00Z"))); got != "" {
		t.Errorf("a good release is refused: %s", got)
	}
}

func FuzzExpression(f *testing.F) {
	f.Add(`release.steps[0].weight <= 0.05`)
	f.Add(`release.metrics.exists(m, m.kind == "ratio") && who.kind == "person"`)
	env, err := environment()
	if err != nil {
		f.Fatal(err)
	}
	q := request(f, "2026-11-20T12:00:00Z")
	f.Fuzz(func(t *testing.T, text string) {
		program, err := compile(env, text)
		if err != nil {
			return
		}
		r := Rails{rules: []rule{{spec.GuardRule{Name: "r", Message: "m"}, program}}}
		r.Check(q)
	})
}
