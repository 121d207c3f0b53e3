package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/linnet-project/linnet/ingest/fold"
	"github.com/linnet-project/linnet/ingest/item"
)

// plain are rules that take everything.
type plain struct{ terms fold.Terms }

func (plain) Event(e *item.Event) *item.Refusal {
	if e.Service == "" {
		return &item.Refusal{Code: item.MissingTag, Text: "it names no service"}
	}
	return nil
}
func (plain) Sample(*item.Sample) *item.Refusal { return nil }
func (plain) Share(*item.Event) float64         { return 1 }
func (p plain) Terms() fold.Terms               { return p.terms }

// lines reads an event a line, as JSON of item.Event.
func lines(b item.Batch) (item.Decoded, error) {
	var d item.Decoded
	for i, line := range bytes.Split(bytes.TrimSpace(b.Body), []byte("\n")) {
		e := item.Event{Place: fmt.Sprintf("line %d", i+1), Raw: line}
		if err := json.Unmarshal(line, &e); err != nil {
			return item.Decoded{}, fmt.Errorf("line %d: %w", i+1, err)
		}
		d.Events = append(d.Events, e)
	}
	return d, nil
}

// samples reads "name value" a line, with the batch's time.
func sampleLines(b item.Batch) (item.Decoded, error) {
	var d item.Decoded
	for line := range strings.Lines(string(b.Body)) {
		var name string
		var t int64
		var v float64
		if _, err := fmt.Sscan(line, &name, &t, &v); err != nil {
			return d, err
		}
		d.Samples = append(d.Samples, item.Sample{Labels: labels.FromStrings("__name__", name), T: t, V: v})
	}
	return d, nil
}

// shelf is a quarantine in memory.
type shelf struct {
	mu     sync.Mutex
	all    []item.Refusal
	broken error // of Sync
}

func (s *shelf) Sync() error { return s.broken }

func (s *shelf) Put(_ context.Context, _ item.Batch, r []item.Refusal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, r...)
	return nil
}

// base is a real store of samples.
type base struct{ *tsdb.DB }

func (base) Sync() error { return nil }

func newBase(t *testing.T) base {
	t.Helper()
	o := tsdb.DefaultOptions()
	o.OutOfOrderTimeWindow = (2 * time.Hour).Milliseconds()
	db, err := tsdb.Open(t.TempDir(), nil, nil, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return base{db}
}

// dump are all samples of a store: "labels@time" to the value, as text.
func (b base) dump(t *testing.T) map[string]string {
	t.Helper()
	q, err := b.Querier(-1<<62, 1<<62)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	out := map[string]string{}
	set := q.Select(t.Context(), true, nil, labels.MustNewMatcher(labels.MatchRegexp, "__name__", ".+"))
	for set.Next() {
		series := set.At()
		it := series.Iterator(nil)
		for kind := it.Next(); kind != 0; kind = it.Next() {
			switch kind {
			case 1:
				at, v := it.At()
				out[fmt.Sprintf("%s@%d", series.Labels(), at)] = fmt.Sprint(v)
			default:
				at, h := it.AtFloatHistogram(nil)
				out[fmt.Sprintf("%s@%d", series.Labels(), at)] = h.String()
			}
		}
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
	return out
}

// hands is a clock that a test turns.
type hands struct {
	mu sync.Mutex
	t  time.Time
}

func (h *hands) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.t
}

func (h *hands) turn(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.t = h.t.Add(d)
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type part struct {
	*Door
	base
	*shelf
	*hands
	config Config
	said   *strings.Builder
}

func newPart(t *testing.T, change func(*Config)) *part {
	t.Helper()
	p := &part{shelf: &shelf{}, hands: &hands{t: start}, said: &strings.Builder{}}
	p.config = Config{
		Dir: t.TempDir(), Rules: plain{fold.Defaults()}, Quarantine: p.shelf, Now: p.now,
		Decoders: map[item.Format]Decoder{item.EventsJSON: lines, item.RemoteWrite: sampleLines},
		Logger:   slog.New(slog.NewTextHandler(&locked{b: p.said}, nil)),
	}
	if change != nil {
		change(&p.config)
	}
	if p.config.Store == nil {
		p.base = newBase(t)
		p.config.Store = p.base
	}
	p.open(t)
	t.Cleanup(func() { _ = p.Door.Close() })
	return p
}

type locked struct {
	mu sync.Mutex
	b  *strings.Builder
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (p *part) open(t *testing.T) {
	t.Helper()
	d, err := Open(t.Context(), p.config)
	if err != nil {
		t.Fatal(err)
	}
	p.Door = d
}

// send sends events, written as JSON.
func (p *part) send(t *testing.T, id string, events ...item.Event) item.Receipt {
	t.Helper()
	var body []byte
	for _, e := range events {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		body = append(append(body, line...), '\n')
	}
	r, err := p.Receive(t.Context(), item.Batch{ID: id, Sender: "test", Format: item.EventsJSON, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func request(at time.Time, version string) item.Event {
	seconds := 0.25
	return item.Event{Time: at, Name: fold.Request, Service: "shop", Version: version, Outcome: item.OK, Seconds: &seconds}
}

func TestEventsBecomeCountersAndHistograms(t *testing.T) {
	p := newPart(t, nil)
	r := p.send(t, "", request(start.Add(-time.Second), "1"), request(start.Add(-2*time.Second), "1"), request(start.Add(-time.Second), "2"),
		item.Event{Time: start, Name: fold.Request})
	if r.Accepted != 3 || r.Refused != 1 || r.Refusals[0].Code != item.MissingTag || len(p.all) != 1 {
		t.Fatalf("%+v", r)
	}
	p.turn(15 * time.Second)
	p.send(t, "", request(start.Add(15*time.Second), "1"))
	got := p.dump(t)
	for _, want := range []struct{ series, value string }{
		{`{__name__="linnet_requests_total", outcome="ok", service="shop", version="1"}@` + fmt.Sprint(start.UnixMilli()), "2"},
		{`{__name__="linnet_requests_total", outcome="ok", service="shop", version="1"}@` + fmt.Sprint(start.UnixMilli()-5000), "0"},
		{`{__name__="linnet_requests_total", outcome="ok", service="shop", version="2"}@` + fmt.Sprint(start.UnixMilli()), "1"},
		{`{__name__="linnet_request_duration_seconds", outcome="ok", service="shop", version="1"}@` + fmt.Sprint(start.UnixMilli()), "{count:2, sum:0.5, (0.22925101080116778,0.25]:2}"},
	} {
		if got[want.series] != want.value {
			t.Errorf("%s is %q, not %q; all: %v", want.series, got[want.series], want.value, got)
		}
	}
}
