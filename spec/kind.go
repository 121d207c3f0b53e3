package spec

import (
	"cmp"
	"strings"
)

// kind is the shape of a scalar.
type kind[V any] struct {
	// noun says what is expected, for messages and the reference.
	noun string
	// classes are the YAML classes taken; text and numbers where empty,
	// because 1.10 may be a version.
	classes []class
	// pattern (a regular expression of JSON Schema) and choices go into the
	// schema.
	pattern string
	choices []string
	// secret keeps the value out of messages.
	secret bool
	// use is what a server is used for by a value in a release file; empty for
	// nothing.
	use UseKind

	parse  func(string) (V, fault)
	format func(V) string
}

func (k *kind[V]) decode(c *checker, n *node, path string, into *V) {
	if !c.is(n, scalar, path) {
		return
	}
	shown := clip(n.text)
	if k.secret {
		shown = "the value"
	}
	if !k.takes(n.class) {
		c.fail(path, shown+" is "+n.what(), k.instead(n))
		return
	}
	v, bad := k.parse(n.text)
	if bad != (fault{}) {
		c.fail(path, shown+" "+bad.problem, bad.hint)
		return
	}
	*into = v
}

func (k *kind[V]) takes(c class) bool {
	if len(k.classes) == 0 {
		return c == word || c == number
	}
	for _, t := range k.classes {
		if t == c {
			return true
		}
	}
	return false
}

// instead is the hint for a scalar of the wrong class.
func (k *kind[V]) instead(n *node) string {
	if len(k.classes) == 0 && n.class == boolean {
		return "write " + k.noun + "; quote the value if the word is meant"
	}
	return "write " + k.noun
}

func (k *kind[V]) encode(v V) *node {
	n := &node{text: k.format(v), use: k.use}
	if len(k.classes) > 0 {
		n.class = k.classes[0]
	}
	return n
}

// forUse is the kind of values that a server is used for.
func (k *kind[V]) forUse(use UseKind) *kind[V] {
	same := *k
	same.use = use
	return &same
}

func (k *kind[V]) written() string {
	if len(k.choices) > 0 {
		return "`" + strings.Join(k.choices, "`, `") + "`"
	}
	return k.noun
}

func (k *kind[V]) rows(string) []row { return nil }

// between narrows a kind to values from lo to hi.
func between[V cmp.Ordered](k *kind[V], lo, hi V) *kind[V] {
	narrow := *k
	narrow.parse = func(text string) (V, fault) {
		v, bad := k.parse(text)
		switch {
		case bad != (fault{}):
			return v, bad
		case v < lo:
			return v, fault{"is too little", "write at least " + k.format(lo)}
		case v > hi:
			return v, fault{"is too much", "write at most " + k.format(hi)}
		}
		return v, fault{}
	}
	return &narrow
}

// oneOf is a kind with a closed set of words.
func oneOf[V ~string](choices ...V) *kind[V] {
	words := make([]string, len(choices))
	for i, c := range choices {
		words[i] = string(c)
	}
	return &kind[V]{
		noun:    "one of " + strings.Join(words, ", "),
		choices: words,
		parse: func(text string) (V, fault) {
			if contains(words, text) {
				return V(text), fault{}
			}
			hint := "write " + orList(words)
			if near := nearest(text, words); near != "" {
				hint = "did you mean " + near + "? " + hint
			}
			return "", fault{"is not known here", hint}
		},
		format: func(v V) string { return string(v) },
	}
}

func orList(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
