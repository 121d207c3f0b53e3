package hook

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/database/databasetest"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/spec"
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

func TestHooks(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, fresh databasetest.Fresh) {
		for _, s := range suite {
			t.Run(s.name, func(t *testing.T) { s.test(t, migrated(t, fresh(t))) })
		}
	})
}

func lite(t *testing.T) *database.DB {
	t.Helper()
	return migrated(t, databasetest.Folder(t))
}

func migrated(t *testing.T, db *database.DB) *database.DB {
	t.Helper()
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
