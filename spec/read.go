package spec

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds on what is read at all. A real release file is a few kilobytes; the
// bounds keep a hostile one from costing time and memory (the YAML parser's
// time grows with the square of a mapping's keys).
const (
	maxBytes  = 1 << 20
	maxTokens = 20_000
	maxDepth  = 32
)

// reader turns text into a tree, collecting what it refuses.
type reader struct {
	file string
	errs Errors
}

func (r *reader) fail(p position, problem, hint string) {
	r.errs = append(r.errs, Error{File: r.file, Line: p.line, Column: p.column, Problem: problem, Hint: hint})
}

// readTree reads YAML of one document. The tree is nil where the text cannot
// be read; it may be there along with errors.
func readTree(file string, text []byte) (*node, Errors) {
	r := &reader{file: file}
	if r.raw(text); len(r.errs) > 0 {
		return nil, r.errs
	}
	tokens := lexer.Tokenize(string(text))
	if r.bounds(tokens); len(r.errs) > 0 {
		return nil, r.errs
	}
	doc := r.document(tokens)
	if doc == nil {
		return nil, r.errs
	}
	return r.node(doc), r.errs
}

// raw refuses text that is no plain UTF-8, and tabs where YAML wants spaces,
// with a clearer word than a parser has for them.
func (r *reader) raw(text []byte) {
	start := position{1, 1}
	switch {
	case len(text) > maxBytes:
		r.fail(start, fmt.Sprintf("the file has %d bytes, more than 1 MiB", len(text)), "a release file is a few kilobytes; is this the right file?")
		return
	case bytes.HasPrefix(text, []byte("\xef\xbb\xbf")):
		r.fail(start, "the file begins with a byte order mark", "save it as UTF-8 without BOM")
		return
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")):
		r.fail(start, "the file is UTF-16", "save it as UTF-8")
		return
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		r.rawLine(i+1, bytes.TrimSuffix(line, []byte("\r")))
		if len(r.errs) >= maxErrors {
			return
		}
	}
}

func (r *reader) rawLine(number int, line []byte) {
	indent := len(line) - len(bytes.TrimLeft(line, " \t"))
	if tab := bytes.IndexByte(line[:indent], '\t'); tab >= 0 {
		r.fail(position{number, tab + 1}, "a tab in the indentation", "indent with spaces")
	}
	column := 0
	for len(line) > 0 {
		c, size := utf8.DecodeRune(line)
		column++
		switch {
		case c == utf8.RuneError && size == 1:
			r.fail(position{number, column}, fmt.Sprintf("byte 0x%02x is not UTF-8", line[0]), "save the file as UTF-8")
			return
		case control(c) && c != '\t', c == 0xFEFF:
			r.fail(position{number, column}, fmt.Sprintf("control character U+%04X", c), "take it out")
			return
		}
		line = line[size:]
	}
}

// control tells whether a character can hide what a line says.
func control(c rune) bool {
	return c < 0x20 || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029
}

// bounds refuses what would make the parser slow or its recursion deep.
func (r *reader) bounds(tokens token.Tokens) {
	if len(tokens) > maxTokens {
		r.fail(place(tokens[maxTokens]), "more than 20,000 words and signs", "a release file is a few kilobytes; is this the right file?")
		return
	}
	open, dashes, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, dashes = t.Position.Line, 0
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			open++
		case token.MappingEndType, token.SequenceEndType:
			open--
		case token.SequenceEntryType, token.MappingKeyType:
			dashes++
		}
		if open > maxDepth || dashes > maxDepth || t.Position.IndentLevel > maxDepth {
			r.fail(place(t), "nested deeper than a release file goes", "")
			return
		}
	}
}

// document parses and picks the only document; nil where that fails.
func (r *reader) document(tokens token.Tokens) ast.Node {
	file, problem, at := parse(tokens)
	if file == nil {
		r.fail(at, "not YAML: "+problem, "")
		return nil
	}
	var body ast.Node
	for _, d := range file.Docs {
		switch {
		case d.Body == nil:
		case d.Body.Type() == ast.DirectiveType:
			r.fail(place(d.Body.GetToken()), "a YAML directive", "take the line out")
			return nil
		case body != nil:
			r.fail(place(d.Body.GetToken()), "a second document", "one file holds one release; put the others in files of their own")
			return nil
		default:
			body = d.Body
		}
	}
	if body == nil {
		r.fail(position{1, 1}, "the file is empty", "write what it is first: apiVersion, kind and spec")
	}
	return body
}

// parse calls the YAML parser. It guards against a panic in there: whatever a
// file holds, the answer is an error and never a crash of the process.
func parse(tokens token.Tokens) (file *ast.File, problem string, at position) {
	defer func() {
		if p := recover(); p != nil {
			file, problem, at = nil, "the parser cannot make sense of it", position{1, 1}
		}
	}()
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err == nil {
		return file, "", position{}
	}
	at = position{1, 1}
	if located, ok := err.(interface {
		GetToken() *token.Token
		GetMessage() string
	}); ok {
		return nil, located.GetMessage(), place(located.GetToken())
	}
	problem, _, _ = strings.Cut(err.Error(), "\n")
	return nil, problem, at
}

func place(t *token.Token) position {
	if t == nil || t.Position == nil {
		return position{1, 1}
	}
	return position{t.Position.Line, t.Position.Column}
}

// node turns the parser's tree into ours.
func (r *reader) node(n ast.Node) *node {
	switch n := n.(type) {
	case *ast.MappingNode:
		m := &node{kind: mapping, pos: place(n.GetToken())}
		if len(n.Values) > 0 {
			m.pos = place(n.Values[0].Key.GetToken())
		}
		for _, v := range n.Values {
			r.entry(m, v)
		}
		return m
	case *ast.SequenceNode:
		l := &node{kind: list, pos: place(n.GetToken())}
		for _, v := range n.Values {
			l.items = append(l.items, r.node(v))
		}
		return l
	case *ast.LiteralNode:
		// The line break that ends a block is layout, not part of the value.
		return &node{pos: place(n.GetToken()), text: strings.TrimRight(n.Value.Value, "\n")}
	}
	return r.scalar(n)
}

func (r *reader) entry(m *node, v *ast.MappingValueNode) {
	t := v.Key.GetToken()
	switch v.Key.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		m.entries = append(m.entries, entryNode{t.Value, place(t), r.node(v.Value)})
	case *ast.MergeKeyNode:
		r.fail(place(t), "a merge key (<<)", "write the keys out; release files take no references")
	default:
		r.fail(place(t), "a key that is not plain text", "write key: value")
	}
}

func (r *reader) scalar(n ast.Node) *node {
	t := n.GetToken()
	s := &node{pos: place(t), text: t.Value}
	switch n := n.(type) {
	case *ast.StringNode:
		s.text = n.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		s.class = number
	case *ast.BoolNode:
		s.class = boolean
	case *ast.NullNode:
		s.class = empty
	case *ast.AnchorNode:
		r.fail(s.pos, "a YAML anchor (&)", "write the value out; release files take no references")
		s.refused = true
	case *ast.AliasNode:
		r.fail(s.pos, "a YAML alias (*)", "write the value out, or quote it if the star is meant")
		s.refused = true
	case *ast.TagNode:
		r.fail(s.pos, "a YAML tag (!)", "take the tag out, or quote the value if the mark is meant")
		s.refused = true
	default:
		r.fail(s.pos, "YAML that a release file does not take", "write key: value, or a list of values")
		s.refused = true
	}
	return s
}
