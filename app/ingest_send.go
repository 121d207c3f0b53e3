package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/send"
	"github.com/linnet-project/linnet/release"
)

// localDoor is where a front door on this machine listens.
const localDoor = "http://127.0.0.1:4318"

// eventFormats are the formats that files come in, by what --format calls them.
var eventFormats = map[string]item.Format{
	"": "", "ndjson": item.EventsJSON, "csv": item.EventsCSV, "statsd": item.StatsD,
}

func (p *process) ingestSend() *cobra.Command {
	var server, tenant, format, id string
	cmd := &cobra.Command{
		Use:   "ingest FILE…",
		Short: "Send events to the front door, and see to it",
		Long: `Sends files of events to a front door (linnet ingest serve): NDJSON or CSV, packed
with gzip or not; "-" is standard input. A file that is sent again counts once,
unless it is given another --id.

The exit code is 1 when something was refused; what, why and where is printed,
and kept in the door's quarantine.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			f, ok := eventFormats[format]
			if !ok {
				return fmt.Errorf("--format %q: expected ndjson, csv or statsd; %w", format, errUsage)
			}
			return p.sendFiles(cmd.Context(), &send.Client{URL: server}, names, send.File{Format: f, ID: id, Tenant: tenant})
		},
	}
	cmd.Flags().StringVar(&server, "server", localDoor, "the front door's address")
	cmd.Flags().StringVar(&tenant, "tenant", "", "whose data it is (X-Scope-OrgID)")
	cmd.Flags().StringVar(&format, "format", "", "ndjson, csv or statsd (default: by the file's name, or how it begins)")
	cmd.Flags().StringVar(&id, "id", "", "the batch's name: sent again under the same one, it counts once (default: made of the content)")
	return cmd
}

// sentJSON is what `linnet ingest --json` says.
type sentJSON struct {
	Accepted int           `json:"accepted"`
	Refused  int           `json:"refused"`
	Repeated int           `json:"repeated"`
	Refusals []refusedJSON `json:"refusals,omitempty"`
}

type refusedJSON struct {
	File string    `json:"file"`
	Line int       `json:"line,omitempty"`
	Code item.Code `json:"code"`
	Text string    `json:"text"`
}

// sendFiles sends files one after the other, each like the one given.
func (p *process) sendFiles(ctx context.Context, c *send.Client, names []string, like send.File) error {
	var total send.Sum
	var failed error
	for i, name := range names {
		sum, err := p.sendFile(ctx, c, name, like, i)
		total.Accepted += sum.Accepted
		total.Refused += sum.Refused
		total.Repeated += sum.Repeated
		total.Refusals = append(total.Refusals, sum.Refusals...)
		if err != nil {
			failed = err
			break
		}
	}
	if err := p.printSent(total, failed); err != nil {
		return err
	}
	if failed == nil && total.Refused > 0 {
		return exit(exitError)
	}
	return failed
}

func (p *process) sendFile(ctx context.Context, c *send.Client, name string, like send.File, i int) (send.Sum, error) {
	like.Name, like.Reader = name, p.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return send.Sum{}, fmt.Errorf("%w: %w", err, release.ErrInvalid)
		}
		defer f.Close()
		like.Reader = f
	}
	if like.ID != "" && i > 0 {
		like.ID = fmt.Sprintf("%s-%d", like.ID, i+1)
	}
	sum, err := c.Send(ctx, like, p.sendProgress(name))
	p.wipeLine()
	return sum, err
}

// sendProgress shows on a terminal how far a file is.
func (p *process) sendProgress(name string) func(send.Sum) {
	width, _, ok := terminal(p.err)
	if !ok || p.quiet {
		return nil
	}
	return func(s send.Sum) {
		line := fmt.Sprintf("%s: %.1f MiB, %d taken, %d refused", name, float64(s.Bytes)/(1<<20), s.Accepted+s.Repeated, s.Refused)
		if len(line) >= width {
			line = line[:width-1]
		}
		_, _ = io.WriteString(p.err, "\r"+line+"\x1b[K")
	}
}

// wipeLine takes the line of progress off a terminal.
func (p *process) wipeLine() {
	if _, _, ok := terminal(p.err); ok && !p.quiet {
		_, _ = io.WriteString(p.err, "\r\x1b[K")
	}
}

// printSent prints the receipt. Refusals are what a person has to see to, and
// are printed in any case.
func (p *process) printSent(s send.Sum, failed error) error {
	if failed != nil && s.Accepted+s.Refused+s.Repeated == 0 {
		return nil
	}
	if p.json {
		out := sentJSON{Accepted: s.Accepted, Refused: s.Refused, Repeated: s.Repeated}
		for _, r := range s.Refusals {
			out.Refusals = append(out.Refusals, refusedJSON{r.Name, r.Line, r.Code, r.Text})
		}
		return json.NewEncoder(p.out).Encode(out)
	}
	for _, r := range s.Refusals {
		fmt.Fprintln(p.err, printable(r.String()))
	}
	if more := s.Refused - len(s.Refusals); more > 0 {
		fmt.Fprintf(p.err, "%d more were refused; linnet ingest quarantine list shows them\n", more)
	}
	p.say("%d taken, %d refused, %d known already", s.Accepted, s.Refused, s.Repeated)
	return nil
}
