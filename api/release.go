package api

import (
	"strconv"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

// Release is how a release stands.
type Release struct {
	Name          string     `json:"name" example:"checkout-1.5.0" doc:"What the release file calls it."`
	Attempt       int        `json:"attempt" minimum:"1" doc:"Which attempt at it, from 1."`
	Service       string     `json:"service" example:"checkout"`
	Team          string     `json:"team" doc:"The file's label team; empty where it has none."`
	Environment   string     `json:"environment" doc:"The file's label environment; empty where it has none."`
	Author        string     `json:"author" doc:"Who began it; empty where nobody is known."`
	Outcome       string     `json:"outcome" enum:"running,promoted,rolled-back,aborted" doc:"How it ended; running before that."`
	Ended         bool       `json:"ended" doc:"Nothing more will happen to it."`
	Phase         string     `json:"phase" enum:"scheduled,shifting,warming up,observing,waiting for approval,paused,held,failed,promoting,watching after promotion,rolling back,watching recovery,promoted,rolled back"`
	Step          int        `json:"step" minimum:"0" doc:"From 1; 0 before the first and when it has withdrawn below it."`
	Weight        string     `json:"weight" example:"5 %" doc:"The candidate's share of the traffic, as recorded."`
	WeightPercent float64    `json:"weight_percent" minimum:"0" maximum:"100"`
	Reason        Reason     `json:"reason"`
	Started       time.Time  `json:"started"`
	Updated       time.Time  `json:"updated" doc:"When its last record was written."`
	Promoted      *time.Time `json:"promoted_at,omitempty" doc:"When it was decided that the candidate takes all traffic; absent where it was not."`
	Records       uint64     `json:"records" minimum:"1" doc:"How many records it has: the sequence of the last one, and its ETag."`
	FileSHA256    string     `json:"file_sha256" doc:"Of the release file's text, in hexadecimal digits."`
	Pruned        bool       `json:"pruned" doc:"Retention has removed its records; this is what is left."`

	Assessment *Assessment `json:"assessment,omitempty" doc:"What a person said of how it was decided; only where one release is asked for, and absent where nobody said anything."`
}

// Reason is a stable code and one plain sentence.
type Reason struct {
	Code string `json:"code" example:"step-passed" doc:"For programs."`
	Text string `json:"text" doc:"For people."`
}

// running is the outcome of a release that has not ended.
const running = "running"

func releaseOf(s journal.Summary) Release {
	r := Release{
		Name: s.ID.Name, Attempt: s.ID.Attempt, Service: s.Service, Team: s.Team, Environment: s.Environment, Author: s.Author,
		Outcome: string(s.Outcome), Ended: s.Ended(), Phase: string(s.Phase), Step: max(0, s.Step),
		Weight: engine.Percent(s.Weight), WeightPercent: percent(s.Weight), Reason: reasonOf(s.Reason),
		Started: s.Started.UTC(), Updated: s.Updated.UTC(), Records: s.Seq, FileSHA256: s.FileHash, Pruned: s.Pruned,
	}
	if !s.Ended() {
		r.Outcome = running
	}
	if !s.Promoted.IsZero() {
		r.Promoted = &s.Promoted
	}
	return r
}

func reasonOf(r release.Reason) Reason { return Reason{Code: string(r.Code), Text: r.Text} }

// percent is a weight in percent.
func percent(w release.Weight) float64 { return float64(w) / (float64(release.Whole) / 100) }

// each converts a slice; nothing stays an empty list, which JSON tells from null.
func each[A, B any](in []A, convert func(A) B) []B {
	out := make([]B, len(in))
	for i := range in {
		out[i] = convert(in[i])
	}
	return out
}

// etag is what a record's sequence is called in ETag, If-Match and If-None-Match.
func etag(seq uint64) string { return `"` + strconv.FormatUint(seq, 10) + `"` }
