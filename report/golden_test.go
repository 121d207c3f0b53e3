package report_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test ./report -update writes it anew); got:\n%s", path, got)
	}
}

// lines are the plain lines of a whole release, as `run` would print them.
func lines(w *world) string {
	var b strings.Builder
	var s engine.State
	for _, rec := range w.records {
		s, _, _ = engine.Step(s, rec.Event)
		if l := report.Line(s, rec); l != "" {
			b.WriteString(l + "\n")
		}
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			w := story(t)
			r := w.report()
			var text, markdown bytes.Buffer
			if err := report.Text(&text, r, report.Options{}); err != nil {
				t.Fatal(err)
			}
			if err := report.Markdown(&markdown, r); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".txt", text.Bytes())
			golden(t, name+".md", markdown.Bytes())
			golden(t, name+".live", []byte(strings.Join(report.Live(w.state, 90, report.Options{}), "\n")+"\n"))
			golden(t, name+".lines", []byte(lines(w)))
		})
	}
}

func TestGoldenJSON(t *testing.T) {
	var out bytes.Buffer
	if err := report.JSON(&out, badErrors(t).report()); err != nil {
		t.Fatal(err)
	}
	golden(t, "errors.json", out.Bytes())
}

// The live view on its way, in colour, and at the narrowest.
func TestGoldenLive(t *testing.T) {
	w := begin(t, checkout(errorsMetric(), latencyMetric(), cpuMetric()))
	w.candidate.errors = 0.02
	w.looks(4)
	var b strings.Builder
	for _, o := range []report.Options{{Width: 80}, {Width: 120}, {Width: 40}, {Width: 100, Color: true}} {
		fmt.Fprintf(&b, "-- width %d\n%s\n", o.Width, strings.Join(report.Live(w.state, o.Width, o), "\n"))
	}
	golden(t, "ways.live", []byte(strings.ReplaceAll(b.String(), "\x1b", "ESC")))
}

func TestGoldenList(t *testing.T) {
	list := []journal.Summary{}
	for i, story := range []func(*testing.T) *world{badErrors, abortion, waiting} {
		s := story(t).state
		sum := journal.Summary{
			ID: journal.ID{Name: s.Release, Attempt: i + 1}, Service: s.Plan.Service, FileHash: s.Plan.Hash, Started: s.StartedAt,
			Updated: s.Now, Seq: s.Seq, Phase: s.Phase, Step: s.Step + 1, Weight: engine.CandidateWeight(s.Route), Reason: s.Why,
		}
		if s.Over() {
			sum.Outcome = journal.RolledBack
		}
		list = append(list, sum)
	}
	list[0].Pruned = true
	var text, form bytes.Buffer
	if err := report.List(&text, list, start.Add(26*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := report.ListJSON(&form, list); err != nil {
		t.Fatal(err)
	}
	golden(t, "list.txt", text.Bytes())
	golden(t, "list.json", form.Bytes())
}

func TestNothingYet(t *testing.T) {
	var b bytes.Buffer
	empty := report.New().Finish(engine.State{})
	if err := report.Text(&b, empty, report.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := report.Markdown(&b, empty); err != nil {
		t.Fatal(err)
	}
	if err := report.JSON(&b, empty); err != nil {
		t.Fatal(err)
	}
	if err := report.List(&b, nil, start); err != nil {
		t.Fatal(err)
	}
	if err := report.ListJSON(&b, nil); err != nil {
		t.Fatal(err)
	}
	b.WriteString(strings.Join(report.Live(engine.State{}, 80, report.Options{}), "\n"))
	golden(t, "nothing", b.Bytes())
	if strings.Contains(b.String(), "null,") && strings.Contains(b.String(), `"decisions": null`) {
		t.Error("a list is null in JSON; it must be []")
	}
	scheduled := checkout(errorsMetric())
	scheduled.StartAt = start.Add(time.Hour)
	if got := begin(t, scheduled).report().Sentence; !strings.HasPrefix(got, "Scheduled: it starts at 2026-01-02T16:04:05Z") {
		t.Errorf("sentence %q", got)
	}
	var none plan.Plan
	report.Live(begin(t, none).state, 0, report.Options{})
}
