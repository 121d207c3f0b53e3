package sql

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

// question is a query as a driver takes it.
type question struct {
	text string
	args []param
}

// param is a value that a query gets.
type param struct {
	name string
	// One of these, told by kind.
	kind paramKind
	text string
	time time.Time
	n    int64
}

type paramKind int

const (
	textParam paramKind = iota
	timeParam
	wholeParam
)

// paramsOf are the values that a query may use, by name: each arm's version by
// the arm's name, its labels with the arm's name before them; the span that is
// asked for, which begins on the grid of grain; and the grain in seconds.
func paramsOf(arms []release.Arm, span release.Window, grain time.Duration) map[string]param {
	all := map[string]param{}
	put := func(p param) { all[p.name] = p }
	for _, a := range arms {
		for name, value := range a.Labels {
			put(param{name: a.Name + "_" + name, text: value})
		}
	}
	for _, a := range arms {
		put(param{name: a.Name, text: a.Version})
	}
	put(param{name: "from", kind: timeParam, time: onGrid(span.From, max(grain, time.Millisecond))})
	// No database cuts off what lies behind its finest digit.
	put(param{name: "to", kind: timeParam, time: onGrid(span.To.Add(time.Millisecond-1), time.Millisecond)})
	put(param{name: "step", kind: wholeParam, n: max(1, int64(grain/time.Second))})
	return all
}

// onGrid is the last instant at or before t that is a whole number of grains
// after 1970: where buckets of that width begin.
func onGrid(t time.Time, grain time.Duration) time.Time {
	return t.Add(-time.Duration(t.UnixNano() % int64(grain))).UTC()
}

// ask puts a query into a dialect's form. Errors wrap release.ErrInvalid and
// say where in the query.
func (d dialect) ask(query string, values map[string]param) (question, error) {
	var q question
	var b strings.Builder
	statements, first := 1, ""
	for piece := range d.pieces(query) {
		if piece.kind == code && statements == 1 {
			first += piece.text
		}
		switch {
		case piece.kind == broken:
			return q, fmt.Errorf("the query ends inside of %.20q: %w", piece.text, release.ErrInvalid)
		case piece.kind == parameter:
			p, ok := values[piece.text[1:]]
			if !ok {
				return q, fmt.Errorf("%.60s is no parameter; there are %s (where no parameter is meant, put a space after the colon): %w",
					piece.text, strings.Join(namesOf(values), ", "), release.ErrInvalid)
			}
			q.args = append(q.args, p)
			b.WriteString(d.placeholder(len(q.args), p))
			continue
		case piece.kind == code && into.MatchString(piece.text):
			return q, fmt.Errorf("the query has INTO, which writes; a metric only reads: %w", release.ErrInvalid)
		case piece.kind == comment && runs(piece.text):
			return q, fmt.Errorf("%.20q is a comment that MySQL runs; write it without /*! and */: %w", piece.text, release.ErrInvalid)
		case piece.kind == end:
			statements++
		case statements > 1 && piece.kind != comment && strings.TrimSpace(piece.text) != "":
			return q, fmt.Errorf("there is more after the semicolon; a metric is one query: %w", release.ErrInvalid)
		}
		if piece.kind != end {
			b.WriteString(piece.text)
		}
	}
	if !reads(first) {
		return q, fmt.Errorf("the query does not begin with SELECT or WITH: %w", release.ErrInvalid)
	}
	q.text = b.String()
	return q, nil
}

// into is the one way in which a query that begins as one that reads makes MySQL
// write within a transaction that only reads: into a file of the server's.
var into = regexp.MustCompile(`(?i)\binto\b`)

// runs tells whether a comment is code to MySQL or MariaDB.
func runs(comment string) bool {
	return strings.HasPrefix(comment, "/*!") || strings.HasPrefix(comment, "/*M!")
}

// reads tells whether a query begins as one that reads.
func reads(text string) bool {
	text = strings.ToLower(strings.TrimLeft(text, " \t\r\n("))
	for _, word := range []string{"select", "with"} {
		rest, ok := strings.CutPrefix(text, word)
		if ok && (rest == "" || !wordByte(rest[0])) {
			return true
		}
	}
	return false
}

func namesOf(values map[string]param) []string {
	var names []string
	for name := range values {
		names = append(names, ":"+name)
	}
	slices.Sort(names)
	return names
}
