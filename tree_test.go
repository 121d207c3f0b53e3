package linnet_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// file is one parsed Go file of this repository.
type file struct {
	folder string // "." for the root
	path   string
	isTest bool
	tree   *ast.File
	set    *token.FileSet
}

// tree holds all Go files by folder.
type tree map[string][]file

// readTree parses every Go file of the repository; it needs no other program
// and no build.
func readTree(t *testing.T) tree {
	t.Helper()
	out, set := tree{}, token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		name = filepath.ToSlash(name)
		switch base := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && (base == "testdata" || name != "." && strings.HasPrefix(base, ".")):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(base, ".go"):
			return nil
		}
		parsed, err := parser.ParseFile(set, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder := path.Dir(name)
		out[folder] = append(out[folder], file{
			folder: folder, path: name, isTest: strings.HasSuffix(name, "_test.go"), tree: parsed, set: set,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// each visits every file, in order, so that complaints are always the same.
func (t tree) each(visit func(file)) {
	var folders []string
	for folder := range t {
		folders = append(folders, folder)
	}
	slices.Sort(folders)
	for _, folder := range folders {
		for _, f := range t[folder] {
			visit(f)
		}
	}
}

// imports gives the file's imports and where they stand.
func (f file) imports() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, spec := range f.tree.Imports {
			if name, err := strconv.Unquote(spec.Path.Value); err == nil && !yield(name, f.at(spec)) {
				return
			}
		}
	}
}

// localName is what the file calls a package; "" where it does not import it.
func (f file) localName(pkg string) string {
	for _, spec := range f.tree.Imports {
		if name, err := strconv.Unquote(spec.Path.Value); err == nil && name == pkg {
			if spec.Name != nil {
				return spec.Name.Name
			}
			return path.Base(pkg)
		}
	}
	return ""
}

// at is where a node stands: file:line:column.
func (f file) at(n ast.Node) string { return f.set.Position(n.Pos()).String() }

// lines is how many lines a node takes.
func (f file) lines(n ast.Node) int {
	if n == ast.Node(f.tree) {
		return f.set.File(n.Pos()).LineCount()
	}
	return f.set.Position(n.End()).Line - f.set.Position(n.Pos()).Line + 1
}
