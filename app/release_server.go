package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/linnet-project/linnet/api/client"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

// elsewhere is a server that verbs ask in place of the data folder.
type elsewhere struct{ server, tokenFile, caFile string }

func (o *elsewhere) flags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&o.server, "server", "", "URL of a server to ask (the data folder without)")
	f.StringVar(&o.tokenFile, "token-file", "", "file with the token to ask it with (also LINNET_TOKEN, or what login got)")
	trustFlag(f, &o.caFile)
}

// trustFlag names whom to trust besides those whom the system does.
func trustFlag(f *pflag.FlagSet, caFile *string) {
	f.StringVar(caFile, "ca-file", "", "certificates to trust, in PEM form (the system's without)")
}

// troubleEvery is how often it is said that a server cannot be reached.
const troubleEvery = 30 * time.Second

// client is the client of the server; errUsage where none is named, for the verbs
// that need one.
func (o *elsewhere) client(p *process) (*client.Client, error) {
	if o.server == "" {
		return nil, fmt.Errorf("this asks a server: name one with --server or LINNET_SERVER (`linnet run` runs a release on this machine alone); %w", errUsage)
	}
	transport, err := trusting(o.caFile)
	if err != nil {
		return nil, err
	}
	// It is read for each request, so that it can be replaced while a long wait
	// goes on.
	token := func() (string, error) { return tokenFor(o.server, o.tokenFile) }
	var mu sync.Mutex
	var said time.Time
	return client.New(client.Config{Server: o.server, Token: token, Transport: transport, Trouble: func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(said) > troubleEvery && !p.quiet {
			said = now
			fmt.Fprintf(p.err, "%s; trying again\n", printable(release.Plain(err)))
		}
	}})
}

// named reads NAME or NAME/ATTEMPT; a name alone is its last attempt.
func named(text string) (client.ID, error) {
	if !strings.Contains(text, "/") {
		return client.ID{Name: text}, nil
	}
	id, err := journal.ParseID(text)
	return client.ID{Name: id.Name, Attempt: id.Attempt}, err
}

// mostListed bounds a list from a server.
const mostListed = 500

func (p *process) listThere(ctx context.Context, o *elsewhere, choice client.Choice) error {
	c, err := o.client(p)
	if err != nil {
		return err
	}
	all := []client.Release{}
	for choice.Limit = 100; len(all) < mostListed; {
		page, err := c.List(ctx, choice)
		if err != nil {
			return err
		}
		all = append(all, page.Items...)
		if choice.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	if p.json {
		e := json.NewEncoder(p.out)
		e.SetIndent("", "  ")
		return e.Encode(all)
	}
	list := make([]journal.Summary, len(all))
	for i, r := range all {
		list[i] = summaryOf(r)
	}
	return report.List(p.out, list, time.Now())
}

// summaryOf is a release as the journal's index would have it.
func summaryOf(r client.Release) journal.Summary {
	s := journal.Summary{
		ID: journal.ID{Name: r.Name, Attempt: r.Attempt}, Service: r.Service, Team: r.Team, Environment: r.Environment, Author: r.Author,
		FileHash: r.FileSHA256, Started: r.Started, Updated: r.Updated, Seq: r.Records, Phase: engine.Phase(r.Phase), Step: r.Step,
		Weight: release.Weight(math.Round(r.WeightPercent * float64(release.Whole) / 100)),
		Reason: release.Reason{Code: release.Code(r.Reason.Code), Text: r.Reason.Text}, Pruned: r.Pruned,
	}
	if r.Ended {
		s.Outcome = journal.Outcome(r.Outcome)
	}
	return s
}

// recordThere gets a decision record from a server.
func (p *process) recordThere(ctx context.Context, o *elsewhere, name string) (report.Release, error) {
	c, err := o.client(p)
	if err != nil {
		return report.Release{}, err
	}
	id, err := named(name)
	if err != nil {
		return report.Release{}, err
	}
	return recordFrom(ctx, c, id, o.server)
}

// recordFrom gets a decision record from the server at a URL, with the command
// that is useful next there.
func recordFrom(ctx context.Context, c *client.Client, id client.ID, server string) (report.Release, error) {
	text, err := c.Record(ctx, id)
	if err != nil {
		return report.Release{}, err
	}
	var r report.Release
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s: a record that this linnet does not understand; is the server much newer? %w", server, release.ErrInvalid)
	}
	r.Next = r.NextAt(server)
	return r, nil
}

// orderThere orders something of a release at a server, and says what came of it.
func (p *process) orderThere(ctx context.Context, at *elsewhere, name string, o control.Order) error {
	c, err := at.client(p)
	if err != nil {
		return err
	}
	id, err := named(name)
	if err != nil {
		return err
	}
	ask := func() (client.Answer, error) { return c.Order(ctx, id, string(o.Verb), o.Reason, o.Wait) }
	if o.Glass != "" {
		ask = func() (client.Answer, error) { return c.OrderPast(ctx, id, string(o.Verb), o.Glass, o.Wait) }
	}
	a, err := ask()
	switch {
	case err != nil:
		return err
	case !a.Taken:
		fmt.Fprintf(p.err, "%s is recorded for %s, but nobody has taken it yet; it is taken when the release has its next turn\n", o.Verb, a.Release.ID())
		return exit(exitInconclusive)
	case a.Refused:
		return fmt.Errorf("%s is refused: %s", o.Verb, a.Reason.Text)
	}
	if p.json {
		return json.NewEncoder(p.out).Encode(orderLine{Release: a.Release.ID().String(), Decision: a.Decision, Phase: a.Release.Phase,
			Weight: a.Weight, Code: a.Reason.Code, Reason: a.Reason.Text})
	}
	if !p.quiet {
		fmt.Fprintf(p.out, "%s: %s: %s\n", a.Release.ID(), a.Release.Phase, printable(a.Reason.Text))
	}
	return nil
}

// createOptions are the flags of `release create`.
type createOptions struct {
	file, wait string
	client.Creation
}

func (p *process) releaseCreate(at *elsewhere) *cobra.Command {
	var o createOptions
	cmd := &cobra.Command{
		Use: "create -f release.yaml", Short: "Begin a release at a server; the same file twice is one release", Args: waitBesides(cobra.NoArgs),
		Long: `Begins a release at a server. The same file again is the same release: a pipeline
that is run again goes on where it was. With --wait it follows the release to its
end, through restarts of the server, and exits as the release ended: 0 promoted, 3
rolled back, 5 aborted by a person, 4 when the wait ran out, 2 for a file that was
refused.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := p.readText(o.file)
			if err != nil {
				return err
			}
			o.File = string(text)
			return p.begunThere(cmd.Context(), at, o.wait, func(ctx context.Context, c *client.Client) (client.Created, error) {
				return c.Create(ctx, o.Creation)
			})
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.file, "file", "f", "", "release file")
	f.BoolVar(&o.Again, "again", false, "begin the next attempt of a release that has ended")
	f.StringVar(&o.Reason, "reason", "", "why, for the audit")
	f.StringVar(&o.Glass, "break-glass", "", "why it must begin although it does not meet the guard rails")
	waitFlag(cmd, &o.wait)
	must(cmd.MarkFlagRequired("file"))
	return cmd
}

func (p *process) releaseRetry(at *elsewhere) *cobra.Command {
	var reason, wait string
	cmd := &cobra.Command{
		Use: "retry NAME[/ATTEMPT]", Short: "Begin the next attempt of a release that has ended, with the same file", Args: waitBesides(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := named(args[0])
			if err != nil {
				return err
			}
			return p.begunThere(cmd.Context(), at, wait, func(ctx context.Context, c *client.Client) (client.Created, error) {
				return c.Retry(ctx, id, reason)
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit")
	waitFlag(cmd, &wait)
	return cmd
}

// begunThere begins a release, says so, and follows it where that is asked for.
func (p *process) begunThere(ctx context.Context, at *elsewhere, wait string, begin func(context.Context, *client.Client) (client.Created, error)) error {
	limit, err := waitOf(wait)
	if err != nil {
		return err
	}
	c, err := at.client(p)
	if err != nil {
		return err
	}
	made, err := begin(ctx, c)
	if err != nil {
		return err
	}
	r := made.Release
	switch {
	case p.json:
		if err := json.NewEncoder(p.out).Encode(made); err != nil {
			return err
		}
	case p.quiet:
	case made.Created:
		fmt.Fprintf(p.out, "%s: begun\n", r.ID())
	default:
		fmt.Fprintf(p.out, "%s: was begun before, with the same file\n", r.ID())
	}
	if limit == 0 {
		return nil
	}
	return p.follow(ctx, followed{c: c, id: r.ID(), server: at.server, limit: limit})
}

// errOver ends the following of a release that has ended.
var errOver = errors.New("over")
