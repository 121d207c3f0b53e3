package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

func (p *process) access() *cobra.Command {
	cmd := &cobra.Command{Use: "access", Short: "Explain who may do what, and agree to break the glass"}
	cmd.AddCommand(p.explainAccess(), p.confirmGlass())
	return cmd
}

// explanation is what `linnet access explain` says.
type explanation struct {
	Who     string   `json:"who"`
	Action  string   `json:"action"`
	Allowed bool     `json:"allowed"`
	Why     string   `json:"why"`
	Groups  []string `json:"groups"`
}

func (p *process) explainAccess() *cobra.Command {
	var file string
	var claims []string
	var on access.Resource
	cmd := &cobra.Command{
		Use:   "explain WHO WHAT",
		Short: "Say whether somebody may do something, by which line, or what they would need",
		Long: `WHO is a name as the log of what people did has it: anna@example.com, service:ci,
folder:/srv/releases, hook:registry. WHAT is an action (` + words(access.Actions()) + `)
or an order (` + words(engine.Verbs()) + `). The exit code is 0 where it is allowed and 1
where it is not.`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			action, err := actionOf(args[1])
			if err != nil {
				return err
			}
			text, err := p.readText(file)
			if err != nil {
				return err
			}
			rules, err := spec.ParseAccess(file, text)
			if err != nil {
				return err
			}
			who := access.Actor{Name: args[0], Kind: access.KindOf(args[0]), Groups: claims}
			policy := access.New(file, rules)
			d := policy.Decide(who, action, on)
			return p.explain(explanation{who.Name, string(action), d.Allowed, d.Why, policy.Groups(who)})
		},
	}
	f := cmd.Flags()
	f.StringVarP(&file, "file", "f", "", "file of kind Access")
	f.StringVar(&on.Service, "service", "", "the service it is about")
	f.StringVar(&on.Team, "team", "", "the team whose release it is")
	f.StringVar(&on.Environment, "environment", "", "the environment it runs in")
	f.StringVar(&on.Group, "group", "", "the group that an approval is asked of")
	f.StringSliceVar(&claims, "claim", nil, "groups that the identity provider has them in")
	must(cmd.MarkFlagRequired("file"))
	return cmd
}

func (p *process) explain(e explanation) error {
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

// actionOf is the action of a word: its own name, or an order's.
func actionOf(word string) (access.Action, error) {
	if action, ok := control.Needs(engine.Verb(word)); ok {
		return action, nil
	}
	if slices.Contains(access.Actions(), access.Action(word)) {
		return access.Action(word), nil
	}
	return "", fmt.Errorf("nobody can %q: expected one of %s, or an order, %s: %w",
		word, words(access.Actions()), words(engine.Verbs()), release.ErrInvalid)
}

// words lists words of one kind.
func words[T ~string](all []T) string {
	out := make([]string, len(all))
	for i, w := range all {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}
