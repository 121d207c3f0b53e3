package spec

import "time"

// Keeping is how long a server keeps what is over, and who removes it.
type Keeping struct {
	// Audit is how long lines of the audit are kept; 0 for as long as the
	// database.
	Audit time.Duration
	// DatabaseFile holds the URL of the role that removes what is old, where that
	// of the server may not; empty for the server's own.
	DatabaseFile string
}

// Anchoring is where the heads of all chains are kept besides, signed.
type Anchoring struct {
	File, KeyFile string
	Every         time.Duration
	// Put is a URL under which each anchor is put, too; empty for nowhere.
	// TokenFile holds what proves that we may; empty for nothing.
	Put, TokenFile string
}

// keepServerKeys are the settings of what is kept, and of what proves it.
var keepServerKeys = []key[Server]{
	{name: "retain", doc: "How long releases that ended are kept.", def: "90d",
		bind: at(func(s *Server) *time.Duration { return &s.Retain }, durations)},
	grouped("retention", "How what is old is removed.", at(func(s *Server) *Keeping { return &s.Retention }, keepingKeys)),
	{name: "anchors", doc: "Where the heads of all chains are kept besides, signed, so that even what an administrator of the database changes shows.", words: "nowhere",
		bind: at(func(s *Server) **Anchoring { return &s.Anchors }, optional[Anchoring]{anchoringKeys})},
}

var keepingKeys = &object[Keeping]{keys: []key[Keeping]{
	{name: "audit", doc: "How long lines of the audit are kept; `0s` for as long as the database.", def: "0s",
		bind: at(func(k *Keeping) *time.Duration { return &k.Audit }, durations)},
	{name: "databaseFile", doc: "A file with the URL of the PostgreSQL role that may delete what is old, where the server's own may not.", words: "the server's own",
		bind: at(func(k *Keeping) *string { return &k.DatabaseFile }, filePath)},
}}

var anchoringKeys = &object[Anchoring]{keys: []key[Anchoring]{
	{name: "file", doc: "The file that anchors are appended to. Best on another disk, which others can read and only Linnet writes.", need: true, sample: "/var/lib/linnet-anchors/anchors",
		bind: at(func(a *Anchoring) *string { return &a.File }, filePath)},
	{name: "keyFile", doc: "The file with the Ed25519 key that signs them, read each time; `linnet audit key` makes one.", need: true, sample: "/etc/linnet/anchors.key",
		bind: at(func(a *Anchoring) *string { return &a.KeyFile }, filePath)},
	{name: "every", doc: "How often an anchor is made, if anything changed.", def: "1h",
		bind: at(func(a *Anchoring) *time.Duration { return &a.Every }, durations)},
	{name: "put", doc: "A URL that each anchor is put under as well, by HTTP PUT and a name of its own: an object store that keeps what is there.", words: "nowhere",
		bind: at(func(a *Anchoring) *string { return &a.Put }, httpURL)},
	{name: "tokenFile", doc: "The file with the bearer token for `put`, read each time.", words: "none",
		bind: at(func(a *Anchoring) *string { return &a.TokenFile }, filePath)},
}}

// keepRules checks what must hold between them.
func keepRules(c *checker, s Server) {
	if c.fine("spec.retain") && s.Retain < time.Hour {
		c.fail("spec.retain", "would remove a release nearly as soon as it ends", "write at least 1h")
	}
	if c.fine("spec.retention") && s.Retention.Audit != 0 && s.Retention.Audit < 24*time.Hour {
		c.fail("spec.retention.audit", "would remove lines that nobody has read", "write at least 1d, or 0s for as long as the database")
	}
	if s.Anchors == nil || !c.fine("spec.anchors") {
		return
	}
	if s.Anchors.Every < time.Minute {
		c.fail("spec.anchors.every", "is too often: each anchor names every chain that changed", "write at least 1m")
	}
	if s.Anchors.TokenFile != "" && !private(s.Anchors.Put) {
		c.fail("spec.anchors.put", "would send the token over the network for all to read", "write https://")
	}
}
