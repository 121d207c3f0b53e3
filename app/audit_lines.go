package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/audit"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

// auditLine is one line of what people did, for pipelines.
type auditLine struct {
	Seq    uint64    `json:"seq"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Kind   string    `json:"kind,omitempty"`
	Groups []string  `json:"groups,omitempty"`
	From   string    `json:"from,omitempty"`
	What   string    `json:"what"`
	Object string    `json:"object,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Before string    `json:"before,omitempty"`
	After  string    `json:"after,omitempty"`
	Denied string    `json:"denied,omitempty"`
	Hash   string    `json:"hash"`
}

// showLines prints lines of the audit, the last one last.
func (p *process) showLines(ctx context.Context, log *audit.Log, c audit.Choice) error {
	if log == nil {
		return errNoAudit()
	}
	lines, err := log.Lines(ctx, c)
	if err != nil {
		return err
	}
	for _, l := range slices.Backward(lines) {
		if err := p.showLine(l); err != nil {
			return err
		}
	}
	return nil
}

func (p *process) showLine(l audit.Line) error {
	e := l.Entry
	if p.json {
		return json.NewEncoder(p.out).Encode(auditLine{
			Seq: l.Seq, At: e.At, Who: e.Who.Name, Kind: string(e.Who.Kind), Groups: e.Who.Groups, From: e.Who.From,
			What: e.What, Object: e.Object, Reason: e.Reason, Before: e.Before, After: e.After, Denied: e.Denied,
			Hash: fmt.Sprintf("%x", l.Hash[:]),
		})
	}
	var more []string
	for _, m := range []struct{ word, text string }{
		{"from", e.Who.From}, {"because", e.Reason}, {"before", e.Before}, {"after", e.After}, {"NOT ALLOWED", e.Denied},
	} {
		if m.text != "" {
			more = append(more, m.word+": "+printable(m.text))
		}
	}
	_, err := fmt.Fprintf(p.out, "%5d %s %s %s %s (%x)\n", l.Seq, e.At.Format(time.RFC3339), printable(e.Who.Name), printable(e.What), printable(e.Object), l.Hash[:6])
	if err == nil && len(more) > 0 {
		_, err = fmt.Fprintf(p.out, "      %s\n", strings.Join(more, "; "))
	}
	return err
}

// exportLine is one record of any chain: what it holds as it is stored, so that
// whoever has the lines can compute all hashes again.
type exportLine struct {
	Chain string          `json:"chain"`
	Seq   uint64          `json:"seq"`
	At    time.Time       `json:"at"`
	What  string          `json:"what"`
	Who   string          `json:"who,omitempty"`
	Body  json.RawMessage `json:"body"`
	Hash  string          `json:"hash"`
}

func (p *process) auditExport() *cobra.Command {
	var since string
	cmd := &cobra.Command{
		Use: "export", Short: "Write every record and every line of the audit as NDJSON, each proved against its chain", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var from time.Time
			if since != "" {
				var err error
				if from, err = time.Parse(time.RFC3339, since); err != nil {
					return fmt.Errorf("--since %q: not a time such as 2026-01-02T15:04:05Z: %w", since, release.ErrInvalid)
				}
			}
			return p.chains(cmd.Context(), func(r *journal.Reader, log *audit.Log) error {
				return p.export(cmd.Context(), r, log, from)
			})
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "only what happened from this time on (2026-01-02T15:04:05Z)")
	return cmd
}

func (p *process) export(ctx context.Context, r *journal.Reader, log *audit.Log, from time.Time) error {
	out := json.NewEncoder(p.out)
	out.SetEscapeHTML(false) // the bytes are hashed as they stand
	err := r.Heads(ctx, func(h journal.Head) error {
		if h.Pruned {
			return nil
		}
		return r.Records(ctx, h.ID, 1, func(rec journal.Record) error {
			if rec.At.Before(from) {
				return nil
			}
			body, err := rec.Body()
			if err != nil {
				return err
			}
			return out.Encode(exportLine{
				Chain: h.ID.String(), Seq: rec.Seq, At: rec.At, What: eventName(rec.Event), Who: rec.Decision.Who, Body: body, Hash: fmt.Sprintf("%x", rec.Hash[:]),
			})
		})
	})
	if err != nil || log == nil {
		return err
	}
	_, err = log.Walk(ctx, func(l audit.Line) error {
		if l.Entry.At.Before(from) {
			return nil
		}
		body, err := l.Body()
		if err != nil {
			return err
		}
		return out.Encode(exportLine{
			Chain: journal.AuditChain().String(), Seq: l.Seq, At: l.Entry.At, What: l.Entry.What, Who: l.Entry.Who.Name, Body: body, Hash: fmt.Sprintf("%x", l.Hash[:]),
		})
	})
	return err
}
