package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/linnet-project/linnet/ingest/fold"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/log"
	"github.com/linnet-project/linnet/release"
)

// Again says what is to be replayed, and how.
type Again struct {
	// Dir is the folder of a door, which may be open meanwhile.
	Dir string
	// From and To bound the time of the samples that come of it: (From, To], and
	// what the counters stood at at From.
	From, To time.Time
	// Rules and Decoders are those to hold it against, and Into takes the samples:
	// an empty store.
	Rules    fold.Rules
	Decoders map[item.Format]Decoder
	Into     Store
	// Refused hears what is refused; nil for nobody.
	Refused func(item.Batch, []item.Refusal) error
	Logger  *slog.Logger
}

// Replayed is what came of a replay.
type Replayed struct {
	// Batches are those that came in in the stretch, or hold something of it, and
	// Counts what became of all that they hold. Samples are those stored.
	Batches, Samples int
	Counts
	// Undecoded are batches that no decoder gets along with any more; they are left
	// out, as a door that is opened again leaves them out.
	Undecoded int
}

// Replay folds a stretch of a door's log again, into another store. Through the
// same rules it comes to the same samples, but that counters begin at 0 where the
// log, or what of it is needed, begins. An error wraps release.ErrNotFound where
// the log has nothing of that time.
func Replay(ctx context.Context, a Again) (Replayed, error) {
	if !a.From.Before(a.To) {
		return Replayed{}, fmt.Errorf("replay: from %s to %s is no stretch of time: %w", a.From, a.To, release.ErrInvalid)
	}
	if a.Logger == nil {
		a.Logger = slog.New(slog.DiscardHandler)
	}
	if err := a.Rules.Terms().Check(); err != nil {
		return Replayed{}, fmt.Errorf("replay: %w", err)
	}
	l, err := log.View(filepath.Join(a.Dir, "log"), a.Logger)
	if err != nil {
		return Replayed{}, fmt.Errorf("replay: %w", err)
	}
	terms := a.Rules.Terms()
	r := replay{Again: a, terms: terms, state: fold.New(terms), done: Replayed{Counts: Counts{Refused: map[item.Code]uint64{}}}}
	// What belongs to the stretch may have come before it or after it; and what
	// came before it tells what is repeated in it.
	first, last := a.From.Add(-terms.MaxAhead-terms.SeenFor-terms.Window), a.To.Add(terms.MaxAge)
	if err := l.ReadTimes(ctx, first, last, func(rec log.Record) error { return r.record(ctx, rec) }); err != nil {
		return r.done, fmt.Errorf("replay: %w", err)
	}
	if r.read == 0 {
		return r.done, fmt.Errorf("replay: nothing in the log came in from %s to %s: %w", first, last, release.ErrNotFound)
	}
	// The log may end before its last windows are over.
	r.state.Tick(r.state.Stats().Seq+1, a.To.Add(2*terms.Lateness+terms.Window))
	return r.done, r.put(ctx, []stored{{Output: r.state.Take()}})
}

// replay is a replay under way.
type replay struct {
	Again
	terms fold.Terms
	state *fold.Fold
	read  int // batches of the log, of the stretch or not
	done  Replayed
}

// record folds a record of the log.
func (r *replay) record(ctx context.Context, rec log.Record) error {
	if rec.Batch == nil {
		r.state.Tick(rec.Seq, rec.At)
		return r.put(ctx, []stored{{Output: r.state.Take()}})
	}
	r.read++
	p, err := prepare(Config{Rules: r.Rules, Decoders: r.Decoders, Logger: r.Logger}, r.terms, *rec.Batch)
	if err != nil {
		r.Logger.Error("a batch of the log cannot be decoded any more; it is left out", "seq", rec.Seq, "error", err)
		r.done.Undecoded++
		r.state.Tick(rec.Seq, rec.At)
		return r.put(ctx, []stored{{Output: r.state.Take()}})
	}
	asked := !rec.At.Before(r.From) && !rec.At.After(r.To) || p.Within(r.From, r.To)
	result := r.state.Apply(rec.Seq, p)
	all := []stored{{Output: r.state.Take()}, {Output: result.Output, of: &result}}
	if err := r.put(ctx, all); err != nil {
		return err
	}
	if !asked {
		return nil
	}
	r.done.Batches++
	r.done.Accepted += uint64(result.Accepted)
	r.done.Repeated += uint64(result.Repeated)
	r.done.Sampled += uint64(result.Sampled)
	for _, one := range result.Refused {
		r.done.Refused[one.Code]++
	}
	if r.Refused == nil || len(result.Refused) == 0 {
		return nil
	}
	return r.Refused(*rec.Batch, result.Refused)
}

// put stores what lies in the stretch.
func (r *replay) put(ctx context.Context, all []stored) error {
	from, to := r.From.UnixMilli(), r.To.UnixMilli()
	for i := range all {
		var within []item.Sample
		for _, s := range all[i].Samples {
			if s.T >= from && s.T <= to {
				within = append(within, s)
			}
		}
		r.done.Samples += len(within)
		all[i].Samples = within
	}
	refused, err := appendAll(ctx, r.Into, all)
	for of, some := range refused {
		if of == nil {
			return fmt.Errorf("the store to replay into refused %d samples (%s): use an empty one: %w", len(some), some[0].Text, release.ErrConflict)
		}
		of.Accepted -= len(some)
		of.Refused = append(of.Refused, some...)
	}
	return err
}
