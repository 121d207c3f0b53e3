package spec

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/linnet-project/linnet/release"
)

// Template is a release file with placeholders, $(version), in its values.
// $$( stands for $( itself. A value takes the place of text inside one scalar
// and can never become a key, a list or a second scalar: the tree is filled, not
// the text.
type Template struct {
	file  string
	tree  *node
	holes []string
}

// ParseTemplate reads a template; name is what errors call it. What is wrong with
// it as a release file is told as Parse tells it, but for the scalars that are
// still to be filled.
func ParseTemplate(name string, text []byte) (Template, error) {
	tree, errs := readTree(name, text)
	if tree == nil || len(errs) > 0 {
		return Template{}, errs.ordered()
	}
	t := Template{file: name, tree: tree}
	open := map[position]bool{}
	tree.each(func(n *node) {
		if n.kind != scalar || n.class != word {
			return
		}
		_, bad := expand(n.text, func(hole string) string {
			open[n.pos] = true
			if !slices.Contains(t.holes, hole) {
				t.holes = append(t.holes, hole)
			}
			return ""
		})
		if bad != (fault{}) {
			errs = append(errs, Error{File: name, Line: n.pos.line, Column: n.pos.column, Problem: bad.problem, Hint: bad.hint})
		}
	})
	tree.each(func(n *node) {
		for _, e := range n.entries {
			if strings.Contains(e.key, "$(") {
				errs = append(errs, Error{File: name, Line: e.pos.line, Column: e.pos.column,
					Problem: "a placeholder in a key", Hint: "only values can be filled; write the key out"})
			}
		}
	})
	if known, ok := parseErrors(name, text); ok {
		for _, e := range known {
			if !open[position{e.Line, e.Column}] {
				errs = append(errs, e)
			}
		}
	}
	if len(errs) > 0 {
		return Template{}, errs.ordered()
	}
	slices.Sort(t.holes)
	return t, nil
}

// parseErrors are what Parse says of a text, where it says anything.
func parseErrors(name string, text []byte) (Errors, bool) {
	_, err := Parse(name, text)
	known, ok := err.(Errors)
	return known, ok
}

// Holes are the names of the placeholders, sorted.
func (t Template) Holes() []string { return slices.Clone(t.holes) }

// Fill gives the release file with every placeholder filled, in block style and
// without the template's comments. A value that no release file could hold
// (longer than 1,000 bytes, a line break, a control character), and a placeholder
// without a value, are release.ErrInvalid. The file is not checked otherwise:
// Parse does that.
func (t Template) Fill(values map[string]string) ([]byte, error) {
	for _, hole := range t.holes {
		v, ok := values[hole]
		switch {
		case !ok:
			return nil, fmt.Errorf("%s: nothing is given for $(%s): %w", t.file, hole, release.ErrInvalid)
		case len(v) > maxText:
			return nil, fmt.Errorf("%s: the value of $(%s) is longer than 1,000 bytes: %w", t.file, hole, release.ErrInvalid)
		case !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return control(r) || r == 0xFEFF }):
			return nil, fmt.Errorf("%s: the value of $(%s) has a line break or control character: %w", t.file, hole, release.ErrInvalid)
		}
	}
	filled := t.tree.filled(values)
	var b bytes.Buffer
	write(&b, filled, "")
	// What was written is what is meant, or nothing is.
	again, errs := readTree(t.file, b.Bytes())
	if len(errs) > 0 || !alike(filled, again) {
		return nil, fmt.Errorf("%s: cannot be written with these values: %w", t.file, release.ErrInvalid)
	}
	return b.Bytes(), nil
}

// each calls fn for a node and all below it.
func (n *node) each(fn func(*node)) {
	fn(n)
	for i := range n.entries {
		n.entries[i].value.each(fn)
	}
	for _, item := range n.items {
		item.each(fn)
	}
}

// filled is a copy of a tree with its placeholders filled.
func (n *node) filled(values map[string]string) *node {
	c := &node{kind: n.kind, text: n.text, class: n.class}
	if n.kind == scalar && n.class == word {
		c.text, _ = expand(n.text, func(hole string) string { return values[hole] })
	}
	for _, e := range n.entries {
		c.add(e.key, e.value.filled(values))
	}
	for _, item := range n.items {
		c.items = append(c.items, item.filled(values))
	}
	return c
}

// expand puts values in the place of placeholders.
func expand(text string, value func(hole string) string) (string, fault) {
	var b strings.Builder
	for {
		at := strings.Index(text, "$(")
		if at < 0 {
			b.WriteString(text)
			return b.String(), fault{}
		}
		if at > 0 && text[at-1] == '$' {
			b.WriteString(text[:at-1] + "$(")
			text = text[at+2:]
			continue
		}
		b.WriteString(text[:at])
		name, rest, closed := strings.Cut(text[at+2:], ")")
		if _, bad := labelName.parse(name); !closed || bad != (fault{}) {
			return "", fault{"a placeholder that is not $(name)", "write a name of letters, digits and _, or $$( where the signs themselves are meant"}
		}
		b.WriteString(value(name))
		text = rest
	}
}

// alike tells whether two trees say the same.
func alike(a, b *node) bool {
	if a == nil || b == nil || a.kind != b.kind || len(a.entries) != len(b.entries) || len(a.items) != len(b.items) ||
		(a.class == empty) != (b.class == empty) || a.kind == scalar && a.class != empty && a.text != b.text {
		return false
	}
	for i := range a.entries {
		if a.entries[i].key != b.entries[i].key || !alike(a.entries[i].value, b.entries[i].value) {
			return false
		}
	}
	for i := range a.items {
		if !alike(a.items[i], b.items[i]) {
			return false
		}
	}
	return true
}
