package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/spec"
)

// providerJSON is a provider as `linnet providers --json` tells it.
type providerJSON struct {
	Name      string   `json:"name"`
	About     string   `json:"about"`
	Grain     string   `json:"grain"`
	Abilities []string `json:"abilities"`
	Verifies  string   `json:"verifies"`
	Page      string   `json:"page"`
}

func (p *process) providers() *cobra.Command {
	return &cobra.Command{
		Use:   "providers [NAME…]",
		Short: "List what can split the traffic: abilities, how fine, what is verified",
		RunE:  func(_ *cobra.Command, names []string) error { return p.listProviders(names) },
	}
}

func (p *process) listProviders(names []string) error {
	all := spec.Providers()
	if len(names) > 0 {
		all = nil
		for _, name := range names {
			one, ok := spec.ProviderOf(name)
			if !ok {
				return fmt.Errorf("there is no provider %q; `linnet providers` lists them; %w", name, errUsage)
			}
			all = append(all, one)
		}
	}
	for i, one := range all {
		form := providerJSON{Name: one.Name, About: one.Doc, Grain: one.Grain, Abilities: []string{}, Verifies: one.Verifies, Page: "docs/" + one.Page}
		for _, a := range one.Abilities {
			form.Abilities = append(form.Abilities, string(a))
		}
		if p.json {
			if err := json.NewEncoder(p.out).Encode(form); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(p.out)
		}
		form.write(p)
	}
	if len(names) == 0 && !p.json {
		fmt.Fprintln(p.out, "\nseveral\n  Any of these together, whose weights move together.\n  more       docs/several.md")
	}
	return nil
}

func (f providerJSON) write(p *process) {
	abilities := "none"
	if len(f.Abilities) > 0 {
		abilities = strings.Join(f.Abilities, ", ")
	}
	fmt.Fprintf(p.out, "%s\n  %s\n  weights    %s\n  abilities  %s\n  verifies   %s\n  more       %s\n", f.Name, f.About, f.Grain, abilities, f.Verifies, f.Page)
}

// sourceJSON is a source as `linnet sources --json` tells it.
type sourceJSON struct {
	Name     string `json:"name"`
	About    string `json:"about"`
	Language string `json:"language"`
	Gives    string `json:"gives"`
	Page     string `json:"page"`
}

func (p *process) sources() *cobra.Command {
	return &cobra.Command{
		Use:   "sources [NAME…]",
		Short: "List where metrics can come from: the language asked in, and what comes back",
		RunE:  func(_ *cobra.Command, names []string) error { return p.listSources(names) },
	}
}

func (p *process) listSources(names []string) error {
	all := spec.Sources()
	if len(names) > 0 {
		var chosen []spec.SourceInfo
		for _, name := range names {
			i := slices.IndexFunc(all, func(s spec.SourceInfo) bool { return s.Name == name })
			if i < 0 {
				return fmt.Errorf("there is no source %q; `linnet sources` lists them; %w", name, errUsage)
			}
			chosen = append(chosen, all[i])
		}
		all = chosen
	}
	for i, one := range all {
		form := sourceJSON{Name: one.Name, About: one.Doc, Language: one.Language, Gives: one.Gives, Page: "docs/" + one.Page}
		if p.json {
			if err := json.NewEncoder(p.out).Encode(form); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(p.out)
		}
		fmt.Fprintf(p.out, "%s\n  %s\n  asked in   %s\n  gives      %s\n  more       %s\n", form.Name, form.About, form.Language, form.Gives, form.Page)
	}
	return nil
}
