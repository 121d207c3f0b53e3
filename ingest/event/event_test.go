package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/ingest/event"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

func TestLinesThatAreRefused(t *testing.T) {
	const good = `"service":"a","version":"1","outcome":"ok"`
	for line, want := range map[string]string{
		`{`:                                     "unreadable: not JSON: a name in quotes is expected at column 2",
		`{"a":1,}`:                              "unreadable: not JSON: a name in quotes is expected at column 8",
		`{"a":01}`:                              "unreadable: not JSON: a number that begins with 0 at column 7",
		`{"a":"b}`:                              "unreadable: not JSON: a text without its closing quote at column 9",
		`{` + good + `} x`:                      "unreadable: not JSON: there is more after the object",
		`{"a":"\q"}`:                            "unreadable: not JSON: an escape that is none",
		`plain text`:                            "unreadable: not JSON: an object is expected at column 1",
		"{\"a\":\"\xe9\"}":                      "unreadable: the line is not UTF-8",
		`{"a":` + strings.Repeat("[", 40) + `}`: "unreadable: not JSON: nested too deep",
		`{"schema":"linnet.event/9",` + good + `}`:          `schema: schema "linnet.event/9" is not known here; send linnet.event/0 or linnet.event/1, or update Linnet`,
		`{"schema":1,` + good + `}`:                         "schema: schema is a number; send a text such as linnet.event/1",
		`{"service":"a","version":1.5,"status":200}`:        `schema: version is a number; send text, in quotes: "1.5"`,
		`{"service":"a","version":true,"status":200}`:       "schema: version is true or false; send text",
		`{"service":"a","version":"1"}`:                     "schema: a request says neither outcome nor status",
		`{"outcome":"fine"}`:                                `schema: outcome is "fine"; send ok or error`,
		`{"status":99}`:                                     "schema: status 99 is out of range; send 100 to 599",
		`{"status":"200"}`:                                  "schema: status is text; send a whole number",
		`{` + good + `,"duration":"250ms"}`:                 "schema: duration is text; send a number, without quotes and unit",
		`{` + good + `,"duration":1,"duration_ms":2}`:       "schema: duration_ms is there in two units",
		`{` + good + `,"duration_percent":2}`:               "schema: duration_percent is no unit of time",
		`{` + good + `,"duration":1e999}`:                   `schema: duration "1e999" is no number that could be measured`,
		`{` + good + `,"time":"yesterday"}`:                 `schema: time "yesterday" is no time; send RFC 3339`,
		`{` + good + `,"time":1760000000123}`:               "schema: time 1760000000123 looks like milliseconds",
		`{` + good + `,"time":-1}`:                          `schema: time "-1" is no time`,
		`{` + good + `,"time":true}`:                        "schema: time is true or false",
		`{` + good + `,"count":0}`:                          "schema: count 0 is out of range; send 1 to 1000000",
		`{` + good + `,"kept":0}`:                           "schema: kept 0 is no share that could be kept",
		`{` + good + `,"service":"b"}`:                      "schema: service is there twice",
		`{` + good + `,"tags":["a"]}`:                       "schema: tags is an array; send an object of texts",
		`{` + good + `,"tags":{"a":1}}`:                     "schema: tags has a, which is a number; send text",
		`{` + good + `,"region":"a","tags":{"region":"b"}}`: "schema: tags has region, which is there twice",
		`{` + good + `,"name":""}`:                          "schema: name is empty",
		`{"schema":"linnet.event/0","svc":"a","t":"x"}`:     "schema: t is text; send a whole number",
		`{"schema":"linnet.event/0","svc":"a","ok":"yes"}`:  "schema: ok is not true or false",
		`{"schema":"linnet.sample/1","labels":{}}`:          "schema: the sample has no value",
		`{"schema":"linnet.sample/1","histogram":"x"}`:      "schema: a native histogram cannot be sent as JSON",
		`{"a":"` + strings.Repeat("x", 70_000) + `"}`:       "too-large: the line has 70008 bytes",
	} {
		body := "{" + good + "}\n\n" + line + "\n{" + good + "}"
		d, err := event.NDJSON(item.Batch{At: noon, Body: []byte(body)})
		if err != nil || len(d.Events) != 2 || len(d.Refused) != 1 {
			t.Errorf("%.80s: %v; %d events, refused %v", line, err, len(d.Events), d.Refused)
			continue
		}
		r := d.Refused[0]
		if got := string(r.Code) + ": " + r.Text; !strings.HasPrefix(got, want) || r.Place != "line 3" || !strings.HasPrefix(line, string(r.Raw)) {
			t.Errorf("%.80s: got %q at %s with %.80q, want %q", line, got, r.Place, r.Raw, want)
		}
	}
}

func TestUnitsInNames(t *testing.T) {
	for field, want := range map[string]float64{
		"duration_ms": 0.002, "duration_us": 2e-6, "duration_s": 2, "duration_seconds": 2, "duration_min": 120, "duration_h": 7200,
		"value_MiB": 2 << 20, "value_kb": 2000, "value_percent": 0.02, "value_ratio": 2, "value_ms": 0.002,
	} {
		d, err := event.NDJSON(item.Batch{At: noon, Body: fmt.Appendf(nil, `{"name":"x","%s":2}`, field)})
		if err != nil || len(d.Events) != 1 {
			t.Fatalf("%s: %v, %v", field, d.Refused, err)
		}
		e := d.Events[0]
		v := e.Value
		if strings.HasPrefix(field, "duration") {
			v = e.Seconds
		}
		if v == nil || *v != want || e.BareSeconds || e.BareValue {
			t.Errorf("2 of %s is %+v, want %v", field, e, want)
		}
	}
	// The least of something is no time.
	d, err := event.NDJSON(item.Batch{At: noon, Body: []byte(`{"name":"x","value_min":2}`)})
	if err != nil || len(d.Events) != 1 || d.Events[0].Value != nil || d.Events[0].Fields["value_min"] != "2" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestBatchesThatCannotBeRead(t *testing.T) {
	for body, want := range map[string]string{
		"\xff\xfea\x00":     "UTF-16",
		"\x1f\x8b\x08":      "packed with gzip",
		`[{"service":"a"}]`: "a JSON array; send one object a line",
	} {
		if _, err := event.NDJSON(item.Batch{Body: []byte(body)}); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", body, err, want)
		}
	}
	for body, want := range map[string]string{
		"":                           "the batch is empty",
		"service;version\na;b\n":     "set apart by something else than commas",
		"service,,version\n":         "column 2 has no name",
		"service,service\n":          "column service is there twice",
		`{"service":"a"}`:            "looks like JSON",
		"a,\"b\n":                    "a quote is not closed",
		strings.Repeat("a", 70_000):  "70000 bytes",
		"\xe9,a\nservice,version\n1": "not UTF-8",
	} {
		if d, err := event.CSV(item.Batch{Body: []byte(body)}); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), want) || d.Events != nil {
			t.Errorf("%.40q: got %v, want %s", body, err, want)
		}
	}
}

func TestLinesOfCSVThatAreRefused(t *testing.T) {
	body := "service,version,outcome,count\r\na,1,ok,\r\na,1\na,\"1,ok,\na,1\"0,ok,\n\"a\"b,1,ok,\n\na,1,ok,many\na,1,ok,2\n"
	d, err := event.CSV(item.Batch{At: noon, Body: []byte(body)})
	if err != nil || len(d.Events) != 2 || d.Events[1].Count != 2 || d.Events[1].Place != "line 9" {
		t.Fatalf("%v; got %+v", err, d)
	}
	want := `line 3: unreadable: it has 2 cells, and the first line names 4 columns; put the line right
line 4: unreadable: a quote is not closed on its line; put the line right
line 5: unreadable: a quote stands inside a cell; put the whole cell in quotes, and write "" for a quote; put the line right
line 6: unreadable: something follows a closing quote; a comma is expected; put the line right
line 8: schema: count "many" is no whole number; send one from 1 on
`
	d.Events = nil
	if got := tell(d); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := string(event.Header([]byte("\xef\xbb\xbf\na,b\r\n1,2\n"))); got != "a,b\r\n" {
		t.Errorf("the header is %q", got)
	}
}

// A batch of nothing but short lines does not come to a hundred times its size in
// memory: it is refused as a whole.
func TestMoreLinesThanABatchMayHave(t *testing.T) {
	for name, c := range map[string]struct {
		decode func(item.Batch) (item.Decoded, error)
		head   string
		line   string
	}{
		"NDJSON": {event.NDJSON, "", "{\"name\":\"x\"}\n"}, "CSV": {event.CSV, "name\n", "x\n"},
	} {
		for n, fine := range map[int]bool{1000: true, item.MostItems + 2: false} {
			_, err := c.decode(item.Batch{Body: []byte(c.head + strings.Repeat(c.line, n))})
			if fine && err != nil || !fine && !errors.Is(err, item.ErrMany) {
				t.Errorf("%d %s: %v", n, name, err)
			}
		}
	}
}

func FuzzNDJSON(f *testing.F) {
	f.Add([]byte(`{"service":"a","version":"1","outcome":"ok","tags":{"a":"b"},"x":[1,{"y":null}]}`))
	f.Add([]byte(`{"schema":"linnet.event/0","t":1760000000123,"svc":"a","ms":1e3,"ok":true}`))
	f.Add([]byte("{\"schema\":\"linnet.sample/1\",\"labels\":{\"a\":\"b\"},\"value\":\"NaN\"}\n{"))
	f.Add([]byte(`{"a":"\ud83d\ude00 \u00e9","b":-0.5E+7}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := event.NDJSON(item.Batch{At: noon, Body: body})
		if err != nil {
			return
		}
		full := 0
		for line := range bytes.Lines(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))) {
			if len(bytes.TrimSpace(line)) > 0 {
				full++
			}
		}
		if got := len(d.Events) + len(d.Samples) + len(d.Refused); got != full {
			t.Fatalf("%d lines became %d", full, got)
		}
		// What encoding/json refuses is refused here, and the other way round but
		// for what is nested too deep.
		for _, e := range d.Events {
			if !json.Valid(e.Raw) {
				t.Fatalf("%q was taken and is no JSON", e.Raw)
			}
		}
		for _, r := range d.Refused {
			if r.Code == item.Unreadable && json.Valid(r.Raw) && bytes.HasPrefix(bytes.TrimSpace(r.Raw), []byte("{")) &&
				!strings.Contains(r.Text, "UTF-8") && !strings.Contains(r.Text, "deep") {
				t.Fatalf("%q was refused and is JSON: %s", r.Raw, r.Text)
			}
		}
	})
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("service,version,outcome\na,1,ok\n\"a\"\"b\",2,error\n"))
	f.Add([]byte("schema,t,svc,ok\nlinnet.event/0,1760000000123,a,true\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := event.CSV(item.Batch{At: noon, Body: body})
		if err != nil {
			return
		}
		for _, r := range d.Refused {
			if r.Text == "" || r.Place == "" || r.Code == "" {
				t.Fatalf("a refusal says nothing: %+v", r)
			}
		}
	})
}

func BenchmarkNDJSON(b *testing.B) {
	var body bytes.Buffer
	const lines = 1000
	for i := range lines {
		fmt.Fprintf(&body, `{"id":"e-%d","time":"2026-01-02T15:04:05.%03dZ","service":"checkout","version":"1.5.0","route":"/pay","outcome":"ok","duration_ms":%d.5,"region":"eu"}`+"\n", i, i, i%400)
	}
	b.SetBytes(int64(body.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if d, err := event.NDJSON(item.Batch{At: noon, Body: body.Bytes()}); err != nil || len(d.Events) != lines {
			b.Fatal(err, len(d.Events))
		}
	}
	b.ReportMetric(float64(lines*b.N)/b.Elapsed().Seconds(), "events/s")
}

func TestAnEventWrittenOutIsReadBackTheSame(t *testing.T) {
	body, err := os.ReadFile("testdata/v1.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	first, err := event.NDJSON(item.Batch{At: noon, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	var lines []byte
	for i := range first.Events {
		first.Events[i].Fields = nil // they are no part of the schema
		lines = append(append(lines, item.EventLine(first.Events[i])...), '\n')
	}
	for _, s := range first.Samples {
		lines = append(append(lines, item.SampleLine(s)...), '\n')
	}
	again, err := event.NDJSON(item.Batch{At: noon, Body: lines})
	// Base units have no name of their own for what a value is of.
	for i := range again.Events {
		again.Events[i].BareValue = first.Events[i].BareValue
	}
	if err != nil || tell(again) != tell(first) {
		t.Errorf("%v; got\n%swant\n%s", err, tell(again), tell(first))
	}
}
