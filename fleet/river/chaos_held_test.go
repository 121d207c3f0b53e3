package river_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

func replaced(text string, pairs ...string) string {
	return strings.NewReplacer(pairs...).Replace(text)
}

// longestGap is how long a release may go without a look, whatever happens: a
// primary is away for some seconds, and what is overdue is found after five.
const longestGap = 40 * time.Second

// whatMustHold asks the journals.
func (c *chaos) whatMustHold(from time.Time) {
	c.Helper()
	ctx := c.Context()
	if _, err := c.store.VerifyAll(ctx); err != nil {
		c.Errorf("the chains: %v", err)
	}
	all, err := c.store.List(ctx)
	if err != nil {
		c.Fatal(err)
	}
	told := c.told(ctx)
	ends := map[string]int{}
	var gaps []time.Duration
	unrecorded := 0
	for _, s := range all {
		r := c.read(s.ID)
		ends[string(s.Outcome)]++
		gaps = append(gaps, r.gaps(from)...)
		unrecorded += c.applied(r)
		for _, n := range r.notices {
			if !told[n] {
				c.Errorf("%s: notice %s is recorded as sent and was not", s.ID, n)
			}
			delete(told, n)
		}
	}
	if len(told) > 0 && c.failovers == 0 {
		c.Errorf("%d notices were sent that no record asks for: %v", len(told), told)
	}
	if unrecorded > 0 && c.failovers == 0 {
		c.Errorf("%d routes were set that no record asks for", unrecorded)
	}
	slices.Sort(gaps)
	longest := gaps[len(gaps)-1]
	c.Logf("ends %v; %d looks, gap between two at most %s (99 %% below %s); the provider refused %d stale routes; %d routes and %d notices of records that fail-overs lost",
		ends, len(gaps), longest.Round(time.Millisecond), gaps[len(gaps)*99/100].Round(time.Millisecond), c.stage.refused, unrecorded, len(told))
	if longest > longestGap {
		c.Errorf("a release had no look for %s", longest)
	}
}

// told are the ids of the notices that were sent.
func (c *chaos) told(ctx context.Context) map[string]bool {
	c.Helper()
	rows, err := c.db.Pool().Query(ctx, `SELECT id FROM notices_told`)
	if err != nil {
		c.Fatal(err)
	}
	defer rows.Close()
	told := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			c.Fatal(err)
		}
		told[id] = true
	}
	if err := rows.Err(); err != nil {
		c.Fatal(err)
	}
	return told
}

// record is a release as its journal tells it.
type record struct {
	id      journal.ID
	state   engine.State
	routes  map[uint64]release.Weight // that were recorded, by epoch
	notices []string
	// began and looks are when the database took the records: the clocks of who
	// wrote them are among what is broken here.
	began time.Time
	looks []time.Time
}

// read folds a release's records again, and holds each decision, and that nothing
// rises after harm, against them.
func (c *chaos) read(id journal.ID) record {
	c.Helper()
	taken := c.taken(id)
	r := record{id: id, routes: map[uint64]release.Weight{}, began: taken[1]}
	most := release.Weight(release.Whole)
	err := c.store.Records(c.Context(), id, 1, func(rec journal.Record) error {
		next, d, effects := engine.Step(r.state, rec.Event)
		if got, want := journal.AsStored(d), rec.Decision; !reflect.DeepEqual(got, want) {
			return fmt.Errorf("record %d: a replay decides %+v and not %+v", rec.Seq, got, want)
		}
		if !reflect.DeepEqual(effects, rec.Effects) && len(effects)+len(rec.Effects) > 0 {
			return fmt.Errorf("record %d: a replay asks for %+v and not %+v", rec.Seq, effects, rec.Effects)
		}
		r.state = next
		for _, e := range effects {
			switch e := e.(type) {
			case engine.SetRoute:
				w := engine.CandidateWeight(e.Route)
				if next.Harmed && w > most {
					return fmt.Errorf("record %d: the weight rises to %d after a fail", rec.Seq, w)
				}
				r.routes[e.Route.Epoch] = w
			case engine.Notify:
				r.notices = append(r.notices, e.Notice.ID)
			}
		}
		if next.Harmed {
			most = engine.CandidateWeight(next.Route)
		}
		if _, ok := rec.Event.(engine.Looked); ok {
			r.looks = append(r.looks, taken[rec.Seq])
		}
		return nil
	})
	if err != nil {
		c.Errorf("%s: %v", id, err)
	}
	return r
}

// taken is when the database took each record of a release.
func (c *chaos) taken(id journal.ID) map[uint64]time.Time {
	c.Helper()
	rows, err := c.db.Pool().Query(c.Context(), `SELECT records.seq, pg_xact_commit_timestamp(xid::text::xid)
		FROM records JOIN releases ON releases.id = records.release WHERE name = $1 AND attempt = $2`, id.Name, id.Attempt)
	if err != nil {
		c.Fatal(err)
	}
	all := map[uint64]time.Time{}
	var seq uint64
	var at time.Time
	if _, err := pgx.ForEachRow(rows, []any{&seq, &at}, func() error { all[seq] = at; return nil }); err != nil {
		c.Fatal(err)
	}
	return all
}

// gaps are the times between two looks.
func (r record) gaps(from time.Time) (gaps []time.Duration) {
	last := r.began
	for _, at := range r.looks {
		if last.After(from) {
			gaps = append(gaps, at.Sub(last))
		}
		last = at
	}
	return gaps
}

// applied holds what the provider was told against what is recorded, and counts
// what was told without a record.
func (c *chaos) applied(r record) (unrecorded int) {
	c.Helper()
	c.stage.mu.Lock()
	defer c.stage.mu.Unlock()
	for _, route := range c.stage.told[r.id.String()] {
		w, ok := r.routes[route.Epoch]
		if !ok || w != engine.CandidateWeight(route) {
			unrecorded++
		}
	}
	served := c.stage.served[r.state.Plan.Service]
	if got, want := engine.CandidateWeight(served), engine.CandidateWeight(r.state.Route); got != want {
		c.Errorf("%s ended %s with a recorded weight of %d, and %d is served", r.id, r.state.Phase, want, got)
	}
	return unrecorded
}
