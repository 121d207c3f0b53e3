package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/judge"
)

// snapshotVersion changes when states that were folded by an older engine must
// not be built on, although their fields are the same.
const snapshotVersion = 1

// maxSnapshot bounds a snapshot before it is packed, in bytes.
const maxSnapshot = 64 << 20

// snapshot is a state as it is kept. It only saves time: the records say
// everything, and a release has one snapshot, the last.
type snapshot struct {
	form string
	body []byte
}

// frozen is a state in JSON. The last verdict has a form of its own, because
// its bounds may be infinite, which JSON cannot hold.
type frozen struct {
	State engine.State
	Last  *storedVerdict
}

// snapshot packs a state, or gives nil for one that JSON cannot hold: the
// record it came with must not fail over it.
func (p *packer) snapshot(state *engine.State) (*snapshot, error) {
	cold := frozen{State: *state, Last: storeVerdict(&state.Last)}
	cold.State.Last = judge.Verdict{}
	text, err := json.Marshal(cold)
	if err != nil || len(text) > maxSnapshot {
		return nil, nil
	}
	body, err := p.pack(text)
	if err != nil {
		return nil, err
	}
	return &snapshot{form: snapshotForm(), body: body}, nil
}

func (s *snapshot) write(ctx context.Context, tx database.Tx, key int64, seq uint64, hash Hash) error {
	sum := sha256.Sum256(s.body)
	_, err := tx.Exec(ctx, `INSERT INTO snapshots (release, seq, form, hash, body, sum) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (release) DO UPDATE SET seq = excluded.seq, form = excluded.form, hash = excluded.hash, body = excluded.body, sum = excluded.sum`,
		key, seq, s.form, hash[:], s.body, sum[:])
	return err
}

// resume gives the state of the last snapshot and the chain that stands at it,
// or the beginning of both where there is none to use.
func resume(ctx context.Context, tx database.Tx, at entry) (engine.State, *chain, error) {
	var seq uint64
	var form string
	var hash, body, sum []byte
	err := tx.QueryRow(ctx, `SELECT seq, form, hash, body, sum FROM snapshots WHERE release = ?`, at.key).
		Scan(&seq, &form, &hash, &body, &sum)
	if errors.Is(err, sql.ErrNoRows) {
		return engine.State{}, &chain{id: at.ID}, nil
	}
	if err != nil {
		return engine.State{}, nil, err
	}
	c, err := begin(ctx, tx, at, seq+1)
	if err != nil || form != snapshotForm() || string(hash) != string(c.hash[:]) {
		return engine.State{}, &chain{id: at.ID}, nil // a walk from the start names what is broken, if anything is
	}
	state, ok := thaw(body, sum)
	if !ok || state.Seq != seq {
		return engine.State{}, &chain{id: at.ID}, nil
	}
	return state, c, nil
}

// thaw reads a snapshot's state, if it is whole.
func thaw(body, sum []byte) (engine.State, bool) {
	now := sha256.Sum256(body)
	if string(now[:]) != string(sum) {
		return engine.State{}, false
	}
	var u unpacker
	text, err := u.unpack(body, maxSnapshot)
	if err != nil {
		return engine.State{}, false
	}
	var cold frozen
	if json.Unmarshal(text, &cold) != nil || cold.Last == nil {
		return engine.State{}, false
	}
	cold.State.Last = *cold.Last.load()
	return cold.State, true
}

// snapshotForm names what a snapshot's bytes mean: the version above, and a
// hash over all fields of State, so that a field added there makes older
// snapshots be passed over instead of read with a hole.
func snapshotForm() string {
	sum := sha256.New()
	describe(sum, reflect.TypeFor[engine.State](), map[reflect.Type]bool{})
	return fmt.Sprintf("%d-%x", snapshotVersion, sum.Sum(nil)[:8])
}

// describe writes a type and all that it is made of.
func describe(out io.Writer, t reflect.Type, seen map[reflect.Type]bool) {
	fmt.Fprintf(out, "%s %s;", t, t.Kind())
	if seen[t] || t == reflect.TypeFor[time.Time]() {
		return
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Struct:
		for field := range t.Fields() {
			fmt.Fprintf(out, "%s %q ", field.Name, field.Tag)
			describe(out, field.Type, seen)
		}
	case reflect.Map:
		describe(out, t.Key(), seen)
		describe(out, t.Elem(), seen)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		describe(out, t.Elem(), seen)
	}
}
