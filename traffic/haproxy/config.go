package haproxy

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Config says which HAProxy, and how it tells the arms apart: by the servers of
// Backend, or by the backends that a frontend picks with the help of Map.
type Config struct {
	// Socket is the runtime API: a socket's path, or host:port.
	Socket string
	// Service is what routes call the service, and the key of its entry in Map.
	Service string
	// Arms are the arms, baseline first; two or more.
	Arms []Arm
	// Backend holds the servers of all arms.
	Backend string
	// Map is the map as HAProxy's configuration names it, usually a path.
	Map string
	// MapFile, where set, is the file that HAProxy reads the map from when it
	// starts. The service's line in it is rewritten after each change.
	MapFile string
	// Timeout bounds each command (default 5s); a context may be shorter.
	Timeout time.Duration
}

// Arm is one arm: Servers of Config.Backend, or a Backend of its own where
// Config.Map is set.
type Arm struct {
	Name    string
	Servers []string
	Backend string
}

// mostServers bounds the servers of a backend.
const mostServers = 1000

// word is what can be an argument of a command as it is. HAProxy's own names
// are made of less; paths are too.
var word = regexp.MustCompile(`^[A-Za-z0-9_.:/@+=~,%#-]{1,500}$`)

// header is a header's or cookie's name that can be part of an entry as it is.
var header = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

func (c Config) check() error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("haproxy at %s: %s: %w", c.Socket, fmt.Sprintf(format, args...), release.ErrInvalid)
	}
	byServers, byMap := c.Backend != "", c.Map != ""
	switch {
	case c.Socket == "":
		return fmt.Errorf("haproxy: the socket is missing: %w", release.ErrInvalid)
	case !word.MatchString(c.Service):
		return wrong("service %.100q must be letters, digits and -_.:/", c.Service)
	case len(c.Arms) < 2:
		return wrong("%d arms are too few", len(c.Arms))
	case byServers == byMap:
		return wrong("either a backend with the arms' servers or a map with the arms' backends is needed")
	case byServers && c.MapFile != "":
		return wrong("a map file belongs to a map")
	case c.Timeout < 0:
		return wrong("timeout %v must not be negative", c.Timeout)
	}
	seen := map[string]bool{c.Backend: byServers, c.Map: byMap}
	for name := range seen {
		if name != "" && !word.MatchString(name) {
			return wrong("%.100q must be letters, digits and -_.:/", name)
		}
	}
	for _, arm := range c.Arms {
		names := arm.Servers
		if byMap {
			names = []string{arm.Backend}
		}
		if len(names) == 0 || len(names) > mostServers || byMap && len(arm.Servers) > 0 || byServers && arm.Backend != "" {
			return wrong("arm %q needs servers of backend %q, or a backend of its own with a map", arm.Name, c.Backend)
		}
		for _, name := range slices.Concat([]string{"arm " + arm.Name}, names) {
			if !word.MatchString(name) && name != "arm "+arm.Name {
				return wrong("arm %q: %.100q must be letters, digits and -_.:/", arm.Name, name)
			}
			if seen[name] {
				return wrong("arm %q: %q is there twice", arm.Name, name)
			}
			seen[name] = true
		}
	}
	return nil
}

// grains are the weights that can be set by servers, the finest first: divisors
// of a percent, so that whole percents always can.
var grains = []release.Weight{10, 20, 50, 100, 200, 500, 1000}

// mostWeight is the highest weight of a server.
const mostWeight = 256

// grain is the finest weight that the servers can be given, so that the sums
// over the arms have it exactly: any arm may get the whole, and its servers at
// most 256 each. One server an arm makes 0.5 %, four make 0.1 %.
func (c Config) grain() release.Weight {
	if c.Map != "" {
		return 1
	}
	fewest := mostServers
	for _, arm := range c.Arms {
		fewest = min(fewest, len(arm.Servers))
	}
	i := slices.IndexFunc(grains, func(g release.Weight) bool { return fits(release.Whole, g, fewest) })
	return grains[i] // a percent fits one server
}

// fits says whether so many servers can share a weight, in units of a grain.
func fits(w, grain release.Weight, servers int) bool {
	return w%grain == 0 && int(w/grain) <= mostWeight*servers
}
