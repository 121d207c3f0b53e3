package spec

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// checker collects what is wrong with a file, and remembers where its keys
// stand so that rules about values can point at them.
type checker struct {
	file string
	errs Errors
	// where is the place of every key and entry by path, bad the paths of
	// values that could not be read: rules leave those alone.
	where map[string]position
	bad   map[string]bool
	// preset overrides defaults, by path without indices.
	preset map[string]string
}

func newChecker(file string) *checker {
	return &checker{file: file, where: map[string]position{"": {1, 1}}, bad: map[string]bool{}}
}

// fail reports a problem at a path; what the file leaves out is reported at
// the nearest mapping around it.
func (c *checker) fail(path, problem, hint string) {
	c.failAt(c.find(path), path, problem, hint)
}

func (c *checker) failAt(p position, path, problem, hint string) {
	c.bad[path] = true
	c.errs = append(c.errs, Error{
		File: c.file, Line: p.line, Column: p.column,
		Path: path, Problem: problem, Hint: hint,
	})
}

// Wrong is what shows to be wrong with a key only when a file, of any kind, is
// used: an expression that does not compile. It is told as all the rest is, with
// its place; name is what errors call the file.
func Wrong(name string, text []byte, path, problem, hint string) Error {
	c := newChecker(name)
	if tree, _ := readTree(name, text); tree != nil {
		c.markAll(tree, "")
	}
	p := c.find(path)
	return Error{File: name, Line: p.line, Column: p.column, Path: path, Problem: problem, Hint: hint}
}

// markAll remembers where everything below a node stands.
func (c *checker) markAll(n *node, path string) {
	for i := range n.entries {
		e := &n.entries[i]
		at := join(path, e.key)
		c.seen(n, e.key, at)
		c.markAll(e.value, at)
	}
	for i, item := range n.items {
		at := entryAt(path, i)
		c.mark(at, item.pos)
		c.markAll(item, at)
	}
}

func (c *checker) find(path string) position {
	for {
		if p, ok := c.where[path]; ok {
			return p
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
}

// fine tells whether all these values could be read.
func (c *checker) fine(paths ...string) bool {
	for _, p := range paths {
		if c.bad[p] {
			return false
		}
	}
	return true
}

// seen remembers where a key stands: a scalar by its value, the rest by its
// key.
func (c *checker) seen(parent *node, name, path string) {
	for i := range parent.entries {
		e := &parent.entries[i]
		if e.key != name {
			continue
		}
		p := e.pos
		if e.value.kind == scalar {
			p = e.value.pos
		}
		c.mark(path, p)
		return
	}
}

// mark remembers the place of a path. Defaults have none: a rule about them
// points at the nearest mapping that the file does have.
func (c *checker) mark(path string, p position) {
	if p != (position{}) {
		c.where[path] = p
	}
}

// is checks what a node is, and reports where it is something else.
func (c *checker) is(n *node, want nodeKind, path string) bool {
	switch {
	case n.refused:
		c.bad[path] = true
		return false
	case n.kind == want && (want != scalar || n.class != empty):
		return true
	case n.kind == scalar && n.class == empty:
		c.fail(path, "has no value", "write one, or take the key out")
		return false
	}
	expected := map[nodeKind]string{
		scalar:  "a single value",
		mapping: "a mapping (key: value)",
		list:    "a list (entries that begin with -)",
	}
	c.fail(path, "is "+n.what(), "write "+expected[want])
	return false
}

// duplicates reports keys written twice.
func (c *checker) duplicates(n *node, path string) {
	first := map[string]position{}
	for _, e := range n.entries {
		if p, ok := first[e.key]; ok {
			c.failAt(e.pos, path, fmt.Sprintf("key %s is written twice, first on line %d", clip(e.key), p.line), "take one of them out")
			continue
		}
		first[e.key] = e.pos
	}
}

// fallback is the default of a key that the file leaves out, as a node: the
// preset's, the key's own, or the one that depends on its neighbours.
func (c *checker) fallback(path, def string, derive func(*node) string, parent *node) *node {
	if text, ok := c.preset[withoutIndices(path)]; ok {
		def = text
	} else if derive != nil {
		def = derive(parent)
	}
	if def == "" {
		return nil
	}
	n, errs := readTree("default", []byte(def))
	if len(errs) > 0 {
		// A test reads every default of the table.
		return nil
	}
	n.unplace()
	return n
}

// join appends a key to a path.
func join(path, name string) string {
	if strings.ContainsAny(name, ".[] \"") || name == "" {
		return path + "[" + strconv.Quote(name) + "]"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// withoutIndices turns spec.steps[1].weight into spec.steps[].weight.
func withoutIndices(path string) string {
	var b strings.Builder
	inside := false
	for _, r := range path {
		switch {
		case r == '[':
			inside = true
			b.WriteString("[")
		case r == ']':
			inside = false
			b.WriteString("]")
		case !inside:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// clip quotes what a person wrote, cut to what fits a message.
func clip(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return strconv.Quote(text)
}

func contains(names []string, name string) bool { return slices.Contains(names, name) }

// sorted gives a map's keys in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
