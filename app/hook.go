package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/hook"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

func (p *process) hook() *cobra.Command {
	cmd := &cobra.Command{Use: "hook", Short: "Try hooks, through which other systems announce versions"}
	cmd.AddCommand(p.hookTest())
	return cmd
}

func (p *process) hookTest() *cobra.Command {
	var file, event string
	cmd := &cobra.Command{
		Use:   "test -f hooks.yaml NAME PAYLOAD.json",
		Short: "Print the release files that a hook would make of a payload",
		Long: `Prints the release files that a hook would make of a payload ("-" for standard
input), checked as they would be. Nothing is begun, and no secret is read. Where
nothing would be made, it says why.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.testHook(cmd.Context(), file, event, args)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "file of hooks")
	cmd.Flags().StringVar(&event, "event", "", "the kind of event that the sender would say it is, such as release")
	must(cmd.MarkFlagRequired("file"))
	return cmd
}

// hookLine is what `linnet hook test --json` says.
type hookLine struct {
	Files   []string `json:"files"`
	Ignored string   `json:"ignored,omitempty"`
}

func (p *process) testHook(ctx context.Context, file, event string, args []string) error {
	text, err := p.readText(file)
	if err != nil {
		return err
	}
	hooks, err := spec.ParseHooks(file, text)
	if err != nil {
		return err
	}
	payload, err := p.readText(args[1])
	if err != nil {
		return err
	}
	m, err := madeBy(ctx, hooks, filepath.Dir(file), args[0], announcedAs{payload, event})
	if err != nil {
		return err
	}
	line := hookLine{Files: []string{}, Ignored: m.Ignored}
	var errs []error
	for _, text := range m.Files {
		line.Files = append(line.Files, string(text))
		_, err := parseFile("the release file of hook "+args[0], text)
		errs = append(errs, err)
	}
	if p.json {
		return errors.Join(append(errs, json.NewEncoder(p.out).Encode(line))...)
	}
	for i, text := range line.Files {
		if i > 0 {
			fmt.Fprintln(p.out, "---")
		}
		fmt.Fprint(p.out, text)
	}
	if m.Ignored != "" {
		fmt.Fprintf(p.err, "nothing is made: %s\n", m.Ignored)
	}
	return errors.Join(errs...)
}

// announcedAs is what a sender would send.
type announcedAs struct {
	payload []byte
	event   string
}

// madeBy is what one of the hooks makes of a payload; folder is where the paths in
// their file begin.
func madeBy(ctx context.Context, hooks spec.Hooks, folder, name string, said announcedAs) (hook.Making, error) {
	for _, in := range hooks.In {
		if in.Name != name {
			continue
		}
		a, err := hook.Check(in, folder)
		if err != nil {
			return hook.Making{}, err
		}
		t, err := hook.Template(in, folder)
		if err != nil {
			return hook.Making{}, err
		}
		return a.Make(ctx, t, said.payload, said.event)
	}
	return hook.Making{}, fmt.Errorf("no hook is called %q in that file: %w", name, release.ErrInvalid)
}

// checkHooks compiles every hook of a file and holds its template against it.
func checkHooks(name string, text []byte) error {
	hooks, err := spec.ParseHooks(name, text)
	if err != nil {
		return err
	}
	var errs []error
	for _, in := range hooks.In {
		_, err := hook.Check(in, filepath.Dir(name))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
