package ingest

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/storage"

	"github.com/linnet-project/linnet/ingest/fold"
	"github.com/linnet-project/linnet/ingest/item"
)

// Decoder reads a batch of one format. An error means that nothing of it can be
// read. It must give the same for the same batch, always: the log is decoded
// again after a crash, and by a replay.
type Decoder func(item.Batch) (item.Decoded, error)

// Store takes the samples.
type Store interface {
	Appender(ctx context.Context) storage.Appender
	// Sync makes what was committed last through a loss of power.
	Sync() error
}

// Quarantine keeps what was refused. After a crash the same refusals of the same
// batch (by its Seq, where that is not 0) may come again. A batch that is
// unreadable as a whole has no Seq, since it is not in the log.
type Quarantine interface {
	Put(context.Context, item.Batch, []item.Refusal) error
	// Sync makes what was put last through a loss of power: a checkpoint that is
	// past a batch would not come to its refusals again.
	Sync() error
}

// Config says what a door is made of.
type Config struct {
	// Dir is the door's own folder; log and checkpoint are made in it.
	Dir        string
	Store      Store
	Rules      fold.Rules
	Decoders   map[item.Format]Decoder
	Quarantine Quarantine
	// Logger hears when refusals begin, and of trouble; nil for nobody.
	Logger *slog.Logger
	// Now is the clock by which things come in.
	Now    func() time.Time
	Limits Limits
}

// Limits bound what the door holds; zero stands for the default.
type Limits struct {
	// Batch is the size of the largest batch in bytes, uncompressed.
	Batch int
	// QueueBytes and QueueBatches bound what is under way at once, from its
	// arrival to its acknowledgement; whatever comes besides is told item.Busy.
	QueueBytes, QueueBatches int
	// Checkpoint is the time between two checkpoints.
	Checkpoint time.Duration
	// Segment is the size at which the log begins another file.
	Segment int64
}

// Defaults of Limits.
const (
	DefaultBatch        = 16 << 20
	DefaultQueueBytes   = 64 << 20
	DefaultQueueBatches = 4096
	DefaultCheckpoint   = 15 * time.Second
	DefaultSegment      = 32 << 20
)

func (l *Limits) fill() {
	for _, f := range []struct {
		p         *int
		otherwise int
	}{{&l.Batch, DefaultBatch}, {&l.QueueBytes, DefaultQueueBytes}, {&l.QueueBatches, DefaultQueueBatches}} {
		if *f.p == 0 {
			*f.p = f.otherwise
		}
	}
	if l.Checkpoint == 0 {
		l.Checkpoint = DefaultCheckpoint
	}
	if l.Segment == 0 {
		l.Segment = DefaultSegment
	}
	l.QueueBytes = max(l.QueueBytes, l.Batch)
}
