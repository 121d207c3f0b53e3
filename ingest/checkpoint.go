package ingest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/linnet-project/linnet/ingest/fold"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/log"
	"github.com/linnet-project/linnet/release"
)

// A door keeps two checkpoints, so that one that the disk spoiled does not cost
// the counters their past.
const (
	newest = "checkpoint"
	before = "checkpoint.before"
)

// recoverBatches is how many batches are folded between two commits to the store.
const recoverBatches = 256

// recover restores the last checkpoint and folds what the log has after it.
func (d *Door) recover(ctx context.Context) error {
	for _, name := range []string{newest, before} {
		b, err := os.ReadFile(filepath.Join(d.config.Dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			d.state, err = fold.Restore(b, d.terms)
		}
		if err == nil {
			d.health.restored(d.state.Stats().Seq)
			break
		}
		d.config.Logger.Error("a checkpoint of the front door cannot be used", "file", filepath.Join(d.config.Dir, name), "error", err)
	}
	if d.state == nil {
		d.state = fold.New(d.terms)
	}
	from := d.state.Stats().Seq + 1
	d.log.Forward(from)
	var group []*entry
	count := 0
	flush := func() error {
		d.foldGroup(ctx, group)
		count += len(group)
		group = group[:0]
		return d.behind
	}
	err := d.log.Read(ctx, from, func(r log.Record) error {
		if r.Seq > from {
			d.config.Logger.Error("records are missing in the log; what they held is not counted", "from", from, "to", r.Seq-1)
		}
		from = r.Seq + 1
		group = append(group, d.again(r))
		if len(group) < recoverBatches {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if count > 0 {
		d.config.Logger.Info("the front door folded again what came after its last checkpoint", "records", count)
	}
	return err
}

// again is the entry of a record read from the log.
func (d *Door) again(r log.Record) *entry {
	if r.Batch == nil {
		return &entry{tick: r.At, seq: r.Seq}
	}
	p, err := prepare(d.config, d.terms, *r.Batch)
	if err != nil {
		d.config.Logger.Error("a batch of the log cannot be decoded any more; it is not counted", "seq", r.Seq, "error", err)
		return &entry{tick: r.At, seq: r.Seq}
	}
	return &entry{prepared: p, batch: *r.Batch, seq: r.Seq}
}

// prepare decodes a batch and holds it against the rules. Decoders are other
// people's code in part: one that panics must end neither the process, nor each
// start after it where the log has the batch.
func prepare(c Config, terms fold.Terms, b item.Batch) (p *fold.Prepared, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			c.Logger.Error("a batch makes its decoder panic; please report it", "format", b.Format, "sender", b.Sender, "seq", b.Seq,
				"panic", problem, "stack", string(debug.Stack()))
			p, err = nil, fmt.Errorf("its decoder does not get along with it: %w", release.ErrInvalid)
		}
	}()
	decode, ok := c.Decoders[b.Format]
	if !ok {
		return nil, fmt.Errorf("nothing reads the format %q", b.Format)
	}
	decoded, err := decode(b)
	if err != nil {
		return nil, err
	}
	return fold.Prepare(b, decoded, c.Rules, terms), nil
}

// keep writes checkpoints and lets go of the log's oldest segments, until the
// context ends. Nothing waits for it but the taking of a snapshot.
func (d *Door) keep(ctx context.Context) {
	ticker := time.NewTicker(d.config.Limits.Checkpoint)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		out := make(chan fold.Snapshot, 1)
		select {
		case <-ctx.Done():
			return
		case d.snaps <- out:
		}
		if s, ok := <-out; ok {
			d.checkpoint(s)
		}
	}
}

// checkpoint makes a snapshot last, once store and quarantine have made last what
// they have.
func (d *Door) checkpoint(s fold.Snapshot) {
	if d.health.due(s.Seq) {
		err := errors.Join(d.config.Store.Sync(), d.config.Quarantine.Sync())
		if err == nil {
			err = writeCheckpoint(d.config.Dir, s)
		}
		if err != nil {
			d.health.tell("checkpoint", "a checkpoint of the front door cannot be written; the log grows", "error", err)
			return
		}
		d.health.well("checkpoint")
		d.health.checkpoint(s.Seq)
	}
	oldest := d.config.Now().Add(-d.terms.KeepFor)
	if err := d.log.Retain(oldest, d.terms.KeepBytes, d.health.needed()); err != nil {
		d.health.tell("retention", "the log's oldest part cannot be removed", "error", err)
	}
}

// writeCheckpoint replaces the checkpoint: the new one is whole on disk before it
// has the name, and the one it replaces keeps another.
func writeCheckpoint(dir string, s fold.Snapshot) error {
	path := filepath.Join(dir, newest)
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 64<<10)
	_, err = s.WriteTo(w)
	if err := errors.Join(err, w.Flush(), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path, filepath.Join(dir, before)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
