package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/gitops"
	"github.com/linnet-project/linnet/journal"
)

// Folders adds the operation that tells how folders of release files stand.
func (a *API) Folders(states func() []gitops.State) {
	Register(a, huma.Operation{
		OperationID: "list-folders", Method: http.MethodGet, Path: "/v1/folders", Tags: []string{"releases"},
		Summary: "Tell how the folders of release files stand", Description: "Each file as the last look of this replica found it: applied, changed since, refused, gone. Of files about what whoever asks may see.",
	}, func(ctx context.Context, _ *struct{}) (*foldersOutput, error) {
		out := &foldersOutput{}
		out.Body.Items = each(states(), func(s gitops.State) Folder { return a.folder(Actor(ctx), s) })
		return out, nil
	})
}

type foldersOutput struct {
	Body struct {
		Items []Folder `json:"items" nullable:"false"`
	}
}

// Folder is a folder whose release files are applied.
type Folder struct {
	Folder  string       `json:"folder" example:"/srv/releases"`
	At      *time.Time   `json:"at,omitempty" doc:"When the last look ended; absent before the first."`
	Trouble []string     `json:"trouble,omitempty" doc:"What could not be looked at, and why."`
	Files   []FolderFile `json:"files" nullable:"false"`
}

// FolderFile is a file of a folder.
type FolderFile struct {
	Path          string     `json:"path" example:"shop/checkout.yaml"`
	Condition     string     `json:"condition" enum:"waiting,applied,drift,refused,gone,other" doc:"How it stands to its release."`
	Since         time.Time  `json:"since" doc:"When this replica first found it so."`
	SHA256        string     `json:"sha256" doc:"Of the file."`
	Release       string     `json:"release,omitempty" example:"checkout-1.5.0/1" doc:"The last attempt of its name."`
	ReleaseSHA256 string     `json:"release_sha256,omitempty" doc:"Of the file that this attempt was begun with."`
	Text          string     `json:"text" doc:"What it means and what to do."`
	Errors        []Fault    `json:"errors,omitempty" doc:"What is wrong with the file."`
	NextTry       *time.Time `json:"next_try,omitempty" doc:"When a refused file is asked for again by itself."`
}

// folder is one as far as somebody may see it.
func (a *API) folder(who access.Actor, s gitops.State) Folder {
	f := Folder{Folder: s.Folder, At: moment(s.At), Files: []FolderFile{}}
	if a.cfg.Desk.Sees(who, access.Resource{}) {
		f.Trouble = s.Trouble
	}
	for _, file := range s.Files {
		on := access.Resource{Service: file.Service, Team: file.Team, Environment: file.Environment, Release: file.Release.Name}
		if !a.cfg.Desk.Sees(who, on) {
			continue
		}
		one := FolderFile{Path: file.Path, Condition: string(file.Condition), Since: file.Since.UTC(), SHA256: file.Hash,
			ReleaseSHA256: file.ReleaseHash, Text: file.Text, NextTry: moment(file.NextTry)}
		if file.Release != (journal.ID{}) {
			one.Release = file.Release.String()
		}
		for _, e := range file.Errors {
			one.Errors = append(one.Errors, Fault{Line: e.Line, Column: e.Column, Path: e.Path, Problem: e.Problem, Hint: e.Hint})
		}
		f.Files = append(f.Files, one)
	}
	return f
}

// moment is a time, or nothing where it is not set.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
