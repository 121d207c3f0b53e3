package api

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/linnet-project/linnet/journal"
)

const (
	// feedAgain is how often the journal is asked for what is new while somebody
	// listens, feedPage how much of it at a time.
	// feedWait is how long it may take to answer.
	feedAgain = 250 * time.Millisecond
	feedPage  = 500
	feedWait  = 10 * time.Second
	// buffered is how many events a stream may be behind before it is cut off.
	buffered = 1000
	// Bounds on how many streams are open: of all, and of one actor.
	maxStreams      = 500
	maxStreamsOfOne = 50
)

// told is an event as streams get it.
type told struct {
	journal.Entry
	// text is the event in JSON, the same for all.
	text []byte
}

// listener is a stream.
type listener struct {
	who string
	// events is closed when the stream has fallen behind.
	events chan told
}

// hub asks the journal for what is new, once for all streams of this process.
type hub struct {
	ctx context.Context
	api *API

	mu        sync.Mutex
	listeners map[*listener]bool
	asking    bool // a goroutine asks; it ends when nobody listens
	at        journal.Cursor
}

func newHub(ctx context.Context, a *API) *hub {
	return &hub{ctx: ctx, api: a, listeners: map[*listener]bool{}}
}

// count tells how many streams are open.
func (h *hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.listeners)
}

// listen opens a stream: from now on it gets every event.
func (h *hub) listen(ctx context.Context, who string) (*listener, error) {
	at, err := h.api.cfg.Feed.Newest(ctx)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	mine := 0
	for l := range h.listeners {
		if l.who == who {
			mine++
		}
	}
	if len(h.listeners) >= maxStreams || mine >= maxStreamsOfOne {
		return nil, unavailable(fmt.Sprintf("too many streams are open (at most %d, and %d of one actor); close some, or ask for pages", maxStreams, maxStreamsOfOne))
	}
	if !h.asking {
		h.at, h.asking = at, true
		go h.ask()
	}
	l := &listener{who: who, events: make(chan told, buffered)}
	h.listeners[l] = true
	return l, nil
}

// leave closes a stream.
func (h *hub) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, l)
}

// ask asks until nobody listens, or the server stops.
func (h *hub) ask() {
	tick := time.NewTicker(feedAgain)
	defer tick.Stop()
	for {
		select {
		case <-h.ctx.Done():
		case <-tick.C:
		}
		h.mu.Lock()
		if h.asking = h.ctx.Err() == nil && len(h.listeners) > 0; !h.asking {
			h.mu.Unlock()
			return
		}
		at := h.at
		h.mu.Unlock()
		for more := true; more && h.ctx.Err() == nil; {
			at, more = h.pass(at)
		}
	}
}

// pass passes on a page of what is new, and tells whether there is more.
func (h *hub) pass(at journal.Cursor) (journal.Cursor, bool) {
	ctx, cancel := context.WithTimeout(h.ctx, feedWait)
	defer cancel()
	found, err := h.api.cfg.Feed.Events(ctx, journal.Feeding{After: at, Quiet: true, Most: feedPage})
	if err != nil {
		if h.ctx.Err() == nil {
			h.api.calm.Warn("events not read", "error", err) // asked again soon
		}
		return at, false
	}
	all := make([]told, 0, len(found))
	for _, e := range found {
		if t, ok := h.api.tell(e); ok {
			all = append(all, t)
		}
		at = e.Cursor
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = at
	for l := range h.listeners {
		h.give(l, all)
	}
	return at, len(found) == feedPage
}

// give puts events before a stream. One that does not keep up is closed: it
// begins again where it was.
func (h *hub) give(l *listener, all []told) {
	for _, t := range all {
		select {
		case l.events <- t:
		default:
			close(l.events)
			delete(h.listeners, l)
			return
		}
	}
}

// tell makes an event of an entry of the feed; false where that cannot be done.
func (a *API) tell(e journal.Entry) (told, bool) {
	if e.Damaged != nil {
		a.skipped.Add(1)
		a.cfg.Log.Error("streams leave out a record that is damaged; `linnet audit verify` says more", "release", e.ID.String(), "seq", e.Record.Seq, "error", e.Damaged)
		return told{}, false
	}
	text, err := encoded(eventOf(e.ID, e.Record))
	if err != nil {
		a.cfg.Log.Error("an event has no form in JSON", "release", e.ID.String(), "seq", e.Record.Seq, "error", err)
	}
	return told{Entry: e, text: text}, err == nil
}
