// Package alb splits traffic with an Application Load Balancer of AWS: by the
// weights of the target groups of one forward action, which is a listener's
// default action or that of one of its rules.
//
// Nothing but these weights (and the group stickiness, where a route asks for
// it) is changed. AWS replaces a rule's actions as a whole, so the others are
// read and written back as they are; the client secret of an OIDC action, which
// AWS tells nobody, is kept by asking for that.
//
// ELBv2 has no versions. A stamp in the tags of the rule or listener, written
// before the weights, says which route they belong to: a stale writer is refused
// by it, and two that write at the same moment are found out by reading back.
// AWS answers reads from copies that may be some moments old, so Apply waits
// until it reads what it has written.
package alb

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/linnet-project/linnet/release"
)

const (
	// Grain is the finest weight, a tenth of a percent: a thousandth is the
	// finest share that weights from 0 to 999 can all tell exactly.
	Grain release.Weight = 100
	// MaxArms is how many target groups AWS allows in one action.
	MaxArms = 5
	// Cookie is the cookie that the balancer sets itself to keep a user in a
	// group; no other name can be asked for.
	Cookie = "AWSALBTG"
	// DefaultSticky is how long a user stays in a group where a route does not
	// say.
	DefaultSticky = time.Hour
	// MaxSticky is the longest that AWS takes.
	MaxSticky = 7 * 24 * time.Hour
)

// Config says which action splits the traffic, and how AWS is reached. What is
// not said about AWS comes from where the AWS tools take it: environment, shared
// configuration, the machine's or container's role.
type Config struct {
	Service string
	// Arms are the target groups, baseline first: two to MaxArms.
	Arms []Arm

	// Listener is the ARN of the listener. Alone, it means its default action;
	// with Priority, or with Host and Path (one or both), the one rule that has
	// that priority, or whose conditions have these values.
	Listener   string
	Priority   int
	Host, Path string
	// Rule is the ARN of a rule, in place of all of these.
	Rule string

	// Region is the AWS region; empty means the one in the ARN.
	Region string
	// Profile is one of the shared configuration.
	Profile string
	// Role is the ARN of a role to be taken on, with ExternalID where its trust
	// policy asks for one.
	Role, ExternalID string
	// Endpoint is the URL of the ELBv2 API, where it is not the region's own.
	Endpoint string
}

// Arm is an arm and its target group.
type Arm struct {
	Name string
	// Group is the target group's ARN, or its name, which is looked up once.
	Group string
}

// What ARNs of application load balancers look like, up to the region and from
// there on.
var (
	listenerARN = regexp.MustCompile(`^arn:aws[a-z-]*:elasticloadbalancing:([a-z0-9-]+):\d{12}:listener/app/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}/[0-9a-f]{16}$`)
	ruleARN     = regexp.MustCompile(`^arn:aws[a-z-]*:elasticloadbalancing:([a-z0-9-]+):\d{12}:listener-rule/app/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}/[0-9a-f]{16}/[0-9a-f]{16}$`)
	groupARN    = regexp.MustCompile(`^arn:aws[a-z-]*:elasticloadbalancing:([a-z0-9-]+):\d{12}:targetgroup/([A-Za-z0-9-]{1,32})/[0-9a-f]{16}$`)
	groupName   = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$`)
)

const maxPriority = 50_000

// check gives all that is wrong with a Config, and the region.
func (c Config) check() (region string, err error) {
	var wrong []error
	say := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf(format+": %w", append(args, release.ErrInvalid)...))
	}
	if c.Service == "" {
		say("service: is missing")
	}
	region = c.place(say)
	if c.Region != "" && region != "" && c.Region != region {
		say("region: %q is not that of the ARN, %q", c.Region, region)
	}
	c.groups(cmp.Or(c.Region, region), say)
	c.account().Check(c.Endpoint, say)
	return cmp.Or(c.Region, region), errors.Join(wrong...)
}

// place checks how the action is named, and gives the region of its ARN.
func (c Config) place(say func(string, ...any)) (region string) {
	switch {
	case c.Rule != "":
		m := ruleARN.FindStringSubmatch(c.Rule)
		if m == nil {
			say("rule: %.200q is no ARN of a rule of an application load balancer", c.Rule)
		} else {
			region = m[1]
		}
		if c.Listener != "" || c.Priority != 0 || c.Host != "" || c.Path != "" {
			say("rule: its ARN says it all; leave listener, priority, host and path out")
		}
		return region
	case c.Listener == "":
		say("listener: is missing; give its ARN, or a rule's")
		return ""
	}
	m := listenerARN.FindStringSubmatch(c.Listener)
	if m == nil {
		say("listener: %.200q is no ARN of a listener of an application load balancer", c.Listener)
	} else {
		region = m[1]
	}
	if c.Priority < 0 || c.Priority > maxPriority {
		say("priority: %d is not between 1 and %d", c.Priority, maxPriority)
	}
	if c.Priority != 0 && (c.Host != "" || c.Path != "") {
		say("priority: names one rule; leave host and path out")
	}
	return region
}

func (c Config) groups(region string, say func(string, ...any)) {
	if len(c.Arms) < 2 || len(c.Arms) > MaxArms {
		say("arms: %d target groups, and an action has 2 to %d", len(c.Arms), MaxArms)
	}
	arms, groups := map[string]bool{}, map[string]bool{}
	for _, a := range c.Arms {
		m := groupARN.FindStringSubmatch(a.Group)
		switch {
		case a.Name == "":
			say("arms: one has no name")
		case arms[a.Name]:
			say("arms: %.100q is there twice", a.Name)
		case groups[a.Group]:
			say("target group of %.100q: %.200q is another arm's too", a.Name, a.Group)
		case m == nil && !groupName.MatchString(a.Group):
			say("target group of %.100q: %.200q is neither an ARN nor a name of one", a.Name, a.Group)
		case m != nil && m[1] != region && region != "":
			say("target group of %.100q: is in %s, and the listener in %s", a.Name, m[1], region)
		}
		arms[a.Name], groups[a.Group] = true, true
	}
}
