package ingest

import (
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/linnet-project/linnet/ingest/fold"
	"github.com/linnet-project/linnet/ingest/item"
)

const (
	// quiet is how long something must have been well, or nothing refused, before
	// it is told again.
	quiet = 5 * time.Minute
	// mostSenders and mostNotices bound what is remembered by name.
	mostSenders = 1000
	mostNotices = 1000
)

// health is how the door is, for people and for a scrape.
type health struct {
	logger *slog.Logger
	now    func() time.Time

	registry *prometheus.Registry
	accepted *prometheus.CounterVec // by format
	repeated *prometheus.CounterVec
	turned   *prometheus.CounterVec // by code
	sampled  prometheus.Counter
	busy     prometheus.Counter
	lost     prometheus.Counter
	unstored prometheus.Counter

	mu      sync.Mutex
	stats   fold.Stats
	senders map[string]Sender
	counts  Counts
	told    map[string]time.Time // notices, and when what they say was last so
	ill     map[string]string    // parts that do not work, and why
	last    uint64               // of the newest checkpoint
	before  uint64               // of the one before it
	written time.Time            // of the newest checkpoint
}

// Sender is one that sent something.
type Sender struct {
	Name     string
	Last     time.Time // when it sent last
	Accepted uint64
	Refused  uint64
}

// Counts are totals since the door opened.
type Counts struct {
	Accepted, Repeated, Sampled uint64
	Refused                     map[item.Code]uint64
}

func newHealth(logger *slog.Logger, now func() time.Time) *health {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "linnet_ingest_" + name, Help: help})
	}
	by := func(label, name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "linnet_ingest_" + name, Help: help}, []string{label})
	}
	h := &health{
		logger: logger, now: now, registry: prometheus.NewRegistry(),
		accepted: by("format", "accepted_total", "Events and samples that were accepted."),
		repeated: by("format", "repeated_total", "Events and samples that had been accepted before."),
		turned:   by("code", "refused_total", "What was refused, by the reason."),
		sampled:  counter("sampled_out_total", "Accepted events that a sampling rule left out of the counts."),
		busy:     counter("busy_total", "Batches that found the queue full."),
		lost:     counter("quarantine_failed_total", "What was refused and could not be kept in the quarantine."),
		unstored: counter("unstored_total", "Samples of windows that the store refused."),
		senders:  map[string]Sender{}, told: map[string]time.Time{}, ill: map[string]string{},
		counts: Counts{Refused: map[item.Code]uint64{}},
	}
	h.registry.MustRegister(h.accepted, h.repeated, h.turned, h.sampled, h.busy, h.lost, h.unstored)
	return h
}

// gauges registers figures that are read when somebody asks.
func (h *health) gauges(d *Door) {
	for _, g := range []struct {
		name, help string
		value      func(Status) float64
	}{
		{"queue_batches", "Batches under way.", func(s Status) float64 { return float64(s.QueueBatches) }},
		{"queue_bytes", "Bytes of the batches under way.", func(s Status) float64 { return float64(s.QueueBytes) }},
		{"log_bytes", "Bytes of the log on disk.", func(s Status) float64 { return float64(s.LogBytes) }},
		{"open_windows", "Windows of series that are not over.", func(s Status) float64 { return float64(s.Open) }},
		{"series", "Series that count against the limits.", func(s Status) float64 {
			n := 0
			for _, one := range s.Series {
				n += one
			}
			return float64(n)
		}},
		{"remembered_ids", "Ids of events and batches that are remembered.", func(s Status) float64 { return float64(s.Seen) }},
		{"forgotten_early_total", "How often ids were forgotten before their time, to make room.", func(s Status) float64 { return float64(s.Short) }},
		{"last_closed_timestamp_seconds", "End of the last window that closed.", func(s Status) float64 { return seconds(s.Closed) }},
		{"last_received_timestamp_seconds", "When a batch came last.", func(s Status) float64 { return seconds(s.LastReceived) }},
		{"checkpoint_timestamp_seconds", "When the last checkpoint was written.", func(s Status) float64 { return seconds(s.Checkpoint) }},
		{"ill", "Parts that do not work.", func(s Status) float64 { return float64(len(s.Ill)) }},
	} {
		h.registry.MustRegister(prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: "linnet_ingest_" + g.name, Help: g.help},
			func() float64 { return g.value(d.Status()) },
		))
	}
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// received counts what became of a batch.
func (h *health) received(b item.Batch, r fold.Result) {
	h.accepted.WithLabelValues(string(b.Format)).Add(float64(r.Accepted))
	h.repeated.WithLabelValues(string(b.Format)).Add(float64(r.Repeated))
	h.sampled.Add(float64(r.Sampled))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts.Accepted += uint64(r.Accepted)
	h.counts.Repeated += uint64(r.Repeated)
	h.counts.Sampled += uint64(r.Sampled)
	h.sender(b, func(s *Sender) { s.Accepted += uint64(r.Accepted) })
}

// refused counts refusals, and tells of the first from a sender and of a code.
func (h *health) refused(b item.Batch, refused []item.Refusal) {
	for _, one := range refused {
		h.turned.WithLabelValues(string(one.Code)).Inc()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, one := range refused {
		h.counts.Refused[one.Code]++
		if name := "refused " + string(one.Code) + " " + b.Sender; h.roomFor(name) && h.first(name) {
			h.logger.Warn("data is refused, and kept in the quarantine; more of the same is not told",
				"sender", b.Sender, "code", one.Code, "reason", one.Text, "place", one.Place, "batch", b.Seq)
		}
	}
	h.sender(b, func(s *Sender) { s.Refused += uint64(len(refused)) })
}

// sender changes what is known of a batch's sender. Where there are too many, the
// one that was silent for longest is forgotten.
func (h *health) sender(b item.Batch, change func(*Sender)) {
	s, ok := h.senders[b.Sender]
	if !ok && len(h.senders) >= mostSenders {
		oldest := ""
		for name, o := range h.senders {
			if oldest == "" || o.Last.Before(h.senders[oldest].Last) {
				oldest = name
			}
		}
		delete(h.senders, oldest)
	}
	s.Name = b.Sender
	if b.At.After(s.Last) {
		s.Last = b.At
	}
	change(&s)
	h.senders[b.Sender] = s
}

// roomFor tells whether a notice of a sender may be remembered; where it may not it
// is not told either, or senders with ever other names would fill the log.
func (h *health) roomFor(notice string) bool {
	if _, ok := h.told[notice]; ok || len(h.told) < mostNotices {
		return true
	}
	now := h.now()
	maps.DeleteFunc(h.told, func(_ string, at time.Time) bool { return now.Sub(at) >= quiet })
	return len(h.told) < mostNotices
}

// first tells whether something was not so for a while.
func (h *health) first(what string) bool {
	now := h.now()
	last, ok := h.told[what]
	h.told[what] = now
	return !ok || now.Sub(last) >= quiet
}

// tell says that a part of the door does not work, once until it is well.
func (h *health) tell(part, text string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.first("ill " + part) {
		h.logger.Error(text, args...)
	}
	h.ill[part] = text
}

// once says something that was not so for a while.
func (h *health) once(text string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.first(text) {
		h.logger.Error(text, args...)
	}
}

// well says that a part works.
func (h *health) well(part string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.ill[part]; ok {
		delete(h.ill, part)
		delete(h.told, "ill "+part)
		h.logger.Info("the front door's " + part + " works again")
	}
}

// folded keeps figures of the state.
func (h *health) folded(s fold.Stats) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.Short > h.stats.Short && h.first("short") {
		h.logger.Warn("more ids come than are remembered, so that what is repeated after longer counts twice; raise the number of ids or lower the time",
			"ids", s.Seen, "since", s.Reach)
	}
	h.stats = s
}

func (h *health) checkpoint(seq uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.before, h.last, h.written = h.last, seq, h.now()
}

// restored tells of the checkpoint that the door went on from.
func (h *health) restored(seq uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = seq
}

// due tells whether a checkpoint that ends with a record is worth its while: not
// where both that are there end with it.
func (h *health) due(seq uint64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last != seq || h.before != seq
}

// needed is the last record that no checkpoint needs any more.
func (h *health) needed() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.before
}
