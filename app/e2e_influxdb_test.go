package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/load"
	"github.com/linnet-project/linnet/metric/vendortest"
)

// agent counts the answers of a shop and sends them to InfluxDB, as Telegraf
// does.
type agent struct {
	mu  sync.Mutex
	got map[[2]string]float64 // by version and status
}

// RoundTrip implements http.RoundTripper.
func (a *agent) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.got[[2]string{answer.Header.Get(demo.VersionHeader), strconv.Itoa(answer.StatusCode)}]++
	}
	return answer, err
}

// send sends what was counted since the last time, stamped with the present.
func (a *agent) send(t *testing.T, to *vendortest.Influxd, shop string) {
	a.mu.Lock()
	got := a.got
	a.got = map[[2]string]float64{}
	a.mu.Unlock()
	var events []vendortest.Event
	for k, n := range got {
		events = append(events, vendortest.Event{At: time.Now(), Name: "requests", Value: n, Fields: map[string]string{"shop": shop, "version": k[0], "status": k[1]}})
	}
	if len(events) > 0 {
		to.Write(t, events...)
	}
}

// report sends visitors to a shop, and what they got to InfluxDB, until the test
// ends.
func report(s *shop, to *vendortest.Influxd) {
	s.t.Helper()
	a := &agent{got: map[[2]string]float64{}}
	ctx, cancel := context.WithCancel(context.Background())
	users := rand.New(rand.NewPCG(1, 2))
	var all sync.WaitGroup
	all.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-tick.C:
				a.send(s.t, to, s.name)
			}
		}
	})
	all.Go(func() {
		_, err := load.Run(ctx, load.Config{
			URL: s.traffic + "/", Rate: 150, Random: rand.New(rand.NewPCG(3, 4)), KeyHeader: "X-User",
			Keys: func(uint64) string { return fmt.Sprint("user-", users.IntN(5000)) }, Transport: a, Drain: 2 * time.Second,
		}, nil)
		if err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(func() { cancel(); all.Wait() })
}

// What an InfluxDB was told of the users' answers, and nothing else, promotes a
// good version and rolls a bad one back.
func TestReleasesWithInfluxDB(t *testing.T) {
	t.Parallel()
	i := vendortest.StartInflux(t, 0)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(i.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		fault demo.Fault
		exit  int
	}{{"good", demo.None, 0}, {"bad", demo.Errors, 3}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, c.name, c.fault)
			s.split()
			report(s, i)
			question := func(and string) string {
				return `SELECT sum("value") FROM "requests" WHERE "shop" = 'SHOP' AND "version" = '{{version}}'` + and +
					` AND time >= {{fromMs}}ms AND time < {{toMs}}ms GROUP BY time({{step}}s) fill(none)`
			}
			y := story{
				traffic: s.remote(), delay: "2s",
				source: fmt.Sprintf("{ influxDB: { url: %q, database: shop, basicAuth: { username: %s, passwordFile: %q }, step: 1s, lag: 2s } }", i.URL, i.Username, password),
				metrics: []string{"name: errors\n        exclude: EXCLUDE\n        ratio:\n          bad: " + question(` AND "status" = '500'`) +
					"\n          of: " + question("")},
			}
			if c.exit != 0 {
				y.exclude = "2x" // a bad version must not pass
			}
			linnet(t, "run", "-f", s.write(y), "--data", s.data).exits(c.exit)

			id := journal.ID{Name: c.name, Attempt: 1}
			s.sound(id)
			version := "1.1.0"
			if c.exit != 0 {
				version = "1.0.0"
				if d := decisions(s.records(id), engine.RollBack); len(d) != 1 || d[0].Verdict == nil || d[0].Verdict.Metric != "errors" {
					t.Errorf("rolled back because of %+v, want the errors", d)
				}
			}
			if got := answers(t, s.traffic, 50); got[version] != 50 {
				t.Errorf("after the end the versions answered %v, want only %s", got, version)
			}
		})
	}
}
