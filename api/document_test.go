package api_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/linnet-project/linnet/database/databasetest"
)

// TestDocument: every operation has a name of its own, a word on what it does, and
// forms that are there.
func TestDocument(t *testing.T) {
	w := newWorld(t, databasetest.Folder(t))
	r := w.ask("GET", "/openapi.json", "").want(200, nil)
	equal(t, "kind", r.header.Get("Content-Type"), "application/openapi+json")
	var d struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Summary     string
			Tags        []string
			Responses   map[string]struct{ Content map[string]any }
			Parameters  []struct {
				Name, In, Description string
				Required              bool
			}
		}
		Components struct {
			Schemas map[string]struct {
				Required   []string
				Properties map[string]map[string]any
			}
		}
	}
	if err := json.Unmarshal(r.body, &d); err != nil || d.OpenAPI != "3.1.0" {
		t.Fatalf("%v, %s", err, d.OpenAPI)
	}
	ids := map[string]bool{}
	for path, item := range d.Paths {
		if !strings.HasPrefix(path, "/v1/") {
			t.Errorf("%s is not versioned", path)
		}
		for method, op := range item {
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" || len(op.Tags) != 1 {
				t.Errorf("%s %s: %+v", method, path, op)
			}
			ids[op.OperationID] = true
			if _, ok := op.Responses["default"].Content["application/problem+json"]; !ok {
				t.Errorf("%s says nothing of problems", op.OperationID)
			}
			for _, p := range op.Parameters {
				if p.Description == "" {
					t.Errorf("%s: parameter %s is not explained", op.OperationID, p.Name)
				}
			}
			for _, name := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				if !slices.ContainsFunc(op.Parameters, func(p struct {
					Name, In, Description string
					Required              bool
				}) bool {
					return p.Name == name[1] && p.In == "path" && p.Required
				}) {
					t.Errorf("%s: %s is not a parameter", path, name[0])
				}
			}
		}
	}
	for _, id := range []string{"list-releases", "create-release", "get-release", "get-record", "get-file", "list-events", "follow-events",
		"approve-release", "pause-release", "resume-release", "advance-release", "abort-release", "retry-release", "list-services", "plan-release", "get-system"} {
		if !ids[id] {
			t.Errorf("no operation %s", id)
		}
	}
	for _, ref := range regexp.MustCompile(`"#/components/schemas/(\w+)"`).FindAllStringSubmatch(string(r.body), -1) {
		if _, ok := d.Components.Schemas[ref[1]]; !ok {
			t.Errorf("no form %s", ref[1])
		}
	}
	rel := d.Components.Schemas["Release"]
	if !slices.Contains(rel.Required, "phase") || rel.Properties["phase"]["enum"] == nil || rel.Properties["started"]["format"] != "date-time" {
		t.Errorf("%+v", rel)
	}
}

// TestPage: the page says all, in one piece.
func TestPage(t *testing.T) {
	w := newWorld(t, databasetest.Folder(t))
	r := w.ask("GET", "/docs", "").want(200, nil)
	page := string(r.body)
	for _, says := range []string{"list-releases", "/v1/releases/{name}/{attempt}", "Idempotency-Key", `id="Problem"`, "RecordComparison"} {
		if !strings.Contains(page, says) {
			t.Errorf("the page does not say %q", says)
		}
	}
	if loads := regexp.MustCompile(`<script|src=|@import|url\(|https?://`).FindAllString(page, -1); len(loads) > 0 {
		t.Errorf("the page loads: %v", loads)
	}
	if p := r.header.Get("Content-Security-Policy"); !strings.HasPrefix(p, "default-src 'none'") || !strings.Contains(p, "sha256-") {
		t.Error(p)
	}
}

// TestDocumentAndPageAtOnce: the first two who ask for them get both, whole.
func TestDocumentAndPageAtOnce(t *testing.T) {
	w := newWorld(t, databasetest.Folder(t))
	var both sync.WaitGroup
	for _, path := range []string{"/openapi.json", "/docs"} {
		both.Go(func() { w.ask("GET", path, "").want(200, nil) })
	}
	both.Wait()
}

// TestClosedSets: what the document says a value may be is what it may be.
func TestClosedSets(t *testing.T) {
	w := newWorld(t, databasetest.Folder(t))
	forms := w.api.Document().Components.Schemas.Map()
	for _, c := range []struct{ file, kind, form, property string }{
		{"../engine/decision.go", "DecisionKind", "Event", "decision"},
		{"../engine/decision.go", "DecisionKind", "Answer", "decision"},
		{"../engine/state.go", "Phase", "Release", "phase"},
	} {
		tree, err := parser.ParseFile(token.NewFileSet(), c.file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		ast.Inspect(tree, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok {
				if kind, ok := v.Type.(*ast.Ident); ok && kind.Name == c.kind {
					text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
					want = append(want, text)
					if err != nil {
						t.Error(err)
					}
				}
			}
			return true
		})
		for _, e := range forms[c.form].Properties[c.property].Enum {
			got = append(got, e.(string))
		}
		slices.Sort(want)
		slices.Sort(got)
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s.%s is one of %v, the engine knows %v", c.form, c.property, got, want)
		}
	}
}
