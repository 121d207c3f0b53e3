package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
)

// replayFor is how long a release is recomputed for somebody who asks over the
// network. What takes longer, `linnet replay` does.
const replayFor = 30 * time.Second

// Replayed is what a release comes to when it is computed again from its records.
type Replayed struct {
	// Records is how many there were, Differ how many decisions are others than
	// those recorded; DiffersAt is the first of them, 0 for none.
	Records   uint64
	Differ    int
	DiffersAt uint64
	// Recorded and Recomputed are the decisions of the first that differs, else of
	// the last record.
	Recorded   journal.Record
	Recomputed engine.Decision
	// Head is the hash of the last record that the chain holds up to, and Broken why
	// it does not hold further; nil where it does.
	Head    journal.Hash
	Broken  *journal.Broken
	Methods int
}

// Replay computes a release again from its first record up to a sequence, 0 for
// all of them, and holds each decision against what is recorded. Each that differs
// is told to differs, which may be nil. A release of methods that are not carried
// is release.ErrInvalid.
func Replay(ctx context.Context, j Records, id journal.ID, upTo uint64, differs func(journal.Record, engine.Decision) error) (Replayed, error) {
	var out Replayed
	var s engine.State
	err := j.Records(ctx, id, 1, func(rec journal.Record) error {
		var d engine.Decision
		s, d, _ = engine.Step(s, rec.Event)
		out.Records, out.Head = rec.Seq, rec.Hash
		if rec.Seq == 1 {
			if err := judge.Carried(s.Methods); err != nil {
				return fmt.Errorf("%s can be replayed with the linnet that ran it; `linnet audit verify` proves that its records are unchanged: %w", id, err)
			}
			out.Methods = s.Methods
		}
		same := sameDecision(journal.AsStored(d), rec.Decision)
		if out.DiffersAt == 0 {
			out.Recorded, out.Recomputed = rec, d
		}
		if !same {
			if out.Differ++; out.DiffersAt == 0 {
				out.DiffersAt = rec.Seq
			}
			if differs != nil {
				if err := differs(rec, d); err != nil {
					return err
				}
			}
		}
		if rec.Seq == upTo {
			return errEnough
		}
		return ctx.Err()
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	if errors.As(err, &out.Broken) {
		err = nil
	}
	return out, err
}

// Replay is Replay of a release that somebody may see, as long as it takes no
// processors that releases need.
func (d *Desk) Replay(ctx context.Context, who access.Actor, id journal.ID, upTo uint64) (Replayed, error) {
	s, err := d.Get(ctx, who, id)
	if err != nil {
		return Replayed{}, err
	}
	if upTo > s.Seq {
		return Replayed{}, fmt.Errorf("release %s has %d records, it cannot be replayed up to %d: %w", s.ID, s.Seq, upTo, release.ErrNotFound)
	}
	replaying, cancel := context.WithTimeout(ctx, replayFor)
	defer cancel()
	busy := fmt.Errorf("%s cannot be recomputed within %s here; `linnet replay %s` does it beside the database: %w", s.ID, replayFor, s.ID, release.ErrUnavailable)
	free, err := slot(replaying, d.replaying)
	if err != nil {
		return Replayed{}, busy
	}
	defer free()
	out, err := Replay(replaying, d.cfg.Journal, s.ID, upTo, nil)
	switch {
	case err != nil && replaying.Err() != nil:
		return Replayed{}, busy
	case err == nil && out.Broken == nil && out.Records < cmp.Or(upTo, s.Seq):
		out.Broken = &journal.Broken{ID: s.ID, Seq: out.Records + 1, What: fmt.Sprintf("it is missing; the index knows %d records", s.Seq)}
	}
	return out, err
}

// evidenceGrain is how much recomputed evidence may differ on another
// architecture.
const evidenceGrain = 1e-9

// sameDecision compares what was decided, why, and on what evidence.
func sameDecision(a, b engine.Decision) bool {
	if a.Kind != b.Kind || a.Phase != b.Phase || a.Step != b.Step || a.Weight != b.Weight || a.Reason.Code != b.Reason.Code {
		return false
	}
	if (a.Verdict == nil) != (b.Verdict == nil) {
		return false
	}
	if a.Verdict == nil {
		return true
	}
	if a.Verdict.Outcome != b.Verdict.Outcome || a.Verdict.Metric != b.Verdict.Metric ||
		a.Verdict.Segment != b.Verdict.Segment || len(a.Verdict.Comparisons) != len(b.Verdict.Comparisons) {
		return false
	}
	for i, x := range a.Verdict.Comparisons {
		y := b.Verdict.Comparisons[i]
		near := func(p, q float64) bool { return math.Abs(p-q) <= evidenceGrain*math.Max(1, math.Abs(q)) }
		if x.Outcome != y.Outcome || !near(x.LogE, y.LogE) || !near(x.LogPass, y.LogPass) {
			return false
		}
	}
	return true
}
