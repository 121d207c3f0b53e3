package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/backtest"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

func (a *API) backtestOperations() {
	Register(a, huma.Operation{
		OperationID: "backtest-release", Method: http.MethodPost, Path: "/v1/backtest", Tags: []string{"releases"},
		Summary: "Tell what a release file would have done on past releases", Description: "What those releases observed is judged by the file, as `linnet backtest` judges recordings: the weights stay what they were, a step of the file changes the clock alone, approvals count as given. Nothing is begun.",
		RequestBody: orFile(),
	}, a.backtest)
}

// mostBacktested bounds how many past releases are played at once.
const mostBacktested = 20

// Backtesting is a release file that is to be played on past releases.
type Backtesting struct {
	File []byte
	// Service is whose last releases it is played on; empty for the file's own.
	// Releases are those to play it on instead, where they are named.
	Service  string
	Releases []journal.ID
	// Most bounds how many there are.
	Most int
}

// Backtested is what became of one of them.
type Backtested struct {
	Release journal.Summary
	Was     backtest.Was
	Result  backtest.Result
	// Unfit is why the file could not be played on it.
	Unfit error
}

type backtestInput struct {
	Body struct {
		File     string         `json:"file" doc:"The text of the release file."`
		Service  string         `json:"service,omitempty" maxLength:"200" doc:"The service whose last releases it is played on; the file's own without."`
		Releases []BacktestName `json:"releases,omitempty" maxItems:"20" doc:"The releases it is played on, instead."`
		Limit    int            `json:"limit,omitempty" minimum:"1" maximum:"20" default:"10" doc:"How many of the last releases at most."`
	}
}

// BacktestName names a release that has ended.
type BacktestName struct {
	Name    string `json:"name" maxLength:"200"`
	Attempt int    `json:"attempt" minimum:"1"`
}

// Backtest is what a release file would have done on past releases.
type Backtest struct {
	Items []BacktestItem `json:"items" nullable:"false" doc:"The release that was begun last first."`
}

// BacktestItem is what a release file would have done on one past release.
type BacktestItem struct {
	Name     string           `json:"name"`
	Attempt  int              `json:"attempt"`
	Outcome  string           `json:"outcome" enum:"promoted,rolled-back,aborted" doc:"How the release ended."`
	Recorded *BacktestOutcome `json:"recorded,omitempty" doc:"What was decided on it then; absent where nothing was."`
	File     *BacktestOutcome `json:"by_file,omitempty" doc:"What the file would have decided; absent where it does not fit."`
	Unfit    string           `json:"unfit,omitempty" doc:"Why the file could not be played on it: it measured other things, or its records are gone."`
}

// BacktestOutcome is a decision.
type BacktestOutcome struct {
	Outcome string  `json:"outcome" enum:"promoted,rolled-back,held" doc:"Held is neither, by the end of what the release observed."`
	After   float64 `json:"after_s" doc:"How long after the candidate first got traffic, in seconds; of held, when the last look was."`
	Step    int     `json:"step,omitempty" doc:"The file's step it was at, from 1."`
	Metric  string  `json:"metric,omitempty"`
	Segment string  `json:"segment,omitempty"`
	Reason  Reason  `json:"reason"`
}

type backtestOutput struct{ Body Backtest }

func (a *API) backtest(ctx context.Context, in *backtestInput) (*backtestOutput, error) {
	ask := Backtesting{File: []byte(in.Body.File), Service: in.Body.Service, Most: min(max(in.Body.Limit, 1), mostBacktested)}
	ask.Releases = each(in.Body.Releases, func(n BacktestName) journal.ID { return journal.ID{Name: n.Name, Attempt: n.Attempt} })
	played, err := a.cfg.Backtest(ctx, Actor(ctx), ask)
	if err != nil {
		return nil, err
	}
	return &backtestOutput{Backtest{Items: each(played, backtestOf)}}, nil
}

func backtestOf(b Backtested) BacktestItem {
	item := BacktestItem{Name: b.Release.ID.Name, Attempt: b.Release.ID.Attempt, Outcome: string(b.Release.Outcome)}
	if b.Was.Decided {
		item.Recorded = &BacktestOutcome{Outcome: string(b.Was.Outcome), After: b.Was.After.Seconds(), Reason: reasonOf(b.Was.Reason)}
	}
	if b.Unfit != nil {
		item.Unfit = release.Plain(b.Unfit)
		return item
	}
	r := b.Result
	item.File = &BacktestOutcome{Outcome: string(r.Outcome), After: r.At.Seconds(), Step: r.Step, Metric: r.Metric, Segment: r.Segment, Reason: reasonOf(r.Reason)}
	return item
}
