package statsd_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/statsd"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func decode(t testing.TB, lines string) item.Decoded {
	t.Helper()
	d, err := statsd.Decode(item.Batch{At: noon, Format: item.StatsD, Body: []byte(lines)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLines(t *testing.T) {
	for line, want := range map[string]string{
		"order:1|c|#service:a,version:1":                        "order a/1// ok x0 kept 0",
		"order:25|c|@0.1|#service:a,arm:candidate,env:live,hot": "order a//candidate/ ok x25 kept 0.1 map[env:live hot:true]",
		"requests:12.5|ms|#service:a,version:1,status:503":      "request a/1// error x0 kept 0 0.0125s",
		"request:3|c|#outcome:error,status:200,route:/pay":      "request ///" + "/pay error x3 kept 0",
		"cart.size:2:4|h|#service:a":                            "cart.size a/// ok x0 kept 0 value 2; cart.size a/// ok x0 kept 0 value 4",
		"cart.size:7|d|c:abc|T1760000000":                       "cart.size /// ok x0 kept 0 value 7 at 2025-10-09T08:53:20Z",
		"idle:0|c":                                              "",
		"cpu.load:0.5|g|#service:a,pod-name:x":                  `{__name__="cpu_load", pod_name="x", service="a"} 0.5`,
		"cpu:1|g\ncpu:2|g\ncpu:3|g|#a:b":                        `{__name__="cpu"} 2; {__name__="cpu", a="b"} 3`,
		"users:abc|s":                                           "line 1 unreadable: sets count different values",
		"cpu:+1|g":                                              "line 1 schema: a sign before a gauge's value",
		"order:-1|c":                                            "line 1 range: it counts -1",
		"order:1.5|c":                                           "line 1 range: it counts 1.5",
		"order:2000000|c":                                       "line 1 range: it counts 2e+06",
		"order:many|c":                                          `line 1 unreadable: the value "many" is no number`,
		"order:NaN|ms":                                          `line 1 unreadable: the value "NaN" is no number`,
		"order|c":                                               "line 1 unreadable: a line is name:value|type",
		"order:1":                                               "line 1 unreadable: a line is name:value|type",
		"order:1|x":                                             `line 1 unreadable: the type "x" is not known`,
		"order:1|c|@0":                                          `line 1 unreadable: the sampling rate is "@0"`,
		"order:1|c|?":                                           `line 1 unreadable: "?" behind the type is not known`,
		"order:1|c|Tsoon":                                       `line 1 unreadable: the time is "Tsoon"`,
		"order:1|c|#outcome:meh":                                `line 1 schema: the tag outcome is "meh"`,
		"order:1|c|#status:99":                                  `line 1 schema: the tag status is "99"`,
		"request:1|c|#service:a":                                "line 1 schema: a request says neither outcome nor status",
		"_e{1,1}:a|b":                                           "line 1 unreadable: events of DogStatsD are texts",
		"_sc|a|0":                                               "line 1 unreadable: service checks are not taken",
		"\xe9:1|c":                                              "line 1 unreadable: the line is not UTF-8",
		strings.Repeat("x", 9000) + ":1|c":                      "line 1 too-large: the line has 9004 bytes",
	} {
		if got := tell(decode(t, line)); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%.60s: got %s, want %s", line, got, want)
		}
	}
}

func tell(d item.Decoded) string {
	var out []string
	for _, e := range d.Events {
		s := fmt.Sprintf("%s %s/%s/%s/%s %s x%d kept %v", e.Name, e.Service, e.Version, e.Arm, e.Route, e.Outcome, e.Count, e.Kept)
		if e.Seconds != nil {
			s += fmt.Sprintf(" %vs", *e.Seconds)
		}
		if e.Value != nil {
			s += fmt.Sprintf(" value %v", *e.Value)
		}
		if len(e.Tags) > 0 {
			s += fmt.Sprint(" ", e.Tags)
		}
		if !e.Time.Equal(noon) {
			s += " at " + e.Time.Format(time.RFC3339)
		}
		out = append(out, s)
	}
	for _, s := range d.Samples {
		out = append(out, fmt.Sprint(s.Labels, " ", s.V))
	}
	for _, r := range d.Refused {
		out = append(out, fmt.Sprintf("%s %s: %s", r.Place, r.Code, r.Text))
	}
	return strings.Join(out, "; ")
}

// Several values of a line are events that have nothing in common: rules may take a
// tag out of one of them.
func TestValuesOfALineHaveTagsOfTheirOwn(t *testing.T) {
	d := decode(t, "wait:1:2|ms|#svc:checkout")
	if len(d.Events) != 2 {
		t.Fatalf("got %s", tell(d))
	}
	delete(d.Events[0].Tags, "svc")
	if d.Events[1].Tags["svc"] != "checkout" {
		t.Errorf("got %s", tell(d))
	}
}

func TestMoreThanABatchMayHave(t *testing.T) {
	line := "a" + strings.Repeat(":1", 999) + "|c\n"
	if _, err := statsd.Decode(item.Batch{Body: []byte(strings.Repeat(line, item.MostItems/999+2))}); !errors.Is(err, item.ErrMany) {
		t.Error(err)
	}
}

func TestABadLineStopsNoOther(t *testing.T) {
	d := decode(t, "a:1|c\r\n\nbad\nb:2|c\n")
	if len(d.Events) != 2 || len(d.Refused) != 1 || d.Refused[0].Place != "line 3" || string(d.Refused[0].Raw) != "bad" || d.Events[1].Place != "line 4" {
		t.Errorf("got %s", tell(d))
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("order:1|c|@0.1|#service:a,version:1\ncpu:0.5|g\nx:1:2:3|ms|T1760000000"))
	f.Add([]byte("a:b:c|d|#|@|T\n|\n:|"))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := statsd.Decode(item.Batch{At: noon, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range d.Events {
			if e.Name == "" || e.Count < 0 || e.Count > item.MaxCount || e.Kept < 0 || e.Kept > 1 || e.Time.IsZero() {
				t.Fatalf("%q became %+v", body, e)
			}
		}
		for _, s := range d.Samples {
			if !s.Labels.IsValid(model.LegacyValidation) || s.V-s.V != 0 {
				t.Fatalf("%q became %v", body, s)
			}
		}
		for _, r := range d.Refused {
			if r.Text == "" || r.Place == "" {
				t.Fatalf("a refusal says nothing: %+v", r)
			}
		}
	})
}
