package recording_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/recording"
	"github.com/linnet-project/linnet/release"
)

var arms = []release.Arm{
	{Name: release.Baseline, Labels: map[string]string{"version": "stable"}},
	{Name: release.Candidate, Labels: map[string]string{"version": "canary"}},
}

const small = `# HELP x What was done.
# TYPE x counter
x_total{version="stable"} 1 100
x_total{version="stable"} 3 110.5
x_total{version="stable"} 6 120
x_total{version="canary",path="a\\b\"c\n,}"} 4 115 # {trace_id="abc"} 0.5 114
x_total{version="canary",path="a\\b\"c\n,}"} 5e0 120
# TYPE linnet_candidate_weight_ratio gauge
linnet_candidate_weight_ratio 0 100
linnet_candidate_weight_ratio 0.25 115
{"odd.name","odd label"="1"} -1 120
# EOF
`

func read(t testing.TB, text string) *recording.Recording {
	t.Helper()
	r, err := recording.Read("small.om", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTimesAndWeights(t *testing.T) {
	r := read(t, small)
	if at, ok := r.Start(arms[1].Labels); !ok || !at.Equal(time.Unix(115, 0)) {
		t.Errorf("start %s, %t", at, ok)
	}
	if _, ok := r.Start(map[string]string{"version": "other"}); ok {
		t.Error("a start of labels that nothing has")
	}
	if !r.Begin().Equal(time.Unix(100, 0)) || !r.End().Equal(time.Unix(120, 0)) {
		t.Errorf("from %s to %s", r.Begin(), r.End())
	}
	for at, want := range map[int64]float64{100: 0, 114: 0, 115: 0.25, 900: 0.25} {
		if v, ok := r.Gauge("linnet_candidate_weight_ratio", time.Unix(at, 0)); !ok || v != want {
			t.Errorf("weight at %d: %g, %t; want %g", at, v, ok, want)
		}
	}
	if _, ok := r.Gauge("linnet_candidate_weight_ratio", time.Unix(99, 0)); ok {
		t.Error("a weight before the first sample")
	}
	if v, ok := r.Gauge("odd.name", time.Unix(120, 0)); !ok || v != -1 {
		t.Errorf("quoted name: %g, %t", v, ok)
	}
}

func TestBornAfterTheStart(t *testing.T) {
	r := read(t, small)
	q := release.Query{Metric: release.Metric{Name: "m", Kind: release.Count, Events: `x_total{path=~"|a\\\\b\"c\n,}"}`}, Arms: arms,
		Windows: []release.Window{{From: time.Unix(99, 0), To: time.Unix(110, 500e6)}, {From: time.Unix(110, 500e6), To: time.Unix(120, 0)}}}
	a, err := r.Observe(context.Background(), q)
	if err != nil || len(a.Observations) != 3 {
		t.Fatalf("got %+v, %v", a, err)
	}
	for i, want := range []int64{2, 3, 5} {
		if a.Observations[i].Events != want {
			t.Errorf("observation %d: %d events, want %d", i, a.Observations[i].Events, want)
		}
	}
}

func compressed(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.Bytes()
}

func TestCompressed(t *testing.T) {
	if r, err := recording.Read("small.om.gz", bytes.NewReader(compressed(small))); err != nil || !r.End().Equal(time.Unix(120, 0)) {
		t.Errorf("%v", err)
	}
	whole := compressed(strings.Repeat("x 1 1\n", 10000) + "# EOF\n")
	for name, data := range map[string][]byte{"plain": []byte(small), "cut": whole[:len(whole)/2], "empty": nil} {
		if _, err := recording.Read("small.om.gz", bytes.NewReader(data)); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "small.om.gz") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestBrokenRecordings(t *testing.T) {
	for text, words := range map[string]string{
		"":                                    ":0: truncated",
		"x 1 1\n":                             ":1: truncated",
		"x 1 1\n# EOF\nx 2 2\n":               ":3: nothing may follow # EOF",
		"x 1\n# EOF\n":                        ":1: no timestamp",
		"x 1 # {a=\"b\"} 1\n# EOF\n":          ":1: no timestamp",
		"x 1 1 1\n# EOF\n":                    ":1: unexpected",
		"x\n# EOF\n":                          ":1: no value",
		"y 1 1\nx one 1\n# EOF\n":             ":2: value \"one\"",
		"x 0x1p4 1\n# EOF\n":                  ":1: value",
		"x 1 NaN\n# EOF\n":                    ":1: timestamp",
		"x 1 1e13\n# EOF\n":                   ":1: timestamp",
		"x{a=\"b\" 1 1\n# EOF\n":              ":1: no closing brace",
		"x{a=b} 1 1\n# EOF\n":                 ":1: label a",
		"x{a=\"b\"c=\"d\"} 1 1\n# EOF\n":      ":1: expected a comma",
		"x{a=\"b\",a=\"c\"} 1 1\n# EOF\n":     ":1: label a is given twice",
		"x{1=\"b\"} 1 1\n# EOF\n":             ":1: \"1\" is no label name",
		"{a=\"b\"} 1 1\n# EOF\n":              ":1: series has no name",
		"x{a=\"\\t\"} 1 1\n# EOF\n":           ":1: label a: unknown escape",
		"x-y 1 1\n# EOF\n":                    ":1: \"x-y\"",
		"# EOF\n":                             "holds no samples",
		"x{a=\"" + strings.Repeat("y", 2<<20): ":1: line is longer",
		"x{__name__=\"y\"} 1 1\n# EOF\n":      ":1: \"__name__\"",
		"x{a=\"b\"}1 1 1\n# EOF\n":            "",
		"{\"x\",\"y\"} 1 1\n# EOF\n":          ":1: label \"y\" has no value",
		"x{a=\"\xff\"} 1 1\n# EOF\n":          ":1: label a",
	} {
		_, err := recording.Read("r.om", strings.NewReader(text))
		if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "r.om") || !strings.Contains(err.Error(), words) {
			t.Errorf("%.60q: error %v does not say %q", text, err, words)
		}
	}
}

// A file kept as it was made: another writer's blanks, order and line ends.
func TestOtherWriters(t *testing.T) {
	f, err := os.Open("testdata/others.om")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := recording.Read("others.om", f)
	if err != nil {
		t.Fatal(err)
	}
	a, err := r.Observe(context.Background(), release.Query{Metric: release.Metric{Name: "m", Kind: release.Ratio, Events: `jobs_total{ok="no"}`, Of: "jobs_total"},
		Arms: arms, Windows: []release.Window{{From: time.Unix(1000, 0), To: time.Unix(1030, 0)}}})
	if err != nil || len(a.Observations) != 2 || a.Observations[0].Events != 1 || a.Observations[0].Of != 8 || a.Observations[1].Of != 12 {
		t.Errorf("got %+v, %v", a, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(small)
	f.Add("x 1 1\nx 2 1\nx 0 0\n# EOF\n")
	f.Add("x{a=\"b\"} NaN -1.5\r\n# EOF")
	f.Add("{\"a b\"} +Inf 1e3\n\n#c\n# EOF\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := recording.Read("r.om", strings.NewReader(text))
		if err != nil {
			if r != nil || !errors.Is(err, release.ErrInvalid) || !strings.HasPrefix(err.Error(), "r.om:") {
				t.Errorf("%v, %v", r, err)
			}
			return
		}
		if r.Begin().After(r.End()) {
			t.Errorf("begins at %s, ends at %s", r.Begin(), r.End())
		}
		_, err = r.Observe(context.Background(), release.Query{Metric: release.Metric{Name: "m", Kind: release.Histogram, Events: "x"}, Arms: arms,
			Windows: []release.Window{{From: r.End().Add(-time.Minute), To: r.End()}}})
		if err != nil && !errors.Is(err, release.ErrInvalid) {
			t.Errorf("error %v", err)
		}
	})
}

// large is a recording of 40 series with 180 samples each.
func large() string {
	r := rand.New(rand.NewPCG(3, 4))
	var b strings.Builder
	for i := range 40 {
		sum := 0
		for n := range 180 {
			sum += r.IntN(2000)
			fmt.Fprintf(&b, "http_requests_total{version=%q,region=\"eu\",status=\"%d\"} %d %d\n", []string{"stable", "canary"}[i%2], 200+i, sum, 1760000000+15*n)
		}
	}
	return b.String() + "# EOF\n"
}

func BenchmarkRead(b *testing.B) {
	text := large()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		read(b, text)
	}
}

func BenchmarkObserve(b *testing.B) {
	r := read(b, large())
	q := release.Query{Metric: release.Metric{Name: "m", Kind: release.Ratio, Events: `http_requests_total{status=~"22."}`, Of: "http_requests_total"}, Arms: arms,
		Windows: []release.Window{{From: r.End().Add(-15 * time.Second), To: r.End()}}}
	for b.Loop() {
		if _, err := r.Observe(context.Background(), q); err != nil {
			b.Fatal(err)
		}
	}
}
