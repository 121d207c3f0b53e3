package login

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/api"
)

// As makes a refusal one of the API's, for errors.As.
func (r *Refused) As(target any) bool {
	t, ok := target.(**api.Refusal)
	if ok {
		*t = &api.Refusal{Status: r.Status, Why: r.Why, Header: r.Header()}
	}
	return ok
}

// Operations puts what people and programs do with their logins into the API.
func (l *Login) Operations(a *api.API) {
	api.Register(a, huma.Operation{
		OperationID: "get-me", Method: http.MethodGet, Path: "/v1/me", Tags: []string{"people"},
		Summary: "Tell who asks", Description: "For a browser also the token of its session, which goes into the header X-Linnet-CSRF with whatever changes something.",
	}, l.me)
	api.Register(a, huma.Operation{
		OperationID: "list-tokens", Method: http.MethodGet, Path: "/v1/tokens", Tags: []string{"people"},
		Summary: "List tokens", Description: "The newest first, ended and revoked ones too, at most 1,000. The tokens themselves are kept nowhere.",
	}, l.listTokens)
	api.Register(a, huma.Operation{
		OperationID: "create-token", Method: http.MethodPost, Path: tokensPath, Tags: []string{"people"}, DefaultStatus: http.StatusCreated,
		Summary: "Make a token", Description: "The answer is the only place that has the token. It is not given again: an Idempotency-Key has no effect here.",
	}, l.createToken)
	api.Register(a, huma.Operation{
		OperationID: "revoke-token", Method: http.MethodDelete, Path: "/v1/tokens/{id}", Tags: []string{"people"},
		Summary: "Revoke a token", Description: "It is not taken any more, by no replica, from the moment of the answer.",
	}, l.revokeToken)
	api.Register(a, huma.Operation{
		OperationID: "list-service-accounts", Method: http.MethodGet, Path: "/v1/service-accounts", Tags: []string{"people"},
		Summary: "List service accounts",
	}, l.listAccounts)
	api.Register(a, huma.Operation{
		OperationID: "create-service-account", Method: http.MethodPost, Path: "/v1/service-accounts", Tags: []string{"people"}, DefaultStatus: http.StatusCreated,
		Summary: "Make a service account", Description: "A pipeline or a script, which owns tokens.",
	}, l.createAccount)
	for _, disable := range []bool{true, false} {
		verb, what := "enable", "Take the tokens of an account again"
		if disable {
			verb, what = "disable", "Stop all tokens and sessions of an account at once, a service account's or a person's"
		}
		api.Register(a, huma.Operation{
			OperationID: verb + "-account", Method: http.MethodPost, Path: "/v1/accounts/{name}/" + verb, Tags: []string{"people"}, Summary: what,
		}, func(ctx context.Context, in *accountInput) (*struct{}, error) {
			return nil, l.Disable(ctx, api.Actor(ctx), in.Name, disable)
		})
	}
	api.Register(a, huma.Operation{
		OperationID: "end-sessions", Method: http.MethodDelete, Path: "/v1/accounts/{name}/sessions", Tags: []string{"people"},
		Summary: "End all sessions of a person", Description: "One's own, or those of others for who may revoke their tokens.",
	}, func(ctx context.Context, in *accountInput) (*struct{}, error) {
		return nil, l.EndSessions(ctx, api.Actor(ctx), in.Name)
	})
}

type accountInput struct {
	Name string `path:"name" maxLength:"200" doc:"The account: anna@example.com, service:ci." example:"service:ci"`
}

// Me is who asks.
type Me struct {
	Name     string   `json:"name" example:"anna@example.com"`
	Kind     string   `json:"kind" enum:"person,service,machine"`
	Groups   []string `json:"groups" nullable:"false"`
	From     string   `json:"from" doc:"The address that the request came from."`
	Actions  []string `json:"actions,omitempty" doc:"What the token is for; absent for whatever its owner may."`
	Services []string `json:"services,omitempty" doc:"The services the token is for; absent for all of its owner's."`
	Teams    []string `json:"teams,omitempty" doc:"The teams the token is for; absent for all of its owner's."`
	CSRF     string   `json:"csrf,omitempty" doc:"Of a session: goes into the header X-Linnet-CSRF."`
}

type meInput struct {
	// What a handler of huma sees of the cookies: no more than it asks for.
	Secure string `cookie:"__Host-linnet_session"`
	Plain  string `cookie:"linnet_session"`
}

type meOutput struct{ Body Me }

func (l *Login) me(ctx context.Context, in *meInput) (*meOutput, error) {
	who := api.Actor(ctx)
	out := &meOutput{Body: Me{Name: who.Name, Kind: string(who.Kind), Groups: append([]string{}, who.Groups...), From: who.From,
		Services: who.Services, Teams: who.Teams}}
	for _, a := range who.Scopes {
		out.Body.Actions = append(out.Body.Actions, string(a))
	}
	// Whoever is here has proved who they are; that cookie is theirs, or of no use.
	if id := in.Secure; id != "" {
		out.Body.CSRF = csrfOf(id)
	} else if id := in.Plain; id != "" && l.cfg.Settings != nil {
		out.Body.CSRF = csrfOf(id)
	}
	return out, nil
}

type tokensInput struct {
	Owner string `query:"owner" maxLength:"200" doc:"Whose tokens; * for everybody's. Absent for one's own." example:"service:ci"`
}

type tokensOutput struct {
	Body struct {
		Items []TokenForm `json:"items" nullable:"false"`
	}
}

func (l *Login) listTokens(ctx context.Context, in *tokensInput) (*tokensOutput, error) {
	all, err := l.ListTokens(ctx, api.Actor(ctx), in.Owner)
	out := &tokensOutput{}
	out.Body.Items = make([]TokenForm, 0, len(all))
	for _, t := range all {
		out.Body.Items = append(out.Body.Items, FormOf(t, ""))
	}
	return out, err
}

type wishInput struct{ Body WishForm }

type tokenOutput struct{ Body TokenForm }

func (l *Login) createToken(ctx context.Context, in *wishInput) (*tokenOutput, error) {
	t, text, err := l.CreateToken(ctx, api.Actor(ctx), in.Body.Wish())
	return &tokenOutput{FormOf(t, text)}, err
}

type tokenInput struct {
	ID string `path:"id" maxLength:"100" doc:"The token's id."`
}

func (l *Login) revokeToken(ctx context.Context, in *tokenInput) (*struct{}, error) {
	return nil, l.RevokeToken(ctx, api.Actor(ctx), in.ID)
}

type accountsOutput struct {
	Body struct {
		Items []AccountForm `json:"items" nullable:"false"`
	}
}

func (l *Login) listAccounts(ctx context.Context, _ *struct{}) (*accountsOutput, error) {
	all, err := l.Accounts(ctx, api.Actor(ctx))
	out := &accountsOutput{}
	out.Body.Items = make([]AccountForm, 0, len(all))
	for _, a := range all {
		out.Body.Items = append(out.Body.Items, FormOfAccount(a))
	}
	return out, err
}

type newAccountInput struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"200" doc:"With or without service: before it." example:"service:ci"`
	}
}

type accountOutput struct{ Body AccountForm }

func (l *Login) createAccount(ctx context.Context, in *newAccountInput) (*accountOutput, error) {
	a, err := l.CreateAccount(ctx, api.Actor(ctx), in.Body.Name)
	return &accountOutput{FormOfAccount(a)}, err
}
