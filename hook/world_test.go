package hook

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/testdb"
)

// suite is what must hold on every kind of database.
var suite = []struct {
	name string
	test func(*testing.T, *database.DB)
}{
	{"deliveries", testDeliveries},
	{"events are sent once and in order", testEventsAreSentOnceAndInOrder},
	{"a damaged release holds up no other", testADamagedReleaseHoldsUpNoOther},
	{"a sender that stops", testASenderThatStops},
	{"a target that fails", testATargetThatFails},
}

func TestSQLite(t *testing.T) {
	for _, s := range suite {
		t.Run(s.name, func(t *testing.T) { s.test(t, lite(t)) })
	}
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	server := testdb.Postgres(t)
	admin := server.Postgres(t, "postgres")
	for n, s := range suite {
		t.Run(s.name, func(t *testing.T) {
			name := fmt.Sprintf("hook%d", n)
			testdb.Exec(t, admin, "CREATE DATABASE "+name)
			at := url.URL{Scheme: "postgres", User: url.UserPassword(server.User, server.Password), Host: server.Address(), Path: name}
			db, err := database.OpenURL(t.Context(), at.String())
			s.test(t, opened(t, db, err))
		})
	}
}

func lite(t *testing.T) *database.DB {
	t.Helper()
	db, err := database.OpenFolder(t.Context(), t.TempDir())
	return opened(t, db, err)
}

func opened(t *testing.T, db *database.DB, err error) *database.DB {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	return db
}

// ledger is a desk that keeps what was begun.
type ledger struct {
	mu    sync.Mutex
	files map[string]spec.File
	who   access.Actor
	fail  error
}

func (l *ledger) Create(_ context.Context, who access.Actor, c control.Creation) (control.Created, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := spec.Parse(c.Name, c.File)
	if err = errors.Join(err, l.fail); err != nil {
		return control.Created{}, err
	}
	_, there := l.files[f.Name]
	if l.files == nil {
		l.files = map[string]spec.File{}
	}
	l.files[f.Name], l.who = f, who
	return control.Created{ID: journal.ID{Name: f.Name, Attempt: 1}, Fresh: !there}, nil
}

const checkoutTemplate = `apiVersion: linnet/v1
kind: Release
metadata: { name: "checkout-$(version)", labels: { team: payments, environment: production } }
spec:
  service: checkout
  baseline: { version: stable, labels: { version: stable } }
  candidate: { version: $(version), commit: "$(commit)", labels: { version: canary } }
  traffic: { proxy: { service: checkout } }
  steps: [ { weight: 1%, atLeast: 5m, atMost: 30m } ]
  analysis:
    source: { prometheus: { url: "http://localhost:9090" } }
    metrics: [ { name: errors, ratio: { bad: bad_total, of: all_total }, worse: higher } ]
`

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
