package run_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
)

func TestMethodsThatAreNotCarriedAreRefused(t *testing.T) {
	store, err := journal.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w := newWorld(t, &ledger{Store: store})
	e := engine.Started{At: time.Unix(1_800_000_000, 0).UTC(), Attempt: 1, Plan: aPlan(), Salt: "salt", Epoch: 1, Methods: 99}
	s, d, effects := engine.Step(engine.State{}, e)
	if err := store.Begin(t.Context(), id, []byte(file), journal.Record{Seq: 1, At: e.At, Event: e, Decision: d, Effects: effects}, &s); err != nil {
		t.Fatal(err)
	}
	_, err = run.New(t.Context(), w.cfg, id)
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("%v", err)
	}
}
