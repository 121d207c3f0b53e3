package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/journal"
)

func (a *API) eventOperations() {
	schema := a.ops.OpenAPI().Components.Schemas.Schema
	stream := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString,
		Description: "Server-sent events. Of each, data is an Event in JSON, event its decision, and id goes into Last-Event-ID to go on after it."}}
	Register(a, huma.Operation{
		OperationID: "list-events", Method: http.MethodGet, Path: "/v1/releases/{name}/{attempt}/events", Tags: []string{"events"},
		Summary:     "Get a release's events, or follow them",
		Description: "A page as JSON; or, with Accept: text/event-stream, a stream of all to come, after the one that Last-Event-ID or after names, or after the last that there is where that one was lost in a fail-over. The id of an event is its sequence. A stream ends after a quarter of an hour, when the server stops, or when its reader falls far behind; go on with Last-Event-ID.",
		Responses: map[string]*huma.Response{"200": {Description: "A page of events, or a stream.", Content: map[string]*huma.MediaType{
			"application/json": {Schema: schema(reflect.TypeFor[Events](), true, "")}, "text/event-stream": stream}}},
	}, a.releaseEvents)
	Register(a, huma.Operation{
		OperationID: "follow-events", Method: http.MethodGet, Path: "/v1/events", Tags: []string{"events"},
		Summary:     "Follow the events of all releases",
		Description: "A stream of what happens from now on, or after the event that Last-Event-ID names, of all releases that whoever asks may see; looks in which nothing happened are left out.",
		Responses:   map[string]*huma.Response{"200": {Description: "A stream.", Content: map[string]*huma.MediaType{"text/event-stream": stream}}},
	}, a.allEvents)
}

// Events is a page of a release's events.
type Events struct {
	Items []Event `json:"items" nullable:"false"`
	Next  uint64  `json:"next,omitempty" doc:"The after of the next page; absent where there is nothing more yet."`
}

type eventsInput struct {
	Named
	After       uint64 `query:"after" maximum:"9007199254740991" doc:"The sequence after which to begin; 0 for the beginning."`
	Limit       int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many at most, of a page."`
	Accept      string `header:"Accept" hidden:"true" maxLength:"1000" doc:"text/event-stream for a stream."`
	LastEventID string `header:"Last-Event-ID" maxLength:"20" doc:"The sequence after which a stream goes on."`
}

type rawOutput struct{ Body func(huma.Context) }

func (a *API) releaseEvents(ctx context.Context, in *eventsInput) (*rawOutput, error) {
	s, err := a.find(ctx, in.Named)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(in.Accept, "text/event-stream") {
		return a.eventsPage(ctx, s.ID, in)
	}
	after := in.After
	if in.LastEventID != "" {
		if after, err = strconv.ParseUint(in.LastEventID, 10, 63); err != nil {
			return nil, problem(http.StatusBadRequest, "Last-Event-ID: expected the sequence of an event of this release, such as 17")
		}
	}
	// A reader who has seen more than there is lost it with the database's last
	// moments: what is written in its place is new to them. A browser that is
	// answered with an error would never ask again.
	after = min(after, s.Seq)
	l, err := a.hub.listen(ctx, Actor(ctx).Name)
	if err != nil {
		return nil, err
	}
	return &rawOutput{Body: func(c huma.Context) {
		defer a.hub.leave(l)
		out := a.openEvents(c)
		a.ended(ctx, a.followOne(ctx, out, l, s.ID, after))
	}}, nil
}

func (a *API) eventsPage(ctx context.Context, id journal.ID, in *eventsInput) (*rawOutput, error) {
	found, err := a.cfg.Desk.Events(ctx, Actor(ctx), id, in.After+1, in.Limit)
	if err != nil {
		return nil, err
	}
	page := Events{Items: each(found, func(rec journal.Record) Event { return eventOf(id, rec) })}
	if len(found) == in.Limit {
		page.Next = found[len(found)-1].Seq
	}
	return rawJSON(page)
}

// rawJSON answers in JSON where an operation may answer in another form, too.
func rawJSON(v any) (*rawOutput, error) {
	text, err := encoded(v)
	if err != nil {
		return nil, err
	}
	return &rawOutput{Body: func(c huma.Context) {
		c.SetHeader("Content-Type", "application/json")
		_, _ = c.BodyWriter().Write(text) // whoever asked may be gone
	}}, nil
}

// followOne gives a stream what a release has, and then what comes: the listener
// was there before what there is was read, so nothing is missed between.
func (a *API) followOne(ctx context.Context, out *stream, l *listener, id journal.ID, after uint64) error {
	for {
		found, err := a.cfg.Desk.Events(ctx, Actor(ctx), id, after+1, feedPage)
		if err != nil {
			return err
		}
		for _, rec := range found {
			text, err := encoded(eventOf(id, rec))
			if err != nil {
				return err
			}
			out.event(strconv.FormatUint(rec.Seq, 10), string(rec.Decision.Kind), text)
			after = rec.Seq
		}
		if out.flush(); len(found) < feedPage || out.err != nil {
			break
		}
	}
	about, err := a.cfg.Desk.AboutRelease(ctx, id)
	if err != nil {
		return err
	}
	a.follow(ctx, out, l, following{
		may: func(who access.Actor) bool { return a.cfg.Desk.Sees(who, about) },
		wanted: func(who access.Actor, t told) string {
			if t.ID != id || t.Record.Seq <= after || !a.cfg.Desk.Sees(who, control.About(t.Entry)) {
				return ""
			}
			return strconv.FormatUint(t.Record.Seq, 10)
		},
	})
	return nil
}

// ended writes down why a stream ended that was not to; its reader goes on with it.
func (a *API) ended(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		a.calm.Warn("a stream of events broke off", "error", err)
	}
}

type followInput struct {
	LastEventID string `header:"Last-Event-ID" maxLength:"50" doc:"The id of the event after which to go on."`
}

func (a *API) allEvents(ctx context.Context, in *followInput) (*rawOutput, error) {
	who := Actor(ctx)
	after, err := a.begin(ctx, in.LastEventID)
	if err != nil {
		return nil, err
	}
	l, err := a.hub.listen(ctx, who.Name)
	if err != nil {
		return nil, err
	}
	return &rawOutput{Body: func(c huma.Context) {
		defer a.hub.leave(l)
		out := a.openEvents(c)
		a.ended(ctx, a.followAll(ctx, out, l, after))
	}}, nil
}

// begin is the place in the feed to begin at.
func (a *API) begin(ctx context.Context, last string) (journal.Cursor, error) {
	if last == "" {
		return a.cfg.Feed.Newest(ctx)
	}
	after := journal.Cursor(last)
	if !journal.Cursor("").Before(after) {
		return "", problem(http.StatusBadRequest, "Last-Event-ID: not one that this stream gave; leave it out to begin now")
	}
	newest, err := a.cfg.Feed.Newest(ctx)
	if newest.Before(after) { // as in releaseEvents
		after = newest
	}
	return after, err
}

func (a *API) followAll(ctx context.Context, out *stream, l *listener, after journal.Cursor) error {
	wanted := func(who access.Actor, t told) string {
		if t.Record.Quiet() || !after.Before(t.Cursor) || !a.cfg.Desk.Sees(who, control.About(t.Entry)) {
			return ""
		}
		return string(t.Cursor)
	}
	for {
		found, err := a.cfg.Feed.Events(ctx, journal.Feeding{After: after, Most: feedPage})
		if err != nil {
			return err
		}
		for _, e := range found {
			if t, ok := a.tell(e); ok {
				out.tell(t, wanted(Actor(ctx), t))
			}
			after = e.Cursor
		}
		if out.flush(); len(found) < feedPage || out.err != nil {
			break
		}
	}
	a.follow(ctx, out, l, following{may: func(access.Actor) bool { return true }, wanted: wanted})
	return nil
}

// following is what a stream is about.
type following struct {
	// may says whether somebody may follow it at all.
	may func(access.Actor) bool
	// wanted is the id of an event under which a stream of theirs gets it, "" for
	// one that is not for it.
	wanted func(access.Actor, told) string
}

// follow gives a stream what comes, until it ends. Who reads it is asked again and
// again: a token that was revoked, or a group that was left, ends it.
func (a *API) follow(ctx context.Context, out *stream, l *listener, f following) {
	who := Actor(ctx)
	beat, doubt := time.NewTicker(heartbeat), time.NewTicker(askWho)
	defer beat.Stop()
	defer doubt.Stop()
	ctx, cancel := context.WithTimeout(ctx, longestStream)
	defer cancel()
	for out.err == nil {
		select {
		case <-ctx.Done():
			return
		case <-a.hub.ctx.Done():
			return
		case <-beat.C:
			out.comment("still there")
		case <-doubt.C:
			now, err := a.cfg.Authenticate(out.asked)
			if refused(err) || err == nil && (now.Name != who.Name || !f.may(now)) {
				out.comment("you may not read on; log in again")
				return
			}
			if err == nil { // otherwise nobody could be asked; the next time, maybe
				who = now
			}
		case t, ok := <-l.events:
			if !ok {
				out.comment("you fell behind; go on with Last-Event-ID: " + out.last)
				return
			}
			out.tell(t, f.wanted(who, t))
		}
		if len(l.events) == 0 {
			out.flush()
		}
	}
}

const (
	// heartbeat is how often a stream in which nothing happens shows that it is
	// there; proxies close what is silent.
	heartbeat = 15 * time.Second
	// longestStream is how long a stream stays open: whoever goes on shows again
	// that they may.
	longestStream = 15 * time.Minute
	// askWho is how often it is asked whether whoever reads a stream still may.
	askWho = 3 * time.Second
	// streamWait is how long a reader may take for what is written to it.
	streamWait = 10 * time.Second
)

// refused says that a credential is not taken any more.
func refused(err error) bool {
	var no *Refusal
	return errors.As(err, &no) && (no.Status == http.StatusUnauthorized || no.Status == http.StatusForbidden)
}

// stream writes server-sent events. After its first error it writes nothing.
type stream struct {
	w    http.ResponseWriter
	ctl  *http.ResponseController
	now  func() time.Time
	last string // the id of the last event
	// asked is the request, with what its sender proved themselves by.
	asked *http.Request
	err   error
}

// openEvents begins a stream of events. Who loses it comes again after 2 s.
func (a *API) openEvents(c huma.Context) *stream {
	s := a.openStream(c, "text/event-stream")
	s.write("retry: 2000\n\n")
	s.flush()
	return s
}

// openStream begins an answer that goes on. To HEAD its headers are all.
func (a *API) openStream(c huma.Context, kind string) *stream {
	r, w := humago.Unwrap(c)
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("X-Accel-Buffering", "no") // nginx would hold it back
	s := &stream{w: w, ctl: http.NewResponseController(w), now: a.cfg.Now, asked: r}
	s.err = s.ctl.SetReadDeadline(time.Time{}) // the request is read; its bound would end the stream
	s.patience()
	w.WriteHeader(http.StatusOK)
	if s.flush(); r.Method == http.MethodHead {
		s.err = errHead
	}
	return s
}

// errHead ends a stream that nobody is to read.
var errHead = errors.New("only the headers were asked for")

// patience gives the reader some time from now; a server's own bound is for
// answers that end.
func (s *stream) patience() {
	if s.err == nil {
		s.err = s.ctl.SetWriteDeadline(s.now().Add(streamWait))
	}
}

func (s *stream) write(text string) {
	if s.err == nil {
		_, s.err = s.w.Write([]byte(text))
	}
}

func (s *stream) event(id, name string, data []byte) {
	s.patience()
	s.write(fmt.Sprintf("id: %s\nevent: %s\ndata: %s\n\n", id, name, strings.TrimSuffix(string(data), "\n")))
	s.last = id
}

// tell gives the stream an event under an id; none for "".
func (s *stream) tell(t told, id string) {
	if id != "" {
		s.event(id, string(t.Record.Decision.Kind), t.text)
	}
}

func (s *stream) comment(text string) {
	s.patience()
	s.write(": " + text + "\n\n")
	s.flush()
}

func (s *stream) flush() {
	if s.err == nil {
		s.err = s.ctl.Flush()
	}
}
