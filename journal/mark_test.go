package journal

import (
	"errors"
	"testing"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// A fail-over to a copy that lagged behind loses the last records, and another
// process may write its own in their place. Who still has a state of before must
// not append to them as if nothing had been.
func testLostRecordsAreNotBuiltOn(t *testing.T, w world) {
	s, other := w.begun(t), w.open(t, quick())
	ctx := t.Context()
	follow := func(s *Store, expect uint64, phase engine.Phase) error {
		return s.Append(ctx, checkout, expect, ending(phase, day), &engine.State{Seq: expect + 1})
	}
	fold := func(was engine.State, _ engine.Event) engine.State {
		was.Seq++
		return was
	}
	if err := follow(s, 1, engine.Observing); err != nil {
		t.Fatal(err)
	}
	err := s.db.Write(ctx, func(tx database.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM records WHERE seq = 2`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE releases SET seq = 1, hash = (SELECT hash FROM records WHERE seq = 1)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := follow(other, 1, engine.Paused); err != nil {
		t.Fatal(err)
	}
	if err := follow(s, 2, engine.Observing); !errors.Is(err, release.ErrConflict) {
		t.Errorf("built on a record that was lost: %v", err)
	}
	if _, _, err := s.Load(ctx, checkout, fold); err != nil {
		t.Fatal(err)
	}
	if err := follow(s, 2, engine.Observing); err != nil {
		t.Errorf("after it was loaded again: %v", err)
	}
	if _, err := s.Verify(ctx, checkout); err != nil {
		t.Error(err)
	}
}

// Releases that other processes see to their end do not pile up.
func TestMarksAreBounded(t *testing.T) {
	var m marks
	for n := range mostMarks + 10 {
		m.set(ID{"checkout", n + 1}, 1, Hash{1}, &engine.State{Phase: engine.Observing})
	}
	if len(m.at) > mostMarks || !m.strange(ID{"checkout", mostMarks + 10}, 1, Hash{2}) {
		t.Errorf("%d are kept, the last among them: %v", len(m.at), m.strange(ID{"checkout", mostMarks + 10}, 1, Hash{2}))
	}
}
