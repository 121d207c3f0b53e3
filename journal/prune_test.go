package journal

import (
	"fmt"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

func testPruneLeavesAnAnchor(t *testing.T, w world) {
	s := w.begun(t)
	follow(t, s, checkout, 150) // with a snapshot
	if err := s.Command(t.Context(), checkout, order(1, engine.Pause)); err != nil {
		t.Fatal(err)
	}
	early, err := s.Verify(t.Context(), checkout)
	if err != nil {
		t.Fatal(err)
	}
	finish(t, s, checkout, engine.RolledBack, day.Add(time.Hour))
	running, recent := ID{"running", 1}, ID{"recent", 1}
	begin1(t, s, running)
	begin1(t, s, recent)
	finish(t, s, recent, engine.Promoted, day.Add(48*time.Hour))
	anchor, err := s.Verify(t.Context(), checkout)
	if err != nil {
		t.Fatal(err)
	}

	limit := day.Add(24 * time.Hour)
	if n, err := s.Prune(t.Context(), limit); err != nil || n != 1 {
		t.Fatalf("pruned %d, %v; want the one that ended long ago", n, err)
	}
	if n, err := s.Prune(t.Context(), limit); err != nil || n != 0 {
		t.Errorf("pruned %d more, %v", n, err)
	}
	for _, table := range []string{"records", "snapshots", "commands", "files"} {
		var n int
		err := ask(t, s.Reader, `SELECT count(*) FROM `+table+` WHERE release = 1`, &n)
		if err != nil || n != 0 {
			t.Errorf("%d rows are left in %s, %v", n, table, err)
		}
	}
	head, err := s.VerifyAgainst(t.Context(), anchor)
	if err != nil || !head.Pruned || head.Hash != anchor.Hash || head.Seq != 151 {
		t.Errorf("head is %v, %v; want %v", head, err, anchor)
	}
	_, err = s.VerifyAgainst(t.Context(), early)
	wantError(t, err, release.ErrNotFound, "cannot be checked any more")
	anchor.Hash[0]++
	_, err = s.VerifyAgainst(t.Context(), anchor)
	wantBroken(t, err, 151, "written anew")

	_, _, err = s.Load(t.Context(), checkout, fold)
	wantError(t, err, release.ErrNotFound, "ended rolled-back", "retention")
	_, err = s.FileText(t.Context(), checkout)
	wantError(t, err, release.ErrNotFound)
	err = s.Records(t.Context(), checkout, 1, func(Record) error { return nil })
	wantError(t, err, release.ErrNotFound)
	err = s.Append(t.Context(), checkout, 151, ending(engine.RolledBack, day), &engine.State{Seq: 152})
	wantError(t, err, release.ErrNotFound)
	if at, err := s.Find(t.Context(), checkout); err != nil || !at.Pruned || at.Outcome != RolledBack {
		t.Errorf("summary is %+v, %v", at, err)
	}
	if heads, err := s.VerifyAll(t.Context()); err != nil || len(heads) != 3 {
		t.Errorf("heads are %v, %v", heads, err)
	}
	wantError(t, s.Begin(t.Context(), checkout, []byte(fileOfCheckout), beginning(checkout), &engine.State{Seq: 1}), release.ErrConflict, "the next is 2")
}

func TestPruneIsBoundedAndGivesSpaceBack(t *testing.T) {
	t.Parallel()
	s := begun(t)
	follow(t, s, checkout, 300)
	finish(t, s, checkout, engine.Promoted, day)
	for n := range pruneMost {
		id := ID{fmt.Sprintf("r-%d", n), 1}
		begin1(t, s, id)
		finish(t, s, id, engine.Promoted, day)
	}
	pages := func() (n int) {
		t.Helper()
		if err := ask(t, s.Reader, `PRAGMA page_count`, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := pages()
	for _, want := range []int{pruneMost, 1, 0} {
		if n, err := s.Prune(t.Context(), day.Add(time.Hour)); err != nil || n != want {
			t.Errorf("pruned %d, %v; want %d", n, err, want)
		}
	}
	if after := pages(); after > before/2 {
		t.Errorf("the database has %d pages, had %d", after, before)
	}
}
