package sql

import (
	"iter"
	"strings"
)

// quoting is how a dialect writes what is no code.
type quoting struct {
	backslash bool // \' goes on in '…' and "…"
	escapes   bool // \' goes on in E'…' alone
	hash      bool // # begins a comment
	dashSpace bool // -- begins one only before a space
	nested    bool // /* /* */ */
	dollar    bool // $tag$…$tag$
	brackets  bool // [a name]
}

// piece is a part of a query: its pieces joined are the query.
type piece struct {
	kind pieceKind
	text string
}

type pieceKind int

const (
	code      pieceKind = iota // what means itself
	parameter                  // a parameter, with its colon
	quoted                     // a string or a quoted name
	comment                    // up to its end
	end                        // a semicolon
	broken                     // what begins and has no end
)

// pieces takes a query apart.
func (q quoting) pieces(text string) iter.Seq[piece] {
	return func(yield func(piece) bool) {
		from := 0 // of code that is not handed on yet
		for at := 0; at < len(text); {
			kind, n := q.piece(text, at)
			if kind == code {
				at += n
				continue
			}
			if from < at && !yield(piece{code, text[from:at]}) {
				return
			}
			if !yield(piece{kind, text[at : at+n]}) {
				return
			}
			at += n
			from = at
		}
		if from < len(text) {
			yield(piece{code, text[from:]})
		}
	}
}

// piece tells what begins at a place, and how many bytes it has.
func (q quoting) piece(text string, at int) (pieceKind, int) {
	rest := text[at:]
	switch c := rest[0]; {
	case c == '\'', c == '"', c == '`':
		slash := q.backslash && c != '`' || q.escapes && c == '\'' && isEscape(text, at)
		return whole(quoted, rest, quotedLen(rest, c, slash))
	case c == '[' && q.brackets:
		return whole(quoted, rest, after(rest, 1, "]"))
	case c == '$' && q.dollar && (at == 0 || !wordByte(text[at-1])):
		if n := tagLen(rest); n > 0 {
			return whole(quoted, rest, after(rest, n, rest[:n]))
		}
	case strings.HasPrefix(rest, "--") && (!q.dashSpace || len(rest) == 2 || rest[2] <= ' '), c == '#' && q.hash:
		if n := strings.IndexByte(rest, '\n'); n >= 0 {
			return comment, n + 1
		}
		return comment, len(rest)
	case strings.HasPrefix(rest, "/*"):
		return whole(comment, rest, q.commentLen(rest))
	case strings.HasPrefix(rest, "::"): // a cast
		return code, 2
	case c == ':' && len(rest) > 1 && letter(rest[1]):
		n := 2
		for n < len(rest) && wordByte(rest[n]) {
			n++
		}
		return parameter, n
	case c == ';':
		return end, 1
	}
	return code, 1
}

// whole is a piece of n bytes; 0 stands for one that never ends.
func whole(kind pieceKind, rest string, n int) (pieceKind, int) {
	if n == 0 {
		return broken, len(rest)
	}
	return kind, n
}

// quotedLen is how long a text in quotes is. Doubled quotes are in it.
func quotedLen(rest string, quote byte, slash bool) int {
	for i := 1; i < len(rest); i++ {
		switch {
		case slash && rest[i] == '\\':
			i++
		case rest[i] == quote && i+1 < len(rest) && rest[i+1] == quote:
			i++
		case rest[i] == quote:
			return i + 1
		}
	}
	return 0
}

// isEscape tells whether the quote at a place has an E of its own before it.
func isEscape(text string, at int) bool {
	return at > 0 && (text[at-1] == 'E' || text[at-1] == 'e') && (at == 1 || !wordByte(text[at-2]))
}

// after is where the first mark behind n bytes ends.
func after(rest string, n int, mark string) int {
	i := strings.Index(rest[n:], mark)
	if i < 0 {
		return 0
	}
	return n + i + len(mark)
}

// tagLen is how long the tag is that begins a text in dollars; 0 for none.
func tagLen(rest string) int {
	n := 1
	for n < len(rest) && wordByte(rest[n]) && (n > 1 || letter(rest[n])) {
		n++
	}
	if n < len(rest) && rest[n] == '$' {
		return n + 1
	}
	return 0
}

func (q quoting) commentLen(rest string) int {
	depth := 0
	for i := 0; i+1 < len(rest); i++ {
		switch {
		case rest[i:i+2] == "/*" && (depth == 0 || q.nested):
			depth++
			i++
		case rest[i:i+2] == "*/":
			depth--
			i++
		}
		if depth == 0 {
			return i + 1
		}
	}
	return 0
}

func letter(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func wordByte(c byte) bool { return letter(c) || c >= '0' && c <= '9' }
