package spec

import (
	"regexp"
	"strconv"

	"github.com/linnet-project/linnet/release"
)

// HAProxy is a running HAProxy: by Backend and Servers, or by Map and Backends.
type HAProxy struct {
	Asks
	// Socket is its runtime API, a path or host:port.
	Socket string
	// Backend holds the servers of both arms, Servers are they, by arm name.
	Backend string
	Servers map[string][]string
	// Map is the map that the frontend draws by, MapFile the file of it that is
	// written too, and Backends are those of the arms, by arm name.
	Map, MapFile string
	Backends     map[string]string
}

// haproxyGrains are the finest weights that so many servers can have: a server
// has 256 at most, and an arm may get the whole.
var haproxyGrains = []release.Weight{10, 20, 50, 100, 200, 500, 1000}

func (h *HAProxy) grain() release.Weight {
	if len(h.Servers) == 0 {
		return 1
	}
	fewest := min(len(h.Servers["baseline"]), len(h.Servers["candidate"]))
	for _, g := range haproxyGrains {
		if int(release.Whole/g) <= 256*fewest {
			return g
		}
	}
	return 0 // an arm without servers, which is an error of its own
}

// fences is true where the map's entry has room for the epoch.
func (h *HAProxy) fences() bool { return h.Map != "" }

var haproxyKeys = &object[HAProxy]{exactly: []string{"backends", "servers"},
	atMost: [][]string{{"servers", "map"}, {"servers", "mapFile"}, {"servers", "testers"}, {"servers", "sticky"}, {"backends", "backend"}},
	keys: []key[HAProxy]{
		{name: "socket", doc: "The runtime API: a socket's path, or host:port. It needs `level admin`.", need: true, sample: "/run/haproxy/linnet.sock",
			bind: at(func(h *HAProxy) *string { return &h.Socket }, haproxyWord.forUse(UseSocket))},
		{name: "map", doc: "The map that the frontend draws the arm by, as HAProxy's configuration names it. Needs backends.",
			bind: at(func(h *HAProxy) *string { return &h.Map }, haproxyWord)},
		{name: "mapFile", doc: "The map's file, which is written after each change, so that HAProxy starts with it.", words: "not written",
			bind: at(func(h *HAProxy) *string { return &h.MapFile }, writePath)},
		{name: "backends", doc: "The backends of the arms, for a map.",
			bind: at(func(h *HAProxy) *map[string]string { return &h.Backends }, haproxyBackends)},
		{name: "backend", doc: "The backend that holds the servers of both arms. Needs servers.",
			bind: at(func(h *HAProxy) *string { return &h.Backend }, haproxyWord)},
		{name: "servers", doc: "The servers of the arms, whose weights are set. All of the backend that take traffic must be here.",
			bind: at(func(h *HAProxy) *map[string][]string { return &h.Servers }, haproxyServers)},
		testersKey(func(h *HAProxy) *release.Testers { return &h.Testers }, testerAny),
		stickyKey(func(h *HAProxy) *release.Sticky { return &h.Sticky }, byEither),
	}}

var haproxyBackends = &object[map[string]string]{keys: []key[map[string]string]{
	{name: "baseline", doc: "The baseline's backend.", need: true, sample: "checkout-baseline",
		bind: entry("baseline", haproxyWord)},
	{name: "candidate", doc: "The candidate's backend.", need: true, sample: "checkout-candidate",
		bind: entry("candidate", haproxyWord)},
}}

var haproxyServers = &object[map[string][]string]{keys: []key[map[string][]string]{
	{name: "baseline", doc: "The baseline's servers.", need: true, sample: "[v1-a, v1-b]",
		bind: entry("baseline", &listOf[string]{item: haproxyWord, min: 1})},
	{name: "candidate", doc: "The candidate's servers.", need: true, sample: "[v2-a, v2-b]",
		bind: entry("candidate", &listOf[string]{item: haproxyWord, min: 1})},
}}

const haproxyPattern = `^[A-Za-z0-9_.:/@+=~,%#-]{1,500}$`

var (
	haproxyLike = regexp.MustCompile(haproxyPattern)
	haproxyWord = &kind[string]{noun: "a word of letters, digits and -_.:/", pattern: haproxyPattern, format: same,
		parse: func(s string) (string, fault) {
			return matched(s, haproxyLike, "is not a word of letters, digits and -_.:/", "write it as HAProxy's configuration does, without spaces")
		}}
	// haproxyName is a header's or cookie's name that an entry of a map can hold.
	haproxyName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
)

// edgeRules checks what must hold between the keys of HAProxy and of nginx.
func edgeRules(c *checker, f *File) {
	edgeRule(c, f, f.Traffic, "spec.traffic")
	for i, part := range f.Traffic.Several {
		edgeRule(c, f, part, "spec.traffic.several["+strconv.Itoa(i)+"]")
	}
}

func edgeRule(c *checker, f *File, t Traffic, path string) {
	if h := t.HAProxy; h != nil {
		if !haproxyLike.MatchString(f.Service) && c.fine("spec.service") {
			c.fail("spec.service", clip(f.Service)+" is not what HAProxy's commands take", "write a word of letters, digits and -_.:/")
		}
		haproxyRules(c, h, path+".haproxy")
	}
	if n := t.Nginx; n != nil {
		nginxRules(c, n, path+".nginx")
	}
}

func haproxyRules(c *checker, h *HAProxy, path string) {
	there := func(key string) bool { _, ok := c.where[join(path, key)]; return ok }
	if there("servers") && !there("backend") {
		c.fail(path+".backend", "is missing", "write the name of the backend that holds the servers")
	}
	if there("backends") && !there("map") {
		c.fail(path+".map", "is missing", "write the map as HAProxy's configuration names it")
	}
	if b := h.Backends; b["baseline"] != "" && b["baseline"] == b["candidate"] {
		c.fail(path+".backends.candidate", "is the baseline's backend too", "give each arm its own")
	}
	seen := map[string]bool{}
	for _, arm := range []string{"baseline", "candidate"} {
		for i, name := range h.Servers[arm] {
			if seen[name] && name != "" {
				c.fail(path+".servers."+arm+"["+strconv.Itoa(i)+"]", clip(name)+" is there twice", "name each server once")
			}
			seen[name] = true
		}
	}
	plainNames(c, h.Asks, path, haproxyName, haproxyName)
}

// plainNames holds the names of headers and cookies to those that can stand in a
// provider's own configuration.
func plainNames(c *checker, a Asks, path string, headers, cookies *regexp.Regexp) {
	for _, n := range []struct {
		at, name string
		like     *regexp.Regexp
	}{
		{".testers.header", a.Testers.Header, headers}, {".testers.cookie", a.Testers.Cookie, cookies},
		{".sticky.header", a.Sticky.Header, headers}, {".sticky.cookie", a.Sticky.Cookie, cookies},
	} {
		if n.name != "" && !n.like.MatchString(n.name) && c.fine(path+n.at) {
			c.fail(path+n.at, clip(n.name)+" cannot be written there", "take a name of letters, digits and -")
		}
	}
}
