package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/annotation"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
	"github.com/linnet-project/linnet/stats"
)

func (a *API) serviceOperations() {
	Register(a, huma.Operation{
		OperationID: "list-services", Method: http.MethodGet, Path: "/v1/services", Tags: []string{"services"},
		Summary: "List services", Description: "What is known of each service from its releases, as far as whoever asks may see them.",
	}, a.services)
	Register(a, huma.Operation{
		OperationID: "get-service", Method: http.MethodGet, Path: "/v1/services/{service}", Tags: []string{"services"},
		Summary: "Tell of one service, with the usual noise of its metrics", Description: "By team and environment, as far as whoever asks may see its releases.",
	}, a.service)
}

// ServiceNoise is a service with the usual noise of its metrics.
type ServiceNoise struct {
	Service
	Metrics []MetricNoise `json:"metrics" nullable:"false"`
	Missing int           `json:"metrics_missing,omitempty" doc:"How many releases were not read yet: ask again."`
}

// MetricNoise is what the baseline usually does by one metric.
type MetricNoise struct {
	Metric string         `json:"metric"`
	Kind   string         `json:"kind" enum:"ratio,count,histogram,gauge"`
	Worse  string         `json:"worse" enum:"higher,lower"`
	Bound  *float64       `json:"bound,omitempty" doc:"Of a histogram: levels are the shares of values beyond it, about a hundredth."`
	Median float64        `json:"median" doc:"Of the levels."`
	Low    float64        `json:"low" doc:"What a tenth of the levels lie below."`
	High   float64        `json:"high" doc:"What a tenth of the levels lie above."`
	Levels []report.Level `json:"levels" nullable:"false" doc:"The baseline in the last ended releases, the last first; at most 10."`
}

type serviceInput struct {
	Service     string `path:"service" maxLength:"200" example:"checkout" doc:"The service's name."`
	Team        string `query:"team" maxLength:"200" doc:"Only with this label team."`
	Environment string `query:"environment" maxLength:"200" doc:"Only with this label environment."`
}

type serviceOutput struct {
	Body struct {
		Items []ServiceNoise `json:"items" nullable:"false"`
	}
}

func (a *API) service(ctx context.Context, in *serviceInput) (*serviceOutput, error) {
	all, err := a.cfg.Desk.Services(ctx, Actor(ctx))
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(s control.Service) bool {
		return s.Name != in.Service || in.Team != "" && s.Team != in.Team || in.Environment != "" && s.Environment != in.Environment
	})
	if len(all) == 0 {
		return nil, fmt.Errorf("there is no service %q that you may see; the list of services shows which there are: %w", in.Service, release.ErrNotFound)
	}
	if err := a.cfg.Desk.Histories(ctx, in.Service, all); err != nil {
		return nil, err
	}
	said, err := a.notes.Counts(ctx)
	if err != nil {
		return nil, err
	}
	out := &serviceOutput{}
	for _, s := range all[:min(len(all), mostNoisy)] {
		noise, missing, err := a.cfg.Desk.Noise(ctx, Actor(ctx), s)
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, ServiceNoise{Missing: missing, Metrics: each(noise, noiseOf),
			Service: serviceOf(s, said[annotation.Of{Service: s.Name, Team: s.Team, Environment: s.Environment}])})
	}
	return out, nil
}

// mostNoisy bounds of how many teams and environments a service is told at once.
const mostNoisy = 10

func noiseOf(n control.Noise) MetricNoise {
	m := MetricNoise{Metric: n.Metric, Kind: string(n.Kind), Worse: string(n.Worse), Levels: append([]report.Level{}, n.Levels...)}
	if n.Kind == release.Histogram {
		m.Bound = &n.Bound
	}
	values := each(n.Levels, func(l report.Level) float64 { return l.Value })
	m.Median, _ = stats.Quantile(values, 0.5)
	m.Low, _ = stats.Quantile(values, 0.1)
	m.High, _ = stats.Quantile(values, 0.9)
	return m
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
