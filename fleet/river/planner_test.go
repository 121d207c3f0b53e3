package river

import (
	"context"
	"errors"
	"testing"
	"time"

	queue "github.com/riverqueue/river"

	"github.com/linnet-project/linnet/journal"
)

// However many turns of a release say when the next is due, one is planned: the
// first. What could not be made a job stays.
func TestOneTurnIsPlanned(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	var made []string
	trouble := errors.New("the database is away")
	p := newPlanner(func(_ context.Context, jobs []queue.InsertManyParams) error {
		for _, j := range jobs {
			if trouble == nil {
				args := j.Args.(turnArgs)
				made = append(made, args.id().String()+" "+args.Key)
			}
		}
		return trouble
	}, func() time.Time { return now })
	shop, pay := journal.ID{Name: "shop", Attempt: 1}, journal.ID{Name: "pay", Attempt: 1}
	p.add(shop, now.Add(2*time.Second))
	p.add(shop, now.Add(time.Second))
	p.add(shop, now.Add(3*time.Second))
	p.add(pay, now.Add(4*time.Second))
	if p.flush(t.Context(), false); len(p.wait) != 2 {
		t.Errorf("before any is due %v are planned", p.wait)
	}
	now = now.Add(time.Second)
	if p.flush(t.Context(), false); len(p.wait) != 2 {
		t.Errorf("with the database away %v are planned", p.wait)
	}
	trouble = nil
	if p.flush(t.Context(), false); len(made) != 1 || made[0] != "shop/1 due 2026-11-20T12:00:01Z" || len(p.wait) != 1 {
		t.Errorf("%q was made, %v is planned", made, p.wait)
	}
	if p.rest(t.Context()); len(made) != 2 || made[1] != "pay/1 due 2026-11-20T12:00:04Z" || len(p.wait) != 0 {
		t.Errorf("before the end %q was made, %v is planned", made, p.wait)
	}
}
