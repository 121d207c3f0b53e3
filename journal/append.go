package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// maxFile bounds a release file, in bytes.
const maxFile = 1 << 20

// Begin appends the first record of a release, which is Started, with the text
// of the release file whose SHA-256 the plan names. The attempt must follow
// the last one of that name: the error wraps release.ErrConflict where it is
// there already, or is not the next. state is what the record led to.
func (s *Store) Begin(ctx context.Context, id ID, file []byte, rec Record, state *engine.State) error {
	if err := checkBeginning(id, file, rec); err != nil {
		return err
	}
	ready, err := s.prepare(id, 0, rec, state)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx database.Tx) error {
		if err := next(ctx, tx, id); err != nil {
			return err
		}
		key, err := enter(ctx, tx, ready)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO files (release, text) VALUES (?, ?)`, key, file); err != nil {
			return err
		}
		_, err = s.add(ctx, tx, entry{key: key}, ready)
		return err
	})
}

func checkBeginning(id ID, file []byte, rec Record) error {
	started, ok := rec.Event.(engine.Started)
	sum := sha256.Sum256(file)
	if err := id.check(); err != nil {
		return err
	}
	switch {
	case !ok:
		return fmt.Errorf("release %s cannot begin with %T, expected engine.Started: %w", id, rec.Event, release.ErrInvalid)
	case started.Plan.Name != id.Name || started.Attempt != id.Attempt:
		return fmt.Errorf("release %s cannot begin with the plan of %s: %w", id, ID{started.Plan.Name, started.Attempt}, release.ErrInvalid)
	case len(file) > maxFile:
		return fmt.Errorf("release file of %s is %d bytes long and may have %d: %w", id, len(file), maxFile, release.ErrInvalid)
	case started.Plan.Hash != hex.EncodeToString(sum[:]):
		return fmt.Errorf("release file of %s has hash %x and its plan names %s: %w", id, sum, started.Plan.Hash, release.ErrInvalid)
	}
	return nil
}

// enter makes the row of a new release in the index, as far as its first
// record does not fill it.
func enter(ctx context.Context, tx database.Tx, p prepared) (key int64, err error) {
	started := p.Event.(engine.Started)
	of := whose(started)
	err = tx.QueryRow(ctx, `INSERT INTO releases
		(name, attempt, service, team, environment, author, file_hash, started, updated, seq, hash, phase, step, weight, code, reason, outcome)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, '', 0, 0, '', '', '') RETURNING id`,
		p.id.Name, p.id.Attempt, of[0], of[1], of[2], of[3], started.Plan.Hash, p.At.UnixNano(), make([]byte, len(Hash{}))).Scan(&key)
	return key, err
}

// next refuses an attempt that does not follow the last one.
func next(ctx context.Context, tx database.Tx, id ID) error {
	var last int
	err := tx.QueryRow(ctx, `SELECT coalesce(max(attempt), 0) FROM releases WHERE name = ?`, id.Name).Scan(&last)
	if err == nil && id.Attempt != last+1 {
		err = fmt.Errorf("release %s cannot begin: the last attempt was %d, the next is %d; read the journal again: %w",
			id, last, last+1, release.ErrConflict)
	}
	return err
}

// Append appends a record to a release. expect is the sequence of the record
// it builds on; where that is not the last one the error wraps
// release.ErrConflict, and the caller loads the release again. state is what
// the record led to: the index and, now and then, the snapshot come from it.
// A command's record takes the command out of the inbox. All of it happens, or
// nothing.
func (s *Store) Append(ctx context.Context, id ID, expect uint64, rec Record, state *engine.State) error {
	if _, first := rec.Event.(engine.Started); first || expect == 0 {
		return fmt.Errorf("record 1 of %s, and only it, goes into the journal by Begin: %w", id, release.ErrInvalid)
	}
	ready, err := s.prepare(id, expect, rec, state)
	if err != nil {
		return err
	}
	var hash Hash
	err = s.db.Write(ctx, func(tx database.Tx) error {
		at, err := hold(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case at.Pruned:
			return goneError(at.Summary)
		case at.Seq != expect:
			return fmt.Errorf("release %s is at record %d, not at %d: somebody else recorded meanwhile; load it again: %w",
				id, at.Seq, expect, release.ErrConflict)
		case s.marks.strange(id, expect, at.hash):
			return fmt.Errorf("release %s has another record %d than the one that this builds on, which a fail-over of the database lost: load it again: %w",
				id, expect, release.ErrConflict)
		}
		hash, err = s.add(ctx, tx, at, ready)
		return err
	})
	if err == nil {
		s.marks.set(id, ready.Seq, hash, state)
	}
	return err
}

// prepared is a record on its way into the journal, as it will come back: the
// index must say what the record says, to the letter.
type prepared struct {
	Record
	id           ID
	body, packed []byte
	state        *engine.State
	snapshot     *snapshot // nil where none is due
}

// prepare does all that needs no lock: checks, encoding and packing.
func (s *Store) prepare(id ID, expect uint64, rec Record, state *engine.State) (prepared, error) {
	if rec.Seq != 0 && rec.Seq != expect+1 {
		return prepared{}, fmt.Errorf("record %d of %s cannot follow record %d: %w", rec.Seq, id, expect, release.ErrInvalid)
	}
	rec.Seq = expect + 1
	switch {
	case state == nil || state.Seq != rec.Seq:
		return prepared{}, fmt.Errorf("record %d of %s comes without the state it led to: %w", rec.Seq, id, release.ErrInvalid)
	case rec.At.Before(time.Unix(0, 0)) || rec.At.After(time.Unix(0, math.MaxInt64)):
		return prepared{}, fmt.Errorf("record %d of %s is dated %s, which is no time of ours; check the clock: %w", rec.Seq, id, rec.At, release.ErrInvalid)
	}
	body, err := encodeRecord(rec)
	if err != nil {
		return prepared{}, fmt.Errorf("release %s: %w", id, err)
	}
	ready := prepared{id: id, body: body, state: state, Record: rec}
	if rec.Quiet() && !bytes.Contains(body, []byte("\uFFFD")) {
		// Nearly all there are; that they can be read again is what tests show.
		ready.Decision = AsStored(rec.Decision)
	} else if ready.Record, err = decodeRecord(body); err != nil {
		return prepared{}, fmt.Errorf("record %d of %s could not be read again: %w", rec.Seq, id, err)
	}
	ready.Seq = rec.Seq
	s.mu.Lock()
	defer s.mu.Unlock()
	if ready.packed, err = s.packs.pack(body); err != nil {
		return prepared{}, err
	}
	if rec.Seq%s.every == 0 {
		ready.snapshot, err = s.packs.snapshot(state)
	}
	return ready, err
}

// add writes a prepared record and all that goes with it, and gives its hash.
func (s *Store) add(ctx context.Context, tx database.Tx, at entry, p prepared) (Hash, error) {
	hash := Link(at.hash, p.id, p.Seq, formNow, p.body)
	if err := put(ctx, tx, at.key, p, hash); err != nil {
		return hash, err
	}
	rest, live := p.state.Rest()
	why := because(p)
	promoted := int64(0)
	if p.Decision.Kind == engine.Promote {
		promoted = p.At.UnixNano()
	}
	_, err := tx.Exec(ctx, `UPDATE releases SET updated = ?, seq = ?, hash = ?,
		phase = ?, step = ?, weight = ?, code = ?, reason = ?, outcome = ?, promoted = CASE WHEN promoted = 0 THEN ? ELSE promoted END, due = ? + `+tx.Clock()+`, live = ? WHERE id = ?`,
		p.At.UnixNano(), p.Seq, hash[:],
		p.Decision.Phase, p.Decision.Step, p.Decision.Weight, why.Code, database.Text(why.Text),
		outcome(p.state), promoted, rest.Nanoseconds(), bit(live), at.key)
	if err != nil {
		return hash, err
	}
	if command, ok := p.Event.(engine.Commanded); ok {
		if err := take(ctx, tx, at.key, command, p.Seq); err != nil {
			return hash, err
		}
	}
	if p.snapshot != nil {
		err = p.snapshot.write(ctx, tx, at.key, p.Seq, hash)
	}
	return hash, err
}

// because is the reason that lists show with a release: that of its last decision,
// where it had one, and of one that went back why it did, whatever came after.
func because(p prepared) release.Reason {
	switch ended := outcome(p.state); {
	case ended == RolledBack, ended == Aborted:
		return p.state.Decided
	case p.Decision.Reason.Text == "":
		return p.state.Why
	}
	return p.Decision.Reason
}

// put writes the row of a record. On SQLite its id follows all that ever were,
// also those that retention removed: the feed goes by it.
func put(ctx context.Context, tx database.Tx, key int64, p prepared, hash Hash) error {
	id, value := "", ""
	if tx.Kind == database.SQLite {
		id = "id, "
		value = `1 + max((SELECT coalesce(max(id), 0) FROM records), (SELECT coalesce(max(past), 0) FROM releases WHERE past > 0)), `
	}
	_, err := tx.Exec(ctx, `INSERT INTO records (`+id+`release, seq, form, body, hash, quiet) VALUES (`+value+`?, ?, ?, ?, ?, ?)`,
		key, p.Seq, formNow, p.packed, hash[:], bit(p.Quiet()))
	return err
}

func bit(on bool) int {
	if on {
		return 1
	}
	return 0
}

// entry is a release's row in the index.
type entry struct {
	Summary
	key  int64
	hash Hash
}

// find reads the index for one release.
func find(ctx context.Context, tx database.Tx, id ID) (entry, error) { return look(ctx, tx, id, "") }

// hold is find, and nobody else writes to the release before the transaction
// ends.
func hold(ctx context.Context, tx database.Tx, id ID) (entry, error) {
	return look(ctx, tx, id, tx.Lock())
}

func look(ctx context.Context, tx database.Tx, id ID, how string) (entry, error) {
	row := tx.QueryRow(ctx, `SELECT `+entryColumns+` FROM releases WHERE name = ? AND attempt = ?`+how, id.Name, id.Attempt)
	at, err := scanEntry(row)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("release %s is not in the journal; `linnet release list` shows what is: %w", id, release.ErrNotFound)
	}
	return at, err
}
