package albtest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// lagging is a value of which reads still show the old one for a while.
type lagging[T any] struct {
	now, old T
	left     int
}

func (l *lagging[T]) set(v T, reads int) {
	if l.left == 0 {
		l.old = l.now
	}
	l.now, l.left = v, reads
}

func (l *lagging[T]) read() T {
	if l.left > 0 {
		l.left--
		return l.old
	}
	return l.now
}

// listener has a default action, and rules.
type listener struct {
	arn, balancer  string
	protocol, port string
	actions        lagging[*node]
	tags           map[string]string
}

type rule struct {
	arn, listener string
	priority      int
	conditions    *node
	actions       lagging[*node]
	tags          map[string]string
}

type group struct {
	arn, name, protocol, port, kind string
	attributes                      map[string]string
	targets                         []Target
	backend                         http.Handler
}

// Target is one of a target group, and its health as the API tells it.
type Target struct {
	ID                         string
	Port                       int
	State, Reason, Description string
}

// id makes an id that was not there before.
func (s *Server) id() string {
	s.made++
	return fmt.Sprintf("%016x", 0x50dc6c495c0c0000+s.made)
}

func arn(kind string, parts ...string) string {
	out := "arn:aws:elasticloadbalancing:" + Region + ":" + Account + ":" + kind
	for _, p := range parts {
		out += "/" + p
	}
	return out
}

// Do does an operation of the API from within, without signature: for setting
// things up, and for whoever changes them by hand. An error is what the API says.
func (s *Server) Do(name string, form url.Values) error {
	_, err := s.do(name, form)
	return err
}

func (s *Server) do(name string, form url.Values) (*node, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of, ok := operations[name]
	if !ok {
		return nil, refuse("InvalidAction", "no operation %q", name)
	}
	in, err := parseForm(form, of.in)
	if err != nil {
		return nil, err
	}
	return of.do(s, in)
}

// AddBalancer makes a load balancer, and returns its ARN.
func (s *Server) AddBalancer(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := arn("loadbalancer", "app", name, s.id())
	s.balancers[a] = true
	return a
}

// AddGroup makes a target group with one healthy target, and returns its ARN.
// The backend answers for all its targets.
func (s *Server) AddGroup(name string, backend http.Handler) (string, error) {
	out, err := s.do("CreateTargetGroup", url.Values{"Name": {name}, "Protocol": {"HTTP"}, "Port": {"80"}, "VpcId": {"vpc-1"}})
	if err != nil {
		return "", err
	}
	a := out.list("TargetGroups")[0].say("TargetGroupArn")
	s.mu.Lock()
	s.groups[a].backend = backend
	s.mu.Unlock()
	s.SetTargets(a, Target{ID: "i-0001", Port: 80, State: "healthy"})
	return a, nil
}

// SetTargets says what targets a group has.
func (s *Server) SetTargets(group string, targets ...Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[group]; g != nil {
		g.targets = targets
	}
}

// ForwardTo is the form of a forward action to groups, with weights in turn.
func ForwardTo(prefix string, groups []string, weights ...int) url.Values {
	form := url.Values{prefix + ".Type": {"forward"}}
	for i, g := range groups {
		at := prefix + ".ForwardConfig.TargetGroups.member." + strconv.Itoa(i+1)
		form.Set(at+".TargetGroupArn", g)
		form.Set(at+".Weight", strconv.Itoa(weights[i]))
	}
	return form
}

// AddListener makes a listener of a load balancer that forwards to a group, and
// returns its ARN.
func (s *Server) AddListener(balancer, protocol string, actions url.Values) (string, error) {
	form := maps.Clone(actions)
	form.Set("LoadBalancerArn", balancer)
	form.Set("Protocol", protocol)
	form.Set("Port", "80")
	out, err := s.do("CreateListener", form)
	if err != nil {
		return "", err
	}
	return out.list("Listeners")[0].say("ListenerArn"), nil
}

// AddRule makes a rule for a host or a path, "" for neither, and returns its ARN.
func (s *Server) AddRule(listener string, priority int, host, path string, actions url.Values) (string, error) {
	form := maps.Clone(actions)
	form.Set("ListenerArn", listener)
	form.Set("Priority", strconv.Itoa(priority))
	n := 0
	for _, c := range []struct{ field, of, value string }{
		{"host-header", "HostHeaderConfig", host}, {"path-pattern", "PathPatternConfig", path},
	} {
		if c.value != "" {
			n++
			at := "Conditions.member." + strconv.Itoa(n)
			form.Set(at+".Field", c.field)
			form.Set(at+"."+c.of+".Values.member.1", c.value)
		}
	}
	out, err := s.do("CreateRule", form)
	if err != nil {
		return "", err
	}
	return out.list("Rules")[0].say("RuleArn"), nil
}

// Edit sets the weights of a rule or a listener's default action past the API,
// as somebody in the console would: at once, for all readers. A group that is not
// there is added, and one with a weight below 0 taken out.
func (s *Server) Edit(place string, weights map[string]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.actionsOf(place)
	if at == nil {
		return
	}
	all := at.now.clone()
	for _, a := range all.items {
		forward := a.get("ForwardConfig")
		if forward == nil {
			continue
		}
		left := maps.Clone(weights)
		var groups []*node
		for _, t := range forward.list("TargetGroups") {
			group := t.say("TargetGroupArn")
			if w, ok := left[group]; ok {
				t.fields["Weight"] = number(w)
			}
			if left[group] >= 0 {
				groups = append(groups, t)
			}
			delete(left, group)
		}
		for _, group := range slices.Sorted(maps.Keys(left)) {
			groups = append(groups, object(map[string]*node{"TargetGroupArn": words(group), "Weight": number(left[group])}))
		}
		forward.fields["TargetGroups"] = items(groups...)
	}
	at.set(all, 0)
}

// Weights are those by which a rule's or listener's traffic is split now, by the
// groups' ARNs.
func (s *Server) Weights(place string) map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, out := s.actionsOf(place), map[string]int{}
	if at == nil {
		return out
	}
	for _, a := range at.now.items {
		for _, t := range a.get("ForwardConfig").list("TargetGroups") {
			out[t.say("TargetGroupArn")], _ = strconv.Atoi(t.say("Weight")) // the shape has checked it
		}
	}
	return out
}

func (s *Server) actionsOf(place string) *lagging[*node] {
	if r := s.rules[place]; r != nil {
		return &r.actions
	}
	if l := s.listeners[place]; l != nil {
		return &l.actions
	}
	return nil
}

// Show writes all of a rule or listener but its weights and tags, its secrets
// too: what a release must leave as it is.
func (s *Server) Show(place string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.actionsOf(place)
	if at == nil {
		return ""
	}
	out := ""
	if r := s.rules[place]; r != nil {
		out = fmt.Sprintf("priority: %d\n", r.priority) + show("conditions", r.conditions)
	} else {
		l := s.listeners[place]
		out = fmt.Sprintf("%s %s\n", l.protocol, l.port)
	}
	return out + show("actions", at.now)
}

// show writes a value with one line for each word.
func show(at string, n *node) (out string) {
	if n == nil {
		return ""
	}
	for i, item := range n.items {
		out += show(at+"."+strconv.Itoa(i+1), item)
	}
	for _, name := range slices.Sorted(maps.Keys(n.fields)) {
		if name != "Weight" {
			out += show(at+"."+name, n.fields[name])
		}
	}
	if n.items == nil && n.fields == nil {
		out = at + ": " + n.words + "\n"
	}
	return out
}

// Tags are those of a rule or listener.
func (s *Server) Tags(place string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.tagsOf(place))
}

func (s *Server) tagsOf(place string) map[string]string {
	if r := s.rules[place]; r != nil {
		return r.tags
	}
	if l := s.listeners[place]; l != nil {
		return l.tags
	}
	return nil
}
