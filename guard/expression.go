package guard

import (
	"errors"
	"fmt"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"

	"github.com/linnet-project/linnet/expression"
)

// costLimit bounds the work of one expression, in CEL's units: some milliseconds.
const costLimit = 1_000_000

// environment is what expressions can name: release, who and now, with the
// functions of CEL, of texts, of lists and of sets.
func environment() (*cel.Env, error) {
	env, err := cel.NewEnv(
		ext.NativeTypes(reflect.TypeFor[View](), reflect.TypeFor[ViewActor](), ext.ParseStructTags(true)),
		ext.Strings(), ext.Lists(), ext.Sets(),
		cel.Variable("release", cel.ObjectType("guard.View")),
		cel.Variable("who", cel.ObjectType("guard.ViewActor")),
		cel.Variable("now", cel.TimestampType),
		cel.CrossTypeNumericComparisons(true),
	)
	if err != nil {
		return nil, fmt.Errorf("expressions: %w", err)
	}
	return env, nil
}

// compile reads an expression, which must give true or false. Names that a
// release does not have are errors here, not at the release.
func compile(env *cel.Env, text string) (cel.Program, error) {
	ast, err := expression.Check(env, text)
	if err != nil {
		return nil, err
	}
	if ast.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("gives %s, expected true or false, such as release.steps[0].weight <= 0.05", ast.OutputType())
	}
	return env.Program(ast, cel.CostLimit(costLimit))
}

func holds(p cel.Program, input map[string]any) (bool, error) {
	out, _, err := p.Eval(input)
	if err != nil {
		return false, err
	}
	met, ok := out.Value().(bool)
	if !ok {
		return false, errors.New("it is neither true nor false")
	}
	return met, nil
}
