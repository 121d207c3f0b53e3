package sql_test

import (
	dbsql "database/sql"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/sql"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testdb"
)

// TestTheRightsOfThePage are enough for the metric of docs/sql.md, and for
// nothing else.
func TestTheRightsOfThePage(t *testing.T) {
	text, err := os.ReadFile("../../docs/sql.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	rights := func(heading string) []string {
		_, after, ok := strings.Cut(page, "\n"+heading+":\n\n```sql\n")
		block, _, ok2 := strings.Cut(after, "```")
		if !ok || !ok2 {
			t.Fatalf("the page shows no rights for %s", heading)
		}
		block = strings.ReplaceAll(block, "of the passwordFile", secret)
		return strings.Split(strings.TrimSuffix(strings.TrimSpace(block), ";"), ";\n")
	}
	m := regexp.MustCompile(`(?s)query: \|\n(.*?)\n        ratio`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("the page shows no query")
	}
	const table = " version varchar(20), country varchar(2), order_id integer, card text)"
	ask := func(t *testing.T, c sql.Config, admin *dbsql.DB, query string) {
		testdb.Exec(t, admin, "INSERT INTO visits VALUES ('2026-01-02 10:00:07', 'stable', 'DE', 1, 'a card'), ('2026-01-02 10:00:08', 'stable', 'DE', NULL, NULL), ('2026-01-02 10:00:08', 'canary', 'FR', NULL, NULL)")
		c.Database, c.User, c.PasswordFile, c.Grain, c.Now = "shop", "linnet", passwordFile(t), 15*time.Second, time.Now
		s := bed{config: c}.source(t)
		metric := release.Metric{Name: "failures", Kind: release.Ratio, Query: query, Events: "orders", Of: "visits", By: []string{"country"}}
		a := observe(t, s, metric, minutes(1)...)
		quiet(t, a)
		want(t, a, "baseline  +1m0s: 1 of 2", "candidate  +1m0s: 0 of 1", "baseline country=DE +1m0s: 1 of 2", "candidate country=FR +1m0s: 0 of 1")
		metric.Query = "SELECT card FROM visits"
		_, err := s.Observe(t.Context(), release.Query{Metric: metric, Arms: arms, Windows: minutes(1)})
		wantError(t, err, release.ErrInvalid, "denied")
	}
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		server := testdb.Postgres(t)
		testdb.Exec(t, server.Postgres(t, "postgres"), "CREATE DATABASE shop", "ALTER DATABASE shop SET TimeZone = 'UTC'", "REVOKE ALL ON DATABASE shop FROM public")
		admin := server.Postgres(t, "shop")
		testdb.Exec(t, admin, append([]string{"CREATE TABLE visits (at timestamptz," + table}, rights("PostgreSQL")...)...)
		ask(t, sql.Config{Dialect: sql.PostgreSQL, Host: server.Host, Port: server.Port}, admin, m[1])
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		server := testdb.MariaDB(t)
		testdb.Exec(t, server.MariaDB(t, ""), "CREATE DATABASE shop")
		admin := server.MariaDB(t, "shop")
		testdb.Exec(t, admin, append([]string{"CREATE TABLE visits (at datetime(6)," + table}, rights("MySQL and MariaDB")...)...)
		query := strings.Replace(m[1], "to_timestamp(floor(extract(epoch FROM at) / :step) * :step + :step)", "from_unixtime(floor(unix_timestamp(at) / :step) * :step + :step)", 1)
		ask(t, sql.Config{Dialect: sql.MySQL, Host: server.Host, Port: server.Port}, admin, query)
	})
}
