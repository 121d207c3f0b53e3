package journal

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// hasty waits a short time for locks.
func hasty() settings {
	with := quick()
	with.Busy = 50 * time.Millisecond
	return with
}

// fillUp appends until the journal refuses, and checks that the refusal left
// nothing behind and that going on is possible after room was made.
func fillUp(t *testing.T, s *Store, room func()) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 1))
	var err error
	seq := uint64(1)
	for ; err == nil && seq < 5_000; seq++ {
		err = s.Append(t.Context(), checkout, seq, quietLook(random, seq+1), &engine.State{Seq: seq + 1})
	}
	seq-- // the last one failed
	wantError(t, err, release.ErrUnavailable, "disk is full", database.FileName, "free some space")
	if head, err := s.Verify(t.Context(), checkout); err != nil || head.Seq != seq {
		t.Errorf("after the disk was full: %v, %v; want record %d", head, err, seq)
	}
	room()
	if err := s.Append(t.Context(), checkout, seq, quietLook(random, seq+1), &engine.State{Seq: seq + 1}); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestFullDatabase(t *testing.T) {
	t.Parallel()
	s := begun(t)
	var pages int
	if err := ask(t, s.Reader, `PRAGMA page_count`, &pages); err != nil {
		t.Fatal(err)
	}
	alone(t, s, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+20))
	fillUp(t, s, func() { alone(t, s, `PRAGMA max_page_count = 100000`) })
}

func TestReadOnlyFile(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everything; TestReadOnlyDisk covers it for root")
	}
	s := begun(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.db.Name(), 0o400); err != nil {
		t.Fatal(err)
	}
	_, err := open(t.Context(), s.folder(), hasty())
	wantError(t, err, release.ErrUnavailable, database.FileName, "writable")
}

func TestLockedByAnother(t *testing.T) {
	s := opened(t, t.TempDir(), hasty())
	begin1(t, s, checkout)
	db, err := sql.Open("sqlite", "file:"+s.db.Name()+"?_txlock=exclusive")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	other, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	rec, state := ending(engine.Promoted, day), &engine.State{Seq: 2}
	wantError(t, s.Append(t.Context(), checkout, 1, rec, state), release.ErrUnavailable, database.FileName, "another process has it locked")
	wantError(t, s.Command(t.Context(), checkout, order(1, engine.Pause)), release.ErrUnavailable, "locked")
	_, err = open(t.Context(), s.folder(), hasty())
	wantError(t, err, release.ErrUnavailable, "locked")
	if head, err := s.Verify(t.Context(), checkout); err != nil || head.Seq != 1 {
		t.Errorf("reading beside a writer: %v, %v", head, err)
	}
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), checkout, 1, rec, state); err != nil {
		t.Errorf("with the lock free: %v", err)
	}
}

func TestCreatorThatStands(t *testing.T) {
	dir := t.TempDir()
	lock, err := database.LockFile(filepath.Join(dir, "create.lock"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = open(t.Context(), dir, hasty())
	wantError(t, err, release.ErrUnavailable, "create.lock", "locked")
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	opened(t, dir, hasty())
}

// closedWith gives the path of a closed journal with records in it.
func closedWith(t *testing.T, records uint64) (dir, path string) {
	t.Helper()
	s := begun(t)
	follow(t, s, checkout, records)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s.folder(), s.db.Name()
}

// readAll opens a journal and reads everything in it.
func readAll(t *testing.T, dir string) error {
	t.Helper()
	r, err := OpenReader(t.Context(), dir)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = r.VerifyAll(t.Context())
	return err
}

// The backup that the documentation tells people to make.
func TestBackupWhileOpen(t *testing.T) {
	s := begun(t)
	follow(t, s, checkout, 20)
	head, err := s.Verify(t.Context(), checkout)
	if err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir()
	alone(t, s, `VACUUM INTO ?`, filepath.Join(copied, database.FileName))
	r, err := OpenReader(t.Context(), copied)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.VerifyAgainst(t.Context(), head); err != nil || got != head {
		t.Errorf("the copy says %v, %v; want %v", got, err, head)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	follow(t, opened(t, copied, quick()), checkout, 30)
}

// Whatever page is damaged: it is found out, the error says so, and what it
// says is not "try again".
func TestDamagedPages(t *testing.T) {
	t.Parallel()
	dir, path := closedWith(t, 60)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := readAll(t, dir); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(11, 12))
	const pageSize = 4096
	found := 0
	for at := 0; at < len(whole); at += pageSize {
		damaged := append([]byte(nil), whole...)
		for i := at; i < at+pageSize; i++ {
			damaged[i] ^= byte(random.Uint32() | 1)
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		err := readAll(t, dir)
		if err == nil {
			continue // an index page, the snapshot or the inbox: no record is lost with it
		}
		found++
		if !errors.Is(err, release.ErrInvalid) {
			t.Errorf("page %d: error is %v, want ErrInvalid", at/pageSize+1, err)
		}
	}
	if pages := len(whole) / pageSize; found < pages/2 {
		t.Errorf("damage of %d pages of %d was found out", found, pages)
	}
}

// A single flipped bit in a record is found out by the chain, where SQLite
// itself sees nothing.
func TestFlippedBitInARecord(t *testing.T) {
	dir, path := closedWith(t, 20)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := OpenReader(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var body []byte
	if err := errors.Join(ask(t, r, `SELECT body FROM records WHERE seq = 12`, &body), r.Close()); err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(text), string(body))
	if at < 0 {
		t.Fatal("record 12 is not in the file in one piece")
	}
	text[at+len(body)/2] ^= 4
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	wantBroken(t, readAll(t, dir), 12)
}

func TestTruncatedFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		keep  float64
		texts []string
	}{{0, []string{"is empty", "restore a copy"}}, {0.001, []string{database.FileName, "restore a copy"}}, {0.5, []string{database.FileName, "audit verify"}}} {
		dir, path := closedWith(t, 60)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, int64(float64(info.Size())*c.keep)); err != nil {
			t.Fatal(err)
		}
		wantError(t, readAll(t, dir), release.ErrInvalid, c.texts...)
		s, err := Open(t.Context(), dir)
		if err == nil {
			_, err = s.VerifyAll(t.Context())
			err = errors.Join(err, s.Close())
		}
		wantError(t, err, release.ErrInvalid, c.texts...)
	}
}

func TestNotAJournal(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, database.FileName)
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), dir)
	wantError(t, err, release.ErrInvalid, database.FileName, "not a database", "audit verify")

	foreign := filepath.Join(t.TempDir(), database.FileName)
	db, err := sql.Open("sqlite", "file:"+foreign)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`CREATE TABLE theirs (id INTEGER)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), filepath.Dir(foreign))
	wantError(t, err, release.ErrInvalid, "another program")
	_, err = OpenReader(t.Context(), filepath.Dir(foreign))
	wantError(t, err, release.ErrInvalid, "another program")

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), filepath.Join(file, "data"))
	wantError(t, err, release.ErrInvalid, "no folder")
}

// An old and a new linnet work side by side on one journal; one that is older
// by two schemas keeps its hands off.
func testOlderAndNewerSchemas(t *testing.T, w world) {
	s := w.begun(t)
	follow(t, s, checkout, 5)
	now := len(migrations)
	both := func(text string) database.Migration { return database.Migration{SQLite: text, Postgres: text} }
	next, afterNext := quick(), quick()
	next.migrations = append(migrations[:now:now],
		both(`CREATE TABLE extra (id BIGINT); INSERT INTO extra SELECT seq FROM records; ALTER TABLE releases ADD COLUMN note TEXT NOT NULL DEFAULT 'none'`))
	afterNext.migrations = append(next.migrations[:now+1:now+1], both(`ALTER TABLE extra ADD COLUMN note TEXT NOT NULL DEFAULT 'none'`))

	_, err := readerOn(t.Context(), w.db(t, next), next)
	wantError(t, err, release.ErrInvalid, fmt.Sprintf("older linnet (schema %d of journal, this one reads %d)", now, now+1), "linnet run")
	broken := next
	broken.migrations = append(next.migrations[:now:now], both(`ALTER TABLE nowhere ADD COLUMN note TEXT`))
	if _, err := on(t.Context(), w.db(t, broken), broken); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("migration of journal to schema %d", now+1)) {
		t.Errorf("a migration that fails gives %v", err)
	}
	if at, err := s.db.Schema(t.Context(), set); err != nil || at != now {
		t.Errorf("a migration that failed left its mark: %d, %v", at, err)
	}

	newer := w.open(t, next)
	var rows int
	if err := ask(t, newer.Reader, `SELECT count(*) FROM extra`, &rows); err != nil || rows != 5 {
		t.Errorf("%d rows were migrated, %v", rows, err)
	}
	follow(t, newer, checkout, 7)
	follow(t, s, checkout, 9) // the old one, which was running
	late := w.open(t, quick())
	begin1(t, late, ID{"late-1", 1}) // and one that starts again
	follow(t, newer, ID{"late-1", 1}, 3)
	if heads, err := late.VerifyAll(t.Context()); err != nil || len(heads) != 2 || heads[0].Seq != 9 {
		t.Errorf("side by side they wrote %v, %v", heads, err)
	}

	w.open(t, afterNext)
	_, err = on(t.Context(), w.db(t, quick()), quick())
	wantError(t, err, release.ErrInvalid, fmt.Sprintf("newer linnet (schema %d of journal, this one knows %d); use that version", now+2, now))
	_, err = readerOn(t.Context(), w.db(t, quick()), quick())
	wantError(t, err, release.ErrInvalid, "newer linnet")
}

// A journal of before sets of tables had numbers goes on as if nothing were.
func TestFormerFile(t *testing.T) {
	dir := t.TempDir()
	file, err := os.ReadFile("testdata/schema1.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, database.FileName), file, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = OpenReader(t.Context(), dir)
	wantError(t, err, release.ErrInvalid, "older linnet (schema 1 of journal", "brings it up to date")
	s := opened(t, dir, quick())
	payments := ID{"payments-2", 1}
	heads, err := s.VerifyAll(t.Context())
	if err != nil || len(heads) != 2 || heads[0].String() != "checkout-1.5.0/1 12 056dd4ac884f07919a7241abd5f007b62d5c4138fd6d724249b018b5afc1d4c9" {
		t.Errorf("heads are %v, %v", heads, err)
	}
	live, err := s.Unfinished(t.Context())
	if err != nil || len(live) != 1 || live[0] != checkout {
		t.Errorf("unfinished are %v, %v", live, err)
	}
	waiting, err := s.Waiting(t.Context(), checkout)
	if want := order(1, engine.Pause); err != nil || len(waiting) != 1 || !reflect.DeepEqual(waiting[0], want) {
		t.Errorf("waiting are %+v, %v", waiting, err)
	}
	follow(t, s, checkout, 20)
	finish(t, s, checkout, engine.RolledBack, day.Add(2*time.Hour))
	begin1(t, s, ID{payments.Name, 2})
	if heads, err := s.VerifyAll(t.Context()); err != nil || len(heads) != 3 || heads[0].Seq != 21 {
		t.Errorf("after going on the heads are %v, %v", heads, err)
	}
	events, err := s.Events(t.Context(), Feeding{Most: 1000})
	if err != nil || len(events) != 12+2+1+1 { // those of then are not told apart
		t.Errorf("%d events, %v", len(events), err)
	}
}
