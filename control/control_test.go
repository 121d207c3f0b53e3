package control_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

func TestTheSameFileTwiceIsOneRelease(t *testing.T) {
	w := newWorld(t)
	first := file("checkout-2", "red", 5)
	made := w.create(control.Creation{Name: "a.yaml", File: first})
	if id := (journal.ID{Name: "checkout-2", Attempt: 1}); !made.Fresh || made.ID != id || made.Release.Author != ann.Name || made.Release.Team != "red" {
		t.Errorf("begun as %+v", made)
	}
	if e := w.trail[0]; w.told(0) != "create create.taken" || e.Object != "checkout-2/1" || !e.At.Equal(w.now) || e.After != made.Release.FileHash {
		t.Errorf("audited as %+v", e)
	}
	if again := w.create(control.Creation{File: first, Again: true}); again.Fresh || again.ID != made.ID {
		t.Errorf("the same file while it runs: %+v", again)
	}
	_, err := w.desk.Create(t.Context(), ann, control.Creation{File: file("checkout-2", "red", 6)})
	if !errors.Is(err, release.ErrConflict) || !strings.Contains(err.Error(), "linnet release abort checkout-2") {
		t.Errorf("another file under a running name: %v", err)
	}
	w.end(made.ID)
	if ended := w.create(control.Creation{File: first}); ended.Fresh || ended.Release.Outcome != journal.Aborted {
		t.Errorf("the file of a release that has ended: %+v", ended)
	}
	if next := w.create(control.Creation{File: first, Again: true}); !next.Fresh || next.ID.Attempt != 2 {
		t.Errorf("the next attempt: %+v", next)
	}
	_, err = w.desk.Create(t.Context(), ann, control.Creation{Name: "b.yaml", File: []byte("kind: Release\n")})
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "b.yaml:1:1") {
		t.Errorf("a file that is wrong: %v", err)
	}
}

// Of many who send the same file at once one begins it and the others find it,
// also where one release at once is all that may be.
func TestManyBeginOne(t *testing.T) {
	w := newWorld(t)
	w.most = 1
	var mu sync.Mutex
	var wg sync.WaitGroup
	fresh := 0
	for range 8 {
		wg.Go(func() {
			got, err := w.desk.Create(t.Context(), ann, control.Creation{File: file("checkout-2", "red", 5)})
			mu.Lock()
			defer mu.Unlock()
			if err != nil || got.ID.Attempt != 1 {
				t.Errorf("%+v, %v", got, err)
			}
			if got.Fresh {
				fresh++
			}
		})
	}
	if wg.Wait(); fresh != 1 {
		t.Errorf("%d of 8 began it", fresh)
	}
}

func TestGuardRailsAndTheGlass(t *testing.T) {
	w := newWorld(t)
	w.guards = []control.Finding{{Rule: "small-first-step", Text: "the first step has 5 %, at most 1 % is allowed"}}
	c := control.Creation{File: file("checkout-2", "red", 5)}
	_, err := w.desk.Create(t.Context(), ann, c)
	var refused *control.Refused
	if !errors.As(err, &refused) || len(refused.Findings) != 1 || w.audited().Denied == "" {
		t.Fatalf("%v, audited as %+v", err, w.audited())
	}
	c.Glass = "the shop is down"
	w.policy = denies(access.Break)
	_, err = w.desk.Create(t.Context(), ann, c)
	w.wantDenied(err, "release.create")
	w.policy = access.Everybody{}.Decide
	if got := w.create(c); !got.Fresh || len(got.Overridden) != 1 || w.trail[len(w.trail)-2].What != "release.create-past-guards" || w.trail[len(w.trail)-2].Reason != c.Glass {
		t.Errorf("%+v, audited as %+v", got, w.audited())
	}
}

func TestDeniedIsKept(t *testing.T) {
	w := newWorld(t)
	made := w.create(control.Creation{File: file("checkout-2", "red", 5)})
	w.policy = denies(access.Create)
	_, err := w.desk.Create(t.Context(), ann, control.Creation{File: file("checkout-3", "red", 5)})
	w.wantDenied(err, "release.create")
	_, err = w.desk.Retry(t.Context(), ann, made.ID, "")
	w.wantDenied(err, "release.create")
	for verb, action := range map[engine.Verb]access.Action{"pause": access.Pause, "resume": access.Pause,
		"advance": access.Advance, "approve": access.Approve, "abort": access.Abort} {
		w.policy = denies(action)
		_, err := w.desk.Command(t.Context(), ann, control.Order{ID: made.ID, Verb: verb})
		w.wantDenied(err, "release."+string(verb))
	}
	// A name is theirs who began it first.
	w.policy = func(_ access.Actor, _ access.Action, on access.Resource) access.Decision {
		return access.Decision{Allowed: on.Team == "blue", Why: "ann is of team blue"}
	}
	_, err = w.desk.Create(t.Context(), ann, control.Creation{File: file("checkout-2", "blue", 5), Again: true})
	w.wantDenied(err, "release.create")
	// What cannot be kept is not done.
	w.policy, w.broken = access.Everybody{}.Decide, release.ErrUnavailable
	if _, err := w.desk.Command(t.Context(), ann, control.Order{ID: made.ID, Verb: "abort"}); !errors.Is(err, release.ErrUnavailable) {
		t.Error(err)
	}
	if waiting, err := w.store.Waiting(t.Context(), made.ID); err != nil || len(waiting) != 0 {
		t.Errorf("%v, %v wait", err, waiting)
	}
}

func TestOrdersAreAnsweredOnce(t *testing.T) {
	w := newWorld(t)
	id := w.create(control.Creation{File: file("checkout-2", "red", 5)}).ID
	w.turn(id)
	o := control.Order{ID: id, Verb: engine.Pause, Reason: "lunch", Key: "k1"}
	if a, err := w.desk.Command(t.Context(), ann, o); err != nil || !a.Waits() {
		t.Fatalf("%+v, %v", a, err)
	}
	if e := w.audited(); e.What != "release.pause" || e.Reason != "lunch" || e.Before == "" {
		t.Errorf("audited as %+v", e)
	}
	entries := len(w.trail)
	w.turn(id)
	o.Wait = time.Second
	first, err := w.desk.Command(t.Context(), ann, o)
	if err != nil || first.Waits() || first.Decision.Kind != engine.Suspend || !strings.Contains(first.Decision.Reason.Text, "ann@example.com paused it: lunch") {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := w.desk.Command(t.Context(), ann, o)
	if err != nil || second.Seq != first.Seq || len(w.trail) != entries {
		t.Errorf("the same key: %+v, %v, %d entries, want %d", second, err, len(w.trail), entries)
	}
	o.Verb = engine.Abort
	if _, err := w.desk.Command(t.Context(), ann, o); !errors.Is(err, release.ErrConflict) {
		t.Errorf("another order under the key: %v", err)
	}
	at, err := w.desk.Get(t.Context(), ann, id)
	if err != nil {
		t.Fatal(err)
	}
	var moved *control.Moved
	if _, err := w.desk.Command(t.Context(), ann, control.Order{ID: id, Verb: engine.Resume, Expect: at.Seq - 1}); !errors.As(err, &moved) || moved.At != at.Seq {
		t.Errorf("an order for an older record: %v", err)
	}
	w.policy = func(access.Actor, access.Action, access.Resource) access.Decision {
		w.policy = access.Everybody{}.Decide
		w.now = w.now.Add(time.Hour)
		w.turn(id) // while the desk asks whether they may
		return access.Decision{Allowed: true}
	}
	if _, err := w.desk.Command(t.Context(), ann, control.Order{ID: id, Verb: engine.Resume, Expect: at.Seq}); !errors.As(err, &moved) || moved.At <= at.Seq {
		t.Errorf("an order for a record that another follows in this moment: %v", err)
	}
	if waiting, err := w.store.Waiting(t.Context(), id); err != nil || len(waiting) != 0 {
		t.Errorf("it is left all the same: %v, %v", waiting, err)
	}
	if _, err := w.desk.Command(t.Context(), ann, control.Order{ID: id, Verb: engine.Resume, Expect: moved.At}); err != nil {
		t.Error(err)
	}
	if _, err := w.desk.Command(t.Context(), ann, control.Order{ID: id, Verb: "promote"}); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("an order that there is not: %v", err)
	}
}

// prompt is a journal whose releases take every order at once.
type prompt struct {
	*journal.Store
	w *world
}

func (p prompt) CommandAt(ctx context.Context, id journal.ID, seq uint64, order engine.Commanded) error {
	err := p.Store.CommandAt(ctx, id, seq, order)
	if err == nil {
		p.w.turn(id)
	}
	return err
}

func TestWhatCameOfAnOrderIsAudited(t *testing.T) {
	w := newWorld(t)
	id := w.create(control.Creation{File: file("checkout-2", "red", 5)}).ID
	w.turn(id)
	desk := control.New(control.Config{Journal: prompt{w.store, w}, Policy: w, Auditor: w, Now: func() time.Time { return w.now }})
	for verb, want := range map[engine.Verb]string{engine.Pause: "release.pause.taken", engine.Approve: "release.approve.refused"} {
		entries := len(w.trail)
		a, err := desk.Command(t.Context(), ann, control.Order{ID: id, Verb: verb, Wait: time.Minute})
		if err != nil || a.Waits() {
			t.Fatalf("%+v, %v", a, err)
		}
		e := w.audited()
		if len(w.trail) != entries+2 || e.What != want || e.Object != id.String() || e.Who.Name != ann.Name ||
			!strings.Contains(e.After, fmt.Sprintf("record %d: %s (%s)", a.Seq, a.Decision.Reason.Text, a.Decision.Reason.Code)) {
			t.Errorf("%d entries more, the last %+v", len(w.trail)-entries, e)
		}
	}
}

// A release that does not begin is not told as one that did, and what a program
// tries again and again is told once.
func TestWhatCameOfACreationIsAudited(t *testing.T) {
	w := newWorld(t)
	c := control.Creation{Name: "a.yaml", File: file("checkout-2", "red", 5)}
	again := func(want string) {
		t.Helper()
		entries := len(w.trail)
		_, c.Failed = w.desk.Create(t.Context(), ann, c)
		if got := w.told(entries); got != want {
			t.Errorf("the audit says %q, want %q", got, want)
		}
	}
	w.unable = fmt.Errorf("no token for the proxy: %w", release.ErrInvalid)
	again("create create.refused")
	if e := w.audited(); e.Object != "checkout-2/1" || e.After != "not begun: no token for the proxy" || !errors.Is(c.Failed, release.ErrInvalid) {
		t.Errorf("audited as %+v, %v", e, c.Failed)
	}
	again("")
	w.unable = fmt.Errorf("the proxy is away: %w", release.ErrUnavailable)
	again("create.refused")
	again("")
	w.guards = []control.Finding{{Rule: "freeze", Text: "not now"}}
	again("create!")
	again("")
	w.guards = nil
	again("create create.refused")
	w.unable = nil
	again("create.taken")

	// Who tries by hand is told each time, also one who has gone meanwhile.
	w.unable = fmt.Errorf("the proxy is away: %w", release.ErrUnavailable)
	for range 2 {
		entries := len(w.trail)
		ctx, cancel := context.WithCancel(t.Context())
		w.leave = cancel
		if _, err := w.desk.Create(ctx, ann, control.Creation{File: file("checkout-3", "red", 5)}); !errors.Is(err, release.ErrUnavailable) {
			t.Error(err)
		}
		if got := w.told(entries); got != "create create.refused" {
			t.Errorf("the audit says %q", got)
		}
	}
}

func TestRetry(t *testing.T) {
	w := newWorld(t)
	id := w.create(control.Creation{File: file("checkout-2", "red", 5)}).ID
	if _, err := w.desk.Retry(t.Context(), ann, id, ""); !errors.Is(err, release.ErrConflict) {
		t.Errorf("of one that runs: %v", err)
	}
	w.end(id)
	next, err := w.desk.Retry(t.Context(), ann, id, "the node was at fault")
	if err != nil || !next.Fresh || next.ID.Attempt != 2 {
		t.Fatalf("%+v, %v", next, err)
	}
	if again, err := w.desk.Retry(t.Context(), ann, id, ""); err != nil || again.Fresh || again.ID != next.ID {
		t.Errorf("a second click: %+v, %v", again, err)
	}
	w.end(next.ID)
	if third, err := w.desk.Retry(t.Context(), ann, next.ID, ""); err != nil || third.ID.Attempt != 3 {
		t.Errorf("%+v, %v", third, err)
	}
	if _, err := w.desk.Retry(t.Context(), ann, id, ""); !errors.Is(err, release.ErrConflict) || !strings.Contains(err.Error(), "checkout-2/3") {
		t.Errorf("of one that was tried again since: %v", err)
	}
}

func TestReadingShowsWhatOneMaySee(t *testing.T) {
	w := newWorld(t)
	for n := range 9 {
		w.create(control.Creation{File: file(fmt.Sprintf("checkout-%d", n), []string{"red", "blue", "green"}[n%3], 5)})
	}
	w.policy = func(_ access.Actor, _ access.Action, on access.Resource) access.Decision {
		return access.Decision{Allowed: on.Team == "red", Why: "only team red"}
	}
	var names []string
	c := journal.Choice{Most: 2}
	for {
		page, err := w.desk.List(t.Context(), ann, c)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Releases {
			names = append(names, s.ID.Name)
		}
		if c.Before = page.Next; page.Next == 0 {
			break
		}
	}
	if got := strings.Join(names, " "); got != "checkout-6 checkout-3 checkout-0" {
		t.Errorf("list shows %s", got)
	}
	mine, theirs := journal.ID{Name: "checkout-0", Attempt: 1}, journal.ID{Name: "checkout-1", Attempt: 1}
	w.turn(mine)
	if s, err := w.desk.Get(t.Context(), ann, journal.ID{Name: mine.Name}); err != nil || s.ID != mine {
		t.Errorf("the last attempt: %+v, %v", s, err)
	}
	latest := journal.ID{Name: mine.Name}
	rec, err := w.desk.Record(t.Context(), ann, latest)
	if err != nil || rec.Service != "checkout" || rec.Records < 2 {
		t.Errorf("record %+v, %v", rec, err)
	}
	w.turn(mine)
	events, err := w.desk.Events(t.Context(), ann, mine, 2, 1)
	if err != nil || len(events) != 1 || events[0].Seq != 2 {
		t.Errorf("events %+v, %v", events, err)
	}
	if beyond, err := w.desk.Events(t.Context(), ann, mine, 100, 1); err != nil || len(beyond) != 0 {
		t.Errorf("events beyond the last: %+v, %v", beyond, err)
	}
	for _, id := range []journal.ID{mine, latest} {
		if text, err := w.desk.File(t.Context(), ann, id); err != nil || string(text) != string(file("checkout-0", "red", 5)) {
			t.Errorf("file of %s: %q, %v", id, text, err)
		}
	}
	if events, err := w.desk.Events(t.Context(), ann, latest, 2, 1); err != nil || len(events) != 1 {
		t.Errorf("events of the last attempt: %+v, %v", events, err)
	}
	for name, err := range map[string]error{
		"get":    second(w.desk.Get(t.Context(), ann, theirs)),
		"record": second(w.desk.Record(t.Context(), ann, theirs)),
		"file":   second(w.desk.File(t.Context(), ann, theirs)),
		"events": second(w.desk.Events(t.Context(), ann, theirs, 1, 1)),
	} {
		if !errors.Is(err, release.ErrNotFound) {
			t.Errorf("%s of another team's: %v", name, err)
		}
	}
	if _, err := w.desk.Get(t.Context(), ann, journal.ID{Name: "nobody"}); !errors.Is(err, release.ErrNotFound) {
		t.Error(err)
	}
	// What is there and not seen is told as what is not there, to whoever asks for
	// or orders anything.
	alike := func(name string, ask func(journal.ID) error) {
		t.Helper()
		none := journal.ID{Name: "checkout-9", Attempt: 1}
		there, not := ask(theirs), ask(none)
		if there == nil || not == nil || strings.ReplaceAll(there.Error(), theirs.Name, none.Name) != not.Error() {
			t.Errorf("%s: %v; of what is not there: %v", name, there, not)
		}
	}
	alike("get", func(id journal.ID) error { return second(w.desk.Get(t.Context(), ann, id)) })
	alike("the last attempt", func(id journal.ID) error { return second(w.desk.Get(t.Context(), ann, journal.ID{Name: id.Name})) })
	alike("abort", func(id journal.ID) error {
		return second(w.desk.Command(t.Context(), ann, control.Order{ID: id, Verb: engine.Abort}))
	})
	alike("retry", func(id journal.ID) error { return second(w.desk.Retry(t.Context(), ann, id, "")) })
	_, err = w.desk.Create(t.Context(), ann, control.Creation{File: file(theirs.Name, "red", 5)})
	if denied := new(control.Denied); !errors.As(err, &denied) || strings.Contains(err.Error(), "blue") || !strings.Contains(err.Error(), "take another") {
		t.Errorf("a name that is taken: %v", err)
	}
	narrow := ann
	narrow.Scopes = []access.Action{access.Create}
	if _, err := w.desk.Get(t.Context(), narrow, mine); !strings.Contains(fmt.Sprint(err), "the token is for create alone") {
		t.Errorf("a token that is not for looking: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestServices(t *testing.T) {
	w := newWorld(t)
	for n := range 3 {
		w.end(w.create(control.Creation{File: file(fmt.Sprintf("checkout-%d", n), "red", 5)}).ID)
	}
	w.create(control.Creation{File: file("checkout-3", "red", 5)})
	w.create(control.Creation{File: file("checkout-4", "blue", 5)})
	w.policy = func(_ access.Actor, _ access.Action, on access.Resource) access.Decision {
		return access.Decision{Allowed: on.Team == "red" && on.Release == ""}
	}
	all, err := w.desk.Services(t.Context(), ann)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	s := all[0]
	if s.Name != "checkout" || s.Team != "red" || s.Running.ID.Name != "checkout-3" || s.Last.ID.Name != "checkout-2" ||
		s.Counts[journal.Aborted] != 3 || s.Counts[""] != 1 {
		t.Errorf("%+v", s)
	}
}

// counting is a journal that counts how often it is asked for a choice.
type counting struct {
	*journal.Store
	asked atomic.Int32
}

func (c *counting) Choose(ctx context.Context, choice journal.Choice) ([]journal.Summary, error) {
	c.asked.Add(1)
	return c.Store.Choose(ctx, choice)
}

// Many who ask for the same list at the same time ask the journal once; what was
// begun at this desk is in the next list.
func TestListsAreAskedOnce(t *testing.T) {
	w := newWorld(t)
	j := &counting{Store: w.store}
	now := w.now
	desk := control.New(control.Config{Journal: j, Beginner: w, Policy: w, Read: spec.Parse, Now: func() time.Time { return now }})
	list := func() int {
		page, err := desk.List(t.Context(), ann, journal.Choice{Most: 10})
		if err != nil {
			t.Error(err)
		}
		return len(page.Releases)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { list() })
	}
	if wg.Wait(); j.asked.Load() != 1 {
		t.Errorf("asked %d times", j.asked.Load())
	}
	if _, err := desk.Create(t.Context(), ann, control.Creation{File: file("checkout-2", "red", 5)}); err != nil || list() != 1 {
		t.Errorf("%v, %d releases", err, list())
	}
	now = now.Add(time.Second)
	if list(); j.asked.Load() != 3 {
		t.Errorf("asked %d times", j.asked.Load())
	}
	// Who may see none of many is not answered by a reading for each.
	for n := range 20 {
		w.create(control.Creation{File: file(fmt.Sprintf("pay-%d", n), "red", 5)})
	}
	w.policy = denies(access.View)
	now = now.Add(time.Second)
	page, err := desk.List(t.Context(), ann, journal.Choice{Most: 1})
	if err != nil || len(page.Releases) != 0 || page.Next != 0 || j.asked.Load() != 5 {
		t.Errorf("%+v, %v; asked %d times", page, err, j.asked.Load())
	}
}
