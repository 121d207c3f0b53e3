package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/forecast"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

func (a *API) otherOperations() {
	Register(a, huma.Operation{
		OperationID: "plan-release", Method: http.MethodPost, Path: "/v1/plan", Tags: []string{"releases"},
		Summary: "Check a release file, and tell what it would do", Description: "All that is wrong with it, with line and column; or its steps and, where the traffic is told, what each step would see and how soon, as `linnet plan --json` prints it. Nothing is begun.",
		RequestBody: orFile(),
	}, a.plan)
	Register(a, huma.Operation{
		OperationID: "get-system", Method: http.MethodGet, Path: "/v1/system", Tags: []string{"system"},
		Summary: "Tell how Linnet itself does",
	}, a.system)
}

// Foretelling is a release file that is to be told of.
type Foretelling struct {
	File []byte
	// Rate and Errors are of the service's traffic, as `linnet plan` takes them;
	// without a rate nothing is foretold.
	Rate, Errors string
}

// Foretold is what a release file would do.
type Foretold struct {
	Plan plan.Plan
	// Forecast is what each step would see; nil where no traffic was told.
	Forecast *forecast.Forecast
}

type planInput struct {
	Body struct {
		File   string `json:"file" doc:"The text of the release file."`
		Rate   string `json:"rate,omitempty" maxLength:"50" example:"100/s" doc:"The service's requests; without it only the steps are told."`
		Errors string `json:"errors,omitempty" maxLength:"50" example:"0.5%" doc:"The share of bad events in every ratio of which more is worse."`
	}
}

// Planned is what a release file would do.
type Planned struct {
	Name     string             `json:"name"`
	Service  string             `json:"service"`
	SHA256   string             `json:"file_sha256" doc:"Of the file's text, in hexadecimal digits."`
	Approval *Asked             `json:"approval,omitempty" doc:"Who is asked before the first weight is set; absent for nobody."`
	Steps    []PlannedStep      `json:"steps" nullable:"false"`
	Forecast *forecast.Forecast `json:"forecast,omitempty" doc:"What each step would see, where the traffic was told."`
}

// PlannedStep is one step of a release file.
type PlannedStep struct {
	Weight        string  `json:"weight" example:"5 %"`
	WeightPercent float64 `json:"weight_percent"`
	AtLeast       float64 `json:"at_least_s" doc:"How long at least it is watched, in seconds."`
	AtMost        float64 `json:"at_most_s" doc:"How long at most it waits for a pass, in seconds."`
	AtDeadline    string  `json:"at_deadline" enum:"hold,ask,go" doc:"What happens when the most is over without a pass."`
	Approval      *Asked  `json:"approval,omitempty" doc:"Who is asked before its weight is set; absent for nobody."`
}

// Asked is an approval that is asked.
type Asked struct {
	From    string  `json:"from" example:"release-managers" doc:"The group that is asked."`
	Quorum  int64   `json:"quorum" minimum:"1" doc:"How many of them must approve."`
	Expires float64 `json:"expires_s,omitempty" doc:"How long an approval counts, in seconds; absent where it does for as long as the attempt lasts."`
	Comment bool    `json:"comment" doc:"An approval needs a reason."`
}

func askedOf(a release.Approval) *Asked {
	if a.From == "" {
		return nil
	}
	return &Asked{From: a.From, Quorum: max(1, a.Quorum), Expires: a.Expires.Seconds(), Comment: a.Comment}
}

type planOutput struct{ Body Planned }

func (a *API) plan(ctx context.Context, in *planInput) (*planOutput, error) {
	told, err := a.cfg.Foretell(ctx, Foretelling{File: []byte(in.Body.File), Rate: in.Body.Rate, Errors: in.Body.Errors})
	if err != nil {
		return nil, err
	}
	return &planOutput{Body: Planned{Name: told.Plan.Name, Service: told.Plan.Service, SHA256: told.Plan.Hash, Forecast: told.Forecast, Approval: askedOf(told.Plan.Approval),
		Steps: each(told.Plan.Steps, func(s plan.Step) PlannedStep {
			return PlannedStep{Weight: engine.Percent(s.Weight), WeightPercent: percent(s.Weight), Approval: askedOf(s.Approval),
				AtLeast: s.AtLeast.Seconds(), AtMost: s.AtMost.Seconds(), AtDeadline: string(s.AtDeadline)}
		})}}, nil
}

// System is how Linnet itself does.
type System struct {
	Version  string    `json:"version"`
	Database string    `json:"database" enum:"SQLite,PostgreSQL"`
	Started  time.Time `json:"started" doc:"When this process began to serve."`
	Now      time.Time `json:"now" doc:"This process's clock."`
	Login    bool      `json:"login" doc:"A login is configured."`
	Releases int       `json:"releases" doc:"How many releases this process takes turns of."`
	Overdue  int       `json:"overdue" doc:"How many of their turns are overdue."`
	Lag      float64   `json:"lag_s" doc:"By how long the longest overdue turn is, in seconds."`
	Streams  int       `json:"streams" doc:"How many streams of events are open."`
	Troubles []Trouble `json:"troubles" nullable:"false" doc:"Releases whose last turn failed here, as far as whoever asks may see them; at most 100, of some 500."`
	Targets  []Target  `json:"targets" nullable:"false" doc:"Who is sent what happens to releases by the hooks file, by all replicas."`
}

// Target is how far one was told that is sent what happens to releases.
type Target struct {
	Name    string     `json:"name"`
	Sent    int64      `json:"sent" doc:"Events that it has taken."`
	LeftOut int64      `json:"left_out" doc:"Events that it did not take, and was never told."`
	Waiting *time.Time `json:"waiting,omitempty" doc:"Since when it has not taken the event that is next; those behind it wait, too."`
	Tries   int        `json:"tries" doc:"How often that was tried."`
	Error   string     `json:"error,omitempty" doc:"Why the last try failed."`
}

// Trouble is a release whose last turn failed.
type Trouble struct {
	Name     string    `json:"name"`
	Attempt  int       `json:"attempt"`
	Error    string    `json:"error"`
	Failures int       `json:"failures" doc:"How many turns failed in a row."`
	Next     time.Time `json:"next" doc:"When the next turn is due."`
}

// mostTroubles bounds how many are told, mostAsked for how many it is asked
// whether somebody may see them: when a source is down, all releases are in trouble.
const (
	mostTroubles = 100
	mostAsked    = 500
)

type systemOutput struct{ Body System }

func (a *API) system(ctx context.Context, _ *struct{}) (*systemOutput, error) {
	told, err := a.cfg.System(ctx)
	if err != nil {
		return nil, err
	}
	told.Version, told.Now, told.Streams = a.cfg.Version, a.cfg.Now().UTC(), a.hub.count()
	seen := []Trouble{}
	for _, t := range told.Troubles[:min(len(told.Troubles), mostAsked)] {
		if len(seen) == mostTroubles {
			break
		}
		if _, err := a.cfg.Desk.Get(ctx, Actor(ctx), journal.ID{Name: t.Name, Attempt: t.Attempt}); err == nil {
			seen = append(seen, t)
		}
	}
	told.Troubles, told.Targets = seen, append([]Target{}, told.Targets...)
	return &systemOutput{Body: told}, nil
}
