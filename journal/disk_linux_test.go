package journal

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/release"
)

// mounted gives a small disk of its own, where the machine lets us have one.
func mounted(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("needs a disk of its own, and mounting one is not allowed here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestFullDisk(t *testing.T) {
	dir := mounted(t)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 256<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	s := opened(t, dir, quick())
	begin1(t, s, checkout)
	fillUp(t, s, func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	})
}

func TestReadOnlyDisk(t *testing.T) {
	dir := mounted(t)
	s := opened(t, dir, quick())
	begin1(t, s, checkout)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	_, err := open(t.Context(), dir, hasty())
	wantError(t, err, release.ErrUnavailable, database.FileName, "read-only")
	_, err = open(t.Context(), filepath.Join(dir, "new"), hasty())
	wantError(t, err, release.ErrUnavailable, "new", "not writable")

	r, err := OpenReader(t.Context(), dir)
	if err != nil {
		t.Fatalf("a copy on a read-only disk cannot be read: %v", err)
	}
	defer r.Close()
	if head, err := r.Verify(t.Context(), checkout); err != nil || head.Seq != 1 {
		t.Errorf("head is %v, %v", head, err)
	}
}
