// Package expression reads expressions in CEL, and says what is wrong with one in
// a line that fits into an error of the file it stands in.
//
// The package is pure.
package expression

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
)

// maxErrors bounds what is told of one expression.
const maxErrors = 5

// Check reads an expression and holds it against the types of an environment. An
// error is one line: what is wrong, and at which character of the expression.
func Check(env *cel.Env, text string) (*cel.Ast, error) {
	ast, issues := env.Compile(text)
	if issues.Err() == nil {
		return ast, nil
	}
	var all []string
	for _, one := range issues.Errors()[:min(len(issues.Errors()), maxErrors)] {
		all = append(all, fmt.Sprintf("%s (at character %d)", strings.Join(strings.Fields(one.Message), " "), one.Location.Column()+1))
	}
	return nil, errors.New(strings.Join(all, ", "))
}
