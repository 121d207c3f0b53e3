package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/ingest/fold"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/log"
	"github.com/linnet-project/linnet/release"
)

const (
	// groupBytes and groupBatches are how much is written to disk at once.
	groupBytes   = 4 << 20
	groupBatches = 512
	// tickEvery is how often the log hears of the time when nothing comes.
	tickEvery = time.Second
	// storeAgain is how long a store that failed is left alone.
	storeAgain = time.Second
)

// write writes the queue to the log, as much at once as has come, and hands it on
// to be folded. It ends when the queue is closed.
func (d *Door) write() {
	defer close(d.folds)
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	last := time.Time{}
	for {
		select {
		case e, ok := <-d.queue:
			if !ok {
				return
			}
			group := d.gather(e)
			if d.commit(group) {
				last = group[len(group)-1].batch.At
				d.folds <- group
			}
		case <-ticker.C:
			now := d.config.Now().UTC()
			if !d.live.Load() || now.Sub(last) < tickEvery {
				continue
			}
			seq, err := d.log.Tick(now)
			if err != nil {
				d.health.tell("log", "the time cannot be written to the log, and windows stay open", "error", err)
				continue
			}
			d.folds <- []*entry{{tick: now, seq: seq}}
		}
	}
}

// gather takes what else is in the queue.
func (d *Door) gather(e *entry) []*entry {
	group := []*entry{e}
	for size := e.packed.Size(); size < groupBytes && len(group) < groupBatches; {
		select {
		case e, ok := <-d.queue:
			if !ok {
				return group
			}
			group, size = append(group, e), size+e.packed.Size()
		default:
			return group
		}
	}
	return group
}

// commit writes a group to disk. Where that fails nobody of it is acknowledged,
// and nothing of it is counted.
func (d *Door) commit(group []*entry) bool {
	packed := make([]log.Packed, len(group))
	for i, e := range group {
		packed[i] = e.packed
		e.packed = log.Packed{}
	}
	seq, err := d.log.Write(packed)
	if err != nil {
		d.health.tell("log", "nothing can be taken, since the log cannot be written", "error", err)
		for _, e := range group {
			d.finish(e, result{err: err})
		}
		return false
	}
	d.health.well("log")
	for i, e := range group {
		e.seq = seq + uint64(i)
		e.batch.Seq = e.seq
	}
	return true
}

// finish answers whoever waits for an entry.
func (d *Door) finish(e *entry, r result) {
	if e.done == nil {
		return
	}
	d.room.give(e.size)
	e.done <- r
}

// fold folds what the log has, puts samples into the store, and acknowledges. It
// ends when there is no more to come.
func (d *Door) fold(ctx context.Context) {
	for {
		select {
		case group, ok := <-d.folds:
			if !ok {
				d.stop()
				return
			}
			d.foldGroup(ctx, group)
		case out := <-d.snaps:
			if d.behind == nil {
				out <- d.state.Snapshot()
			}
			close(out)
		}
	}
}

// foldGroup folds a group. Where the store takes nothing until the door is
// closed, the state is no more what the store has, and no checkpoint is written
// of it; the log has the group.
func (d *Door) foldGroup(ctx context.Context, group []*entry) {
	var all []stored
	results := make([]fold.Result, len(group))
	for i, e := range group {
		if e.prepared == nil {
			d.state.Tick(e.seq, e.tick)
		} else {
			results[i] = d.state.Apply(e.seq, e.prepared)
		}
		all = append(all, stored{Output: d.state.Take()}, stored{Output: results[i].Output, of: &results[i]})
	}
	if d.behind == nil {
		d.behind = d.store(ctx, all)
	}
	d.live.Store(d.state.Live())
	d.health.folded(d.state.Stats())
	for i, e := range group {
		switch {
		case e.prepared == nil:
		case d.behind != nil:
			d.finish(e, result{err: fmt.Errorf("the batch is in the log, and the store did not take it before the end: %w: %w", d.behind, release.ErrUnavailable)})
		default:
			r := results[i]
			receipt := d.quarantine(ctx, e.batch, item.Receipt{Seq: e.seq, Accepted: r.Accepted, Repeated: r.Repeated}, r.Refused)
			d.health.received(e.batch, r)
			d.finish(e, result{receipt: receipt})
		}
	}
}
