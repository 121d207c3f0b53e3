package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/access"
)

func (a *API) healthOperations() {
	Register(a, huma.Operation{
		OperationID: "list-sources", Method: http.MethodGet, Path: "/v1/sources", Tags: []string{"system"},
		Summary: "Tell how metric sources and front doors do", Description: "Those of releases that this process runs, as far as whoever asks may see them. Of several replicas each knows what it asked itself.",
	}, a.sources)
	Register(a, huma.Operation{
		OperationID: "list-replicas", Method: http.MethodGet, Path: "/v1/replicas", Tags: []string{"system"},
		Summary: "Tell which processes take turns, and how their queue does", Description: "On one machine there is one. Of several, one that ended without a word is listed for an hour.",
	}, a.replicas)
}

// Sources are where releases get their numbers.
type Sources struct {
	Sources []Source `json:"sources" nullable:"false"`
	Doors   []Door   `json:"doors" nullable:"false" doc:"The front doors in this process, to which services send."`
}

// Source is a metric source that running releases ask.
type Source struct {
	Kind     string     `json:"kind" example:"prometheus" doc:"As release files call it."`
	URL      string     `json:"url" example:"http://localhost:9090" doc:"Where it is, without secrets; empty for one inside this process, or a command."`
	Services []string   `json:"services" nullable:"false" doc:"Of which services releases ask it."`
	Releases int        `json:"releases" minimum:"1" doc:"How many releases ask it."`
	State    string     `json:"state" enum:"unasked,answers,fails" doc:"Fails while any question of a release that you may see does."`
	Since    *time.Time `json:"since,omitempty" doc:"Since when it has answered, or failed; absent before it was asked."`
	Error    string     `json:"error,omitempty" doc:"Why it fails; absent while it answers."`
	Answered *time.Time `json:"answered_at,omitempty" doc:"When it answered last."`
	Lag      *float64   `json:"lag_s,omitempty" doc:"How old the newest of its numbers was when it last gave some, in seconds; absent before it did."`
}

// Door is a front door inside this process, to which services send what is counted.
type Door struct {
	Service         string            `json:"service"`
	Addresses       []string          `json:"addresses" nullable:"false" example:"[\"http://127.0.0.1:4318\"]"`
	Accepted        uint64            `json:"accepted" doc:"Events and samples since it was opened; so with the next two."`
	Repeated        uint64            `json:"repeated" doc:"Sent before, and counted once."`
	Refused         map[string]uint64 `json:"refused" nullable:"false" doc:"By the code of why."`
	Quarantined     int               `json:"quarantined" doc:"What was refused and is kept, with its reason."`
	QuarantineBytes int64             `json:"quarantine_bytes"`
	QueueBytes      int               `json:"queue_bytes" doc:"What is under way."`
	LogBytes        int64             `json:"log_bytes"`
	Senders         int               `json:"senders" doc:"How many have sent."`
	Received        *time.Time        `json:"received_at,omitempty" doc:"When something came last."`
	Ill             map[string]string `json:"ill" nullable:"false" doc:"Parts that do not work, and what that means."`
}

type sourcesOutput struct{ Body Sources }

func (a *API) sources(ctx context.Context, _ *struct{}) (*sourcesOutput, error) {
	who := Actor(ctx)
	told, err := a.cfg.Sources(ctx, func(on access.Resource) bool { return a.cfg.Desk.Sees(who, on) })
	return &sourcesOutput{told}, err
}

// Replicas are the processes that take turns.
type Replicas struct {
	Several bool      `json:"several" doc:"Several machines share the work; otherwise this process does it alone."`
	Items   []Replica `json:"items" nullable:"false"`
	Queue   Queue     `json:"queue"`
}

// Replica is a process that takes turns.
type Replica struct {
	Name    string    `json:"name"`
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen" doc:"When it last said that it is there."`
	Gone    bool      `json:"gone" doc:"It has not said so for 15 seconds."`
	Leader  bool      `json:"leader" doc:"It does what one does for all. Turns are taken by each."`
	Self    bool      `json:"self" doc:"It is the one that answers."`
	Turns   int       `json:"turns_last_minute" doc:"How many turns it took in the minute before it was last seen."`
}

// Queue is how the turns stand, of all replicas.
type Queue struct {
	Waiting   int     `json:"waiting" doc:"Turns that are due and that nobody has taken yet."`
	Running   int     `json:"running" doc:"Turns under way."`
	Scheduled int     `json:"scheduled" doc:"Turns that are to come."`
	Failed    int     `json:"failed" doc:"On several machines, turns given up in the last hour; on one, releases whose last turn failed. The releases go on."`
	Oldest    float64 `json:"oldest_s" doc:"How long the turn that waits longest has been due, in seconds."`
}

type replicasOutput struct{ Body Replicas }

func (a *API) replicas(ctx context.Context, _ *struct{}) (*replicasOutput, error) {
	told, err := a.cfg.Replicas(ctx)
	return &replicasOutput{told}, err
}
