package spec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// document is a kind of file besides the release file: the table of its keys and
// what must hold between them. Files of every kind are read alike: all that is
// wrong at once, each with its line, column and a hint.
type document[T any] struct {
	// kind is what the file says under `kind`, title what people call it.
	kind, title string
	keys        *object[T]
	rules       func(*checker, T)
	// read is where the text and its SHA-256 in hex go.
	read func(*T) (text *[]byte, hash *string)
}

func (d document[T]) parse(name string, text []byte) (T, error) {
	var v, none T
	tree, errs := readTree(name, text)
	if tree == nil {
		return none, errs.ordered()
	}
	c := newChecker(name)
	c.errs = errs
	d.keys.decode(c, tree, "", &v)
	d.rules(c, v)
	if len(c.errs) > 0 {
		return none, c.errs.ordered()
	}
	sum := sha256.Sum256(text)
	kept, hash := d.read(&v)
	*kept, *hash = bytes.Clone(text), hex.EncodeToString(sum[:])
	return v, nil
}

// format writes a value in full, with every default spelled out.
func (d document[T]) format(v T) []byte {
	var b bytes.Buffer
	if tree := d.keys.encode(v); tree != nil {
		write(&b, tree, "")
	}
	return b.Bytes()
}

// kindOf is the entry of a document in the list of kinds.
func kindOf[T any](d document[T]) Kind {
	return Kind{
		Name: d.kind, Title: d.title,
		Check: func(name string, text []byte) error { _, err := d.parse(name, text); return err },
		Reference: func() string {
			var b strings.Builder
			table(&b, d.keys.rows(""))
			return b.String()
		},
		Schema: func() []byte {
			return schemaOf(d.keys.schema(), "urn:linnet:"+strings.ToLower(d.kind)+":v1", "Linnet "+d.title)
		},
	}
}

// Kind is a kind of file that Linnet reads besides release files.
type Kind struct {
	// Name is what the file says under `kind`; Title what people call such a file.
	Name, Title string
	// Check tells all that is wrong with a file of this kind; name is what errors
	// call it.
	Check func(name string, text []byte) error
	// Reference gives its keys as Markdown, Schema its JSON Schema for editors.
	Reference func() string
	Schema    func() []byte
}

// Kinds lists them.
func Kinds() []Kind {
	return []Kind{
		kindOf(ingestDocument),
		kindOf(serverDocument),
		kindOf(noticesDocument),
		kindOf(hooksDocument),
		kindOf(guardsDocument),
		kindOf(accessDocument),
	}
}

// KindOf tells the kind that a file says it is; false where it is a release
// file, or none that is known.
func KindOf(text []byte) (Kind, bool) {
	tree, _ := readTree("", text)
	said := tree.get("kind")
	for _, k := range Kinds() {
		if said != nil && said.text == k.Name {
			return k, true
		}
	}
	return Kind{}, false
}

// headed gives the keys that every file begins with, before its own.
func headed[T any](kind string, spec *object[T]) *object[T] {
	return &object[T]{keys: []key[T]{
		{name: "apiVersion", doc: "The version of this format.", need: true, sample: "linnet/v1", zero: true,
			bind: at(nowhere[T], fixed("linnet/v1"))},
		{name: "kind", doc: "What the file describes.", need: true, sample: kind, zero: true,
			bind: at(nowhere[T], fixed(kind))},
		grouped("spec", "What it says.", within(spec)),
	}}
}
