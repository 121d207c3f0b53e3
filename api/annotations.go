package api

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/annotation"
	"github.com/linnet-project/linnet/control"
)

func (a *API) annotationOperations() {
	Register(a, huma.Operation{
		OperationID: "list-annotations", Method: http.MethodGet, Path: "/v1/annotations", Tags: []string{"annotations"},
		Summary:     "List marks on charts, the last first",
		Description: "Deploys, changes of configuration, incidents and notes that people and other programs sent. Whoever may see a release sees what is shown on it. A page may hold fewer than limit although there are more: go on while there is a next.",
	}, a.listAnnotations)
	Register(a, huma.Operation{
		OperationID: "create-annotation", Method: http.MethodPost, Path: "/v1/annotations", Tags: []string{"annotations"}, DefaultStatus: http.StatusCreated,
		Summary: "Put a mark on the charts of releases", Description: "It decides nothing. One without a service is shown on all releases, and takes a right that holds for all. Of each service the last 5,000 are kept, and none for longer than releases are.",
	}, a.createAnnotation)
	Register(a, huma.Operation{
		OperationID: "assess-release", Method: http.MethodPost, Path: "/v1/releases/{name}/{attempt}/assessment", Tags: []string{"annotations"},
		Summary: "Say whether Linnet was right about a release", Description: "Of a release that has ended. The last word counts; the audit has those before it.",
	}, a.assess)
}

// Annotation is a mark on the charts of releases.
type Annotation struct {
	ID          string     `json:"id"`
	Kind        string     `json:"kind" enum:"deploy,config,incident,note"`
	Title       string     `json:"title" example:"the database was moved"`
	Text        string     `json:"text"`
	URL         string     `json:"url" doc:"Where to read on; empty for nowhere."`
	Service     string     `json:"service" doc:"The releases that it is shown on: of this service; empty for all."`
	Team        string     `json:"team" doc:"Likewise by the label team."`
	Environment string     `json:"environment" doc:"Likewise by the label environment."`
	Time        time.Time  `json:"time" doc:"When it was, or began."`
	Until       *time.Time `json:"until,omitempty" doc:"When it ended; absent for an instant."`
	By          string     `json:"by" doc:"Who sent it."`
}

func annotationOf(m annotation.Mark) Annotation {
	out := Annotation{
		ID: strconv.FormatInt(m.ID, 10), Kind: string(m.Kind), Title: m.Title, Text: m.Text, URL: m.URL,
		Service: m.Service, Team: m.Team, Environment: m.Environment, Time: m.At, By: m.By,
	}
	if !m.Until.IsZero() {
		out.Until = &m.Until
	}
	return out
}

type annotateInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"200" doc:"Makes a request that is sent twice one."`
	Body           struct {
		Kind        string    `json:"kind" enum:"deploy,config,incident,note"`
		Title       string    `json:"title" minLength:"1" maxLength:"200" example:"the database was moved" doc:"One line."`
		Text        string    `json:"text,omitempty" maxLength:"4000"`
		URL         string    `json:"url,omitempty" maxLength:"2000" example:"https://status.example.com/42" doc:"Where to read on: http or https."`
		Service     string    `json:"service,omitempty" maxLength:"200" doc:"Only on releases of this service; all without."`
		Team        string    `json:"team,omitempty" maxLength:"200" doc:"Only on those with this label team."`
		Environment string    `json:"environment,omitempty" maxLength:"200" doc:"Only on those with this label environment."`
		Time        time.Time `json:"time,omitempty" doc:"When it was, or began; now without."`
		Until       time.Time `json:"until,omitempty" doc:"When it ended; without, it is an instant."`
	}
}

type annotateOutput struct{ Body Annotation }

func (a *API) createAnnotation(ctx context.Context, in *annotateInput) (*annotateOutput, error) {
	now, who, b := a.cfg.Now(), Actor(ctx), in.Body
	m := annotation.Mark{
		Kind: annotation.Kind(b.Kind), Title: b.Title, Text: b.Text, URL: b.URL,
		Service: b.Service, Team: b.Team, Environment: b.Environment, At: b.Time, Until: b.Until, By: who.Name,
	}
	if m.At.IsZero() {
		m.At = now
	}
	entry := control.Entry{At: now, Who: who, What: "annotation.create", Object: m.Service, After: fmt.Sprintf("%s: %s", m.Kind, m.Title)}
	if err := a.cfg.Desk.AllowIf(ctx, access.Annotate, aboutMark(m), entry, func() error { return m.Check(now) }); err != nil {
		return nil, err
	}
	m, err := a.notes.Put(ctx, m, now)
	if err != nil {
		return nil, err
	}
	return &annotateOutput{annotationOf(m)}, nil
}

// aboutMark is what permission on a mark is about.
func aboutMark(m annotation.Mark) access.Resource {
	return access.Resource{Service: m.Service, Team: m.Team, Environment: m.Environment}
}

type annotationsInput struct {
	Service     string    `query:"service" maxLength:"200" doc:"Only what is shown on releases of this service."`
	Team        string    `query:"team" maxLength:"200" doc:"Only what is shown on releases with this label team."`
	Environment string    `query:"environment" maxLength:"200" doc:"Only what is shown on releases with this label environment."`
	From        time.Time `query:"from" doc:"Only what was not over before then."`
	To          time.Time `query:"to" doc:"Only what began before then."`
	Limit       int       `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"How many at most."`
	Cursor      string    `query:"cursor" maxLength:"200" doc:"The next of the page before."`
}

// Annotations is a page of them.
type Annotations struct {
	Items []Annotation `json:"items" nullable:"false"`
	Next  string       `json:"next,omitempty" doc:"The cursor of the next page; absent after the last one."`
}

type annotationsOutput struct{ Body Annotations }

// markCursor is a place among marks as clients carry it; see cursor.
func markCursor(p annotation.Place) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "m1.%d.%d", p.At, p.ID))
}

// markPlace is what a cursor stands for; zero for none.
func markPlace(text string) (p annotation.Place, err error) {
	if text == "" {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		_, err = fmt.Sscanf(string(raw), "m1.%d.%d", &p.At, &p.ID)
	}
	if err != nil || markCursor(p) != text {
		return p, errCursor()
	}
	return p, nil
}

func (a *API) listAnnotations(ctx context.Context, in *annotationsInput) (*annotationsOutput, error) {
	c := annotation.Choice{Service: in.Service, Team: in.Team, Environment: in.Environment, From: in.From, To: in.To, Most: in.Limit}
	var err error
	if c.Before, err = markPlace(in.Cursor); err != nil {
		return nil, err
	}
	found, err := a.notes.List(ctx, c)
	if err != nil {
		return nil, err
	}
	sees := a.seesMarks(ctx)
	out := &annotationsOutput{Body: Annotations{Items: []Annotation{}}}
	for _, m := range found {
		seen, err := sees(m)
		if err != nil {
			return nil, err
		}
		if seen {
			out.Body.Items = append(out.Body.Items, annotationOf(m))
		}
	}
	if len(found) == in.Limit {
		out.Body.Next = markCursor(found[len(found)-1].Place())
	}
	return out, nil
}

// seesMarks tells of each mark whether whoever asks may see it: what is about a
// part of a service is theirs to see, and what is shown on a release that is.
func (a *API) seesMarks(ctx context.Context) func(annotation.Mark) (bool, error) {
	who := Actor(ctx)
	var services []control.Service
	asked := false
	return func(m annotation.Mark) (bool, error) {
		if a.cfg.Desk.Sees(who, aboutMark(m)) {
			return true, nil
		}
		if !asked {
			var err error
			if services, err = a.cfg.Desk.Services(ctx, who); err != nil {
				return false, err
			}
			asked = true
		}
		for _, s := range services {
			if m.On(s.Name, s.Team, s.Environment) {
				return true, nil
			}
		}
		return false, nil
	}
}

// Assessment is what a person says of how Linnet decided a release.
type Assessment struct {
	Judgement string    `json:"judgement" enum:"false-alarm,right,missed-harm" doc:"false-alarm: it was stopped, and nothing was wrong with it. missed-harm: it was promoted, and did harm."`
	Reason    string    `json:"reason"`
	By        string    `json:"by"`
	Time      time.Time `json:"time"`
}

func assessmentOf(a annotation.Assessment) *Assessment {
	return &Assessment{Judgement: string(a.Judgement), Reason: a.Reason, By: a.By, Time: a.At.UTC()}
}

type assessInput struct {
	Named
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"200" doc:"Makes a request that is sent twice one."`
	Body           struct {
		Judgement string `json:"judgement" enum:"false-alarm,right,missed-harm"`
		Reason    string `json:"reason" minLength:"1" maxLength:"1000" doc:"Why; others will read it."`
	}
}

type assessOutput struct{ Body Assessment }

func (a *API) assess(ctx context.Context, in *assessInput) (*assessOutput, error) {
	s, err := a.find(ctx, in.Named)
	if err != nil {
		return nil, err
	}
	before, said, err := a.notes.Assessment(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	now, who := a.cfg.Now(), Actor(ctx)
	says := annotation.Assessment{Judgement: annotation.Judgement(in.Body.Judgement), Reason: in.Body.Reason, By: who.Name, At: now}
	entry := control.Entry{At: now, Who: who, What: "release.assess", Object: s.ID.String(), Reason: says.Reason, After: string(says.Judgement)}
	if said {
		entry.Before = string(before.Judgement)
	}
	on, err := a.cfg.Desk.AboutRelease(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	if err := a.cfg.Desk.AllowIf(ctx, access.Annotate, on, entry, func() error { return says.Check(s) }); err != nil {
		return nil, err
	}
	if err := a.notes.Assess(ctx, s, says); err != nil {
		return nil, err
	}
	return &assessOutput{*assessmentOf(says)}, nil
}
