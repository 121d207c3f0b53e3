package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/ingest/rules"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// maxFile bounds a release file, in bytes; spec refuses what is longer.
const maxFile = 1 << 20

// readFile reads and checks a release file, "-" being standard input. Besides
// what spec checks, the metrics' expressions must be ones that arms can be put
// into.
func (p *process) readFile(name string) (spec.File, error) {
	text, err := p.readText(name)
	if err != nil {
		return spec.File{}, err
	}
	return parseFile(name, text)
}

// readText reads a file that people write, "-" being standard input.
func (p *process) readText(name string) (text []byte, err error) {
	if name == "-" {
		text, err = io.ReadAll(io.LimitReader(p.in, maxFile+1))
	} else {
		text, err = readUpTo(name, maxFile+1)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, release.ErrInvalid) // which names the file
	}
	return text, nil
}

func parseFile(name string, text []byte) (spec.File, error) {
	f, err := spec.Parse(name, text)
	if err != nil {
		return spec.File{}, err
	}
	var errs []error
	for _, m := range f.Analysis.Metrics {
		if err := checkMetric(f, m); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return f, errors.Join(errs...)
}

func readUpTo(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

func (p *process) readPlan(name string) (plan.Plan, spec.File, error) {
	f, err := p.readFile(name)
	if err != nil {
		return plan.Plan{}, f, err
	}
	return plan.Compile(f), f, nil
}

func (p *process) lint() *cobra.Command {
	return &cobra.Command{
		Use:   "lint FILE…",
		Short: "Check release files and files of other kinds: every error with line, column and a hint",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, names []string) error {
			failed := false
			for _, name := range names {
				about, err := p.lintFile(name)
				failed = failed || err != nil
				if err := p.printLint(name, about, err); err != nil {
					return err
				}
			}
			if failed {
				return exit(exitInput)
			}
			return nil
		},
	}
}

// lintFile checks one file, and says in a few words what it holds.
func (p *process) lintFile(name string) (about string, err error) {
	text, err := p.readText(name)
	if err != nil {
		return "", err
	}
	if kind, ok := spec.KindOf(text); ok {
		err := kind.Check(name, text)
		if deeper := checks[kind.Name]; err == nil && deeper != nil {
			err = eachIn(name, deeper(name, text))
		}
		return kind.Title, err
	}
	f, err := parseFile(name, text)
	return fmt.Sprintf("release %s of %s, %s, %s", f.Name, f.Service, many(len(f.Steps), "step"), many(len(f.Analysis.Metrics), "metric")), err
}

// many is a number of things in words.
func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// eachIn has each thing that is wrong with a file name that file, where it has no
// place of its own: lint is given many files at once.
func eachIn(name string, err error) error {
	var placed spec.Errors
	if err == nil || errors.As(err, &placed) {
		return err
	}
	var lines []string
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSuffix(strings.TrimRight(line, "\n"), ": "+release.ErrInvalid.Error())
		lines = append(lines, name+": "+strings.TrimPrefix(line, name+": "))
	}
	return fmt.Errorf("%s: %w", strings.Join(lines, "\n"), release.ErrInvalid)
}

// checks are what more than its keys is checked of a file, by its kind.
var checks = map[string]func(name string, text []byte) error{
	"Ingest":  checkIngest,
	"Guards":  checkGuards,
	"Hooks":   checkHooks,
	"Notices": checkNotices,
}

func checkIngest(name string, text []byte) error {
	in, err := spec.ParseIngest(name, text)
	if err == nil {
		_, err = rules.New(in)
	}
	return err
}

// lintLine is what `linnet lint --json` says of one file.
type lintLine struct {
	File   string      `json:"file"`
	OK     bool        `json:"ok"`
	Errors []lintError `json:"errors,omitempty"`
}

// lintError is one thing wrong with a file. Line and column count from 1 and
// are left out where no place is known.
type lintError struct {
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Path    string `json:"path,omitempty"`
	Problem string `json:"problem"`
	Hint    string `json:"hint,omitempty"`
}

func (p *process) printLint(name, about string, err error) error {
	switch {
	case p.json:
		return json.NewEncoder(p.out).Encode(lintLine{File: name, OK: err == nil, Errors: lintErrors(err)})
	case err != nil:
		_, err = fmt.Fprintln(p.err, release.Plain(err))
		return err
	case p.quiet:
		return nil
	}
	_, err = fmt.Fprintf(p.out, "%s: fine: %s\n", name, about)
	return err
}

func lintErrors(err error) []lintError {
	var known spec.Errors
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		out := make([]lintError, len(known))
		for i, e := range known {
			out[i] = lintError{Line: e.Line, Column: e.Column, Path: e.Path, Problem: e.Problem, Hint: e.Hint}
		}
		return out
	}
	return []lintError{{Problem: release.Plain(err)}}
}

func (p *process) schema() *cobra.Command {
	names := []string{"release"}
	for _, k := range spec.Kinds() {
		names = append(names, strings.ToLower(k.Name))
	}
	return &cobra.Command{
		Use:       "schema [" + strings.Join(names, "|") + "]",
		Short:     "Print the JSON Schema of a kind of file (release without an argument), for editors",
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: names,
		RunE: func(_ *cobra.Command, args []string) error {
			text := spec.Schema()
			for _, k := range spec.Kinds() {
				if len(args) == 1 && args[0] == strings.ToLower(k.Name) {
					text = k.Schema()
				}
			}
			_, err := p.out.Write(append(text, '\n'))
			return err
		},
	}
}

// parseWeight reads a weight such as "5%".
func parseWeight(text string) (release.Weight, error) {
	number, ok := strings.CutSuffix(strings.TrimSpace(text), "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(x > 0 && x < 100) {
		return 0, fmt.Errorf("weight %q: expected a percentage above 0 and below 100, such as 5%%: %w", text, release.ErrInvalid)
	}
	return release.Weight(math.Round(x * float64(release.Whole) / 100)), nil
}

// must is for mistakes in the program itself, such as marking a flag that does
// not exist.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
