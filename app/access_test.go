package app

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/spec"
)

// The rules follow their file without a restart. A file that is broken meanwhile
// changes nothing but that it is told.
func TestRulesFollowTheirFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access.yaml")
	write := func(bindings string) {
		t.Helper()
		text := "apiVersion: linnet/v1\nkind: Access\nspec:\n  bindings:\n" + bindings
		err := os.WriteFile(file+".new", []byte(text), 0o600)
		if err == nil {
			err = os.Rename(file+".new", file) // whole, as a checkout does it
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &serving{process: &process{in: strings.NewReader(""), out: io.Discard, err: io.Discard}, settings: spec.Server{Access: file},
			log: slog.New(slog.NewTextHandler(&log, nil)), group: new(errgroup.Group)}
		ctx, stop := context.WithCancel(t.Context())
		write("    - { role: operator, to: [ann] }\n")
		if _, err := s.openAccess(ctx); err != nil {
			t.Fatal(err)
		}
		may := func(name string) bool {
			<-time.After(2 * followEvery)
			return s.policy.Decide(access.Actor{Name: name, Kind: access.Person}, access.Abort, access.Resource{}).Allowed
		}
		if !may("ann") || may("bob") {
			t.Error("the rules at the start are others")
		}
		write("    - { role: operator, to: [bob] }\n")
		if may("ann") || !may("bob") {
			t.Error("a new file does not hold")
		}
		write("    - { role: emperor, to: [eve] }\n")
		if may("eve") || !may("bob") {
			t.Error("a broken file has changed something")
		}
		if lines := s.troubles.lines(); len(lines) != 1 || !strings.Contains(lines[0], `"emperor" is not known here`) {
			t.Errorf("what is wrong is told as %q", lines)
		}
		write("    - { role: operator, to: [eve] }\n")
		if !may("eve") || len(s.troubles.lines()) != 0 {
			t.Errorf("a file that is right again does not hold: %v", s.troubles.lines())
		}
		stop()
		if err := s.group.Wait(); err != nil {
			t.Error(err)
		}
		if got := strings.Count(log.String(), "cannot be read"); got != 1 {
			t.Errorf("it was told %d times:\n%s", got, log.String())
		}
	})
	var log bytes.Buffer
	s := &serving{process: &process{}, settings: spec.Server{Login: &spec.Login{}}, log: slog.New(slog.NewTextHandler(&log, nil))}
	if _, err := s.openAccess(t.Context()); err != nil || !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "spec.access") {
		t.Errorf("a login without rules: %v, told as %q", err, log.String())
	}
	write("    - { role: emperor, to: [eve] }\n")
	s = &serving{process: &process{}, settings: spec.Server{Access: file}, group: new(errgroup.Group)}
	if _, err := s.openAccess(t.Context()); err == nil {
		t.Error("the server starts with rules that are wrong")
	}
}
