package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/notify/outbox"
	"github.com/linnet-project/linnet/release"
)

// Outbox has the notices that releases led to.
type Outbox interface {
	List(ctx context.Context, f outbox.Filter) ([]outbox.Entry, error)
	Find(ctx context.Context, notice string) (release.Notice, error)
	Ack(ctx context.Context, notice, by string) error
	Retry(ctx context.Context, delivery string) error
	Test(ctx context.Context, channel, by string) error
}

// Notices adds the operations on notices.
func (a *API) Notices(box Outbox) {
	n := notices{a.cfg.Desk, box}
	Register(a, huma.Operation{
		OperationID: "list-notices", Method: http.MethodGet, Path: "/v1/notices", Tags: []string{"notices"},
		Summary: "List notices, the newest first", Description: "What people were told, what waits, what was given up, and what was not told and why, of the releases that whoever asks may see.",
	}, n.list)
	Register(a, huma.Operation{
		OperationID: "ack-notice", Method: http.MethodPost, Path: "/v1/notices/ack", Tags: []string{"notices"},
		Summary: "Say that somebody takes care of what a notice tells", Description: "Nobody else is called for it then.", DefaultStatus: http.StatusNoContent,
	}, n.ack)
	Register(a, huma.Operation{
		OperationID: "retry-delivery", Method: http.MethodPost, Path: "/v1/notices/retry", Tags: []string{"notices"},
		Summary: "Send again what was given up", DefaultStatus: http.StatusNoContent,
	}, n.retry)
	Register(a, huma.Operation{
		OperationID: "test-channel", Method: http.MethodPost, Path: "/v1/notices/test", Tags: []string{"notices"},
		Summary: "Send a sample on a channel, and tell how that went", DefaultStatus: http.StatusNoContent,
	}, n.test)
}

type notices struct {
	desk *control.Desk
	box  Outbox
}

// Notice is a notice and what became of it.
type Notice struct {
	ID          string     `json:"id" example:"checkout-1.5.0/1/42/1"`
	At          time.Time  `json:"at"`
	Event       string     `json:"event" example:"rollback"`
	Severity    string     `json:"severity" enum:"page,inform"`
	Over        bool       `json:"over" doc:"What was told before under the same topic is over."`
	Topic       string     `json:"topic"`
	Release     string     `json:"release"`
	Attempt     int        `json:"attempt"`
	Service     string     `json:"service"`
	Team        string     `json:"team"`
	Environment string     `json:"environment"`
	Title       string     `json:"title"`
	Text        string     `json:"text"`
	Next        string     `json:"next,omitempty" doc:"The command that is useful."`
	Dropped     string     `json:"dropped,omitempty" doc:"Why it was not told on some way."`
	AckedBy     string     `json:"acknowledged_by,omitempty"`
	AckedAt     *time.Time `json:"acknowledged_at,omitempty"`
	Deliveries  []Delivery `json:"deliveries" nullable:"false"`
}

// Delivery is how a notice goes out on a channel.
type Delivery struct {
	ID        string     `json:"id"`
	Channel   string     `json:"channel"`
	State     string     `json:"state" enum:"waiting,sent,dead" doc:"Dead is given up: it can be sent again by hand."`
	Due       time.Time  `json:"due" doc:"When it is sent, or tried again."`
	Tries     int        `json:"tries"`
	SentAt    *time.Time `json:"sent_at,omitempty"`
	Failure   string     `json:"failure,omitempty" doc:"Why the last try failed."`
	Digest    bool       `json:"digest"`
	Escalated bool       `json:"escalated" doc:"It goes out because nobody acknowledged."`
}

type noticesInput struct {
	Release string `query:"release" maxLength:"100" doc:"A release's name, or name/attempt."`
	Dead    bool   `query:"dead" doc:"Only those with a delivery that was given up."`
	Unacked bool   `query:"unacknowledged" doc:"Only pages that nobody acknowledged."`
	Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor  string `query:"cursor" maxLength:"300" doc:"What next was, to go on."`
}

type noticesOutput struct {
	Body struct {
		Items []Notice `json:"items" nullable:"false"`
		Next  string   `json:"next,omitempty" doc:"The cursor to go on with; absent at the end."`
	}
}

func (n notices) list(ctx context.Context, in *noticesInput) (*noticesOutput, error) {
	all, err := n.box.List(ctx, outbox.Filter{Release: in.Release, Dead: in.Dead, Unacked: in.Unacked, Before: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out := &noticesOutput{}
	out.Body.Items = []Notice{}
	for _, e := range all {
		if n.desk.Sees(Actor(ctx), about(e.Notice)) {
			out.Body.Items = append(out.Body.Items, NoticeOf(e))
		}
	}
	if len(all) == in.Limit {
		out.Body.Next = all[len(all)-1].Notice.ID
	}
	return out, nil
}

// about is what permission on a notice is about.
func about(n release.Notice) access.Resource {
	return access.Resource{Service: n.Service, Team: n.Team, Environment: n.Environment, Release: n.Release}
}

// NoticeOf is the public form of a notice.
func NoticeOf(e outbox.Entry) Notice {
	n := e.Notice
	return Notice{
		ID: n.ID, At: e.At.UTC(), Event: string(n.Happening), Severity: string(n.Urgency), Over: n.Over, Topic: n.Topic, Release: n.Release,
		Attempt: n.Attempt, Service: n.Service, Team: n.Team, Environment: n.Environment, Title: n.Title, Text: n.Text, Next: n.Next,
		Dropped: e.Dropped, AckedBy: e.AckedBy, AckedAt: moment(e.AckedAt), Deliveries: each(e.Deliveries, func(d outbox.Delivery) Delivery {
			return Delivery{ID: d.ID, Channel: d.Channel, State: d.State, Due: d.Due.UTC(), Tries: d.Tries, SentAt: moment(d.SentAt),
				Failure: d.Failure, Digest: d.Digest, Escalated: d.Escalated}
		}),
	}
}

type ackInput struct {
	Body struct {
		Notice string `json:"notice" minLength:"1" maxLength:"300" doc:"The notice's id."`
	}
}

func (n notices) ack(ctx context.Context, in *ackInput) (*struct{}, error) {
	return nil, Acknowledge(ctx, n.desk, n.box, Actor(ctx), in.Body.Notice)
}

// Acknowledge says that somebody takes care of what a notice tells, if they may.
func Acknowledge(ctx context.Context, desk *control.Desk, box Outbox, who access.Actor, notice string) error {
	told, err := box.Find(ctx, notice)
	if err != nil {
		return err
	}
	if err := desk.Allow(ctx, access.Pause, about(told), control.Entry{Who: who, What: "notice.acknowledge", Object: told.ID}); err != nil {
		return err
	}
	return box.Ack(ctx, told.ID, who.Name)
}

type againInput struct {
	Body struct {
		Delivery string `json:"delivery" minLength:"1" maxLength:"500" doc:"The delivery's id."`
	}
}

func (n notices) retry(ctx context.Context, in *againInput) (*struct{}, error) {
	entry := control.Entry{Who: Actor(ctx), What: "notice.retry", Object: in.Body.Delivery}
	if err := n.desk.Allow(ctx, access.Manage, access.Resource{}, entry); err != nil {
		return nil, err
	}
	return nil, n.box.Retry(ctx, in.Body.Delivery)
}

type testInput struct {
	Body struct {
		Channel string `json:"channel" minLength:"1" maxLength:"63" doc:"The channel's name."`
	}
}

func (n notices) test(ctx context.Context, in *testInput) (*struct{}, error) {
	who := Actor(ctx)
	entry := control.Entry{Who: who, What: "notice.test", Object: in.Body.Channel}
	if err := n.desk.Allow(ctx, access.Manage, access.Resource{}, entry); err != nil {
		return nil, err
	}
	return nil, n.box.Test(ctx, in.Body.Channel, who.Name)
}
