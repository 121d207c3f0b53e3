package sql_test

import (
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/metricconf"
	"github.com/linnet-project/linnet/metric/sql"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testdb"
)

// TestConformance lays the same history before each database.
func TestConformance(t *testing.T) {
	for name, open := range map[string]func(*testing.T) bed{"postgres": postgres, "mysql": mariadb, "sqlite": sqlite} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			metricconf.Answers(t, time.Second, func(t *testing.T, h metricconf.Happened) metricconf.Bed { return happenedIn(t, open(t), h) })
		})
	}
}

// questions are the queries of the suite, on the tables of happenedIn.
var questions = map[metricconf.Question]release.Metric{
	metricconf.AskRatio:     {Query: "SELECT version AS arm, at AS time, region, n, bad FROM counted WHERE at BETWEEN :from AND :to AND version IN (:baseline, :candidate)", Events: "bad", Of: "n"},
	metricconf.AskCount:     {Query: "SELECT version AS arm, at AS time, region, n FROM counted WHERE at BETWEEN :from AND :to", Events: "n"},
	metricconf.AskHistogram: {Query: "SELECT version AS arm, at AS time, region, bound, n FROM buckets WHERE at BETWEEN :from AND :to", Events: "n"},
	metricconf.AskGauge:     {Query: "SELECT version AS arm, at AS time, region, level FROM levels WHERE at BETWEEN :from AND :to", Events: "level"},
	metricconf.AskAverage:   {Query: "SELECT version AS arm, at AS time, region, average FROM levels WHERE at BETWEEN :from AND :to", Events: "average"},
}

func happenedIn(t *testing.T, b bed, h metricconf.Happened) metricconf.Bed {
	instant := map[sql.Dialect]string{sql.PostgreSQL: "timestamptz", sql.MySQL: "datetime(6)", sql.SQLite: "text"}[b.config.Dialect]
	const who = ", version varchar(20), region varchar(20), "
	testdb.Exec(t, b.admin, "CREATE TABLE counted (at "+instant+who+"n bigint, bad bigint)",
		"CREATE TABLE buckets (at "+instant+who+"bound double precision, n bigint)",
		"CREATE TABLE levels (at "+instant+who+"level varchar(30), average double precision)") // not every database has NaN
	b.fill(t, h.Bounds, h.Stretches)
	b.config.Timeout = 5 * time.Second
	out := metricconf.Bed{
		Metric: func(q metricconf.Question, _ []string) release.Metric { return questions[q] },
		Late:   func(t *testing.T, more []metricconf.Stretch) { b.fill(t, h.Bounds, more) },
		Cannot: map[string]string{
			metricconf.CaseFair:    "one query asks for both arms, and no log of the database is read",
			metricconf.CaseFew:     "one query asks for all windows, and no log of the database is read",
			metricconf.CasePartial: "a database answers in whole or not at all",
			metricconf.CaseGarbage: "what does not speak the protocol looks like a connection that breaks",
			metricconf.CasePage:    "what does not speak the protocol looks like a connection that breaks",
		},
	}
	if b.config.Dialect == sql.SQLite {
		b.config.Now = time.Now
		out.Source, out.Cannot[metricconf.CaseFaults] = b.source(t), "a file has no server that fails"
		return out
	}
	grant := map[sql.Dialect]string{sql.PostgreSQL: "%s SELECT ON counted, buckets, levels %s linnet", sql.MySQL: "%s SELECT ON shop.* %s linnet@'127.0.0.1'"}[b.config.Dialect]
	testdb.Exec(t, b.admin, fmt.Sprintf(grant, "GRANT", "TO"))
	clock := &clock{}
	w := newWire(t, fmt.Sprintf("%s:%d", b.config.Host, b.config.Port))
	b.config.Port, b.config.Now = w.port(), clock.now
	out.Source, out.Secrets = b.source(t), []string{secret}
	out.Break = func(t *testing.T, f metricconf.Fault) func() {
		switch f {
		case metricconf.Skewed:
			clock.set(-24 * 365 * time.Hour)
			return func() { clock.set(0) }
		case metricconf.Refused:
			write(t, b.config.PasswordFile, secret+"-not")
			w.end()
			return func() { write(t, b.config.PasswordFile, secret) }
		case metricconf.Forbidden:
			testdb.Exec(t, b.admin, fmt.Sprintf(grant, "REVOKE", "FROM"))
			return func() { testdb.Exec(t, b.admin, fmt.Sprintf(grant, "GRANT", "TO")) }
		}
		return w.fail(f)
	}
	return out
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fill writes what happened into the tables, in few statements.
func (b bed) fill(t *testing.T, bounds []float64, all []metricconf.Stretch) {
	t.Helper()
	rows := map[string][]string{}
	for _, s := range all {
		region, bad := "'"+s.Region+"'", "NULL"
		if s.Region == "" {
			region = "NULL"
		}
		if s.Bad > 0 {
			bad = fmt.Sprint(s.Bad)
		}
		who := fmt.Sprintf("(%s, '%s', %s, ", b.instant(s.To), s.Arm.Version, region)
		rows["counted"] = append(rows["counted"], fmt.Sprintf("%s%d, %s)", who, s.All, bad))
		rows["levels"] = append(rows["levels"], fmt.Sprintf("%s'%g', %g)", who, s.Level, s.Average))
		for i, n := range s.Buckets {
			bound := "NULL"
			if i < len(bounds) {
				bound = fmt.Sprint(bounds[i])
			}
			if n > 0 {
				rows["buckets"] = append(rows["buckets"], fmt.Sprintf("%s%s, %d)", who, bound, n))
			}
		}
	}
	for table, lines := range rows {
		for chunk := range slices.Chunk(lines, 200) {
			testdb.Exec(t, b.admin, "INSERT INTO "+table+" VALUES "+strings.Join(chunk, ", "))
		}
	}
}

// clock is one that may be off.
type clock struct {
	mu  sync.Mutex
	off time.Duration
}

func (c *clock) set(off time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = off
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

// wire lies between a source and its server, and fails.
type wire struct {
	t      *testing.T
	listen net.Listener
	to     string

	mu    sync.Mutex
	fault metricconf.Fault
	left  int // how many connections still fail; below 0 all
	open  []net.Conn
	wait  sync.WaitGroup
}

func newWire(t *testing.T, to string) *wire {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, listen: l, to: to}
	w.wait.Go(w.serve)
	t.Cleanup(func() {
		l.Close()
		w.end()
		w.wait.Wait()
	})
	return w
}

func (w *wire) port() int { return w.listen.Addr().(*net.TCPAddr).Port }

// fail ends what is open, and makes new connections fail until the undo.
func (w *wire) fail(f metricconf.Fault) (undo func()) {
	w.mu.Lock()
	w.fault, w.left = f, -1
	if f == metricconf.BusyOnce || f == metricconf.FailingOnce {
		w.left = 1
	}
	w.mu.Unlock()
	if f == metricconf.Gone {
		w.listen.Close()
	}
	w.end()
	return func() {
		w.mu.Lock()
		w.fault = ""
		w.mu.Unlock()
		w.end()
	}
}

// end ends all connections.
func (w *wire) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.open {
		c.Close()
	}
	w.open = nil
}

func (w *wire) serve() {
	for {
		client, err := w.listen.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", w.to)
		if err != nil {
			client.Close()
			continue
		}
		w.mu.Lock()
		w.open = append(w.open, client, server)
		fault := w.fault
		if w.left == 0 {
			fault = ""
		}
		if w.left > 0 {
			w.left--
		}
		w.mu.Unlock()
		back := int64(math.MaxInt64)
		switch fault {
		case "":
		case metricconf.Hanging:
			continue
		case metricconf.Cut:
			back = 400 // within the answer, or before it
		default:
			client.Close()
		}
		w.wait.Go(func() { copied(server, client, math.MaxInt64) })
		w.wait.Go(func() { copied(client, server, back) })
	}
}

// copied passes on so many bytes, and ends both sides.
func copied(to, from net.Conn, n int64) {
	_, _ = io.CopyN(to, from, n) // whoever notices the end asks again
	to.Close()
	from.Close()
}
