package nginx

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// mark begins every file of ours, and stampMark the line with its stamp.
const (
	mark      = "# Written by Linnet, as a whole."
	stampMark = "# linnet: "
)

// statusName is the name of the server that Linnet asks: no host on the network
// can have it.
const statusName = "linnet.invalid"

var (
	headerName = regexp.MustCompile(`^[A-Za-z0-9-]{1,63}$`)
	cookieName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,63}$`)
)

// render is the whole file for a route, whose weights are in the order of arms.
//
// Users are drawn by a hash of key: of what the request brings, or of the
// request's own random id, or, on the server for Linnet alone, of what Linnet
// sends there.
func (c Config) render(route release.Route, weights []release.Weight) (string, error) {
	var b strings.Builder
	line := func(format string, args ...any) {
		fmt.Fprintf(&b, strings.ReplaceAll(format, "@", "$"+c.Variable)+"\n", args...)
	}
	line("%s Include it in nginx's http block, and", mark)
	line("# send requests to the upstream it names: proxy_pass http://@;")
	line("%s%s", stampMark, split.StampOf(route))
	line("")
	key, err := c.user(line, route)
	if err != nil {
		return "", err
	}
	line("map $server_name @_key {\n    default %s;\n    %s $arg_key;\n}", key, statusName)
	line("split_clients @_key @_drawn {")
	c.parts(line, weights)
	line("}")
	if err := c.testers(line, route.Testers); err != nil {
		return "", err
	}
	line("server {\n    listen %s;\n    server_name %s;\n    access_log off;\n    keepalive_timeout 5s;\n    keepalive_requests 1000;", c.Status, statusName)
	line("    location / {\n        default_type text/plain;\n        return 200 \"%d %s $pid @_drawn\";\n    }",
		route.Epoch, url.QueryEscape(route.Owner))
	c.known(line, weights)
	line("}")
	return b.String(), nil
}

// known names the upstreams that get traffic where nginx looks for them when it
// tests its configuration; those that a variable names it would miss only with
// the first request. An arm without traffic is left out, so that its upstream
// may be gone when a release rolls back.
func (c Config) known(line func(string, ...any), weights []release.Weight) {
	line("    # So that nginx's test finds what is missing; nobody can come here.")
	for i, arm := range c.Arms {
		if weights[i] > 0 {
			line("    location = /%[1]s { internal; proxy_pass http://%[1]s; }", arm.Upstream)
		}
	}
}

// user writes the map that tells users apart, where the route asks for it, and
// returns what a request is drawn by.
func (c Config) user(line func(string, ...any), route release.Route) (key string, err error) {
	salt := url.QueryEscape(route.Salt)
	switch {
	case route.Sticky.Header != "":
		if !headerName.MatchString(route.Sticky.Header) {
			return "", fmt.Errorf("the header %.100q must be letters, digits and - here: %w", route.Sticky.Header, release.ErrInvalid)
		}
		line("map $%[1]s @_user {\n    default \"%[2]s${%[1]s}\";\n    \"\" $request_id;\n}", headerVariable(route.Sticky.Header), salt)
	case route.Sticky.Cookie != "":
		if !cookieName.MatchString(route.Sticky.Cookie) {
			return "", fmt.Errorf("the cookie %.100q must be letters, digits and -_. here: %w", route.Sticky.Cookie, release.ErrInvalid)
		}
		line("map $http_cookie @_user {\n    default $request_id;\n    \"~(^|; *)%s=(?<%s_value>[^; ]+)\" \"%s@_value\";\n}",
			regexp.QuoteMeta(route.Sticky.Cookie), c.Variable, salt)
	default:
		return "$request_id", nil
	}
	return "$" + c.Variable + "_user", nil
}

func headerVariable(name string) string {
	return "http_" + strings.ToLower(strings.ReplaceAll(name, "-", "_"))
}

// parts writes the shares: of the arms after the first in their order, so that
// a user who sees one keeps seeing it while its weight grows, and the rest.
func (c Config) parts(line func(string, ...any), weights []release.Weight) {
	rest := 0
	if weights[0] == 0 { // nothing must be left over by rounding
		for i, w := range weights {
			if w > 0 {
				rest = i
			}
		}
	}
	for i, w := range weights {
		if i > 0 && i != rest && w > 0 {
			line("    %d.%02d%% %s;", w/1000, w%1000/grain, c.Arms[i].Upstream)
		}
	}
	line("    * %s;", c.Arms[rest].Upstream)
}

// testers writes the maps that lead testers to the arm they name, and ends in
// the variable that the user's configuration takes.
func (c Config) testers(line func(string, ...any), t release.Testers) error {
	drawn := "@_drawn"
	if t.Cookie != "" {
		if !cookieName.MatchString(t.Cookie) {
			return fmt.Errorf("the cookie %.100q must be letters, digits and -_. here: %w", t.Cookie, release.ErrInvalid)
		}
		line("map $http_cookie @_cookie {\n    default @_drawn;")
		for _, arm := range c.Arms {
			line("    \"~(^|; *)%s=%s *(;|$)\" %s;", regexp.QuoteMeta(t.Cookie), regexp.QuoteMeta(arm.Name), arm.Upstream)
		}
		line("}")
		drawn = "@_cookie"
	}
	if t.Header != "" {
		if !headerName.MatchString(t.Header) {
			return fmt.Errorf("the header %.100q must be letters, digits and - here: %w", t.Header, release.ErrInvalid)
		}
		line("map $%s @ {\n    default "+drawn+";", headerVariable(t.Header))
		for _, arm := range c.Arms {
			line("    \"\\\\%s\" %s;", arm.Name, arm.Upstream) // no word that map itself knows
		}
		line("}")
		return nil
	}
	line("map \"\" @ {\n    default " + drawn + ";\n}")
	return nil
}
