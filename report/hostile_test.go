package report_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

const hostile = "x\x1b[2J\x1b]0;owned\a\u009b31m\u202egnp\r\n## owned\n| a | b |\n<script>alert(1)</script></details>" +
	" [a](javascript:alert(1)) ![i](http://evil.example/i) @team `code` **bold** \x00\xff\u200b"

// poison writes the hostile text into every string of a value, at any depth.
func poison(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				poison(v.Field(i), text)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i), text)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			poison(v.Elem(), text)
		}
	}
}

// harmless complains of anything that could steer a terminal.
func harmless(t *testing.T, what, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("%s: has %U", what, r)
			return
		}
	}
}

func rendered(t *testing.T, r report.Release) (text, markdown, form string) {
	t.Helper()
	var a, b, c bytes.Buffer
	if err := report.Text(&a, r, report.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := report.Markdown(&b, r); err != nil {
		t.Fatal(err)
	}
	if err := report.JSON(&c, r); err != nil {
		t.Fatal(err)
	}
	return a.String(), b.String(), c.String()
}

func widths(t *testing.T, what, text string, most int) {
	t.Helper()
	for l := range strings.Lines(text) {
		if n := len([]rune(strings.TrimSuffix(l, "\n"))); n > most {
			t.Errorf("%s: %d characters wide, at most %d: %s", what, n, most, l)
		}
	}
}

// A report that came from somewhere else, with every text of it hostile.
func TestAHostileReport(t *testing.T) {
	r := segment(t).report()
	poison(reflect.ValueOf(&r).Elem(), hostile)
	text, markdown, _ := rendered(t, r)
	harmless(t, "text", text)
	widths(t, "text", text, 100)
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, "## owned") {
			t.Errorf("text: a reason begins a line of its own: %s", l)
		}
	}
	for _, width := range []int{40, 80, 200} {
		var narrow bytes.Buffer
		if err := report.Text(&narrow, r, report.Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		widths(t, "text", narrow.String(), width)
	}
	safeMarkdown(t, markdown)
}

func safeMarkdown(t *testing.T, markdown string) {
	t.Helper()
	harmless(t, "markdown", strings.ReplaceAll(markdown, "@\u200b", "@"))
	for _, bad := range []string{"<script", "](javascript", "](http", "@team", "**bold**", "![i]"} {
		if strings.Contains(strings.ReplaceAll(withoutCode(markdown), `\`+bad[:1], ""), bad) {
			t.Errorf("markdown holds %q", bad)
		}
	}
	if n := strings.Count(withoutCode(markdown), "</details>"); n > 1 {
		t.Errorf("markdown closes the fold %d times", n)
	}
	columns := 0
	for l := range strings.Lines(markdown) {
		l = strings.TrimSpace(l)
		if !strings.HasPrefix(l, "|") {
			columns = 0
			continue
		}
		n := strings.Count(strings.ReplaceAll(l, `\|`, ""), "|")
		if columns > 0 && n != columns {
			t.Errorf("a row with %d bars in a table with %d: %.200s", n, columns, l)
		}
		columns = n
	}
}

// withoutCode takes out code spans, in which nothing is markup.
func withoutCode(s string) string {
	parts := strings.Split(strings.ReplaceAll(s, "\\`", ""), "`")
	var b strings.Builder
	for i := 0; i < len(parts); i += 2 {
		b.WriteString(parts[i])
	}
	return b.String()
}

// A release whose people, file and labels are hostile, through the engine.
func TestAHostileRelease(t *testing.T) {
	p := checkout(errorsMetric(), latencyMetric())
	p.Name, p.Service, p.Steps[0].Approval.From = hostile, hostile, hostile
	p.Arms[0].Version, p.Arms[1].Commit = hostile, hostile
	p.Links = []release.Link{{Name: hostile, URL: "javascript:alert(1)"}, {Name: "x", URL: "https://a.example/)> <b>|\x1b"}}
	p.Metrics[0].Name = hostile
	p.Metrics[0].By = []string{"region"}
	w := begin(t, p)
	w.order(engine.Approve, hostile, hostile)
	w.candidate.errors = 0.05
	w.looks(2)
	w.order(engine.Pause, hostile, hostile)
	text, markdown, form := rendered(t, w.report())
	harmless(t, "text", text)
	harmless(t, "json", form)
	harmless(t, "lines", lines(w))
	widths(t, "text", text, 100)
	safeMarkdown(t, markdown)
	for _, width := range []int{40, 80, 200} {
		live := strings.Join(report.Live(w.state, width, report.Options{}), "\n")
		harmless(t, "live", live)
		widths(t, "live", live, width)
	}
	if n, most := strings.Count(lines(w), "\n"), len(w.records); n > most {
		t.Errorf("%d lines of %d records", n, most)
	}
	var list bytes.Buffer
	sum := journal.Summary{ID: journal.ID{Name: hostile, Attempt: 1}, Reason: release.Reason{Text: hostile}, Phase: engine.Observing}
	if err := report.List(&list, []journal.Summary{sum}, start); err != nil {
		t.Fatal(err)
	}
	harmless(t, "list", list.String())
	widths(t, "list", list.String(), 100)
	if n := strings.Count(list.String(), "\n"); n != 2 {
		t.Errorf("a list of one has %d lines", n)
	}
}

// Only the styles of this package reach a terminal, and every one is ended.
func TestColour(t *testing.T) {
	r := badErrors(t).report()
	r.Reason.Text, r.Decisions[0].Reason.Text = hostile, hostile
	var b bytes.Buffer
	if err := report.Text(&b, r, report.Options{Color: true}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, code := range []string{"\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[90m"} {
		if !strings.Contains(text, code) {
			t.Errorf("no %q", code)
		}
		text = strings.ReplaceAll(text, code, "")
	}
	harmless(t, "colour", strings.ReplaceAll(text, "\x1b[0m", ""))
	for _, word := range []string{"\x1b[31mFAIL\x1b[0m", "\x1b[32mpass\x1b[0m", "\x1b[31mROLLED BACK\x1b[0m"} {
		if !strings.Contains(b.String(), word) {
			t.Errorf("a verdict's colour without its word: no %q", word)
		}
	}
}

// Numbers that JSON cannot hold do not keep a report from being written.
func TestNumbersWithoutEnd(t *testing.T) {
	w := badErrors(t)
	for i := range w.records {
		v := w.records[i].Decision.Verdict
		if v == nil {
			continue
		}
		for j := range v.Comparisons {
			poisonNumbers(&v.Comparisons[j])
		}
	}
	for j := range w.state.Last.Comparisons {
		poisonNumbers(&w.state.Last.Comparisons[j])
	}
	text, _, form := rendered(t, w.report())
	if !json.Valid([]byte(form)) || strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Errorf("not fit to be read:\n%s", text)
	}
	report.Live(w.state, 80, report.Options{})
}

func poisonNumbers(c *judge.Comparison) {
	inf := posInf()
	c.LogE, c.LogPass = inf, -inf
	c.Effect = judge.Effect{Ratio: inf, Low: inf - inf, High: inf}
	c.Candidate.Value, c.Baseline.Value, c.Bound, c.Exclude = inf-inf, inf, -inf, inf
}

func FuzzTexts(f *testing.F) {
	f.Add("ann", 80)
	f.Add(hostile, 40)
	f.Add(strings.Repeat("wide 世界 ", 300), 60)
	f.Fuzz(func(t *testing.T, text string, width int) {
		p := checkout(errorsMetric())
		p.Arms[1].Version = text
		w := begin(t, p)
		w.order(engine.Pause, text, text)
		r := w.report()
		poison(reflect.ValueOf(&r).Elem(), text)
		out, markdown, _ := rendered(t, r)
		harmless(t, "text", out)
		harmless(t, "markdown", strings.ReplaceAll(markdown, "@\u200b", "@"))
		width = max(40, min(width, 300))
		harmless(t, "live", strings.Join(report.Live(w.state, width, report.Options{}), "\n"))
		if l := report.Line(w.state, w.records[len(w.records)-1]); strings.Contains(l, "\n") {
			t.Errorf("a line of two lines: %q", l)
		}
	})
}
