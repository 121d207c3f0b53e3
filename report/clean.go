package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// longest is how many cells of one text are kept; a reason is a sentence.
const longest = 2000

// harmless makes a text safe to print on one line: control characters, escapes,
// characters that turn the direction of writing or have no shape, and bytes
// that are no UTF-8 become the replacement character, white space a space.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return utf8.RuneError
		}
		return r
	}, s)
}

// clean is harmless for a text that others wrote: of bounded length, and with
// single spaces only.
func clean(s string) string {
	if len(s) > longest*utf8.UTFMax {
		s = s[:longest*utf8.UTFMax]
	}
	return fit(strings.Join(strings.Fields(harmless(s)), " "), longest)
}

// wide are the ranges of characters that take two cells of a terminal.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, {Lo: 0x2e80, Hi: 0xa4cf, Stride: 1},
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, {Lo: 0xf900, Hi: 0xfaff, Stride: 1},
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, {Lo: 0xff00, Hi: 0xff60, Stride: 1},
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{{Lo: 0x1f300, Hi: 0x1faff, Stride: 1}, {Lo: 0x20000, Hi: 0x3fffd, Stride: 1}},
}

func cellsOf(r rune) int {
	switch {
	case r < 0x300: // nothing below is wide or has no width of its own
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// cells is how many cells of a terminal a text takes.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += cellsOf(r)
	}
	return n
}

// fit cuts a text to at most n cells and shows that it did.
func fit(s string, n int) string {
	if cells(s) <= n {
		return s
	}
	if n <= 0 {
		return ""
	}
	used := 0
	for i, r := range s {
		if used += cellsOf(r); used > n-1 {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}

// fitMiddle is fit for a text whose end tells as much as its start, such as a
// metric with its segment.
func fitMiddle(s string, n int) string {
	if cells(s) <= n || n < 5 {
		return fit(s, n)
	}
	tail, used := "", 0
	for from := len(s); ; {
		r, size := utf8.DecodeLastRuneInString(s[:from])
		if used += cellsOf(r); used > n/2 {
			break
		}
		from -= size
		tail = s[from:]
	}
	return strings.TrimRight(prefix(s, n-1-cells(tail)), " ") + "…" + strings.TrimLeft(tail, " ")
}

// pad fills a text up with spaces to n cells, before it where right is set.
func pad(s string, n int, right bool) string {
	space := strings.Repeat(" ", max(0, n-cells(s)))
	if right {
		return space + s
	}
	return s + space
}

// wrap breaks a text into lines of at most n cells, between words where it can.
func wrap(s string, n int) []string {
	n = max(n, 8)
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		for cells(word) > n {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := prefix(word, n)
			lines = append(lines, head)
			word = word[len(head):]
		}
		switch {
		case line == "":
			line = word
		case cells(line)+1+cells(word) <= n:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// prefix is as much of the start of a text as n cells hold, one character at
// least.
func prefix(s string, n int) string {
	used := 0
	for i, r := range s {
		if used += cellsOf(r); used > n && i > 0 {
			return s[:i]
		}
	}
	return s
}
