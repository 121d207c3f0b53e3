package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/annotation"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/stats"
)

func (a *API) serviceOperations() {
	Register(a, huma.Operation{
		OperationID: "list-services", Method: http.MethodGet, Path: "/v1/services", Tags: []string{"services"},
		Summary: "List services", Description: "What is known of each service from its releases, as far as whoever asks may see them.",
	}, a.services)
}

// Service is a service, as its releases tell.
type Service struct {
	Service      string        `json:"service" example:"checkout"`
	Team         string        `json:"team"`
	Environment  string        `json:"environment"`
	Running      *Release      `json:"running,omitempty" doc:"The release that was begun last and has not ended."`
	Last         *Release      `json:"last,omitempty" doc:"The release that was begun last of those that have ended."`
	Counts       Counts        `json:"counts"`
	Assessments  Assessments   `json:"assessments" doc:"What people said of how releases were decided."`
	ToProduction *ToProduction `json:"to_production,omitempty" doc:"How long the last promoted releases took; absent where none was promoted."`
	Releases     []PastRelease `json:"releases" nullable:"false" doc:"The last releases, the last begun first; at most 10."`
}

// Counts are how many releases ended how.
type Counts struct {
	Running    int `json:"running"`
	Promoted   int `json:"promoted"`
	RolledBack int `json:"rolled_back"`
	Aborted    int `json:"aborted"`
}

// Assessments are how many releases people judged how.
type Assessments struct {
	FalseAlarm int `json:"false_alarm" doc:"Stopped, and nothing was wrong with them."`
	Right      int `json:"right"`
	MissedHarm int `json:"missed_harm" doc:"Promoted, and did harm."`
}

// ToProduction is how long it takes from the beginning of a release to the
// decision that the candidate takes all traffic.
type ToProduction struct {
	Releases int     `json:"releases" minimum:"1" doc:"How many releases it is of: the last ones, at most 20."`
	Median   float64 `json:"median_s" doc:"In seconds."`
	P90      float64 `json:"p90_s" doc:"What nine of ten kept within, in seconds."`
}

// PastRelease is a release in a row of them.
type PastRelease struct {
	Name    string     `json:"name"`
	Attempt int        `json:"attempt" minimum:"1"`
	Outcome string     `json:"outcome" enum:"running,promoted,rolled-back,aborted"`
	Started time.Time  `json:"started"`
	Ended   *time.Time `json:"ended_at,omitempty" doc:"When nothing more was to happen to it; absent before."`
}

type servicesOutput struct {
	Body struct {
		Items []Service `json:"items" nullable:"false"`
	}
}

func (a *API) services(ctx context.Context, _ *struct{}) (*servicesOutput, error) {
	all, err := a.cfg.Desk.Services(ctx, Actor(ctx))
	if err == nil {
		err = a.cfg.Desk.Histories(ctx, "", all)
	}
	if err != nil {
		return nil, err
	}
	said, err := a.notes.Counts(ctx)
	if err != nil {
		return nil, err
	}
	out := &servicesOutput{}
	out.Body.Items = each(all, func(s control.Service) Service {
		return serviceOf(s, said[annotation.Of{Service: s.Name, Team: s.Team, Environment: s.Environment}])
	})
	return out, nil
}

func serviceOf(s control.Service, said map[annotation.Judgement]int) Service {
	form := func(of *journal.Summary) *Release {
		if of == nil {
			return nil
		}
		r := releaseOf(*of)
		return &r
	}
	return Service{
		Service: s.Name, Team: s.Team, Environment: s.Environment, Running: form(s.Running), Last: form(s.Last),
		Counts:       Counts{Running: s.Counts[""], Promoted: s.Counts[journal.Promoted], RolledBack: s.Counts[journal.RolledBack], Aborted: s.Counts[journal.Aborted]},
		Assessments:  Assessments{FalseAlarm: said[annotation.FalseAlarm], Right: said[annotation.Right], MissedHarm: said[annotation.MissedHarm]},
		ToProduction: toProduction(s.ToProduction), Releases: each(s.Releases, pastOf),
	}
}

func toProduction(took []time.Duration) *ToProduction {
	seconds := each(took, time.Duration.Seconds)
	median, some := stats.Quantile(seconds, 0.5)
	p90, _ := stats.Quantile(seconds, 0.9)
	if !some {
		return nil
	}
	return &ToProduction{Releases: len(took), Median: median, P90: p90}
}

func pastOf(p journal.Past) PastRelease {
	r := PastRelease{Name: p.ID.Name, Attempt: p.ID.Attempt, Outcome: string(p.Outcome), Started: p.Started}
	if p.Outcome == "" {
		r.Outcome = running
	} else {
		r.Ended = &p.Updated
	}
	return r
}
