package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

// siege is a service whose processes are killed at random moments while
// releases run, attempt after attempt.
type siege struct {
	*shop
	t    *testing.T
	file string
	rng  *rand.Rand
	// kills counts those that hit a living process; every nth, where it is not
	// 0, hits the splitter.
	kills, everyNth int
	run             *program
	spy             *spy
}

// begin starts `linnet run`; --again is harmless for an attempt that has not
// ended.
func (s *siege) begin() {
	s.run = linnet(s.t, "run", "--again", "--exit", "-f", s.file, "--data", s.data)
}

// moment is the time to the next kill.
func (s *siege) moment() <-chan time.Time {
	return time.After(50*time.Millisecond + time.Duration(s.rng.Int64N(int64(1950*time.Millisecond))))
}

// withstand kills as often as asked, and then lets the last attempt end.
func (s *siege) withstand(kills, exit int) {
	s.t.Helper()
	s.begin()
	for s.kills < kills && !s.t.Failed() {
		select {
		case <-s.run.gone:
			s.run.exits(exit)
			s.check()
			s.begin()
			continue
		case <-s.moment():
		}
		if s.everyNth > 0 && s.kills%s.everyNth == s.everyNth-1 {
			s.splitter.kill()
			s.kills++
			s.split()
			s.check()
			continue
		}
		if s.run.kill() {
			s.kills++
		}
		s.check()
		s.begin()
	}
	s.run.exits(exit)
	s.check()
}

// attempts are the attempts so far, the first first.
func (s *siege) attempts() []journal.Summary {
	s.t.Helper()
	if _, err := os.Stat(filepath.Join(s.data, "linnet.db")); err != nil {
		return nil // killed before the first record
	}
	r, err := journal.OpenReader(s.t.Context(), s.data)
	if errors.Is(err, release.ErrNotFound) {
		return nil // killed before the journal's tables were made
	}
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Close()
	list, err := r.List(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

// check holds what must be true at any moment, whatever was killed.
func (s *siege) check() {
	s.t.Helper()
	glimpses := s.glimpses() // before the journal is read: a release may go on meanwhile
	attempts := s.attempts()
	recorded := map[uint64]journal.Record{} // by the epoch that each route has
	routes := map[uint64]release.Route{}
	for _, a := range attempts {
		down, last := false, release.Weight(0)
		for _, rec := range s.records(a.ID) {
			for _, e := range rec.Effects {
				set, ok := e.(engine.SetRoute)
				if !ok {
					continue
				}
				w := engine.CandidateWeight(set.Route)
				if down && w > last {
					s.t.Errorf("%s: record %d raises the weight to %s after the rollback", a.ID, rec.Seq, engine.Percent(w))
				}
				recorded[set.Route.Epoch], routes[set.Route.Epoch] = rec, set.Route
				last = w
			}
			down = down || rec.Decision.Kind == engine.RollBack
		}
	}
	if len(attempts) > 0 {
		s.sound(attempts[len(attempts)-1].ID)
	}
	var epoch uint64
	for _, g := range glimpses {
		w := engine.CandidateWeight(g.Route)
		rec, ok := recorded[g.Route.Epoch]
		switch {
		case g.Lapsed && w != 0:
			s.t.Errorf("the lease has lapsed and %s are served", engine.Percent(w))
		case g.Lapsed || g.Route.Owner == "":
		case !ok:
			s.t.Errorf("%s are served under epoch %d, which is not in the journal", engine.Percent(w), g.Route.Epoch)
		case w != engine.CandidateWeight(routes[g.Route.Epoch]):
			s.t.Errorf("%s are served under epoch %d, recorded are %s", engine.Percent(w), g.Route.Epoch, engine.Percent(engine.CandidateWeight(routes[g.Route.Epoch])))
		case g.at.Before(rec.At):
			s.t.Errorf("%s were served at %s and recorded at %s", engine.Percent(w), g.at, rec.At)
		}
		if g.Route.Epoch < epoch {
			s.t.Errorf("the splitter went back from epoch %d to %d", epoch, g.Route.Epoch)
		}
		epoch = g.Route.Epoch
	}
}

// glimpse is what a splitter was seen to serve, at the latest at a moment.
type glimpse struct {
	release.Seen
	at time.Time
}

// glimpses are all changes that were seen; where the splitter lives in the
// process that was killed, its state file tells the last.
func (s *siege) glimpses() []glimpse {
	s.t.Helper()
	if s.spy != nil {
		return s.spy.all()
	}
	text, err := os.ReadFile(filepath.Join(s.data, "proxy-"+s.name+".json"))
	if os.IsNotExist(err) {
		return nil
	}
	var state struct {
		Route struct {
			Owner   string
			Epoch   uint64
			Weights []release.ArmWeight
		}
	}
	if err == nil {
		err = json.Unmarshal(text, &state)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	r := release.Route{Owner: state.Route.Owner, Epoch: state.Route.Epoch, Weights: state.Route.Weights}
	return []glimpse{{release.Seen{Route: r}, time.Now()}}
}

// spy reads all the time what a splitter serves, and keeps the changes.
type spy struct {
	mu   sync.Mutex
	seen []glimpse
}

func (s *shop) spyOn(t *testing.T) *spy {
	y := &spy{}
	ctx, stop := context.WithCancel(context.Background())
	client := s.steering()
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			if seen, err := client.Observed(ctx); err == nil {
				y.note(glimpse{seen, time.Now()})
			}
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	}()
	t.Cleanup(func() { stop(); <-done })
	return y
}

func (y *spy) note(g glimpse) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if n := len(y.seen); n > 0 {
		last := y.seen[n-1]
		if last.Route.Epoch == g.Route.Epoch && last.Lapsed == g.Lapsed && slices.Equal(last.Route.Weights, g.Route.Weights) {
			return
		}
	}
	y.seen = append(y.seen, g)
}

func (y *spy) all() []glimpse {
	y.mu.Lock()
	defer y.mu.Unlock()
	return slices.Clone(y.seen)
}

// saw waits until a glimpse is as wanted.
func (y *spy) saw(t *testing.T, what string, wanted func(glimpse) bool) {
	t.Helper()
	eventually(t, what, func() bool { return slices.ContainsFunc(y.all(), wanted) })
}

// Fifty times a process dies at a random moment, without a chance to say
// anything: `linnet run` beside a splitter, the splitter, or both in one. After
// each the journal is sound, and what is served is what was recorded before; in
// the end each attempt comes to its proper end.
func TestFiftyKills(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		name     string
		fault    demo.Fault
		inside   bool // the splitter lives in `linnet run`
		exclude  string
		kills    int
		everyNth int
		exit     int
		outcome  journal.Outcome
	}{
		{"good", demo.None, false, "", 18, 5, 0, journal.Promoted},
		{"bad", demo.Errors, false, "5x", 16, 6, 3, journal.RolledBack},
		{"inside", demo.Errors, true, "5x", 16, 0, 3, journal.RolledBack},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &siege{shop: openShop(t, c.name, c.fault), t: t, everyNth: c.everyNth, rng: rand.New(rand.NewPCG(uint64(i), 50))}
			s.split()
			users, traffic := s.traffic, s.remote()
			if c.inside {
				// The address of the splitter that is not needed is free.
				s.splitter.kill()
				traffic = s.embedded(users[len("http://"):])
			} else {
				s.spy = s.spyOn(t)
			}
			s.file = s.write(story{traffic: traffic, source: s.scraping(), metrics: []string{ownErrors}, exclude: c.exclude})
			crowd := s.visit(users, 150, 0)
			s.withstand(c.kills, c.exit)
			attempts := s.attempts()
			for _, a := range attempts {
				s.sound(a.ID)
				if a.Outcome != c.outcome {
					t.Errorf("%s ended as %q (%s), want %s", a.ID, a.Outcome, a.Reason.Text, c.outcome)
				}
			}
			glimpses := s.glimpses()
			t.Logf("%d kills, %d attempts, %d routes seen", s.kills, len(attempts), len(glimpses))
			if least := 2 * len(attempts); s.spy != nil && len(glimpses) < least {
				t.Errorf("only %d routes were seen of %d attempts: the test sees too little", len(glimpses), len(attempts))
			}
			if stats := crowd.stop(); stats.Status[502]+stats.Status[503]+stats.Status[504] > 0 {
				t.Errorf("users got %v: the splitter made errors of its own", stats.Status)
			}
		})
	}
}

// The dead man's switch: nobody runs the release any more, and the traffic goes
// back to the baseline by itself. Run again, it climbs from the first step.
func TestNobodyRunsTheRelease(t *testing.T) {
	t.Parallel()
	s := openShop(t, "alone", demo.None)
	s.split()
	spy := s.spyOn(t)
	s.visit(s.traffic, 100, 0)
	file := s.write(story{traffic: s.remote(), source: s.scraping(), metrics: []string{ownErrors},
		steps: "[ { weight: 30%, atLeast: 3s, atMost: 5m }, { weight: 60%, atLeast: 1s, atMost: 5m } ]"})
	run := linnet(t, "run", "-f", file, "--data", s.data)
	run.says(`advances to step 2`)
	spy.saw(t, "60 % to be served", func(g glimpse) bool { return engine.CandidateWeight(g.Route) == 60_000 })
	if !run.kill() {
		t.Fatal("the release was over too soon")
	}
	spy.saw(t, "the lease to run out", func(g glimpse) bool { return g.Lapsed && engine.CandidateWeight(g.Route) == 0 })
	if got := answers(t, s.traffic, 50); got["1.0.0"] != 50 {
		t.Errorf("after the lease the versions answered %v, want only the baseline", got)
	}
	again := linnet(t, "run", "-f", file, "--data", s.data)
	again.exits(0)
	matches(t, again.said.String(), `lease`)
	id := journal.ID{Name: "alone", Attempt: 1}
	s.sound(id)
	var climbed []release.Weight
	for _, g := range spy.all() {
		climbed = append(climbed, engine.CandidateWeight(g.Route))
	}
	if want := []release.Weight{0, 30_000, 60_000, 0, 30_000, 60_000, 100_000}; !slices.Equal(climbed, want) {
		t.Errorf("the weights were %v, want %v", climbed, want)
	}
}
