package link

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

// Path is where links lead.
const Path = "/approve"

// maxForm bounds a form, in bytes, and answerWait how long it waits for what the
// release makes of it.
const (
	maxForm    = 16 << 10
	answerWait = 5 * time.Second
)

// Pages show what is asked, and take the answer. All must be set.
type Pages struct {
	Keys *Keys
	Desk *control.Desk
	// Authenticate says who sends a request that changes nothing.
	Authenticate func(*http.Request) (access.Actor, error)

	page *template.Template
}

// Register serves the pages.
func (p Pages) Register(mux *http.ServeMux) {
	p.page = template.Must(template.New("page").Parse(form))
	mux.HandleFunc("GET "+Path, p.show)
	mux.HandleFunc("POST "+Path, p.take)
}

// sheet is what a page shows.
type sheet struct {
	Title, Text  string
	Release      *report.Release
	Approvals    *report.Approvals
	Link, Ticket string
	Who          string
	// Back is where to come back to after a login.
	Back string
}

// form is the page, as a template of a sheet.
const form = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>{{.Title}}</title>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{with .Release}}<p>{{.Sentence}}</p><p>{{.Reason.Text}}</p>{{end}}
{{with .Approvals}}<p>{{.Quorum}} of {{.From}} {{if eq .Quorum 1}}is{{else}}are{{end}} asked; {{.Missing}} missing.</p>
<ul>{{range .Given}}<li>{{.Who}} approved{{if .Reason}}: {{.Reason}}{{end}}</li>{{end}}</ul>{{end}}
{{if .Ticket}}<form method="post" action="/approve">
<p>You are {{.Who}}.</p>
<input type="hidden" name="l" value="{{.Link}}"><input type="hidden" name="ticket" value="{{.Ticket}}">
<p><label>Reason <input name="reason" maxlength="1000"></label></p>
<p><button name="verb" value="approve">Approve</button> <button name="verb" value="reject">Reject, and end the release</button></p>
</form>{{end}}
{{if .Back}}<p><a href="/v1/login/start?to={{.Back}}">Log in</a>, and come back here.</p>{{end}}
</html>
`

func (p Pages) write(w http.ResponseWriter, status int, s sheet) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = p.page.Execute(w, s) // whoever asked may be gone
}

// show tells what is asked. It changes nothing.
func (p Pages) show(w http.ResponseWriter, r *http.Request) {
	link := r.URL.Query().Get("l")
	who, s, status := p.asked(r, link)
	if status == http.StatusOK {
		var err error
		if s.Ticket, err = p.Keys.Ticket(r.Context(), link, who.Name); err != nil {
			s, status = failed(err)
		}
		s.Link, s.Who = link, who.Name
	}
	p.write(w, status, s)
}

// asked finds out who asks, and what the link's question is, if it still stands.
func (p Pages) asked(r *http.Request, link string) (access.Actor, sheet, int) {
	quiet := r.Clone(r.Context())
	quiet.Method = http.MethodGet // a form proves by its ticket that it is ours
	who, err := p.Authenticate(quiet)
	if err != nil {
		return who, sheet{Title: "Log in first", Text: "A link alone approves nothing.", Back: back(link)}, http.StatusUnauthorized
	}
	q, err := p.Keys.Verify(r.Context(), link)
	if err != nil {
		s, status := failed(err)
		return who, s, status
	}
	rec, err := p.Desk.Record(r.Context(), who, q.ID)
	if err != nil {
		s, status := failed(err)
		return who, s, status
	}
	at, asked := question(rec)
	if asked == nil && rec.Phase != string(engine.Waiting) || at != q.Seq {
		return who, sheet{Title: "Not asked any more", Text: "This was answered, or is asked anew by another link.", Release: &rec}, http.StatusGone
	}
	return who, sheet{Title: "Release " + q.ID.String() + " asks for approval", Release: &rec, Approvals: asked}, http.StatusOK
}

// back is the page of a link.
func back(link string) string {
	if len(link) > mostText {
		return Path
	}
	return Path + "?l=" + url.QueryEscape(link)
}

// question is the record with which a release asked what it waits for now, and
// the approvals that are missing; nil where anybody may answer.
func question(r report.Release) (seq uint64, asked *report.Approvals) {
	for _, d := range r.Decisions {
		if d.Decision == string(engine.Await) || d.Seq == 1 {
			seq = d.Seq
		}
	}
	all := []*report.Approvals{r.Approvals}
	for _, s := range r.Steps {
		all = append(all, s.Approvals)
	}
	for _, a := range all {
		if a != nil && a.Missing > 0 {
			return seq, a
		}
	}
	return seq, nil
}

// take leaves the answer at the desk, which asks whether the person may.
func (p Pages) take(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		p.write(w, http.StatusBadRequest, sheet{Title: "Not understood", Text: "The form could not be read."})
		return
	}
	link, verb := r.PostForm.Get("l"), engine.Verb(r.PostForm.Get("verb"))
	who, s, status := p.asked(r, link)
	if status != http.StatusOK {
		p.write(w, status, s)
		return
	}
	s, status = p.answer(r.Context(), who, link, verb, r)
	p.write(w, status, s)
}

func (p Pages) answer(ctx context.Context, who access.Actor, link string, verb engine.Verb, r *http.Request) (sheet, int) {
	ticket, err := p.Keys.Ticket(ctx, link, who.Name)
	if err != nil {
		return failed(err)
	}
	if !hmac.Equal([]byte(ticket), []byte(r.PostForm.Get("ticket"))) || verb != engine.Approve && verb != engine.Reject {
		return sheet{Title: "Not taken", Text: "The form was not made for you here: open the link again."}, http.StatusForbidden
	}
	q, err := p.Keys.Verify(ctx, link)
	if err != nil {
		return failed(err)
	}
	reason := strings.TrimSpace(r.PostForm.Get("reason"))
	sum := sha256.Sum256([]byte(link + "\n" + who.Name + "\n" + string(verb) + "\n" + reason))
	made, err := p.Desk.Command(ctx, who, control.Order{ID: q.ID, Verb: verb, Reason: reason, Key: "link-" + hex.EncodeToString(sum[:16]), Wait: answerWait})
	switch {
	case err != nil:
		return failed(err)
	case made.Waits():
		return sheet{Title: "Left for the release", Text: "It is taken at the release's next turn."}, http.StatusAccepted
	case made.Decision.Kind == engine.Refuse:
		return sheet{Title: "Refused", Text: made.Decision.Reason.Text}, http.StatusConflict
	}
	return sheet{Title: "Taken", Text: made.Decision.Reason.Text}, http.StatusOK
}

// failed tells an error, as far as it is one for whoever asks.
func failed(err error) (sheet, int) {
	switch {
	case errors.As(err, new(*control.Denied)):
		return sheet{Title: "Not allowed", Text: err.Error()}, http.StatusForbidden
	case errors.Is(err, release.ErrNotFound):
		return sheet{Title: "Not found", Text: err.Error()}, http.StatusNotFound
	case errors.Is(err, release.ErrConflict):
		return sheet{Title: "Too late", Text: err.Error()}, http.StatusConflict
	case errors.Is(err, release.ErrInvalid):
		return sheet{Title: "Not good", Text: err.Error()}, http.StatusBadRequest
	}
	return sheet{Title: "Not now", Text: "Linnet cannot answer at the moment; try again."}, http.StatusServiceUnavailable
}
