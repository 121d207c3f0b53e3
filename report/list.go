package report

import (
	"io"
	"slices"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
)

// Entry is the public form of one release in a list; see Release for what the
// fields mean. Outcome is "running" until it has ended.
type Entry struct {
	Name          string    `json:"name"`
	Attempt       int       `json:"attempt"`
	Service       string    `json:"service"`
	Outcome       string    `json:"outcome"`
	Ended         bool      `json:"ended"`
	Phase         string    `json:"phase"`
	Step          int       `json:"step"`
	Weight        string    `json:"weight"`
	WeightPercent float64   `json:"weight_percent"`
	Reason        Reason    `json:"reason"`
	Started       time.Time `json:"started"`
	Updated       time.Time `json:"updated"`
	Records       uint64    `json:"records"`
	FileHash      string    `json:"file_sha256"`
	// Pruned says that retention has removed the records.
	Pruned bool `json:"pruned"`
}

func entry(s journal.Summary) Entry {
	e := Entry{
		Name: clean(s.ID.Name), Attempt: s.ID.Attempt, Service: clean(s.Service), Outcome: string(s.Outcome), Ended: s.Ended(),
		Phase: string(s.Phase), Step: max(0, s.Step), Weight: engine.Percent(s.Weight), WeightPercent: percentOf(s.Weight),
		Reason: reason(s.Reason), Started: s.Started.UTC(), Updated: s.Updated.UTC(), Records: s.Seq,
		FileHash: clean(s.FileHash), Pruned: s.Pruned,
	}
	if e.Outcome == "" {
		e.Outcome = running
	}
	return e
}

// ListJSON writes releases as one JSON array, in the order given.
func ListJSON(w io.Writer, list []journal.Summary) error {
	out := make([]Entry, 0, len(list))
	for _, s := range list {
		out = append(out, entry(s))
	}
	return writeJSON(w, out)
}

// List writes releases as a table for a terminal 100 characters wide: those
// that run first, then as given. now is the time that ages are told from.
func List(w io.Writer, list []journal.Summary, now time.Time) error {
	p := &paper{}
	if len(list) == 0 {
		p.line(say("no releases"))
		return p.writeTo(w)
	}
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b journal.Summary) int { return ended(a) - ended(b) })
	columns := []column{
		{name: "release", tight: true}, {name: "phase"}, {name: "step", right: true}, {name: "weight", right: true},
		{name: "started", right: true}, {name: "changed", right: true}, {name: "why", cut: fit},
	}
	rows := make([][]span, 0, len(sorted))
	for _, s := range sorted {
		step, why := none, s.Reason.Text
		if s.Step > 0 {
			step = count(int64(s.Step))
		}
		if s.Pruned {
			why = "(records removed) " + why
		}
		rows = append(rows, []span{
			say(fit(clean(s.ID.String()), 32)), say(phaseWord(s)), say(step), say(engine.Percent(s.Weight)),
			say(age(s.Started, now)), say(age(s.Updated, now)), say(why),
		})
	}
	p.table(columns, rows)
	return p.writeTo(w)
}

func ended(s journal.Summary) int {
	if s.Ended() {
		return 1
	}
	return 0
}

// phaseWord is the phase, or what a person's abort is called.
func phaseWord(s journal.Summary) string {
	if s.Outcome == journal.Aborted {
		return string(journal.Aborted)
	}
	return string(s.Phase)
}

// age is how long ago something was, in one unit.
func age(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return duration(d.Truncate(time.Second)) + " ago"
	case d < time.Hour:
		return duration(d.Truncate(time.Minute)) + " ago"
	case d < 24*time.Hour:
		return duration(d.Truncate(time.Hour)) + " ago"
	default:
		return duration(d.Truncate(24*time.Hour)) + " ago"
	}
}
