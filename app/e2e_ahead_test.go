package app_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/testdb"
)

// ahead makes the schemas of all sets those of the next Linnet: each of its tables
// has one more column, there is one more table, and the queue has a schema more.
func ahead(t *testing.T, db *database.DB, round int) {
	t.Helper()
	err := db.Write(t.Context(), func(tx database.Tx) error {
		tables := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'schemas'`
		if tx.Kind == database.Postgres {
			tables = `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name NOT LIKE 'river_%' AND table_name <> 'schemas'`
		}
		names, err := column(t.Context(), tx, tables)
		if err != nil {
			return err
		}
		if len(names) < 15 {
			t.Errorf("the tables are %v", names)
		}
		change := []string{
			fmt.Sprintf(`CREATE TABLE of_the_next_%d (id TEXT PRIMARY KEY)`, round),
			`UPDATE schemas SET version = version + 1`,
		}
		for _, name := range names {
			change = append(change, fmt.Sprintf(`ALTER TABLE %s ADD COLUMN of_the_next_%d TEXT NOT NULL DEFAULT 'next'`, name, round))
		}
		if tx.Kind == database.Postgres {
			change = append(change, `INSERT INTO river_migration (line, version) SELECT 'main', max(version) + 1 FROM river_migration WHERE line = 'main'`)
		}
		for _, statement := range change {
			if _, err := tx.Exec(t.Context(), statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func column(ctx context.Context, tx database.Tx, query string) (all []string, err error) {
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// TestServeBesideTheNextLinnet has servers work on schemas that are one ahead of
// theirs, as those of a rolling upgrade do, and go back to: releases go on, begin,
// and are steered, and people are told. On schemas two ahead none starts.
func TestServeBesideTheNextLinnet(t *testing.T) {
	t.Parallel()
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		at := testdb.Postgres(t).URL("postgres")
		b := newBeside(t, "--db", at)
		db, err := database.OpenURL(t.Context(), at)
		b.has(db, err)
		old, page := b.serve("old")
		b.works(page, "first")
		ahead(t, db, 1)
		b.works(page, "after the upgrade of another replica")
		other, page := b.serve("other")
		old.signal(syscall.SIGTERM)
		old.exits(0)
		b.works(page, "started after the upgrade")
		ahead(t, db, 2)
		other.signal(syscall.SIGTERM)
		other.exits(0)
		b.refused()
	})
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		b := newBeside(t)
		p, page := b.serve("old")
		b.works(page, "first")
		p.signal(syscall.SIGTERM)
		p.exits(0)
		db, err := database.OpenFolder(t.Context(), b.data)
		b.has(db, err)
		ahead(t, db, 1)
		p, page = b.serve("back")
		b.works(page, "gone back to")
		p.signal(syscall.SIGTERM)
		p.exits(0)
		ahead(t, db, 2)
		b.refused()
	})
}

// beside is servers on one database, with every part that keeps something there.
type beside struct {
	*testing.T
	shop   *shop
	people *ear
	data   string
	flags  []string
	store  *journal.Store
	begun  int
}

func newBeside(t *testing.T, flags ...string) *beside {
	t.Helper()
	b := &beside{T: t, shop: openShop(t, "beside", demo.None), people: newEar(t), data: t.TempDir()}
	b.shop.split()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"secret": "a secret of sixteen and more",
		"notices.yaml": fmt.Sprintf(`{ apiVersion: linnet/v1, kind: Notices, spec: {
  channels: [ { name: people, webhook: { url: %q, secretFile: secret } } ], routes: [ { to: [people], group: 0s } ] } }`, b.people.URL+"/notices"),
		"hooks.yaml":  fmt.Sprintf(`{ apiVersion: linnet/v1, kind: Hooks, spec: { out: [ { name: bus, url: %q } ] } }`, b.people.URL+"/events"),
		"server.yaml": "{ apiVersion: linnet/v1, kind: Server, spec: { notices: notices.yaml, hooks: hooks.yaml } }",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.flags = append(flags, "--config", filepath.Join(dir, "server.yaml"))
	return b
}

// has looks into the database besides the servers.
func (b *beside) has(db *database.DB, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	if b.store, err = journal.On(b.Context(), db); err != nil {
		b.Fatal(err)
	}
}

func (b *beside) serve(name string) (*program, string) {
	b.Helper()
	return serve(b.T, b.data, append(b.flags, "--name", name)...)
}

// works begins a release of its own and steers it, and sees people and programs
// told of it.
func (b *beside) works(page, when string) {
	b.Helper()
	b.begun++
	name := fmt.Sprintf("beside-%d", b.begun)
	path := b.shop.write(story{name: name, traffic: fmt.Sprintf("{ admin: %q, lease: 1m }", b.shop.admin),
		source: "{ prometheus: { url: 'http://127.0.0.1:1' } }", metrics: []string{ownErrors}, steps: "[ { weight: 30%, atLeast: 30m, atMost: 1h } ]"})
	expect(b.T, 0, []string{"release", "create", "--server", page, "-f", path}, name+"/1: begun")
	eventually(b.T, name+" to look ("+when+")", func() bool {
		status, text := fetch(b.T, page+"/v1/releases/"+name+"/1")
		return status == http.StatusOK && strings.Contains(text, `"weight_percent":30`)
	})
	expect(b.T, 0, []string{"release", "pause", "--server", page, "--wait", "30s", name}, "paused")
	expect(b.T, 0, []string{"release", "abort", "--server", page, "--wait", "30s", name}, name+"/1")
	eventually(b.T, name+" to end ("+when+")", func() bool {
		_, text := fetch(b.T, page+"/v1/releases/"+name+"/1")
		return strings.Contains(text, `"ended":true`)
	})
	eventually(b.T, "an event of "+name+" ("+when+")", func() bool { return b.people.heard("/events", name) != "" })
	eventually(b.T, "a notice of "+name+" ("+when+")", func() bool { return b.people.heard("/notices", name, "abort") != "" })
	if b.store == nil {
		return
	}
	if _, err := b.store.VerifyAll(b.Context()); err != nil {
		b.Errorf("%s: %v", when, err)
	}
}

// refused holds that no server starts, and that it says why and what to do.
func (b *beside) refused() {
	b.Helper()
	p := linnet(b.T, append([]string{"serve", "--data", b.data, "--listen", "127.0.0.1:0"}, b.flags...)...)
	p.exits(2)
	p.says(`was written by a newer linnet \(schema \d+ of \w+, this one knows \d+\); use that version`)
}
