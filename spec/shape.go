package spec

import (
	"cmp"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// A shape is how a value of type V is written in a file: the same shape reads
// it, writes it, and describes it in the schema and the reference. It is one
// of *kind (a scalar), *object, *optional, *listOf, *mapOf, and the few
// special ones beside the keys that need them.
type shape[V any] interface {
	decode(c *checker, n *node, path string, into *V)
	// encode gives nil for what is not set.
	encode(v V) *node
	described
}

// described is the part of a shape that does not depend on its type.
type described interface {
	schema() map[string]any
	// written says in a few words how a value looks.
	written() string
	// rows are the keys below, for the reference.
	rows(path string) []row
}

// key is a row of the table: one key of a mapping whose Go form is T.
type key[T any] struct {
	name string
	// doc says what the key means, in one or two sentences.
	doc string
	// need says that the file must have the key; sample shows how.
	need   bool
	sample string
	// def is the default as a file would write it. Where it depends on other
	// keys of the same mapping, derive gives it, and words say it.
	def    string
	derive func(parent *node) string
	words  string
	// zero says that the zero value means something else than leaving the key
	// out, so that Format has to write it. A default implies it.
	zero bool

	bind binding[T]
}

// binding ties a key to the place its value has in T.
type binding[T any] interface {
	decode(c *checker, n *node, path string, parent *T)
	// encode gives nil for a zero value, unless zero is to be kept because
	// leaving the key out would mean something else.
	encode(parent *T, keepZero bool) *node
	described
}

// at binds a key to a field.
func at[T, V any](place func(*T) *V, s shape[V]) binding[T] {
	return field[T, V]{s, place}
}

type field[T, V any] struct {
	shape[V]
	place func(*T) *V
}

func (f field[T, V]) decode(c *checker, n *node, path string, parent *T) {
	f.shape.decode(c, n, path, f.place(parent))
}

func (f field[T, V]) encode(parent *T, keepZero bool) *node {
	v := *f.place(parent)
	if !keepZero && reflect.ValueOf(&v).Elem().IsZero() {
		return nil
	}
	return f.shape.encode(v)
}

// within binds a key whose mapping is only a grouping in the file: its keys
// are fields of the same Go struct.
func within[T any](o *object[T]) binding[T] {
	return at(func(t *T) *T { return t }, o)
}

// entry binds a key to the entry of that name in a map.
func entry[V any](name string, s shape[V]) binding[map[string]V] {
	return mapEntry[V]{s, name}
}

type mapEntry[V any] struct {
	shape[V]
	name string
}

func (e mapEntry[V]) decode(c *checker, n *node, path string, parent *map[string]V) {
	var v V
	e.shape.decode(c, n, path, &v)
	if *parent == nil {
		*parent = map[string]V{}
	}
	(*parent)[e.name] = v
}

func (e mapEntry[V]) encode(parent *map[string]V, _ bool) *node {
	v, ok := (*parent)[e.name]
	if !ok {
		return nil
	}
	return e.shape.encode(v)
}

// object is a mapping with known keys.
type object[T any] struct {
	// noun is what a key of it is called in messages, "key" where empty.
	noun string
	keys []key[T]
	// exactly names keys of which one must be there, atMost groups of keys of
	// which one may.
	exactly []string
	atMost  [][]string
}

func (o *object[T]) names() []string {
	names := make([]string, len(o.keys))
	for i := range o.keys {
		names[i] = o.keys[i].name
	}
	return names
}

func (o *object[T]) decode(c *checker, n *node, path string, into *T) {
	if !c.is(n, mapping, path) {
		return
	}
	c.duplicates(n, path)
	meant := o.unknown(c, n, path)
	for i := range o.keys {
		k := &o.keys[i]
		sub := join(path, k.name)
		value := n.get(k.name)
		if value == nil {
			value = c.fallback(sub, k.def, k.derive, n)
		} else {
			c.seen(n, k.name, sub)
		}
		switch {
		case value != nil:
			k.bind.decode(c, value, sub, into)
		case k.need && !contains(meant, k.name):
			c.fail(sub, "is missing", "write "+k.name+": "+k.sample)
		}
	}
	o.groups(c, n, path, len(meant) > 0)
}

// unknown reports keys that are not in the table. It gives what they may have
// been meant for, "" for those that are like nothing, so that the key meant is
// not reported as missing too.
func (o *object[T]) unknown(c *checker, n *node, path string) (meant []string) {
	noun := cmp.Or(o.noun, "key")
	known := o.names()
	for _, e := range n.entries {
		if contains(known, e.key) {
			continue
		}
		hint := "known: " + strings.Join(known, ", ")
		near := nearest(e.key, known)
		if meant = append(meant, near); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
		c.failAt(e.pos, path, "unknown "+noun+" "+clip(e.key), hint)
	}
	return meant
}

// groups checks that keys which exclude each other do not meet, and that one
// is there where one must be; mistyped says that it may be there misspelt.
func (o *object[T]) groups(c *checker, n *node, path string, mistyped bool) {
	there := present(n, o.exactly)
	switch {
	case len(there) > 1:
		c.fail(path, "has "+strings.Join(there, " and "), "write only one of them")
	case len(there) == 0 && len(o.exactly) > 0 && !mistyped:
		c.fail(path, o.lacks(), "write "+orList(o.exactly))
	}
	for _, group := range o.atMost {
		if there := present(n, group); len(there) > 1 {
			c.fail(path, "has "+strings.Join(there, " and "), "write only one of them")
		}
	}
}

// lacks says that none of the keys is there of which one must be.
func (o *object[T]) lacks() string {
	if o.noun != "" {
		return "names no " + o.noun
	}
	return "has none of " + strings.Join(o.exactly, ", ")
}

func present(n *node, names []string) []string {
	var there []string
	for _, name := range names {
		if n.get(name) != nil {
			there = append(there, name)
		}
	}
	return there
}

func (o *object[T]) encode(v T) *node {
	m := &node{kind: mapping}
	for i := range o.keys {
		k := &o.keys[i]
		if n := k.bind.encode(&v, k.zero || k.def != ""); n != nil {
			m.add(k.name, n)
		}
	}
	if len(m.entries) == 0 {
		return nil
	}
	return m
}

// optional is a shape that may be absent, and then is a nil pointer.
type optional[V any] struct{ shape[V] }

func (o optional[V]) decode(c *checker, n *node, path string, into **V) {
	*into = new(V)
	o.shape.decode(c, n, path, *into)
}

func (o optional[V]) encode(v *V) *node {
	if v == nil {
		return nil
	}
	return o.shape.encode(*v)
}

// listOf is a list whose entries have one shape.
type listOf[V any] struct {
	item shape[V]
	min  int
}

// maxEntries bounds every list and every mapping with free keys.
const maxEntries = 100

func (l *listOf[V]) decode(c *checker, n *node, path string, into *[]V) {
	if !c.is(n, list, path) {
		return
	}
	switch {
	case len(n.items) >= l.min:
	case len(n.items) == 1:
		c.fail(path, "has one entry", fmt.Sprintf("write at least %d", l.min))
	case l.min == 1:
		c.fail(path, "is empty", "write at least one entry")
	default:
		c.fail(path, "is empty", fmt.Sprintf("write at least %d entries", l.min))
	}
	if len(n.items) > maxEntries {
		c.fail(path, fmt.Sprintf("has %d entries", len(n.items)), fmt.Sprintf("write at most %d", maxEntries))
		return
	}
	for i, item := range n.items {
		var v V
		sub := path + "[" + strconv.Itoa(i) + "]"
		c.mark(sub, item.pos)
		l.item.decode(c, item, sub, &v)
		*into = append(*into, v)
	}
}

func (l *listOf[V]) encode(v []V) *node {
	if len(v) == 0 {
		return nil
	}
	n := &node{kind: list}
	for _, item := range v {
		n.items = append(n.items, l.item.encode(item))
	}
	return n
}

// mapOf is a mapping with free keys.
type mapOf struct {
	key  *kind[string]
	item *kind[string]
	min  int
}

// texts is a mapOf with at least so many entries.
func texts(key, item *kind[string], least int) shape[map[string]string] {
	return &mapOf{key, item, least}
}

func (m *mapOf) decode(c *checker, n *node, path string, into *map[string]string) {
	if !c.is(n, mapping, path) {
		return
	}
	c.duplicates(n, path)
	if len(n.entries) < m.min {
		c.fail(path, "is empty", "write at least one entry")
	}
	if len(n.entries) > maxEntries {
		c.fail(path, fmt.Sprintf("has %d entries", len(n.entries)), fmt.Sprintf("write at most %d", maxEntries))
		return
	}
	for _, e := range n.entries {
		sub := join(path, e.key)
		c.seen(n, e.key, sub)
		if _, bad := m.key.parse(e.key); bad != (fault{}) {
			c.failAt(e.pos, path, "key "+clip(e.key)+" "+bad.problem, bad.hint)
			continue
		}
		var v string
		m.item.decode(c, e.value, sub, &v)
		if *into == nil {
			*into = map[string]string{}
		}
		(*into)[e.key] = v
	}
}

func (m *mapOf) encode(v map[string]string) *node {
	if len(v) == 0 {
		return nil
	}
	n := &node{kind: mapping}
	for _, k := range sorted(v) {
		n.add(k, m.item.encode(v[k]))
	}
	return n
}
