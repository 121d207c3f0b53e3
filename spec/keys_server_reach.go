package spec

import (
	"net/netip"
	"strings"
)

// Reach is what release files may use of a server. Where it is set, what it does
// not name is refused.
type Reach struct {
	// Commands may be run: words with spaces between, the last of which may be *
	// for any further ones.
	Commands []string
	// Files are folders, or files, that may be read, Write those that may be
	// written.
	Files, Write []string
	// Listen allows listeners in the server.
	Listen bool
	// Hosts may be asked: names, *.names, addresses and networks. None means all
	// but the machine itself and what is on its link.
	Hosts []string
}

// reachServerKeys is the setting of what release files may use.
var reachServerKeys = []key[Server]{
	{name: "reach", doc: "What release files may use of this machine, and reach from it; everything else is refused.",
		words: "with a login as `{}`, without one everything",
		bind:  at(func(s *Server) **Reach { return &s.Reach }, optional[Reach]{reachSettingKeys})},
}

var reachSettingKeys = &object[Reach]{keys: []key[Reach]{
	{name: "commands", doc: "Commands that may be run, such as `nginx -s reload`. A `*` at the end stands for any further arguments. A program with a slash in its name is given by its absolute path.", words: "none",
		bind: at(func(r *Reach) *[]string { return &r.Commands }, &listOf[string]{item: freeText})},
	{name: "files", doc: "Folders whose files may be read: whoever may begin releases can have these sent to any of the hosts.", words: "none",
		bind: at(func(r *Reach) *[]string { return &r.Files }, &listOf[string]{item: filePath})},
	{name: "write", doc: "Folders whose files and sockets may be written.", words: "none",
		bind: at(func(r *Reach) *[]string { return &r.Write }, &listOf[string]{item: filePath})},
	{name: "listen", doc: "Whether splitters and front doors may listen in the server.", def: "false",
		bind: at(func(r *Reach) *bool { return &r.Listen }, booleans)},
	{name: "hosts", doc: "Hosts that may be asked: names, `*.example.com`, addresses and networks. A name is held against names alone, an address against networks alone.",
		words: "all but this machine itself, what is on its link, and the metadata of clouds",
		bind:  at(func(r *Reach) *[]string { return &r.Hosts }, &listOf[string]{item: reachedHosts})},
}}

var reachedHosts = &kind[string]{noun: "a host's name, *.name, address or network", format: same, parse: func(s string) (string, fault) {
	_, bad := parseNetwork(s)
	if _, err := netip.ParsePrefix(s); err == nil || bad == (fault{}) {
		return s, bad
	}
	if _, bad := parseHost(strings.TrimPrefix(s, "*.")); bad != (fault{}) {
		return "", fault{"is no host", "write a name, *.example.com, an address or a network such as 10.0.0.0/8"}
	}
	return strings.ToLower(s), fault{}
}}
