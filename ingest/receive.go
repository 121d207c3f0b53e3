package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/ingest/fold"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/log"
	"github.com/linnet-project/linnet/release"
)

const (
	// tryAgain is when a batch that found no room may come again.
	tryAgain = time.Second
	// overhead is what a batch takes besides its body, about.
	overhead = 1 << 10
	// fewRefusals are those that a receipt holds.
	fewRefusals = 10
	putTimeout  = 5 * time.Second
)

// Receive takes a batch, and returns once it is on disk and counted. The door
// gives it its Seq and At. What of it is refused is in the quarantine, and no
// error. An error wraps release.ErrInvalid where nothing of it can be read, and
// sending it again would not help; release.ErrUnavailable where it may come again
// (item.Busy says when), with the same ids, since it may have been counted.
func (d *Door) Receive(ctx context.Context, b item.Batch) (item.Receipt, error) {
	b.At = d.config.Now().UTC()
	size := len(b.Body) + overhead
	if len(b.Body) > d.config.Limits.Batch {
		return d.turnAway(ctx, b, item.Refusal{
			Code: item.TooLarge, Text: fmt.Sprintf("the batch has %d bytes, and %d are allowed: send smaller ones", len(b.Body), d.config.Limits.Batch),
		})
	}
	if !d.room.take(size) {
		d.health.busy.Inc()
		return item.Receipt{}, item.Busy{After: tryAgain}
	}
	e, receipt, err := d.admit(ctx, b)
	if e == nil {
		d.room.give(size)
		return receipt, err
	}
	e.size = size
	if !d.enqueue(e) {
		d.room.give(size)
		return item.Receipt{}, fmt.Errorf("the front door is closing; try again: %w", release.ErrUnavailable)
	}
	select {
	case r := <-e.done:
		return r.receipt, r.err
	case <-ctx.Done():
		return item.Receipt{}, fmt.Errorf("the batch was not acknowledged in time (%w): send it again with the same ids: %w", context.Cause(ctx), release.ErrUnavailable)
	}
}

// admit decodes a batch and holds it against the rules. Without an entry there is
// nothing more to do.
func (d *Door) admit(ctx context.Context, b item.Batch) (*entry, item.Receipt, error) {
	p, err := prepare(d.config, d.terms, b)
	if err != nil {
		code := item.Unreadable
		if errors.Is(err, item.ErrMany) {
			code = item.TooLarge
		}
		receipt, err := d.turnAway(ctx, b, item.Refusal{Code: code, Text: err.Error()})
		return nil, receipt, err
	}
	if p.Empty() {
		return nil, item.Receipt{}, nil
	}
	return &entry{prepared: p, packed: log.Pack(b), batch: b, done: make(chan result, 1)}, item.Receipt{}, nil
}

// turnAway refuses a batch as a whole.
func (d *Door) turnAway(ctx context.Context, b item.Batch, no item.Refusal) (item.Receipt, error) {
	no.Raw = b.Body[:min(len(b.Body), item.MaxRaw)]
	r := d.quarantine(ctx, b, item.Receipt{}, []item.Refusal{no})
	d.health.received(b, fold.Result{})
	return r, fmt.Errorf("the batch is refused (%s): %s: %w", no.Code, no.Text, release.ErrInvalid)
}

// quarantine puts refusals where they can be looked at, and adds them to the
// receipt.
func (d *Door) quarantine(ctx context.Context, b item.Batch, r item.Receipt, refused []item.Refusal) item.Receipt {
	r.Refused = len(refused)
	if len(refused) == 0 {
		return r
	}
	for i := range refused {
		refused[i] = refused[i].Bounded()
	}
	for _, one := range refused[:min(len(refused), fewRefusals)] {
		one.Raw = nil
		r.Refusals = append(r.Refusals, one)
	}
	d.health.refused(b, refused)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putTimeout)
	defer cancel()
	if err := d.config.Quarantine.Put(ctx, b, refused); err != nil {
		d.health.lost.Add(float64(len(refused)))
		d.health.tell("quarantine", "what was refused cannot be kept in the quarantine", "error", err)
	}
	return r
}

// enqueue puts an entry into the queue, which has room for all that found room at
// the door; false once the door is closed.
func (d *Door) enqueue(e *entry) bool {
	d.coming.RLock()
	defer d.coming.RUnlock()
	if d.closed {
		return false
	}
	d.queue <- e
	return true
}
