package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/audit"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
)

func (p *process) audit() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "Verify, show, export and anchor the journal and what people did"}
	p.databaseFlag(cmd)
	cmd.AddCommand(p.auditVerify(), p.auditShow(), p.auditExport(), p.auditAnchor(), p.auditKey())
	return cmd
}

func (p *process) auditShow() *cobra.Command {
	var c audit.Choice
	var since time.Duration
	cmd := &cobra.Command{
		Use: "show [NAME[/ATTEMPT]]", Short: "Print every record of a release, with its hash; without a name, what people did", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.chains(cmd.Context(), func(r *journal.Reader, log *audit.Log) error {
				if len(args) == 0 {
					if since > 0 {
						c.From = time.Now().Add(-since)
					}
					return p.showLines(cmd.Context(), log, c)
				}
				id, err := find(cmd.Context(), r, args[0])
				if err != nil {
					return err
				}
				return r.Records(cmd.Context(), id, 1, p.showRecord)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Who, "who", "", "only what this person or program did")
	f.StringVar(&c.What, "what", "", `only this ("release.abort"), or all that begin so ("token.")`)
	f.StringVar(&c.Object, "object", "", "only what was done to this")
	f.BoolVar(&c.Denied, "denied", false, "only what was not allowed")
	f.DurationVar(&since, "since", 0, "only what happened in the last of this time")
	f.IntVar(&c.Most, "limit", 100, "how many lines, the last ones")
	return cmd
}

// recordLine is one record of `linnet audit show`.
type recordLine struct {
	Seq      uint64    `json:"seq"`
	At       time.Time `json:"at"`
	Event    string    `json:"event"`
	Decision string    `json:"decision"`
	Phase    string    `json:"phase"`
	Step     int       `json:"step"`
	Weight   string    `json:"weight"`
	Code     string    `json:"code"`
	Reason   string    `json:"reason"`
	Who      string    `json:"who,omitempty"`
	Groups   []string  `json:"groups,omitempty"`
	From     string    `json:"from,omitempty"`
	Glass    string    `json:"glass,omitempty"`
	Effects  []string  `json:"effects,omitempty"`
	Hash     string    `json:"hash"`
}

func (p *process) showRecord(rec journal.Record) error {
	l := recordLine{Seq: rec.Seq, At: rec.At, Event: eventName(rec.Event), Decision: string(rec.Decision.Kind),
		Phase: string(rec.Decision.Phase), Step: rec.Decision.Step, Weight: engine.Percent(rec.Decision.Weight),
		Code: string(rec.Decision.Reason.Code), Reason: rec.Decision.Reason.Text, Who: rec.Decision.Who,
		Hash: fmt.Sprintf("%x", rec.Hash[:])}
	switch e := rec.Event.(type) {
	case engine.Started:
		l.Who = e.By
	case engine.Commanded:
		l.Groups, l.From, l.Glass = e.Groups, e.From, e.Glass
	}
	for _, e := range rec.Effects {
		l.Effects = append(l.Effects, effectName(e))
	}
	if p.json {
		return json.NewEncoder(p.out).Encode(l)
	}
	_, err := fmt.Fprintf(p.out, "%5d %s %-14s %-10s %-10s %s (%s)\n", l.Seq, l.At.Format(time.RFC3339), l.Event, l.Decision, l.Weight, printable(l.Reason), l.Hash[:12])
	if l.Who != "" {
		_, err2 := fmt.Fprintf(p.out, "      by %s\n", printable(l.whence()))
		err = errors.Join(err, err2)
	}
	for _, e := range l.Effects {
		_, err2 := fmt.Fprintf(p.out, "      → %s\n", printable(e))
		err = errors.Join(err, err2)
	}
	return err
}

// whence tells who stands behind a record, and from where they came.
func (l recordLine) whence() string {
	text := l.Who
	if l.From != "" {
		text += ", from " + l.From
	}
	if len(l.Groups) > 0 && l.Groups[0] != engine.Anybody {
		text += ", of " + strings.Join(l.Groups, ", ")
	}
	if l.Glass != "" {
		text += ", past approvals as " + l.Glass + " agreed"
	}
	return text
}

func eventName(e engine.Event) string {
	switch e := e.(type) {
	case engine.Started:
		return "started"
	case engine.Looked:
		return "looked"
	case engine.Acknowledged:
		if e.Failure != nil {
			return "effect failed"
		}
		return "acknowledged"
	case engine.Commanded:
		return string(e.Verb)
	}
	return "?"
}

func effectName(e engine.Effect) string {
	switch e := e.(type) {
	case engine.SetRoute:
		return "set the candidate's weight to " + engine.Percent(engine.CandidateWeight(e.Route))
	case engine.Notify:
		return string(e.Notice.Urgency) + ": " + e.Notice.Title
	}
	return "?"
}

func (p *process) replay() *cobra.Command {
	return &cobra.Command{
		Use: "replay NAME[/ATTEMPT]", Short: "Recompute every decision from what was observed, and say which differ", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.reading(cmd.Context(), func(r *journal.Reader) error {
				id, err := find(cmd.Context(), r, args[0])
				if err != nil {
					return err
				}
				return p.recompute(cmd.Context(), r, id)
			})
		},
	}
}

// recompute folds a release's events again and holds each decision against
// what is recorded.
func (p *process) recompute(ctx context.Context, r *journal.Reader, id journal.ID) error {
	done, err := control.Replay(ctx, r, id, 0, func(rec journal.Record, d engine.Decision) error {
		_, err := fmt.Fprintf(p.out, "record %d differs: recorded %s (%s), recomputed %s (%s)\n", rec.Seq,
			rec.Decision.Kind, printable(rec.Decision.Reason.Text), d.Kind, printable(d.Reason.Text))
		return err
	})
	if err == nil && done.Broken != nil {
		err = done.Broken
	}
	if err != nil {
		return err
	}
	if p.json {
		err = json.NewEncoder(p.out).Encode(map[string]any{"release": id.String(), "decisions": done.Records, "differ": done.Differ})
	} else {
		_, err = fmt.Fprintf(p.out, "%s: %d decisions recomputed, %d differ\n", id, done.Records, done.Differ)
	}
	if err == nil && done.Differ > 0 {
		return exit(exitError)
	}
	return err
}
