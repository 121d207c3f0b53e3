package ndjson_test

import (
	"errors"
	"testing"

	"github.com/linnet-project/linnet/ndjson"
	"github.com/linnet-project/linnet/release"
)

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
