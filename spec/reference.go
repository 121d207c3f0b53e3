package spec

import (
	"fmt"
	"strings"
)

// row is a line of the reference.
type row struct{ path, doc, written, def string }

// Reference gives the reference of release files as Markdown: every key with
// its meaning, how it is written and its default, and the presets.
func Reference() string {
	var b strings.Builder
	table(&b, fileKeys.rows(""))
	b.WriteString("\nPresets, where they differ from `balanced`:\n\n| key | balanced | cautious | fast |\n|---|---|---|---|\n")
	for _, path := range presetPaths() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", path,
			presetCell("balanced", path), presetCell("cautious", path), presetCell("fast", path))
	}
	return b.String()
}

func table(b *strings.Builder, rows []row) {
	b.WriteString("| key | meaning | written as | default |\n|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", r.path, cell(r.doc), cell(r.written), cell(r.def))
	}
}

// cell keeps a bar from ending a table's cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func presetPaths() []string {
	all := map[string]bool{}
	for _, p := range presets {
		for path := range p {
			all[path] = true
		}
	}
	return sorted(all)
}

// presetCell is what a preset says of a path, balanced being the table of keys
// itself.
func presetCell(preset, path string) string {
	if def, ok := presets[preset][path]; ok {
		return "`" + def + "`"
	}
	for _, r := range fileKeys.rows("") {
		if r.path == path {
			return cell(r.def)
		}
	}
	return ""
}

func (o *object[T]) rows(path string) []row {
	var all []row
	for i := range o.keys {
		k := &o.keys[i]
		sub := join(path, k.name)
		all = append(all, row{sub, k.doc, k.bind.written(), k.defaultText()})
		all = append(all, k.bind.rows(sub)...)
	}
	return all
}

func (k *key[T]) defaultText() string {
	switch {
	case k.need:
		return "required"
	case k.words != "":
		return k.words
	case k.def != "":
		return "`" + k.def + "`"
	}
	return ""
}

func (o *object[T]) written() string { return "keys" }

func (l *listOf[V]) written() string { return "a list" }

func (l *listOf[V]) rows(path string) []row {
	below := l.item.rows(path + "[]")
	if len(below) == 0 {
		return []row{{path: path + "[]", doc: "An entry.", written: l.item.written()}}
	}
	return below
}

func (m *mapOf) written() string { return "names and values" }

func (m *mapOf) rows(string) []row { return nil }
