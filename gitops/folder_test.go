package gitops_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/gitops"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// ledger is a desk and a journal that keep who began what.
type ledger struct {
	all   map[string]journal.Summary
	begun []string
	who   access.Actor
	fail  error
	asked int
	// failed is what the asker says that it met the last time.
	failed error
}

func (l *ledger) Create(_ context.Context, who access.Actor, c control.Creation) (control.Created, error) {
	l.asked++
	l.failed = c.Failed
	f, err := spec.Parse(c.Name, c.File)
	if err = errors.Join(err, l.fail); err != nil {
		return control.Created{}, err
	}
	if s, ok := l.all[f.Name]; ok {
		return control.Created{ID: s.ID, Release: s}, nil
	}
	id := journal.ID{Name: f.Name, Attempt: 1}
	l.all[f.Name] = journal.Summary{ID: id, FileHash: f.Hash, Service: f.Service}
	l.begun, l.who = append(l.begun, id.String()), who
	return control.Created{ID: id, Fresh: true}, nil
}

func (l *ledger) Latest(_ context.Context, name string) (journal.ID, bool, error) {
	s, ok := l.all[name]
	return s.ID, ok, nil
}

func (l *ledger) Find(_ context.Context, id journal.ID) (journal.Summary, error) {
	return l.all[id.Name], nil
}

func (l *ledger) end(name string, how journal.Outcome) {
	s := l.all[name]
	s.Outcome = how
	l.all[name] = s
}

// world is a folder that is looked at.
type world struct {
	t   *testing.T
	dir string
	*ledger
	*gitops.Folder
	log bytes.Buffer
	now time.Time
}

func watch(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), ledger: &ledger{all: map[string]journal.Summary{}}, now: time.Unix(1_800_000_000, 0)}
	return w.restarted()
}

// restarted looks with a Linnet that remembers nothing.
func (w *world) restarted() *world {
	w.log.Reset()
	w.Folder = gitops.New(gitops.Config{Folder: w.dir, Desk: w.ledger, Journal: w.ledger,
		Log: slog.New(slog.NewTextHandler(&w.log, nil)), Now: func() time.Time { return w.now }})
	return w
}

func (w *world) write(path, text string) {
	w.t.Helper()
	at := filepath.Join(w.dir, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o644)); err != nil {
		w.t.Fatal(err)
	}
}

// looks looks so many times, five seconds apart.
func (w *world) looks(n int) *world {
	for range n {
		w.Scan(w.t.Context())
		w.now = w.now.Add(5 * time.Second)
	}
	return w
}

// want says what is shown of a file; "" for nothing.
func (w *world) want(path string, c gitops.Condition, text string) gitops.File {
	w.t.Helper()
	for _, f := range w.State().Files {
		if f.Path != path {
			continue
		}
		if f.Condition != c || !strings.Contains(f.Text, text) {
			w.t.Errorf("%s is %s: %s; want %s: %s", path, f.Condition, f.Text, c, text)
		}
		return f
	}
	if c != "" {
		w.t.Errorf("%s is not shown: %+v", path, w.State())
	}
	return gitops.File{}
}

func (w *world) began(want ...string) {
	w.t.Helper()
	if fmt.Sprint(w.begun) != fmt.Sprint(want) {
		w.t.Errorf("begun are %v, want %v", w.begun, want)
	}
}

func file(name, version string) string {
	return fmt.Sprintf(`apiVersion: linnet/v1
kind: Release
metadata: { name: %s }
spec:
  service: checkout
  baseline: { version: "1", labels: { version: stable } }
  candidate: { version: "%s", labels: { version: canary } }
  traffic: { proxy: { service: checkout } }
  steps: [ { weight: 1%%, atLeast: 5m, atMost: 30m } ]
  analysis:
    source: { prometheus: { url: "http://localhost:9090" } }
    metrics: [ { name: errors, ratio: { bad: 'bad_total', of: all_total }, worse: higher } ]
`, name, version)
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestAFileBeginsItsReleaseOnce(t *testing.T) {
	w := watch(t)
	w.write("shop/checkout.yaml", file("checkout-2", "2"))
	w.write("README.md", "linnet/v1")
	w.write("kustomization.yaml", "resources: []\n")
	w.write("settings.yml", "apiVersion: linnet/v1\nkind: Server\n")
	w.looks(1).want("shop/checkout.yaml", gitops.Waiting, "finds it the same")
	w.began()
	w.looks(3).began("checkout-2/1")
	if f := w.want("shop/checkout.yaml", gitops.Applied, "checkout-2/1 is under way"); f.Hash != f.ReleaseHash {
		t.Errorf("%+v", f)
	}
	w.want("kustomization.yaml", gitops.Other, "")
	w.want("settings.yml", gitops.Other, "")
	w.want("README.md", "", "")
	if w.who.Name != "folder:"+w.dir || w.who.Kind != access.Machine || w.asked != 1 {
		t.Errorf("asked %d times by %+v", w.asked, w.who)
	}
	// Neither a restart nor another Linnet beside it begins it again, nor its end.
	w.restarted().looks(3)
	w.end("checkout-2", journal.RolledBack)
	w.looks(2).restarted().looks(15).began("checkout-2/1")
	w.want("shop/checkout.yaml", gitops.Applied, "has ended: rolled-back")
}

func TestAFileHalfWrittenBeginsNothing(t *testing.T) {
	w := watch(t)
	whole := file("checkout-2", "2")
	for n := 40; n < len(whole); n += 60 {
		w.write("a.yaml", whole[:n])
		w.looks(1).began()
	}
	w.write("a.yaml", whole)
	w.looks(2).began("checkout-2/1")
	if got := w.all["checkout-2"].FileHash; got != hashOf(whole) {
		t.Errorf("begun with %s", got)
	}
}

func TestDriftIsShownAndNotActedOn(t *testing.T) {
	w := watch(t)
	w.write("a.yaml", file("checkout-2", "2"))
	w.looks(3)
	w.write("a.yaml", file("checkout-2", "3"))
	at := w.now
	w.looks(3).began("checkout-2/1")
	f := w.want("a.yaml", gitops.Drift, "put that file back")
	if f.Hash != hashOf(file("checkout-2", "3")) || f.ReleaseHash != hashOf(file("checkout-2", "2")) || !f.Since.Equal(at) {
		t.Errorf("%+v", f)
	}
	if n := strings.Count(w.log.String(), "condition=drift"); n != 1 {
		t.Errorf("the log has it %d times:\n%s", n, &w.log)
	}
	w.end("checkout-2", journal.Promoted)
	w.looks(2).began("checkout-2/1")
	w.want("a.yaml", gitops.Drift, "metadata.name of its own")
	w.write("a.yaml", file("checkout-3", "3"))
	w.looks(2).began("checkout-2/1", "checkout-3/1")
}

func TestAFileThatDisappearsEndsNothing(t *testing.T) {
	w := watch(t)
	w.write("a.yaml", file("checkout-2", "2"))
	w.looks(3)
	if err := os.Remove(filepath.Join(w.dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	w.looks(2).want("a.yaml", gitops.Gone, "goes on all the same")
	w.end("checkout-2", journal.Promoted)
	w.looks(1).want("a.yaml", "", "")
	if len(w.all) != 1 {
		t.Error("the release is gone too")
	}
}

// A file that was broken, or had a rival, before it disappeared is shown as gone
// like any other.
func TestARefusedFileThatDisappears(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"broken":  func(w *world) { w.write("a.yaml", file("checkout-2", "2")+"srvice: x\n") },
		"a rival": func(w *world) { w.write("b.yaml", file("checkout-2", "3")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := watch(t)
			w.write("a.yaml", file("checkout-2", "2"))
			w.looks(3).began("checkout-2/1")
			spoil(w)
			w.looks(2)
			if f := w.want("a.yaml", gitops.Refused, ""); f.Release.String() != "checkout-2/1" {
				t.Errorf("refused, it is of %s", f.Release)
			}
			for _, f := range []string{"a.yaml", "b.yaml"} {
				if err := os.Remove(filepath.Join(w.dir, f)); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
			}
			w.looks(1)
			if f := w.want("a.yaml", gitops.Gone, "checkout-2/1 goes on all the same"); f.Service != "checkout" || f.Errors != nil {
				t.Errorf("%+v", f)
			}
			w.end("checkout-2", journal.Promoted)
			w.looks(1).want("a.yaml", "", "")
		})
	}
}

func TestTwoFilesOfOneName(t *testing.T) {
	w := watch(t)
	w.write("a.yaml", file("checkout-2", "2"))
	w.write("b.yaml", file("checkout-2", "3"))
	w.write("copy/c.yaml", file("till-1", "1"))
	w.write("copy/d.yaml", file("till-1", "1"))
	w.looks(3).began("till-1/1")
	w.want("a.yaml", gitops.Refused, "a.yaml and b.yaml both name the release checkout-2")
	w.want("b.yaml", gitops.Refused, "b.yaml and a.yaml")
	w.want("copy/d.yaml", gitops.Applied, "under way")
}

func TestErrorsAreShownByLine(t *testing.T) {
	w := watch(t)
	w.write("a.yaml", strings.Replace(file("checkout-2", "2"), "service: checkout\n", "srvice: checkout\n", 1))
	w.looks(3).began()
	f := w.want("a.yaml", gitops.Refused, "linnet lint a.yaml")
	if len(f.Errors) == 0 || f.Errors[0].Line != 5 || strings.Count(w.log.String(), "a.yaml:5:3") != 1 {
		t.Errorf("%+v\n%s", f.Errors, &w.log)
	}
}

func TestARefusalIsAskedAgainLater(t *testing.T) {
	w := watch(t)
	w.write("a.yaml", file("checkout-2", "2"))
	w.fail = &control.Refused{Findings: []control.Finding{{Rule: "freeze", Text: "no releases before Monday", Until: w.now.Add(40 * time.Second)}}}
	w.looks(5)
	if f := w.want("a.yaml", gitops.Refused, "freeze"); w.asked != 1 || f.NextTry.IsZero() {
		t.Errorf("asked %d times: %+v", w.asked, f)
	}
	w.fail = nil
	w.looks(5).began("checkout-2/1")
	// What only was not there is asked for soon.
	w = watch(t)
	w.write("a.yaml", file("checkout-2", "2"))
	w.fail = fmt.Errorf("the splitter does not answer: %w", release.ErrUnavailable)
	w.looks(3)
	w.now = w.now.Add(time.Hour)
	w.looks(1)
	if !errors.Is(w.failed, w.fail) {
		t.Errorf("the audit is not told that this is the same again: %v", w.failed)
	}
	if f := w.want("a.yaml", gitops.Refused, "the splitter"); f.Text != "the splitter does not answer" {
		t.Errorf("shown as %q", f.Text)
	}
	w.fail, w.now = nil, w.now.Add(time.Minute)
	w.looks(3).began("checkout-2/1")
}

func TestAFolderThatIsNotThere(t *testing.T) {
	w := watch(t)
	w.write("a.yaml", file("checkout-2", "2"))
	w.looks(3)
	away := w.dir + ".away"
	if err := os.Rename(w.dir, away); err != nil {
		t.Fatal(err)
	}
	w.looks(2).want("a.yaml", gitops.Applied, "")
	if s := w.State(); len(s.Trouble) != 1 || strings.Count(w.log.String(), "cannot be looked at") != 1 {
		t.Errorf("%+v\n%s", s, &w.log)
	}
	if err := os.Rename(away, w.dir); err != nil {
		t.Fatal(err)
	}
	if w.looks(1); len(w.State().Trouble) != 0 {
		t.Errorf("%+v", w.State())
	}
}
