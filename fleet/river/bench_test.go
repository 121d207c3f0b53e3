package river_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

// BenchmarkReplicas has three replicas carry releases of ten metrics that look
// each 15 s, on one PostgreSQL on the same machine. It tells processor time of the
// replicas and of the database in cores, memory, transactions of the database, and
// how late looks are.
func BenchmarkReplicas(b *testing.B) {
	for _, n := range []int{200, 400, 800} {
		b.Run(fmt.Sprintf("releases=%d", n), func(b *testing.B) {
			for range b.N {
				carry(b, n, 45*time.Second)
			}
		})
	}
}

const tenMetrics = `
      - { name: timeouts, ratio: { bad: timeouts_total, of: http_requests_total } }
      - { name: retries, ratio: { bad: retries_total, of: http_requests_total } }
      - { name: rejected, ratio: { bad: rejected_total, of: http_requests_total } }
      - { name: faults, ratio: { bad: faults_total, of: http_requests_total } }
      - { name: lost, ratio: { bad: lost_total, of: http_requests_total } }
      - { name: late, ratio: { bad: late_total, of: http_requests_total } }
      - { name: odd, ratio: { bad: odd_total, of: http_requests_total } }
      - { name: empty, ratio: { bad: empty_total, of: http_requests_total } }
      - { name: stale, ratio: { bad: stale_total, of: http_requests_total } }
`

func carry(b *testing.B, n int, measured time.Duration) {
	b.Helper()
	c := newChaos(b, 1)
	for i := range n {
		service, name := fmt.Sprintf("service-%d", 3*i), fmt.Sprintf("release-%d", i)
		text := replaced(chaosFile, "NAME", name, "SERVICE", service, "every: 1s", "every: 15s", "atLeast: 3s, atMost: 2m", "atLeast: 2h, atMost: 9h")
		f, err := spec.Parse(name, []byte(strings.TrimRight(text, "\n")+tenMetrics))
		if err != nil {
			b.Fatal(err)
		}
		p := plan.Compile(f)
		p.Share = release.Share{}
		cfg := run.Config{Store: c.store, Router: actor{stage: c.stage.URL, service: service}, Now: time.Now}
		if _, err = run.Begin(b.Context(), cfg, run.Beginning{Plan: p, Attempt: 1, File: f.Text, Salt: "salt"}); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 3 {
		c.replicas = append(c.replicas, c.replica(fmt.Sprintf("replica-%d", i)))
	}
	c.until("three looks each", func() bool {
		all, err := c.store.List(b.Context())
		for _, s := range all {
			if s.Seq < 5 {
				return false
			}
		}
		return err == nil
	})
	from, commits := time.Now(), c.commits()
	ours, theirs := c.processor()
	<-time.After(measured)
	ours2, theirs2 := c.processor()
	took := time.Since(from).Seconds()
	memory, commits2 := c.memory(), c.commits()
	for _, p := range c.replicas { // what follows would be in their way
		p.signal(syscall.SIGKILL)
	}
	late, most, looks := c.late(from)
	b.ReportMetric((ours2-ours)/took, "replicas-cores")
	b.ReportMetric((theirs2-theirs)/took, "database-cores")
	b.ReportMetric(memory/1e6, "MB-a-replica")
	b.ReportMetric(float64(commits2-commits)/took, "commits/s")
	b.ReportMetric(float64(looks)/took, "looks/s")
	b.ReportMetric(late.Seconds(), "late-s")
	b.ReportMetric(most.Seconds(), "latest-s")
}

func (c *chaos) commits() (n int64) {
	c.Helper()
	if err := c.db.Pool().QueryRow(c.Context(), `SELECT sum(xact_commit)::bigint FROM pg_stat_database`).Scan(&n); err != nil {
		c.Fatal(err)
	}
	return n
}

// processor is the processor time of replicas and database so far, in seconds.
func (c *chaos) processor() (replicas, database float64) {
	for _, p := range c.replicas {
		own, _, _ := ticks(strconv.Itoa(p.cmd.Process.Pid))
		replicas += own
	}
	first := c.pair.Processes()
	folders, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range folders {
		name := strings.Split(f, "/")[2]
		own, children, parent := ticks(name)
		if pid, _ := strconv.Atoi(name); slices.Contains(first, pid) {
			database += own + children
		} else if slices.Contains(first, parent) {
			database += own
		}
	}
	return replicas, database
}

// ticks is the processor time of a process and of its children that have ended,
// of Linux, in seconds, and its parent.
func ticks(pid string) (own, children float64, parent int) {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0, 0, 0
	}
	fields := strings.Fields(string(text)[strings.LastIndex(string(text), ")")+1:])
	at := func(i int) float64 {
		n, _ := strconv.ParseFloat(fields[i], 64)
		return n / 100
	}
	parent, _ = strconv.Atoi(fields[1])
	return at(11) + at(12), at(13) + at(14), parent
}

// memory is what the largest replica has resident, in bytes.
func (c *chaos) memory() (most float64) {
	for _, p := range c.replicas {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			pages, _ := strconv.ParseFloat(fields[1], 64)
			most = max(most, pages*float64(os.Getpagesize()))
		}
	}
	return most
}

// late is how much later than 15 s after the one before looks came: on average,
// and at most.
func (c *chaos) late(from time.Time) (mean, most time.Duration, looks int) {
	c.Helper()
	all, err := c.store.List(context.WithoutCancel(c.Context()))
	if err != nil {
		c.Fatal(err)
	}
	var sum, gaps time.Duration
	for _, s := range all {
		r := c.read(s.ID)
		for _, at := range r.looks {
			if at.After(from) {
				looks++
			}
		}
		for _, gap := range r.gaps(from) {
			d := max(0, gap-15*time.Second)
			sum, most, gaps = sum+d, max(most, d), gaps+1
		}
	}
	return sum / max(gaps, 1), most, looks
}
