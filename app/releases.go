package app

import (
	"context"
	"encoding/json"
	"fmt"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/api/client"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

// fromHere is where orders come from that are given on this machine.
const fromHere = "command line"

// commandWait is how long a command waits to be taken, with --wait unset.
const commandWait = 5 * time.Second

func (p *process) release() *cobra.Command {
	cmd := &cobra.Command{Use: "release", Short: "List, show and steer releases, of the data folder or at a server"}
	at := new(elsewhere)
	at.flags(cmd)
	cmd.AddCommand(p.releaseList(at), p.releaseShow(at), p.releaseReport(at), p.releaseCreate(at), p.releaseWatch(at), p.releaseRetry(at))
	for _, v := range []struct {
		verb  engine.Verb
		short string
	}{
		{engine.Pause, "Stay at the present weight; looking goes on, and a fail still rolls back"},
		{engine.Resume, "Go on after a pause, or after somebody lowered the weight"},
		{engine.Advance, "Go to the next step in place of evidence; it is also the approval of who orders it"},
		{engine.Approve, "Give an approval that the next step waits for"},
		{engine.Reject, "Say no to what waits for an approval: ends the release"},
		{engine.Retract, "Take an approval back, until the weight it is for is set"},
		{engine.Abort, "Return all traffic to the baseline and end the release"},
	} {
		cmd.AddCommand(p.releaseOrder(at, v.verb, v.short))
	}
	return cmd
}

func (p *process) releaseList(at *elsewhere) *cobra.Command {
	var c client.Choice
	cmd := &cobra.Command{
		Use: "list", Short: "List releases, the last begun first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if at.server != "" {
				return p.listThere(cmd.Context(), at, c)
			}
			if c.State != "" && c.State != "running" && c.State != "ended" {
				return fmt.Errorf("--state %s: expected running or ended; %w", c.State, errUsage)
			}
			return p.reading(cmd.Context(), func(r *journal.Reader) error {
				list, err := r.Choose(cmd.Context(), journal.Choice{
					Service: c.Service, Team: c.Team, Environment: c.Environment, Outcome: journal.Outcome(c.Outcome),
					Unfinished: c.State == "running", Ended: c.State == "ended", Text: c.Text, Most: mostListedHere,
				})
				if err != nil {
					return err
				}
				if p.json {
					return report.ListJSON(p.out, list)
				}
				return report.List(p.out, list, time.Now())
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Service, "service", "", "only of this service")
	f.StringVar(&c.Team, "team", "", "only with this label team")
	f.StringVar(&c.Environment, "environment", "", "only with this label environment")
	f.StringVar(&c.Outcome, "outcome", "", "only those that ended so: promoted, rolled-back or aborted")
	f.StringVar(&c.State, "state", "", "only those that are running, or that have ended")
	f.StringVar(&c.Text, "match", "", "only with this in their name or service")
	return cmd
}

// mostListedHere bounds a list of the data folder's releases.
const mostListedHere = 10_000

func (p *process) releaseShow(at *elsewhere) *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use: "show NAME[/ATTEMPT]", Short: "Show a release's decisions and the evidence for each, and what is useful next", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			rel, err := p.recordOf(cmd.Context(), at, args[0])
			switch {
			case err != nil:
				return err
			case p.json:
				return report.JSON(p.out, rel)
			case markdown:
				return report.Markdown(p.out, rel)
			}
			return report.Text(p.out, rel, report.Options{Color: p.colour()})
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print Markdown, for a pull request")
	return cmd
}

// recordOf is the decision record of a release, here or at a server.
func (p *process) recordOf(ctx context.Context, at *elsewhere, name string) (rel report.Release, err error) {
	if at.server != "" {
		return p.recordThere(ctx, at, name)
	}
	err = p.reading(ctx, func(r *journal.Reader) error {
		id, err := find(ctx, r, name)
		if err != nil {
			return err
		}
		rel, err = control.Recorded(ctx, r, id)
		return err
	})
	return rel, err
}

func (p *process) releaseOrder(at *elsewhere, verb engine.Verb, short string) *cobra.Command {
	var reason, who, glass string
	var wait time.Duration
	cmd := &cobra.Command{
		Use: string(verb) + " NAME[/ATTEMPT]", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := control.Order{Verb: verb, Reason: reason, Glass: glass, Wait: wait}
			if at.server != "" {
				return p.orderThere(cmd.Context(), at, args[0], o)
			}
			by := access.Actor{Name: who, Kind: access.Person, Groups: []string{engine.Anybody}, From: fromHere}
			return p.order(cmd.Context(), by, args[0], o)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	if verb == engine.Approve || verb == engine.Advance {
		cmd.Flags().StringVar(&glass, "break-glass", "", "why it must go past approvals: a server asks a second person")
	}
	cmd.Flags().StringVar(&who, "who", person(), "who orders it, for the record; a server knows by the token")
	cmd.Flags().DurationVar(&wait, "wait", commandWait, "how long to wait until it is taken")
	return cmd
}

// person is the name of the user who runs the command.
func person() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "somebody"
}

// order leaves an order at the desk of the data folder, whose owner may order
// everything, and waits for what the release says.
func (p *process) order(ctx context.Context, who access.Actor, name string, o control.Order) error {
	// An order never makes a journal where there is none.
	if err := p.reading(ctx, func(*journal.Reader) error { return nil }); err != nil {
		return err
	}
	store, err := journal.Open(ctx, p.data)
	if err != nil {
		return err
	}
	defer store.Close()
	if o.ID, err = find(ctx, store.Reader, name); err != nil {
		return err
	}
	desk := control.New(control.Config{Journal: store, Policy: access.Everybody{}, Now: time.Now})
	answer, err := desk.Command(ctx, who, o)
	switch {
	case err != nil:
		return err
	case answer.Waits():
		fmt.Fprintf(p.err, "%s is recorded for %s, but no `linnet run` or `linnet serve` has taken it yet; it is taken when one runs\n", o.Verb, o.ID)
		return exit(exitInconclusive)
	case answer.Decision.Kind == engine.Refuse:
		return fmt.Errorf("%s is refused: %s", o.Verb, answer.Decision.Reason.Text)
	}
	return p.printAnswer(o.ID, answer.Decision)
}

// orderLine is what a release answered to an order.
type orderLine struct {
	Release  string `json:"release"`
	Decision string `json:"decision"`
	Phase    string `json:"phase"`
	Weight   string `json:"weight"`
	Code     string `json:"code"`
	Reason   string `json:"reason"`
}

func (p *process) printAnswer(id journal.ID, d engine.Decision) error {
	if p.json {
		return json.NewEncoder(p.out).Encode(orderLine{Release: id.String(), Decision: string(d.Kind), Phase: string(d.Phase),
			Weight: engine.Percent(d.Weight), Code: string(d.Reason.Code), Reason: d.Reason.Text})
	}
	if !p.quiet {
		fmt.Fprintf(p.out, "%s: %s: %s\n", id, d.Phase, printable(d.Reason.Text))
	}
	return nil
}

// reading opens the journal for reading.
// find turns NAME or NAME/ATTEMPT into an id; a name alone is its last attempt.
func find(ctx context.Context, r *journal.Reader, text string) (journal.ID, error) {
	if id, err := journal.ParseID(text); err == nil {
		_, err := r.Find(ctx, id)
		return id, err
	}
	id, ok, err := r.Latest(ctx, text)
	if err == nil && !ok {
		err = fmt.Errorf("no release is called %q; `linnet release list` shows which there are: %w", text, release.ErrNotFound)
	}
	return id, err
}
