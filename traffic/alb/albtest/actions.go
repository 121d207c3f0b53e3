package albtest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/awscall/awstest"
)

// What AWS allows in a forward action.
const (
	maxGroups    = 5
	maxWeight    = 999
	maxSticky    = 604_800
	targetSticky = "stickiness.enabled"
)

// finals end a rule's actions, of which there is one.
var finals = []string{"forward", "redirect", "fixed-response"}

// configs are where each type of action has its own part.
var configs = map[string]string{
	"forward": "ForwardConfig", "redirect": "RedirectConfig", "fixed-response": "FixedResponseConfig",
	"authenticate-oidc": "AuthenticateOidcConfig", "authenticate-cognito": "AuthenticateCognitoConfig", "jwt-validation": "JwtValidationConfig",
}

func invalidAction(format string, args ...any) *awstest.Refusal {
	return refuse("InvalidLoadBalancerAction", format, args...)
}

// checkActions checks actions that come, beside those that are there, and gives
// what is stored.
func (s *Server) checkActions(in, before *node, protocol string) (*node, error) {
	all := in.clone()
	if len(all.items) == 0 {
		return nil, validation("a rule or listener has actions")
	}
	if err := inOrder(all.items); err != nil {
		return nil, err
	}
	for i, a := range all.items {
		kind := a.say("Type")
		for other, config := range configs {
			if a.get(config) != nil && other != kind {
				return nil, invalidAction("%s goes with %s, not with %s", config, other, kind)
			}
		}
		if kind != "forward" && (a.get(configs[kind]) == nil || a.get("TargetGroupArn") != nil) {
			return nil, invalidAction("an action of type %s has %s, and no target group", kind, configs[kind])
		}
		if final := slices.Contains(finals, kind); final != (i == len(all.items)-1) {
			return nil, invalidAction("exactly one action is forward, redirect or fixed-response, and it is the last")
		}
		if !slices.Contains(finals, kind) && protocol != "HTTPS" {
			return nil, invalidAction("an action of type %s needs an HTTPS listener", kind)
		}
		var err error
		switch kind {
		case "forward":
			err = s.checkForward(a)
		case "authenticate-oidc":
			err = checkOIDC(a.get("AuthenticateOidcConfig"), before)
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// inOrder sorts actions by their order, which each needs where they are several.
func inOrder(all []*node) error {
	orders := map[int]bool{}
	at := func(a *node) int {
		n, _ := strconv.Atoi(a.say("Order")) // the shape has checked it
		return n
	}
	for _, a := range all {
		if n := at(a); len(all) > 1 && (n == 0 || orders[n]) {
			return invalidAction("each of several actions needs an order of its own")
		}
		orders[at(a)] = true
	}
	slices.SortStableFunc(all, func(a, b *node) int { return at(a) - at(b) })
	return nil
}

// checkForward checks a forward action, and completes it as AWS shows it.
func (s *Server) checkForward(a *node) error {
	config, sole := a.get("ForwardConfig"), a.say("TargetGroupArn")
	if config == nil {
		config = object(map[string]*node{})
		a.fields["ForwardConfig"] = config
	}
	tuples := config.list("TargetGroups")
	switch {
	case len(tuples) == 0 && sole == "":
		return validation("a forward action has a target group")
	case len(tuples) == 0:
		tuples = []*node{object(map[string]*node{"TargetGroupArn": words(sole)})}
	case sole != "" && (len(tuples) != 1 || tuples[0].say("TargetGroupArn") != sole):
		return invalidAction("You can specify both ForwardConfig and TargetGroupArn only for the same single target group")
	case len(tuples) > maxGroups:
		return invalidAction("a forward action has at most %d target groups", maxGroups)
	}
	seen, stickyTargets := map[string]bool{}, false
	for _, t := range tuples {
		g, err := s.group(t.say("TargetGroupArn"))
		if err != nil {
			return err
		}
		if seen[g.arn] {
			return invalidAction("a target group is there twice")
		}
		seen[g.arn] = true
		stickyTargets = stickyTargets || g.attributes[targetSticky] == "true"
		if t.get("Weight") == nil {
			if len(tuples) > 1 {
				return validation("each of several target groups needs a weight")
			}
			t.fields["Weight"] = words("1")
		}
		if n, err := strconv.Atoi(t.say("Weight")); err != nil || n < 0 || n > maxWeight {
			return validation("weight '%s' must be between 0 and %d", t.say("Weight"), maxWeight)
		}
	}
	config.fields["TargetGroups"] = items(tuples...)
	if delete(a.fields, "TargetGroupArn"); len(tuples) == 1 {
		a.fields["TargetGroupArn"] = words(tuples[0].say("TargetGroupArn"))
	}
	return checkSticky(config, len(tuples) > 1 && stickyTargets)
}

func checkSticky(config *node, needed bool) error {
	sticky := config.get("TargetGroupStickinessConfig")
	if sticky == nil {
		sticky = object(map[string]*node{"Enabled": words("false")})
		config.fields["TargetGroupStickinessConfig"] = sticky
	}
	on, text := sticky.say("Enabled") == "true", sticky.say("DurationSeconds")
	if n, err := strconv.Atoi(text); on && text == "" || text != "" && (err != nil || n < 1 || n > maxSticky) {
		return validation("target group stickiness duration '%s' must be between 1 and %d", text, maxSticky)
	}
	if needed && !on {
		return refuse("InvalidConfigurationRequest", "You must enable group stickiness on a rule if you enabled target stickiness on one of its target groups")
	}
	return nil
}

// checkOIDC holds the client secret to be given once, or kept.
func checkOIDC(c, before *node) error {
	keep, given := c.say("UseExistingClientSecret") == "true", c.get("ClientSecret") != nil
	switch {
	case keep && given:
		return invalidAction("You cannot both specify a client secret and set UseExistingClientSecret to true")
	case !keep && !given:
		return invalidAction("You must either specify a client secret or set UseExistingClientSecret to true")
	case keep:
		was := ""
		if before != nil {
			for _, a := range before.items {
				if old := a.get("AuthenticateOidcConfig"); old.say("Issuer") == c.say("Issuer") {
					was = old.say("ClientSecret")
				}
			}
		}
		if was == "" {
			return invalidAction("there is no existing client secret")
		}
		c.fields["ClientSecret"] = words(was)
	}
	delete(c.fields, "UseExistingClientSecret")
	for name, value := range map[string]string{
		"Scope": "openid", "SessionCookieName": "AWSELBAuthSessionCookie", "SessionTimeout": "604800", "OnUnauthenticatedRequest": "authenticate",
	} {
		if c.get(name) == nil {
			c.fields[name] = words(value)
		}
	}
	return nil
}

// fieldConfigs are where each field of a condition has its values.
var fieldConfigs = map[string]string{"host-header": "HostHeaderConfig", "path-pattern": "PathPatternConfig", "http-header": "HttpHeaderConfig"}

func checkConditions(all *node) error {
	if len(all.items) == 0 {
		return validation("A rule must have a condition")
	}
	seen := map[string]bool{}
	for _, c := range all.items {
		field := c.say("Field")
		config, ok := fieldConfigs[field]
		if !ok {
			return validation("Condition field '%s' must be one of '[path-pattern, host-header, http-header]'", field)
		}
		if seen[field] && field != "http-header" {
			return refuse("InvalidConfigurationRequest", "A rule can only have one '%s' condition", field)
		}
		seen[field] = true
		if len(c.list("Values"))+len(c.get(config).list("Values"))+len(c.get(config).list("RegexValues")) == 0 {
			return validation("A condition value must be specified")
		}
	}
	return nil
}

// every calls f for each forward action and its groups.
func (s *Server) every(f func(config *node, groups []string)) {
	all := []*node{}
	for _, l := range s.listeners {
		all = append(all, l.actions.now.items...)
	}
	for _, r := range s.rules {
		all = append(all, r.actions.now.items...)
	}
	for _, a := range all {
		config, groups := a.get("ForwardConfig"), []string{}
		for _, t := range config.list("TargetGroups") {
			groups = append(groups, t.say("TargetGroupArn"))
		}
		f(config, groups)
	}
}

// used says whether anything forwards to a group.
func (s *Server) used(group string) (used bool) {
	s.every(func(_ *node, groups []string) { used = used || slices.Contains(groups, group) })
	return used
}

// loose says whether a group is one of several somewhere, without group
// stickiness.
func (s *Server) loose(group string) (loose bool) {
	s.every(func(config *node, groups []string) {
		on := config.get("TargetGroupStickinessConfig").say("Enabled")
		loose = loose || len(groups) > 1 && slices.Contains(groups, group) && !strings.EqualFold(on, "true")
	})
	return loose
}
