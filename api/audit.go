package api

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/audit"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

// Audit is where what people did is read.
type Audit interface {
	Lines(ctx context.Context, c audit.Choice) ([]audit.Line, error)
	// Verify proves all lines; what is wrong comes as a *journal.Broken, with the
	// head before it.
	Verify(ctx context.Context) (journal.Head, error)
}

func (a *API) auditOperations() {
	schema := a.ops.OpenAPI().Components.Schemas.Schema
	Register(a, huma.Operation{
		OperationID: "list-audit", Method: http.MethodGet, Path: "/v1/audit", Tags: []string{"audit"},
		Summary:     "Read the audit",
		Description: "What people and programs did, and what they tried and were not allowed, the last first. With Accept: application/x-ndjson all of it comes, one line of JSON each, and limit is not looked at. `linnet audit verify` proves that nothing was changed.",
		Responses: map[string]*huma.Response{"200": {Description: "A page, or all lines.", Content: map[string]*huma.MediaType{
			"application/json":     {Schema: schema(reflect.TypeFor[AuditLines](), true, "")},
			"application/x-ndjson": {Schema: &huma.Schema{Type: huma.TypeString, Description: "Each line is an AuditLine."}}}}},
	}, a.readAudit)
	Register(a, huma.Operation{
		OperationID: "prove-audit", Method: http.MethodGet, Path: "/v1/audit/proof", Tags: []string{"audit"},
		Summary:     "Prove that no line of the audit was changed",
		Description: "Each line's hash is made anew, from the first that is kept to the last. That none was cut off at the end proves a head that is kept elsewhere: `linnet audit verify --head`. A long audit takes seconds; one that takes more than 20 is left to `linnet audit verify`.",
	}, a.proveAudit)
}

type auditInput struct {
	Who    string    `query:"who" maxLength:"300" doc:"Only what this actor did."`
	What   string    `query:"what" maxLength:"100" example:"release.abort" doc:"Only this; one that ends in a dot stands for all that begin so."`
	Object string    `query:"object" maxLength:"300" example:"checkout-1.5.0/1" doc:"Only what was done to this; a release's name is all its attempts."`
	From   time.Time `query:"from" doc:"Only from then on."`
	To     time.Time `query:"to" doc:"Only before then."`
	Denied bool      `query:"denied" doc:"Only what was not allowed."`
	Limit  int       `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"How many at most, of a page."`
	Cursor string    `query:"cursor" maxLength:"200" doc:"The next of the page before."`
	// Download is for browsers, whose links say nothing of what they accept.
	Download bool   `query:"download" doc:"All lines as with Accept: application/x-ndjson, as a file to keep."`
	Accept   string `header:"Accept" hidden:"true" maxLength:"1000" doc:"application/x-ndjson for all lines."`
}

// AuditLines is a page of the audit.
type AuditLines struct {
	Items []AuditLine `json:"items" nullable:"false"`
	Next  string      `json:"next,omitempty" doc:"The cursor of the next page; absent after the last one."`
}

// AuditLine is one thing that somebody did, or tried.
type AuditLine struct {
	Seq    uint64    `json:"seq" minimum:"1" doc:"Counts lines from 1."`
	Time   time.Time `json:"time"`
	Who    string    `json:"who"`
	Kind   string    `json:"kind" doc:"person, service or machine."`
	From   string    `json:"from" doc:"Where the request came from."`
	Groups []string  `json:"groups" nullable:"false"`
	What   string    `json:"what" example:"release.abort"`
	Object string    `json:"object"`
	Reason string    `json:"reason,omitempty"`
	Before string    `json:"before,omitempty"`
	After  string    `json:"after,omitempty"`
	Denied string    `json:"denied,omitempty" doc:"Why it was not allowed; absent where it was."`
	Hash   string    `json:"hash" doc:"Chains the line to all before it, in hexadecimal digits."`
}

func auditLine(l audit.Line) AuditLine {
	e := l.Entry
	return AuditLine{
		Seq: l.Seq, Time: e.At.UTC(), Who: e.Who.Name, Kind: string(e.Who.Kind), From: e.Who.From, Groups: append([]string{}, e.Who.Groups...),
		What: e.What, Object: e.Object, Reason: e.Reason, Before: e.Before, After: e.After, Denied: e.Denied, Hash: hex.EncodeToString(l.Hash[:]),
	}
}

func (a *API) readAudit(ctx context.Context, in *auditInput) (*rawOutput, error) {
	if err := a.cfg.Desk.Permit(ctx, Actor(ctx), access.Audit, "audit.read"); err != nil {
		return nil, err
	}
	before, err := place(auditForm, in.Cursor)
	if err != nil {
		return nil, err
	}
	c := audit.Choice{Who: in.Who, What: in.What, Object: in.Object, From: in.From, To: in.To, Denied: in.Denied, Before: uint64(before), Most: in.Limit}
	if in.Download || strings.Contains(in.Accept, "application/x-ndjson") {
		return &rawOutput{Body: func(h huma.Context) {
			if in.Download {
				h.SetHeader("Content-Disposition", `attachment; filename="audit.ndjson"`)
			}
			a.exportAudit(ctx, h, c)
		}}, nil
	}
	found, err := a.cfg.Audit.Lines(ctx, c)
	if err != nil {
		return nil, err
	}
	page := AuditLines{Items: each(found, auditLine)}
	if len(found) == in.Limit {
		page.Next = cursor(auditForm, int64(found[len(found)-1].Seq))
	}
	return rawJSON(page)
}

// AuditProof tells whether the chain of the audit holds.
type AuditProof struct {
	Holds  bool        `json:"holds"`
	Lines  uint64      `json:"lines" doc:"The sequence of the last line that is proved; lines that retention removed count along."`
	Head   string      `json:"head" doc:"What to keep elsewhere, for linnet audit verify --head."`
	Broken *BrokenLine `json:"broken,omitempty" doc:"The first line that is wrong."`
}

// BrokenLine is a line of the audit that is not what was written.
type BrokenLine struct {
	Seq  uint64 `json:"seq" doc:"Which line; 0 where it is not one line."`
	What string `json:"what" doc:"What differs."`
}

type proofOutput struct{ Body AuditProof }

// proveWait bounds how long a proof takes; one is made at a time.
const proveWait = 20 * time.Second

func (a *API) proveAudit(ctx context.Context, _ *struct{}) (*proofOutput, error) {
	if err := a.cfg.Desk.Permit(ctx, Actor(ctx), access.Audit, "audit.verify"); err != nil {
		return nil, err
	}
	if !a.proving.TryLock() {
		return nil, fmt.Errorf("the audit is being proved for somebody else; ask again when that is done: %w", release.ErrUnavailable)
	}
	defer a.proving.Unlock()
	within, cancel := context.WithTimeout(ctx, proveWait)
	defer cancel()
	head, err := a.cfg.Audit.Verify(within)
	proof := AuditProof{Holds: err == nil, Lines: head.Seq, Head: head.String()}
	var broken *journal.Broken
	switch {
	case errors.As(err, &broken):
		proof.Broken = &BrokenLine{Seq: broken.Seq, What: broken.What}
	case err != nil && within.Err() != nil && ctx.Err() == nil:
		return nil, fmt.Errorf("the audit is too long to be proved within %s; `linnet audit verify` has the time: %w", proveWait, release.ErrUnavailable)
	case err != nil:
		return nil, err
	}
	return &proofOutput{Body: proof}, nil
}

// exportPage is how many lines are read at a time for an export.
const exportPage = 500

// exportAudit writes all lines of a choice. One that breaks off ends without the
// end of the answer, which HTTP tells from one that is whole.
func (a *API) exportAudit(ctx context.Context, h huma.Context, c audit.Choice) {
	out := a.openStream(h, "application/x-ndjson")
	for c.Most = exportPage; out.err == nil; {
		found, err := a.cfg.Audit.Lines(ctx, c)
		if err != nil {
			a.cfg.Log.Error("the export of the audit broke off", "error", err)
			panic(http.ErrAbortHandler)
		}
		for _, l := range found {
			c.Before = l.Seq
			text, err := encoded(auditLine(l))
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			out.patience()
			out.write(string(text))
		}
		if out.flush(); len(found) < exportPage {
			return
		}
	}
}

// What the text of a cursor begins with, so that one is not taken for another and
// another form can follow.
const (
	releasesForm = "r1."
	auditForm    = "a1."
)

// cursor is a place in a list as clients carry it: something to hand back, and
// not to read. 0 is no place.
func cursor(form string, place int64) string {
	if place == 0 {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(form + strconv.FormatInt(place, 10)))
}

// place is what a cursor stands for; 0 for none.
func place(form, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	number, ours := strings.CutPrefix(string(raw), form)
	place, err2 := strconv.ParseInt(number, 10, 64)
	if err != nil || err2 != nil || !ours || place < 1 || cursor(form, place) != text {
		return 0, errCursor()
	}
	return place, nil
}

func errCursor() error {
	return problem(http.StatusBadRequest, "cursor: not one that a page before gave; leave it out to begin anew")
}
