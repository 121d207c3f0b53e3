package albtest

import (
	"encoding/base64"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// Cookie keeps a user in a target group.
const Cookie = "AWSALBTG"

// Traffic is what a listener does with requests: the first rule by priority
// whose conditions hold, or the default action, says which group's backend
// answers. Whoever has the cookie of a group of an action with group stickiness
// stays in it, whatever its weight.
func (s *Server) Traffic(listener string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		backend, cookie, status := s.route(listener, r)
		s.mu.Unlock()
		if backend == nil {
			w.WriteHeader(status)
			return
		}
		if cookie != nil {
			http.SetCookie(w, cookie)
		}
		backend.ServeHTTP(w, r)
	})
}

// route finds who answers a request; mu is held.
func (s *Server) route(at string, r *http.Request) (backend http.Handler, cookie *http.Cookie, status int) {
	l := s.listeners[at]
	if l == nil {
		return nil, nil, http.StatusServiceUnavailable
	}
	actions := l.actions.now
	for _, one := range s.rulesOf(at) {
		if one.matches(r) {
			actions = one.actions.now
			break
		}
	}
	last := actions.items[len(actions.items)-1]
	if fixed := last.get("FixedResponseConfig"); fixed != nil {
		status, _ = strconv.Atoi(fixed.say("StatusCode")) // the shape has checked it
		return nil, nil, status
	}
	if last.say("Type") != "forward" {
		return nil, nil, http.StatusNotImplemented
	}
	group, cookie := s.choose(last.get("ForwardConfig"), r)
	if g := s.groups[group]; g != nil && len(g.targets) > 0 && g.backend != nil {
		return g.backend, cookie, 0
	}
	return nil, nil, http.StatusServiceUnavailable
}

// choose picks the group of a request, and the cookie that keeps it there.
func (s *Server) choose(config *node, r *http.Request) (group string, cookie *http.Cookie) {
	sticky := config.get("TargetGroupStickinessConfig")
	on := sticky.say("Enabled") == "true"
	total := 0
	weights := map[string]int{}
	for _, t := range config.list("TargetGroups") {
		n, _ := strconv.Atoi(t.say("Weight")) // checked when it came
		weights[t.say("TargetGroupArn")] = n
		total += n
	}
	if kept, ok := s.kept(r); on && ok {
		if _, ours := weights[kept]; ours {
			return kept, nil
		}
	}
	if total == 0 {
		return "", nil
	}
	left := s.draw.IntN(total)
	for _, t := range config.list("TargetGroups") {
		group = t.say("TargetGroupArn")
		if left -= weights[group]; left < 0 {
			break
		}
	}
	if on {
		seconds, _ := strconv.Atoi(sticky.say("DurationSeconds")) // checked when it came
		until := s.config.Now().Add(time.Duration(seconds) * time.Second)
		value := base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(until.Unix(), 10) + " " + group))
		cookie = &http.Cookie{Name: Cookie, Value: value, Path: "/", Expires: until}
	}
	return group, cookie
}

// kept is the group in a request's cookie, while that is valid.
func (s *Server) kept(r *http.Request) (string, bool) {
	c, err := r.Cookie(Cookie)
	if err != nil {
		return "", false
	}
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return "", false
	}
	until, group, _ := strings.Cut(string(text), " ")
	n, err := strconv.ParseInt(until, 10, 64)
	return group, err == nil && s.config.Now().Unix() < n
}

// matches says whether all conditions of a rule hold for a request.
func (r *rule) matches(req *http.Request) bool {
	for _, c := range r.conditions.items {
		field := c.say("Field")
		values := append(c.list("Values"), c.get(fieldConfigs[field]).list("Values")...)
		have := req.Host
		switch field {
		case "path-pattern":
			have = req.URL.Path
		case "http-header":
			have = req.Header.Get(c.get("HttpHeaderConfig").say("HttpHeaderName"))
		}
		if !anyFits(values, have, field != "path-pattern") {
			return false
		}
	}
	return true
}

// anyFits matches patterns with * and ?, in which * takes slashes too.
func anyFits(patterns []*node, have string, fold bool) bool {
	plain := strings.NewReplacer("/", "\x00", "[", `\[`, `\`, `\\`)
	have = strings.ReplaceAll(have, "/", "\x00")
	for _, p := range patterns {
		pattern := plain.Replace(p.words)
		if fold {
			pattern, have = strings.ToLower(pattern), strings.ToLower(have)
		}
		if ok, err := path.Match(pattern, have); err == nil && ok {
			return true
		}
	}
	return false
}
