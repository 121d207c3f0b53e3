package journal

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// Verify reads all records of a release and proves that each is what was
// written, in its place, and that the index and the release file agree with
// them. It returns the head to keep. What is wrong comes as a *Broken that
// names the first record; an unknown release is release.ErrNotFound. Of a
// release that retention removed the head is returned, marked Pruned.
//
// Somebody who can write the database can also compute all hashes anew, or cut
// off the last records and set the index back: VerifyAgainst finds that out.
func (r *Reader) Verify(ctx context.Context, id ID) (Head, error) {
	return r.verify(ctx, id, func(Record) error { return nil })
}

// VerifyAgainst is Verify, and besides proves that the release still holds the
// record that an earlier head names. One that retention removed and that is not
// the last is release.ErrNotFound.
func (r *Reader) VerifyAgainst(ctx context.Context, anchor Head) (Head, error) {
	head, gone, err := r.VerifyHeads(ctx, anchor.ID, map[uint64]Hash{anchor.Seq: anchor.Hash})
	if err == nil && gone > 0 {
		err = fmt.Errorf("%s was pruned after %d records, record %d cannot be checked any more: %w", anchor.ID, head.Seq, anchor.Seq, release.ErrNotFound)
	}
	return head, err
}

// VerifyHeads is Verify, and besides proves that the release still holds the
// records that earlier heads of it name, by sequence. Those that retention
// removed are counted; the last one removed is still compared.
func (r *Reader) VerifyHeads(ctx context.Context, id ID, anchors map[uint64]Hash) (head Head, gone int, err error) {
	last := uint64(0)
	for seq := range anchors {
		last = max(last, seq)
	}
	head, err = r.verify(ctx, id, func(rec Record) error {
		want, asked := anchors[rec.Seq]
		if !asked {
			return nil
		}
		return matches(Head{ID: id, Seq: rec.Seq, Hash: want}, rec.Hash)
	})
	switch {
	case errors.Is(err, release.ErrNotFound):
		return Head{}, 0, &Broken{ID: id, What: fmt.Sprintf("the journal does not know it, though it had %d records when the head was taken", last)}
	case err != nil:
		return head, 0, err
	case head.Seq < last:
		return Head{}, 0, &Broken{ID: id, Seq: head.Seq + 1,
			What: fmt.Sprintf("it was cut off, and all after it; there were %d records when the head was taken", last)}
	case !head.Pruned:
		return head, 0, nil
	}
	want, asked := anchors[head.Seq]
	if !asked {
		return head, len(anchors), nil
	}
	return head, len(anchors) - 1, matches(Head{ID: id, Seq: head.Seq, Hash: want}, head.Hash)
}

func matches(anchor Head, hash Hash) error {
	if hash == anchor.Hash {
		return nil
	}
	return &Broken{ID: anchor.ID, Seq: anchor.Seq,
		What: fmt.Sprintf("it, or one before it, was written anew: its hash is %x, and was %x when the head was taken", hash[:], anchor.Hash[:])}
}

// Heads hands over the heads of all releases as the index has them, pruned ones
// too. It proves nothing: that is for who compares them later.
func (r *Reader) Heads(ctx context.Context, fn func(Head) error) error {
	for last, more := int64(0), true; more; {
		some, err := r.entries(ctx, `SELECT `+entryColumns+` FROM releases WHERE id > ? ORDER BY id LIMIT ?`, last, page)
		if err != nil {
			return err
		}
		for _, at := range some {
			last = at.key
			if err := fn(Head{ID: at.ID, Seq: at.Seq, Hash: at.hash, Pruned: at.Pruned}); err != nil {
				return err
			}
		}
		more = len(some) == page
	}
	return nil
}

func (r *Reader) verify(ctx context.Context, id ID, see func(Record) error) (Head, error) {
	var head Head
	err := r.db.Read(ctx, func(tx database.Tx) error {
		at, err := find(ctx, tx, id)
		if err != nil {
			return err
		}
		head = Head{ID: at.ID, Seq: at.Seq, Hash: at.hash, Pruned: at.Pruned}
		if at.Pruned {
			return nil
		}
		return verifyEntry(ctx, tx, at, see)
	})
	if err != nil {
		return Head{}, err
	}
	return head, nil
}

func verifyEntry(ctx context.Context, tx database.Tx, at entry, see func(Record) error) error {
	if at.Seq == 0 {
		return &Broken{ID: at.ID, What: "the index knows it and it has no records"}
	}
	file, err := fileText(ctx, tx, at)
	if err != nil {
		return err
	}
	var last Record
	var said bool  // a record says the reason that the index has: see because
	var seen error // the first thing that is wrong beside the chain
	c := chain{id: at.ID}
	err = c.walk(ctx, tx, at, func(rec Record) {
		if rec.Seq == 1 {
			seen = verifyFirst(at, rec, file)
		}
		if seen == nil {
			seen = see(rec)
		}
		said = said || rec.Decision.Reason.Code == at.Reason.Code && database.Text(rec.Decision.Reason.Text) == database.Text(at.Reason.Text)
		last = rec
	})
	switch {
	case err != nil:
		return err
	case seen != nil:
		return seen
	case last.Decision.Phase != at.Phase || last.Decision.Step != at.Step || last.Decision.Weight != at.Weight ||
		!said || !last.At.Equal(at.Updated) ||
		at.Ended() && (at.Phase != engine.Promoted && at.Phase != engine.RolledBack || (at.Phase == engine.Promoted) != (at.Outcome == Promoted)):
		return &Broken{ID: at.ID, Seq: last.Seq, What: "the index does not say what the records say; it was changed"}
	}
	return nil
}

// verifyFirst checks that the first record, the index and the release file are
// of one release.
func verifyFirst(at entry, rec Record, file []byte) error {
	broken := func(what string) error { return &Broken{ID: at.ID, Seq: 1, What: what} }
	started, ok := rec.Event.(engine.Started)
	sum := sha256.Sum256(file)
	switch {
	case !ok:
		return broken(fmt.Sprintf("it is %T, expected engine.Started", rec.Event))
	case started.Plan.Name != at.ID.Name || started.Attempt != at.ID.Attempt:
		return broken(fmt.Sprintf("it starts %s", ID{started.Plan.Name, started.Attempt}))
	case fmt.Sprintf("%x", sum) != started.Plan.Hash:
		return broken("the release file kept with it is not the one it names; the file was changed")
	case started.Plan.Hash != at.FileHash || !rec.At.Equal(at.Started) ||
		whose(started) != [4]string{at.Service, at.Team, at.Environment, at.Author}:
		return broken("the index does not say what it says; the index was changed")
	}
	return nil
}

// whose is what permissions go by, as the index has it.
func whose(started engine.Started) [4]string {
	return [4]string{database.Text(started.Plan.Service), database.Text(started.Plan.Labels[plan.TeamLabel]),
		database.Text(started.Plan.Labels[plan.EnvironmentLabel]), database.Text(started.By)}
}

// VerifyAll verifies every release, and that none is missing among the
// attempts of a name and no record is without a release. It returns the heads
// of those that are right, and everything that is wrong at once.
func (r *Reader) VerifyAll(ctx context.Context) ([]Head, error) {
	var heads []Head
	var wrong []error
	err := r.Heads(ctx, func(at Head) error {
		head, err := r.Verify(ctx, at.ID)
		switch {
		case err == nil:
			heads = append(heads, head)
		case ctx.Err() != nil:
			return err
		default:
			wrong = append(wrong, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	wrong = append(wrong, r.orphans(ctx))
	return heads, errors.Join(wrong...)
}

// orphans looks for what the index has lost.
func (r *Reader) orphans(ctx context.Context) error {
	for _, look := range []struct{ query, text string }{
		{`SELECT count(*) FROM (SELECT name FROM releases GROUP BY name HAVING max(attempt) != count(*)) AS short`,
			"attempts are missing from the index, of so many names"},
		{`SELECT count(DISTINCT release) FROM records WHERE release NOT IN (SELECT id FROM releases)`,
			"records belong to releases that the index does not know, so many"},
	} {
		var n int
		err := r.db.Glance(ctx, func(tx database.Tx) error { return tx.QueryRow(ctx, look.query).Scan(&n) })
		if err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%s: %s: %d: %w", r.db.Name(), look.text, n, release.ErrInvalid)
		}
	}
	return nil
}
