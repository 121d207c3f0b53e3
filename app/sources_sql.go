package app

import (
	"context"
	"time"

	"github.com/linnet-project/linnet/metric/sql"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

// openSQL is a database of the user's.
func openSQL(_ context.Context, s spec.Source) (run.Source, error) {
	c := s.SQL
	cfg := sql.Config{Timeout: c.Timeout, Grain: c.Grain, Now: time.Now}
	d := spec.Database{}
	switch {
	case c.SQLite != nil:
		cfg.Dialect, cfg.Database = sql.SQLite, c.SQLite.File
		return sql.New(cfg)
	case c.Postgres != nil:
		cfg.Dialect, d = sql.PostgreSQL, *c.Postgres
	case c.MySQL != nil:
		cfg.Dialect, d = sql.MySQL, *c.MySQL
	case c.ClickHouse != nil:
		cfg.Dialect, d = sql.ClickHouse, *c.ClickHouse
	}
	cfg.Host, cfg.Port, cfg.Database, cfg.User, cfg.PasswordFile = d.Host, int(d.Port), d.Database, d.User, d.PasswordFile
	cfg.Encrypted, cfg.CAFile, cfg.CertFile, cfg.KeyFile = d.Encrypted, d.CAFile, d.CertFile, d.KeyFile
	cfg.ServerName, cfg.Insecure = d.ServerName, d.Insecure
	return sql.New(cfg)
}
