package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/app"
	"github.com/linnet-project/linnet/spec"
)

// TestReleaseFilesOfTheDocs: every release file and file of another kind that a
// page shows is fine, and the rights that the pages on Kubernetes show are those that it needs.
func TestReleaseFilesOfTheDocs(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	files := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range block.FindAllSubmatch(text, -1) {
			_, another := spec.KindOf(b[1])
			if !another && !bytes.Contains(b[1], []byte("\nkind: Release\n")) {
				continue
			}
			files++
			file := filepath.Join(t.TempDir(), "release.yaml")
			if err := os.WriteFile(file, b[1], 0o600); err != nil {
				t.Fatal(err)
			}
			if out, code := told(t, "lint", file); code != 0 {
				t.Errorf("%s: its release file: %s", page, out)
			}
			if another {
				continue
			}
			rights, code := told(t, "import", "rbac", "-f", file)
			if code != 0 {
				continue // not on Kubernetes
			}
			for _, line := range strings.Split(rights, "\n") {
				if strings.HasPrefix(line, "  - { apiGroups") && !strings.Contains(string(text), line) {
					t.Errorf("%s does not show this right:\n%s", page, line)
				}
			}
		}
	}
	if files == 0 {
		t.Error("no page shows a release file")
	}
}

// told is what a command prints, and its exit code.
func told(t *testing.T, args ...string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	err := app.Main(args, strings.NewReader(""), &out, &out)
	return out.String(), app.ExitCode(err)
}
