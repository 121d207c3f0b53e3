package gitops_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/linnet-project/linnet/gitops"
)

func (w *world) link(to, from string) {
	w.t.Helper()
	at := filepath.Join(w.dir, from)
	if err := os.Symlink(to, at+".new"); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(at+".new", at); err != nil { // as those do who swap links
		w.t.Fatal(err)
	}
}

// TestMapOfConfiguration: a mounted map of Kubernetes is links to ..data, which is
// a link that is swapped.
func TestMapOfConfiguration(t *testing.T) {
	w := watch(t)
	w.write("..one/a.yaml", file("checkout-2", "2"))
	w.link("..one", "..data")
	w.link("..data/a.yaml", "a.yaml")
	w.looks(3).began("checkout-2/1")
	if n := len(w.State().Files); n != 1 {
		t.Errorf("%d files are shown: %+v", n, w.State().Files)
	}
	w.write("..two/a.yaml", file("checkout-3", "3"))
	w.link("..two", "..data")
	w.looks(2).began("checkout-2/1", "checkout-3/1")
}

// TestSwappedCheckout: the folder itself is a link to a checkout, as git-sync
// makes it, and the old checkout goes.
func TestSwappedCheckout(t *testing.T) {
	w := watch(t)
	top := w.dir
	w.write("one/releases/a.yaml", file("checkout-2", "2"))
	w.link("one", "current")
	w.dir = filepath.Join(top, "current", "releases")
	w.restarted().looks(3).began("checkout-2/1")
	w.dir = top
	w.write("two/releases/a.yaml", file("checkout-3", "3"))
	w.link("two", "current")
	if err := os.RemoveAll(filepath.Join(top, "one")); err != nil {
		t.Fatal(err)
	}
	w.looks(2).began("checkout-2/1", "checkout-3/1")
}

func TestHostileFolders(t *testing.T) {
	w := watch(t)
	outside := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(outside, []byte(file("stolen", "1")), 0o600); err != nil {
		t.Fatal(err)
	}
	w.link(outside, "out.yaml")
	w.link(".", "round")
	w.write("a.yaml", file("checkout-2", "2"))
	w.write("1/2/3/4/5/6/7/8/9/a.yaml", file("deep-1", "1"))
	w.write("huge.yaml", "# linnet/v1\n"+strings.Repeat("#", 1<<20))
	if err := syscall.Mkfifo(filepath.Join(w.dir, "pipe.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.looks(3).began("checkout-2/1")
	trouble := strings.Join(w.State().Trouble, "\n")
	for _, want := range []string{"out.yaml", "huge.yaml is longer", "deeper than"} {
		if !strings.Contains(trouble, want) {
			t.Errorf("%q is not told: %s", want, trouble)
		}
	}
	w.want("out.yaml", "", "")
	w.want("pipe.yaml", "", "")
	w.want("round/a.yaml", "", "")
	for i := range 1010 {
		w.write(fmt.Sprintf("many/%04d.yaml", i), "a: b\n")
	}
	w.looks(1)
	if s := w.State(); len(s.Files) > 1100 || !strings.Contains(strings.Join(s.Trouble, "\n"), "more than 1000 YAML files") {
		t.Errorf("%d files, %v", len(s.Files), s.Trouble)
	}
	w.want("a.yaml", gitops.Applied, "")
}
