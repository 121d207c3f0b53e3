package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/api/client"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/spec"
)

func (p *process) access() *cobra.Command {
	cmd := &cobra.Command{Use: "access", Short: "Explain who may do what, and agree to break the glass"}
	cmd.AddCommand(p.explainAccess(), p.confirmGlass())
	return cmd
}

func (p *process) explainAccess() *cobra.Command {
	var file string
	var q client.Question
	at := &elsewhere{}
	cmd := &cobra.Command{
		Use:   "explain [WHO] WHAT",
		Short: "Say whether somebody may do something, by which line, or what they would need",
		Long: `WHO is a name as the log of what people did has it: anna@example.com, service:ci,
folder:/srv/releases, hook:registry. At a server it may be left out for yourself;
who manages what it is about may ask about others there. WHAT is an action
(` + access.List(access.Actions()) + `)
or an order (` + access.List(engine.Verbs()) + `). The exit code is 0 where it is allowed and 1
where it is not.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			q.What = args[len(args)-1]
			if _, err := control.ActionOf(q.What); err != nil {
				return err
			}
			if len(args) == 2 {
				q.Who = args[0]
			}
			said, err := p.explained(cmd.Context(), file, at, q)
			if err != nil {
				return err
			}
			return p.explain(said)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&file, "file", "f", "", "file of kind Access, to ask that and no server")
	f.StringVar(&q.Service, "service", "", "the service it is about")
	f.StringVar(&q.Team, "team", "", "the team whose release it is")
	f.StringVar(&q.Environment, "environment", "", "the environment it runs in")
	f.StringVar(&q.Group, "group", "", "the group that an approval is asked of")
	f.StringSliceVar(&q.Claims, "claim", nil, "groups that the identity provider has them in (at a server your own are known)")
	at.flags(cmd)
	return cmd
}

// explained answers from a file, or asks the server.
func (p *process) explained(ctx context.Context, file string, at *elsewhere, q client.Question) (client.Explanation, error) {
	switch {
	case file == "" && at.server == "":
		return client.Explanation{}, fmt.Errorf("name the file of rules with -f, or a server with --server; %w", errUsage)
	case file == "":
		c, err := at.client(p)
		if err != nil {
			return client.Explanation{}, err
		}
		return c.Explain(ctx, q)
	case q.Who == "":
		return client.Explanation{}, fmt.Errorf("a file does not know who you are: write the name before %s; %w", q.What, errUsage)
	}
	text, err := p.readText(file)
	if err != nil {
		return client.Explanation{}, err
	}
	rules, err := spec.ParseAccess(file, text)
	if err != nil {
		return client.Explanation{}, err
	}
	action, err := control.ActionOf(q.What)
	if err != nil {
		return client.Explanation{}, err
	}
	who := access.Actor{Name: spec.ActorName(q.Who), Kind: access.KindOf(q.Who), Groups: q.Claims}
	policy := access.New(file, rules)
	d := policy.Decide(who, action, access.Resource{Service: q.Service, Team: q.Team, Environment: q.Environment, Group: q.Group})
	return client.Explanation{Who: who.Name, Action: string(action), Allowed: d.Allowed, Why: d.Why, Groups: policy.Groups(who)}, nil
}

func (p *process) explain(e client.Explanation) error {
	switch {
	case p.json:
		e.Groups = append([]string{}, e.Groups...)
		if err := json.NewEncoder(p.out).Encode(e); err != nil {
			return err
		}
	default:
		verdict := "no: "
		if e.Allowed {
			verdict = "yes: "
		}
		fmt.Fprintf(p.out, "%s%s\n", verdict, printable(e.Why))
		if len(e.Groups) > 0 {
			fmt.Fprintf(p.out, "%s is in %s\n", printable(e.Who), printable(strings.Join(e.Groups, ", ")))
		}
	}
	if !e.Allowed {
		return exit(exitError)
	}
	return nil
}

func (p *process) confirmGlass() *cobra.Command {
	at := &elsewhere{}
	cmd := &cobra.Command{
		Use: "confirm REQUEST", Short: "Agree, as the second person, to a request to break the glass", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := at.client(p)
			if err != nil {
				return err
			}
			made, err := c.Confirm(cmd.Context(), args[0])
			switch {
			case err != nil:
				return err
			case made.Refused:
				return fmt.Errorf("%s is refused: %s", made.Request.What, made.Reason.Text)
			}
			p.say("%s, as %s asked; the glass is broken", printable(made.Request.What), printable(made.Request.By))
			return nil
		},
	}
	at.flags(cmd)
	return cmd
}
