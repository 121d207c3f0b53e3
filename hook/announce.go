package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"

	"github.com/linnet-project/linnet/expression"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// Bounds on what one delivery may cost.
const (
	mostCost    = 200_000 // CEL's own measure, for one expression
	mostWait    = time.Second
	mostEntries = 20
)

// Announcement turns what is announced into release files. It is safe for use by
// several goroutines.
type Announcement struct {
	in   spec.HookIn
	when []cel.Program
	// each is nil where one release is made.
	each   cel.Program
	values []value
}

type value struct {
	name  string
	from  cel.Program
	match *regexp.Regexp
}

// NewAnnouncement compiles the expressions of a hook. Errors name the expression
// and are release.ErrInvalid.
func NewAnnouncement(in spec.HookIn) (*Announcement, error) {
	env, err := cel.NewEnv(
		cel.Variable("payload", cel.DynType), cel.Variable("event", cel.StringType), cel.Variable("item", cel.DynType),
		cel.OptionalTypes(), ext.Strings(ext.StringsVersion(4)),
	)
	if err != nil {
		return nil, fmt.Errorf("hook %s: %w: %w", in.Name, err, release.ErrInvalid)
	}
	a := &Announcement{in: in}
	var errs []error
	compile := func(what, text string, allowed ...*cel.Type) cel.Program {
		p, err := compiled(env, text, allowed)
		if err != nil {
			errs = append(errs, fmt.Errorf("hook %s: %s: %w: %w", in.Name, what, err, release.ErrInvalid))
		}
		return p
	}
	for i, text := range in.When {
		a.when = append(a.when, compile(fmt.Sprintf("when[%d]", i), text, cel.BoolType))
	}
	if in.Each != "" {
		a.each = compile("each", in.Each, cel.ListType(cel.DynType))
	}
	for _, v := range in.Values {
		one := value{name: v.Name, from: compile("value "+v.Name, v.From, cel.StringType, cel.IntType, cel.UintType)}
		if v.Match != "" {
			if one.match, err = regexp.Compile(`\A(?:` + v.Match + `)\z`); err != nil {
				errs = append(errs, fmt.Errorf("hook %s: value %s: match: %w: %w", in.Name, v.Name, err, release.ErrInvalid))
			}
		}
		a.values = append(a.values, one)
	}
	return a, errors.Join(errs...)
}

// compiled gives an expression that may have one of some types, or one that shows
// only with the payload.
func compiled(env *cel.Env, text string, allowed []*cel.Type) (cel.Program, error) {
	ast, err := expression.Check(env, text)
	if err != nil {
		return nil, err
	}
	is := ast.OutputType()
	if is.Kind() != types.DynKind && !slices.ContainsFunc(allowed, func(t *cel.Type) bool { return t.Kind() == is.Kind() }) {
		return nil, fmt.Errorf("%q gives %s; expected %s", text, is, allowed[0])
	}
	return env.Program(ast, cel.CostLimit(mostCost), cel.InterruptCheckFrequency(100))
}

// Fits tells whether a template has placeholders that this hook does not fill, or
// lacks all that it fills; an error is release.ErrInvalid.
func (a *Announcement) Fits(t spec.Template) error {
	var errs []error
	for _, hole := range t.Holes() {
		if !slices.ContainsFunc(a.values, func(v value) bool { return v.name == hole }) {
			errs = append(errs, fmt.Errorf("hook %s: no value is called %s, which the template asks for as $(%s): %w", a.in.Name, hole, hole, release.ErrInvalid))
		}
	}
	for _, v := range a.values {
		if !slices.Contains(t.Holes(), v.name) {
			errs = append(errs, fmt.Errorf("hook %s: the template has no $(%s); take the value out, or use it: %w", a.in.Name, v.name, release.ErrInvalid))
		}
	}
	return errors.Join(errs...)
}

// Making is what a delivery comes to.
type Making struct {
	// Files are the release files that it makes, none where Ignored says why.
	Files   [][]byte
	Ignored string
}

// Make gives the release files that a payload of JSON makes of a template. A
// payload that is no JSON, and a value that cannot be found in it or that no
// release file could hold, are release.ErrInvalid.
func (a *Announcement) Make(ctx context.Context, t spec.Template, payload []byte, event string) (Making, error) {
	ctx, cancel := context.WithTimeout(ctx, mostWait)
	defer cancel()
	said, err := decode(payload)
	if err != nil {
		return Making{}, fmt.Errorf("hook %s: the payload is no JSON: %w: %w", a.in.Name, err, release.ErrInvalid)
	}
	vars := map[string]any{"payload": said, "event": event, "item": nil}
	items := []any{nil}
	if a.each != nil {
		if items, err = a.list(ctx, vars); err != nil {
			return Making{Ignored: err.Error()}, nil
		}
	}
	var m Making
	for _, item := range items {
		vars["item"] = item
		file, ignored, err := a.one(ctx, t, vars)
		switch {
		case err != nil:
			return Making{}, fmt.Errorf("hook %s: %w", a.in.Name, err)
		case file == nil && m.Ignored == "":
			m.Ignored = ignored
		case file != nil && !slices.ContainsFunc(m.Files, func(f []byte) bool { return bytes.Equal(f, file) }):
			m.Files = append(m.Files, file)
		}
	}
	switch {
	case len(m.Files) > 0:
		m.Ignored = ""
	case m.Ignored == "":
		m.Ignored = "`each` gives an empty list"
	}
	if len(m.Files) > mostEntries {
		return Making{}, fmt.Errorf("hook %s: %d releases in one delivery, at most %d are made: %w", a.in.Name, len(m.Files), mostEntries, release.ErrInvalid)
	}
	return m, nil
}

// list is what `each` gives.
func (a *Announcement) list(ctx context.Context, vars map[string]any) ([]any, error) {
	out, _, err := a.each.ContextEval(ctx, vars)
	if err != nil {
		return nil, fmt.Errorf("each (%s): %w", a.in.Each, err)
	}
	l, ok := out.(traits.Lister)
	if !ok {
		return nil, fmt.Errorf("each (%s) gives no list", a.in.Each)
	}
	var items []any
	for it := l.Iterator(); it.HasNext() == types.True; {
		if items = append(items, it.Next()); len(items) > 1000 {
			return nil, fmt.Errorf("each (%s) gives more than 1,000 entries", a.in.Each)
		}
	}
	return items, nil
}

// one makes the file of one entry; nil, with the reason, where there is to be
// none.
func (a *Announcement) one(ctx context.Context, t spec.Template, vars map[string]any) (file []byte, ignored string, err error) {
	for i, p := range a.when {
		out, _, err := p.ContextEval(ctx, vars)
		switch {
		case err != nil:
			// What the payload lacks cannot be as the condition asks.
			return nil, fmt.Sprintf("not so: %s (%s)", a.in.When[i], err), nil
		case out != types.True:
			return nil, "not so: " + a.in.When[i], nil
		}
	}
	filled := map[string]string{}
	for i, v := range a.values {
		out, _, err := v.from.ContextEval(ctx, vars)
		if err != nil {
			return nil, "", fmt.Errorf("value %s (%s): %w: %w", v.name, a.in.Values[i].From, err, release.ErrInvalid)
		}
		text, err := textOf(out)
		if err != nil {
			return nil, "", fmt.Errorf("value %s (%s): %w", v.name, a.in.Values[i].From, err)
		}
		if v.match != nil {
			found := v.match.FindStringSubmatch(text)
			if found == nil {
				return nil, fmt.Sprintf("%s is %.100q, which does not match %s", v.name, text, a.in.Values[i].Match), nil
			}
			text = found[min(1, len(found)-1)]
		}
		filled[v.name] = text
	}
	file, err = t.Fill(filled)
	return file, "", err
}

// textOf is a value as a placeholder takes it.
func textOf(v ref.Val) (string, error) {
	switch v := v.(type) {
	case types.String:
		return string(v), nil
	case types.Int:
		return strconv.FormatInt(int64(v), 10), nil
	case types.Uint:
		return strconv.FormatUint(uint64(v), 10), nil
	}
	return "", fmt.Errorf("is %s; expected text or a whole number: %w", v.Type().TypeName(), release.ErrInvalid)
}

// decode reads one value of JSON, whole numbers as such.
func decode(payload []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return numbers(v), nil
}

// numbers turns the numbers of a tree into whole ones where they are.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64() // beyond all floats it is infinite, and no release file's
		return f
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}
