package testdb

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/linnet-project/linnet/testprogram"
)

// MariaDB starts a MariaDB.
func MariaDB(t testing.TB) Server {
	t.Helper()
	install, mariadbd := testprogram.Find(t, "mariadb-install-db", "mariadb-server"), testprogram.Find(t, "mariadbd", "mariadb-server", "/usr/sbin")
	h := newHome(t)
	s := Server{Host: "127.0.0.1", Port: freePort(t), User: "admin", Password: password}
	data := filepath.Join(h.dir, "data")
	h.once(t, install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	first := h.write(t, "first.sql", "CREATE USER '"+s.User+"'@'127.0.0.1' IDENTIFIED BY '"+s.Password+"';\n"+
		"GRANT ALL ON *.* TO '"+s.User+"'@'127.0.0.1' WITH GRANT OPTION;\n")
	cert, ca, key := h.certificate(t)
	s.CAFile = ca
	db := s.MariaDB(t, "")
	h.serve(t, db.PingContext, mariadbd, "--no-defaults", "--datadir="+data, "--init-file="+first, "--bind-address="+s.Host,
		number("port", s.Port), "--socket="+filepath.Join(h.dir, "socket"), "--skip-name-resolve", "--default-time-zone=+09:00",
		"--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--performance-schema=off",
		"--ssl-cert="+cert, "--ssl-key="+key)
	return s
}

// MariaDB opens a database of the server, as the user who may do everything.
func (s Server) MariaDB(t testing.TB, database string) *sql.DB {
	t.Helper()
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "tcp", s.Address(), s.User, s.Password, database
	c.Loc, c.Params, c.Logger = time.UTC, map[string]string{"time_zone": "'+00:00'"}, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() }) // the server may be gone
	return db
}
