package httpjson

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// Preset is a vendor's API as a row of a table. What its users have to say are
// Settings; everything else is known.
//
// To add a vendor, add a row to presets (in a file of its own, presets_<name>.go)
// and a row to the table of sources in package spec, with the same name and the
// same settings, which say what people read about them; and a test with a server
// that behaves as the vendor's documentation says and checks requests field by
// field. Nothing else has to be written.
type Preset struct {
	// Name is its key in a release file. Rows with one name are ways to ask the same
	// vendor: the first whose setting When is given is taken, or that has no When.
	Name, When string
	// Settings are what users say, by name. They are Values for all texts of Config
	// and for its Access.URL, such as "https://api.{{site}}".
	Settings map[string]Setting
	// Secrets are headers whose value is in a file, by header.
	Secrets map[string]Secret
	// Config is the rest. Access.URL is what the users' url replaces.
	Config
}

// Setting is what users of a preset may say.
type Setting struct {
	// Default is what holds where they say nothing; Need says that they must.
	Default string
	Need    bool
	// Means, where set, are the words they may use and what stands for each.
	Means map[string]string
}

// Secret is a header that is read from a file.
type Secret struct {
	// Setting is the one that names the file, such as apiKeyFile; a header whose
	// setting is not given is not sent.
	Setting string
	// Scheme is the header's value with {} for the secret; "" for the secret alone.
	Scheme string
}

// Use is what a release file says of a preset.
type Use struct {
	Settings map[string]string
	// Access holds what there is besides; its URL, where set, goes before the
	// preset's own.
	Access web.Config
	// Step goes before the preset's own, where it is not zero.
	Step time.Duration
}

// Presets are all rows of the table.
func Presets() []Preset { return slices.Clone(presets) }

// Vendor gives the configuration of a preset by name. An error wraps
// release.ErrInvalid and names the setting.
func Vendor(name string, u Use) (Config, error) {
	for _, p := range presets {
		if p.Name == name && (p.When == "" || u.Settings[p.When] != "") {
			return p.config(u)
		}
	}
	return Config{}, fmt.Errorf("%s: %w", name, lacking(name))
}

func lacking(name string) error {
	var ways []string
	for _, p := range presets {
		if p.Name == name {
			ways = append(ways, p.When)
		}
	}
	if len(ways) == 0 {
		return fmt.Errorf("is not known: %w", release.ErrInvalid)
	}
	return fmt.Errorf("needs %s: %w", strings.Join(ways, " or "), release.ErrInvalid)
}

func (p Preset) config(u Use) (Config, error) {
	c := p.Config
	c.API.Name = p.Name
	c.Values = maps.Clone(p.Values)
	if c.Values == nil {
		c.Values = map[string]string{}
	}
	files := map[string]bool{}
	for _, s := range p.Secrets {
		files[s.Setting] = true
	}
	for _, name := range slices.Sorted(maps.Keys(u.Settings)) {
		if _, ok := p.Settings[name]; !ok && !files[name] {
			return c, fmt.Errorf("%s: %s is no setting here: %w", p.Name, name, release.ErrInvalid)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Settings)) {
		s := p.Settings[name]
		said := u.Settings[name]
		switch word, ok := s.Means[said]; {
		case said == "" && s.Need:
			return c, fmt.Errorf("%s: %s is missing: %w", p.Name, name, release.ErrInvalid)
		case said == "":
			said = s.Default
			if word, ok := s.Means[said]; ok {
				said = word
			}
		case ok:
			said = word
		case s.Means != nil:
			return c, fmt.Errorf("%s: %s is %.40q, not one of %s: %w", p.Name, name, said, strings.Join(slices.Sorted(maps.Keys(s.Means)), ", "), release.ErrInvalid)
		}
		c.Values[name] = said
	}
	c.Access = p.access(u)
	if u.Step > 0 {
		c.Step = u.Step
	}
	return c, nil
}

// access is what the users say of it, with what the preset knows.
func (p Preset) access(u Use) web.Config {
	a := u.Access
	if a.URL == "" {
		a.URL = p.Access.URL
	}
	a.Headers = maps.Clone(p.Access.Headers)
	if a.Headers == nil {
		a.Headers = map[string]string{}
	}
	maps.Copy(a.Headers, u.Access.Headers)
	a.SecretHeaders, a.Schemes = maps.Clone(u.Access.SecretHeaders), map[string]string{}
	if a.SecretHeaders == nil {
		a.SecretHeaders = map[string]string{}
	}
	for header, s := range p.Secrets {
		if file := u.Settings[s.Setting]; file != "" {
			a.SecretHeaders[header], a.Schemes[header] = file, s.Scheme
		}
	}
	return a
}
