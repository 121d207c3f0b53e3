package exec_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/testprogram"
)

// TestThePageShowsWhatTheSampleSays runs the commands that docs/own-provider.md
// shows, in a folder with the sample.
func TestThePageShowsWhatTheSampleSays(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(testprogram.Find(t, "python3", "python3", "/usr/bin"), filepath.Join(dir, "python3")); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"../../examples/providers/split.py": "split.py", "../../docs/own-provider.md": "page"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "page"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```console\n(.*?)```").FindStringSubmatch(string(page))
	if block == nil {
		t.Fatal("the page shows no command")
	}
	got := ""
	for line := range strings.Lines(block[1]) {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
		got += line + string(out)
	}
	if got != block[1] {
		t.Errorf("the commands say\n%s, and the page shows\n%s", got, block[1])
	}
}
