package albtest

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/awscall/awstest"
)

// kind is what a shape holds.
type kind int

const (
	text kind = iota
	integer
	boolean
	structure
	list
	mapping // of text to text
)

// shape says what a parameter of the API may be, as the published model does.
type shape struct {
	kind    kind
	members []member // of a structure, in the order in which they are written
	of      *shape   // of a list
	// min and max bound a text's length, an integer, or how many a list or
	// mapping has; both 0 for no bound.
	min, max int64
	enum     []string
	pattern  *regexp.Regexp
}

// member is one of a structure.
type member struct {
	name     string
	shape    *shape
	required bool
	// secret is taken and told nobody.
	secret bool
}

// node is a value: of text, integer and boolean the words, of a structure and a
// mapping the fields, of a list the items.
type node struct {
	words  string
	fields map[string]*node
	items  []*node
}

func words(s string) *node { return &node{words: s} }

func number(n int) *node { return words(strconv.Itoa(n)) }

// object is a structure of names and nodes, one after the other.
func object(of map[string]*node) *node { return &node{fields: of} }

func items(of ...*node) *node { return &node{items: of} }

// get is a field, nil where there is none; it may be asked of nil.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	return n.fields[name]
}

// say is the text of a field.
func (n *node) say(name string) string {
	if f := n.get(name); f != nil {
		return f.words
	}
	return ""
}

// list are the items of a field.
func (n *node) list(name string) []*node {
	if f := n.get(name); f != nil {
		return f.items
	}
	return nil
}

// clone is a deep copy.
func (n *node) clone() *node {
	if n == nil {
		return nil
	}
	out := &node{words: n.words}
	for _, item := range n.items {
		out.items = append(out.items, item.clone())
	}
	if n.fields != nil {
		out.fields = map[string]*node{}
		for name, f := range n.fields {
			out.fields[name] = f.clone()
		}
	}
	return out
}

// The bounds of what is parsed.
const (
	maxDepth = 12
	maxItems = 1000
)

// raw is a form as a tree of what its names say.
type raw struct {
	words    string
	isWords  bool
	children map[string]*raw
}

// parseForm reads the parameters of an operation by their shape.
func parseForm(form url.Values, of *shape) (*node, error) {
	tree := &raw{}
	for name, values := range form {
		if name == "Action" || name == "Version" {
			continue
		}
		parts := strings.Split(name, ".")
		if len(parts) > maxDepth || len(values) != 1 {
			return nil, validation("%s: is given %d times, or too deep", name, len(values))
		}
		at := tree
		for _, part := range parts {
			if at.children == nil {
				at.children = map[string]*raw{}
			}
			if at.children[part] == nil {
				at.children[part] = &raw{}
			}
			at = at.children[part]
		}
		at.words, at.isWords = values[0], true
	}
	return read(tree, of, "")
}

func read(r *raw, s *shape, at string) (*node, error) {
	if r.isWords && r.children != nil {
		return nil, validation("%s: is both a value and more", at)
	}
	switch s.kind {
	case structure:
		return readStructure(r, s, at)
	case list:
		return readList(r, s, at)
	case mapping:
		return readMapping(r, s, at)
	}
	if !r.isWords {
		return nil, validation("%s: is no single value", at)
	}
	return words(r.words), s.check(r.words, at)
}

// check holds a single value to its shape.
func (s *shape) check(value, at string) error {
	size := int64(len([]rune(value)))
	switch s.kind {
	case integer:
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			return &awstest.Refusal{Code: "MalformedInput", Message: fmt.Sprintf("%s: %q is no integer", at, value)}
		}
		size = n
	case boolean:
		if value != "true" && value != "false" {
			return &awstest.Refusal{Code: "MalformedInput", Message: fmt.Sprintf("%s: %q is no boolean", at, value)}
		}
		return nil
	}
	if (s.min != 0 || s.max != 0) && (size < s.min || size > s.max) {
		return validation("value %q at %q failed to satisfy constraint: between %d and %d", value, at, s.min, s.max)
	}
	if len(s.enum) > 0 && !slices.Contains(s.enum, value) {
		return validation("value %q at %q failed to satisfy constraint: one of %v", value, at, s.enum)
	}
	if s.pattern != nil && !s.pattern.MatchString(value) {
		return validation("value %q at %q failed to satisfy constraint: %s", value, at, s.pattern)
	}
	return nil
}

func readStructure(r *raw, s *shape, at string) (*node, error) {
	out := object(map[string]*node{})
	if r.isWords {
		return nil, validation("%s: is no structure", at)
	}
	for name := range r.children {
		if !slices.ContainsFunc(s.members, func(m member) bool { return m.name == name }) {
			return nil, validation("%s: is not known", join(at, name))
		}
	}
	for _, m := range s.members {
		child := r.children[m.name]
		if child == nil {
			if m.required {
				return nil, validation("%s: is required", join(at, m.name))
			}
			continue
		}
		got, err := read(child, m.shape, join(at, m.name))
		if err != nil {
			return nil, err
		}
		out.fields[m.name] = got
	}
	return out, nil
}

// numbered are the children 1 to n of a list or mapping, which are written
// below one name.
func numbered(r *raw, below, at string) ([]*raw, error) {
	if r.isWords && r.words == "" {
		return nil, nil // how the protocol writes an empty list
	}
	if len(r.children) != 1 || r.children[below] == nil {
		return nil, validation("%s: is written as %s.%s.N", at, at, below)
	}
	r = r.children[below]
	if len(r.children) > maxItems {
		return nil, validation("%s: has %d items", at, len(r.children))
	}
	out := make([]*raw, len(r.children))
	for i := range out {
		if out[i] = r.children[strconv.Itoa(i+1)]; out[i] == nil {
			return nil, validation("%s: item %d is missing", at, i+1)
		}
	}
	return out, nil
}

func (s *shape) checkCount(n int, at string) error {
	if (s.min != 0 || s.max != 0) && (int64(n) < s.min || int64(n) > s.max) {
		return validation("%s: has %d items, and %d to %d are allowed", at, n, s.min, s.max)
	}
	return nil
}

func readList(r *raw, s *shape, at string) (*node, error) {
	children, err := numbered(r, "member", at)
	if err != nil {
		return nil, err
	}
	out := items()
	for i, child := range children {
		got, err := read(child, s.of, fmt.Sprintf("%s.%d", at, i+1))
		if err != nil {
			return nil, err
		}
		out.items = append(out.items, got)
	}
	return out, s.checkCount(len(children), at)
}

func readMapping(r *raw, s *shape, at string) (*node, error) {
	children, err := numbered(r, "entry", at)
	if err != nil {
		return nil, err
	}
	out := object(map[string]*node{})
	for _, child := range children {
		key, value := child.children["key"], child.children["value"]
		if len(child.children) != 2 || key == nil || value == nil || !key.isWords || !value.isWords {
			return nil, validation("%s: an entry has a key and a value", at)
		}
		out.fields[key.words] = words(value.words)
	}
	return out, s.checkCount(len(children), at)
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}
