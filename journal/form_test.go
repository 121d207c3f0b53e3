package journal

import (
	"bytes"
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/form1.json anew; only before form 1 was ever released")

// recordSamples has every kind of event and effect, and the values that are
// hard to write down.
func recordSamples(t *testing.T) []Record {
	var records []Record
	for _, event := range eventSamples(t) {
		records = append(records, Record{At: day, Event: event, Decision: filled[engine.Decision](t), Effects: effectSamples(t)})
	}
	return append(records,
		Record{At: day, Event: engine.Looked{}, Decision: engine.Decision{Kind: engine.Stay}},
		asRead(quietLook(rand.New(rand.NewPCG(7, 8)), 2)),
		Record{At: day, Event: oddLook(), Decision: oddDecision()})
}

// asRead gives a record as it comes back.
func asRead(rec Record) Record {
	rec.Seq, rec.Decision = 0, AsStored(rec.Decision)
	return rec
}

// oddLook has observations out of order, of windows of their own, and numbers
// that are none.
func oddLook() engine.Looked {
	w := release.Window{From: day.Add(-time.Minute), To: day}
	other := release.Window{From: day.Add(-time.Hour), To: day}
	return engine.Looked{At: day, Window: w, Observations: []release.Observation{
		{Metric: "errors", Segment: "region=eu", Arm: "baseline", Window: w, Events: 1, Of: 10},
		{Metric: "errors", Segment: "region=us", Arm: "baseline", Window: w, Events: 20, Of: 100, Kept: release.Kept{Events: 2, Of: 10}},
		{Metric: "errors", Segment: "region=eu", Arm: "candidate", Window: w, Events: -1, Of: math.Inf(1)},
		{Metric: "latency", Arm: "baseline", Window: other, Bounds: []float64{0.1, math.Inf(1)}, Counts: []int64{1, 2, math.MaxInt64}},
		{Metric: "latency", Arm: "candidate", Window: other, Bounds: []float64{0.2, math.Inf(1)}, Counts: []int64{1, 2, 3}},
		{Metric: "latency", Arm: "third", Window: release.Window{}, Bounds: []float64{0.2, math.Inf(1)}},
		{Metric: "errors", Arm: "<&>\u2028 \"quoted\"", Points: []float64{math.Inf(-1), math.SmallestNonzeroFloat64, math.MaxFloat64, 0.1, -0.5}, Averages: true},
	}}
}

func oddDecision() engine.Decision {
	return engine.Decision{Kind: engine.RollBack, Step: engine.Withdrawn, Verdict: &judge.Verdict{
		Comparisons: []judge.Comparison{{Metric: "errors", LogE: math.Inf(1), Effect: judge.Effect{High: math.Inf(1)}}}}}
}

func TestRecordsComeBackWhole(t *testing.T) {
	for _, rec := range recordSamples(t) {
		body, err := encodeRecord(rec)
		if err != nil {
			t.Fatalf("%T: %v", rec.Event, err)
		}
		back, err := decodeRecord(body)
		if err != nil {
			t.Fatalf("%T: %v\n%s", rec.Event, err, body)
		}
		if !reflect.DeepEqual(back, rec) {
			t.Errorf("%T came back otherwise:\n got %+v\nwant %+v\n%s", rec.Event, back, rec, body)
		}
	}
}

func TestNotANumberComesBack(t *testing.T) {
	rec := Record{At: day, Event: engine.Looked{Observations: []release.Observation{{Metric: "cpu", Points: []float64{math.NaN()}}}}}
	body, err := encodeRecord(rec)
	if err != nil {
		t.Fatal(err)
	}
	back, err := decodeRecord(body)
	if err != nil {
		t.Fatal(err)
	}
	if p := back.Event.(engine.Looked).Observations[0].Points; len(p) != 1 || !math.IsNaN(p[0]) {
		t.Errorf("points are %v, want one NaN", p)
	}
}

// A kind of event or effect that the engine has and this package forgot would
// be found out only when it happens; so look at the engine's source.
func TestEveryKindHasAForm(t *testing.T) {
	var events, effects []string
	for _, e := range eventSamples(t) {
		events = append(events, reflect.TypeOf(e).Name())
	}
	for _, e := range effectSamples(t) {
		effects = append(effects, reflect.TypeOf(e).Name())
	}
	for method, have := range map[string][]string{"event": events, "ID": effects} {
		want := receivers(t, "../engine", method)
		slices.Sort(have)
		if !slices.Equal(have, want) {
			t.Errorf("the engine has %v with method %s, the samples %v", want, method, have)
		}
	}
}

// receivers names the types of a package that have a method.
func receivers(t *testing.T, dir, method string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no source in %s: %v", dir, err)
	}
	var names []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == method {
				names = append(names, f.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

func TestStayKeepsWhatDecided(t *testing.T) {
	reason := release.Reason{Code: release.Collecting, Text: strings.Repeat("é", 300)}
	d := engine.Decision{At: day, Kind: engine.Stay, Phase: engine.Observing, Reason: reason, Verdict: &judge.Verdict{
		At: day, Outcome: judge.Wait, Reason: reason, Metric: "errors", Segment: "region=eu", Fresh: true,
		Comparisons: []judge.Comparison{
			{Metric: "errors", LogE: 1},
			{Metric: "errors", Segment: "region=eu", LogE: 0.12345678, LogThreshold: 6.9},
		}}}
	got := AsStored(d)
	v := got.Verdict
	if v == nil || len(v.Comparisons) != 1 || v.Comparisons[0].LogE != 0.123457 || v.Comparisons[0].LogThreshold != 6.9 || !v.Fresh {
		t.Errorf("verdict is %+v", v)
	}
	if text := got.Reason.Text; len(text) > maxStayText || !strings.HasSuffix(text, "é…") {
		t.Errorf("text is %q", text)
	}
	if again := AsStored(got); !reflect.DeepEqual(again, got) {
		t.Errorf("storing twice differs from once:\n got %+v\nwant %+v", again, got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":         ``,
		"no event":        `{"t":"2026-01-02T15:04:05Z","e":{},"d":{"k":"stay"}}`,
		"two events":      `{"e":{"look":{},"cmd":{"v":"pause"}},"d":{"k":"stay"}}`,
		"unknown field":   `{"e":{"look":{}},"d":{"k":"stay"},"z":1}`,
		"space":           `{"e":{"look":{}}, "d":{"k":"stay"}}`,
		"rest":            `{"e":{"look":{}},"d":{"k":"stay"}}{}`,
		"twice":           `{"e":{"look":{}},"e":{"look":{}},"d":{"k":"stay"}}`,
		"arm of nowhere":  `{"e":{"look":{"o":[{"m":"x","s":[{"v":[{"a":1}]}]}]}},"d":{"k":"stay"}}`,
		"split group":     `{"e":{"look":{"a":["b"],"o":[{"m":"x","s":[{"v":[{}]}]},{"m":"x","s":[{"v":[{}]}]}]}},"d":{"k":"stay"}}`,
		"local time":      `{"t":"2026-01-02T15:04:05+01:00","e":{"look":{}},"d":{"k":"stay"}}`,
		"empty effect":    `{"e":{"look":{}},"d":{"k":"stay"},"f":[{}]}`,
		"stay in full":    `{"e":{"look":{}},"d":{"k":"stay","v":{}}}`,
		"glance, no stay": `{"e":{"look":{}},"d":{"k":"hold","g":{}}}`,
	} {
		rec, err := decodeRecord([]byte(body))
		if !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%s: error is %v, want ErrInvalid", name, err)
		}
		if !reflect.DeepEqual(rec, Record{}) {
			t.Errorf("%s: a record came with the error: %+v", name, rec)
		}
	}
}

// What was written once must be readable for ever, byte for byte.
func TestOldRecordsStayReadable(t *testing.T) {
	const golden = "testdata/form1.json"
	if *rewrite {
		var lines [][]byte
		for _, rec := range recordSamples(t) {
			body, err := encodeRecord(rec)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, body)
		}
		if err := os.WriteFile(golden, append(bytes.Join(lines, []byte("\n")), '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		if _, err := decodeRecord(bytes.TrimSpace(line)); err != nil {
			t.Errorf("%v\n%s", err, line)
		}
	}
}

// Whatever decodes must encode to the same bytes; otherwise nothing comes out.
func FuzzEvent(f *testing.F) {
	text, err := os.ReadFile("testdata/form1.json")
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		f.Add(bytes.TrimSpace(line))
	}
	for _, event := range []string{`"cmd":{"v":"pause"}`, `"ack":{"f":{"r":"x","a":1,"s":2,"i":0},"x":{"c":"blind"}}`, `"started":{"a":1,"p":{"name":"x"},"m":1}`,
		`"look":{"p":[{"m":"x","r":{"c":"no-data"}}],"n":{"r":{"s":"x"},"l":true},"wn":["a"],"x":["b"]}`} {
		f.Add([]byte(`{"e":{` + event + `},"d":{"k":"hold","v":{"c":[{"m":"x","c":{"v":"+Inf"}}]}},"f":[{"route":{"id":{"r":"x","a":1,"s":2,"i":0},"r":{"l":1}}}]}`))
	}
	f.Add([]byte(`{"e":{"look":{"a":["b"],"o":[{"m":"x","w":{},"s":[{"v":[{"o":"NaN","p":["-Inf"]}]}]}]}},"d":{"k":"stay","g":{"e":1e300,"h":-0.0000004}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		rec, err := decodeRecord(body)
		if err != nil {
			if !reflect.DeepEqual(rec, Record{}) {
				t.Fatalf("a record came with the error %v: %+v", err, rec)
			}
			return
		}
		again, err := encodeRecord(rec)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if !bytes.Equal(again, body) {
			t.Fatalf("written again it differs:\n got %s\nwant %s", again, body)
		}
	})
}

// A row is read from a file that anybody may have changed.
func FuzzUnpack(f *testing.F) {
	var p packer
	for _, body := range []string{"", `{"e":{"look":{}},"d":{"k":"stay"}}`, strings.Repeat("x", 1000)} {
		packed, err := p.pack([]byte(body))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		var u unpacker
		const limit = 1 << 16
		body, err := u.unpack(packed, limit)
		if err == nil && len(body) > limit {
			t.Fatalf("%d bytes came out, limit %d", len(body), limit)
		}
		if err != nil && !errors.Is(err, release.ErrInvalid) {
			t.Fatalf("error is %v, want ErrInvalid", err)
		}
	})
}

func FuzzHead(f *testing.F) {
	f.Add("checkout-1.5.0/1 12 " + strings.Repeat("0a", 32))
	f.Add("a/b/1 0 ff")
	f.Fuzz(func(t *testing.T, text string) {
		head, err := ParseHead(text)
		if err != nil {
			if head != (Head{}) || !errors.Is(err, release.ErrInvalid) {
				t.Fatalf("head %v, error %v", head, err)
			}
			return
		}
		if again, err := ParseHead(head.String()); err != nil || again != head {
			t.Fatalf("printed and read again it is %v (%v), was %v", again, err, head)
		}
	})
}
