package linnet_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

// The checks themselves are checked on code that breaks the rules, so that a
// slip in them cannot pass for an orderly house.

func parse(t *testing.T, folder, source string) file {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, "x.go", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file{folder: folder, path: folder + "/x.go", tree: parsed, set: set}
}

func TestVariablesThatAreNoTables(t *testing.T) {
	f := parse(t, "judge", `package judge
var ErrNone = errors.New("none")
var table = map[string]int{"a": 1}
var word = regexp.MustCompile("a")
var _ error = thing{}
var logTwenty = math.Log(20)
//go:embed schema.json
var schema []byte
var rows = &kind{name: "a"}
var counter int
var guard = sync.Mutex{}
var shared = &atomic.Int64{}
var made = named("a")
var (
	cache = make(map[string]int)
	level = 5
)
var a, b = []int{1}, load()
`)
	var got []string
	for _, d := range f.tree.Decls {
		got = append(got, variablesOf(f.folder, d.(*ast.GenDecl))...)
	}
	if want := []string{"counter", "guard", "shared", "made", "cache", "level", "b"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

func TestNamesWithoutComments(t *testing.T) {
	f := parse(t, "judge", `package judge
type Bare struct{}
func Loud() {}
func (b *Bare) Method() {}
func (b *hidden[T]) Method() {}
func quiet() {}
// Told is told.
type Told struct{}
// The limits.
const (
	Least = 1
	Most = 2
)
const Alone = 3
`)
	var got []string
	for _, d := range f.tree.Decls {
		got = append(got, undocumented(d)...)
	}
	if want := []string{"Bare", "Loud", "Method", "Alone"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

func TestWhatPureFoldersMayImport(t *testing.T) {
	for path, banned := range map[string]bool{
		"fmt": false, "math": false, "math/bits": false, "net/url": false, "errors": false,
		"context": true, "os": true, "os/exec": true, "net": true, "net/http": true, "log/slog": true,
		"sync/atomic": true, "database/sql": true, "math/rand/v2": true, "crypto/rand": true,
		"crypto/sha256": false, "logger": false,
		"example.com/thing": true, module + "/release": false,
	} {
		if why := touches("judge", path); (why != "") != banned {
			t.Errorf("judge importing %s: %q, want banned %v", path, why, banned)
		}
	}
	if why := touches("spec", "github.com/goccy/go-yaml/ast"); why != "" {
		t.Errorf("spec needs its YAML parser: %s", why)
	}
}

func TestWhoMayImportWhom(t *testing.T) {
	for _, c := range []struct {
		folder, to string
		isTest, ok bool
	}{
		{"judge", "stats", false, true},
		{"judge", "engine", false, false},
		{"judge", "engine", true, true},
		{"judge", "journal", true, false},
		{"traffic/proxy", "traffic/trafficconf", true, true},
		{"traffic/proxy", "traffic/trafficconf", false, false},
		{"traffic/proxy", "engine", false, false},
		{"app", "sim", false, false},
		{"app", "sim", true, false},
		{"traffic/proxy", "testbed/program", true, false},
		{"testbed/quick", "testbed/program", true, true},
		{"testbed/quick", "traffic/proxy", true, true},
		{"cmd/linnet", "engine", false, false},
	} {
		if ok := allowed(file{folder: c.folder, isTest: c.isTest}, c.to); ok != c.ok {
			t.Errorf("%s importing %s (test %v): allowed %v, want %v", c.folder, c.to, c.isTest, ok, c.ok)
		}
	}
}

func TestTheClockIsFoundUnderAnyName(t *testing.T) {
	f := parse(t, "judge", `package judge
import clock "time"
var now = clock.Now
func f() { clock.Sleep(1); other.Now() }
`)
	var got []string
	f.uses("time", func(name, _ string) { got = append(got, name) })
	if want := []string{"Now", "Sleep"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}
