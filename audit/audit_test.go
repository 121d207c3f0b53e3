package audit

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/database/databasetest"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

var day = time.Date(2026, 1, 2, 15, 4, 5, 123456789, time.UTC)

func entry(n int) control.Entry {
	return control.Entry{
		At: day.Add(time.Duration(n) * time.Minute), What: "release.abort", Object: fmt.Sprintf("checkout-%d/1", n), Reason: "looks <odd> & bad",
		Who:    access.Actor{Name: "ada@example.com", Kind: access.Person, Groups: []string{"sre", "shop"}, From: "192.0.2.7"},
		Before: "10%", After: "0%",
	}
}

func tamper(t *testing.T, db *database.DB, statement string, args ...any) {
	t.Helper()
	err := db.Write(t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(t.Context(), statement, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func wantBroken(t *testing.T, err error, seq uint64, text string) {
	t.Helper()
	var broken *journal.Broken
	if !errors.As(err, &broken) || broken.Seq != seq || !strings.Contains(err.Error(), text) {
		t.Errorf("error is %v, want one that names line %d and says %q", err, seq, text)
	}
}

func TestAudit(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, fresh databasetest.Fresh) {
		db := fresh(t)
		ctx := t.Context()
		if _, err := ReaderOn(ctx, db); !errors.Is(err, release.ErrNotFound) {
			t.Errorf("no audit gives %v", err)
		}
		l, err := On(ctx, db)
		if err != nil {
			t.Fatal(err)
		}
		if head, err := l.Verify(ctx); err != nil || head.Seq != 0 {
			t.Errorf("an empty audit has the head %v, %v", head, err)
		}
		writeAll(t, l)
		head, err := l.Verify(ctx)
		if err != nil || head.Seq != 22 {
			t.Fatalf("the head is %v, %v", head, err)
		}
		if back, err := journal.ParseHead(head.String()); err != nil || back != head {
			t.Errorf("%q reads as %v, %v", head, back, err)
		}
		found, err := l.Lines(ctx, Choice{Object: "checkout-3/1", Most: 9})
		if err != nil || len(found) != 1 || !reflect.DeepEqual(found[0].Entry, entry(3)) {
			t.Errorf("found %+v, %v; want %+v", found, err, entry(3))
		}
		for text, c := range map[string]Choice{
			"20": {What: "release.abort", Most: 99}, "21": {What: "release.", Most: 99}, "1": {Denied: true, Most: 99},
			"2": {From: day.Add(2 * time.Minute), To: day.Add(4 * time.Minute), Most: 99}, "3": {Before: 4, Most: 99},
			"5": {Who: "ada@example.com", Most: 5}, "0": {Who: "nobody", Most: 99},
		} {
			if some, err := l.Lines(ctx, c); err != nil || fmt.Sprint(len(some)) != text {
				t.Errorf("%+v chooses %d lines, %v; want %s", c, len(some), err, text)
			}
		}
		tampering(t, db, l, head)
		anchoring(t, db, l)
		pruning(t, l)
	})
}

// writeAll writes 20 lines from several goroutines and two strange ones.
func writeAll(t *testing.T, l *Log) {
	t.Helper()
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			for n := range 5 {
				if err := l.Audit(t.Context(), entry(w*5+n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	denied := entry(30)
	denied.What, denied.Denied, denied.Reason = "release.create", "viewers may not", strings.Repeat("ü", maxText)
	strange := entry(31)
	strange.What, strange.Who.Name, strange.Object = "token.create", "a\x00\xffb", strings.Repeat("x", 9000)
	for _, e := range []control.Entry{denied, strange} {
		if err := l.Audit(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Audit(t.Context(), control.Entry{}); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("an empty entry gives %v", err)
	}
}

func tampering(t *testing.T, db *database.DB, l *Log, head journal.Head) {
	t.Helper()
	ctx := t.Context()
	verify := func() error { _, err := l.Verify(ctx); return err }
	tamper(t, db, `UPDATE audit_lines SET who = 'eve' WHERE seq = 4`)
	wantBroken(t, verify(), 4, "index")
	tamper(t, db, `UPDATE audit_lines SET who = 'ada@example.com', form = 2 WHERE seq = 4`)
	wantBroken(t, verify(), 4, "newer linnet, or changed")
	tamper(t, db, `UPDATE audit_lines SET form = 1 WHERE seq = 4`)
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	other, err := encode(entry(99))
	if err != nil {
		t.Fatal(err)
	}
	var was []byte
	if err := db.Read(ctx, func(tx database.Tx) error {
		return tx.QueryRow(ctx, `SELECT body FROM audit_lines WHERE seq = 7`).Scan(&was)
	}); err != nil {
		t.Fatal(err)
	}
	tamper(t, db, `UPDATE audit_lines SET body = ? WHERE seq = 7`, other)
	wantBroken(t, verify(), 7, "was changed")
	tamper(t, db, `UPDATE audit_lines SET body = ? WHERE seq = 7`, was)

	anchors := map[uint64]journal.Hash{head.Seq: head.Hash}
	if _, gone, err := l.VerifyAgainst(ctx, anchors); err != nil || gone != 0 {
		t.Errorf("against its own head: %d, %v", gone, err)
	}
	_, _, err = l.VerifyAgainst(ctx, map[uint64]journal.Hash{3: {1}})
	wantBroken(t, err, 3, "written anew")
	_, _, err = l.VerifyAgainst(ctx, map[uint64]journal.Hash{40: {1}})
	wantBroken(t, err, 23, "cut off")
}

func pruning(t *testing.T, l *Log) {
	t.Helper()
	ctx := t.Context()
	before := map[uint64]journal.Hash{}
	if _, err := l.Walk(ctx, func(line Line) error { before[line.Seq] = line.Hash; return nil }); err != nil {
		t.Fatal(err)
	}
	if n, err := l.Prune(ctx, day); err != nil || n != 0 {
		t.Errorf("pruned %d, %v; want none", n, err)
	}
	if n, err := l.Prune(ctx, day.Add(25*time.Minute)); err != nil || n != 20 {
		t.Errorf("pruned %d, %v; want 20", n, err)
	}
	if head, gone, err := l.VerifyAgainst(ctx, before); err != nil || head.Seq != 22 || gone != 19 {
		t.Errorf("after pruning: %v, %d gone, %v", head, gone, err)
	}
	if n, err := l.Prune(ctx, day.Add(time.Hour)); err != nil || n != 2 {
		t.Errorf("pruned %d, %v; want 2", n, err)
	}
	if err := l.Audit(ctx, entry(50)); err != nil {
		t.Fatal(err)
	}
	if head, _, err := l.VerifyAgainst(ctx, before); err != nil || head.Seq != 23 {
		t.Errorf("a chain of which all was removed goes on at %v, %v", head, err)
	}
}

func FuzzDecode(f *testing.F) {
	body, err := encode(entry(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"t":"2026-01-02T15:04:05Z","a":"x"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := decode(body)
		if err != nil {
			return
		}
		if again, err := encode(e); err != nil || string(again) != string(body) {
			t.Errorf("%q comes back as %q, %v", body, again, err)
		}
	})
}

// What people look up by is found by an index.
func TestLookingUpScansNothing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, err := database.OpenFolder(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := On(ctx, db); err != nil {
		t.Fatal(err)
	}
	for index, c := range map[string]Choice{
		"audit_by_what (what=?": {What: "release.abort"}, "audit_by_what (what>?": {What: "release."}, "audit_denied": {Denied: true},
		"audit_by_who": {Who: "ada"}, "audit_by_object": {Object: "a/1", Denied: true}, "MULTI-INDEX OR": {Object: "a"},
	} {
		var id, parent, zero int
		var plan string
		err := db.Read(ctx, func(tx database.Tx) error {
			where, args := c.where(tx)
			return tx.QueryRow(ctx, `EXPLAIN QUERY PLAN SELECT `+columns+` FROM audit_lines`+where+` ORDER BY seq DESC LIMIT 10`, args...).Scan(&id, &parent, &zero, &plan)
		})
		if err != nil || !strings.Contains(plan, index) {
			t.Errorf("%+v: %s, %v", c, plan, err)
		}
	}
}
