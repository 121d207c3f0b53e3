package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/control"
)

func (a *API) glassOperations() {
	Register(a, huma.Operation{
		OperationID: "list-glass", Method: http.MethodGet, Path: "/v1/glass", Tags: []string{"glass"},
		Summary: "List requests to break the glass", Description: "The last first, as far as whoever asks may see what they are about.",
	}, a.glassRequests)
	Register(a, huma.Operation{
		OperationID: "confirm-glass", Method: http.MethodPost, Path: "/v1/glass/{id}/confirm", Tags: []string{"glass"},
		Summary: "Agree to a request to break the glass, as the second person", Description: "Has it done as its asker asked. It is used up, whatever comes of it.",
	}, a.confirmGlass)
}

// GlassRequest is something that goes past guard rails or approvals once a second
// person agrees.
type GlassRequest struct {
	ID     string    `json:"id"`
	What   string    `json:"what" example:"begin checkout-1.5.0" doc:"What is asked for."`
	Past   []string  `json:"past" nullable:"false" doc:"The guard rails that it goes past, or approvals."`
	Reason string    `json:"reason"`
	By     string    `json:"by" doc:"Who asks."`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until" doc:"When it expires."`
	// Agreed and AgreedBy are there once a second person has agreed.
	Agreed   *time.Time `json:"agreed,omitempty"`
	AgreedBy string     `json:"agreed_by,omitempty"`
}

func glassRequest(r control.GlassRequest) GlassRequest {
	return GlassRequest{ID: r.ID, What: r.What(), Past: r.Past, Reason: r.Reason, By: r.Asker.Name, At: r.At.UTC(), Until: r.Until.UTC(),
		Agreed: moment(r.Agreed), AgreedBy: r.By}
}

type glassOutput struct {
	Body struct {
		Items []GlassRequest `json:"items" nullable:"false"`
	}
}

// mostGlass is how many requests are listed.
const mostGlass = 100

func (a *API) glassRequests(ctx context.Context, _ *struct{}) (*glassOutput, error) {
	all, err := a.cfg.Desk.Requests(ctx, Actor(ctx), mostGlass)
	if err != nil {
		return nil, err
	}
	out := &glassOutput{}
	out.Body.Items = each(all, glassRequest)
	return out, nil
}

type confirmInput struct {
	ID string `path:"id" maxLength:"100" doc:"The request's id."`
}

type confirmOutput struct {
	Body struct {
		Request GlassRequest `json:"request"`
		Release *Release     `json:"release,omitempty" doc:"The release that began, or that the order is for."`
		Taken   bool         `json:"taken" doc:"The release began, or has taken the order."`
		Refused bool         `json:"refused" doc:"It took the order and refused it, for the reason given."`
		Reason  Reason       `json:"reason"`
	}
}

// confirmWait is how long to wait for what a release makes of an order.
const confirmWait = 5 * time.Second

func (a *API) confirmGlass(ctx context.Context, in *confirmInput) (*confirmOutput, error) {
	made, err := a.cfg.Desk.Confirm(ctx, Actor(ctx), in.ID, confirmWait)
	if err != nil {
		return nil, err
	}
	out := &confirmOutput{}
	out.Body.Request = glassRequest(made.Request)
	switch {
	case made.Created != nil:
		r := releaseOf(made.Created.Release)
		out.Body.Release, out.Body.Taken = &r, true
	case made.Answer != nil:
		answer := answered(*made.Answer).Body
		out.Body.Release, out.Body.Taken, out.Body.Refused, out.Body.Reason = &answer.Release, answer.Taken, answer.Refused, answer.Reason
	}
	return out, nil
}
