package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
)

func (a *API) accessOperations() {
	Register(a, huma.Operation{
		OperationID: "explain-access", Method: http.MethodGet, Path: "/v1/access/explain", Tags: []string{"people"},
		Summary:     "Say whether somebody may do something, and why",
		Description: "By which line of the file of rules, or what would be needed. Everybody may ask about themselves, as they came: with their token, if it is by one. Who may manage what it is about may ask about others.",
	}, a.explainAccess)
}

type explainInput struct {
	Who         string   `query:"who" maxLength:"300" example:"anna@example.com" doc:"Whom it is about, as the audit names them: anna@example.com, service:ci. Absent for whoever asks."`
	What        string   `query:"what" required:"true" minLength:"1" maxLength:"50" example:"approve" doc:"An action (view, create, approve …) or an order."`
	Service     string   `query:"service" maxLength:"200" doc:"The service it is about; what is absent is not known."`
	Team        string   `query:"team" maxLength:"200" doc:"The team whose release it is."`
	Environment string   `query:"environment" maxLength:"200" doc:"The environment it runs in."`
	Group       string   `query:"group" maxLength:"200" doc:"The group that an approval is asked of."`
	Claims      []string `query:"claim,explode" maxItems:"500" doc:"A group that the identity provider has somebody else in; may come several times."`
}

// Explanation says whether somebody may do something.
type Explanation struct {
	Who     string   `json:"who"`
	Action  string   `json:"action" example:"approve"`
	Allowed bool     `json:"allowed"`
	Why     string   `json:"why" doc:"Which line of the rules gives it, or what would be needed."`
	Groups  []string `json:"groups" nullable:"false" doc:"The groups of the rules that they are in."`
}

type explainOutput struct{ Body Explanation }

func (a *API) explainAccess(ctx context.Context, in *explainInput) (*explainOutput, error) {
	action, err := control.ActionOf(in.What)
	if err != nil {
		return nil, err
	}
	said, err := a.cfg.Desk.Explain(ctx, Actor(ctx), control.Question{Who: in.Who, Claims: in.Claims, Action: action,
		On: access.Resource{Service: in.Service, Team: in.Team, Environment: in.Environment, Group: in.Group}})
	if err != nil {
		return nil, err
	}
	return &explainOutput{Explanation{Who: said.Who, Action: string(said.Action), Allowed: said.Decision.Allowed,
		Why: said.Decision.Why, Groups: append([]string{}, said.Groups...)}}, nil
}
