package river_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/notify/outbox"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/testdb"
)

// How much chaos: LINNET_CHAOS_FAULTS faults, in the order of LINNET_CHAOS_SEED.
const (
	fewFaults  = 5
	faultsName = "LINNET_CHAOS_FAULTS"
	seedName   = "LINNET_CHAOS_SEED"
	// running is how many releases are under way at a time.
	running = 12
)

func setting(t *testing.T, name string, usual int) int {
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// chaos is three replicas in processes of their own, a PostgreSQL with a standby,
// and releases that begin one after the other.
type chaos struct {
	testing.TB
	pair     *testdb.Pair
	stage    *stage
	db       *database.DB
	store    *journal.Store
	replicas []*process
	chance   *rand.Rand

	begun     int
	failovers int
	upgraded  bool
	// standstill is how long a process stands still at most, and lasts how long it
	// is cut off, or its clock wrong.
	standstill, lasts time.Duration
	faults            sync.WaitGroup

	// secret is the file that notices are signed with.
	secret string
	losing sync.Mutex
	losses []loss
}

func newChaos(t testing.TB, seed int) *chaos {
	t.Helper()
	c := &chaos{TB: t, pair: testdb.NewPair(t), stage: newStage(t), chance: rand.New(rand.NewPCG(uint64(seed), 0)), standstill: 8 * time.Second, lasts: 6 * time.Second, secret: newSecret(t)}
	c.open()
	return c
}

// TestChaos does to replicas and database what happens to them in years, and then
// asks the journals whether everything held that must hold.
func TestChaos(t *testing.T) {
	t.Parallel()
	n, seed := setting(t, faultsName, fewFaults), setting(t, seedName, 1)
	c := newChaos(t, seed)
	if n > fewFaults {
		c.standstill, c.lasts = time.Minute, 15*time.Second
	}
	for i := range 3 {
		c.replicas = append(c.replicas, c.replica(fmt.Sprintf("replica-%d", i)))
	}
	c.load()
	c.until("looks", func() bool { return c.looked() })
	from := time.Now()
	counts := map[string]int{}
	for done := 0; done < n; {
		// Every kind comes once before any comes at random.
		kind := kinds[c.chance.IntN(len(kinds))]
		if done < len(kinds) {
			kind = kinds[done]
		}
		if kind.do(c) {
			counts[kind.name]++
			done++
		}
		if done == n/2 && !c.upgraded {
			c.upgrade()
		}
		for range 3 + c.chance.IntN(4) {
			<-time.After(250 * time.Millisecond)
			c.load()
		}
	}
	c.faults.Wait()
	for _, r := range c.replicas {
		c.stage.skew(r.name, 0)
	}
	healed := time.Now()
	c.until("the end of all releases", c.over)
	t.Logf("seed %d: %d faults in %s (%v), %d releases; all over %s after the last fault",
		seed, n, healed.Sub(from).Round(time.Second), counts, c.begun, time.Since(healed).Round(time.Second))
	c.tellTheRest()
	c.whatMustHold(from)
	c.heardOnce()
}

// open opens the database as the test itself sees it, without lines to cut.
func (c *chaos) open() {
	c.Helper()
	var err error
	if c.db, err = database.OpenURL(c.Context(), c.pair.URL("postgres")); err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { _ = c.db.Close() })
	if c.store, err = journal.On(c.Context(), c.db); err != nil {
		c.Fatal(err)
	}
	if err := outbox.Migrate(c.Context(), c.db); err != nil {
		c.Fatal(err)
	}
}

func (c *chaos) until(what string, so func() bool) {
	c.Helper()
	for end := time.Now().Add(2 * time.Minute); !so(); <-time.After(100 * time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("waited in vain for %s", what)
		}
	}
}

const chaosFile = `apiVersion: linnet/v1
kind: Release
metadata: { name: NAME }
spec:
  service: SERVICE
  baseline:  { version: "1", labels: { version: stable } }
  candidate: { version: "2", labels: { version: canary } }
  traffic: { webhook: { url: "http://localhost:1" } }
  steps: [{ weight: 10%, atLeast: 3s, atMost: 2m }, { weight: 50%, atLeast: 3s, atMost: 2m }]
  watch: 4s
  recovery: 4s
  analysis:
    source: { prometheus: { url: "http://localhost:1" } }
    every: 1s
    delay: 0s
    blindFor: 2m
    metrics:
      - { name: errors, ratio: { bad: 'http_requests_total{status="500"}', of: http_requests_total } }
`

// load begins releases until enough are under way. While the database is away it
// begins none.
func (c *chaos) load() {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), 2*time.Second)
	defer cancel()
	at, err := c.store.Unfinished(ctx)
	for n := len(at); err == nil && n < running; n++ {
		service := fmt.Sprintf("service-%d", c.begun)
		name := fmt.Sprintf("release-%d", c.begun)
		f, bad := spec.Parse(name, []byte(replaced(chaosFile, "NAME", name, "SERVICE", service)))
		if bad != nil {
			c.Fatal(bad)
		}
		p := plan.Compile(f)
		p.ReadBack, p.Share = time.Second, release.Share{} // the source knows nothing of weights
		c.begun++
		cfg := run.Config{Store: c.store, Router: actor{stage: c.stage.URL, service: service}, Now: time.Now}
		_, err = run.Begin(ctx, cfg, run.Beginning{Plan: p, Attempt: 1, File: f.Text, Salt: "salt"})
	}
}

// over says whether all releases are.
func (c *chaos) over() bool {
	ctx, cancel := context.WithTimeout(c.Context(), 2*time.Second)
	defer cancel()
	left, err := c.store.Unfinished(ctx)
	for _, id := range left { // what a person paused, a person has to go on with
		_ = c.store.Command(ctx, id, engine.Commanded{At: time.Now(), ID: fmt.Sprint("resume at ", time.Now().Unix()), Verb: engine.Resume, Who: "test"})
	}
	return err == nil && len(left) == 0
}

// upgrade makes the schemas those of the next Linnet, as the first of its replicas
// does while the others are old still: columns are added, and nothing else.
func (c *chaos) upgrade() {
	c.Helper()
	for _, change := range []string{
		`ALTER TABLE releases ADD COLUMN of_the_next TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE records ADD COLUMN of_the_next TEXT`,
		`ALTER TABLE fleet_jobs ADD COLUMN of_the_next TEXT`,
		`UPDATE schemas SET version = version + 1`,
		`INSERT INTO river_migration (line, version) SELECT 'main', max(version) + 1 FROM river_migration WHERE line = 'main'`,
	} {
		c.until(change, func() bool {
			ctx, cancel := context.WithTimeout(c.Context(), 5*time.Second)
			defer cancel()
			_, err := c.db.Pool().Exec(ctx, change)
			return err == nil
		})
	}
	c.upgraded = true
}

func (c *chaos) looked() bool {
	all, err := c.store.List(c.Context())
	return err == nil && len(all) > 0 && !slices.ContainsFunc(all, func(s journal.Summary) bool { return s.Seq < 4 })
}

// process is one replica.
type process struct {
	name  string
	lines []*line
	env   []string
	cmd   *exec.Cmd
	ended chan struct{}
	said  *os.File
	// busy says that a fault is under way.
	mu   sync.Mutex
	busy bool
}

// replica starts one, whose ways to the database can be cut.
func (c *chaos) replica(name string) *process {
	c.Helper()
	at, err := url.Parse(c.pair.URL("postgres"))
	if err != nil {
		c.Fatal(err)
	}
	p := &process{name: name}
	hosts := ""
	for _, to := range c.pair.Addresses() {
		l := newLine(c, to)
		p.lines = append(p.lines, l)
		hosts += "," + l.Addr().String()
	}
	at.Host = hosts[1:]
	q := at.Query()
	q.Set("pool_max_conns", "8")
	at.RawQuery = q.Encode()
	if p.said, err = os.CreateTemp(c.TempDir(), name); err != nil {
		c.Fatal(err)
	}
	p.env = append(os.Environ(), replicaName+"="+name, replicaDB+"="+at.String(), replicaStage+"="+c.stage.URL, replicaKey+"="+c.secret)
	if err := p.start(); err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() {
		p.signal(syscall.SIGCONT)
		p.signal(syscall.SIGKILL)
		<-p.ended
		if c.Failed() {
			text, _ := os.ReadFile(p.said.Name())
			c.Logf("%s said:\n%s", name, text[max(0, len(text)-8000):])
		}
		_ = p.said.Close()
	})
	return p
}

func (p *process) start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p.cmd = exec.Command(self)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = p.env, p.said, p.said
	if err := p.cmd.Start(); err != nil {
		return err
	}
	ended, cmd := make(chan struct{}), p.cmd
	p.ended = ended
	go func() { _ = cmd.Wait(); close(ended) }()
	return nil
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// take gives a replica that nothing is done to, as long as another one is left.
func (c *chaos) take() *process {
	var free []*process
	for _, p := range c.replicas {
		p.mu.Lock()
		if !p.busy {
			free = append(free, p)
		}
		p.mu.Unlock()
	}
	if len(free) < 2 {
		return nil
	}
	p := free[c.chance.IntN(len(free))]
	p.mu.Lock()
	p.busy = true
	p.mu.Unlock()
	return p
}

// during does something to a replica, and undoes it after a while.
func (c *chaos) during(longest time.Duration, do, undo func(p *process)) bool {
	p := c.take()
	if p == nil {
		return false
	}
	d := time.Second + time.Duration(c.chance.Int64N(int64(longest)))
	do(p)
	c.faults.Go(func() {
		<-time.After(d)
		undo(p)
		p.mu.Lock()
		p.busy = false
		p.mu.Unlock()
	})
	return true
}

// toDatabase does something to the database, of which nobody may hear that it has
// kept something.
func (c *chaos) toDatabase(do func(testing.TB)) bool {
	c.loses("")
	do(c)
	c.keeps("")
	return true
}

// kinds are what happens.
var kinds = []struct {
	name string
	do   func(c *chaos) bool
}{
	{"killed", func(c *chaos) bool {
		return c.during(3*time.Second, func(p *process) { c.loses(p.name); p.signal(syscall.SIGKILL); <-p.ended; c.keeps(p.name) }, func(p *process) { _ = p.start() })
	}},
	{"stood still", func(c *chaos) bool {
		return c.during(c.standstill, func(p *process) { c.loses(p.name); p.signal(syscall.SIGSTOP) }, func(p *process) { p.signal(syscall.SIGCONT); c.keeps(p.name) })
	}},
	{"cut off", func(c *chaos) bool {
		return c.during(c.lasts, func(p *process) {
			c.loses(p.name)
			for _, l := range p.lines {
				l.sever()
			}
		}, func(p *process) {
			for _, l := range p.lines {
				l.mend()
			}
			c.keeps(p.name)
		})
	}},
	{"failed over", func(c *chaos) bool { c.failovers++; return c.toDatabase(c.pair.FailOver) }},
	{"clock ahead", func(c *chaos) bool {
		return c.during(c.lasts, func(p *process) { c.stage.skew(p.name, 90*time.Second) }, func(p *process) { c.stage.skew(p.name, 0) })
	}},
	{"clock behind", func(c *chaos) bool {
		return c.during(c.lasts, func(p *process) { c.stage.skew(p.name, -90*time.Second) }, func(p *process) { c.stage.skew(p.name, 0) })
	}},
	{"replaced", func(c *chaos) bool {
		return c.during(time.Second, func(p *process) { p.signal(syscall.SIGTERM) }, func(p *process) { <-p.ended; _ = p.start() })
	}},
	{"restarted", func(c *chaos) bool { return c.toDatabase(c.pair.Restart) }},
	{"crashed", func(c *chaos) bool { return c.toDatabase(c.pair.Crash) }},
	{"commanded", (*chaos).command},
}

// command has a person do something to a release.
func (c *chaos) command() bool {
	ctx, cancel := context.WithTimeout(c.Context(), 2*time.Second)
	defer cancel()
	at, err := c.store.Unfinished(ctx)
	if err != nil || len(at) == 0 {
		return false
	}
	verb := []engine.Verb{engine.Pause, engine.Resume, engine.Abort}[c.chance.IntN(3)]
	id := at[c.chance.IntN(len(at))]
	return c.store.Command(ctx, id, engine.Commanded{At: time.Now(), ID: fmt.Sprint(verb, c.begun, time.Now().UnixNano()), Verb: verb, Who: "test"}) == nil
}
