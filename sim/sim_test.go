package sim

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/engine"
)

var rewrite = flag.Bool("rewrite", false, "record what the stories print now")

// Each file in testdata is a story; what it printed is recorded in it.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d stories: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			was, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			story := NewStory(1)
			now, err := Play(string(was), story.Do)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			holds(t, story)
			if *rewrite {
				if err := os.WriteFile(file, []byte(now), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if now != string(was) {
				t.Errorf("%s tells now (go test ./sim -rewrite records it):\n%s", file, difference(string(was), now))
			}
		})
	}
}

// holds: every story can be replayed to the same state.
func holds(t *testing.T, s *Story) {
	t.Helper()
	var folded engine.State
	for _, e := range s.Events() {
		folded, _, _ = engine.Step(folded, e)
	}
	if !reflect.DeepEqual(folded, s.State()) {
		t.Errorf("%d events folded again come to another state", len(s.Events()))
	}
}

// difference shows the first lines that differ.
func difference(was, now string) string {
	a, b := strings.Split(was, "\n"), strings.Split(now, "\n")
	for i := range b {
		if i >= len(a) || a[i] != b[i] {
			return strings.Join(b[max(0, i-2):min(len(b), i+8)], "\n")
		}
	}
	return "(shorter than recorded)"
}
