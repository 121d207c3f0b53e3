package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/file"
)

func TestReplaceAndRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "shop.conf")
	if text, there, err := file.Read(path); text != "" || there || err != nil {
		t.Errorf("before: %q, %v, %v", text, there, err)
	}
	for _, text := range []string{"one\n", "", strings.Repeat("x", file.Most)} {
		if err := file.Replace(path, text); err != nil {
			t.Fatal(err)
		}
		if got, there, err := file.Read(path); got != text || !there || err != nil {
			t.Errorf("read %d bytes, %v, %v; wrote %d", len(got), there, err, len(text))
		}
	}
	if err := file.Replace(path, strings.Repeat("x", file.Most+1)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := file.Read(path); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("too large: %v", err)
	}
	missing := filepath.Join(dir, "gone", "shop.conf")
	if _, _, err := file.Read(missing); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("read without folder: %v", err)
	}
	if err := file.Replace(missing, ""); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("replace without folder: %v", err)
	}
	if _, _, err := file.Read(dir); err == nil {
		t.Error("a folder was read")
	}
}

func TestReplaceKeepsModeAndLinkAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "a.conf"), filepath.Join(dir, "link.conf")
	left := filepath.Join(dir, ".a.conf.123.tmp") // of a process that was killed
	for _, p := range []string{path, left} {
		if err := os.WriteFile(p, []byte("old"), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := file.Replace(link, "new"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

// Writers that race leave one text whole; one that was swept away is told to try
// again.
func TestReplaceByManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.conf")
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for range 20 {
				if err := file.Replace(path, strings.Repeat(strconv.Itoa(n), 1000)); err != nil && !errors.Is(err, release.ErrUnavailable) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := file.Replace(path, "last"); err != nil {
		t.Fatal(err)
	}
	if text, _, err := file.Read(path); text != "last" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if err := errors.Join(file.Remove(path), file.Remove(path)); err != nil {
		t.Error(err)
	}
}

// Whoever watches the file's folder sees a name appear there, and no other.
func TestReplaceByAnotherFolder(t *testing.T) {
	home := t.TempDir()
	path := filepath.Join(home, "split.yml")
	for _, text := range []string{"one", "two"} {
		if err := file.ReplaceBy(path, ".work", text); err != nil {
			t.Fatal(err)
		}
		if got, there, err := file.Read(path); got != text || !there || err != nil {
			t.Errorf("read %q, %v, %v", got, there, err)
		}
	}
	left, err := os.ReadDir(filepath.Join(home, ".work"))
	if err != nil || len(left) > 0 {
		t.Errorf("in between %v is left, %v", left, err)
	}
	if err := file.ReplaceBy(filepath.Join(home, "none", "split.yml"), ".work", "x"); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("without its folder: %v", err)
	}
}
