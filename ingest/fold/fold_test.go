package fold

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/ingest/item"
)

// plain takes everything.
type plain struct{ share float64 }

func (plain) Event(*item.Event) *item.Refusal   { return nil }
func (plain) Sample(*item.Sample) *item.Refusal { return nil }
func (p plain) Share(*item.Event) float64       { return p.share }
func (plain) Terms() Terms                      { return Defaults() }

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// record is one of a log.
type record struct {
	at     time.Time
	tick   bool
	batch  string
	events []item.Event
}

func (r record) apply(f *Fold, seq uint64) Result {
	if r.tick {
		f.Tick(seq, r.at)
		return Result{}
	}
	events := append([]item.Event(nil), r.events...)
	return f.Apply(seq, Prepare(item.Batch{ID: r.batch, At: r.at}, item.Decoded{Events: events}, plain{1}, f.terms))
}

// written is what a fold hands out, by series and time.
type written map[string]string

func (w written) take(t interface{ Fatalf(string, ...any) }, f *Fold) {
	for _, s := range f.Take().Samples {
		key, value := fmt.Sprintf("%s@%d", s.Labels, s.T), fmt.Sprint(s.V)
		if s.H != nil {
			if err := s.H.Validate(); err != nil {
				t.Fatalf("%s: %v", key, err)
			}
			value = s.H.String()
		}
		if was, ok := w[key]; ok && was != value {
			t.Fatalf("%s is %s and then %s", key, was, value)
		}
		w[key] = value
	}
}

// draw is a random log: batches with events that are up to a minute late, ticks,
// ids that come again.
func draw(t *rapid.T, most int) []record {
	var all []record
	at := start
	for i := range rapid.IntRange(1, most).Draw(t, "records") {
		at = at.Add(time.Duration(rapid.IntRange(0, 8000).Draw(t, "step")) * time.Millisecond)
		r := record{at: at, tick: rapid.IntRange(0, 4).Draw(t, "tick") == 0}
		if !r.tick {
			if rapid.Bool().Draw(t, "named") {
				r.batch = fmt.Sprint("b", rapid.IntRange(0, 6).Draw(t, "batch"))
			}
			for j := range rapid.IntRange(0, 5).Draw(t, "events") {
				late := time.Duration(rapid.IntRange(-500, 60_000).Draw(t, "late")) * time.Millisecond
				e := drawEvent(t, at.Add(-late))
				if rapid.Bool().Draw(t, "id") {
					e.ID = fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "which"))
				} else {
					e.ID = fmt.Sprint("own", i, "-", j)
				}
				r.events = append(r.events, e)
			}
		}
		all = append(all, r)
	}
	return all
}

func drawEvent(t *rapid.T, at time.Time) item.Event {
	e := item.Event{
		Time: at, Name: rapid.SampledFrom([]string{Request, "order"}).Draw(t, "name"), Service: "shop",
		Version: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "version"), Outcome: item.OK,
		Trace: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "trace"), Count: rapid.IntRange(0, 3).Draw(t, "count"),
	}
	if rapid.Bool().Draw(t, "valued") {
		v := rapid.Float64Range(-10, 1000).Draw(t, "value")
		e.Seconds, e.Value = &v, &v
	}
	return e
}

// A restart from a checkpoint, at whatever record, comes to the same samples as
// no restart, and to the same state.
func TestCheckpointAndRestIsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := draw(t, 30)
		whole, split := written{}, written{}
		f := New(Defaults())
		for i, r := range all {
			r.apply(f, uint64(i+1))
			whole.take(t, f)
		}
		g, at := New(Defaults()), rapid.IntRange(0, len(all)).Draw(t, "at")
		for i, r := range all {
			if i == at {
				g = restored(t, g)
			}
			r.apply(g, uint64(i+1))
			split.take(t, g)
		}
		if !reflect.DeepEqual(whole, split) {
			t.Fatalf("without a restart %v\nwith one %v", whole, split)
		}
		if !bytes.Equal(bytesOf(t, f), bytesOf(t, g)) {
			t.Fatal("the states differ")
		}
	})
}

func bytesOf(t interface{ Fatalf(string, ...any) }, f *Fold) []byte {
	var b bytes.Buffer
	if _, err := f.Snapshot().WriteTo(&b); err != nil {
		t.Fatalf("%v", err)
	}
	return b.Bytes()
}

func restored(t interface{ Fatalf(string, ...any) }, f *Fold) *Fold {
	g, err := Restore(bytesOf(t, f), f.terms)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return g
}

// Events that come twice, or in another order within the allowed lateness, change
// no sample.
func TestRepeatsAndReorderingsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var events []item.Event
		n := rapid.IntRange(1, 30).Draw(t, "n")
		for i := range n {
			e := drawEvent(t, start.Add(time.Duration(i)*time.Second))
			e.ID = fmt.Sprint(i)
			events = append(events, e)
		}
		// Each comes within nine seconds after its time, and some of them again.
		type arrival struct {
			at time.Time
			i  int
		}
		play := func(arrivals []arrival) written {
			out, f := written{}, New(Defaults())
			seq := uint64(0)
			for s := range n + 60 {
				now := start.Add(time.Duration(s) * time.Second)
				for _, a := range arrivals {
					if a.at.Equal(now) {
						seq++
						record{at: now, events: events[a.i : a.i+1]}.apply(f, seq)
					}
				}
				seq++
				f.Tick(seq, now)
				out.take(t, f)
			}
			return out
		}
		var prompt, mixed []arrival
		for i, e := range events {
			prompt = append(prompt, arrival{e.Time, i})
			for range rapid.IntRange(1, 3).Draw(t, "times") {
				mixed = append(mixed, arrival{e.Time.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "late")) * time.Second), i})
			}
		}
		if want, got := play(prompt), play(rapid.Permutation(mixed).Draw(t, "order")); !reflect.DeepEqual(want, got) {
			t.Fatalf("in order %v\nmixed %v", want, got)
		}
	})
}

// Every event that is accepted is counted once: what the counters end at is what
// the results said.
func TestWhatIsAcceptedIsCountedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := draw(t, 30)
		f, accepted := New(Defaults()), 0
		last := map[string]float64{}
		take := func() {
			for _, s := range f.Take().Samples {
				if s.H == nil {
					last[s.Labels.String()] = s.V
				}
			}
		}
		for i, r := range all {
			for j := range r.events {
				r.events[j].Count = 0
			}
			got := r.apply(f, uint64(i+1))
			if n := got.Accepted + got.Repeated + len(got.Refused); n != len(r.events) {
				t.Fatalf("of %d events %d are told of", len(r.events), n)
			}
			accepted += got.Accepted
			take()
		}
		f.Tick(uint64(len(all)+1), all[len(all)-1].at.Add(20*time.Minute))
		take()
		counted := 0.0
		for _, v := range last {
			counted += v
		}
		if counted != float64(accepted) || f.open != 0 {
			t.Fatalf("%d are accepted and %v counted; %d windows are open", accepted, counted, f.open)
		}
	})
}

func one(at time.Time, id string) item.Event {
	return item.Event{Time: at, ID: id, Name: Request, Service: "shop", Version: "1", Outcome: item.OK}
}

func TestLateEvents(t *testing.T) {
	f := New(Defaults())
	apply := func(after, late time.Duration, version string) Result {
		at := start.Add(after)
		e := one(at.Add(-late), "")
		e.Version = version
		return record{at: at, events: []item.Event{e}}.apply(f, f.seq+1)
	}
	for _, c := range []struct {
		what        string
		after, late time.Duration
		version     string
		code        item.Code
	}{
		{"the first", 0, 0, "1", ""},
		{"late, and in time", 9 * time.Second, 9 * time.Second, "1", ""},
		{"another, so that the window closes", 16 * time.Second, 0, "1", ""},
		{"too late", 16 * time.Second, 15 * time.Second, "1", item.TooLate},
		{"of a series that nothing was told of since", 16 * time.Second, time.Hour, "2", ""},
		{"that series goes on catching up", 17 * time.Second, time.Hour - 10*time.Second, "2", ""},
		{"too old", 17 * time.Second, 25 * time.Hour, "3", item.TooOld},
		{"of the future", 17 * time.Second, -2 * time.Minute, "3", item.TooNew},
	} {
		r := apply(c.after, c.late, c.version)
		if c.code == "" && r.Accepted != 1 || c.code != "" && (len(r.Refused) != 1 || r.Refused[0].Code != c.code) {
			t.Errorf("%s: %+v", c.what, r)
		}
	}
}

// What is too old is told what to do about it, in the words of the rules.
func TestWhatIsTooOldIsToldWhatToDo(t *testing.T) {
	for age, want := range map[time.Duration]string{
		24 * time.Hour:   "more than 24h before it came: send within 24h, or raise spec.time.tooOld in the rules",
		90 * time.Minute: "send within 1h30m, or",
		90 * time.Second: "send within 1m30s, or",
		time.Minute:      "send within 1m, or",
	} {
		terms := Defaults()
		terms.MaxAge = age
		f := New(terms)
		r := f.Apply(1, Prepare(item.Batch{At: start}, item.Decoded{Events: []item.Event{one(start.Add(-age-time.Second), "")}}, plain{1}, terms))
		if len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Text, want) {
			t.Errorf("%s: %+v", age, r)
		}
	}
}

// A file all of which was refused, because of the rules, is sent again when they
// are right: it is not known already.
func TestABatchThatWasRefusedMayComeAgain(t *testing.T) {
	f := New(Defaults())
	send := func(of ...time.Time) Result {
		r := record{at: start, batch: "b"}
		for _, at := range of {
			r.events = append(r.events, one(at, ""))
		}
		return r.apply(f, f.seq+1)
	}
	old := start.Add(-48 * time.Hour)
	for _, c := range []struct {
		of                          []time.Time
		accepted, refused, repeated int
	}{
		{[]time.Time{old, old}, 0, 2, 0}, {[]time.Time{start, old}, 1, 1, 0}, {[]time.Time{start, old}, 0, 0, 2},
	} {
		if r := send(c.of...); r.Accepted != c.accepted || len(r.Refused) != c.refused || r.Repeated != c.repeated {
			t.Errorf("%v: %+v", c.of, r)
		}
	}
}

// A series that was silent for so long that it is forgotten keeps its past all the
// same: what comes late for it is refused, rather than written over what the store
// has. After that it begins again, from zero, also after a restart.
func TestASeriesThatIsForgotten(t *testing.T) {
	f, got := New(Defaults()), written{}
	send := func(at, of time.Time) Result {
		r := record{at: at, events: []item.Event{one(of, "")}}.apply(f, f.seq+1)
		got.take(t, f)
		return r
	}
	send(start, start)
	for m := range 5 * 60 {
		f.Tick(f.seq+1, start.Add(time.Duration(m)*time.Minute))
		got.take(t, f)
	}
	if n := f.Stats().Series[""]; n != 0 {
		t.Fatalf("%d series are not forgotten", n)
	}
	f = restored(t, f)
	last := int64(0)
	for key := range got {
		var at int64
		if _, err := fmt.Sscanf(key[strings.LastIndex(key, "@"):], "@%d", &at); err != nil {
			t.Fatal(err)
		}
		last = max(last, at)
	}
	now := start.Add(5 * time.Hour)
	for _, of := range []time.Time{start.Add(-time.Hour), start, time.UnixMilli(last)} {
		if r := send(now, of); len(r.Refused) != 1 || r.Refused[0].Code != item.TooLate {
			t.Errorf("an event of %s: %+v", of, r)
		}
	}
	for i, of := range []time.Time{time.UnixMilli(last + 1), now} {
		if r := send(now.Add(time.Duration(i)*time.Hour), of); r.Accepted != 1 {
			t.Errorf("an event of %s: %+v", of, r)
		}
	}
	f.Tick(f.seq+1, now.Add(2*time.Hour)) // what has another value of one time fails here
	got.take(t, f)
	f.Tick(f.seq+1, now.Add(24*time.Hour))
	if len(f.gone) != 1 {
		t.Errorf("%d are remembered", len(f.gone))
	}
	f.Tick(f.seq+1, now.Add(48*time.Hour))
	if len(f.gone) != 0 {
		t.Errorf("%d are remembered for ever", len(f.gone))
	}
}

// An arm without requests goes on telling that it has none, and stops when it was
// silent for long.
func TestIdleSeriesGoOnForAWhile(t *testing.T) {
	f, got := New(Defaults()), written{}
	record{at: start, events: []item.Event{one(start, "")}}.apply(f, 1)
	for s := range 3600 {
		f.Tick(uint64(s+2), start.Add(time.Duration(s)*time.Second))
		got.take(t, f)
	}
	// From five seconds before it to a quarter of an hour after it, each five.
	if want := 1 + 1 + 15*60/5; len(got) != want {
		t.Errorf("%d samples, not %d", len(got), want)
	}
	if f.Live() {
		t.Error("it still asks for the time")
	}
}

func TestSeriesAreLimitedByTenant(t *testing.T) {
	terms := Defaults()
	terms.Series, terms.Tenants, terms.Common = 3, map[string]int{"big": 5}, 4
	f := New(terms)
	send := func(tenant, version, sample string) Result {
		d := item.Decoded{}
		if version != "" {
			e := one(start, "")
			e.Version = version
			d.Events = []item.Event{e}
		}
		if sample != "" {
			d.Samples = []item.Sample{{Labels: labels.FromStrings("__name__", sample), T: start.UnixMilli()}}
		}
		return f.Apply(f.seq+1, Prepare(item.Batch{At: start, Tenant: tenant}, d, plain{1}, terms))
	}
	send("", "1", "a")
	send("", "2", "")
	for what, r := range map[string]Result{"an event's": send("", "3", ""), "a sample's": send("", "", "b")} {
		if len(r.Refused) != 1 || r.Refused[0].Code != item.TooMany {
			t.Errorf("%s new series beyond the limit: %+v", what, r)
		}
	}
	if r := send("", "1", "a"); r.Accepted != 2 {
		t.Errorf("known series beyond the limit: %+v", r)
	}
	for _, v := range []string{"1", "2", "3", "4", "5"} {
		if r := send("big", v, ""); r.Accepted != 1 {
			t.Errorf("a tenant with a limit of its own: %+v", r)
		}
	}
	// A sender may name as many tenants as it likes, and gets no more for it.
	for _, f := range []*Fold{f, restored(t, f)} {
		one := func(name, sample string) Result {
			d := item.Decoded{Samples: []item.Sample{{Labels: labels.FromStrings("__name__", sample), T: start.UnixMilli()}}}
			return f.Apply(f.seq+1, Prepare(item.Batch{At: start, Tenant: name}, d, plain{1}, terms))
		}
		if r := one("new", "a"); r.Accepted != 1 {
			t.Errorf("the fourth series of all: %+v", r)
		}
		if r := one("other", "a"); len(r.Refused) != 1 || r.Refused[0].Code != item.TooMany || !strings.Contains(r.Refused[0].Text, "have 4 together") {
			t.Errorf("the fifth series of all: %+v", r)
		}
	}
	if got := f.Stats().Series; got[""] != 3 || got["big"] != 5 {
		t.Errorf("series: %v", got)
	}
	// After some hours without a sample there is room again.
	f.Tick(f.seq+1, start.Add(3*time.Hour))
	f.Tick(f.seq+1, start.Add(6*time.Hour))
	if got := f.Stats().Series; len(got) != 0 {
		t.Errorf("series after hours: %v", got)
	}
}

// More ids than are remembered: the oldest are forgotten first, and it is told.
// A tag called tenant and the tenant of a batch are one label, and what is counted
// under it is one series.
func TestATagCalledTenant(t *testing.T) {
	f, got := New(Defaults()), written{}
	for i, c := range []struct{ tenant, tag string }{{"a", ""}, {"a", "b"}, {"", "a"}, {"a", "a"}} {
		e := one(start, "")
		e.Tags = map[string]string{"tenant": c.tag}
		f.Apply(uint64(i+1), Prepare(item.Batch{At: start, Tenant: c.tenant}, item.Decoded{Events: []item.Event{e}}, plain{1}, f.terms))
	}
	f.Tick(9, start.Add(time.Minute))
	got.take(t, f)
	key := fmt.Sprintf(`{__name__="linnet_requests_total", outcome="ok", service="shop", tenant="a", version="1"}@%d`, start.UnixMilli())
	if got[key] != "4" {
		t.Errorf("%v", got)
	}
}

// Who names ever other tenants gets no more memory than a thousand of them; those
// that are there, and those that the rules name, go on.
func TestTenantsAreLimited(t *testing.T) {
	terms := Defaults()
	terms.Tenants = map[string]int{"named": 5}
	f := New(terms)
	send := func(tenant string) Result {
		d := item.Decoded{Samples: []item.Sample{{Labels: labels.FromStrings("__name__", "a"), T: start.UnixMilli()}}}
		return f.Apply(f.seq+1, Prepare(item.Batch{At: start, Tenant: tenant}, d, plain{1}, terms))
	}
	refused := 0
	for i := range 5000 {
		r := send(fmt.Sprint("t", i))
		if refused += len(r.Refused); len(r.Refused) > 0 && r.Refused[0].Code != item.TooMany {
			t.Fatalf("%+v", r)
		}
	}
	if refused != 5000-mostTenants || len(f.tenants) > 2*mostTenants {
		t.Errorf("%d refused, %d tenants remembered", refused, len(f.tenants))
	}
	for _, tenant := range []string{"t0", "named", ""} {
		if r := send(tenant); r.Accepted != 1 {
			t.Errorf("%q: %+v", tenant, r)
		}
	}
}

func TestIdsBeyondTheBound(t *testing.T) {
	terms := Defaults()
	terms.SeenMost = 100
	f := New(terms)
	for i := range 1000 {
		record{at: start, events: []item.Event{one(start, fmt.Sprint(i))}}.apply(f, uint64(i+1))
	}
	s := f.Stats()
	if s.Seen > 100 || s.Seen < 60 || s.Short == 0 {
		t.Errorf("%d of 1000 ids are remembered, and %d times some were forgotten", s.Seen, s.Short)
	}
	if r := (record{at: start, events: []item.Event{one(start, "999")}}).apply(f, 1001); r.Repeated != 1 {
		t.Errorf("the newest id is forgotten: %+v", r)
	}
}

func TestIdsAreRememberedForTheirTime(t *testing.T) {
	f := New(Defaults())
	for minute := range 180 {
		at := start.Add(time.Duration(minute) * time.Minute)
		again := one(at, fmt.Sprint(minute-59))
		r := record{at: at, events: []item.Event{one(at, fmt.Sprint(minute)), again}}.apply(f, uint64(minute+1))
		if minute >= 59 && r.Repeated != 1 {
			t.Fatalf("minute %d: an id of 59 minutes before is forgotten: %+v", minute, r)
		}
	}
	if n := f.Stats().Seen; n > 100 {
		t.Errorf("%d ids of three hours are remembered, for an hour", n)
	}
}

// A clock that ran a year ahead for a moment does not close the present.
func TestAClockThatIsSetRight(t *testing.T) {
	f := New(Defaults())
	send := func(at time.Time) Result {
		return record{at: at, events: []item.Event{one(at, fmt.Sprint(f.seq))}}.apply(f, f.seq+1)
	}
	send(start)
	send(start.AddDate(1, 0, 0))
	f.Tick(f.seq+1, start.AddDate(1, 0, 1))
	f.Take()
	if r := send(start.Add(time.Minute)); r.Accepted != 1 {
		t.Fatalf("%+v", r)
	}
	f.Tick(f.seq+1, start.Add(2*time.Minute))
	got, key := written{}, fmt.Sprintf(`{__name__="linnet_requests_total", outcome="ok", service="shop", version="1"}@%d`, start.Add(time.Minute).UnixMilli())
	if got.take(t, f); got[key] != "1" { // and from 0: after a year its series was forgotten
		t.Errorf("%v", got)
	}
}

func TestSampling(t *testing.T) {
	send := func(e item.Event, share float64) (Result, *Fold) {
		f, total := New(Defaults()), Result{}
		for i := range 1000 {
			e.Trace = fmt.Sprint(i / 2)
			p := Prepare(item.Batch{At: start}, item.Decoded{Events: []item.Event{e}}, plain{share}, f.terms)
			r := f.Apply(uint64(i+1), p)
			total.Accepted += r.Accepted
			total.Sampled += r.Sampled
		}
		return total, f
	}
	e := one(start, "")
	e.Kept = 0.5
	r, f := send(e, 0.2)
	kept := 1000 - r.Sampled
	if r.Accepted != 1000 || kept < 150 || kept > 250 || kept%2 != 0 {
		t.Errorf("%+v: of whole traces a fifth is to be kept", r)
	}
	for _, g := range f.groups {
		if got := g.labels[0].Get(SampleRatio); got != "0.1" || g.open[0].count != uint64(kept) {
			t.Errorf("the series counts %d and says %s", g.open[0].count, got)
		}
	}
}

// The sum of values does not depend on their order, and is exact.
func TestSumsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), 1, 50).Draw(t, "values")
		var forth, back fixed
		sum := 0.0
		for i := range values {
			forth.add(values[i], 3)
			back.add(values[len(values)-1-i], 3)
			sum += 3 * values[i]
		}
		if forth != back || math.Abs(forth.float()-sum) > 1e-6 {
			t.Fatalf("%v forth, %v back, %v as floats", forth.float(), back.float(), sum)
		}
	})
}

// Buckets are those of Prometheus: each value lies in the bucket it is counted in,
// whatever the resolution.
func TestBuckets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := math.Exp2(rapid.Float64Range(-40, 49).Draw(t, "exponent"))
		if rapid.Bool().Draw(t, "round") {
			v = math.Exp2(math.Round(math.Log2(v)))
		}
		d := newDist()
		d.add(v, 1)
		for {
			h := d.histogram().ToFloat(nil)
			for it := h.AllBucketIterator(); it.Next(); {
				if b := it.At(); b.Count == 1 && (v <= b.Lower || v > b.Upper) {
					t.Fatalf("schema %d: %v is counted in (%v, %v]", d.schema, v, b.Lower, b.Upper)
				}
			}
			if d.schema == lastSchema {
				return
			}
			d.coarsen()
		}
	})
}

func TestResolutionIsGivenUpForSize(t *testing.T) {
	d := newDist()
	for e := -300; e < 49; e++ {
		for i := range 8 {
			d.add(math.Exp2(float64(e)+float64(i)/8), 1)
		}
	}
	h := d.histogram()
	if len(h.PositiveBuckets) > mostBuckets || h.Count != 349*8 || h.Validate() != nil || h.CounterResetHint != histogram.UnknownCounterReset {
		t.Errorf("%d buckets, schema %d, %d values: %v", len(h.PositiveBuckets), h.Schema, h.Count, h.Validate())
	}
}

func FuzzRestore(f *testing.F) {
	state := New(Defaults())
	for i := range 3 {
		v := float64(i)
		e := one(start, fmt.Sprint(i))
		e.Seconds, e.Trace = &v, "t"
		record{at: start.Add(time.Duration(i) * 8 * time.Second), batch: fmt.Sprint(i), events: []item.Event{e}}.apply(state, uint64(i+1))
	}
	for _, g := range []*Fold{state, New(Defaults())} {
		b := bytesOf(f, g)
		f.Add(b[:len(b)-4])
	}
	f.Add([]byte(form))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = Restore(b, Defaults())
		// With a checksum that is right, what is inside is looked at.
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
		g, err := Restore(b, Defaults())
		if err != nil {
			return
		}
		if again := bytesOf(t, restored(t, g)); !bytes.Equal(again, bytesOf(t, g)) {
			t.Error("what is restored is not what was written")
		}
		g.Tick(g.seq+1, start)
		g.Take()
	})
}
