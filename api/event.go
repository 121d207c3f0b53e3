package api

import (
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/judge"
)

// Event is one record of a release: what happened, what was decided on it, and
// what is to be done.
type Event struct {
	Name          string    `json:"name" doc:"The release's name."`
	Attempt       int       `json:"attempt" minimum:"1"`
	Seq           uint64    `json:"seq" minimum:"1" doc:"Counts the release's records from 1."`
	Time          time.Time `json:"time" doc:"When the record was written."`
	Event         string    `json:"event" enum:"started,looked,acknowledged,commanded" doc:"What happened."`
	Decision      string    `json:"decision" enum:"stay,start,advance,hold,step-back,correct,roll-back,promote,await-approval,pause,resume,finish,refuse,approval" doc:"What was decided on it."`
	Phase         string    `json:"phase" doc:"The phase after it; see Release."`
	Step          int       `json:"step" minimum:"0" doc:"The step after it."`
	Weight        string    `json:"weight" example:"5 %" doc:"The candidate's weight after it."`
	WeightPercent float64   `json:"weight_percent" minimum:"0" maximum:"100"`
	Reason        Reason    `json:"reason"`
	Who           string    `json:"who,omitempty" doc:"Who ordered it."`
	Quiet         bool      `json:"quiet" doc:"A look in which nothing happened."`
	Verdict       *Verdict  `json:"verdict,omitempty" doc:"What a look came to."`
	Effects       []Effect  `json:"effects" nullable:"false" doc:"What is to be done."`
}

// Verdict is what a look came to, by the comparison that decides.
type Verdict struct {
	Verdict  string  `json:"verdict" enum:"pass,fail,wait"`
	Reason   Reason  `json:"reason"`
	Metric   string  `json:"metric,omitempty"`
	Segment  string  `json:"segment,omitempty" example:"region=eu"`
	Progress float64 `json:"progress" minimum:"0" maximum:"1" doc:"How near the evidence of harm is to its threshold: the quotient of their logarithms."`
}

// Effect is something to be done to the world.
type Effect struct {
	ID            string   `json:"id" example:"checkout-1.5.0/1/7/0"`
	Effect        string   `json:"effect" enum:"set-weight,notice"`
	Weight        string   `json:"weight,omitempty"`
	WeightPercent *float64 `json:"weight_percent,omitempty"`
	Title         string   `json:"title,omitempty" doc:"Of a notice."`
}

func eventOf(id journal.ID, rec journal.Record) Event {
	d := rec.Decision
	return Event{
		Name: id.Name, Attempt: id.Attempt, Seq: rec.Seq, Time: rec.At.UTC(), Event: eventName(rec.Event),
		Decision: string(d.Kind), Phase: string(d.Phase), Step: max(0, d.Step), Weight: engine.Percent(d.Weight), WeightPercent: percent(d.Weight),
		Reason: reasonOf(d.Reason), Who: d.Who, Quiet: rec.Quiet(), Verdict: verdictOf(d.Verdict), Effects: each(rec.Effects, effectOf),
	}
}

func eventName(e engine.Event) string {
	switch e.(type) {
	case engine.Started:
		return "started"
	case engine.Looked:
		return "looked"
	case engine.Acknowledged:
		return "acknowledged"
	}
	return "commanded"
}

func verdictOf(v *judge.Verdict) *Verdict {
	if v == nil {
		return nil
	}
	out := &Verdict{Verdict: string(v.Outcome), Reason: reasonOf(v.Reason), Metric: v.Metric, Segment: v.Segment}
	for _, c := range v.Comparisons {
		if c.Metric == v.Metric && c.Segment == v.Segment && c.LogThreshold > 0 {
			out.Progress = min(max(c.LogE/c.LogThreshold, 0), 1)
		}
	}
	return out
}

func effectOf(e engine.Effect) Effect {
	out := Effect{ID: e.ID().String(), Effect: "notice"}
	switch e := e.(type) {
	case engine.SetRoute:
		weight := engine.CandidateWeight(e.Route)
		share := percent(weight)
		out.Effect, out.Weight, out.WeightPercent = "set-weight", engine.Percent(weight), &share
	case engine.Notify:
		out.Title = e.Notice.Title
	}
	return out
}
