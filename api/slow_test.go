package api

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/journal"
)

// patient is a reader of a stream that takes all there is.
type patient struct {
	bytes.Buffer
	header http.Header
}

func (p *patient) Header() http.Header              { return p.header }
func (p *patient) WriteHeader(int)                  {}
func (p *patient) SetWriteDeadline(time.Time) error { return nil }
func (p *patient) SetReadDeadline(time.Time) error  { return nil }
func (p *patient) Flush()                           {}

// A stream that falls behind is cut off with the place to go on from; the others
// do not notice.
func TestWhoFallsBehindIsCutOff(t *testing.T) {
	a := &API{cfg: Config{Now: time.Now}}
	a.hub = newHub(t.Context(), a)
	slow, quick := &listener{events: make(chan told, buffered)}, &listener{events: make(chan told, 2*buffered)}
	a.hub.listeners[slow], a.hub.listeners[quick] = true, true
	var all []told
	for n := range buffered + 1 {
		all = append(all, told{Entry: journal.Entry{Record: journal.Record{Seq: uint64(n + 1)}}, text: []byte("{}\n")})
	}
	a.hub.give(slow, all)
	a.hub.give(quick, all)
	if a.hub.count() != 1 || len(quick.events) != buffered+1 {
		t.Errorf("%d listen, the quick one has %d", a.hub.count(), len(quick.events))
	}
	w := &patient{header: http.Header{}}
	out := &stream{w: w, ctl: http.NewResponseController(w), now: time.Now}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	a.follow(ctx, out, slow, following{wanted: func(_ access.Actor, t told) string { return fmt.Sprint(t.Record.Seq) }})
	if end := fmt.Sprintf("id: %d\nevent: \ndata: {}\n\n: you fell behind; go on with Last-Event-ID: %d\n\n", buffered, buffered); !bytes.HasSuffix(w.Bytes(), []byte(end)) {
		t.Errorf("it ends with %q", w.Bytes()[max(0, w.Len()-200):])
	}
}

// mute is a feed that says nothing at its first asking, not even that it fails.
type mute struct {
	Feed
	asked int
}

func (m *mute) Newest(context.Context) (journal.Cursor, error) { return "", nil }

func (m *mute) Events(ctx context.Context, _ journal.Feeding) ([]journal.Entry, error) {
	if m.asked++; m.asked == 1 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return []journal.Entry{{Cursor: "1", Record: journal.Record{Seq: 1}}}, nil
}

// A database whose connection went silent holds up the streams for seconds, and
// not for as long as the connection lasts.
func TestASilentFeedIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &API{cfg: Config{Now: time.Now, Feed: &mute{}, Log: slog.New(slog.DiscardHandler)}, calm: slog.New(slog.DiscardHandler)}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		a.hub = newHub(ctx, a)
		l, err := a.hub.listen(ctx, "anna@example.com")
		if err != nil {
			t.Fatal(err)
		}
		select {
		case told := <-l.events:
			if told.Record.Seq != 1 {
				t.Errorf("%+v", told)
			}
		case <-time.After(time.Minute):
			t.Error("nothing comes for a minute")
		}
	})
}
