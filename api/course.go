package api

import (
	"context"
	"encoding/hex"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/report"
)

func (a *API) courseOperations() {
	tags := []string{"releases"}
	Register(a, huma.Operation{
		OperationID: "get-course", Method: http.MethodGet, Path: "/v1/releases/{name}/{attempt}/course", Tags: tags,
		Summary: "Get the course of a release", Description: "What both arms did over time and what it came to, metric by metric, for charts. " +
			"A long release that nobody asked for lately is read piece by piece: where records is less than records_total, what is told is its beginning, without an ETag, and who asks again gets more.",
		Responses: unchanged(),
	}, a.getCourse)
	Register(a, huma.Operation{
		OperationID: "replay-release", Method: http.MethodGet, Path: "/v1/releases/{name}/{attempt}/replay", Tags: tags,
		Summary: "Compute a release again", Description: "From its first record, as `linnet replay` does: holds every decision against what is recorded, and the chain of hashes against the records. 503 where that takes too long here.",
	}, a.replayRelease)
}

type courseInput struct {
	Named
	Unless
	Points  int    `query:"points" minimum:"50" maximum:"2000" default:"500" doc:"How many points a track has at most; longer courses are told by longer stretches."`
	Metric  string `query:"metric" maxLength:"200" doc:"Only the tracks of this metric."`
	Segment string `query:"segment" maxLength:"1000" example:"region=eu" doc:"The tracks of this segment; without it those of metrics as a whole."`
}

type courseOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The sequence of its last record; absent where not all is told."`
	Body   *report.Course
}

func (a *API) getCourse(ctx context.Context, in *courseInput) (*courseOutput, error) {
	s, err := a.find(ctx, in.Named)
	if err != nil {
		return nil, err
	}
	if tag := etag(s.Seq); in.known(tag) {
		return &courseOutput{Status: http.StatusNotModified, ETag: tag}, nil
	}
	c, err := a.cfg.Desk.Course(ctx, Actor(ctx), s.ID, report.Wanted{Points: in.Points, Metric: in.Metric, Segment: in.Segment})
	if err != nil {
		return nil, err
	}
	out := &courseOutput{Status: http.StatusOK, Body: &c}
	if c.Records == c.Total && c.HistoryMissing == 0 {
		out.ETag = etag(c.Records)
	}
	return out, nil
}

type replayInput struct {
	Named
	Seq uint64 `query:"seq" maximum:"9007199254740991" doc:"Up to this record; without it, all of them."`
}

// Replayed is what a release came to when it was computed again.
type Replayed struct {
	Records   uint64 `json:"records" doc:"How many records were read; all decisions up to it were computed again."`
	Same      bool   `json:"same" doc:"All decisions are those that are recorded."`
	DiffersAt uint64 `json:"differs_at,omitempty" doc:"The first record whose decision is another one."`
	Chain     Chain  `json:"chain"`
	Methods   int    `json:"methods" doc:"The version of the methods that it is judged by."`
	// Decision and Recorded are of the first record that differs, else of the last.
	Decision Recomputed `json:"decision" doc:"As computed now: of the first record that differs, else of the last."`
	Recorded Recomputed `json:"recorded" doc:"As recorded, of the same record."`
}

// Chain says whether the records are what was written.
type Chain struct {
	Holds  bool   `json:"holds" doc:"Each record goes with its hash and the one before it."`
	Head   string `json:"head" doc:"The hash of the last record that it holds up to, in hexadecimal digits."`
	Broken string `json:"broken,omitempty" doc:"Where it does not hold, and why."`
}

// Recomputed is a decision, as computed or as recorded.
type Recomputed struct {
	Seq      uint64 `json:"seq"`
	Decision string `json:"decision"`
	Phase    string `json:"phase"`
	Step     int    `json:"step"`
	Weight   string `json:"weight"`
	Reason   Reason `json:"reason"`
	Verdict  string `json:"verdict,omitempty" enum:"pass,fail,wait" doc:"Of a look."`
	Metric   string `json:"metric,omitempty" doc:"What decided it."`
	Segment  string `json:"segment,omitempty"`
}

func recomputedOf(seq uint64, d engine.Decision) Recomputed {
	out := Recomputed{Seq: seq, Decision: string(d.Kind), Phase: string(d.Phase), Step: d.Step, Weight: engine.Percent(d.Weight), Reason: reasonOf(d.Reason)}
	if v := d.Verdict; v != nil {
		out.Verdict, out.Metric, out.Segment = string(v.Outcome), v.Metric, v.Segment
	}
	return out
}

type replayOutput struct{ Body Replayed }

func (a *API) replayRelease(ctx context.Context, in *replayInput) (*replayOutput, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	done, err := a.cfg.Desk.Replay(ctx, Actor(ctx), id, in.Seq)
	if err != nil {
		return nil, err
	}
	out := Replayed{Records: done.Records, Same: done.Differ == 0 && done.Broken == nil, DiffersAt: done.DiffersAt, Methods: done.Methods,
		Chain:    Chain{Holds: done.Broken == nil, Head: hex.EncodeToString(done.Head[:])},
		Decision: recomputedOf(done.Recorded.Seq, done.Recomputed), Recorded: recomputedOf(done.Recorded.Seq, done.Recorded.Decision)}
	if done.Broken != nil {
		out.Chain.Broken = done.Broken.Error()
	}
	return &replayOutput{Body: out}, nil
}
