package traefik

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// The first lines of a file of ours. Traefik reads neither: a comment is the one
// place in its files for what is not its own.
const (
	mark      = "# Written by Linnet: what is changed here by hand is seen, and written over."
	stampMark = "# linnet-route: "
)

// content is what a file of ours says.
type content struct {
	stamp split.Stamp
	// names and weights are those of the weighted services, in their order.
	names   []string
	weights []int64
	// cookie keeps users in an arm for a time; 0 leaves it to the browser.
	cookie string
	keep   time.Duration
	// mirror is how many percent of the first service's requests the second
	// gets a copy of.
	mirror int64
}

// mirrorSuffix ends the name of the service that mirrors the first arm.
const mirrorSuffix = "-linnet-mirrored"

// text writes the file for a service. Names are checked before; Traefik takes
// the whole file for a template, so that nothing of it may hold two braces.
func (c content) text(service string) string {
	var b strings.Builder
	stamp := strings.ReplaceAll(c.stamp.String(), "{", `\x7b`)
	fmt.Fprintf(&b, "%s\n%s%s\nhttp:\n  services:\n    %q:\n      weighted:\n        services:\n", mark, stampMark, stamp, service)
	for i, name := range c.names {
		if i == 0 && c.mirror > 0 {
			name = service + mirrorSuffix
		}
		fmt.Fprintf(&b, "          - name: %q\n            weight: %d\n", name, c.weights[i])
	}
	if c.cookie != "" {
		fmt.Fprintf(&b, "        sticky:\n          cookie:\n            name: %q\n", c.cookie)
		if seconds := int64(c.keep / time.Second); seconds > 0 {
			fmt.Fprintf(&b, "            maxAge: %d\n", seconds)
		}
	}
	if c.mirror > 0 {
		fmt.Fprintf(&b, "    %q:\n      mirroring:\n        service: %q\n        mirrors:\n          - name: %q\n            percent: %d\n",
			service+mirrorSuffix, c.names[0], c.names[1], c.mirror)
	}
	return b.String()
}

// form is a file that holds a weighted service of a name and what comes with it,
// and nothing else.
type form struct {
	HTTP struct {
		Services map[string]struct {
			Weighted *struct {
				Services []weighted `yaml:"services"`
				Sticky   any        `yaml:"sticky"`
			} `yaml:"weighted"`
			Mirroring *struct {
				Service string `yaml:"service"`
				Mirrors []struct {
					Name    string `yaml:"name"`
					Percent int64  `yaml:"percent"`
				} `yaml:"mirrors"`
			} `yaml:"mirroring"`
		} `yaml:"services"`
	} `yaml:"http"`
}

// stampOf is the stamp in a file, and whether we wrote it.
func stampOf(text string) (stamp split.Stamp, ours bool) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if !strings.HasPrefix(line, "#") {
			break
		}
		if said, ok := strings.CutPrefix(line, stampMark); ok {
			stamp, ours = split.ParseStamp(said)
			return stamp, ours
		}
	}
	return split.Stamp{}, false
}

// parse reads the weights of services from a file that holds the split of one
// service; the error is release.ErrInvalid. Whatever else the file holds is an
// error too: it is somebody's, and writing the file would lose it.
func parse(text string, service string, names []string) (content, error) {
	stamp, _ := stampOf(text)
	c := content{stamp: stamp, names: names}
	var f form
	if err := yaml.UnmarshalWithOptions([]byte(text), &f, yaml.Strict()); err != nil {
		return content{}, fmt.Errorf("it is no file for the service %s alone: %.300s: %w", service, firstLine(err), release.ErrInvalid)
	}
	split, mirrored := f.HTTP.Services[service], f.HTTP.Services[service+mirrorSuffix]
	most := 1
	if m := mirrored.Mirroring; m != nil {
		most = 2
		if len(m.Mirrors) == 1 {
			c.mirror = m.Mirrors[0].Percent
		}
	}
	if split.Weighted == nil || len(f.HTTP.Services) > most {
		return content{}, fmt.Errorf("it has to hold the weighted service %s and no other: %w", service, release.ErrInvalid)
	}
	have := split.Weighted.Services
	for i, name := range names {
		at := slices.IndexFunc(have, func(w weighted) bool {
			return w.Name == name || i == 0 && w.Name == service+mirrorSuffix
		})
		if at != i {
			return content{}, fmt.Errorf("the weighted service %s has to hold %s, in this order: %w", service, strings.Join(names, ", "), release.ErrInvalid)
		}
		c.weights = append(c.weights, have[at].weight())
	}
	if len(have) != len(names) {
		return content{}, fmt.Errorf("the weighted service %s holds more than %s: %w", service, strings.Join(names, ", "), release.ErrInvalid)
	}
	return c, nil
}

// firstLine keeps what a parser shows of a file out of errors.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// isName tells whether a service of Traefik's can be called so in a file.
func isName(s string) bool {
	return s != "" && len(s) <= 253 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.@", r)
	})
}
