package httpjson

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/theory/jsonpath"

	"github.com/linnet-project/linnet/release"
)

// path finds nodes from a row, or from what it was found in.
type path struct {
	text string
	out  int // how many levels out it begins
	path *jsonpath.Path
}

// isPath tells a path from a member's name.
func isPath(text string) bool { return strings.HasPrefix(strings.TrimLeft(text, "^"), "$") }

// parsePath reads a path; "" gives one that finds nothing.
func parsePath(text string) (path, error) {
	if text == "" {
		return path{}, nil
	}
	inner := strings.TrimLeft(text, "^")
	p, err := jsonpath.Parse(inner)
	if err != nil {
		return path{}, fmt.Errorf("%.100q is no JSONPath (%v): %w", text, err, release.ErrInvalid)
	}
	return path{text, len(text) - len(inner), p}, nil
}

// all are the nodes that it finds, from the innermost of levels.
func (p path) all(levels []any) []any {
	i := len(levels) - 1 - p.out
	if p.path == nil || i < 0 {
		return nil
	}
	return p.path.Select(levels[i])
}

// first is the first node that it finds.
func (p path) first(levels []any) (any, bool) {
	all := p.all(levels)
	if len(all) == 0 {
		return nil, false
	}
	return all[0], true
}

// level is a Level ready for use.
type level struct {
	each, entries  path
	names          []string // of zip
	zip            []path
	columns, cells path
}

func levelOf(l Level) (out level, err error) {
	kinds := 0
	for _, is := range []bool{l.Each != "", l.Entries != "", len(l.Zip) > 0, l.Columns != "" || l.Cells != ""} {
		if is {
			kinds++
		}
	}
	if kinds != 1 || (l.Columns == "") != (l.Cells == "") {
		return out, fmt.Errorf("a level of rows is one path, entries, zip, or columns with cells: %w", release.ErrInvalid)
	}
	for _, one := range []struct {
		text string
		into *path
	}{{l.Each, &out.each}, {l.Entries, &out.entries}, {l.Columns, &out.columns}, {l.Cells, &out.cells}} {
		if *one.into, err = parsePath(one.text); err != nil {
			return out, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.Zip)) {
		p, err := parsePath(l.Zip[name])
		if err != nil {
			return out, err
		}
		out.names, out.zip = append(out.names, name), append(out.zip, p)
	}
	return out, nil
}

// within gives what the level holds.
func (l level) within(levels []any) ([]any, error) {
	switch {
	case len(l.zip) > 0:
		return l.zipped(levels)
	case l.cells.path != nil:
		return l.table(levels)
	case l.each.path != nil:
		return l.each.all(levels), nil
	}
	var out []any
	for _, node := range l.entries.all(levels) {
		members, ok := node.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s is no object: %w", l.entries.text, release.ErrInvalid)
		}
		for key, value := range members {
			out = append(out, map[string]any{"key": key, "value": value})
		}
	}
	return out, nil
}

func (l level) zipped(levels []any) ([]any, error) {
	var out []any
	for i, p := range l.zip {
		nodes := p.all(levels)
		if i == 0 {
			out = make([]any, len(nodes))
			for j := range out {
				out[j] = make(map[string]any, len(l.zip))
			}
		}
		if len(nodes) != len(out) {
			return nil, fmt.Errorf("%s finds %d, and %s %d, which should go together: %w", l.zip[0].text, len(out), p.text, len(nodes), release.ErrInvalid)
		}
		for j, node := range nodes {
			out[j].(map[string]any)[l.names[i]] = node
		}
	}
	return out, nil
}

func (l level) table(levels []any) ([]any, error) {
	var names []string
	for _, node := range l.columns.all(levels) {
		name, ok := node.(string)
		if !ok {
			return nil, fmt.Errorf("%s finds something else than names: %w", l.columns.text, release.ErrInvalid)
		}
		names = append(names, name)
	}
	var out []any
	for _, node := range l.cells.all(levels) {
		cells, ok := node.([]any)
		if !ok || len(cells) != len(names) {
			return nil, fmt.Errorf("%s finds something else than lists of %d cells: %w", l.cells.text, len(names), release.ErrInvalid)
		}
		row := make(map[string]any, len(names))
		for i, cell := range cells {
			row[names[i]] = cell
		}
		out = append(out, row)
	}
	return out, nil
}
