package engine

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
)

// Everything that a user can meet by name is explained in docs/states.md.
func TestEveryNameIsExplained(t *testing.T) {
	page, err := os.ReadFile("../docs/states.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []struct{ file, kind string }{
		{"../release/reason.go", "Code"},
		{"state.go", "Phase"},
		{"decision.go", "DecisionKind"},
		{"event.go", "Verb"},
	} {
		names := constants(t, source.file, source.kind)
		if len(names) < 5 {
			t.Errorf("%s: found %d constants of type %s", source.file, len(names), source.kind)
		}
		for _, name := range names {
			if !strings.Contains(string(page), "`"+name+"`") {
				t.Errorf("docs/states.md does not explain the %s %q", source.kind, name)
			}
		}
	}
}

// Everything that people can be told of is explained in docs/notices.md.
func TestEveryHappeningIsExplained(t *testing.T) {
	page, err := os.ReadFile("../docs/notices.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range release.Happenings() {
		if !strings.Contains(string(page), "| `"+string(name)+"` |") {
			t.Errorf("docs/notices.md does not explain the event %q", name)
		}
	}
	if listed := constants(t, "../release/notice.go", "Happening"); len(listed) != len(release.Happenings()) {
		t.Errorf("Happenings lists %d of %d", len(release.Happenings()), len(listed))
	}
}

// constants are the values of a file's constants of one string type.
func constants(t *testing.T, file, kind string) (values []string) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != kind {
			return true
		}
		for _, v := range spec.Values {
			if lit, ok := v.(*ast.BasicLit); ok {
				value, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, value)
			}
		}
		return true
	})
	return values
}
