package spec

// position is a place in the file, from 1; the zero value is nowhere.
type position struct{ line, column int }

// nodeKind is what a node of the file is.
type nodeKind int

const (
	scalar nodeKind = iota
	mapping
	list
)

// class is what YAML takes an unquoted scalar for.
type class int

const (
	word class = iota // text, quoted or not
	number
	boolean
	empty
)

// node is a part of a release file: YAML without its tricks.
type node struct {
	kind nodeKind
	pos  position

	// text is the scalar as it was written, so that 1.10 stays 1.10.
	text  string
	class class
	// use is what the value is used for, where it was encoded.
	use UseKind
	// refused: reported already, to be passed over in silence.
	refused bool

	entries []entryNode // of a mapping, duplicates included
	items   []*node     // of a list
}

// entryNode is one key of a mapping.
type entryNode struct {
	key   string
	pos   position
	value *node
}

// get finds the first entry of a key; nil where there is none.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for i := range n.entries {
		if n.entries[i].key == key {
			return n.entries[i].value
		}
	}
	return nil
}

// find follows keys down; nil where one is missing.
func (n *node) find(keys ...string) *node {
	for _, k := range keys {
		n = n.get(k)
	}
	return n
}

func (n *node) add(key string, value *node) {
	n.entries = append(n.entries, entryNode{key: key, value: value})
}

// unplace makes a tree forget where it stood.
func (n *node) unplace() {
	n.pos = position{}
	for i := range n.entries {
		n.entries[i].pos = position{}
		n.entries[i].value.unplace()
	}
	for _, item := range n.items {
		item.unplace()
	}
}

// what names a node for messages.
func (n *node) what() string {
	switch {
	case n.kind == mapping:
		return "a mapping"
	case n.kind == list:
		return "a list"
	case n.class == number:
		return "a number"
	case n.class == boolean:
		return "true or false"
	case n.class == empty:
		return "nothing"
	}
	return "text"
}
