package spec

import (
	"encoding/json"
	"slices"
)

// Schema gives the JSON Schema (draft 2020-12) of release files, for editors.
// It holds what can be said of each key alone; Parse also checks what must
// hold between them.
func Schema() []byte {
	return schemaOf(fileKeys.schema(), "urn:linnet:release:v1", "Linnet release file")
}

func schemaOf(root map[string]any, id, title string) []byte {
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = id
	root["title"] = title
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		// The tree holds only strings, numbers, lists and maps.
		return nil
	}
	return append(text, '\n')
}

func (o *object[T]) schema() map[string]any {
	properties := map[string]any{}
	var required []string
	for i := range o.keys {
		k := &o.keys[i]
		property := k.bind.schema()
		property["description"] = k.doc
		if k.def != "" {
			property["default"] = plainValue(k.def)
		}
		properties[k.name] = property
		if k.need {
			required = append(required, k.name)
		}
	}
	s := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	if len(o.exactly) > 0 {
		s["oneOf"] = eachRequired(o.exactly)
	}
	var nots []any
	for _, group := range o.atMost {
		nots = append(nots, map[string]any{"not": map[string]any{"required": group}})
	}
	if len(nots) > 0 {
		s["allOf"] = nots
	}
	return s
}

func eachRequired(names []string) []any {
	var all []any
	for _, name := range names {
		all = append(all, map[string]any{"required": []string{name}})
	}
	return all
}

// plainValue turns a default's text into what JSON calls it.
func plainValue(def string) any {
	n, errs := readTree("default", []byte(def))
	if len(errs) > 0 {
		return def
	}
	return plain(n)
}

func plain(n *node) any {
	switch {
	case n.kind == mapping:
		m := map[string]any{}
		for _, e := range n.entries {
			m[e.key] = plain(e.value)
		}
		return m
	case n.kind == list:
		var l []any
		for _, item := range n.items {
			l = append(l, plain(item))
		}
		return l
	case n.class == boolean:
		return n.text == "true"
	}
	return n.text
}

func (l *listOf[V]) schema() map[string]any {
	return map[string]any{"type": "array", "items": l.item.schema(), "minItems": l.min, "maxItems": maxEntries}
}

func (m *mapOf) schema() map[string]any {
	return map[string]any{
		"type": "object", "additionalProperties": m.item.schema(),
		"propertyNames": map[string]any{"pattern": m.key.pattern},
		"minProperties": m.min, "maxProperties": maxEntries,
	}
}

func (k *kind[V]) schema() map[string]any {
	if len(k.choices) > 0 {
		return map[string]any{"type": "string", "enum": k.choices}
	}
	s := map[string]any{"type": k.jsonType()}
	if k.pattern != "" {
		s["pattern"] = k.pattern
	}
	return s
}

// jsonType is what an editor's YAML takes the value for. A number in place of
// text is fine where its spelling is kept, as in version: 1.10; a number that
// lacks its unit is not.
func (k *kind[V]) jsonType() any {
	switch {
	case len(k.classes) == 0:
		return []string{"string", "number"}
	case slices.Contains(k.classes, boolean):
		return "boolean"
	case slices.Contains(k.classes, word):
		return "string"
	}
	return "integer"
}
