package linnet_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

// What a reader can take in at once.
const (
	mostLinesOfFile     = 600
	mostLinesOfFunction = 80
	mostParameters      = 5
)

// longer are files and functions that may be longer, and why; "folder.Name" or
// "folder/file.go".
var longer = map[string]string{}

// wider are functions that may have more parameters, and why; "folder.Name".
var wider = map[string]string{
	"ingest/otlp.Append": "Prometheus' storage.AppenderV2 has it so",
}

// variables are package variables besides tables and sentinel errors, and why;
// "folder.name".
var variables = map[string]string{
	"app.Version": "the linker sets it",
}

func TestPackagesAreDocumented(t *testing.T) {
	for folder, files := range readTree(t) {
		documented, hasCode := false, false
		for _, f := range files {
			hasCode = hasCode || !f.isTest
			documented = documented || !f.isTest && f.tree.Doc != nil && goodPackageDoc(f)
		}
		if hasCode && !documented {
			t.Errorf("%s: no file says what the package is for (// Package … or, for a command, // Command …)", folder)
		}
	}
}

func goodPackageDoc(f file) bool {
	doc := f.tree.Doc.Text()
	return strings.HasPrefix(doc, "Package "+f.tree.Name.Name+" ") ||
		f.tree.Name.Name == "main" && strings.HasPrefix(doc, "Command ")
}

func TestExportedNamesAreDocumented(t *testing.T) {
	readTree(t).each(func(f file) {
		if f.isTest || f.tree.Name.Name == "main" {
			return
		}
		for _, d := range f.tree.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s: %s has no comment", f.at(d), name)
			}
		}
	})
}

// undocumented are the exported names of a declaration without a comment. One
// comment on a group of values serves them all.
func undocumented(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d))) {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
					names = append(names, s.Name.Name)
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
						names = append(names, n.Name)
					}
				}
			}
		}
	}
	return names
}

// receiver is the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

func TestSizes(t *testing.T) {
	used, wide := map[string]bool{}, map[string]bool{}
	readTree(t).each(func(f file) {
		if f.isTest {
			return
		}
		check := func(name, at string, lines, most int) {
			if _, ok := longer[name]; lines > most && ok {
				used[name] = true
			} else if lines > most {
				t.Errorf("%s: %s has %d lines, at most %d are allowed", at, name, lines, most)
			}
		}
		check(f.path, f.path, f.lines(f.tree), mostLinesOfFile)
		for _, d := range f.tree.Decls {
			if d, ok := d.(*ast.FuncDecl); ok {
				check(f.folder+"."+d.Name.Name, f.at(d), f.lines(d), mostLinesOfFunction)
				n, name := d.Type.Params.NumFields(), f.folder+"."+d.Name.Name
				if _, ok := wider[name]; n > mostParameters && ok {
					wide[name] = true
				} else if n > mostParameters {
					t.Errorf("%s: %s has %d parameters, at most %d are allowed; make a struct", f.at(d), d.Name.Name, n, mostParameters)
				}
			}
		}
	})
	unused(t, longer, used)
	unused(t, wider, wide)
}

func TestNothingHappensAtImport(t *testing.T) {
	used := map[string]bool{}
	readTree(t).each(func(f file) {
		if f.isTest {
			return
		}
		for _, d := range f.tree.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.Name == "init" && d.Recv == nil {
					t.Errorf("%s: no init functions; whoever needs the thing calls for it", f.at(d))
				}
			case *ast.GenDecl:
				for _, name := range variablesOf(f.folder, d) {
					full := f.folder + "." + name
					if _, ok := variables[full]; ok {
						used[full] = true
						continue
					}
					t.Errorf("%s: package variable %s is neither a table nor a sentinel error", f.at(d), name)
				}
			}
		}
	})
	unused(t, variables, used)
}

// variablesOf are the names of a var declaration that hold anything but a
// table, a sentinel error, or an embedded file.
func variablesOf(folder string, d *ast.GenDecl) (names []string) {
	if d.Tok != token.VAR {
		return nil
	}
	for _, s := range d.Specs {
		s := s.(*ast.ValueSpec)
		for i, n := range s.Names {
			fixed := i < len(s.Values) && isTable(folder, s.Values[i])
			if n.Name != "_" && !fixed && !embeds(d.Doc) && !embeds(s.Doc) {
				names = append(names, n.Name)
			}
		}
	}
	return names
}

// makers are functions whose results nobody changes: "package.Name", or
// "folder.name" for a folder's own.
var makers = map[string]bool{
	"errors.New": true, "fmt.Errorf": true, "regexp.MustCompile": true, "strings.NewReplacer": true,
	"spec.named": true, // rows of the table of what a release file is made of
}

// isTable tells a literal, the result of one of makers, or a number that const
// cannot express, such as math.Log(20).
func isTable(folder string, e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.UnaryExpr:
		return e.Op == token.AND && isTable(folder, e.X)
	case *ast.CompositeLit:
		pkg, _ := qualified(e.Type)
		return pkg != "sync" && pkg != "atomic"
	case *ast.CallExpr:
		pkg, name := qualified(e.Fun)
		if pkg == "" {
			pkg = folder
		}
		return pkg == "math" || makers[pkg+"."+name]
	}
	return false
}

// qualified splits pkg.Name; a name alone has no package.
func qualified(e ast.Expr) (pkg, name string) {
	switch e := e.(type) {
	case *ast.Ident:
		return "", e.Name
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok {
			return x.Name, e.Sel.Name
		}
	}
	return "", ""
}

func embeds(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if strings.HasPrefix(c.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

func TestNothingIsLeftForLater(t *testing.T) {
	mark := regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)
	readTree(t).each(func(f file) {
		for _, g := range f.tree.Comments {
			for _, c := range g.List {
				if m := mark.FindString(c.Text); m != "" {
					t.Errorf("%s: %s; finish it, or write an issue", f.at(c), m)
				}
			}
		}
	})
}

// unused complains of exceptions that nothing needs any more.
func unused(t *testing.T, exceptions map[string]string, used map[string]bool) {
	t.Helper()
	for name := range exceptions {
		if !used[name] {
			t.Errorf("%s: an exception that nothing needs; take it out", name)
		}
	}
}
