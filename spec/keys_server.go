package spec

import "slices"

var serverSpecKeys = &object[Server]{keys: slices.Concat(serverKeys, keepServerKeys, loginServerKeys, reachServerKeys)}

var serverKeys = []key[Server]{
	{name: "listen", doc: "The one address that is listened on. Without a login configured it must be of this machine alone.", def: "127.0.0.1:8440",
		bind: at(func(s *Server) *string { return &s.Listen }, address)},
	{name: "publicURL", doc: "How people and other programs reach it, for links and logins.", words: "the address",
		bind: at(func(s *Server) *string { return &s.PublicURL }, httpURL)},
	{name: "databaseFile", doc: "A file with the URL of a PostgreSQL database, for several machines (`postgres://…`).", words: "SQLite in the data folder",
		bind: at(func(s *Server) *string { return &s.DatabaseFile }, filePath)},
	{name: "releases", doc: "Folders whose release files are applied.", words: "none",
		bind: at(func(s *Server) *[]string { return &s.Releases }, &listOf[string]{item: filePath})},
	{name: "access", doc: "A file of kind Access: who may do what.", words: "everybody who reaches it may do everything",
		bind: at(func(s *Server) *string { return &s.Access }, filePath)},
	{name: "guards", doc: "A file of kind Guards: what every release must meet.", words: "none",
		bind: at(func(s *Server) *string { return &s.Guards }, filePath)},
	{name: "notices", doc: "A file of kind Notices: who is told of what, and where.", words: "the log",
		bind: at(func(s *Server) *string { return &s.Notices }, filePath)},
	{name: "hooks", doc: "A file of kind Hooks: who may announce versions, and what is sent to whom.", words: "none",
		bind: at(func(s *Server) *string { return &s.Hooks }, filePath)},
}
