package albtest

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// What AWS allows where nobody raised a quota.
const (
	maxRules = 100
	maxTags  = 50
)

func (l *listener) node(actions *node) *node {
	return object(map[string]*node{
		"ListenerArn": words(l.arn), "LoadBalancerArn": words(l.balancer), "Port": words(l.port), "Protocol": words(l.protocol),
		"DefaultActions": actions,
	})
}

func (r *rule) node(actions *node) *node {
	return object(map[string]*node{
		"RuleArn": words(r.arn), "Priority": number(r.priority), "Conditions": r.conditions, "Actions": actions, "IsDefault": words("false"),
	})
}

func (g *group) node() *node {
	return object(map[string]*node{
		"TargetGroupArn": words(g.arn), "TargetGroupName": words(g.name), "Protocol": words(g.protocol), "Port": words(g.port), "TargetType": words(g.kind),
	})
}

// one is a structure with one list.
func one(name string, of ...*node) *node { return object(map[string]*node{name: items(of...)}) }

// rulesOf are the rules of a listener by priority.
func (s *Server) rulesOf(listener string) (out []*rule) {
	for _, r := range s.rules {
		if r.listener == listener {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *rule) int { return cmp.Compare(a.priority, b.priority) })
	return out
}

// defaultRule is how a listener's default action is shown among its rules.
func (s *Server) defaultRule(l *listener) *node {
	id := strings.Replace(l.arn, ":listener/", ":listener-rule/", 1) + "/00000000defa0170"
	return object(map[string]*node{
		"RuleArn": words(id), "Priority": words("default"), "Conditions": items(), "Actions": l.actions.read(), "IsDefault": words("true"),
	})
}

func (s *Server) describeRules(in *node) (*node, error) {
	ids, at := in.list("RuleArns"), in.say("ListenerArn")
	if (len(ids) > 0) == (at != "") {
		return nil, validation("You must specify either listener ARN or rule ARNs")
	}
	var found []*node
	for _, id := range ids {
		l := s.listeners[strings.TrimSuffix(strings.Replace(id.words, ":listener-rule/", ":listener/", 1), "/00000000defa0170")]
		switch r := s.rules[id.words]; {
		case r != nil:
			found = append(found, r.node(r.actions.read()))
		case l != nil:
			found = append(found, s.defaultRule(l))
		default:
			return nil, ruleMissing(id.words)
		}
	}
	if at == "" {
		return one("Rules", found...), nil
	}
	l := s.listeners[at]
	if l == nil {
		return nil, refuse("ListenerNotFound", "One or more listeners not found")
	}
	for _, r := range s.rulesOf(at) {
		found = append(found, r.node(r.actions.read()))
	}
	return paged(append(found, s.defaultRule(l)), in)
}

// paged is one page of rules.
func paged(all []*node, in *node) (*node, error) {
	size, from := 400, 0
	if text := in.say("PageSize"); text != "" {
		size, _ = strconv.Atoi(text) // the shape has checked it
	}
	if text := in.say("Marker"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > len(all) {
			return nil, validation("the marker is not valid")
		}
		from = n
	}
	to := min(from+size, len(all))
	out := one("Rules", all[from:to]...)
	if to < len(all) {
		out.fields["NextMarker"] = number(to)
	}
	return out, nil
}

func ruleMissing(id string) error {
	if !strings.Contains(id, ":listener-rule/") {
		return validation("'%s' is not a valid listener rule ARN", id)
	}
	return refuse("RuleNotFound", "One or more rules not found")
}

func (s *Server) listener(id string) (*listener, error) {
	l := s.listeners[id]
	switch {
	case l == nil && !strings.Contains(id, ":listener/"):
		return nil, validation("'%s' is not a valid listener ARN", id)
	case l == nil:
		return nil, refuse("ListenerNotFound", "One or more listeners not found")
	}
	return l, nil
}

func (s *Server) describeListeners(in *node) (*node, error) {
	var found []*node
	for _, id := range in.list("ListenerArns") {
		l, err := s.listener(id.words)
		if err != nil {
			return nil, err
		}
		found = append(found, l.node(l.actions.read()))
	}
	return one("Listeners", found...), nil
}

func (s *Server) describeGroups(in *node) (*node, error) {
	var found []*node
	for _, name := range in.list("Names") {
		i := len(found)
		for _, g := range s.groups {
			if g.name == name.words {
				found = append(found, g.node())
			}
		}
		if len(found) == i {
			return nil, refuse("TargetGroupNotFound", "One or more target groups not found")
		}
	}
	return one("TargetGroups", found...), nil
}

func (s *Server) group(id string) (*group, error) {
	g := s.groups[id]
	switch {
	case g == nil && !strings.Contains(id, ":targetgroup/"):
		return nil, validation("'%s' is not a valid target group ARN", id)
	case g == nil:
		return nil, refuse("TargetGroupNotFound", "One or more target groups not found")
	}
	return g, nil
}

func (s *Server) describeAttributes(in *node) (*node, error) {
	g, err := s.group(in.say("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	return g.attributesNode(), nil
}

func (g *group) attributesNode() *node {
	var out []*node
	for _, key := range slices.Sorted(maps.Keys(g.attributes)) {
		out = append(out, object(map[string]*node{"Key": words(key), "Value": words(g.attributes[key])}))
	}
	return one("Attributes", out...)
}

func (s *Server) modifyAttributes(in *node) (*node, error) {
	g, err := s.group(in.say("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	for _, a := range in.list("Attributes") {
		if _, ok := g.attributes[a.say("Key")]; !ok {
			return nil, validation("Target group attribute key '%s' is not recognized", a.say("Key"))
		}
		if a.say("Key") == targetSticky && a.say("Value") == "true" && s.loose(g.arn) {
			return nil, refuse("InvalidConfigurationRequest", "This target group appears behind a rule with group stickiness disabled. You must enable group stickiness before enabling target stickiness")
		}
		g.attributes[a.say("Key")] = a.say("Value")
	}
	return g.attributesNode(), nil
}

func (s *Server) describeHealth(in *node) (*node, error) {
	g, err := s.group(in.say("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	var out []*node
	for _, t := range g.targets {
		if !s.used(g.arn) {
			t.State, t.Reason, t.Description = "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
		}
		health := map[string]*node{"State": words(t.State)}
		if t.Reason != "" {
			health["Reason"] = words(t.Reason)
		}
		if t.Description != "" {
			health["Description"] = words(t.Description)
		}
		out = append(out, object(map[string]*node{
			"Target":       object(map[string]*node{"Id": words(t.ID), "Port": number(t.Port)}),
			"TargetHealth": object(health),
		}))
	}
	return one("TargetHealthDescriptions", out...), nil
}

func (s *Server) tagged(id string) (map[string]string, error) {
	tags := s.tagsOf(id)
	switch {
	case tags != nil:
		return tags, nil
	case strings.Contains(id, ":listener/"):
		return nil, refuse("ListenerNotFound", "One or more listeners not found")
	}
	return nil, ruleMissing(id)
}

func (s *Server) describeTags(in *node) (*node, error) {
	var out []*node
	for _, id := range in.list("ResourceArns") {
		tags, err := s.tagged(id.words)
		if err != nil {
			return nil, err
		}
		of := items()
		for _, key := range slices.Sorted(maps.Keys(tags)) {
			of.items = append(of.items, object(map[string]*node{"Key": words(key), "Value": words(tags[key])}))
		}
		out = append(out, object(map[string]*node{"ResourceArn": words(id.words), "Tags": of}))
	}
	return one("TagDescriptions", out...), nil
}

func (s *Server) addTags(in *node) (*node, error) {
	keys := map[string]bool{}
	for _, t := range in.list("Tags") {
		if keys[t.say("Key")] {
			return nil, refuse("DuplicateTagKeys", "A tag key was specified more than once")
		}
		if strings.HasPrefix(strings.ToLower(t.say("Key")), "aws:") {
			return nil, validation("aws: is a reserved prefix")
		}
		keys[t.say("Key")] = true
	}
	for _, id := range in.list("ResourceArns") {
		tags, err := s.tagged(id.words)
		if err != nil {
			return nil, err
		}
		after := maps.Clone(tags)
		for _, t := range in.list("Tags") {
			after[t.say("Key")] = t.say("Value")
		}
		if len(after) > maxTags {
			return nil, refuse("TooManyTags", "The limit of tags for this resource was reached")
		}
		maps.Copy(tags, after)
	}
	return object(nil), nil
}

func (s *Server) removeTags(in *node) (*node, error) {
	for _, id := range in.list("ResourceArns") {
		tags, err := s.tagged(id.words)
		if err != nil {
			return nil, err
		}
		for _, key := range in.list("TagKeys") {
			delete(tags, key.words)
		}
	}
	return object(nil), nil
}

func (s *Server) modifyRule(in *node) (*node, error) {
	r := s.rules[in.say("RuleArn")]
	if r == nil {
		if strings.HasSuffix(in.say("RuleArn"), "/00000000defa0170") {
			return nil, refuse("OperationNotPermitted", "Default rule cannot be modified")
		}
		return nil, ruleMissing(in.say("RuleArn"))
	}
	if c := in.get("Conditions"); c != nil {
		if err := checkConditions(c); err != nil {
			return nil, err
		}
		r.conditions = c
	}
	if a := in.get("Actions"); a != nil {
		stored, err := s.checkActions(a, r.actions.now, s.listeners[r.listener].protocol)
		if err != nil {
			return nil, err
		}
		r.actions.set(stored, s.lag)
	}
	return one("Rules", r.node(r.actions.now)), nil
}

func (s *Server) modifyListener(in *node) (*node, error) {
	l, err := s.listener(in.say("ListenerArn"))
	if err != nil {
		return nil, err
	}
	if a := in.get("DefaultActions"); a != nil {
		stored, err := s.checkActions(a, l.actions.now, l.protocol)
		if err != nil {
			return nil, err
		}
		l.actions.set(stored, s.lag)
	}
	l.port, l.protocol = cmp.Or(in.say("Port"), l.port), cmp.Or(in.say("Protocol"), l.protocol)
	return one("Listeners", l.node(l.actions.now)), nil
}

func (s *Server) createRule(in *node) (*node, error) {
	l, err := s.listener(in.say("ListenerArn"))
	if err != nil {
		return nil, err
	}
	n, _ := strconv.Atoi(in.say("Priority")) // the shape has checked it
	others := s.rulesOf(l.arn)
	if len(others) >= maxRules {
		return nil, refuse("TooManyRules", "The maximum number of rules has been reached")
	}
	if slices.ContainsFunc(others, func(r *rule) bool { return r.priority == n }) {
		return nil, refuse("PriorityInUse", "Priority '%d' is currently in use", n)
	}
	if err := checkConditions(in.get("Conditions")); err != nil {
		return nil, err
	}
	stored, err := s.checkActions(in.get("Actions"), nil, l.protocol)
	if err != nil {
		return nil, err
	}
	r := &rule{
		arn:      strings.Replace(l.arn, ":listener/", ":listener-rule/", 1) + "/" + s.id(),
		listener: l.arn, priority: n, conditions: in.get("Conditions"), tags: map[string]string{},
	}
	r.actions.set(stored, 0)
	s.rules[r.arn] = r
	return one("Rules", r.node(stored)), nil
}

func (s *Server) createListener(in *node) (*node, error) {
	at := in.say("LoadBalancerArn")
	if !s.balancers[at] {
		return nil, refuse("LoadBalancerNotFound", "One or more load balancers not found")
	}
	protocol := cmp.Or(in.say("Protocol"), "HTTP")
	stored, err := s.checkActions(in.get("DefaultActions"), nil, protocol)
	if err != nil {
		return nil, err
	}
	l := &listener{
		arn:      strings.Replace(at, ":loadbalancer/", ":listener/", 1) + "/" + s.id(),
		balancer: at, protocol: protocol, port: cmp.Or(in.say("Port"), "80"), tags: map[string]string{},
	}
	l.actions.set(stored, 0)
	s.listeners[l.arn] = l
	return one("Listeners", l.node(stored)), nil
}

func (s *Server) createGroup(in *node) (*node, error) {
	for _, g := range s.groups {
		if g.name == in.say("Name") {
			return nil, refuse("DuplicateTargetGroupName", "A target group with the same name '%s' exists", g.name)
		}
	}
	g := &group{
		arn:  arn("targetgroup", in.say("Name"), s.id()),
		name: in.say("Name"), protocol: cmp.Or(in.say("Protocol"), "HTTP"), port: cmp.Or(in.say("Port"), "80"), kind: cmp.Or(in.say("TargetType"), "instance"),
		attributes: map[string]string{targetSticky: "false", "stickiness.type": "lb_cookie", "deregistration_delay.timeout_seconds": "300"},
	}
	s.groups[g.arn] = g
	return one("TargetGroups", g.node()), nil
}
