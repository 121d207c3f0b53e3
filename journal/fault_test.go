package journal

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// hasty waits a short time for locks.
func hasty() settings {
	with := quick()
	with.busy = 50 * time.Millisecond
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
	wantError(t, err, release.ErrUnavailable, "disk is full", fileName, "free some space")
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
	if err := s.write.QueryRow(`PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	tamper(t, s, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+20))
	fillUp(t, s, func() { tamper(t, s, `PRAGMA max_page_count = 100000`) })
}

func TestReadOnlyFile(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everything; TestReadOnlyDisk covers it for root")
	}
	s := begun(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.path, 0o400); err != nil {
		t.Fatal(err)
	}
	_, err := open(t.Context(), s.dir, hasty())
	wantError(t, err, release.ErrUnavailable, fileName, "writable")
}

func TestLockedByAnother(t *testing.T) {
	s := opened(t, t.TempDir(), hasty())
	begin1(t, s, checkout)
	db, err := sql.Open("sqlite", "file:"+s.path+"?_txlock=exclusive")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	other, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	rec, state := ending(engine.Promoted, day), &engine.State{Seq: 2}
	wantError(t, s.Append(t.Context(), checkout, 1, rec, state), release.ErrUnavailable, fileName, "another process has it locked")
	wantError(t, s.Command(t.Context(), checkout, order(1, engine.Pause)), release.ErrUnavailable, "locked")
	_, err = open(t.Context(), s.dir, hasty())
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
	lock, err := flock(filepath.Join(dir, "create.lock"))
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
	return s.dir, s.path
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
	tamper(t, s, `VACUUM INTO ?`, filepath.Join(copied, fileName))
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
	if err := errors.Join(r.db.QueryRow(`SELECT body FROM records WHERE seq = 12`).Scan(&body), r.Close()); err != nil {
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
	}{{0, []string{"is empty", "restore a copy"}}, {0.001, []string{fileName, "restore a copy"}}, {0.5, []string{fileName, "audit verify"}}} {
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
	path := filepath.Join(dir, fileName)
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), dir)
	wantError(t, err, release.ErrInvalid, fileName, "not a database", "audit verify")

	foreign := filepath.Join(t.TempDir(), fileName)
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

func TestOlderAndNewerSchemas(t *testing.T) {
	dir, _ := closedWith(t, 5)
	newer := quick()
	newer.migrations = append(newer.migrations[:len(newer.migrations):len(newer.migrations)],
		`CREATE TABLE extra (id INTEGER) STRICT; INSERT INTO extra SELECT seq FROM records`,
		`ALTER TABLE extra ADD COLUMN note TEXT NOT NULL DEFAULT 'none'`)
	_, err := openReader(t.Context(), dir, newer)
	wantError(t, err, release.ErrInvalid, "older linnet (schema 2, this one reads 4)", "linnet run")

	broken := newer
	broken.migrations = append(newer.migrations[:3:3], `ALTER TABLE nowhere ADD COLUMN note TEXT`)
	if _, err := open(t.Context(), dir, broken); err == nil || !strings.Contains(err.Error(), "migration to schema 4") {
		t.Errorf("a migration that fails gives %v", err)
	}
	r, err := OpenReader(t.Context(), dir)
	if err != nil {
		t.Fatalf("a migration that failed left its mark: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}

	s := opened(t, dir, newer)
	var rows int
	if err := s.db.QueryRow(`SELECT count(*) FROM extra WHERE note = 'none'`).Scan(&rows); err != nil || rows != 5 {
		t.Errorf("%d rows were migrated, %v", rows, err)
	}
	follow(t, s, checkout, 7)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, open := range []func() error{
		func() error { _, err := Open(t.Context(), dir); return err },
		func() error { _, err := OpenReader(t.Context(), dir); return err },
	} {
		wantError(t, open(), release.ErrInvalid, "newer linnet (schema 4, this one knows 2); use that version", fileName)
	}
}
