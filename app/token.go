package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/login"
)

// tokenKeeper is where tokens and service accounts are kept: here or elsewhere.
type tokenKeeper interface {
	create(ctx context.Context, w login.WishForm) (login.TokenForm, error)
	list(ctx context.Context, owner string) ([]login.TokenForm, error)
	revoke(ctx context.Context, id string) error
	createAccount(ctx context.Context, name string) (login.AccountForm, error)
	accounts(ctx context.Context) ([]login.AccountForm, error)
	disable(ctx context.Context, name string, disabled bool) error
}

func (p *process) token() *cobra.Command {
	var o keptAt
	cmd := &cobra.Command{Use: "token", Short: "Make, list and revoke API tokens"}
	o.flags(cmd)
	cmd.AddCommand(p.tokenCreate(&o), p.tokenList(&o), p.tokenRevoke(&o))
	return cmd
}

func (p *process) tokenCreate(o *keptAt) *cobra.Command {
	var w login.WishForm
	var life time.Duration
	cmd := &cobra.Command{
		Use: "create", Short: "Make a token, and print it: it is told once", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w.Life = int64(life / time.Second)
			if w.Name == "" {
				w.Name = "made on " + hostName()
			}
			return p.keeping(cmd, *o, func(k tokenKeeper) error {
				t, err := k.create(cmd.Context(), w)
				if err != nil {
					return err
				}
				if p.json {
					return json.NewEncoder(p.out).Encode(t)
				}
				fmt.Fprintf(p.err, "token %s of %s, until %s; keep it, it is not told again\n", t.ID, printable(t.Owner), t.Ends.Local().Format(time.DateTime))
				_, err = fmt.Fprintln(p.out, t.Token)
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&w.Name, "name", "", "what people call it (made on …)")
	f.StringVar(&w.Owner, "owner", "", "whose it is: anna@example.com, service:ci (who asks)")
	f.StringSliceVar(&w.Actions, "actions", nil, "what it is for: view, create, pause, advance, abort, approve, … (whatever its owner may)")
	f.StringSliceVar(&w.Services, "services", nil, "the services it is for (all)")
	f.StringSliceVar(&w.Teams, "teams", nil, "the teams it is for (all)")
	f.DurationVar(&life, "life", 0, "how long it lives (as long as any may)")
	return cmd
}

func (p *process) tokenList(o *keptAt) *cobra.Command {
	var owner string
	cmd := &cobra.Command{
		Use: "list", Short: "List tokens, never the secrets", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.keeping(cmd, *o, func(k tokenKeeper) error {
				if owner == "" && o.server == "" {
					owner = "*"
				}
				all, err := k.list(cmd.Context(), owner)
				if err != nil {
					return err
				}
				return p.printTokens(all)
			})
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "whose tokens; * for everybody's (at a server your own, here everybody's)")
	return cmd
}

func (p *process) printTokens(all []login.TokenForm) error {
	if p.json {
		return json.NewEncoder(p.out).Encode(map[string]any{"items": append([]login.TokenForm{}, all...)})
	}
	t := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tOWNER\tNAME\tFOR\tENDS\tUSED\tSTATE")
	now := time.Now()
	for _, one := range all {
		state, used := "good", "never"
		switch {
		case one.Revoked != nil:
			state = "revoked"
		case !now.Before(one.Ends):
			state = "ended"
		}
		if one.Used != nil {
			used = one.Used.Local().Format(time.DateTime)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", one.ID, printable(one.Owner), printable(one.Name), printable(whatFor(one)),
			one.Ends.Local().Format(time.DateOnly), used, state)
	}
	return t.Flush()
}

// whatFor tells what a token is for.
func whatFor(t login.TokenForm) string {
	var parts []string
	for _, list := range [][]string{t.Actions, t.Services, t.Teams} {
		if len(list) > 0 {
			parts = append(parts, strings.Join(list, ","))
		}
	}
	if len(parts) == 0 {
		return "everything"
	}
	return strings.Join(parts, " ")
}

func (p *process) tokenRevoke(o *keptAt) *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "End a token at once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.keeping(cmd, *o, func(k tokenKeeper) error {
				if err := k.revoke(cmd.Context(), args[0]); err != nil {
					return err
				}
				p.say("token %s is not taken any more", printable(args[0]))
				return nil
			})
		},
	}
}

func (p *process) serviceAccount() *cobra.Command {
	var o keptAt
	cmd := &cobra.Command{Use: "service-account", Short: "Make, list, disable and enable service accounts, which own tokens"}
	o.flags(cmd)
	list := &cobra.Command{Use: "list", Short: "List service accounts", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.keeping(cmd, o, func(k tokenKeeper) error {
				all, err := k.accounts(cmd.Context())
				if err != nil {
					return err
				}
				return p.printAccounts(all)
			})
		}}
	cmd.AddCommand(list,
		p.accountVerb(&o, "create NAME", "Make a service account", func(ctx context.Context, k tokenKeeper, name string) error {
			_, err := k.createAccount(ctx, name)
			return err
		}),
		p.accountVerb(&o, "disable NAME", "Stop all tokens and sessions of an account, a person's too, at once", func(ctx context.Context, k tokenKeeper, name string) error {
			return k.disable(ctx, name, true)
		}),
		p.accountVerb(&o, "enable NAME", "Take the tokens of an account again", func(ctx context.Context, k tokenKeeper, name string) error {
			return k.disable(ctx, name, false)
		}))
	return cmd
}

func (p *process) accountVerb(o *keptAt, use, short string, do func(context.Context, tokenKeeper, string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.keeping(cmd, *o, func(k tokenKeeper) error { return do(cmd.Context(), k, args[0]) })
		}}
}

func (p *process) printAccounts(all []login.AccountForm) error {
	if p.json {
		return json.NewEncoder(p.out).Encode(map[string]any{"items": append([]login.AccountForm{}, all...)})
	}
	t := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tMADE\tBY\tSTATE")
	for _, one := range all {
		state := "good"
		if one.Disabled != nil {
			state = "disabled"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", printable(one.Name), one.Made.Local().Format(time.DateOnly), printable(one.MadeBy), state)
	}
	return t.Flush()
}

// keeping calls fn with where tokens are kept. The user of this machine may make
// them for everybody: that is how the first is made.
func (p *process) keeping(cmd *cobra.Command, o keptAt, fn func(tokenKeeper) error) error {
	return p.atServer(cmd, o, func(r *remote) error { return fn(tokensThere{r}) }, func(s *serving) error {
		l, err := login.New(cmd.Context(), login.Config{DB: s.db, Settings: s.settings.Login, Local: localUser(), Policy: access.Everybody{},
			Auditor: s.auditor, Log: s.log, Now: time.Now})
		if err != nil {
			return err
		}
		return fn(tokensHere{l, operator()})
	})
}

// tokensHere keeps tokens in the database of this machine.
type tokensHere struct {
	*login.Login
	by access.Actor
}

func (h tokensHere) create(ctx context.Context, w login.WishForm) (login.TokenForm, error) {
	t, text, err := h.CreateToken(ctx, h.by, w.Wish())
	return login.FormOf(t, text), err
}

func (h tokensHere) list(ctx context.Context, owner string) (all []login.TokenForm, err error) {
	list, err := h.ListTokens(ctx, h.by, owner)
	for _, t := range list {
		all = append(all, login.FormOf(t, ""))
	}
	return all, err
}

func (h tokensHere) revoke(ctx context.Context, id string) error { return h.RevokeToken(ctx, h.by, id) }

func (h tokensHere) createAccount(ctx context.Context, name string) (login.AccountForm, error) {
	a, err := h.CreateAccount(ctx, h.by, name)
	return login.FormOfAccount(a), err
}

func (h tokensHere) accounts(ctx context.Context) (all []login.AccountForm, err error) {
	list, err := h.Accounts(ctx, h.by)
	for _, a := range list {
		all = append(all, login.FormOfAccount(a))
	}
	return all, err
}

func (h tokensHere) disable(ctx context.Context, name string, disabled bool) error {
	return h.Disable(ctx, h.by, name, disabled)
}

// tokensThere asks a server.
type tokensThere struct{ *remote }

func (r tokensThere) create(ctx context.Context, w login.WishForm) (t login.TokenForm, err error) {
	err = r.call(ctx, http.MethodPost, "/v1/tokens", w, &t)
	return t, err
}

func (r tokensThere) list(ctx context.Context, owner string) ([]login.TokenForm, error) {
	var got struct{ Items []login.TokenForm }
	path := "/v1/tokens"
	if owner != "" {
		path += "?owner=" + url.QueryEscape(owner)
	}
	err := r.call(ctx, http.MethodGet, path, nil, &got)
	return got.Items, err
}

func (r tokensThere) revoke(ctx context.Context, id string) error {
	return r.call(ctx, http.MethodDelete, "/v1/tokens/"+url.PathEscape(id), nil, nil)
}

func (r tokensThere) createAccount(ctx context.Context, name string) (a login.AccountForm, err error) {
	err = r.call(ctx, http.MethodPost, "/v1/service-accounts", map[string]string{"name": name}, &a)
	return a, err
}

func (r tokensThere) accounts(ctx context.Context) ([]login.AccountForm, error) {
	var got struct{ Items []login.AccountForm }
	err := r.call(ctx, http.MethodGet, "/v1/service-accounts", nil, &got)
	return got.Items, err
}

func (r tokensThere) disable(ctx context.Context, name string, disabled bool) error {
	verb := "enable"
	if disabled {
		verb = "disable"
	}
	return r.call(ctx, http.MethodPost, "/v1/accounts/"+url.PathEscape(name)+"/"+verb, struct{}{}, nil)
}
