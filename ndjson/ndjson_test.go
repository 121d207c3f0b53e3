package ndjson_test

import (
	"errors"
	"testing"

	"github.com/linnet-project/linnet/ndjson"
	"github.com/linnet-project/linnet/release"
)

// TestKept: what a line does not say to be sampled was counted in full, and
// nothing is scaled up from nothing.
func TestKept(t *testing.T) {
	const ratio = `{"time":"2026-01-02T15:04:05Z","metric":"errors","arm":"baseline","bad":10,"of":1000`
	for text, want := range map[string]release.Kept{
		ratio + `}`: {},
		ratio + `,"kept_events":1,"kept_of":100}`:   {Events: 1, Of: 100},
		ratio + `,"kept_of":100}`:                   {Events: 10, Of: 100},
		ratio + `,"kept_events":5}`:                 {Events: 5, Of: 1000},
		ratio + `,"kept_events":10,"kept_of":1000}`: {},
	} {
		l, err := ndjson.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if o, err := l.Observation(release.Ratio); err != nil || o.Kept != want {
			t.Errorf("%s: %+v, %v; want %+v", text, o.Kept, err, want)
		}
	}
	for _, more := range []string{`"kept_events":0`, `"kept_events":0,"kept_of":100`, `"kept_of":0`, `"kept_events":11`, `"kept_of":5`, `"kept_events":2,"kept_of":1`} {
		l, err := ndjson.Parse([]byte(ratio + "," + more + "}"))
		if err != nil {
			t.Fatal(err)
		}
		if o, err := l.Observation(release.Ratio); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%s: %+v, %v", more, o.Kept, err)
		}
	}
}

// FuzzParse: whatever a line holds, it is an observation that can be counted
// with, or refused.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"time":"2026-01-02T15:04:05Z","metric":"errors","arm":"baseline","bad":3,"of":100,"kept_events":1,"kept_of":10}`,
		`{"time":"2026-01-02T15:04:05Z","metric":"n","arm":"candidate","count":3.0}`,
		`{"time":"2026-01-02T15:04:05Z","metric":"took","arm":"candidate","segment":"region=eu","bounds":[0.1,1],"counts":[1,2,3]}`,
		`{"time":"2026-01-02T15:04:05Z","metric":"level","arm":"candidate","points":[1,2.5]}`, `{}`, `null`, `{"bad":1e300}`, `{"points":[null]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ndjson.Parse([]byte(text))
		if err != nil && !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		}
		for _, kind := range []release.Kind{release.Ratio, release.Count, release.Histogram, release.Gauge} {
			o, err := l.Observation(kind)
			switch {
			case err != nil && !errors.Is(err, release.ErrInvalid):
				t.Errorf("%q: %v", text, err)
			case err == nil && (o.Events < 0 || kind == release.Ratio && float64(o.Events) > o.Of || len(o.Bounds) > 0 && len(o.Counts) != len(o.Bounds)+1):
				t.Errorf("%q: %+v", text, o)
			}
		}
	})
}
