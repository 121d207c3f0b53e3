package audit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
)

// Choice says which lines are wanted. What is empty chooses all.
type Choice struct {
	// Who, Object and What are as in the entry; a What that ends in a dot chooses
	// all that begin so ("token."), and an Object without its last part all of it:
	// checkout-1.5.0 is all its attempts.
	Who, What, Object string
	// From and To bound the time; To is not in it.
	From, To time.Time
	// Denied chooses what was not allowed.
	Denied bool
	// Before is the sequence of the last line that is known already; 0 for none.
	Before uint64
	// Most is how many are given at most, from 1 to 1,000.
	Most int
}

// maxLines bounds what one call gives; page is how many are read at a time.
const (
	maxLines = 1000
	page     = 500
)

const columns = `seq, at, who, what, object, denied, form, body, hash`

// Lines gives lines of a choice, the last first. They are read without their
// chain: Verify proves that they are what was written.
func (l *Log) Lines(ctx context.Context, c Choice) ([]Line, error) {
	var found []Line
	err := l.db.Glance(ctx, func(tx database.Tx) error {
		where, args := c.where(tx)
		rows, err := read(ctx, tx, `SELECT `+columns+` FROM audit_lines`+where+` ORDER BY seq DESC LIMIT ?`,
			append(args, min(max(c.Most, 1), maxLines))...)
		for _, r := range rows {
			if err != nil {
				return err
			}
			var line Line
			line, err = r.line()
			found = append(found, line)
		}
		return err
	})
	return found, err
}

func (c Choice) where(tx database.Tx) (string, []any) {
	var all []string
	var args []any
	add := func(wanted bool, condition string, value any) {
		if wanted {
			all, args = append(all, condition), append(args, value)
		}
	}
	add(c.Who != "", "who = ?", c.Who)
	if whole := strings.Contains(c.Object, "/"); whole || c.Object == "" {
		add(whole, "object = ?", c.Object)
	} else { // and what is of it: '0' comes after the stroke
		object := tx.ByBytes("object")
		all = append(all, "(object = ? OR "+object+" > ? AND "+object+" < ?)")
		args = append(args, c.Object, c.Object+"/", c.Object+"0")
	}
	what := tx.ByBytes("what")
	if begins, ok := strings.CutSuffix(c.What, "."); ok {
		add(true, what+" >= ?", c.What)
		add(true, what+" < ?", begins+"/") // what comes after a full stop
	} else {
		add(c.What != "", what+" = ?", c.What)
	}
	add(!c.From.IsZero(), "at >= ?", c.From.UnixNano())
	add(!c.To.IsZero(), "at < ?", c.To.UnixNano())
	if c.Denied {
		all = append(all, "denied = 1") // as its index has it
	}
	add(c.Before > 0, "seq < ?", c.Before)
	if len(all) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(all, " AND "), args
}

// row is a line as the database holds it.
type row struct {
	seq               uint64
	at                int64
	who, what, object string
	denied            bool
	form              int64
	body, hash        []byte
}

func read(ctx context.Context, tx database.Tx, query string, args ...any) ([]row, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.seq, &r.at, &r.who, &r.what, &r.object, &r.denied, &r.form, &r.body, &r.hash); err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

func (r row) broken(format string, args ...any) error {
	return &journal.Broken{ID: journal.AuditChain(), Seq: r.seq, What: fmt.Sprintf(format, args...)}
}

// line reads a row without looking at what is before it.
func (r row) line() (Line, error) {
	if r.form != form || len(r.hash) != len(journal.Hash{}) {
		return Line{}, r.broken("it has form %d and a hash of %d bytes; it was written by a newer linnet, or changed", r.form, len(r.hash))
	}
	e, err := decode(r.body)
	if err != nil {
		return Line{}, r.broken("its content cannot be read: %v", err)
	}
	return Line{Seq: r.seq, Entry: e, Hash: journal.Hash(r.hash)}, nil
}

// Walk hands all lines to fn in order and proves each: that it is what was
// written, in its place, and that what it is looked up by agrees. It returns the
// head to keep. What is wrong comes as a *journal.Broken; an error of fn ends it
// and is returned as it is.
func (l *Log) Walk(ctx context.Context, fn func(Line) error) (journal.Head, error) {
	head := journal.Head{ID: journal.AuditChain()}
	for more := true; more; {
		var rows []row
		err := l.db.Read(ctx, func(tx database.Tx) (err error) {
			if head.Seq == 0 {
				if head, err = begin(ctx, tx); err != nil {
					return err
				}
			}
			rows, err = read(ctx, tx, `SELECT `+columns+` FROM audit_lines WHERE seq > ? ORDER BY seq LIMIT ?`, head.Seq, page)
			return err
		})
		if err != nil {
			return head, err
		}
		for _, r := range rows {
			line, err := r.follows(head)
			if err != nil {
				return head, err
			}
			head.Seq, head.Hash = line.Seq, line.Hash
			if err := fn(line); err != nil {
				return head, err
			}
		}
		more = len(rows) == page
	}
	return head, nil
}

// begin is what the first line that is there follows: nothing, or the last one
// that retention removed.
func begin(ctx context.Context, tx database.Tx) (journal.Head, error) {
	none := journal.Head{ID: journal.AuditChain()}
	var n int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM audit_past`).Scan(&n); err != nil || n == 0 {
		return none, err
	}
	return scanHead(tx.QueryRow(ctx, `SELECT seq, hash FROM audit_past ORDER BY seq DESC LIMIT 1`))
}

// follows proves a row against the one before it.
func (r row) follows(before journal.Head) (Line, error) {
	if r.seq != before.Seq+1 {
		missing := row{seq: before.Seq + 1}
		return Line{}, missing.broken("it is missing; the next one there is line %d", r.seq)
	}
	line, err := r.line()
	if err != nil {
		return Line{}, err
	}
	hash := journal.Link(before.Hash, before.ID, r.seq, r.form, r.body)
	e := line.Entry
	switch {
	case hash != line.Hash:
		return Line{}, r.broken("its content, its hash, or the hash of line %d was changed after it was written", before.Seq)
	case r.at != e.At.UnixNano() || r.who != e.Who.Name || r.what != e.What || r.object != e.Object || r.denied != (e.Denied != ""):
		return Line{}, r.broken("it is looked up by something else than what it says; the index was changed")
	}
	return line, nil
}

// Verify proves the whole audit and returns the head to keep; its Seq is 0 where
// nothing was ever written.
func (l *Log) Verify(ctx context.Context) (journal.Head, error) {
	return l.Walk(ctx, func(Line) error { return nil })
}

// VerifyAgainst is Verify, and besides proves that the audit still holds the
// lines that earlier heads name. Those that retention removed are counted; the
// last one removed is still compared.
func (l *Log) VerifyAgainst(ctx context.Context, anchors map[uint64]journal.Hash) (head journal.Head, gone int, err error) {
	var past journal.Head
	err = l.db.Read(ctx, func(tx database.Tx) (err error) {
		past, err = begin(ctx, tx)
		return err
	})
	if err != nil {
		return past, 0, err
	}
	matches := func(seq uint64, hash journal.Hash) error {
		if want, asked := anchors[seq]; asked && want != hash {
			return row{seq: seq}.broken("it, or one before it, was written anew: its hash is %x, and was %x when the head was taken", hash[:], want[:])
		}
		return nil
	}
	if err := matches(past.Seq, past.Hash); err != nil {
		return past, 0, err
	}
	head, err = l.Walk(ctx, func(line Line) error { return matches(line.Seq, line.Hash) })
	if err != nil {
		return head, 0, err
	}
	for seq := range anchors {
		switch {
		case seq > head.Seq:
			return head, gone, row{seq: head.Seq + 1}.broken("it was cut off, and all after it; there were %d lines when a head was taken", seq)
		case seq < past.Seq:
			gone++
		}
	}
	return head, gone, nil
}

// Prune removes the lines of before a time from the beginning of the chain, at
// most 500 a call, and says how many. What stays of them is the last one's
// sequence and hash, which the next one follows.
func (l *Log) Prune(ctx context.Context, olderThan time.Time) (int, error) {
	removed := 0
	err := l.db.Write(ctx, func(tx database.Tx) error {
		rows, err := read(ctx, tx, `SELECT `+columns+` FROM audit_lines ORDER BY seq LIMIT ?`, page)
		if err != nil {
			return err
		}
		for removed < len(rows) && rows[removed].at < olderThan.UnixNano() {
			removed++
		}
		if removed == 0 {
			return nil
		}
		last := rows[removed-1]
		if _, err := tx.Exec(ctx, `INSERT INTO audit_past (seq, hash) VALUES (?, ?)`, last.seq, last.hash); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM audit_lines WHERE seq <= ?`, last.seq)
		return err
	})
	if err != nil {
		return 0, err
	}
	return removed, nil
}
