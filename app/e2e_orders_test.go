package app_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/load"
	"github.com/linnet-project/linnet/testdb"
)

// till writes visits into a shop's database: whoever gets an answer may order.
type till struct {
	t *testing.T
	// orders is the share of visits that order, by version.
	orders map[string]float64

	mu    sync.Mutex
	luck  *rand.Rand
	lines []string // visits that are not written yet
}

// RoundTrip implements http.RoundTripper.
func (c *till) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		version := answer.Header.Get(demo.VersionHeader)
		at := time.Now().UTC().Format("2006-01-02 15:04:05.000000")
		c.mu.Lock()
		defer c.mu.Unlock()
		c.lines = append(c.lines, fmt.Sprintf("('%s+00', '%s', %t)", at, version, c.luck.Float64() < c.orders[version]))
	}
	return answer, err
}

// write writes what came, until the end.
func (c *till) write(ctx context.Context, db *sql.DB) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		c.mu.Lock()
		lines := c.lines
		c.lines = nil
		c.mu.Unlock()
		if len(lines) == 0 {
			continue
		}
		if _, err := db.ExecContext(ctx, "INSERT INTO visits VALUES "+strings.Join(lines, ", ")); err != nil && ctx.Err() == nil {
			c.t.Error(err)
			return
		}
	}
}

// sell sends visitors to a shop until the test ends.
func sell(s *shop, db *sql.DB, orders map[string]float64) {
	s.t.Helper()
	c := &till{t: s.t, orders: orders, luck: rand.New(rand.NewPCG(5, 6))}
	ctx, cancel := context.WithCancel(context.Background())
	users := rand.New(rand.NewPCG(1, 2))
	var all sync.WaitGroup
	all.Go(func() { c.write(ctx, db) })
	all.Go(func() {
		_, err := load.Run(ctx, load.Config{
			URL: s.traffic + "/", Rate: 220, Random: rand.New(rand.NewPCG(3, 4)), KeyHeader: "X-User",
			Keys: func(uint64) string { return fmt.Sprint("user-", users.IntN(5000)) }, Transport: c, Drain: 2 * time.Second,
		}, nil)
		if err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(func() { cancel(); all.Wait() })
}

// A version whose requests are as right and as quick as ever, and whose visitors
// order less: what the shop's own database tells rolls it back. One whose visitors
// order as before is promoted.
func TestReleasesByOrdersInPostgreSQL(t *testing.T) {
	t.Parallel()
	server := testdb.Postgres(t)
	const password = "of-the-till"
	testdb.Exec(t, server.Postgres(t, "postgres"), "CREATE ROLE linnet LOGIN PASSWORD '"+password+"'")
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		orders float64 // of the candidate's visitors
		exit   int
	}{{"as-before", 0.4, 0}, {"fewer", 0.15, 3}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testdb.Exec(t, server.Postgres(t, "postgres"), `CREATE DATABASE "`+c.name+`"`)
			db := server.Postgres(t, c.name)
			testdb.Exec(t, db, "CREATE TABLE visits (at timestamptz, version text, ordered boolean)", "CREATE INDEX ON visits (at)", "GRANT SELECT ON visits TO linnet")
			s := openShop(t, c.name, demo.None)
			s.split()
			sell(s, db, map[string]float64{"1.0.0": 0.4, "1.1.0": c.orders})
			y := story{traffic: s.remote(), delay: "1s", metrics: []string{
				ownErrors, `{ name: latency, histogram: http_request_duration_seconds, exclude: EXCLUDE }`,
				`{ name: orders-per-visit, source: orders, ratio: { bad: orders, of: visits }, worse: lower, exclude: EXCLUDE,` +
					` query: 'SELECT version AS arm, at AS time, 1 AS visits, ordered AS orders FROM visits WHERE at BETWEEN :from AND :to' }`,
			}}
			y.source = s.scraping() + fmt.Sprintf(`
    others: [ { name: orders, sql: { postgres: { host: %s, port: %d, database: %q, user: linnet, passwordFile: %q }, grain: 1s, lag: 1s } } ]`,
				server.Host, server.Port, c.name, file)
			if c.exit != 0 {
				y.exclude = "2x" // fewer orders must not pass
			}
			linnet(t, "run", "-f", s.write(y), "--data", s.data).exits(c.exit)

			id := journal.ID{Name: c.name, Attempt: 1}
			s.sound(id)
			version := "1.1.0"
			if c.exit != 0 {
				version = "1.0.0"
				d := decisions(s.records(id), engine.RollBack)
				if len(d) != 1 || d[0].Verdict == nil || d[0].Verdict.Metric != "orders-per-visit" {
					t.Errorf("rolled back because of %+v, want the orders", d)
				}
			}
			if got := answers(t, s.traffic, 50); got[version] != 50 {
				t.Errorf("after the end the versions answered %v, want only %s", got, version)
			}
		})
	}
}
