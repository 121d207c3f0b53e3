package remotewrite_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/remotewrite"
	"github.com/linnet-project/linnet/release"
)

// native is a histogram of 3 values: one around 1, two around 2.
func native() *histogram.Histogram {
	return &histogram.Histogram{
		Count: 3, Sum: 5, ZeroThreshold: 1e-9,
		PositiveSpans: []histogram.Span{{Offset: 0, Length: 2}}, PositiveBuckets: []int64{1, 1},
	}
}

// pairs are labels as they are sent.
func pairs(text ...string) (ls []prompb.Label) {
	for i := 0; i < len(text); i += 2 {
		ls = append(ls, prompb.Label{Name: text[i], Value: text[i+1]})
	}
	return ls
}

func v1(t testing.TB, series ...prompb.TimeSeries) item.Batch {
	t.Helper()
	body, err := (&prompb.WriteRequest{Timeseries: series, Metadata: []prompb.MetricMetadata{{MetricFamilyName: "up", Help: "h"}}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return item.Batch{Format: item.RemoteWrite, Body: body}
}

func v2(t testing.TB, fill func(*writev2.SymbolsTable) []writev2.TimeSeries) item.Batch {
	t.Helper()
	symbols := writev2.NewSymbolTable()
	series := fill(&symbols)
	body, err := (&writev2.Request{Symbols: symbols.Symbols(), Timeseries: series}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return item.Batch{Format: item.RemoteTwo, Body: body}
}

// text is what a batch came to, a line a thing.
func text(d item.Decoded) string {
	var all []string
	for _, s := range d.Samples {
		v := fmt.Sprint(s.V)
		if s.H != nil {
			v = fmt.Sprintf("%+v", *s.H)
		}
		if s.FH != nil {
			v = fmt.Sprintf("%+v", *s.FH)
		}
		all = append(all, fmt.Sprintf("%s %s @%d", s.Labels, v, s.T))
	}
	for _, e := range d.Exemplars {
		all = append(all, fmt.Sprintf("%s # %s %v @%d", e.Labels, e.Exemplar.Labels, e.Value, e.Ts))
	}
	for _, r := range d.Refused {
		all = append(all, fmt.Sprintf("refused %s: %s: %s", r.Code, r.Place, r.Text))
	}
	return strings.Join(all, "\n")
}

// wanted is what both versions of the same come to.
var wanted = strings.Join([]string{
	`{__name__="orders_total", version="1.5.0"} 7 @1000`,
	`{__name__="orders_total", version="1.5.0"} 9 @2000`,
	`{__name__="wait_seconds", version="1.5.0"} ` + fmt.Sprintf("%+v", *native()) + ` @1000`,
	`{__name__="wait_seconds", version="1.5.0"} ` + fmt.Sprintf("%+v", *native().ToFloat(nil)) + ` @2000`,
	`{__name__="orders_total", version="1.5.0"} # {trace_id="ab"} 1 @900`,
}, "\n")

func TestVersion1(t *testing.T) {
	b := v1(t,
		prompb.TimeSeries{
			Labels:    pairs("__name__", "orders_total", "empty", "", "version", "1.5.0"),
			Samples:   []prompb.Sample{{Value: 7, Timestamp: 1000}, {Value: 9, Timestamp: 2000}},
			Exemplars: []prompb.Exemplar{{Labels: pairs("trace_id", "ab"), Value: 1, Timestamp: 900}},
		},
		prompb.TimeSeries{
			Labels:     pairs("version", "1.5.0", "__name__", "wait_seconds"), // not in order
			Histograms: []prompb.Histogram{prompb.FromIntHistogram(1000, native()), prompb.FromFloatHistogram(2000, native().ToFloat(nil))},
		})
	var d remotewrite.Decoder
	for range 2 { // the second time from what is known
		got, err := d.V1(b)
		if err != nil || text(got) != wanted {
			t.Errorf("%v\n%s\nwant\n%s", err, text(got), wanted)
		}
	}
}

func TestVersion2(t *testing.T) {
	b := v2(t, func(s *writev2.SymbolsTable) []writev2.TimeSeries {
		trace := s.SymbolizeLabels(labels.FromStrings("trace_id", "ab"), nil)
		return []writev2.TimeSeries{
			{
				LabelsRefs: s.SymbolizeLabels(labels.FromStrings("__name__", "orders_total", "version", "1.5.0"), nil),
				Samples:    []writev2.Sample{{Value: 7, Timestamp: 1000, StartTimestamp: 1}, {Value: 9, Timestamp: 2000}},
				Exemplars:  []writev2.Exemplar{{LabelsRefs: trace, Value: 1, Timestamp: 900}},
				Metadata:   writev2.Metadata{Type: writev2.Metadata_METRIC_TYPE_COUNTER, HelpRef: s.Symbolize("orders")},
			},
			{
				LabelsRefs: s.SymbolizeLabels(labels.FromStrings("__name__", "wait_seconds", "version", "1.5.0"), nil),
				Histograms: []writev2.Histogram{writev2.FromIntHistogram(0, 1000, native()), writev2.FromFloatHistogram(0, 2000, native().ToFloat(nil))},
			},
		}
	})
	var d remotewrite.Decoder
	for range 2 {
		got, err := d.V2(b)
		if err != nil || text(got) != wanted {
			t.Errorf("%v\n%s\nwant\n%s", err, text(got), wanted)
		}
	}
}

func TestTheEndOfASeriesComesThrough(t *testing.T) {
	var d remotewrite.Decoder
	got, err := d.V1(v1(t, prompb.TimeSeries{Labels: pairs("__name__", "up"), Samples: []prompb.Sample{{Value: math.Float64frombits(value.StaleNaN), Timestamp: 1}}}))
	if err != nil || len(got.Samples) != 1 || !value.IsStaleNaN(got.Samples[0].V) {
		t.Errorf("%s, %v", text(got), err)
	}
}

func TestWhatCannotBeStoredIsRefusedAndTheRestStands(t *testing.T) {
	one := []prompb.Sample{{Value: 1, Timestamp: 1}}
	bad := native()
	bad.Count = 99
	var d remotewrite.Decoder
	got, err := d.V1(v1(t,
		prompb.TimeSeries{Labels: pairs("job", "x"), Samples: []prompb.Sample{{Timestamp: 1}, {Timestamp: 2}}},
		prompb.TimeSeries{Labels: pairs("__name__", "a", "x", "1", "x", "2"), Samples: one},
		prompb.TimeSeries{Labels: pairs("__name__", "a", "x", "\xff"), Samples: one},
		prompb.TimeSeries{Labels: pairs("__name__", "h"), Histograms: []prompb.Histogram{prompb.FromIntHistogram(1, bad)}, Samples: one},
	))
	if err != nil || len(got.Samples) != 1 || got.Samples[0].Labels.Get("__name__") != "h" {
		t.Errorf("%s, %v", text(got), err)
	}
	var codes []string
	for _, r := range got.Refused {
		codes = append(codes, string(r.Code)+" "+r.Place)
		if r.Text == "" || len(r.Raw) == 0 {
			t.Errorf("a refusal without reason or sample: %+v", r)
		}
	}
	if want := "missing-tag series 1,missing-tag series 1,schema series 2,schema series 3,range series 4"; strings.Join(codes, ",") != want {
		t.Errorf("refused %v, want %s", codes, want)
	}
	nowhere := v2(t, func(*writev2.SymbolsTable) []writev2.TimeSeries {
		return []writev2.TimeSeries{{LabelsRefs: []uint32{7, 8}, Samples: []writev2.Sample{{Value: 1, Timestamp: 1}}}}
	})
	if got, err := d.V2(nowhere); err != nil || len(got.Refused) != 1 || got.Refused[0].Code != item.UnknownForm {
		t.Errorf("references that lead nowhere: %s, %v", text(got), err)
	}
}

func TestAnUnreadableBatch(t *testing.T) {
	var d remotewrite.Decoder
	if _, err := d.V1(item.Batch{Body: []byte("hello")}); !errors.Is(err, release.ErrInvalid) {
		t.Error(err)
	}
	if _, err := d.V2(item.Batch{Body: []byte("hello")}); !errors.Is(err, release.ErrInvalid) {
		t.Error(err)
	}
}

// Many at once, with labels that others have brought and labels of their own.
// A request of some kilobytes, packed, whose references stand for more than any
// machine has, costs no more than it holds. The rest of it stands.
func TestReferencesThatStandForTooMuch(t *testing.T) {
	long := strings.Repeat("x", 4<<20)
	many := make([]uint32, 100_000)
	for i := range many {
		many[i] = 2
	}
	request := &writev2.Request{Symbols: []string{"", "__name__", long, "fine", "a", "b"}, Timeseries: []writev2.TimeSeries{
		{LabelsRefs: many, Samples: []writev2.Sample{{Value: 1, Timestamp: 1}}},
		{
			LabelsRefs: []uint32{1, 3}, Samples: []writev2.Sample{{Value: 2, Timestamp: 1}},
			Exemplars: []writev2.Exemplar{{LabelsRefs: many, Value: 1}, {LabelsRefs: []uint32{4, 5}, Value: 1}},
		},
	}}
	body, err := request.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var d remotewrite.Decoder
	got, err := d.V2(item.Batch{Body: body})
	if err != nil || len(got.Samples) != 1 || len(got.Exemplars) != 1 || len(got.Refused) != 1 || got.Refused[0].Code != item.TooLarge {
		t.Fatalf("%v: %d samples, %d exemplars, refused: %+v", err, len(got.Samples), len(got.Exemplars), got.Refused)
	}
}

// All series of a batch together are bounded too, where each of them is not too long.
func TestReferencesOfManySeriesThatStandForTooMuch(t *testing.T) {
	request := &writev2.Request{Symbols: []string{"", "__name__", strings.Repeat("x", 1000<<10)}}
	for i := range uint32(150) {
		request.Symbols = append(request.Symbols, fmt.Sprint("m", i))
		request.Timeseries = append(request.Timeseries, writev2.TimeSeries{
			LabelsRefs: []uint32{1, 3 + i, 2, 1}, Samples: []writev2.Sample{{Value: 1, Timestamp: 1}},
		})
	}
	body, err := request.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var d remotewrite.Decoder
	got, err := d.V2(item.Batch{Body: body})
	if err != nil || len(got.Samples) == 0 || len(got.Samples) > 75 || len(got.Samples)+len(got.Refused) != 150 {
		t.Fatalf("%v: %d samples, %d refused", err, len(got.Samples), len(got.Refused))
	}
}

// Samples of two bytes each do not come to a hundred times that in memory.
func TestMoreThanABatchMayHave(t *testing.T) {
	field := func(number protowire.Number, b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), b)
	}
	one := func(number protowire.Number) []byte { return bytes.Repeat(field(number, nil), item.MostItems+2) }
	var d remotewrite.Decoder
	for name, c := range map[string]struct {
		decode func(item.Batch) (item.Decoded, error)
		body   []byte
	}{
		"samples": {d.V1, field(1, one(2))}, "exemplars": {d.V1, field(1, one(3))}, "samples of 2": {d.V2, field(5, one(2))},
		"series": {d.V1, bytes.Repeat(field(1, slices.Concat(field(1, slices.Concat(field(1, []byte("__name__")), field(2, []byte("a")))), field(2, nil))), item.MostItems+2)},
	} {
		if _, err := c.decode(item.Batch{Body: c.body}); !errors.Is(err, item.ErrMany) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAtOnce(t *testing.T) {
	var d remotewrite.Decoder
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 50 {
				name := fmt.Sprintf("m%d", (i+j)%20)
				got, err := d.V1(v1(t, prompb.TimeSeries{Labels: pairs("__name__", name), Samples: []prompb.Sample{{Value: 1}}}))
				if err != nil || got.Samples[0].Labels.Get("__name__") != name {
					t.Errorf("%s, %v", text(got), err)
				}
			}
		})
	}
	all.Wait()
}

// The hand-made reader reads what Prometheus' own reads, and the same a second
// time; nothing panics.
func FuzzV1(f *testing.F) {
	f.Add([]byte(nil))
	far := native() // no bucket of this schema lies there
	far.Schema, far.Count, far.PositiveSpans[0].Offset = 3, 9, 3124
	f.Add(v1(f, prompb.TimeSeries{Labels: pairs("__name__", "a"), Histograms: []prompb.Histogram{prompb.FromIntHistogram(1, far)}}).Body)
	f.Add(v1(f, prompb.TimeSeries{
		Labels: pairs("__name__", "a", "b", "c"), Samples: []prompb.Sample{{Value: 1, Timestamp: 5}},
		Histograms: []prompb.Histogram{prompb.FromIntHistogram(1000, native())}, Exemplars: []prompb.Exemplar{{Labels: pairs("trace_id", "x")}},
	}).Body)
	f.Fuzz(func(t *testing.T, body []byte) {
		var d remotewrite.Decoder
		got, err := d.V1(item.Batch{Body: body})
		again, err2 := d.V1(item.Batch{Body: body})
		if text(got) != text(again) || (err == nil) != (err2 == nil) {
			t.Fatalf("first\n%s, %v\nthen\n%s, %v", text(got), err, text(again), err2)
		}
		var theirs prompb.WriteRequest
		if err != nil || theirs.Unmarshal(body) != nil {
			return
		}
		n := 0
		for _, s := range theirs.Timeseries {
			n += len(s.Samples) + len(s.Histograms)
		}
		if len(got.Samples)+len(got.Refused) != n {
			t.Errorf("%d samples and %d refusals, and they read %d", len(got.Samples), len(got.Refused), n)
		}
	})
}

func FuzzV2(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(v2(f, func(s *writev2.SymbolsTable) []writev2.TimeSeries {
		refs := s.SymbolizeLabels(labels.FromStrings("__name__", "a", "b", "c"), nil)
		return []writev2.TimeSeries{{
			LabelsRefs: refs, Samples: []writev2.Sample{{Value: 1, Timestamp: 5}}, Exemplars: []writev2.Exemplar{{LabelsRefs: refs, Value: 1}},
			Histograms: []writev2.Histogram{writev2.FromIntHistogram(0, 1000, native())},
		}}
	}).Body)
	f.Fuzz(func(t *testing.T, body []byte) {
		var d remotewrite.Decoder
		got, err := d.V2(item.Batch{Body: body})
		again, err2 := d.V2(item.Batch{Body: body})
		if text(got) != text(again) || (err == nil) != (err2 == nil) {
			t.Fatalf("first\n%s, %v\nthen\n%s, %v", text(got), err, text(again), err2)
		}
		var theirs writev2.Request
		if err != nil || theirs.Unmarshal(body) != nil {
			return
		}
		n := 0
		for _, s := range theirs.Timeseries {
			n += len(s.Samples) + len(s.Histograms)
		}
		if len(got.Samples)+len(got.Refused) != n {
			t.Errorf("%d samples and %d refusals, and they read %d", len(got.Samples), len(got.Refused), n)
		}
	})
}
