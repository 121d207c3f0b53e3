package spec

import (
	"net/netip"
	"strings"
	"time"
)

// SQL is a database that answers metrics which are queries; exactly one of the
// databases is set.
type SQL struct {
	Postgres   *Database
	MySQL      *Database
	SQLite     *DatabaseFile
	ClickHouse *Database
	// Grain is the width of the buckets that queries group by.
	Grain time.Duration
	// Lag is how long after an event its row can be read.
	Lag     time.Duration
	Timeout time.Duration
}

// Database is a database's server.
type Database struct {
	// Host may be the path of a socket.
	Host         string
	Port         int64
	Database     string
	User         string
	PasswordFile string
	Encrypted    bool
	TLS
}

// DatabaseFile is a database without a server.
type DatabaseFile struct {
	File string
}

var sqlKeys = &object[SQL]{exactly: []string{"postgres", "mysql", "sqlite", "clickHouse"}, keys: []key[SQL]{
	{name: "postgres", doc: "A PostgreSQL server, or what speaks its protocol.",
		bind: at(func(s *SQL) **Database { return &s.Postgres }, optional[Database]{databaseKeys(key[Database]{def: "5432"})})},
	{name: "mysql", doc: "A MySQL or MariaDB server.",
		bind: at(func(s *SQL) **Database { return &s.MySQL }, optional[Database]{databaseKeys(key[Database]{def: "3306"})})},
	{name: "sqlite", doc: "A file of SQLite.",
		bind: at(func(s *SQL) **DatabaseFile { return &s.SQLite }, optional[DatabaseFile]{databaseFileKeys})},
	{name: "clickHouse", doc: "A ClickHouse server, by its HTTP interface.",
		bind: at(func(s *SQL) **Database { return &s.ClickHouse }, optional[Database]{databaseKeys(key[Database]{derive: portOfClickHouse, words: "8443; 8123 where the connection is not encrypted"})})},
	{name: "grain", doc: "The width of the buckets that queries group by: `:from` begins on its grid, `:step` is it in seconds.", def: "15s",
		bind: at(func(s *SQL) *time.Duration { return &s.Grain }, between(durations, time.Second, time.Hour))},
	{name: "lag", doc: "How long after an event its row can be read at the latest: the longest transaction that writes one, the delay of a replica or a pipeline.", def: "10s", zero: true,
		bind: at(func(s *SQL) *time.Duration { return &s.Lag }, between(durations, 0, time.Hour))},
	{name: "timeout", doc: "How long a query may take.", def: "10s",
		bind: at(func(s *SQL) *time.Duration { return &s.Timeout }, between(durations, 100*time.Millisecond, 5*time.Minute))},
}}

// databaseKeys are those of a server; port has the default of the port.
func databaseKeys(port key[Database]) *object[Database] {
	port.name, port.doc = "port", "The port that it listens on."
	port.bind = at(func(d *Database) *int64 { return &d.Port }, between(wholes, 1, 65535))
	return &object[Database]{keys: []key[Database]{
		{name: "host", doc: "The server's name or address; or the path of a socket of this machine (of PostgreSQL: of its folder).", need: true, sample: "db.example.com",
			bind: at(func(d *Database) *string { return &d.Host }, freeText.forUse(UseSocket))},
		port,
		{name: "database", doc: "The database's name.", need: true, sample: "shop",
			bind: at(func(d *Database) *string { return &d.Database }, freeText)},
		{name: "user", doc: "The user, who should have the right to read what the queries read and no other.", need: true, sample: "linnet",
			bind: at(func(d *Database) *string { return &d.User }, freeText)},
		{name: "passwordFile", doc: "The file that holds the password.", words: "no password",
			bind: at(func(d *Database) *string { return &d.PasswordFile }, filePath)},
		{name: "encrypted", doc: "Whether the connection is encrypted.", derive: encryptedByDefault, words: "`true`; `false` on this machine",
			bind: at(func(d *Database) *bool { return &d.Encrypted }, booleans)},
		{name: "tls", doc: "How the server's certificate is checked, and what is shown to it.",
			bind: at(func(d *Database) *TLS { return &d.TLS }, tlsKeys)},
	}}
}

var databaseFileKeys = &object[DatabaseFile]{keys: []key[DatabaseFile]{
	{name: "file", doc: "The file's path.", need: true, sample: "/var/lib/shop/shop.db",
		bind: at(func(d *DatabaseFile) *string { return &d.File }, filePath)},
}}

// encryptedByDefault is false where nothing leaves this machine.
func encryptedByDefault(database *node) string {
	host := database.get("host")
	if host == nil {
		return "true"
	}
	ip, err := netip.ParseAddr(host.text)
	if host.text == "localhost" || strings.HasPrefix(host.text, "/") || err == nil && ip.IsLoopback() {
		return "false"
	}
	return "true"
}

func portOfClickHouse(database *node) string {
	encrypted := encryptedByDefault(database)
	if n := database.get("encrypted"); n != nil {
		encrypted = n.text
	}
	if encrypted == "false" {
		return "8123"
	}
	return "8443"
}

func (s *SQL) pace() (grain, lag time.Duration) { return s.Grain, s.Lag }

func (s *SQL) rules(c *checker, _ *File, path string) {
	for name, d := range map[string]*Database{"postgres": s.Postgres, "mysql": s.MySQL, "clickHouse": s.ClickHouse} {
		if d == nil {
			continue
		}
		at := join(path, name)
		certificateRules(c, d.TLS, at)
		if !d.Encrypted && d.TLS != (TLS{}) && c.fine(at+".encrypted", at+".tls") {
			c.fail(at+".tls", "says how a connection is encrypted that is not", "write encrypted: true, or take tls out")
		}
	}
}
