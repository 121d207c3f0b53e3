package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/report"
)

// Named names an attempt in a path.
type Named struct {
	Name    string `path:"name" maxLength:"200" example:"checkout-1.5.0" doc:"The release's name."`
	Attempt string `path:"attempt" pattern:"^([1-9][0-9]{0,8}|latest)$" patternDescription:"a number from 1, or latest" example:"latest" doc:"Which attempt: a number from 1, or latest."`
}

// id is the attempt named, with 0 for the latest.
func (n Named) id() (journal.ID, error) {
	id := journal.ID{Name: n.Name}
	if n.Attempt != "latest" {
		number, err := strconv.Atoi(n.Attempt)
		if err != nil {
			return id, problem(http.StatusUnprocessableEntity, "attempt %q: expected a number from 1, or latest", n.Attempt)
		}
		id.Attempt = number
	}
	return id, nil
}

// find finds the release named, as far as whoever asks may see it.
func (a *API) find(ctx context.Context, n Named) (journal.Summary, error) {
	id, err := n.id()
	if err != nil {
		return journal.Summary{}, err
	}
	return a.cfg.Desk.Get(ctx, Actor(ctx), id)
}

func (a *API) releaseOperations() {
	tags := []string{"releases"}
	Register(a, huma.Operation{
		OperationID: "list-releases", Method: http.MethodGet, Path: "/v1/releases", Tags: tags,
		Summary: "List releases", Description: "The last begun first, as far as whoever asks may see them. A page may hold fewer than limit although there are more: go on while there is a next.",
	}, a.listReleases)
	Register(a, huma.Operation{
		OperationID: "create-release", Method: http.MethodPost, Path: "/v1/releases", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Begin a release", Description: "The same file twice is one release: 201 where it was begun just now, 200 where it was there, unfinished or ended. Everything wrong with the file comes back at once, with line and column.",
		Responses:   also("200", "The release was there before; created is false.", Created{}, a),
		RequestBody: orFile(),
	}, a.createRelease)
	Register(a, huma.Operation{
		OperationID: "get-release", Method: http.MethodGet, Path: "/v1/releases/{name}/{attempt}", Tags: tags,
		Summary: "Tell how a release stands", Responses: unchanged(),
	}, a.getRelease)
	Register(a, huma.Operation{
		OperationID: "get-record", Method: http.MethodGet, Path: "/v1/releases/{name}/{attempt}/record", Tags: tags,
		Summary: "Get the decision record", Description: "Every decision and the evidence for it, as `linnet release show --json` prints it.", Responses: unchanged(),
	}, a.getRecord)
	Register(a, huma.Operation{
		OperationID: "get-file", Method: http.MethodGet, Path: "/v1/releases/{name}/{attempt}/file", Tags: tags,
		Summary: "Get the release file", Description: "As it was when the release began.",
		Responses: map[string]*huma.Response{"200": {Description: "The file.", Content: map[string]*huma.MediaType{
			"application/yaml": {Schema: &huma.Schema{Type: huma.TypeString}}}}},
	}, a.getFile)
}

// orFile describes a body that may be a release file as it is.
func orFile() *huma.RequestBody {
	return &huma.RequestBody{Content: map[string]*huma.MediaType{
		yaml: {Schema: &huma.Schema{Type: huma.TypeString, Description: "The release file as it is."}}}}
}

// unchanged describes the answer to a question with If-None-Match.
func unchanged() map[string]*huma.Response {
	return map[string]*huma.Response{"304": {Description: "Nothing has happened since the record that If-None-Match names."}}
}

type listInput struct {
	Service     string `query:"service" maxLength:"200" doc:"Only of this service."`
	Team        string `query:"team" maxLength:"200" doc:"Only with this label team."`
	Environment string `query:"environment" maxLength:"200" doc:"Only with this label environment."`
	Outcome     string `query:"outcome" enum:"promoted,rolled-back,aborted" doc:"Only those that ended so."`
	State       string `query:"state" enum:"running,ended" doc:"Only those that have ended, or have not."`
	Text        string `query:"q" maxLength:"200" doc:"Only with this in their name or service."`
	Limit       int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many at most."`
	Cursor      string `query:"cursor" maxLength:"200" doc:"The next of the page before."`
}

// Releases is a page of them.
type Releases struct {
	Items []Release `json:"items" nullable:"false"`
	Next  string    `json:"next,omitempty" doc:"The cursor of the next page; absent after the last one."`
}

type listOutput struct{ Body Releases }

func (a *API) listReleases(ctx context.Context, in *listInput) (*listOutput, error) {
	before, err := place(releasesForm, in.Cursor)
	if err != nil {
		return nil, err
	}
	page, err := a.cfg.Desk.List(ctx, Actor(ctx), journal.Choice{
		Service: in.Service, Team: in.Team, Environment: in.Environment, Outcome: journal.Outcome(in.Outcome),
		Unfinished: in.State == running, Ended: in.State == "ended", Text: in.Text, Before: before, Most: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	return &listOutput{Body: Releases{Items: each(page.Releases, releaseOf), Next: cursor(releasesForm, page.Next)}}, nil
}

type createInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"200" doc:"Makes a request that is sent twice one."`
	Body           struct {
		File   string `json:"file" doc:"The text of the release file."`
		Again  bool   `json:"again,omitempty" doc:"Begin the next attempt where the last one has ended."`
		Reason string `json:"reason,omitempty" maxLength:"1000" doc:"Why, for the audit."`
		Glass  string `json:"glass,omitempty" maxLength:"1000" doc:"Why it must begin although it does not meet the guard rails; takes the permission to break the glass."`
	}
}

// Created is what became of a file.
type Created struct {
	Created bool    `json:"created" doc:"It was begun just now; otherwise it was there."`
	Release Release `json:"release"`
	// Overridden are guard rails that the glass was broken for.
	Overridden []Finding `json:"overridden,omitempty" doc:"The guard rails that the glass was broken for."`
}

type createOutput struct {
	Status   int
	Location string `header:"Location" doc:"Where the release is."`
	ETag     string `header:"ETag" doc:"The sequence of its last record."`
	Body     Created
}

func (a *API) createRelease(ctx context.Context, in *createInput) (*createOutput, error) {
	made, err := a.cfg.Desk.Create(ctx, Actor(ctx), control.Creation{
		Name: "file", File: []byte(in.Body.File), Again: in.Body.Again, Reason: in.Body.Reason, Glass: in.Body.Glass,
	})
	if err != nil {
		return nil, err
	}
	return created(made), nil
}

func created(made control.Created) *createOutput {
	out := &createOutput{Status: http.StatusOK, Location: fmt.Sprintf("/v1/releases/%s/%d", made.ID.Name, made.ID.Attempt),
		ETag: etag(made.Release.Seq), Body: Created{Created: made.Fresh, Release: releaseOf(made.Release), Overridden: findings(made.Overridden)}}
	if made.Fresh {
		out.Status = http.StatusCreated
	}
	return out
}

type getInput struct {
	Named
	Unless
}

// Unless asks for what is new only.
type Unless struct {
	IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"The ETag of what is known; 304 where nothing has happened since."`
}

// known says that whoever asks has what there is.
func (u Unless) known(tag string) bool {
	for one := range strings.SplitSeq(u.IfNoneMatch, ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == tag || one == "*" {
			return true
		}
	}
	return false
}

type releaseOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The sequence of its last record."`
	Body   *Release
}

func (a *API) getRelease(ctx context.Context, in *getInput) (*releaseOutput, error) {
	s, err := a.find(ctx, in.Named)
	if err != nil {
		return nil, err
	}
	r, tag := releaseOf(s), etag(s.Seq)
	if s.Ended() {
		said, there, err := a.notes.Assessment(ctx, s.ID)
		if err != nil {
			return nil, err
		}
		if there {
			r.Assessment = assessmentOf(said)
		}
	}
	// What people say of it leaves no record, and may have changed.
	if r.Assessment == nil && in.known(tag) {
		return &releaseOutput{Status: http.StatusNotModified, ETag: tag}, nil
	}
	return &releaseOutput{Status: http.StatusOK, ETag: tag, Body: &r}, nil
}

type recordInput struct {
	Named
	Unless
	Brief bool `query:"brief" doc:"Only how it stands and on what evidence: decisions, effects and all else that only its records tell is left out. For lists of many."`
}

type recordOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The sequence of its last record."`
	Body   *report.Release
}

func (a *API) getRecord(ctx context.Context, in *recordInput) (*recordOutput, error) {
	s, err := a.find(ctx, in.Named)
	if err != nil {
		return nil, err
	}
	if tag := etag(s.Seq); in.known(tag) {
		return &recordOutput{Status: http.StatusNotModified, ETag: tag}, nil
	}
	read := a.cfg.Desk.Record
	if in.Brief {
		read = a.cfg.Desk.Brief
	}
	r, err := read(ctx, Actor(ctx), s.ID)
	if err != nil {
		return nil, err
	}
	return &recordOutput{Status: http.StatusOK, ETag: etag(r.Records), Body: &r}, nil
}

type fileOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (a *API) getFile(ctx context.Context, in *struct{ Named }) (*fileOutput, error) {
	s, err := a.find(ctx, in.Named)
	if err != nil {
		return nil, err
	}
	text, err := a.cfg.Desk.File(ctx, Actor(ctx), s.ID)
	if err != nil {
		return nil, err
	}
	return &fileOutput{ContentType: "application/yaml", Body: text}, nil
}
