package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/database/databasetest"
	"github.com/linnet-project/linnet/release"
)

// follower reads a stream.
type follower struct {
	w    *world
	r    *http.Response
	stop context.CancelFunc
	in   *bufio.Reader
	last string
}

func (w *world) follow(path, last string, headers ...string) *follower {
	w.Helper()
	ctx, stop := context.WithTimeout(w.Context(), 20*time.Second)
	headers = append(headers, "Accept", "text/event-stream")
	if last != "" {
		headers = append(headers, "Last-Event-ID", last)
	}
	r, err := w.send(ctx, "GET", path, "", headers...)
	if err != nil {
		w.Fatal(err)
	}
	if r.StatusCode != 200 || r.Header.Get("Content-Type") != "text/event-stream" {
		text, _ := io.ReadAll(r.Body)
		w.Fatalf("%s: %d %v %s", path, r.StatusCode, r.Header, text)
	}
	f := &follower{w: w, r: r, stop: stop, in: bufio.NewReader(r.Body), last: last}
	w.Cleanup(f.close)
	return f
}

func (f *follower) close() {
	f.stop()
	_ = f.r.Body.Close()
}

// next gives the next event; false at the end.
func (f *follower) next() (api.Event, bool) {
	f.w.Helper()
	var e api.Event
	name := ""
	for {
		line, err := f.in.ReadString('\n')
		if err != nil {
			return e, false
		}
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch key {
		case "id":
			f.last = value
		case "event":
			name = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e); err != nil {
				f.w.Fatal(err)
			}
		case "":
			if name != "" {
				equal(f.w, "name of the event", name, e.Decision)
				return e, true
			}
		}
	}
}

// upTo reads until a sequence, and gives all that came.
func (f *follower) upTo(seq uint64) (all []uint64) {
	f.w.Helper()
	for len(all) == 0 || all[len(all)-1] < seq {
		e, ok := f.next()
		if !ok {
			f.w.Fatalf("the stream ended after %v", all)
		}
		all = append(all, e.Seq)
	}
	return all
}

// A release's stream gives each event once and in order, while they are written
// and through any number of breaks.
func testAStreamGivesAllOnce(w *world) {
	w.begin("checkout-1", "red")
	written := make(chan uint64)
	go func() {
		defer close(written)
		for range 30 {
			w.turn("checkout-1", 1)
		}
	}()
	var all []uint64
	last := ""
	for len(all) < 25 {
		f := w.follow("/v1/releases/checkout-1/1/events", last)
		got := f.upTo(uint64(len(all) + 4))
		all = append(all, got...)
		last = f.last
		f.close()
	}
	<-written
	for i, seq := range all {
		if seq != uint64(i+1) {
			w.Fatalf("%v", all)
		}
	}
}

// The stream of all releases leaves out quiet looks and what one may not see, and
// goes on where it was.
func testTheStreamOfAll(w *world) {
	w.begin("checkout-0", "red") // before anybody listens
	w.set(func() {
		w.policy = func(who access.Actor, action access.Action, on access.Resource) access.Decision {
			return access.Decision{Allowed: who.Name != "bob@example.com" || on.Team == "blue"}
		}
	})
	f, b := w.follow("/v1/events", ""), w.follow("/v1/events", "", "X-Who", "bob@example.com")
	w.begin("checkout-1", "red")
	w.turn("checkout-1", 1)
	w.begin("search-1", "blue")
	if e, ok := b.next(); !ok || e.Name != "search-1" {
		w.Errorf("bob sees %+v", e)
	}
	var seen []string
	for len(seen) == 0 || !strings.HasPrefix(seen[len(seen)-1], "search") {
		e, ok := f.next()
		if !ok || e.Quiet {
			w.Fatalf("%v, then %+v", seen, e)
		}
		// On PostgreSQL a record is in the feed when all that began before it has
		// ended, in whatever database: it may come just after the stream began.
		if e.Name != "checkout-0" {
			seen = append(seen, fmt.Sprintf("%s %s", e.Name, e.Event))
		}
	}
	if seen[0] != "checkout-1 started" {
		w.Errorf("%v", seen)
	}
	f.close()
	w.begin("checkout-2", "red")
	again := w.follow("/v1/events", f.last)
	if e, ok := again.next(); !ok || e.Name != "checkout-2" || e.Seq != 1 {
		w.Errorf("after a break: %+v", e)
	}
}

// A damaged record is left out, told in the log and counted; the streams of all
// others go on, those that begin before it too.
func TestADamagedRecordStopsNoStream(t *testing.T) {
	w := newWorld(t, databasetest.Folder(t))
	w.begin("checkout-0", "red")
	f := w.follow("/v1/events", "")
	w.begin("checkout-1", "red")
	first, _ := f.next()
	from := f.last
	// Before anybody can have read it: the database damages what is written.
	if err := w.db.Alone(t.Context(), `CREATE TRIGGER rot AFTER INSERT ON records WHEN NEW.seq > 1 BEGIN UPDATE records SET body = x'00' WHERE id = NEW.id; END`); err != nil {
		t.Fatal(err)
	}
	w.turn("checkout-1", 1)
	if err := w.db.Alone(t.Context(), `DROP TRIGGER rot`); err != nil {
		t.Fatal(err)
	}
	w.begin("search-1", "blue")
	for _, stream := range []*follower{f, w.follow("/v1/events", from)} {
		if e, ok := stream.next(); !ok || e.Name != "search-1" {
			t.Errorf("after %s comes %+v", first.Name, e)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if said := w.log.String(); w.api.Skipped() < 2 || !strings.Contains(said, "release=checkout-1/1 seq=2") {
		t.Errorf("%d were skipped; the log says %q", w.api.Skipped(), said)
	}
	w.log.Reset()
}

// Who has seen events that the database lost goes on with those that come in their
// place.
func TestAStreamFromBeyondTheEnd(t *testing.T) {
	w := newWorld(t, databasetest.Folder(t))
	w.begin("checkout-1", "red")
	one, all := w.follow("/v1/releases/checkout-1/1/events", "40"), w.follow("/v1/events", "0.9000000")
	w.turn("checkout-1", 1)
	for name, f := range map[string]*follower{"of the release": one, "of all": all} {
		if e, ok := f.next(); !ok || e.Name != "checkout-1" || e.Seq != 2 {
			t.Errorf("the stream %s goes on with %+v", name, e)
		}
	}
}

func TestStreamsAreBounded(t *testing.T) {
	w := newWorld(t, databasetest.Folder(t))
	w.begin("checkout-1", "red")
	for range 50 {
		w.follow("/v1/events", "")
	}
	r := w.ask("GET", "/v1/events", "").want(503, nil)
	r.problem("too many streams")
	equal(t, "when to try again", r.header.Get("Retry-After"), "5")
	w.follow("/v1/events", "", "X-Who", "bob@example.com")
	var s api.System
	w.ask("GET", "/v1/system", "").want(200, &s)
	equal(t, "streams", s.Streams, 51)
	w.set(func() { w.log.Reset() })
}

// Streams end at once when the server stops; it does not wait for them.
func TestStreamsEndWithTheServer(t *testing.T) {
	w := newWorld(t, databasetest.Folder(t))
	w.begin("checkout-1", "red")
	all, one := w.follow("/v1/events", ""), w.follow("/v1/releases/checkout-1/1/events", "")
	one.upTo(1)
	began := time.Now()
	w.stop()
	for _, f := range []*follower{all, one} {
		if e, ok := f.next(); ok {
			t.Errorf("after the stop: %+v", e)
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the streams took %s to end", took)
	}
}

// A stream that is open ends within seconds once whoever reads it may not any
// more; the token that was revoked, and the role that was lost, are asked for again.
func TestAStreamEndsWithTheRightToReadIt(t *testing.T) {
	w := newWorld(t, databasetest.Folder(t))
	w.begin("checkout-1", "red")
	ends := func(f *follower, how string) {
		t.Helper()
		began := time.Now()
		for {
			if _, ok := f.next(); !ok {
				break
			}
		}
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("%s: the stream went on for %s", how, took)
		}
	}
	one := w.follow("/v1/releases/checkout-1/1/events", "")
	one.upTo(1)
	w.set(func() {
		w.policy = func(who access.Actor, _ access.Action, _ access.Resource) access.Decision {
			return access.Decision{Allowed: who.Name == "bob@example.com"}
		}
	})
	ends(one, "a role is lost")
	one = w.follow("/v1/releases/checkout-1/1/events", "", "X-Who", "bob@example.com")
	all := w.follow("/v1/events", "", "X-Who", "bob@example.com")
	w.set(func() { w.refusal = fmt.Errorf("the database: %w", release.ErrUnavailable) })
	time.AfterFunc(4*time.Second, func() { w.set(func() { w.refusal = &api.Refusal{Status: 401, Why: "revoked"} }) })
	began := time.Now()
	ends(all, "a token is revoked")
	ends(one, "a token is revoked")
	if time.Since(began) < 4*time.Second {
		t.Error("the stream ended because nobody could be asked")
	}
}
