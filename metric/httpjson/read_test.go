package httpjson_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/httpjson"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

var (
	perMinute = release.Metric{Kind: release.Count, Events: "visits"}
	ratio     = release.Metric{Kind: release.Ratio, Query: "visits", Events: "bad", Of: "all"}
)

// asking is a source whose request does not matter.
func asking(url string, m httpjson.Mapping) httpjson.Config {
	return httpjson.Config{Access: web.Config{URL: url}, Params: map[string]string{"q": "{{question}}"}, Step: time.Minute, Mapping: m}
}

// answers opens a source whose server always answers the same.
func answers(t *testing.T, m httpjson.Mapping, body string) *httpjson.Source {
	t.Helper()
	srv := serve(t, func(int, request) (int, string) { return http.StatusOK, body })
	return open(t, asking(srv.URL, m))
}

func TestShapesOfAnswers(t *testing.T) {
	flat := httpjson.Mapping{Rows: []httpjson.Level{{Each: "$[*]"}}, Time: "$.t", TimeFormat: "s", Arm: "$.v", Value: "$.n"}
	with := func(change func(*httpjson.Mapping)) httpjson.Mapping {
		m := flat
		change(&m)
		return m
	}
	sec, ms := noon.Unix(), noon.UnixMilli()
	for _, tt := range []struct {
		name    string
		mapping httpjson.Mapping
		metric  release.Metric
		body    string
	}{
		{"objects", flat, perMinute, fmt.Sprintf(`[{"t": %d, "v": "1.5.0", "n": 7}]`, sec)},
		{"numbers as text, parts of a second", flat, perMinute, fmt.Sprintf(`[{"t": "%d.0", "v": "candidate", "n": "7"}]`, sec)},
		{"nanoseconds", with(func(m *httpjson.Mapping) { m.TimeFormat = "ns" }), perMinute, fmt.Sprintf(`[{"t": %d, "v": "1.5.0", "n": 7}]`, noon.UnixNano())},
		{"a layout", with(func(m *httpjson.Mapping) { m.TimeFormat = "02.01.2006 15:04" }), perMinute, `[{"t": "02.06.2025 12:00", "v": "1.5.0", "n": 7}]`},
		{"RFC 3339, at the end", with(func(m *httpjson.Mapping) { m.TimeFormat, m.AtEnd = "", true }), perMinute, `[{"t": "2025-06-02T14:01:00+02:00", "v": "1.5.0", "n": 7}]`},
		{"several facets", flat, perMinute, fmt.Sprintf(`[{"t": %d, "v": ["eu", "1.5.0"], "n": 7}]`, sec)},
		{"other versions beside", flat, perMinute, fmt.Sprintf(`[{"t": %[1]d, "v": "1.5.0", "n": 7}, {"t": %[1]d, "v": "1.3.0", "n": 100}]`, sec)},
		{"null and nothing", flat, perMinute, fmt.Sprintf(`[{"t": %[1]d, "v": "1.5.0", "n": 7}, {"t": %[1]d, "v": "1.5.0", "n": null}, {"t": %[1]d, "v": "1.5.0"}]`, sec)},
		{"lists of points", httpjson.Mapping{
			Rows: []httpjson.Level{{Each: "$.series[*]"}, {Each: "$.points[*]"}}, Time: "$[0]", TimeFormat: "ms", Tags: "^$.scope", Value: "$[1]",
		}, perMinute, fmt.Sprintf(`{"series": [{"scope": "region:eu,version:1.5.0", "points": [[%d, 7], [%d, 1]]}]}`, ms, ms+60000)},
		{"a table", httpjson.Mapping{
			Rows: []httpjson.Level{{Each: "$.results[*].series[*]"}, {Columns: "$.columns[*]", Cells: "$.values[*]"}}, Time: "$.time", TimeFormat: "ms", Tags: "^$.tags",
		}, ratio, fmt.Sprintf(`{"results": [{"series": [{"tags": {"version": "1.5.0"}, "columns": ["time", "all", "bad"], "values": [[%d, 7, 2]]}]}]}`, ms)},
		{"entries", httpjson.Mapping{
			Rows: []httpjson.Level{{Entries: "$.by"}, {Each: "$.value[*]"}}, Time: "$[0]", TimeFormat: "ms", Arm: "^$.key", Value: "$[1]",
		}, perMinute, fmt.Sprintf(`{"by": {"1.5.0": [[%d, 7]]}}`, ms)},
		{"nested groups", httpjson.Mapping{
			Rows: []httpjson.Level{{Each: "$.times.buckets[*]"}, {Each: "$.arms.buckets[*]"}}, Time: "^$.key", TimeFormat: "ms", Arm: "$.key",
		}, release.Metric{Kind: release.Ratio, Query: "x", Events: "$.bad.n", Of: "n"},
			fmt.Sprintf(`{"times": {"buckets": [{"key": %d, "arms": {"buckets": [{"key": "1.5.0", "n": 7, "bad": {"n": 2}}]}}]}}`, ms)},
		{"CSV", httpjson.Mapping{CSV: true, Time: "$.t", TimeFormat: "s", Arm: "$.v"}, ratio, fmt.Sprintf("v,t,all,bad\n1.5.0,%d,7,2\n1.5.0,%d,,\n", sec, sec)},
		{"tables of CSV", httpjson.Mapping{CSV: true, Time: "$._time", Tags: "$", Value: "$._value"}, perMinute,
			"#datatype,string\r\n,result,_time,_value,version\r\n,\"a\nb\",2025-06-02T12:00:00Z,3,1.5.0\r\n\r\n#datatype,string\r\n,_value,version,_time\r\n,4,1.5.0,2025-06-02T12:00:00Z\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := observe(t, answers(t, tt.mapping, tt.body), tt.metric, minutes(0, 1))
			events, of := int64(7), 0.0
			if tt.metric.Kind == release.Ratio {
				events, of = 2, 7
			}
			want(t, a, release.Candidate, "", minutes(0, 1), events, of)
			if len(a.Observations) != 1 || len(a.Warnings) != 0 {
				t.Errorf("got %+v, warnings %q", a.Observations, a.Warnings)
			}
		})
	}
}

func TestStrangeAnswers(t *testing.T) {
	m := httpjson.Mapping{Rows: []httpjson.Level{{Each: "$.rows[*]"}}, Time: "$.t", TimeFormat: "s", Arm: "$.v", Value: "$.n"}
	row := func(rest string) string {
		return fmt.Sprintf(`{"rows": [{"t": %d, "v": "1.5.0", %s}]}`, noon.Unix(), rest)
	}
	for _, tt := range []struct{ name, body, word string }{
		{"no time", `{"rows": [{"when": 1, "v": "1.5.0"}]}`, "v, when"},
		{"a strange time", `{"rows": [{"t": "noon", "v": "1.5.0"}]}`, `"noon"`},
		{"a time beyond all", `{"rows": [{"t": 1e300, "v": "1.5.0"}]}`, "1e300"},
		{"no value anywhere", row(`"count": 3`), "count, t, v"},
		{"an object for a number", row(`"n": {"x": 1}`), "no number"},
		{"text for a number", row(`"n": "many"`), "many"},
		{"not JSON", `nothing`, "not the API"},
		{"two answers", `{} {}`, "not the API"},
		{"nothing at all", ``, "answered nothing, with status 200"},
		{"null", `null`, "neither an object nor a list"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, err := answers(t, m, tt.body).Observe(context.Background(), release.Query{Metric: perMinute, Arms: arms, Windows: []release.Window{minutes(0, 1)}})
			if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), tt.word) {
				t.Errorf("got %+v, error %v; want one that says %q", a, err, tt.word)
			}
		})
	}
}

// A question that names the arm and does not select by it would count both arms
// for each, and never find one worse than the other.
func TestQuestionsThatSelectNothing(t *testing.T) {
	body := fmt.Sprintf(`{"rows": [{"t": %[1]d, "version": "1.4.1", "n": 3}, {"t": %[1]d, "version": "1.5.0", "n": 3}]}`, noon.Unix())
	// The arms are asked at once, and either may be the first that is refused.
	alone := regexp.MustCompile("asked for (baseline alone, it answers with rows of candidate|candidate alone, it answers with rows of baseline)")
	for _, m := range []httpjson.Mapping{
		{Rows: []httpjson.Level{{Each: "$.rows[*]"}}, Time: "$.t", TimeFormat: "s", Value: "$.n"},
		{Rows: []httpjson.Level{{Each: "$.rows[*]"}}, Time: "$.t", TimeFormat: "s", Value: "$.n", Arm: "$.version"},
	} {
		q := release.Query{Metric: release.Metric{Kind: release.Count, Events: "visits of {{version}}"}, Arms: arms, Windows: []release.Window{minutes(0, 1)}}
		_, err := answers(t, m, body).Observe(context.Background(), q)
		if !errors.Is(err, release.ErrInvalid) || !alone.MatchString(err.Error()) {
			t.Errorf("error %v", err)
		}
	}
}

// An answer that something on the way cut off, and whose length nobody told, may
// be whole the next time.
func TestHalfAnAnswer(t *testing.T) {
	m := httpjson.Mapping{Rows: []httpjson.Level{{Each: "$.rows[*]"}}, Time: "$.t", TimeFormat: "s", Arm: "$.v", Value: "$.n"}
	for _, body := range []string{`{"rows": [`, `{"rows": [{"t": 1`} {
		_, err := answers(t, m, body).Observe(context.Background(), release.Query{Metric: perMinute, Arms: arms, Windows: []release.Window{minutes(0, 1)}})
		if !errors.Is(err, release.ErrUnavailable) || errors.Is(err, release.ErrInvalid) {
			t.Errorf("%s: error %v, want release.ErrUnavailable", body, err)
		}
	}
}

// A server that repeats what it was sent, wherever in its answer, gives away no
// credential.
func TestSecretsInAnswers(t *testing.T) {
	const form = `{"partial": %q, "rows": [{"t": %s, "v": "1.5.0", "n": %s}]}`
	noonSeconds := fmt.Sprint(noon.Unix())
	for _, tt := range []struct {
		name   string
		access web.Config
		answer func(login string) string
	}{
		{"a warning", web.Config{BearerTokenFile: secretFile(t, "s3cret")}, func(login string) string {
			return fmt.Sprintf(form, login, noonSeconds, "1")
		}},
		{"a number", web.Config{BearerTokenFile: secretFile(t, "s3cret")}, func(login string) string {
			return fmt.Sprintf(form, "", noonSeconds, strconv.Quote(login))
		}},
		{"a time", web.Config{SecretHeaders: map[string]string{"Authorization": secretFile(t, "s3cret")}}, func(login string) string {
			return fmt.Sprintf(form, "", strconv.Quote(login), "1")
		}},
		{"a login", web.Config{Username: "linnet", PasswordFile: secretFile(t, "s3cret")}, func(login string) string {
			return fmt.Sprintf(form, login, noonSeconds, "1")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sent := ""
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent = r.Header.Get("Authorization")
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, tt.answer(sent))
			}))
			defer srv.Close()
			tt.access.URL = srv.URL
			s, err := httpjson.New(httpjson.Config{
				Access: tt.access, Params: map[string]string{"q": "{{question}}"}, Step: time.Minute,
				Mapping: httpjson.Mapping{
					Rows: []httpjson.Level{{Each: "$.rows[*]"}}, Time: "$.t", TimeFormat: "s", Arm: "$.v", Value: "$.n",
					Warnings: []string{"$.partial"},
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			a, err := s.Observe(context.Background(), release.Query{Metric: perMinute, Arms: arms, Windows: []release.Window{minutes(0, 1)}})
			said := fmt.Sprint(err, a.Warnings)
			secret := sent[strings.LastIndex(sent, " ")+1:]
			if secret == "" || strings.Contains(said, secret) || !strings.Contains(said, "***") {
				t.Errorf("%q is sent, and said is: %s", sent, said)
			}
		})
	}
}

func TestWarningsOfAnswers(t *testing.T) {
	m := httpjson.Mapping{
		Rows: []httpjson.Level{{Each: "$.rows[*]"}}, Time: "$.t", TimeFormat: "s", Arm: "$.v", Value: "$.n",
		Warnings: []string{"$.partial", "$.shards.failed", "$.notes[*]"},
	}
	a := observe(t, answers(t, m, fmt.Sprintf(`{"partial": false, "shards": {"failed": 2}, "notes": ["store 3 is away", ""],
		"rows": [{"t": %d, "v": "1.3.0", "n": 3}]}`, noon.Unix())), perMinute, minutes(0, 1))
	all := strings.Join(a.Warnings, "\n")
	wantText(t, "warnings", all, "$.shards.failed: 2", "store 3 is away", "none of the answer's 1 rows is of an arm", "1.3.0")
	if len(a.Warnings) != 3 {
		t.Errorf("warnings %q", a.Warnings)
	}
	a = observe(t, answers(t, m, fmt.Sprintf(`{"rows": [{"t": %[1]d, "v": "1.5.0", "n": "NaN"}, {"t": %[1]d, "v": "1.5.0", "n": 4}]}`, noon.Unix())), perMinute, minutes(0, 1))
	want(t, a, release.Candidate, "", minutes(0, 1), 4, 0)
	wantText(t, "warnings", strings.Join(a.Warnings, "\n"), "NaN")
	m.Value = ""
	a = observe(t, answers(t, m, fmt.Sprintf(`{"rows": [{"t": %d, "v": "1.5.0", "all": 9}]}`, noon.Unix())), ratio, minutes(0, 1))
	want(t, a, release.Candidate, "", minutes(0, 1), 0, 9)
	wantText(t, "warnings", strings.Join(a.Warnings, "\n"), "no row of the answer has bad")
}

func TestPages(t *testing.T) {
	m := httpjson.Mapping{
		Rows: []httpjson.Level{{Each: "$.rows[*]"}}, Time: "$.t", TimeFormat: "s", Arm: "$.v", Value: "$.n", Next: httpjson.Next{Path: "$.next"},
	}
	page := func(next string) string {
		return fmt.Sprintf(`{"rows": [{"t": %d, "v": "1.5.0", "n": 1}], "next": %s}`, noon.Unix(), next)
	}
	var srv *vendor
	srv = serve(t, func(n int, r request) (int, string) {
		return http.StatusOK, page([]string{`"?cursor=a%26b"`, `"` + srv.URL + `/api/more"`, `null`}[n])
	})
	c := asking(srv.URL+"/api", m)
	c.Path = "/rows"
	want(t, observe(t, open(t, c), perMinute, minutes(0, 1)), release.Candidate, "", minutes(0, 1), 3, 0)
	var got []string
	for _, r := range srv.requests() {
		got = append(got, r.path+"?"+r.query)
	}
	if want := []string{"/api/rows?q=visits", "/api/rows?cursor=a%26b", "/api/more?"}; !reflect.DeepEqual(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}

	m.Next = httpjson.Next{Path: "$.next", Param: "nextPageKey", Alone: true}
	srv = serve(t, func(n int, r request) (int, string) { return http.StatusOK, page([]string{`"k&1"`, `""`}[n]) })
	want(t, observe(t, open(t, asking(srv.URL, m)), perMinute, minutes(0, 1)), release.Candidate, "", minutes(0, 1), 2, 0)
	if r := srv.requests(); len(r) != 2 || r[1].query != "nextPageKey=k%261" {
		t.Errorf("asked %+v", r)
	}

	for next, word := range map[string]string{`"https://elsewhere.example/steal"`: "not on", `"?again=1"`: "more than 50 pages", `"/other"`: "not below"} {
		m.Next = httpjson.Next{Path: "$.next"}
		srv := serve(t, func(int, request) (int, string) { return http.StatusOK, page(next) })
		_, err := open(t, asking(srv.URL+"/api", m)).Observe(context.Background(), release.Query{Metric: perMinute, Arms: arms, Windows: []release.Window{minutes(0, 1)}})
		if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), word) {
			t.Errorf("next page %s: error %v, want %q", next, err, word)
		}
	}
}

// What a question holds cannot get out of its place in the request.
func TestQuestionsAreEscaped(t *testing.T) {
	const nasty = `a "b" & c=d / ../ <e> \ {{version}}`
	m := httpjson.Mapping{Rows: []httpjson.Level{{Each: "$[*]"}}, Time: "$.t", Value: "$.n"}
	srv := serve(t, func(int, request) (int, string) { return http.StatusOK, `[]` })
	one := release.Query{Metric: release.Metric{Kind: release.Count, Events: nasty}, Arms: arms[1:], Windows: []release.Window{minutes(0, 1)}}
	asked := func(change func(*httpjson.Config)) request {
		t.Helper()
		c := asking(srv.URL, m)
		change(&c)
		if _, err := open(t, c).Observe(context.Background(), one); err != nil {
			t.Fatal(err)
		}
		all := srv.requests()
		return all[len(all)-1]
	}
	filled := strings.ReplaceAll(nasty, "{{version}}", "1.5.0")
	if r := asked(func(*httpjson.Config) {}); r.query != "q="+url.QueryEscape(filled) {
		t.Errorf("parameters %s", r.query)
	}
	if r := asked(func(c *httpjson.Config) { c.Params, c.Path = nil, "/x/{{question}}/y" }); r.path != "/x/"+filled+"/y" {
		t.Errorf("path %s", r.path)
	}
	if r := asked(func(c *httpjson.Config) {
		c.Form = map[string]string{"q": "{{question}}", "none": "{{empty}}"}
		c.Values = map[string]string{"empty": ""}
	}); r.body != "q="+url.QueryEscape(filled) {
		t.Errorf("form %s", r.body)
	}
	r := asked(func(c *httpjson.Config) {
		c.Body = `{"q": ["in: {{question}}"], "n": "{{number step}}", "big": 12345678901234567890, "ok": true}`
	})
	var body map[string]any
	if err := json.Unmarshal([]byte(r.body), &body); err != nil || !reflect.DeepEqual(body["q"], []any{"in: " + filled}) || body["n"] != 60.0 || !strings.Contains(r.body, "12345678901234567890") {
		t.Errorf("body %s, %v", r.body, err)
	}
	if r.method != http.MethodPost {
		t.Errorf("method %s", r.method)
	}

	one.Arms = []release.Arm{{Name: release.Candidate, Version: `1.5.0" OR 1=1`}}
	if _, err := open(t, asking(srv.URL, m)).Observe(context.Background(), one); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("a version that would change the question: error %v", err)
	}
}

func TestWhatIsAskedFor(t *testing.T) {
	var asked atomic.Value
	srv := serve(t, func(_ int, r request) (int, string) {
		asked.Store(r.query)
		return http.StatusOK, `[]`
	})
	c := asking(srv.URL, httpjson.Mapping{Rows: []httpjson.Level{{Each: "$[*]"}}, Time: "$.t", Value: "$.n"})
	c.Params = map[string]string{"q": "{{question}} {{from}} {{to}} {{step}}"}
	s := open(t, c)
	off := release.Window{From: noon.Add(90 * time.Second), To: noon.Add(200 * time.Second)}
	observe(t, s, perMinute, off)
	wanted := url.Values{"q": {fmt.Sprintf("visits %d %d 60", noon.Unix()+60, noon.Unix()+180)}}
	if got, want := asked.Load(), wanted.Encode(); got != want {
		t.Errorf("asked %s, want whole minutes, %s", got, want)
	}
	c.Step = 7 * time.Second // which the years before 1970 are no multiple of
	observe(t, open(t, c), perMinute, off)
	seconds := func(t time.Time) int64 { return t.Unix() / 7 * 7 }
	wanted = url.Values{"q": {fmt.Sprintf("visits %d %d 7", seconds(off.From), seconds(off.To))}}
	if got, want := asked.Load(), wanted.Encode(); got != want {
		t.Errorf("asked %s, want whole steps since 1970, %s", got, want)
	}
	n := len(srv.requests())
	within := release.Window{From: noon.Add(70 * time.Second), To: noon.Add(100 * time.Second)}
	if a := observe(t, s, perMinute, within); len(a.Observations) != 0 || len(srv.requests()) != n {
		t.Errorf("a window in which no stretch ends: %+v", a)
	}
}

func TestBadConfigs(t *testing.T) {
	fine := asking("http://h", httpjson.Mapping{Time: "$.t"})
	for word, change := range map[string]func(*httpjson.Config){
		"question":      func(c *httpjson.Config) { c.Params = nil },
		"step":          func(c *httpjson.Config) { c.Step = 1500 * time.Millisecond },
		"time":          func(c *httpjson.Config) { c.Time = "" },
		"JSONPath":      func(c *httpjson.Config) { c.Value = "$.[" },
		"rows[0]":       func(c *httpjson.Config) { c.Rows = []httpjson.Level{{}} },
		"rows[1]":       func(c *httpjson.Config) { c.Rows = []httpjson.Level{{Each: "$"}, {Columns: "$.c"}} },
		"errors":        func(c *httpjson.Config) { c.Errors = []string{"x"} },
		"body and form": func(c *httpjson.Config) { c.Body, c.Form = "x", map[string]string{"a": "b"} },
		"without }}":    func(c *httpjson.Config) { c.Path = "/{{from" },
		"url":           func(c *httpjson.Config) { c.Access.URL = "h" },
	} {
		c := fine
		change(&c)
		if _, err := httpjson.New(c); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: error %v", word, err)
		}
	}
	if _, err := httpjson.New(fine); err != nil {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	c := asking("http://h", httpjson.Mapping{Time: "$.t", Value: "$.n"})
	c.Body = `{"q": "{{question}}", "from": "{{number from}}", "v": "{{version}}"}`
	fine := release.Metric{Kind: release.Ratio, Query: "x {{version}} {{from}}", Events: "$.bad.n", Of: "^$.n"}
	if err := c.Check(fine, arms); err != nil {
		t.Error(err)
	}
	for word, m := range map[string]release.Metric{
		"kind":     {Kind: "mood", Events: "x"},
		"empty":    {Kind: release.Ratio, Events: "x"},
		"nonsense": {Kind: release.Gauge, Events: "x {{nonsense}}"},
		"JSONPath": {Kind: release.Ratio, Query: "x", Events: "$.[", Of: "b"},
		"buckets":  {Kind: release.Histogram, Events: "x"},
	} {
		if err := c.Check(m, arms); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), word) {
			t.Errorf("%+v: error %v", m, err)
		}
	}
	for word, change := range map[string]func(*httpjson.Config){
		"JSONPath":          func(c *httpjson.Config) { c.Time = "$.[" },
		"{{region}}":        func(c *httpjson.Config) { c.Params = map[string]string{"r": "{{region}}"} },
		"no number":         func(c *httpjson.Config) { c.Body = `{"q": "{{question}}", "v": "{{number version}}"}` },
		"{{number version}": func(c *httpjson.Config) { c.Body = `{"q": "{{question}}", "v": "{{number version}", "w": "}}"}` },
	} {
		c := c
		change(&c)
		if err := c.Check(fine, arms); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), strings.TrimSuffix(word, "}")) {
			t.Errorf("%s: error %v", word, err)
		}
	}
	c.Value = ""
	if err := c.Check(release.Metric{Kind: release.Count, Events: "x"}, arms); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "value") {
		t.Errorf("without value: error %v", err)
	}
}

func TestTotalsOfABeginning(t *testing.T) {
	m := httpjson.Mapping{Rows: []httpjson.Level{{Each: "$[*]"}, {Each: "$.p[*]"}}, Time: "$[0]", TimeFormat: "s", Arm: "^$.v", Value: "$[1]", Totals: true}
	at := func(n int) int64 { return noon.Add(time.Duration(n) * time.Minute).Unix() }
	// The baseline's total comes from long ago; the candidate is born at 3.
	body := fmt.Sprintf(`[{"v": "1.4.1", "p": [[%d, 1000], [%d, 1010], [%d, 5], [%d, 7]]}, {"v": "1.5.0", "p": [[%d, 3], [%d, 4]]}]`,
		at(1), at(2), at(3), at(4), at(3), at(4))
	a := observe(t, answers(t, m, body), perMinute, minutes(0, 2), minutes(2, 3), minutes(3, 4))
	want(t, a, release.Baseline, "", minutes(0, 2), 10, 0)
	want(t, a, release.Baseline, "", minutes(2, 3), 5, 0) // began anew
	want(t, a, release.Baseline, "", minutes(3, 4), 2, 0)
	want(t, a, release.Candidate, "", minutes(2, 3), 3, 0)
	want(t, a, release.Candidate, "", minutes(3, 4), 1, 0)
}

// A series that was away for longer than is looked back has counted all along:
// its total is no gain of the window that it comes back in.
func TestTotalsThatComeBack(t *testing.T) {
	srv := serve(t, func(_ int, r request) (int, string) {
		q, _ := url.ParseQuery(r.query)
		from, _ := strconv.ParseInt(q.Get("from"), 10, 64)
		to, _ := strconv.ParseInt(q.Get("to"), 10, 64)
		var rows []string
		for n := int64(0); n <= 40; n++ {
			at := noon.Unix() + 60*n
			if at < from || at > to {
				continue
			}
			rows = append(rows, fmt.Sprintf(`{"t": %d, "v": "1.4.1", "n": %d}`, at, 100+n))
			if n >= 3 && n <= 5 || n >= 20 { // born at 3, away from 6 to 19
				rows = append(rows, fmt.Sprintf(`{"t": %d, "v": "1.5.0", "n": %d}`, at, 10*n))
			}
		}
		return http.StatusOK, "[" + strings.Join(rows, ",") + "]"
	})
	c := asking(srv.URL, httpjson.Mapping{
		Rows: []httpjson.Level{{Each: "$[*]"}}, Time: "$.t", TimeFormat: "s", Arm: "$.v", Value: "$.n", AtEnd: true, Totals: true, Lookback: 5 * time.Minute,
	})
	c.Params["from"], c.Params["to"] = "{{from}}", "{{to}}"
	s := open(t, c)
	got := map[int]int64{}
	look := func(n int) {
		for _, o := range observe(t, s, perMinute, minutes(n-1, n)).Observations {
			if o.Arm == release.Candidate {
				got[n] = o.Events
			}
		}
	}
	for n := 1; n <= 22; n++ {
		look(n)
		look(n) // to ask again tells the same
	}
	if want := map[int]int64{3: 30, 4: 10, 5: 10, 21: 10, 22: 10}; !reflect.DeepEqual(got, want) {
		t.Errorf("the candidate gained %v, want %v", got, want)
	}
}

// Rows that are finer than the step, or lie between steps, count once, whatever
// the looks' windows are.
func TestRowsBetweenSteps(t *testing.T) {
	for _, tt := range []struct {
		name          string
		atEnd, totals bool
		every, offset int64 // seconds between rows, and from a minute to the first
	}{
		{"finer rows by their begin", false, false, 10, 0},
		{"finer rows by their end", true, false, 15, 0},
		{"rows between steps by their begin", false, false, 60, 37},
		{"rows between steps by their end", true, false, 60, 37},
		{"totals read between steps", true, true, 15, 7},
	} {
		srv := serve(t, func(_ int, r request) (int, string) {
			q, _ := url.ParseQuery(r.query)
			from, _ := strconv.ParseInt(q.Get("from"), 10, 64)
			to, _ := strconv.ParseInt(q.Get("to"), 10, 64)
			var rows []string
			for at := noon.Unix() - 3600 + tt.offset; at <= to; at += tt.every {
				n := int64(1)
				if tt.totals {
					n = at
				}
				if at >= from && at < to || at == to && tt.atEnd {
					rows = append(rows, fmt.Sprintf(`{"t": %d, "v": "1.5.0", "n": %d}`, at, n))
				}
			}
			return http.StatusOK, "[" + strings.Join(rows, ",") + "]"
		})
		c := asking(srv.URL, httpjson.Mapping{
			Rows: []httpjson.Level{{Each: "$[*]"}}, Time: "$.t", TimeFormat: "s", Arm: "$.v", Value: "$.n", AtEnd: tt.atEnd, Totals: tt.totals,
		})
		c.Params["from"], c.Params["to"] = "{{from}}", "{{to}}"
		s := open(t, c)
		got, looks := int64(0), 20
		for i := range looks { // each look's window begins where the last one's ended
			w := release.Window{From: noon.Add(time.Duration(i)*73*time.Second + 11*time.Second)}
			w.To = w.From.Add(73 * time.Second)
			for _, o := range observe(t, s, perMinute, w).Observations {
				got += o.Events
			}
		}
		span := int64(24 * 60) // whole minutes that ended in the looks
		want := span / tt.every
		if tt.totals {
			want = span
		}
		if got != want {
			t.Errorf("%s: %d events in %d looks, want %d", tt.name, got, looks, want)
		}
	}
}

// An arm without slow requests has no row of their bucket. That is no reason to
// leave the bucket out of what the arms are compared by.
func TestBucketsWithoutARowAreEmpty(t *testing.T) {
	m := httpjson.Mapping{Rows: []httpjson.Level{{Each: "$[*]"}}, Time: "$.t", TimeFormat: "s", Arm: "$.v", Value: "$.n", Bound: "$.le"}
	row := func(version, le string, n int) string {
		return fmt.Sprintf(`{"t": %d, "v": %q, "le": %s, "n": %d}`, noon.Unix(), version, le, n)
	}
	body := "[" + strings.Join([]string{row("1.4.1", "0.1", 90), row("1.4.1", "0.5", 8), row("1.4.1", "1", 2), row("1.5.0", "0.1", 9)}, ",") + "]"
	a := observe(t, answers(t, m, body), release.Metric{Kind: release.Histogram, Events: "took"}, minutes(0, 1))
	if len(a.Observations) != 2 || len(a.Warnings) > 0 {
		t.Fatalf("got %+v", a)
	}
	for i, want := range [][]int64{{90, 8, 2, 0}, {9, 0, 0, 0}} {
		if o := a.Observations[i]; !reflect.DeepEqual(o.Bounds, []float64{0.1, 0.5, 1}) || !reflect.DeepEqual(o.Counts, want) {
			t.Errorf("%s: %v %v, want %v", o.Arm, o.Bounds, o.Counts, want)
		}
	}
}

// A value that both arms have tells none of them: what it is in is asked once, and
// the rows say whose they are.
func TestAValueOfBothArms(t *testing.T) {
	body := fmt.Sprintf(`[{"t": %[1]d, "v": "1.4.1", "n": 90}, {"t": %[1]d, "v": "1.5.0", "n": 10}]`, noon.Unix())
	srv := serve(t, func(int, request) (int, string) { return http.StatusOK, body })
	s := open(t, asking(srv.URL, httpjson.Mapping{Rows: []httpjson.Level{{Each: "$[*]"}}, Time: "$.t", TimeFormat: "s", Arm: "$.v", Value: "$.n"}))
	both := slices.Clone(arms)
	for i := range both {
		both[i].Labels = map[string]string{"version": both[i].Version, "app": "shop"}
	}
	m := release.Metric{Name: "visits", Kind: release.Count, Events: "visits of {{app}} by version"}
	a, err := s.Observe(t.Context(), release.Query{Metric: m, Arms: both, Windows: []release.Window{minutes(0, 1)}})
	if err != nil {
		t.Fatal(err)
	}
	want(t, a, release.Baseline, "", minutes(0, 1), 90, 0)
	want(t, a, release.Candidate, "", minutes(0, 1), 10, 0)
	if asked := srv.requests(); len(asked) != 1 || !strings.Contains(asked[0].query, "of+shop+by") {
		t.Errorf("asked %+v", asked)
	}
}

// Whatever an API sends, an answer is an answer or an error with a meaning.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`[{"t": 1748865600, "v": "1.5.0", "n": 7, "le": "0.5"}]`, `{"series":[{"tags":["version:1.5.0"],"points":[[1748865600000,"3"],[1,null]]}]}`,
		`{"c":["t","n"],"r":[[1748865600,2]],"next":"?a=b","error":{"message":"busy"},"warn":[1]}`, "t,v,n\n1748865600,1.5.0,3\n\nn,t\n1,2\n",
		`[]`, `{}`, `null`, `"\u0000"`, `[[[[]]]]`, `[{"t":1e400}]`, "#a\n\"x\ny\",z\n1\n",
	} {
		f.Add(seed)
	}
	var body atomic.Value
	srv := httpServer(f, &body)
	flat := httpjson.Mapping{Rows: []httpjson.Level{{Each: "$[*]"}}, Time: "$.t", TimeFormat: "s", Arm: "$.v", Value: "$.n", Bound: "$.le", Cumulative: true, Totals: true}
	csv := flat
	csv.CSV, csv.Rows, csv.Tags = true, nil, "$"
	var sources []*httpjson.Source
	for _, m := range []httpjson.Mapping{
		flat, csv,
		{Rows: []httpjson.Level{{Each: "$.series[*]"}, {Each: "$.points[*]"}}, Time: "$[0]", TimeFormat: "ms", Tags: "^$.tags", Value: "$[1]", Bound: "$[2]"},
		{Rows: []httpjson.Level{{Columns: "$.c[*]", Cells: "$.r[*]"}}, Time: "$.t", Labels: map[string]string{"version": "$.v"}, Value: "$.n", Bound: "$.n",
			Next: httpjson.Next{Path: "$.next", Param: "x"}, Errors: []string{"$.error"}, Warnings: []string{"$.warn"}},
		{Rows: []httpjson.Level{{Entries: "$..*"}, {Zip: map[string]string{"t": "$.value[*]", "n": "$.value[*]"}}}, Time: "$.t", TimeFormat: "ns", Value: "$.n", Bound: "$.n"},
	} {
		s, err := httpjson.New(asking(srv, m))
		if err != nil {
			f.Fatal(err)
		}
		sources = append(sources, s)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		body.Store(answer)
		for _, s := range sources {
			for _, k := range []release.Kind{release.Count, release.Histogram, release.Gauge} {
				m := release.Metric{Name: "x", Kind: k, Events: "visits"}
				a, err := s.Observe(context.Background(), release.Query{Metric: m, Arms: arms, Windows: []release.Window{minutes(-10, 1), minutes(1, 2)}})
				if err != nil && !errors.Is(err, release.ErrInvalid) && !errors.Is(err, release.ErrUnavailable) {
					t.Errorf("error %v has no meaning", err)
				}
				for _, o := range a.Observations {
					if len(o.Counts) > 0 && len(o.Counts) != len(o.Bounds)+1 || o.Events < 0 {
						t.Errorf("observation %+v", o)
					}
				}
			}
		}
	})
}
