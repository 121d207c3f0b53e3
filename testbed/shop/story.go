//go:build linux

package shop

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/load"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/program"
)

// Place is where a provider splits a shop's traffic.
type Place struct {
	// Name is what the release is called; the provider's name is best.
	Name string
	// URL is where the users' requests enter.
	URL string
	// Traffic is what the release file says of the traffic, in YAML's flow
	// style: `haproxy: { … }`.
	Traffic string
	// Weight reads the candidate's share from the data plane, past Linnet.
	Weight func(context.Context) (release.Weight, error)
	// Env is added to Linnet's environment.
	Env []string
	// Breaks is how many requests may break, of all: a provider that reloads
	// may cut connections, and its documentation says so.
	Breaks uint64
	// Unfenced says that the provider keeps no epoch, so that Linnet goes on for
	// ten minutes after the end, to put right what a late writer might change.
	// The test does not wait for that.
	Unfenced bool
}

// aBit is the weight at which the candidate breaks, and seen is how many
// requests it has answered well by then.
const (
	aBit = release.Whole / 5
	seen = 100
)

// RollsBack tells the story of a bad version: a real linnet shifts a fifth of
// the traffic to the candidate, which does well at first and then breaks; it is
// found through its metrics, and the place gives it nothing any more, for good.
// The time from the fault to zero is printed.
func (s *Shop) RollsBack(t *testing.T, p Place) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	users := s.visit(t, p.URL)
	linnet := s.run(t, p)
	reached := func(w release.Weight) func(context.Context) bool {
		return func(ctx context.Context) bool {
			got, err := p.Weight(ctx)
			return err == nil && got == w
		}
	}
	if err := linnet.Until(ctx, "has set 20 %", reached(aBit)); err != nil {
		t.Fatal(err)
	}
	before := s.Next.Answered()
	if err := linnet.Until(ctx, "has had the candidate seen", func(context.Context) bool { return s.Next.Answered() >= before+seen }); err != nil {
		t.Fatal(err)
	}
	s.Next.Break()
	fault := time.Now()
	if err := linnet.Until(ctx, "has set 0 %", reached(0)); err != nil {
		t.Fatal(err)
	}
	zero := time.Since(fault)
	if p.Unfenced {
		linnet.Stop()
	} else if code, err := linnet.Wait(ctx); err != nil || code != 3 {
		t.Fatalf("linnet run ended with exit code %d, %v; want 3\n%s", code, err, linnet.Tail())
	}
	if !reached(0)(ctx) {
		t.Error("the weight did not stay 0")
	}
	users.only(ctx, t, s.Base.Name)
	stats := users.stop()
	if stats.Errors > p.Breaks {
		t.Errorf("%d of %d requests broke", stats.Errors, stats.Due)
	}
	found := s.found(t, p.Name)
	fmt.Printf("fault to zero: %-16s %5.2f s by the data plane, %5.2f s by the last request; decided after %5.2f s; %d of %d requests broke\n",
		p.Name, zero.Seconds(), users.last(s.Next.Name).Sub(fault).Seconds(), found.Sub(fault).Seconds(), stats.Errors, stats.Due)
}

// run starts the real program on a release file.
func (s *Shop) run(t testing.TB, p Place) *program.Program {
	t.Helper()
	root, err := program.Root()
	if err != nil {
		t.Fatal(err)
	}
	return program.ForTest(t, program.Config{
		Path: filepath.Join(root, "bin", "linnet"),
		Args: []string{"run", "-f", s.file(t, p), "--data", s.data, "--exit"},
		Env:  p.Env,
	})
}

// found is when the decision to roll back was recorded; it must rest on errors.
func (s *Shop) found(t testing.TB, name string) (at time.Time) {
	t.Helper()
	r, err := journal.OpenReader(t.Context(), s.data)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	err = r.Records(t.Context(), journal.ID{Name: name, Attempt: 1}, 1, func(record journal.Record) error {
		if d := record.Decision; d.Kind == engine.RollBack {
			at = record.At
			if d.Verdict == nil || d.Verdict.Metric != "errors" {
				t.Errorf("rolled back because of %s", d.Reason.Text)
			}
		}
		return nil
	})
	if err != nil || at.IsZero() {
		t.Fatalf("no decision to roll back is in the journal: %v", err)
	}
	return at
}

// users are the users of a shop.
type users struct {
	stop func() load.Stats

	mu    sync.Mutex
	seen  map[string]time.Time // when the last request was due that a version answered
	after time.Time            // of when on requests are counted
	since map[string]int       // requests due after that, by the version that answered
}

// visit sends requests until they are stopped, or the test ends.
func (s *Shop) visit(t testing.TB, url string) *users {
	t.Helper()
	u := &users{seen: map[string]time.Time{}, since: map[string]int{}}
	ctx, cancel := context.WithCancel(context.Background())
	people := rand.New(rand.NewPCG(1, 2))
	config := load.Config{
		URL: url, Rate: 200, Random: rand.New(rand.NewPCG(3, 4)), ArmHeader: VersionHeader, Drain: 2 * time.Second,
		KeyHeader: "X-User", Keys: func(uint64) string { return fmt.Sprint("user-", people.IntN(5000)) },
	}
	done := make(chan load.Stats, 1)
	go func() {
		stats, err := load.Run(ctx, config, u.note)
		if err != nil {
			t.Error(err)
		}
		done <- stats
		close(done)
	}()
	t.Cleanup(func() { cancel(); <-done })
	u.stop = func() load.Stats { cancel(); return <-done }
	return u
}

func (u *users) note(r load.Result) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if r.Due.After(u.seen[r.Arm]) {
		u.seen[r.Arm] = r.Due
	}
	if r.Due.After(u.after) {
		u.since[r.Arm]++
	}
}

// last is when the last request was due that a version answered.
func (u *users) last(version string) time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.seen[version]
}

// only holds the requests due from now on to one version.
func (u *users) only(ctx context.Context, t testing.TB, version string) {
	t.Helper()
	u.mu.Lock()
	u.after = time.Now() // what was due before may still be on its way
	clear(u.since)
	u.mu.Unlock()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		u.mu.Lock()
		all, got := 0, u.since[version]
		for _, n := range u.since {
			all += n
		}
		u.mu.Unlock()
		switch {
		case all > got:
			t.Errorf("after the rollback %d of %d requests were not answered by %s", all-got, all, version)
			return
		case all >= seen:
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Error("the users' requests have stopped")
			return
		}
	}
}
