package nginx

import (
	"fmt"
	"net"
	"regexp"
	"strings"

	"github.com/linnet-project/linnet/release"
)

// Config says where the file is, and how nginx is told of it.
type Config struct {
	// File is the file that Linnet writes whole, and nginx includes in `http`.
	File string
	// Status is a host:port on which nginx tells Linnet, and nobody else, what is
	// served; one for each service.
	Status string
	// Service is what routes call the service.
	Service string
	// Arms are the arms, baseline first; two or more.
	Arms []Arm
	// Variable is the variable that holds the upstream's name (default linnet_ and
	// the service, with _ for what is no letter or digit).
	Variable string
	// Test and Reload are the commands, program and arguments, that test nginx's
	// configuration and make it take effect (default nginx -t, nginx -s reload).
	Test, Reload []string
}

// Arm is one arm and the upstream that serves it.
type Arm struct {
	Name, Upstream string
}

// grain is the finest weight: split_clients takes hundredths of a percent.
const grain release.Weight = 10

var (
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,47}$`)
	upstream = regexp.MustCompile(`^[A-Za-z0-9_.:\[\]-]{1,200}$`)
	armName  = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,63}$`)
	notWord  = regexp.MustCompile(`[^A-Za-z0-9]`)
)

// filled is the configuration with its defaults, or release.ErrInvalid.
func (c Config) filled() (Config, error) {
	wrong := func(format string, args ...any) (Config, error) {
		return Config{}, fmt.Errorf("nginx: %s: %w", fmt.Sprintf(format, args...), release.ErrInvalid)
	}
	if c.Variable == "" {
		c.Variable = "linnet_" + notWord.ReplaceAllString(c.Service, "_")
	}
	if len(c.Test) == 0 {
		c.Test = []string{"nginx", "-t"}
	}
	if len(c.Reload) == 0 {
		c.Reload = []string{"nginx", "-s", "reload"}
	}
	host, port, err := net.SplitHostPort(c.Status)
	switch {
	case c.File == "":
		return wrong("the file is missing")
	case c.Service == "":
		return wrong("the service is missing")
	case err != nil || host == "" || port == "" || strings.ContainsAny(c.Status, "; {}\n\t\"'"):
		return wrong("status %.100q is no address such as 127.0.0.1:8442", c.Status)
	case !variable.MatchString(c.Variable):
		return wrong("variable %.100q must be up to 48 letters, digits and _; give it a name of its own", c.Variable)
	case len(c.Arms) < 2:
		return wrong("%d arms are too few", len(c.Arms))
	}
	seen := map[string]bool{}
	for _, arm := range c.Arms {
		if !armName.MatchString(arm.Name) || !upstream.MatchString(arm.Upstream) {
			return wrong("arm %.100q with upstream %.100q: both must be letters, digits and -_.:", arm.Name, arm.Upstream)
		}
		if seen["arm "+arm.Name] || seen[arm.Upstream] {
			return wrong("arm %q or its upstream %q is there twice", arm.Name, arm.Upstream)
		}
		seen["arm "+arm.Name], seen[arm.Upstream] = true, true
	}
	return c, nil
}
