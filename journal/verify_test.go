package journal

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// wantBroken checks that an error names a record.
func wantBroken(t *testing.T, err error, seq uint64, texts ...string) {
	t.Helper()
	var broken *Broken
	if !errors.As(err, &broken) {
		t.Errorf("error is %v, want a *Broken", err)
		return
	}
	if broken.Seq != seq {
		t.Errorf("record %d is named, want %d: %v", broken.Seq, seq, err)
	}
	wantError(t, err, release.ErrInvalid, texts...)
}

// forged gives a row for a record that was never made, as somebody would who
// knows the form.
func forged(t *testing.T, rec Record) (packed, body []byte) {
	t.Helper()
	body, err := encodeRecord(rec)
	if err != nil {
		t.Fatal(err)
	}
	var p packer
	if packed, err = p.pack(body); err != nil {
		t.Fatal(err)
	}
	return packed, body
}

func testVerifyNamesTheFirstBrokenRecord(t *testing.T, w world) {
	random := rand.New(rand.NewPCG(9, 9))
	clean := true
	for name, c := range map[string]struct {
		tamper func(t *testing.T, s *Store)
		seq    uint64
		text   string
	}{
		"changed decision": {func(t *testing.T, s *Store) {
			rec := quietLook(random, 5)
			rec.Decision.Kind = engine.HoldHere
			packed, _ := forged(t, rec)
			tamper(t, s, `UPDATE records SET body = ? WHERE seq = 5`, packed)
		}, 5, "was changed"},
		"changed decision with its hash": {func(t *testing.T, s *Store) {
			var before []byte
			if err := ask(t, s.Reader, `SELECT hash FROM records WHERE seq = 4`, &before); err != nil {
				t.Fatal(err)
			}
			packed, body := forged(t, quietLook(random, 5))
			hash := Link(Hash(before), checkout, 5, formNow, body)
			tamper(t, s, `UPDATE records SET body = ?, hash = ? WHERE seq = 5`, packed, hash[:])
		}, 6, "or the hash of record 5"},
		"changed hash": {func(t *testing.T, s *Store) {
			tamper(t, s, `UPDATE records SET hash = ? WHERE seq = 7`, make([]byte, 32))
		}, 7, "hash"},
		"short hash": {func(t *testing.T, s *Store) {
			tamper(t, s, `UPDATE records SET hash = ? WHERE seq = 7`, []byte{0})
		}, 7, "hash"},
		"garbage": {func(t *testing.T, s *Store) {
			tamper(t, s, `UPDATE records SET body = ? WHERE seq = 3`, []byte{0xff, 0xff})
		}, 3, "cannot be unpacked"},
		"other form": {func(t *testing.T, s *Store) {
			tamper(t, s, `UPDATE records SET form = 2 WHERE seq = 3`)
		}, 3, "has form 2"},
		"missing": {func(t *testing.T, s *Store) {
			tamper(t, s, `DELETE FROM records WHERE seq = 6`)
		}, 6, "missing"},
		"missing first": {func(t *testing.T, s *Store) {
			tamper(t, s, `DELETE FROM records WHERE seq = 1`)
		}, 1, "missing"},
		"missing last": {func(t *testing.T, s *Store) {
			tamper(t, s, `DELETE FROM records WHERE seq = 10`)
		}, 10, "missing"},
		"no records": {func(t *testing.T, s *Store) {
			tamper(t, s, `DELETE FROM records`)
		}, 1, "missing"},
		"order": {func(t *testing.T, s *Store) {
			tamper(t, s, `UPDATE records SET seq = 100 WHERE seq = 4`)
			tamper(t, s, `UPDATE records SET seq = 4 WHERE seq = 5`)
			tamper(t, s, `UPDATE records SET seq = 5 WHERE seq = 100`)
		}, 4, "was changed"},
		"index behind": {func(t *testing.T, s *Store) {
			tamper(t, s, `UPDATE releases SET seq = 9`)
		}, 10, "index"},
		"index says otherwise": {func(t *testing.T, s *Store) {
			tamper(t, s, `UPDATE releases SET outcome = 'promoted', phase = 'promoted'`)
		}, 10, "index"},
		"index of an end": {func(t *testing.T, s *Store) {
			finish(t, s, checkout, engine.Promoted, day)
			tamper(t, s, `UPDATE releases SET outcome = 'aborted'`)
		}, 11, "index"},
		"index of a service": {func(t *testing.T, s *Store) { tamper(t, s, `UPDATE releases SET service = 'other'`) }, 1, "index"},
		"index of a team":    {func(t *testing.T, s *Store) { tamper(t, s, `UPDATE releases SET team = 'other'`) }, 1, "index"},
		"index of a place":   {func(t *testing.T, s *Store) { tamper(t, s, `UPDATE releases SET environment = 'test'`) }, 1, "index"},
		"index of an author": {func(t *testing.T, s *Store) { tamper(t, s, `UPDATE releases SET author = 'eve'`) }, 1, "index"},
		"index hash": {func(t *testing.T, s *Store) {
			tamper(t, s, `UPDATE releases SET hash = ?`, make([]byte, 32))
		}, 10, "index"},
		"release file": {func(t *testing.T, s *Store) {
			tamper(t, s, `UPDATE files SET text = ?`, []byte{0})
		}, 1, "release file"},
		"no release file": {func(t *testing.T, s *Store) {
			tamper(t, s, `DELETE FROM files`)
		}, 0, "release file is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			if s := w.open(t, quick()); !clean {
				for _, table := range []string{"commands", "snapshots", "files", "records", "releases"} {
					tamper(t, s, `DELETE FROM `+table)
				}
			}
			clean = false
			s := w.begun(t)
			follow(t, s, checkout, 10)
			c.tamper(t, s)
			_, err := s.Verify(t.Context(), checkout)
			wantBroken(t, err, c.seq, c.text, "checkout-1.5.0/1")
		})
	}
}

// A record that does not fit is never folded into a state.
func testBrokenRecordsAreNotUsed(t *testing.T, w world) {
	s := w.begun(t)
	follow(t, s, checkout, 10)
	tamper(t, s, `UPDATE records SET hash = ? WHERE seq = 7`, make([]byte, 32))
	state, seq, err := s.Load(t.Context(), checkout, fold)
	wantBroken(t, err, 7)
	if seq != 0 || state.Seq != 0 {
		t.Errorf("a state came with the error: %d, %+v", seq, state)
	}
	n := 0
	err = s.Records(t.Context(), checkout, 1, func(Record) error { n++; return nil })
	wantBroken(t, err, 7)
	if n != 6 {
		t.Errorf("%d records were handed over, want the 6 that fit", n)
	}
}

// Who cuts off the end and sets the index back leaves a journal that is right
// in itself; only a head kept elsewhere tells.
func testOnlyAnAnchorShowsACutTail(t *testing.T, w world) {
	s := w.begun(t)
	follow(t, s, checkout, 9)
	earlier, err := s.Verify(t.Context(), checkout)
	if err != nil {
		t.Fatal(err)
	}
	follow(t, s, checkout, 10)
	anchor, err := s.Verify(t.Context(), checkout)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := ParseHead(anchor.String())
	if err != nil || kept != anchor {
		t.Fatalf("%q reads as %v, %v", anchor, kept, err)
	}
	for _, head := range []Head{earlier, kept} {
		if now, err := s.VerifyAgainst(t.Context(), head); err != nil || now != anchor {
			t.Errorf("before the cut: %v, %v", now, err)
		}
	}
	tamper(t, s, `DELETE FROM records WHERE seq = 10`)
	rec := quietLook(rand.New(rand.NewPCG(1, 2)), 0)
	var at int64
	err = s.Records(t.Context(), checkout, 9, func(last Record) error { rec, at = last, last.At.UnixNano(); return nil })
	if err != nil {
		t.Fatal(err)
	}
	tamper(t, s, `UPDATE releases SET seq = 9, hash = ?, updated = ?, code = ?, reason = ?`,
		earlier.Hash[:], at, rec.Decision.Reason.Code, rec.Decision.Reason.Text)
	if head, err := s.Verify(t.Context(), checkout); err != nil || head != earlier {
		t.Errorf("after the cut the journal alone says %v, %v", head, err)
	}
	_, err = s.VerifyAgainst(t.Context(), kept)
	wantBroken(t, err, 10, "cut off", "10 records")

	kept.Seq = 5
	_, err = s.VerifyAgainst(t.Context(), kept)
	wantBroken(t, err, 5, "written anew")
	kept.ID.Attempt = 2
	_, err = s.VerifyAgainst(t.Context(), kept)
	wantBroken(t, err, 0, "does not know it")
}

func testVerifyAllFindsWhatTheIndexLost(t *testing.T, w world) {
	s := w.begun(t)
	second := ID{Name: checkout.Name, Attempt: 2}
	third := ID{Name: checkout.Name, Attempt: 3}
	begin1(t, s, second)
	begin1(t, s, third)
	tamper(t, s, `UPDATE records SET hash = ? WHERE release = (SELECT id FROM releases WHERE attempt = 3)`, make([]byte, 32))
	heads, err := s.VerifyAll(t.Context())
	if len(heads) != 2 {
		t.Errorf("heads are %v, want two", heads)
	}
	wantBroken(t, err, 1, "checkout-1.5.0/3")
	if w.kind == database.SQLite {
		alone(t, s, `PRAGMA foreign_keys = 0`)
	} else {
		for _, table := range []string{"records", "files"} {
			tamper(t, s, `ALTER TABLE `+table+` DROP CONSTRAINT `+table+`_release_fkey`)
		}
	}
	tamper(t, s, `DELETE FROM releases WHERE attempt = 2`)
	_, err = s.VerifyAll(t.Context())
	wantError(t, err, release.ErrInvalid, "attempts are missing")
	tamper(t, s, `DELETE FROM releases`)
	_, err = s.VerifyAll(t.Context())
	wantError(t, err, release.ErrInvalid, "releases that the index does not know")
}

func TestIDs(t *testing.T) {
	if id, err := ParseID("checkout-1.5.0/12"); err != nil || id != (ID{"checkout-1.5.0", 12}) {
		t.Errorf("%v, %v", id, err)
	}
	for _, text := range []string{"", "a", "a/", "/1", "a/0", "a/-1", "a/01", "a/+1", "a/b/1", "a b/1", "a\n/1", "\xff/1"} {
		id, err := ParseID(text)
		if id != (ID{}) {
			t.Errorf("%q reads as %v", text, id)
		}
		wantError(t, err, release.ErrInvalid)
	}
}
