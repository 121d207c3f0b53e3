package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

// commandWait is how long a command waits to be taken, with --wait unset.
const commandWait = 5 * time.Second

func (p *process) release() *cobra.Command {
	cmd := &cobra.Command{Use: "release", Short: "List, show and steer releases"}
	cmd.AddCommand(p.releaseList(), p.releaseShow())
	for _, v := range []struct {
		verb  engine.Verb
		short string
	}{
		{engine.Pause, "Stay at the present weight; looking goes on, and a fail still rolls back"},
		{engine.Resume, "Go on after a pause, or after somebody lowered the weight"},
		{engine.Advance, "Go to the next step in place of evidence, and of an approval"},
		{engine.Approve, "Give the approval that the next step waits for"},
		{engine.Abort, "Return all traffic to the baseline and end the release"},
	} {
		cmd.AddCommand(p.releaseOrder(v.verb, v.short))
	}
	return cmd
}

func (p *process) releaseList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List releases, the last begun first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.reading(cmd.Context(), func(r *journal.Reader) error {
				list, err := r.List(cmd.Context())
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
}

func (p *process) releaseShow() *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use: "show NAME[/ATTEMPT]", Short: "Show a release's decisions and the evidence for each", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.reading(cmd.Context(), func(r *journal.Reader) error {
				id, err := find(cmd.Context(), r, args[0])
				if err != nil {
					return err
				}
				rel, err := record(cmd.Context(), r, id)
				if err != nil {
					return err
				}
				switch {
				case p.json:
					return report.JSON(p.out, rel)
				case markdown:
					return report.Markdown(p.out, rel)
				}
				return report.Text(p.out, rel, report.Options{Color: p.colour()})
			})
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print Markdown, for a pull request")
	return cmd
}

// record builds a release's decision record from the journal.
func record(ctx context.Context, r *journal.Reader, id journal.ID) (report.Release, error) {
	b := report.New()
	var s engine.State
	err := r.Records(ctx, id, 1, func(rec journal.Record) error {
		// The journal keeps a glance of a quiet look; here is all of it again.
		var d engine.Decision
		if s, d, _ = engine.Step(s, rec.Event); rec.Decision.Kind == engine.Stay || rec.Decision.Verdict == nil {
			d.Reason, d.At = rec.Decision.Reason, rec.Decision.At
			rec.Decision = d
		}
		b.Add(rec)
		return nil
	})
	if err != nil {
		return report.Release{}, err
	}
	return b.Finish(s), nil
}

func (p *process) releaseOrder(verb engine.Verb, short string) *cobra.Command {
	var reason, who string
	var wait time.Duration
	cmd := &cobra.Command{
		Use: string(verb) + " NAME[/ATTEMPT]", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c := engine.Commanded{At: time.Now(), ID: rand.Text(), Verb: verb, Who: who, Reason: reason}
			return p.order(cmd.Context(), args[0], c, wait)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	cmd.Flags().StringVar(&who, "who", person(), "who orders it, for the record")
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

// order puts a command into the inbox and waits for what the release says.
func (p *process) order(ctx context.Context, name string, c engine.Commanded, wait time.Duration) error {
	// An order never makes a journal where there is none.
	if err := p.reading(ctx, func(*journal.Reader) error { return nil }); err != nil {
		return err
	}
	store, err := journal.Open(ctx, p.data)
	if err != nil {
		return err
	}
	defer store.Close()
	id, err := find(ctx, store.Reader, name)
	if err != nil {
		return err
	}
	if err := store.Command(ctx, id, c); err != nil {
		return err
	}
	answer, err := taken(ctx, store.Reader, id, c.ID, wait)
	switch {
	case err != nil:
		return err
	case answer == nil:
		fmt.Fprintf(p.err, "%s is recorded for %s, but no `linnet run` has taken it yet; it is taken when one runs\n", c.Verb, id)
		return exit(exitInconclusive)
	case answer.Kind == engine.Refuse:
		return fmt.Errorf("%s is refused: %s", c.Verb, answer.Reason.Text)
	}
	return p.printAnswer(id, *answer)
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

// taken waits until a command is in the journal, and returns what was decided;
// nil where the time runs out.
func taken(ctx context.Context, r *journal.Reader, id journal.ID, command string, wait time.Duration) (*engine.Decision, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	from := uint64(1)
	for {
		var answer *engine.Decision
		err := r.Records(ctx, id, from, func(rec journal.Record) error {
			from = rec.Seq + 1
			if c, ok := rec.Event.(engine.Commanded); ok && c.ID == command {
				answer = &rec.Decision
			}
			return nil
		})
		if answer != nil || (err != nil && ctx.Err() == nil) {
			return answer, err
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil, nil
			}
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

// reading opens the journal for reading.
func (p *process) reading(ctx context.Context, f func(*journal.Reader) error) error {
	r, err := journal.OpenReader(ctx, p.data)
	if err != nil {
		return err
	}
	return errors.Join(f(r), r.Close())
}

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
