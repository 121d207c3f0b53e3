package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
)

// disk is a small disk of its own, where the machine lets us have one.
func disk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("needs a disk of its own, and mounting one is not allowed here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// On a disk that is full nothing begins. A disk that fills up in the middle
// holds the release where it is, and it goes on when there is space again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := disk(t)
	s := openShop(t, "full", demo.None)
	s.data = t.TempDir()
	s.split() // its state lies on a disk with space
	s.visit(s.traffic, 150, 0)
	s.data = filepath.Join(dir, "data")
	// The metrics would fill the disk first.
	m := startMonitor(t)
	m.watch(s)
	file := s.write(story{traffic: s.remote(), source: m.source(), delay: "1s", metrics: []string{usersErrors},
		steps: "[ { weight: 50%, atLeast: 5s, atMost: 5m } ]"})

	ballast := fillUp(t, dir)
	expect(t, 1, []string{"run", "-f", file, "--data", s.data}, `the disk is full; free some space`)
	if seen := s.served(); engine.CandidateWeight(seen.Route) != 0 || seen.Route.Owner != "" {
		t.Errorf("nothing is on record and %+v is served", seen)
	}
	remove(t, ballast)

	p := linnet(t, "run", "-f", file, "--data", s.data)
	p.says(`the provider serves 50 %`)
	ballast = fillUp(t, dir)
	p.says(`the disk is full; free some space`)
	eventually(t, "the lease to run out, as nothing can be recorded", func() bool { return s.served().Lapsed })
	remove(t, ballast)
	p.exits(0)
	id := journal.ID{Name: "full", Attempt: 1}
	s.sound(id)
	if d := decisions(s.records(id), engine.RollBack); len(d) > 0 {
		t.Errorf("a full disk rolled it back: %s", d[0].Reason.Text)
	}
}

// A server whose disk is full is not ready, and says why.
func TestServeOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir := disk(t)
	_, url := serve(t, filepath.Join(dir, "data"))
	ready := func(status int) func() bool {
		return func() bool { got, _ := fetch(t, url+"/readyz"); return got == status }
	}
	eventually(t, "it to be ready", ready(http.StatusOK))
	ballast := fillUp(t, dir)
	eventually(t, "it to say that the disk is full", func() bool {
		status, text := fetch(t, url+"/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(text, "the disk is full; free some space")
	})
	remove(t, ballast)
	eventually(t, "it to be ready again", ready(http.StatusOK))
}

// fillUp fills a disk up to the last byte.
func fillUp(t *testing.T, dir string) string {
	t.Helper()
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 64 << 10; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	return name
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

// A data folder that may only be read is named, and can still be read.
func TestReadOnlyDataFolder(t *testing.T) {
	t.Parallel()
	dir := disk(t)
	s := &shop{t: t, name: "shop", data: filepath.Join(dir, "data"), baseURL: "http://127.0.0.1:1", nextURL: "http://127.0.0.1:2"}
	file := s.write(story{traffic: s.embedded("127.0.0.1:0"), source: "{ prometheus: { url: 'http://127.0.0.1:1' } }", metrics: []string{ownErrors}})
	p := linnet(t, "run", "-f", file, "--data", s.data, "--wait", "2s")
	p.exits(4)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	expect(t, 1, []string{"run", "-f", file, "--data", s.data}, `data.*(read-only|not writable).*`)
	expect(t, 0, []string{"release", "list", "--data", s.data}, `shop`)
	s.sound(journal.ID{Name: "shop", Attempt: 1})
}
