package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/api/client"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
)

const (
	// aDay is how long --wait waits where it says nothing else.
	aDay = 24 * time.Hour
	// stillEvery is how often a wait in which nothing is decided says so: runners
	// of pipelines end jobs that say nothing.
	stillEvery = time.Minute
)

// waitBesides says how --wait takes its time where that stands beside it: it would
// be an argument of its own.
func waitBesides(args cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		err := args(cmd, given)
		if err == nil || len(given) == 0 || !cmd.Flags().Changed("wait") {
			return err
		}
		last := given[len(given)-1]
		if _, bad := time.ParseDuration(last); bad != nil {
			return err
		}
		return fmt.Errorf("%q stands alone: write --wait=%s, with =; %w", last, last, errUsage)
	}
}

func waitFlag(cmd *cobra.Command, wait *string) {
	cmd.Flags().StringVar(wait, "wait", "", "follow the release to its end, for at most so long (--wait=30m; --wait alone: a day)")
	cmd.Flags().Lookup("wait").NoOptDefVal = aDay.String()
}

// waitOf is how long to wait, 0 for not at all.
func waitOf(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("--wait=%s: expected a duration such as 30m; %w", text, errUsage)
	}
	return d, nil
}

func (p *process) releaseWatch(at *elsewhere) *cobra.Command {
	wait := aDay.String()
	cmd := &cobra.Command{
		Use: "watch NAME[/ATTEMPT]", Short: "Follow a release at a server to its end, and exit as it ended", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			limit, err := waitOf(wait)
			if err != nil {
				return err
			}
			c, err := at.client(p)
			if err != nil {
				return err
			}
			id, err := named(args[0])
			if err != nil {
				return err
			}
			return p.follow(cmd.Context(), followed{c: c, id: id, server: at.server, limit: limit})
		},
	}
	cmd.Flags().StringVar(&wait, "wait", wait, "for at most so long")
	return cmd
}

// followed is a release that is followed to its end.
type followed struct {
	c      *client.Client
	id     client.ID
	server string
	limit  time.Duration
}

// follow prints what happens to a release until it has ended, and returns how it
// ended as an exit.
func (p *process) follow(ctx context.Context, f followed) error {
	waiting, cancel := context.WithTimeout(ctx, f.limit)
	defer cancel()
	r, err := f.c.Get(waiting, f.id)
	if err != nil {
		return p.stopped(ctx, waiting, f, err)
	}
	f.id = r.ID() // this attempt, also when there is another by now
	if r.Ended {
		return p.over(waiting, f, r)
	}
	said := time.Time{}
	after := r.Records
	if after < 20 {
		after = 0 // as good as new: all of it
	} else {
		p.standing(r)
	}
	err = f.c.Follow(waiting, f.id, after, func(e client.Event) error {
		if e.Decision != string(engine.Stay) || e.Time.Sub(said) >= stillEvery {
			said = e.Time
			if err := p.happened(e); err != nil {
				return err
			}
		}
		if e.Phase != string(engine.Promoted) && e.Phase != string(engine.RolledBack) {
			return nil
		}
		if r, err = f.c.Get(waiting, f.id); err == nil && r.Ended {
			err = errOver
		}
		return err
	})
	if errors.Is(err, errOver) {
		return p.over(waiting, f, r)
	}
	return p.stopped(ctx, waiting, f, err)
}

// happened prints one event as a line.
func (p *process) happened(e client.Event) error {
	switch {
	case p.json:
		return json.NewEncoder(p.out).Encode(e)
	case p.quiet:
		return nil
	}
	_, err := fmt.Fprintf(p.out, "%s  %-16s %6s  %s\n", e.Time.Local().Format(time.TimeOnly), e.Phase, e.Weight, printable(e.Reason.Text))
	return err
}

// standing prints how a release stands.
func (p *process) standing(r client.Release) {
	if !p.json && !p.quiet {
		fmt.Fprintf(p.out, "%s: %s at %s: %s\n", r.ID(), r.Phase, r.Weight, printable(r.Reason.Text))
	}
}

// over says how a release ended, and why; the exit code says it too.
func (p *process) over(ctx context.Context, f followed, r client.Release) error {
	if p.json {
		if err := json.NewEncoder(p.out).Encode(r); err != nil {
			return err
		}
		return ended(journal.Outcome(r.Outcome))
	}
	why := r.Reason.Text
	var told struct{ Sentence string }
	if text, err := f.c.Record(ctx, f.id); err == nil && json.Unmarshal(text, &told) == nil && told.Sentence != "" {
		why = told.Sentence
	}
	fmt.Fprintf(p.out, "%s: %s: %s\n", r.ID(), r.Outcome, printable(why))
	return ended(journal.Outcome(r.Outcome))
}

// stopped says what is left behind by a wait that ran out or was interrupted: a
// release that goes on, and what would be useful next.
func (p *process) stopped(ctx, waiting context.Context, f followed, err error) error {
	if waiting.Err() == nil {
		return err
	}
	why := "the wait ran out"
	if ctx.Err() != nil {
		why = "stopped waiting"
	}
	fmt.Fprintf(p.err, "%s; %s goes on without it\n", why, f.id)
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	r, err := f.c.Get(short, f.id)
	if err != nil {
		return exit(exitInconclusive) // it was said that it cannot be reached
	}
	p.standing(r)
	if p.json {
		return exit(exitInconclusive)
	}
	if rec, err := recordFrom(short, f.c, f.id, f.server); err == nil && rec.Next != nil {
		fmt.Fprintf(p.err, "next: %s  (%s)\n", printable(rec.Next.Command), rec.Next.Does)
	}
	return exit(exitInconclusive)
}
