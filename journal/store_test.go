package journal

import (
	"context"
	"crypto/sha256"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// wantError checks what an error means and that its text helps.
func wantError(t testing.TB, err error, meaning error, texts ...string) {
	t.Helper()
	if !errors.Is(err, meaning) {
		t.Errorf("error is %q, want one that is %q", err, meaning)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error is %q, want it to say %q", err, text)
		}
	}
}

func testWhatIsAppendedIsRead(t *testing.T, w world) {
	s := w.begun(t)
	follow(t, s, checkout, 210) // more than a page, and snapshots
	var seqs []uint64
	err := s.Records(t.Context(), checkout, 9, func(rec Record) error {
		seqs = append(seqs, rec.Seq)
		return nil
	})
	if err != nil || len(seqs) != 202 || seqs[0] != 9 || seqs[201] != 210 {
		t.Errorf("read %d records (%v), want 9 to 210", len(seqs), err)
	}
	want := asRead(beginning(checkout))
	err = s.Records(t.Context(), checkout, 0, func(rec Record) error {
		rec.Seq, rec.Hash = 0, Hash{}
		if !reflect.DeepEqual(rec, want) {
			t.Errorf("record 1 is %+v, want %+v", rec, want)
		}
		return context.Canceled
	})
	if err != context.Canceled {
		t.Errorf("error of the callback came back as %v", err)
	}
	text, err := s.FileText(t.Context(), checkout)
	if err != nil || string(text) != fileOfCheckout {
		t.Errorf("file is %q, %v", text, err)
	}
	head, err := s.Verify(t.Context(), checkout)
	if err != nil || head.Seq != 210 || head.ID != checkout {
		t.Errorf("head is %v, %v", head, err)
	}
	err = s.Records(t.Context(), checkout, 212, func(Record) error { return nil })
	wantError(t, err, release.ErrNotFound, "210 records")
}

func testIndexFollowsTheRecords(t *testing.T, w world) {
	s := w.begun(t)
	second := ID{Name: "payments-2", Attempt: 1}
	begin1(t, s, second)
	follow(t, s, checkout, 3)
	finish(t, s, checkout, engine.Promoted, day.Add(time.Hour))
	list, err := s.List(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("list is %+v, %v", list, err)
	}
	got := list[1]
	if got.ID != checkout || got.Seq != 4 || got.Phase != engine.Promoted || got.Outcome != Promoted || !got.Ended() ||
		!got.Started.Equal(day) || !got.Updated.Equal(day.Add(time.Hour)) || got.Service != "checkout" {
		t.Errorf("summary is %+v", got)
	}
	if open := list[0]; open.Ended() || open.Weight != 1_000 || open.Step != 1 || open.Reason.Code != release.Begun {
		t.Errorf("summary is %+v", open)
	}
	begin1(t, s, ID{Name: checkout.Name, Attempt: 2})
	if id, found, err := s.Latest(t.Context(), checkout.Name); !found || err != nil || id.Attempt != 2 {
		t.Errorf("latest is %v, %v, %v", id, found, err)
	}
	if id, found, err := s.Latest(t.Context(), "nobody"); found || err != nil {
		t.Errorf("latest of an unknown name is %v, %v, %v", id, found, err)
	}
	if heads, err := s.VerifyAll(t.Context()); err != nil || len(heads) != 3 {
		t.Errorf("heads are %v, %v", heads, err)
	}
}

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		state engine.State
		want  Outcome
	}{
		{engine.State{Phase: engine.Promoted}, Promoted},
		{engine.State{Phase: engine.RolledBack, Cause: engine.ByEvidence}, RolledBack},
		{engine.State{Phase: engine.RolledBack, Cause: engine.ByPerson}, Aborted},
		{engine.State{Phase: engine.RolledBack, Pending: engine.Pending{Route: &engine.SetRoute{}}}, ""},
		{engine.State{Phase: engine.Recovering, Cause: engine.ByPerson}, ""},
		{engine.State{Phase: engine.Watching}, ""},
	} {
		if got := outcome(&c.state); got != c.want {
			t.Errorf("outcome of %s by %q is %q, want %q", c.state.Phase, c.state.Cause, got, c.want)
		}
	}
}

// Sources say strange things; what is written must be readable, and the index
// must agree with it.
func testStrangeTextIsKept(t *testing.T, w world) {
	s := w.begun(t)
	strange := "a\xffb\\ufffd\x00 " + strings.Repeat("long", 100)
	for seq, kind := range []engine.DecisionKind{engine.Stay, engine.HoldHere} {
		rec := Record{At: day, Event: engine.Looked{At: day, Warnings: []string{strange}},
			Decision: engine.Decision{Kind: kind, Reason: release.Reason{Code: release.SourceInvalid, Text: strange}}}
		if err := s.Append(t.Context(), checkout, uint64(seq+1), rec, &engine.State{Seq: uint64(seq + 2)}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Verify(t.Context(), checkout); err != nil {
			t.Errorf("decision %s: %v", kind, err)
		}
	}
	err := s.Records(t.Context(), checkout, 3, func(rec Record) error {
		if got, want := rec.Event.(engine.Looked).Warnings[0], strings.ToValidUTF8(strange, "\uFFFD"); got != want {
			t.Errorf("warning is %q, want %q", got, want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func testBeginRefuses(t *testing.T, w world) {
	s := w.begun(t)
	state := &engine.State{Seq: 1}
	file := []byte(fileOfCheckout)
	second := ID{Name: checkout.Name, Attempt: 2}
	undated := beginning(second)
	undated.At = time.Time{}
	for name, c := range map[string]struct {
		id      ID
		file    []byte
		rec     Record
		state   *engine.State
		meaning error
		text    string
	}{
		"again":          {checkout, file, beginning(checkout), state, release.ErrConflict, "the next is 2"},
		"attempt 3":      {ID{checkout.Name, 3}, file, beginning(ID{checkout.Name, 3}), state, release.ErrConflict, "the next is 2"},
		"other file":     {second, []byte("x"), beginning(second), state, release.ErrInvalid, "has hash"},
		"other plan":     {second, file, beginning(checkout), state, release.ErrInvalid, "plan of checkout-1.5.0/1"},
		"no start":       {second, file, ending(engine.Promoted, day), state, release.ErrInvalid, "expected engine.Started"},
		"no state":       {second, file, beginning(second), nil, release.ErrInvalid, "without the state"},
		"no time":        {second, file, undated, state, release.ErrInvalid, "check the clock"},
		"slash in name":  {ID{"a/b", 1}, file, beginning(ID{"a/b", 1}), state, release.ErrInvalid, "slash"},
		"attempt 0":      {ID{"a", 0}, file, beginning(ID{"a", 0}), state, release.ErrInvalid, "from 1"},
		"very long file": {second, make([]byte, maxFile+1), beginning(second), state, release.ErrInvalid, "may have"},
	} {
		err := s.Begin(t.Context(), c.id, c.file, c.rec, c.state)
		if !errors.Is(err, c.meaning) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: error is %v, want %v and %q", name, err, c.meaning, c.text)
		}
	}
	if list, err := s.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("a refused beginning left something: %v, %v", list, err)
	}
}

func testAppendRefuses(t *testing.T, w world) {
	s := w.begun(t)
	rec := ending(engine.Promoted, day)
	at := func(seq uint64) *engine.State { return &engine.State{Seq: seq} }
	wantError(t, s.Append(t.Context(), checkout, 7, rec, at(8)), release.ErrConflict, "is at record 1, not at 7")
	wantError(t, s.Append(t.Context(), ID{"nobody", 1}, 1, rec, at(2)), release.ErrNotFound, "nobody/1")
	wantError(t, s.Append(t.Context(), checkout, 0, rec, at(1)), release.ErrInvalid, "by Begin")
	wantError(t, s.Append(t.Context(), checkout, 1, beginning(checkout), at(2)), release.ErrInvalid, "by Begin")
	wantError(t, s.Append(t.Context(), checkout, 1, rec, at(1)), release.ErrInvalid, "without the state")
	rec.Seq = 3
	wantError(t, s.Append(t.Context(), checkout, 1, rec, at(2)), release.ErrInvalid, "cannot follow")
	rec = ending(engine.Promoted, day)
	rec.Event = nil
	wantError(t, s.Append(t.Context(), checkout, 1, rec, at(2)), release.ErrInvalid, "no form for the event")
	rec.Event = engine.Looked{Warnings: []string{strings.Repeat("x", maxBody)}}
	wantError(t, s.Append(t.Context(), checkout, 1, rec, at(2)), release.ErrInvalid, "may have")
	if head, err := s.Verify(t.Context(), checkout); err != nil || head.Seq != 1 {
		t.Errorf("after refusals the head is %v, %v", head, err)
	}
}

// Two processes that step one release at once: of each pair of appends one is
// written and the other learns that it was not.
func testOneOfTwoWritersWins(t *testing.T, w world) {
	first := w.open(t, quick())
	begin1(t, first, checkout)
	const writers, rounds = 2, 50
	won := make([]int, writers)
	var group sync.WaitGroup
	for n := range writers {
		s := w.open(t, quick())
		group.Go(func() {
			for expect := uint64(1); expect <= rounds; expect++ {
				err := s.Append(t.Context(), checkout, expect, ending(engine.Observing, day), &engine.State{Seq: expect + 1})
				if err == nil {
					won[n]++
				} else if !errors.Is(err, release.ErrConflict) {
					t.Errorf("the loser got %v, want ErrConflict", err)
					return
				}
				for at := (Summary{}); at.Seq <= expect; { // the other may still be writing
					if at, err = s.Find(t.Context(), checkout); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	group.Wait()
	head, err := first.Verify(t.Context(), checkout)
	if err != nil || head.Seq != 1+rounds || won[0]+won[1] != rounds {
		t.Errorf("head is %v (%v), writers won %v; want %d records in all", head, err, won, rounds)
	}
}

func testLoadFoldsFromTheSnapshot(t *testing.T, w world) {
	with := quick()
	with.every = 10
	s := w.open(t, with)
	begin1(t, s, checkout)
	follow(t, s, checkout, 25)
	load := func() (state engine.State, folded int) {
		t.Helper()
		state, seq, err := s.Load(t.Context(), checkout, func(st engine.State, e engine.Event) engine.State {
			folded++
			return fold(st, e)
		})
		if err != nil || seq != 25 || state.Seq != 25 {
			t.Fatalf("sequence is %d, state %+v, %v", seq, state, err)
		}
		return state, folded
	}
	fromSnapshot, folded := load()
	if folded != 5 {
		t.Errorf("folded %d events, want the 5 after the snapshot", folded)
	}
	for name, query := range map[string]string{
		"another version":  `UPDATE snapshots SET form = '0-abc'`,
		"flipped bits":     w.words(`UPDATE snapshots SET body = CAST(x'00' || substr(body, 2) AS BLOB)`, `UPDATE snapshots SET body = set_byte(body, 0, 0)`),
		"of other records": `UPDATE snapshots SET hash = sum`,
		"of the future":    `UPDATE snapshots SET seq = 99`,
		"none":             `DELETE FROM snapshots`,
	} {
		tamper(t, s, query)
		again, folded := load()
		if folded != 25 {
			t.Errorf("snapshot %s: folded %d events, want all 25", name, folded)
		}
		if !reflect.DeepEqual(again, fromSnapshot) {
			t.Errorf("snapshot %s: state is %+v, from the snapshot it was %+v", name, again, fromSnapshot)
		}
	}
}

// JSON passes over what it cannot see, and a snapshot would come back with a
// hole: whatever is in a state must survive.
func TestStateSurvivesASnapshot(t *testing.T) {
	state := filled[engine.State](t)
	state.Last.Comparisons[0].LogPass = math.Inf(1)
	var p packer
	shot, err := p.snapshot(&state)
	if err != nil || shot == nil {
		t.Fatalf("no snapshot: %v", err)
	}
	sum := sha256.Sum256(shot.body)
	back, ok := thaw(shot.body, sum[:])
	if !ok || !reflect.DeepEqual(back, state) {
		t.Errorf("the state came back otherwise (%v):\n got %+v\nwant %+v", ok, back, state)
	}
}

func testReaderWhileWriting(t *testing.T, w world) {
	_, err := readerOn(t.Context(), w.db(t, quick()), quick())
	wantError(t, err, release.ErrNotFound, "holds no journal")

	s := w.open(t, quick())
	r, err := readerOn(t.Context(), w.db(t, quick()), quick())
	if err != nil {
		t.Fatal(err)
	}
	begin1(t, s, checkout)
	for seq := uint64(2); seq < 10; seq++ {
		follow(t, s, checkout, seq)
		if head, err := r.Verify(t.Context(), checkout); err != nil || head.Seq != seq {
			t.Fatalf("the reader sees %v (%v), want record %d", head, err, seq)
		}
	}
	// A reader in the middle of the records does not hold up a writer.
	err = r.Records(t.Context(), checkout, 1, func(rec Record) error {
		if rec.Seq == 1 {
			follow(t, s, checkout, 12)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestNoJournal(t *testing.T) {
	_, err := OpenReader(t.Context(), filepath.Join(t.TempDir(), "nowhere"))
	wantError(t, err, release.ErrNotFound, "nowhere", "--data")
}

func TestFilesAreOursAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "data folder?#%")
	s := opened(t, dir, quick())
	begin1(t, s, checkout)
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, database.FileName): 0o600, filepath.Join(dir, database.FileName+"-wal"): 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v (%v), want %v", path, info.Mode().Perm(), err, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, database.FileName+"-wal")); !os.IsNotExist(err) {
		t.Errorf("after closing, the log of writes is still there: %v", err)
	}
}

// A record that was acknowledged survives a loss of power.
func TestEveryCommitReachesTheDisk(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1", "auto_vacuum": "2"} {
		var got string
		err := s.db.Write(t.Context(), func(tx database.Tx) error { return tx.QueryRow(t.Context(), `PRAGMA `+pragma).Scan(&got) })
		if err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", pragma, got, err, want)
		}
	}
}

func TestManyOpenAtOnce(t *testing.T) {
	dir := t.TempDir()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			s, err := Open(t.Context(), dir)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func testContextEndsWork(t *testing.T, w world) {
	s := w.begun(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Append(ctx, checkout, 1, ending(engine.Promoted, day), &engine.State{Seq: 2})
	wantError(t, err, context.Canceled)
	if head, err := s.Verify(t.Context(), checkout); err != nil || head.Seq != 1 {
		t.Errorf("head is %v, %v", head, err)
	}
}
