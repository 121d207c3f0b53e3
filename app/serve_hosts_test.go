package app

import (
	"context"
	"log/slog"
	"net/url"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/testdb"
)

// A server on one machine brings back its splitters; one of several machines does
// not take the traffic that another server of the same folder had.
func TestSplittersComeBackWhereTheyWere(t *testing.T) {
	t.Parallel()
	server := testdb.Postgres(t)
	at := url.URL{Scheme: "postgres", User: url.UserPassword(server.User, server.Password), Host: server.Address(), Path: "postgres"}
	dir := t.TempDir()
	f, err := spec.Parse("f", reachable(`proxy: { listen: "127.0.0.1:0", upstreams: { baseline: "http://127.0.0.1:1", candidate: "http://127.0.0.1:2" } }`, farSource))
	if err != nil {
		t.Fatal(err)
	}
	if err := (&hosts{data: dir}).keep(f); err != nil {
		t.Fatal(err)
	}
	back := func(db *database.DB, err error) int {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		s := &serving{process: &process{data: dir}, db: db, log: slog.New(slog.DiscardHandler), group: new(errgroup.Group)}
		ctx, stop := context.WithCancel(t.Context())
		end, err := s.openHosts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		n := len(s.hosts.all)
		stop()
		if err := s.group.Wait(); err != nil || end() != nil {
			t.Error(err)
		}
		return n
	}
	if n := back(database.OpenFolder(t.Context(), dir)); n != 1 {
		t.Errorf("on one machine %d are back", n)
	}
	if n := back(database.OpenURL(t.Context(), at.String())); n != 0 {
		t.Errorf("on one of several %d are back", n)
	}
}
