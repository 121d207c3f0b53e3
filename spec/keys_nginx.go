package spec

import (
	"regexp"
	"strings"

	"github.com/linnet-project/linnet/release"
)

// Nginx is a file that nginx's configuration includes.
type Nginx struct {
	Asks
	// File is written whole.
	File string
	// Status is the address at which nginx tells what is served.
	Status string
	// Variable holds the upstream's name.
	Variable string
	// Upstreams are those of the arms, by arm name.
	Upstreams map[string]string
	// Test and Reload are commands: a program and its arguments.
	Test, Reload []string
}

func (*Nginx) grain() release.Weight { return 10 }

var nginxKeys = &object[Nginx]{keys: []key[Nginx]{
	{name: "file", doc: "The file that Linnet writes whole, and nginx's configuration includes in its http block.", need: true, sample: "/etc/nginx/linnet/checkout.conf",
		bind: at(func(n *Nginx) *string { return &n.File }, writePath)},
	{name: "status", doc: "An address at which nginx tells Linnet what is served. Each service needs its own; keep it on a loopback address.", need: true, sample: "127.0.0.1:8442",
		bind: at(func(n *Nginx) *string { return &n.Status }, address.forUse(UseHost))},
	{name: "upstreams", doc: "The upstreams of the arms.", need: true, sample: "{ baseline: checkout_baseline, candidate: checkout_candidate }",
		bind: at(func(n *Nginx) *map[string]string { return &n.Upstreams }, nginxUpstreams)},
	{name: "variable", doc: "The variable that holds the name of the upstream, for proxy_pass.", words: "`linnet_` and the service, with _ for what is no letter or digit",
		bind: at(func(n *Nginx) *string { return &n.Variable }, nginxVariable)},
	{name: "test", doc: "The command that tests nginx's configuration, as a list; no shell reads it.", def: "[nginx, -t]",
		bind: at(func(n *Nginx) *[]string { return &n.Test }, &listOf[string]{item: commandWord, min: 1})},
	{name: "reload", doc: "The command that makes the configuration take effect, as a list; no shell reads it.", def: "[nginx, -s, reload]",
		bind: at(func(n *Nginx) *[]string { return &n.Reload }, &listOf[string]{item: commandWord, min: 1})},
	testersKey(func(n *Nginx) *release.Testers { return &n.Testers }, testerAny),
	stickyKey(func(n *Nginx) *release.Sticky { return &n.Sticky }, byEither),
}}

var nginxUpstreams = &object[map[string]string]{keys: []key[map[string]string]{
	{name: "baseline", doc: "The baseline's upstream.", need: true, sample: "checkout_baseline",
		bind: entry("baseline", nginxUpstream)},
	{name: "candidate", doc: "The candidate's upstream.", need: true, sample: "checkout_candidate",
		bind: entry("candidate", nginxUpstream)},
}}

const (
	upstreamPattern = `^[A-Za-z0-9_.:\[\]-]{1,200}$`
	variablePattern = `^[A-Za-z_][A-Za-z0-9_]{0,47}$`
)

var (
	upstreamLike  = regexp.MustCompile(upstreamPattern)
	variableLike  = regexp.MustCompile(variablePattern)
	nginxUpstream = &kind[string]{noun: "the name of an upstream", pattern: upstreamPattern, format: same,
		parse: func(s string) (string, fault) {
			return matched(s, upstreamLike, "is not the name of an upstream", "write it as nginx's configuration does")
		}}
	nginxVariable = &kind[string]{noun: "a variable of letters, digits and _", pattern: variablePattern, format: same,
		parse: func(s string) (string, fault) {
			return matched(s, variableLike, "is not a variable of letters, digits and _", "write it without the $, at most 48 characters")
		}}
	// What nginx can look for in a request by name.
	nginxHeader = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
	nginxCookie = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
)

func nginxRules(c *checker, n *Nginx, path string) {
	if u := n.Upstreams; u["baseline"] != "" && u["baseline"] == u["candidate"] {
		c.fail(path+".upstreams.candidate", "is the baseline's upstream too", "give each arm its own")
	}
	if c.fine(path+".status") && strings.HasPrefix(n.Status, ":") {
		c.fail(path+".status", "has no host", "write one such as 127.0.0.1:8442")
	}
	plainNames(c, n.Asks, path, nginxHeader, nginxCookie)
}
