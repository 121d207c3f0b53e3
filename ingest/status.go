package ingest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/linnet-project/linnet/ingest/fold"
)

// Status is how a door is.
type Status struct {
	Counts
	fold.Stats
	// QueueBatches and QueueBytes are under way.
	QueueBatches, QueueBytes int
	LogBytes                 int64
	// Checkpoint is when the last one was written; zero while there is none.
	Checkpoint   time.Time
	LastReceived time.Time
	// Senders, the one that sent last first, at most a thousand.
	Senders []Sender
	// Ill are the parts that do not work, and what that means, by name.
	Ill map[string]string
}

// Status tells how the door is.
func (d *Door) Status() Status {
	s := Status{LogBytes: d.log.Size()}
	s.QueueBytes, s.QueueBatches = d.room.used()
	h := d.health
	h.mu.Lock()
	defer h.mu.Unlock()
	s.Counts, s.Stats, s.Checkpoint, s.Ill = h.counts, h.stats, h.written, maps.Clone(h.ill)
	s.Refused = maps.Clone(s.Refused)
	s.Senders = slices.SortedFunc(maps.Values(h.senders), func(a, b Sender) int {
		return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Name, b.Name))
	})
	if len(s.Senders) > 0 {
		s.LastReceived = s.Senders[0].Last
	}
	return s
}

// Metrics are the door's own figures, for a page of metrics.
func (d *Door) Metrics() prometheus.Gatherer { return d.health.registry }
