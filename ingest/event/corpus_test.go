package event_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/ingest/event"
	"github.com/linnet-project/linnet/ingest/item"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// told is an event as the corpus writes it down.
type told struct {
	ID, Time, Name, Service, Version, Arm, Route, Outcome, Trace string            `json:",omitempty"`
	Seconds, Value                                               *float64          `json:",omitempty"`
	BareSeconds, BareValue                                       bool              `json:",omitempty"`
	Count                                                        int               `json:",omitempty"`
	Kept                                                         float64           `json:",omitempty"`
	Tags, Fields                                                 map[string]string `json:",omitempty"`
	Place                                                        string
}

func tell(d item.Decoded) string {
	var b strings.Builder
	out := json.NewEncoder(&b)
	for _, e := range d.Events {
		_ = out.Encode(told{
			e.ID, e.Time.UTC().Format(time.RFC3339Nano), e.Name, e.Service, e.Version, e.Arm, e.Route, string(e.Outcome), e.Trace,
			e.Seconds, e.Value, e.BareSeconds, e.BareValue, e.Count, e.Kept, e.Tags, e.Fields, e.Place,
		})
	}
	for _, s := range d.Samples {
		b.Write(append(item.SampleLine(s), '\n'))
	}
	for _, r := range d.Refused {
		b.WriteString(r.Place + ": " + string(r.Code) + ": " + r.Text + "\n")
	}
	return b.String()
}

// TestEveryVersionIsReadForEver holds all versions of the schema to what they
// meant when they were new. A file under testdata and the .events beside it are
// written once, when a version begins, and never change.
func TestEveryVersionIsReadForEver(t *testing.T) {
	names, err := filepath.Glob("testdata/v*.*")
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, name := range names {
		if strings.HasSuffix(name, ".events") {
			continue
		}
		files++
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		decode := event.NDJSON
		if strings.HasSuffix(name, ".csv") {
			decode = event.CSV
		}
		d, err := decode(item.Batch{At: noon, Body: body})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want, err := os.ReadFile(name + ".events")
		if err != nil || tell(d) != string(want) {
			t.Errorf("%s: %v; got\n%swant\n%s", name, err, tell(d), want)
		}
	}
	if files < 4 {
		t.Errorf("the corpus has %d files", files)
	}
}
