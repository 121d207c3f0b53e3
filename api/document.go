package api

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// The page is made from the document, in one piece: it loads nothing, from here or
// elsewhere, and runs no script.
var (
	//go:embed document.html
	pageText string
	//go:embed document.css
	pageStyle string
)

// serveDocument serves what describes the API: the document for programs, and a
// page of it for people. Both are open to everybody who reaches Linnet.
func (a *API) serveDocument(mux *http.ServeMux) {
	described := sync.OnceValue(a.Document) // which is tidied as it is made
	document := sync.OnceValues(func() ([]byte, error) { return encoded(described()) })
	page := sync.OnceValues(func() ([]byte, error) { return pageOf(described()) })
	sum := sha256.Sum256([]byte(pageStyle))
	policy := "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	serve := func(kind string, text func() ([]byte, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, err := text()
			if err != nil {
				a.fail(w, r, err)
				return
			}
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Content-Security-Policy", policy)
			_, _ = w.Write(body) // whoever asked may be gone
		}
	}
	mux.HandleFunc("GET /openapi.json", serve("application/openapi+json", document))
	mux.HandleFunc("GET /docs", serve("text/html; charset=utf-8", page))
}

// Document is the description of all operations (OpenAPI 3.1).
func (a *API) Document() *huma.OpenAPI {
	d := a.ops.OpenAPI()
	for name, schema := range d.Components.Schemas.Map() {
		if name == "ErrorModel" || name == "ErrorDetail" {
			delete(d.Components.Schemas.Map(), name) // a Problem is what is answered
			continue
		}
		for _, p := range schema.Properties {
			if p.Type == huma.TypeArray {
				p.Nullable = false // lists are never null here
			}
		}
	}
	return d
}

// chapter is the operations of one tag, on the page.
type chapter struct {
	Name       string
	Operations []described
}

// described is an operation on the page.
type described struct {
	*huma.Operation
	Body    string
	Answers []answerOn
}

// answerOn is one of its answers on the page.
type answerOn struct{ Status, Text, Kind, Schema string }

func pageOf(d *huma.OpenAPI) ([]byte, error) {
	byTag := map[string][]described{}
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		item := d.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil && len(op.Tags) > 0 {
				byTag[op.Tags[0]] = append(byTag[op.Tags[0]], describe(op))
			}
		}
	}
	var chapters []chapter
	for _, tag := range slices.Sorted(maps.Keys(byTag)) {
		chapters = append(chapters, chapter{tag, byTag[tag]})
	}
	names := func(of map[string]*huma.Schema) []string { return slices.Sorted(maps.Keys(of)) }
	page, err := template.New("page").Funcs(template.FuncMap{
		"words": words, "names": names, "ref": refName, "required": func(s *huma.Schema, name string) bool { return slices.Contains(s.Required, name) },
	}).Parse(pageText)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = page.Execute(&out, map[string]any{
		"Info": d.Info, "Style": template.CSS(pageStyle), "Chapters": chapters, "Schemas": d.Components.Schemas.Map(),
	})
	return out.Bytes(), err
}

func describe(op *huma.Operation) described {
	d := described{Operation: op}
	if op.RequestBody != nil {
		if media := op.RequestBody.Content["application/json"]; media != nil {
			d.Body = refName(media.Schema)
		}
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		kinds := slices.Sorted(maps.Keys(r.Content))
		if len(kinds) == 0 {
			kinds = []string{""}
		}
		for _, kind := range kinds {
			one := answerOn{Status: status, Text: r.Description, Kind: kind}
			if media := r.Content[kind]; media != nil {
				one.Schema = refName(media.Schema)
			}
			d.Answers = append(d.Answers, one)
		}
	}
	return d
}

// refName is the name of the schema that another refers to; "" for none.
func refName(s *huma.Schema) string {
	if s == nil {
		return ""
	}
	return s.Ref[strings.LastIndex(s.Ref, "/")+1:]
}

// words says what a value may be.
func words(s *huma.Schema) string {
	switch {
	case s.Ref != "":
		return refName(s)
	case s.Type == huma.TypeArray && s.Items != nil:
		return "list of " + words(s.Items)
	case len(s.Enum) > 0:
		var all []string
		for _, e := range s.Enum {
			if text, ok := e.(string); ok {
				all = append(all, text)
			}
		}
		return strings.Join(all, " | ")
	}
	return cmp.Or(s.Format, s.Type, "any")
}
