package journal

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testdb"
)

// pages reads the feed until it has given so many records, and what else is in
// it then. PostgreSQL gives what was written only once whatever else is being
// written in the cluster is over.
func pages(t testing.TB, r *Reader, f Feeding, want int) (all []Entry) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		some, err := r.Events(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, some...); len(some) > 0 {
			f.After = some[len(some)-1].Cursor
		}
		switch {
		case len(some) < f.Most && len(all) >= want:
			return all
		case time.Now().After(deadline):
			t.Fatalf("the feed gave %d records, want %d", len(all), want)
		}
	}
}

func testFeed(t *testing.T, w world) {
	s := w.begun(t)
	follow(t, s, checkout, 4) // three quiet looks
	second := ID{"payments-2", 1}
	begin1(t, s, second)
	finish(t, s, second, engine.Promoted, day)
	finish(t, s, checkout, engine.RolledBack, day)
	told := func(entries []Entry) (text []string) {
		for _, e := range entries {
			text = append(text, fmt.Sprintf("%s#%d", e.ID.Name, e.Record.Seq))
		}
		return text
	}
	loud := pages(t, s.Reader, Feeding{Most: 2}, 4)
	if got, want := told(loud), []string{"checkout-1.5.0#1", "payments-2#1", "payments-2#2", "checkout-1.5.0#5"}; !slices.Equal(got, want) {
		t.Errorf("the feed is %v, want %v", got, want)
	}
	beginAs(t, s, ID{"pay-1", 1}, "pay", "red", "ann@example.com")
	whose := pages(t, s.Reader, Feeding{After: loud[3].Cursor, Most: 2}, 1)[0]
	if got := []string{whose.Service, whose.Team, whose.Environment, whose.Author}; !slices.Equal(got, []string{"pay", "red", "prod", "ann@example.com"}) {
		t.Errorf("the feed says of a release %q", got)
	}
	finish(t, s, whose.ID, engine.Promoted, day)
	all := pages(t, s.Reader, Feeding{Most: 3, Quiet: true}, 9)
	if len(all) != 9 || all[1].Record.Decision.Kind != engine.Stay || all[6].Record.Hash == (Hash{}) {
		t.Errorf("with quiet looks the feed is %v", told(all))
	}
	rest := pages(t, s.Reader, Feeding{After: loud[1].Cursor, Most: 10, Quiet: true}, 4)
	if got, want := told(rest), []string{"payments-2#2", "checkout-1.5.0#5", "pay-1#1", "pay-1#2"}; !slices.Equal(got, want) {
		t.Errorf("after a cursor come %v, want %v", got, want)
	}
	newest, err := s.Newest(t.Context())
	if err != nil || len(pages(t, s.Reader, Feeding{After: newest, Most: 10, Quiet: true}, 0)) != 0 {
		t.Errorf("after the newest place there is something, or %v", err)
	}
	// A record that is damaged is told as such, and the others as ever.
	tamper(t, s, `UPDATE records SET body = ? WHERE seq = 2 AND release = (SELECT id FROM releases WHERE name = 'payments-2')`, []byte("rot"))
	hurt := pages(t, s.Reader, Feeding{Most: 10}, 6)
	if got, want := told(hurt), append(told(loud), "pay-1#1", "pay-1#2"); !slices.Equal(got, want) {
		t.Errorf("with a damaged record the feed is %v, want %v", got, want)
	}
	for i, e := range hurt {
		if (e.Damaged != nil) != (i == 2) || e.Cursor == "" {
			t.Errorf("%s#%d is damaged: %v", e.ID, e.Record.Seq, e.Damaged)
		}
	}
	wantBroken(t, hurt[2].Damaged, 2, "payments-2/1")
	// One of a newer form is no damage: who leaves it out would never tell it.
	tamper(t, s, `UPDATE records SET form = ? WHERE seq = 2 AND release = (SELECT id FROM releases WHERE name = 'pay-1')`, formNow+1)
	_, err = s.Events(t.Context(), Feeding{Most: 10})
	wantError(t, err, release.ErrInvalid, "run the newer linnet")
	// What comes after all was removed is still after the cursors of before.
	if n, err := s.Prune(t.Context(), day.Add(time.Hour)); err != nil || n != 3 {
		t.Fatalf("pruned %d, %v", n, err)
	}
	begin1(t, s, ID{"third", 1})
	for _, after := range []Cursor{newest, loud[3].Cursor, ""} {
		if got := told(pages(t, s.Reader, Feeding{After: after, Most: 10}, 1)); !slices.Equal(got, []string{"third#1"}) {
			t.Errorf("after %q come %v, want the third release", after, got)
		}
	}
	for _, strange := range []Cursor{"x", "1", "1.x", "-1.2", "01.2", "1.2.3"} {
		_, err := s.Events(t.Context(), Feeding{After: strange, Most: 1})
		wantError(t, err, release.ErrInvalid, "cursor")
	}
}

// Writers of many releases commit in any order; who reads on while they write
// sees every record once, and those of a release in their order.
func testFeedUnderWriters(t *testing.T, w world) {
	const writers, records = 4, 25
	s := w.open(t, quick())
	var group sync.WaitGroup
	for n := range writers {
		mine := w.open(t, quick())
		id := ID{fmt.Sprintf("release-%d", n), 1}
		begin1(t, mine, id)
		group.Go(func() {
			for seq := uint64(1); seq < records; seq++ {
				if err := mine.Append(t.Context(), id, seq, ending(engine.Observing, day), &engine.State{Seq: seq + 1}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	seen, last := map[ID]uint64{}, Feeding{Most: 7}
	deadline, total := time.Now().Add(30*time.Second), 0
	for total < writers*records && time.Now().Before(deadline) && !t.Failed() {
		some, err := s.Events(t.Context(), last)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range some {
			if e.Record.Seq != seen[e.ID]+1 {
				t.Errorf("after record %d of %s comes %d", seen[e.ID], e.ID, e.Record.Seq)
			}
			seen[e.ID], last.After = e.Record.Seq, e.Cursor
			total++
		}
	}
	group.Wait()
	if total != writers*records {
		t.Errorf("the feed gave %d records of %d", total, writers*records)
	}
}

func testOneOfTwoBeginnings(t *testing.T, w world) {
	const rounds = 10
	var group sync.WaitGroup
	var won [2]int
	for n := range won {
		s := w.open(t, quick())
		group.Go(func() {
			for attempt := 1; attempt <= rounds; attempt++ {
				id := ID{checkout.Name, attempt}
				err := s.Begin(t.Context(), id, []byte(fileOfCheckout), beginning(id), &engine.State{Seq: 1})
				if err == nil {
					won[n]++
				} else if !errors.Is(err, release.ErrConflict) {
					t.Errorf("the loser got %v, want ErrConflict", err)
					return
				}
			}
		})
	}
	group.Wait()
	heads, err := w.open(t, quick()).VerifyAll(t.Context())
	if err != nil || len(heads) != rounds || won[0]+won[1] != rounds {
		t.Errorf("%d attempts (%v), won %v; want %d", len(heads), err, won, rounds)
	}
}

func testWhoNeedsATurn(t *testing.T, w world) {
	s := w.open(t, quick())
	ids := map[string]ID{}
	for n, name := range []string{"looks-soon", "looks-late", "told-nobody", "is-over"} {
		ids[name] = ID{name, 1}
		begin1(t, s, ids[name])
		state := engine.State{Seq: 2, Phase: engine.Observing, Now: day, LookedAt: day}
		switch n {
		case 1:
			state.Plan = plan.Plan{Every: time.Hour}
		case 2:
			state.Phase, state.Pending.Notices = engine.Promoted, []engine.Notify{{}}
		case 3:
			state.Phase = engine.Promoted
		}
		if err := s.Append(t.Context(), ids[name], 1, ending(state.Phase, day), &state); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, got []ID, err error, names ...string) {
		t.Helper()
		var all []ID
		for _, name := range names {
			all = append(all, ids[name])
		}
		if err != nil || !slices.Equal(got, all) {
			t.Errorf("%s are %v (%v), want %v", what, got, err, all)
		}
	}
	got, err := s.Unfinished(t.Context())
	want("unfinished", got, err, "looks-soon", "looks-late", "told-nobody")
	ahead := -time.Minute // as the clock will be then: SQLite's counts milliseconds
	got, err = s.Overdue(t.Context(), ahead, 10)
	want("overdue", got, err, "looks-soon", "told-nobody")
	got, err = s.Overdue(t.Context(), ahead, 1)
	want("overdue, one at most", got, err, "looks-soon")
	got, err = s.Overdue(t.Context(), time.Minute, 10)
	want("overdue by a minute", got, err)
	got, err = s.Overdue(t.Context(), -2*time.Hour, 10)
	want("overdue in two hours", got, err, "looks-soon", "told-nobody", "looks-late")

	got, err = s.Ordered(t.Context())
	want("ordered", got, err)
	if err := s.Command(t.Context(), ids["looks-late"], order(1, engine.Pause)); err != nil {
		t.Fatal(err)
	}
	got, err = s.Ordered(t.Context())
	want("ordered", got, err, "looks-late")
}

// pace is how long somebody who cuts connections waits from one cut to the next:
// twice as long while nothing gets done in between, down to a millisecond while
// something does. However slow the machine, the work comes to its end.
func pace(was time.Duration, done bool) time.Duration {
	if done {
		return max(was/2, time.Millisecond)
	}
	return min(2*was, 2*time.Second)
}

// Whoever cuts the connections, at any moment: an append happened or did not,
// the caller can find out which, and goes on.
func testKilledConnections(t *testing.T, server testdb.Server) {
	admin := server.Postgres(t, "postgres")
	testdb.Exec(t, admin, "CREATE DATABASE killed")
	db, err := database.OpenURL(t.Context(), server.URL("killed")+"?pool_max_conns=4")
	s, err := on(t.Context(), closing(t, db, err), quick())
	if err != nil {
		t.Fatal(err)
	}
	begin1(t, s, checkout)
	var written atomic.Uint64
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		pause, before := time.Millisecond, uint64(0)
		for {
			select {
			case <-done:
				return
			case <-time.After(pause):
				now := written.Load()
				pause, before = pace(pause, now > before), now
				testdb.Exec(t, admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'killed'")
			}
		}
	})
	const records, most = 100, 5000
	lost, seq := 0, uint64(1)
	for tries := 0; seq < records && tries < most; tries++ {
		written.Store(seq)
		err := s.Append(t.Context(), checkout, seq, ending(engine.Observing, day), &engine.State{Seq: seq + 1})
		switch {
		case err == nil:
			seq++
			continue
		case errors.Is(err, release.ErrUnavailable):
			lost++
		case !errors.Is(err, release.ErrConflict):
			t.Fatalf("a lost connection gives %v", err)
		}
		if at, err := s.Find(t.Context(), checkout); err == nil {
			seq = at.Seq
		} else if !errors.Is(err, release.ErrUnavailable) {
			t.Fatalf("a lost connection gives %v", err)
		}
	}
	close(done)
	group.Wait()
	head, err := s.Verify(t.Context(), checkout)
	for tries := 0; errors.Is(err, release.ErrUnavailable) && tries < most; tries++ {
		head, err = s.Verify(t.Context(), checkout)
	}
	if err != nil || head.Seq < records {
		t.Errorf("head is %v, %v; want record %d", head, err, records)
	}
	t.Logf("%d records, %d connections lost", seq, lost)
	if lost == 0 {
		t.Error("no connection was lost; the test shows nothing")
	}
}
