package hook

import (
	"context"
	"errors"
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

// both runs a test on each kind of database.
func both(t *testing.T, test func(t *testing.T, d *database.DB)) {
	t.Helper()
	keep := func(t *testing.T, d *database.DB, err error) *database.DB {
		t.Helper()
		if err = errors.Join(err, Migrate(t.Context(), d)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		return d
	}
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		d, err := database.OpenFolder(t.Context(), t.TempDir())
		test(t, keep(t, d, err))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		s := testdb.Postgres(t)
		at := url.URL{Scheme: "postgres", User: url.UserPassword(s.User, s.Password), Host: s.Address(), Path: "postgres"}
		d, err := database.OpenURL(t.Context(), at.String())
		test(t, keep(t, d, err))
	})
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
