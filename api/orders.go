package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/engine"
)

// orderings are what can be ordered of a release.
var orderings = []struct {
	verb    engine.Verb
	summary string
}{
	{engine.Approve, "Give an approval that the next step waits for"},
	{engine.Reject, "Say no to what waits for an approval: ends the release"},
	{engine.Retract, "Take an approval back, until the weight it is for is set"},
	{engine.Pause, "Stay at the present weight; looking goes on, and a fail still rolls back"},
	{engine.Resume, "Go on after a pause, or after somebody lowered the weight"},
	{engine.Advance, "Go to the next step in place of evidence"},
	{engine.Abort, "Return all traffic to the baseline and end the release"},
}

func (a *API) orderOperations() {
	for _, o := range orderings {
		Register(a, huma.Operation{
			OperationID: string(o.verb) + "-release", Method: http.MethodPost, Path: "/v1/releases/{name}/{attempt}/" + string(o.verb), Tags: []string{"orders"},
			Summary: o.summary, Description: "Leaves an order for the release and waits for what it makes of it, which may be to refuse it. 202 where the wait ran out: the order stays, and is taken later; the same request with the same key waits on.",
			Responses: also("202", "The order is left, and nobody has taken it yet.", Answer{}, a),
		}, func(ctx context.Context, in *orderInput) (*orderOutput, error) { return a.order(ctx, o.verb, in) })
	}
	Register(a, huma.Operation{
		OperationID: "retry-release", Method: http.MethodPost, Path: "/v1/releases/{name}/{attempt}/retry", Tags: []string{"orders"}, DefaultStatus: http.StatusCreated,
		Summary: "Begin the next attempt with the same file", Description: "Of a release that has ended. Where that was done already, 200 and the attempt that is there.",
		Responses: also("200", "The next attempt was there before; created is false.", Created{}, a),
	}, a.retry)
}

// also describes an answer besides the usual one.
func also(status, text string, body any, a *API) map[string]*huma.Response {
	schema := a.ops.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(body), true, "")
	return map[string]*huma.Response{status: {Description: text, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}}
}

type orderInput struct {
	Named
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"200" doc:"Makes an order that is sent twice one."`
	IfMatch        string `header:"If-Match" pattern:"^(\\*|\"[0-9]{1,19}\")$" patternDescription:"an ETag, such as \"17\"" maxLength:"30" doc:"The ETag that the release must be at; 412 where something happened meanwhile."`
	Wait           string `query:"wait" default:"5s" maxLength:"10" example:"2s" doc:"How long to wait for what the release makes of it, up to 30s; 0s for not at all."`
	Body           *struct {
		Reason string `json:"reason,omitempty" maxLength:"1000" doc:"Why, for the record."`
		Glass  string `json:"glass,omitempty" maxLength:"1000" doc:"Why it must go past approvals (approve and advance alone): asks a second person, see /v1/glass."`
	} `required:"false"`
}

// reason is why, where somebody said so.
func (in *orderInput) reason() string {
	if in.Body == nil {
		return ""
	}
	return in.Body.Reason
}

// Answer is what a release made of an order.
type Answer struct {
	Release       Release `json:"release" doc:"How it stands."`
	Taken         bool    `json:"taken" doc:"The release has taken the order; what came of it is in decision and reason."`
	Refused       bool    `json:"refused" doc:"It took the order and refused it, for the reason given."`
	Seq           uint64  `json:"seq,omitempty" doc:"The record that took it."`
	Decision      string  `json:"decision,omitempty" enum:"stay,start,advance,hold,step-back,correct,roll-back,promote,await-approval,pause,resume,finish,refuse,approval"`
	Weight        string  `json:"weight,omitempty" example:"5 %" doc:"The candidate's weight after it."`
	WeightPercent float64 `json:"weight_percent"`
	Reason        Reason  `json:"reason"`
}

type orderOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The sequence of the release's last record."`
	Body   Answer
}

// longestWait bounds how long a request waits for a release.
const longestWait = 30 * time.Second

func (a *API) order(ctx context.Context, verb engine.Verb, in *orderInput) (*orderOutput, error) {
	wait, err := time.ParseDuration(in.Wait)
	if err != nil || wait < 0 || wait > longestWait {
		return nil, problem(http.StatusUnprocessableEntity, "wait %q: expected a duration from 0s to 30s, such as 5s", in.Wait)
	}
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	if id.Attempt == 0 {
		at, err := a.find(ctx, in.Named)
		if err != nil {
			return nil, err
		}
		id = at.ID
	}
	o := control.Order{ID: id, Verb: verb, Reason: in.reason(), Wait: wait}
	if in.Body != nil {
		o.Glass = in.Body.Glass
	}
	if tag := strings.Trim(in.IfMatch, `"`); tag != "" && tag != "*" {
		if o.Expect, err = strconv.ParseUint(tag, 10, 64); err != nil || o.Expect == 0 {
			return nil, problem(http.StatusPreconditionFailed, "If-Match %s: no record has this sequence", in.IfMatch)
		}
	}
	who := Actor(ctx)
	if in.IdempotencyKey != "" {
		sum := sha256.Sum256([]byte(who.Name + "\x00" + string(verb) + "\x00" + in.IdempotencyKey))
		o.Key = "api-" + hex.EncodeToString(sum[:16])
	}
	made, err := a.cfg.Desk.Command(ctx, who, o)
	if err != nil {
		return nil, err
	}
	return answered(made), nil
}

func answered(made control.Answer) *orderOutput {
	out := &orderOutput{Status: http.StatusAccepted, ETag: etag(made.Release.Seq), Body: Answer{Release: releaseOf(made.Release)}}
	if !made.Waits() {
		d := made.Decision
		out.Status = http.StatusOK
		out.Body.Taken, out.Body.Refused, out.Body.Seq = true, d.Kind == engine.Refuse, made.Seq
		out.Body.Decision, out.Body.Reason = string(d.Kind), reasonOf(d.Reason)
		out.Body.Weight, out.Body.WeightPercent = engine.Percent(d.Weight), percent(d.Weight)
	}
	return out
}

type retryInput struct {
	Named
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"200" doc:"Makes a request that is sent twice one."`
	Body           *struct {
		Reason string `json:"reason,omitempty" maxLength:"1000" doc:"Why, for the audit."`
	} `required:"false"`
}

func (a *API) retry(ctx context.Context, in *retryInput) (*createOutput, error) {
	at, err := a.find(ctx, in.Named)
	if err != nil {
		return nil, err
	}
	reason := ""
	if in.Body != nil {
		reason = in.Body.Reason
	}
	made, err := a.cfg.Desk.Retry(ctx, Actor(ctx), at.ID, reason)
	if err != nil {
		return nil, err
	}
	return created(made), nil
}
