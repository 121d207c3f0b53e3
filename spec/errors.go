package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/linnet-project/linnet/release"
)

// maxErrors bounds what is reported of one file; beyond it only a count.
const maxErrors = 100

// Error is one thing that is wrong with a release file, and where.
type Error struct {
	// File is the name that Parse was given.
	File string
	// Line and Column count from 1, Column in characters.
	Line, Column int
	// Path is the key, "spec.steps[1].weight"; empty where the file as a whole
	// cannot be read.
	Path string
	// Problem says what is wrong, Hint what to do; Hint may be empty.
	Problem, Hint string
}

// Error prints as one line: file:line:column: path: problem; hint.
func (e Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Problem)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Is makes every Error a release.ErrInvalid.
func (e Error) Is(target error) bool { return target == release.ErrInvalid }

// Errors is all that is wrong with a release file, in the order of the file.
type Errors []Error

// Error prints one line an error.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the errors one by one to errors.Is and errors.As.
func (es Errors) Unwrap() []error {
	all := make([]error, len(es))
	for i, e := range es {
		all[i] = e
	}
	return all
}

// ordered sorts by place and cuts what is beyond maxErrors.
func (es Errors) ordered() Errors {
	slices.SortStableFunc(es, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if len(es) <= maxErrors {
		return es
	}
	last := es[maxErrors-1]
	more := len(es) - maxErrors + 1
	return append(es[:maxErrors-1:maxErrors-1], Error{
		File: last.File, Line: last.Line, Column: last.Column,
		Problem: fmt.Sprintf("%d more errors from here on", more),
		Hint:    "put these right first",
	})
}
