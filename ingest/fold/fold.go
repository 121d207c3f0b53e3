// Package fold makes samples of what the log holds. It is a function of the
// records, in their order, and of the rules: it reads no clock and keeps no file,
// so a restart that folds the rest of the log, and a replay that folds an older
// stretch, come to the same samples.
//
// Events are counted in windows of event time. A window (from, to] is over when
// the log's time has passed its end by the allowed lateness; then each series
// that was counted gets a sample at that end, its counters cumulative. A series
// that is silent goes on for a while, so that an idle arm is told from a missing
// one. What comes for a window of a series that is over is refused.
package fold

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/linnet-project/linnet/ingest/item"
)

const (
	// idle is for how long after its last event a series gets samples, in
	// milliseconds, and stillThere how far apart they may be: a series that was
	// counted out of the past does not jump to the present.
	idle       = 15 * 60_000
	stillThere = 60_000
	// forgotten is how long after its last event or sample a series is no more
	// counted against the limit: between one and two of these.
	forgotten = 3_600_000
	// setBack is how far back the time must go to be believed: a batch waits for a
	// moment, and may be in the log after one that came later.
	setBack = 3_600_000
	// mostGone bounds the forgotten series of which it is remembered how far they
	// came; beyond it none is forgotten, and all count against the limit.
	mostGone = 1 << 20
	// mostTenants bounds the tenants that have series and no limit of their own: who
	// sends may name as many as he likes, and each may have its share of memory.
	mostTenants = 1000
	// mostOpen bounds the windows that are open at once, over all series.
	mostOpen = 1 << 20
)

// Fold is the state that the log folds into. One goroutine owns it.
type Fold struct {
	terms Terms
	seq   uint64
	clock int64 // milliseconds
	bound int64 // the last end of a window that closed

	groups  map[string]*group
	gone    map[uint64]int64 // the last end that the store has of series that are forgotten, by hash of key
	order   []*group         // by key; nil where groups changed
	open    int              // open windows
	active  int64            // the last end of a window with events
	seen    seen
	tenants map[string]*tenant
	series  int    // of all tenants without a limit of their own
	short   uint64 // how often ids were forgotten before their time
	out     Output
}

// tenant is what counts against a tenant's limit.
type tenant struct {
	limit  int // of its series, by what the tenants had when its batch came
	groups int // series made of events
	// Series of samples that were heard of in this span of time and the last.
	recent, before *set
	both           int // are in both
}

// closing is a moment at which windows close, in milliseconds.
type closing struct{ clock, bound, window, lateness int64 }

// New is the fold of an empty log.
func New(terms Terms) *Fold {
	f := &Fold{groups: map[string]*group{}, gone: map[uint64]int64{}, tenants: map[string]*tenant{}}
	f.setTerms(terms)
	return f
}

func (f *Fold) setTerms(terms Terms) {
	f.terms = terms
	f.seen.span, f.seen.most = f.terms.SeenFor.Milliseconds(), f.terms.SeenMost
}

// Result is what became of a batch.
type Result struct {
	Accepted int // events and samples that are counted, or were left out by sampling
	Repeated int
	Sampled  int // left out by sampling
	Refused  []item.Refusal
	// Output is what of the batch goes into the store.
	Output
}

// Output is what goes into the store.
type Output struct {
	Samples   []item.Sample
	Exemplars []item.Exemplar
}

// Apply folds a batch. Its sequence must be above that of all before it.
func (f *Fold) Apply(seq uint64, p *Prepared) Result {
	f.Tick(seq, p.batch.At)
	r := Result{Refused: p.refused}
	id := uint64(0)
	if p.batch.ID != "" {
		id = hashOf('b', p.batch.Tenant+"\xff"+string(p.batch.Format), p.batch.ID)
		if f.seen.has(id) {
			return Result{Repeated: p.Items() + p.dropped + len(p.refused)}
		}
	}
	t := f.tenant(p.batch.Tenant)
	t.limit = f.limit(t, p.batch.Tenant)
	for _, e := range p.events {
		switch no, again := f.count(t, p.batch.Tenant, e); {
		case again:
			r.Repeated++
		case no != nil:
			r.Refused = append(r.Refused, placed(*no, e.Event))
		default:
			r.Accepted++
		}
	}
	kept := p.samples[:0]
	for i, s := range p.samples {
		if no := f.known(t, p.batch.Tenant, p.hashes[i]); no != nil {
			r.Refused = append(r.Refused, Whole(*no, s, i))
			continue
		}
		kept = append(kept, s)
	}
	r.Output = Output{Samples: kept, Exemplars: p.exemplars}
	r.Sampled = p.dropped
	r.Accepted += len(kept) + p.dropped
	// A batch of which nothing was taken may come again, once the rules are right.
	if id != 0 && r.Accepted > 0 {
		f.remember(id)
	}
	return r
}

// count counts an event, unless it was seen before or cannot be counted.
func (f *Fold) count(t *tenant, name string, e event) (no *item.Refusal, again bool) {
	if e.id != 0 && f.seen.has(e.id) {
		return nil, true
	}
	g, there := f.groups[string(e.key)]
	before := f.before(g, e.key)
	switch {
	case e.end <= before:
		return &item.Refusal{Code: item.TooLate, Text: fmt.Sprintf("its window ended at %s and is closed: send within %s", stamp(time.UnixMilli(e.end)), span(f.terms.Lateness))}, false
	case f.open >= mostOpen:
		return &item.Refusal{Code: item.TooMany, Text: fmt.Sprintf("%d windows are open: send what is old in smaller parts, in order of time", f.open)}, false
	case !there:
		if no := f.full(t, name); no != nil {
			return no, false
		}
		g = newGroup(name, e)
		g.before = before
		f.groups[g.key], f.order = g, nil
		t.groups++
		f.add(name)
	}
	open := len(g.open)
	g.add(e, f.clock)
	f.active = max(f.active, e.end)
	f.open += len(g.open) - open
	if e.id != 0 {
		f.remember(e.id)
	}
	return nil, false
}

// before is the last end that the store has a sample of, of a series that is there
// or of one that was forgotten.
func (f *Fold) before(g *group, key []byte) int64 {
	if g != nil {
		return max(g.emitted, g.before)
	}
	return f.gone[xxhash.Sum64(key)]
}

func (f *Fold) remember(id uint64) {
	if f.terms.SeenFor > 0 && f.seen.add(id, f.clock) {
		f.short++
	}
}

// full says why a tenant may have no new series; nil where it may.
func (f *Fold) full(t *tenant, name string) *item.Refusal {
	text, of := "", ""
	if name != "" {
		of = " of tenant " + name
	}
	switch {
	case t.limit == 0:
		text = fmt.Sprintf("tenant %s is one more than %d: send as one of those, or give it a limit of its own with spec.limits.tenants", name, mostTenants)
	case t.size() >= t.limit:
		text = fmt.Sprintf("a new series%s, and %d is the limit: take out a label with many values, or raise the limit", of, t.limit)
	case f.common(name) && f.series >= f.terms.Common:
		text = fmt.Sprintf("a new series%s, and the tenants that have no limit of their own have %d together, which is the limit: name fewer tenants, or give this one a limit of its own with spec.limits.tenants", of, f.series)
	default:
		return nil
	}
	return &item.Refusal{Code: item.TooMany, Text: text}
}

// common tells whether a tenant has no limit of its own.
func (f *Fold) common(name string) bool {
	_, named := f.terms.Tenants[name]
	return !named
}

// add counts a new series against what the tenants without a limit of their own
// may have together.
func (f *Fold) add(tenant string) {
	if f.common(tenant) {
		f.series++
	}
}

// sum counts those anew.
func (f *Fold) sum() {
	f.series = 0
	for name, t := range f.tenants {
		if f.common(name) {
			f.series += t.size()
		}
	}
}

// limit is how many series a tenant may have: none where it would be one tenant
// too many.
func (f *Fold) limit(t *tenant, name string) int {
	if !f.common(name) || name == "" || t.size() > 0 || len(f.tenants) <= mostTenants {
		return f.terms.limit(name)
	}
	with := 0
	for _, one := range f.tenants {
		if one.size() > 0 {
			with++
		}
	}
	if with >= mostTenants {
		return 0
	}
	return f.terms.limit(name)
}

func (f *Fold) tenant(name string) *tenant {
	t, ok := f.tenants[name]
	if !ok {
		if len(f.tenants) >= 2*mostTenants {
			maps.DeleteFunc(f.tenants, func(_ string, t *tenant) bool { return t.size() == 0 })
		}
		t = &tenant{recent: newSet(f.clock), before: newSet(f.clock)}
		f.tenants[strings.Clone(name)] = t
	}
	return t
}

// size is how many series a tenant has.
func (t *tenant) size() int { return t.groups + len(t.recent.list) + len(t.before.list) - t.both }

// known makes a series of samples one of the tenant's, or says why it cannot be.
func (f *Fold) known(t *tenant, name string, hash uint64) *item.Refusal {
	if t.recent.has(hash) {
		return nil
	}
	if t.before.has(hash) {
		t.both++
	} else if no := f.full(t, name); no != nil {
		return no
	} else {
		f.add(name)
	}
	t.recent.add(hash)
	return nil
}

// Tick tells the fold that a time was reached, which closes windows.
func (f *Fold) Tick(seq uint64, at time.Time) {
	f.seq = seq
	switch ms := at.UnixMilli(); {
	case ms > f.clock:
		f.clock = ms
	case ms < f.clock-setBack:
		f.goBack(ms)
	}
	window, lateness := f.terms.Window.Milliseconds(), f.terms.Lateness.Milliseconds()
	bound := f.clock - lateness - floorMod(f.clock-lateness, window)
	if bound <= f.bound {
		return
	}
	f.bound = bound
	f.close(closing{clock: f.clock, bound: bound, window: window, lateness: lateness})
}

// goBack is for a clock that had gone far ahead and was set right: what closed in
// the meantime does not keep the present closed.
func (f *Fold) goBack(ms int64) {
	f.clock, f.bound, f.active = ms, 0, min(f.active, ms)
	for _, g := range f.groups {
		g.heard, g.active = min(g.heard, ms), min(g.active, ms)
		if g.emitted > ms {
			g.emitted = 0
		}
		if g.before > ms {
			g.before = 0
		}
	}
	maps.DeleteFunc(f.gone, func(_ uint64, end int64) bool { return end > ms })
	f.seen.goBack(ms)
	for _, t := range f.tenants {
		t.recent.from = min(t.recent.from, ms)
	}
}

// close closes what is over, of all series in the order of their keys.
func (f *Fold) close(c closing) {
	f.seen.forget(f.clock)
	if f.order == nil {
		f.order = make([]*group, 0, len(f.groups))
		for _, g := range f.groups {
			f.order = append(f.order, g)
		}
		slices.SortFunc(f.order, func(a, b *group) int { return strings.Compare(a.key, b.key) })
	}
	f.open = 0
	gone := false
	for _, g := range f.order {
		series := g.series()
		g.close(c, &f.out)
		f.open += len(g.open)
		t := f.tenant(g.tenant)
		t.groups += g.series() - series
		if len(g.open) == 0 && f.clock-g.heard > forgotten && len(f.gone) < mostGone {
			delete(f.groups, g.key)
			f.gone[xxhash.Sum64String(g.key)] = max(g.emitted, g.before)
			t.groups -= g.series()
			gone = true
		}
	}
	if gone {
		f.order = nil
	}
	// Nothing that old is let in any more, not even of a batch that waited.
	oldest := f.clock - f.terms.MaxAge.Milliseconds() - setBack
	maps.DeleteFunc(f.gone, func(_ uint64, end int64) bool { return end < oldest })
	for name, t := range f.tenants {
		if f.clock-t.recent.from >= forgotten {
			t.before, t.recent, t.both = t.recent, newSet(f.clock), 0
		}
		if t.size() == 0 {
			delete(f.tenants, name)
		}
	}
	f.sum()
}

// Take hands out what came of the windows that closed since it was called last.
func (f *Fold) Take() Output {
	out := f.out
	f.out = Output{}
	return out
}

// Stats are figures of the state.
type Stats struct {
	Seq   uint64
	Clock time.Time // the log's time; the zero time of an empty log
	// Closed is the end of the last window that closed.
	Closed time.Time
	// Series by tenant, and windows that are open.
	Series map[string]int
	Open   int
	// Seen is how many ids are remembered, Reach since when all of them are, and
	// Short how often some were forgotten before their time.
	Seen  int
	Reach time.Time
	Short uint64
	Live  bool
}

// Live says that time alone would change something: ticks are due.
func (f *Fold) Live() bool { return f.open > 0 || f.active > 0 && f.bound-f.active <= idle }

// Stats tells how the state is.
func (f *Fold) Stats() Stats {
	s := Stats{
		Seq: f.seq, Clock: timeOf(f.clock), Closed: timeOf(f.bound), Series: map[string]int{}, Open: f.open,
		Seen: f.seen.len(), Reach: timeOf(f.seen.reach(f.clock)), Short: f.short, Live: f.Live(),
	}
	for name, t := range f.tenants {
		s.Series[name] = t.size()
	}
	return s
}

func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
