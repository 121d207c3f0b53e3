package spec

import (
	"net/netip"
	"time"
)

// Server is how `linnet serve` serves, with every default filled in.
type Server struct {
	// Text is the file as it was read; Hash the SHA-256 of Text, in hex.
	Text []byte
	Hash string

	// Listen is the one address of everything: API, pages, metrics. PublicURL is
	// how people and other programs reach it; empty for the address itself.
	Listen    string
	PublicURL string
	// DatabaseFile holds the URL of a PostgreSQL database; empty for SQLite in
	// the data folder.
	DatabaseFile string
	// Releases are folders whose release files are applied; see package gitops.
	Releases []string
	// Access, Guards, Notices and Hooks are files of their own kinds; empty for
	// none. A path is relative to the server's file.
	Access, Guards, Notices, Hooks string
	// Login is how people and programs prove who they are; nil for not at all.
	// TLS is the certificate to show; nil for plain HTTP. TrustedProxies are
	// believed what they say of whom they pass on.
	Login          *Login
	TLS            *Certificate
	TrustedProxies []netip.Prefix
	// Reach is what release files may use; nil for everything where there is no
	// login, and as if it were empty where there is one.
	Reach *Reach
	// Retain is how long releases that ended are kept.
	Retain    time.Duration
	Retention Keeping
	// Anchors is where heads are kept besides; nil for nowhere.
	Anchors *Anchoring
}

var serverDocument = document[Server]{
	kind: "Server", title: "settings of the server", keys: headed("Server", serverSpecKeys), rules: serverRules,
	read: func(s *Server) (*[]byte, *string) { return &s.Text, &s.Hash },
}

// ParseServer reads the settings of `linnet serve`, as Parse reads a release
// file: name is what errors call it, and an error holds all that is wrong.
func ParseServer(name string, text []byte) (Server, error) { return serverDocument.parse(name, text) }

// DefaultServer is what holds where there is no file.
func DefaultServer() Server {
	s, err := ParseServer("default", []byte("apiVersion: linnet/v1\nkind: Server\n"))
	if err != nil {
		// A test reads the defaults of the table.
		return Server{}
	}
	return s
}

// FormatServer writes settings in full, with every default spelled out.
func FormatServer(s Server) []byte { return serverDocument.format(s) }

// serverRules checks what must hold between the keys.
func serverRules(c *checker, s Server) {
	loginRules(c, s)
	keepRules(c, s)
}
