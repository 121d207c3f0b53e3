package sql

import (
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// DefaultTimeout is how long a query may take where Config has no Timeout.
const DefaultTimeout = 10 * time.Second

// Dialect names a kind of database.
type Dialect string

// The dialects.
const (
	PostgreSQL Dialect = "postgres"
	MySQL      Dialect = "mysql" // and MariaDB
	SQLite     Dialect = "sqlite"
	ClickHouse Dialect = "clickHouse"
)

// Config says where a database is and how to speak to it.
type Config struct {
	Dialect Dialect
	// Host and Port are where the server listens; a Host that begins with / is a
	// socket of this machine: of MySQL the socket, of PostgreSQL its folder.
	Host string
	Port int
	// Database is the one that is asked: of SQLite its file.
	Database string
	User     string
	// PasswordFile holds the password; it is read at every connection.
	PasswordFile string
	// Encrypted connections check the server's certificate against CAFile, instead
	// of the system's, and show CertFile with KeyFile. ServerName is the name to
	// expect in it, where it is not Host. Insecure checks nothing.
	Encrypted  bool
	CAFile     string
	CertFile   string
	KeyFile    string
	ServerName string
	Insecure   bool
	// Timeout is how long a query may take; 0 means DefaultTimeout.
	Timeout time.Duration
	// Grain is the width of the buckets that queries group by; :from begins on its
	// grid.
	Grain time.Duration
	// Now reads the clock that windows are made with.
	Now func() time.Time
}

// New makes a source; nothing is asked yet. Errors wrap release.ErrInvalid.
func New(c Config) (*Source, error) {
	d, ok := dialects[c.Dialect]
	switch {
	case !ok:
		return nil, invalid("sql: there is no dialect %.40q", c.Dialect)
	case c.Database == "":
		return nil, invalid("sql: database is empty")
	case c.Dialect != SQLite && (c.Host == "" || c.Port < 1 || c.Port > 65535):
		return nil, invalid("sql: host is empty, or port %d none", c.Port)
	case c.Timeout < 0 || c.Grain < 0:
		return nil, invalid("sql: timeout and grain must not be negative")
	case c.Now == nil:
		return nil, invalid("sql: there is no clock")
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	server, err := d.open(c)
	if err != nil {
		return nil, err
	}
	return &Source{config: c, dialect: d, server: server}, nil
}

// web is the configuration as asking over HTTP has it.
func (c Config) web() web.Config {
	return web.Config{
		Username: c.User, PasswordFile: c.PasswordFile, Timeout: c.Timeout, Now: c.Now,
		CAFile: c.CAFile, CertFile: c.CertFile, KeyFile: c.KeyFile, ServerName: c.ServerName, Insecure: c.Insecure,
	}
}

// tls is nil for a connection that is not encrypted.
func (c Config) tls() (*tls.Config, error) {
	if !c.Encrypted {
		return nil, nil
	}
	config, err := web.TLS(c.web())
	if err != nil {
		return nil, fmt.Errorf("sql: %w", err)
	}
	if config.ServerName == "" {
		config.ServerName = c.Host
	}
	return config, nil
}

// password reads the password, "" where there is none.
func (c Config) password() (string, error) {
	if c.PasswordFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", invalid("passwordFile: %v", err)
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" {
		return "", invalid("passwordFile %s is empty", c.PasswordFile)
	}
	return password, nil
}

// credential names what a server was shown.
func (c Config) credential() string {
	if c.PasswordFile == "" {
		return fmt.Sprintf("user %s without a password (there is no passwordFile)", c.User)
	}
	return fmt.Sprintf("user %s with the password in %s", c.User, c.PasswordFile)
}

// where names the database in errors.
func (c Config) where() string {
	switch {
	case c.Dialect == SQLite:
		return c.Database
	case strings.HasPrefix(c.Host, "/"):
		return c.Host + "/" + c.Database
	}
	return fmt.Sprintf("%s:%d/%s", c.Host, c.Port, c.Database)
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, release.ErrInvalid)...)
}
