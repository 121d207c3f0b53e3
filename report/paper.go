package report

import (
	"bytes"
	"io"
	"strings"
)

// style is how a piece of text looks where colour is asked for.
type style string

// The styles. Red and green are for verdicts only, and always with a word.
const (
	plain          style = ""
	strong         style = "\x1b[1m"
	good           style = "\x1b[32m"
	bad            style = "\x1b[31m"
	baselineColor  style = "\x1b[90m"
	candidateColor style = "\x1b[33m"
)

const endStyle = "\x1b[0m"

// widths of a terminal.
const (
	usualWidth = 100
	leastWidth = 40
	// leastColumn is how far a column that may be cut goes down.
	leastColumn = 10
	indent      = "  "
)

// Options is how text for a terminal looks. The zero value is without colour,
// 100 characters wide.
type Options struct {
	Color bool
	// Width is the most cells that a line takes; 0 means 100. Below 40 counts
	// as 40.
	Width int
}

func (o Options) width() int {
	if o.Width == 0 {
		return usualWidth
	}
	return max(o.Width, leastWidth)
}

// span is a piece of a line.
type span struct {
	text  string
	style style
}

func say(text string) span { return span{text: text} }

// paper collects lines. Every text is made harmless on its way in, so that
// nothing but the styles above can steer the terminal.
type paper struct {
	o     Options
	lines []string
}

// line writes one line, cut to the width.
func (p *paper) line(spans ...span) {
	var b strings.Builder
	left := p.o.width()
	for _, s := range spans {
		text := fit(harmless(s.text), left)
		left -= cells(text)
		if p.o.Color && s.style != plain && strings.TrimSpace(text) != "" {
			b.WriteString(string(s.style) + text + endStyle)
		} else {
			b.WriteString(text)
		}
	}
	p.lines = append(p.lines, strings.TrimRight(b.String(), " "))
}

func (p *paper) blank() { p.lines = append(p.lines, "") }

// text writes a text over as many lines as it needs.
func (p *paper) text(lead, s string, st style) {
	for _, l := range wrap(clean(s), p.o.width()-cells(lead)) {
		p.line(say(lead), span{l, st})
	}
}

func (p *paper) writeTo(w io.Writer) error {
	var b bytes.Buffer
	for _, l := range p.lines {
		b.WriteString(l)
		b.WriteByte('\n')
	}
	_, err := w.Write(b.Bytes())
	return err
}

// column is how one column of a table is laid out.
type column struct {
	name  string
	right bool
	// cut shortens the column's texts where the table is too wide; nil leaves
	// the column as wide as it is.
	cut func(s string, n int) string
	// tight puts one space before the column instead of two.
	tight bool
}

// table writes rows under the names of their columns.
func (p *paper) table(columns []column, rows [][]span) {
	head := make([]span, len(columns))
	for i, c := range columns {
		head[i] = say(c.name)
	}
	p.rows(columns, append([][]span{head}, rows...))
}

// rows writes rows so that their columns line up.
func (p *paper) rows(columns []column, rows [][]span) {
	widths := make([]int, len(columns))
	total := 0
	for i, c := range columns {
		for _, row := range rows {
			row[i].text = clean(row[i].text)
			widths[i] = max(widths[i], cells(row[i].text))
		}
		total += widths[i] + c.gap()
	}
	for i, c := range columns {
		if over := total - p.o.width(); c.cut != nil && over > 0 {
			less := min(over, max(0, widths[i]-leastColumn))
			widths[i] -= less
			total -= less
		}
	}
	for _, row := range rows {
		line := make([]span, 0, 2*len(columns))
		for i, c := range columns {
			text := row[i].text
			if c.cut != nil {
				text = c.cut(text, widths[i])
			}
			if c.right || i < len(columns)-1 {
				text = pad(text, widths[i], c.right)
			}
			line = append(line, say(strings.Repeat(" ", c.gap())), span{text, row[i].style})
		}
		p.line(line...)
	}
}

func (c column) gap() int {
	if c.tight {
		return 1
	}
	return len(indent)
}
