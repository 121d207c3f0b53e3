package fold

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/common/model"

	"github.com/linnet-project/linnet/ingest/item"
)

// largest is the largest value that sums can take exactly, by a wide margin.
const largest = 1e15

// SampleRatio is the label that holds the share of the events that were kept.
const SampleRatio = "sample_ratio"

// tenantLabel is the label of the tenant that a batch is of.
const tenantLabel = "tenant"

// Prepared is a batch decoded and held against the rules: all that needs no
// knowledge of other batches.
type Prepared struct {
	batch   item.Batch // without its body
	events  []event
	samples []item.Sample
	hashes  []uint64 // of the samples' labels
	dropped int      // by sampling
	refused []item.Refusal

	exemplars []item.Exemplar
}

// Empty says that a batch holds nothing, good or bad.
func (p *Prepared) Empty() bool { return p.Items()+p.dropped+len(p.refused)+len(p.exemplars) == 0 }

// Items are how many events and samples are left to count.
func (p *Prepared) Items() int { return len(p.events) + len(p.samples) }

// Within tells whether anything of it is counted at a time of that stretch.
func (p *Prepared) Within(from, to time.Time) bool {
	first, last := from.UnixMilli(), to.UnixMilli()
	in := func(ms int64) bool { return ms >= first && ms <= last }
	return slices.ContainsFunc(p.events, func(e event) bool { return in(e.end) }) ||
		slices.ContainsFunc(p.samples, func(s item.Sample) bool { return in(s.T) })
}

// event is an event as the fold needs it.
type event struct {
	*item.Event
	key   []byte // tells its series from all others
	ratio string
	end   int64  // of its window
	id    uint64 // of its id; 0 where it has none
}

// Prepare holds what was decoded of a batch against the rules. It depends on its
// arguments alone, may change d, and runs for several batches at once.
func Prepare(b item.Batch, d item.Decoded, r Rules, terms Terms) *Prepared {
	p := &Prepared{batch: b, refused: d.Refused, exemplars: d.Exemplars}
	p.batch.Body = nil
	p.events = make([]event, 0, len(d.Events))
	for i := range d.Events {
		e := &d.Events[i]
		if no := admitEvent(e, b.At, r, terms); no != nil {
			p.refused = append(p.refused, placed(*no, e))
			continue
		}
		kept := sampled(e, b.At, i, r.Share(e))
		if kept == 0 {
			p.dropped++
			continue
		}
		one := event{Event: e, ratio: ratioText(kept), end: windowEnd(e.Time, terms.Window)}
		one.key = keyOf(b.Tenant, one)
		if e.ID != "" {
			one.id = hashOf('e', b.Tenant, e.ID)
		}
		p.events = append(p.events, one)
	}
	p.samples = d.Samples[:0]
	p.hashes = make([]uint64, 0, len(d.Samples))
	for i := range d.Samples {
		s := d.Samples[i]
		if no := admitSample(&s, b.At, r, terms); no != nil {
			p.refused = append(p.refused, Whole(*no, s, i))
			continue
		}
		p.samples = append(p.samples, s)
		p.hashes = append(p.hashes, s.Labels.Hash())
	}
	return p
}

// placed is the refusal of an event, with its place and text.
func placed(no item.Refusal, e *item.Event) item.Refusal {
	if no.Place == "" {
		no.Place = e.Place
	}
	if len(no.Raw) == 0 {
		no.Raw = e.Raw
	}
	if len(no.Raw) == 0 {
		no.Raw = item.EventLine(*e)
	}
	return no
}

// Whole is the refusal of a sample of a batch, the ith, with its place and the
// sample written down.
func Whole(no item.Refusal, s item.Sample, i int) item.Refusal {
	if no.Place == "" {
		no.Place = "sample " + strconv.Itoa(i+1)
	}
	if len(no.Raw) == 0 {
		no.Raw = item.SampleLine(s)
	}
	return no
}

func admitEvent(e *item.Event, at time.Time, r Rules, terms Terms) *item.Refusal {
	if no := r.Event(e); no != nil {
		return no
	}
	if no := timely(e.Time, at, terms); no != nil {
		return no
	}
	for _, v := range []*float64{e.Seconds, e.Value} {
		if v != nil && !(math.Abs(*v) <= largest) {
			return &item.Refusal{Code: item.OutOfRange, Text: fmt.Sprintf("%g cannot be added up: send a number between -1e15 and 1e15", *v)}
		}
	}
	if wrong := e.WrongKept(); wrong != "" {
		return &item.Refusal{Code: item.OutOfRange, Text: wrong}
	}
	if e.Count < 0 || e.Count > item.MaxCount {
		return &item.Refusal{Code: item.OutOfRange, Text: fmt.Sprintf("it stands for %d events: send at most %d", e.Count, item.MaxCount)}
	}
	return nil
}

func admitSample(s *item.Sample, at time.Time, r Rules, terms Terms) *item.Refusal {
	if no := r.Sample(s); no != nil {
		return no
	}
	if no := timely(time.UnixMilli(s.T), at, terms); no != nil {
		return no
	}
	if !s.Labels.IsValid(model.UTF8Validation) {
		return &item.Refusal{Code: item.UnknownForm, Text: fmt.Sprintf("%.200s has no name, or a label that is none", s.Labels)}
	}
	if name, twice := s.Labels.HasDuplicateLabelNames(); twice {
		return &item.Refusal{Code: item.UnknownForm, Text: fmt.Sprintf("%.200s has the label %s twice", s.Labels, name)}
	}
	var err error
	switch {
	case s.H != nil:
		err = s.H.Validate()
	case s.FH != nil:
		err = s.FH.Validate()
	}
	if err != nil {
		return &item.Refusal{Code: item.OutOfRange, Text: fmt.Sprintf("the histogram of %.200s cannot be: %v", s.Labels, err)}
	}
	return nil
}

// timely holds the time of something against when it came.
func timely(t, came time.Time, terms Terms) *item.Refusal {
	switch {
	case t.Before(came.Add(-terms.MaxAge)):
		return &item.Refusal{Code: item.TooOld, Text: fmt.Sprintf("its time, %s, is more than %s before it came: send within %s, or raise spec.time.tooOld in the rules", stamp(t), span(terms.MaxAge), span(terms.MaxAge))}
	case t.After(came.Add(terms.MaxAhead)):
		return &item.Refusal{Code: item.TooNew, Text: fmt.Sprintf("its time, %s, is more than %s after it came: look at the sender's clock", stamp(t), span(terms.MaxAhead))}
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// span writes a length of time for people: 24h for 24h0m0s.
func span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// sampled is the share of events like e that are kept, 0 where e is not: of a
// trace all or none, else of events. Chance comes from what e is, so that it comes
// out the same again.
func sampled(e *item.Event, at time.Time, i int, share float64) float64 {
	kept := e.Kept
	if kept == 0 {
		kept = 1
	}
	if share >= 1 {
		return kept
	}
	var h uint64
	switch {
	case e.Trace != "":
		h = hashOf('t', "", e.Trace)
	case e.ID != "":
		h = hashOf('s', "", e.ID)
	default:
		var b [16]byte
		binary.LittleEndian.PutUint64(b[:], uint64(at.UnixNano()))
		binary.LittleEndian.PutUint64(b[8:], uint64(i))
		h = xxhash.Sum64(b[:])
	}
	if float64(h>>11)/(1<<53) >= share {
		return 0
	}
	return kept * share
}

// ratioText writes a share for a label; "" where all were kept.
func ratioText(kept float64) string {
	if kept >= 1 {
		return ""
	}
	return strconv.FormatFloat(kept, 'g', 9, 64)
}

// hashOf is never 0. Of four million ids, two have the same with a chance of one
// in two million.
func hashOf(kind byte, tenant, id string) uint64 {
	b := make([]byte, 0, 128)
	b = append(append(append(append(b, kind), tenant...), 0xff), id...)
	return max(xxhash.Sum64(b), 1)
}

// windowEnd is the end of the window that a time lies in, in milliseconds.
func windowEnd(t time.Time, window time.Duration) int64 {
	w := window.Nanoseconds()
	n := t.UnixNano()
	end := n - floorMod(n, w)
	if end < n {
		end += w
	}
	return end / 1e6
}

func floorMod(a, b int64) int64 { return ((a % b) + b) % b }

// keyOf writes down what tells series apart. No text of an event holds the byte
// 0xff, which is no UTF-8. A tag called tenant is the series' label only where the
// batch has none, as newGroup has it: two keys of one series would overwrite each
// other's counts.
func keyOf(tenant string, e event) []byte {
	if tenant == "" {
		tenant = e.Tags[tenantLabel]
	}
	n := 8 + len(tenant) + len(e.Name) + len(e.Service) + len(e.Version) + len(e.Arm) + len(e.Route) + len(e.Outcome) + len(e.ratio)
	for name, value := range e.Tags {
		n += len(name) + len(value) + 2
	}
	b := make([]byte, 0, n)
	for _, text := range [...]string{tenant, e.Name, e.Service, e.Version, e.Arm, e.Route, string(e.Outcome), e.ratio} {
		b = append(append(b, text...), 0xff)
	}
	if len(e.Tags) == 0 {
		return b
	}
	names := make([]string, 0, len(e.Tags))
	for name := range e.Tags {
		if name != tenantLabel {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if e.Tags[name] != "" {
			b = append(append(append(append(b, name...), 0xff), e.Tags[name]...), 0xff)
		}
	}
	return b
}
