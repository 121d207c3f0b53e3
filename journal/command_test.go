package journal

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

func order(n int, verb engine.Verb) engine.Commanded {
	return engine.Commanded{At: day.Add(time.Duration(n) * time.Second), ID: fmt.Sprintf("c-%d", n), Verb: verb, Who: "ada", Reason: "looks odd"}
}

func testCommandsCrossProcesses(t *testing.T, w world) {
	s := w.begun(t)
	other := w.open(t, quick())
	first, second := order(1, engine.Pause), order(2, engine.Abort)
	for _, c := range []engine.Commanded{first, second, first} { // the first delivered twice
		if err := other.Command(t.Context(), checkout, c); err != nil {
			t.Fatal(err)
		}
	}
	waiting := func() []engine.Commanded {
		t.Helper()
		commands, err := s.Waiting(t.Context(), checkout)
		if err != nil {
			t.Fatal(err)
		}
		return commands
	}
	if got := waiting(); !reflect.DeepEqual(got, []engine.Commanded{first, second}) {
		t.Fatalf("waiting are %+v", got)
	}
	taken := Record{At: day, Event: first, Decision: engine.Decision{Kind: engine.Suspend, Phase: engine.Paused}}
	if err := s.Append(t.Context(), checkout, 1, taken, &engine.State{Seq: 2}); err != nil {
		t.Fatal(err)
	}
	if got := waiting(); !reflect.DeepEqual(got, []engine.Commanded{second}) {
		t.Errorf("after one was taken, waiting are %+v", got)
	}
	if err := other.Command(t.Context(), checkout, first); err != nil {
		t.Errorf("a taken command that comes again is refused: %v", err)
	}
	direct := Record{At: day, Event: order(3, engine.Resume), Decision: engine.Decision{Phase: engine.Observing}}
	if err := s.Append(t.Context(), checkout, 2, direct, &engine.State{Seq: 3}); err != nil {
		t.Fatal(err)
	}
	if err := other.Command(t.Context(), checkout, order(3, engine.Resume)); err != nil {
		t.Error(err)
	}
	if got := waiting(); !reflect.DeepEqual(got, []engine.Commanded{second}) {
		t.Errorf("a command that was recorded already waits again: %+v", got)
	}
}

func testCommandRefuses(t *testing.T, w world) {
	s := w.begun(t)
	with := func(change func(*engine.Commanded)) error {
		c := order(1, engine.Pause)
		change(&c)
		return s.Command(t.Context(), checkout, c)
	}
	wantError(t, with(func(c *engine.Commanded) { c.Verb = "explode" }), release.ErrInvalid, `"explode"`, "approve")
	wantError(t, with(func(c *engine.Commanded) { c.ID = "" }), release.ErrInvalid, "id of command")
	wantError(t, with(func(c *engine.Commanded) { c.Who = strings.Repeat("x", 257) }), release.ErrInvalid, "may have 256")
	wantError(t, with(func(c *engine.Commanded) { c.Reason = strings.Repeat("x", 1025) }), release.ErrInvalid, "may have 1024")
	wantError(t, with(func(c *engine.Commanded) { c.At = time.Time{} }), release.ErrInvalid, "clock")
	wantError(t, s.Command(t.Context(), ID{"nobody", 1}, order(1, engine.Pause)), release.ErrNotFound, "nobody/1")
	_, err := s.Waiting(t.Context(), ID{"nobody", 1})
	wantError(t, err, release.ErrNotFound)
	for n := range maxWaiting {
		if err := s.Command(t.Context(), checkout, order(n, engine.Pause)); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, s.Command(t.Context(), checkout, order(maxWaiting, engine.Pause)), release.ErrConflict, "100 commands waiting")
	finish(t, s, checkout, engine.Promoted, day)
	wantError(t, s.Command(t.Context(), checkout, order(500, engine.Abort)), release.ErrConflict, "has ended (promoted)", "abort")
	if err := s.Command(t.Context(), checkout, order(0, engine.Pause)); err != nil {
		t.Errorf("what was left before comes again after the end: %v", err)
	}
}

func TestOneOwner(t *testing.T) {
	s := begun(t)
	other := opened(t, s.folder(), quick())
	lock, err := s.Own(checkout, day)
	if err != nil {
		t.Fatal(err)
	}
	again := ID{Name: checkout.Name, Attempt: 2}
	_, err = other.Own(again, day)
	wantError(t, err, release.ErrConflict, fmt.Sprintf("pid %d on ", os.Getpid()), "since 2026-01-02T15:04:05Z", "linnet release")
	free, err := other.Own(ID{"payments-2", 1}, day)
	if err != nil {
		t.Fatalf("another release cannot be owned: %v", err)
	}
	if err := free.Release(); err != nil {
		t.Error(err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	lock, err = other.Own(again, day)
	if err != nil {
		t.Fatalf("a freed release cannot be owned: %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
	_, err = s.Own(ID{"../../etc/passwd", 1}, day)
	wantError(t, err, release.ErrInvalid, "slash")
}
