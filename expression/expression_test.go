package expression

import (
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
)

func TestWhatIsWrongIsOneLine(t *testing.T) {
	env, err := cel.NewEnv(cel.Variable("name", cel.StringType))
	if err != nil {
		t.Fatal(err)
	}
	if ast, err := Check(env, `name == "a"`); err != nil || ast.OutputType() != cel.BoolType {
		t.Errorf("%v, %v", ast, err)
	}
	for text, want := range map[string]string{
		`name ==`:                          "Syntax error",
		`nam == "a"`:                       "undeclared reference to 'nam' (in container '') (at character 1)",
		`name == "a" && no`:                "(at character 16)",
		strings.Repeat(`no + `, 50) + `no`: "undeclared reference",
	} {
		_, err := Check(env, text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 1000 {
			t.Errorf("%.40s gives %v, not %q", text, err, want)
		}
	}
}
