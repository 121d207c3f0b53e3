package rules_test

import (
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/rules"
	"github.com/linnet-project/linnet/spec"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// of makes rules of what stands under spec.
func of(t testing.TB, text string) *rules.Rules {
	t.Helper()
	in, err := spec.ParseIngest("rules.yaml", []byte("apiVersion: linnet/v1\nkind: Ingest\nspec:\n  require: [service, version|arm]\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	r, err := rules.New(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// event is one that is fine without rules.
func event() item.Event {
	seconds := 0.25
	return item.Event{Time: noon, Name: "request", Service: "checkout", Version: "1.5.0", Route: "/pay", Outcome: item.OK,
		Seconds: &seconds, Place: "line 7", Raw: []byte("raw")}
}

func TestEventsThatAreRefused(t *testing.T) {
	minus, huge, nan := -1.0, 1e9, math.NaN()
	for name, c := range map[string]struct {
		rules  string
		change func(*item.Event)
		code   item.Code
		text   string
	}{
		"fine":           {"", func(*item.Event) {}, "", ""},
		"no service":     {"", func(e *item.Event) { e.Service = "" }, item.MissingTag, "the tag service is missing"},
		"no version":     {"", func(e *item.Event) { e.Version = "" }, item.MissingTag, "the tag version or arm is missing"},
		"an arm will do": {"", func(e *item.Event) { e.Version, e.Arm = "", "candidate" }, "", ""},
		"filled":         {"  fill: { version: stable }", func(e *item.Event) { e.Version = "" }, "", ""},
		"renamed":        {"  rename: { ver: version }", func(e *item.Event) { e.Version, e.Tags = "", map[string]string{"ver": "2"} }, "", ""},
		"negative":       {"  ranges: []", func(e *item.Event) { e.Seconds = &minus }, item.OutOfRange, "nothing ends before it begins"},
		"too long":       {"", func(e *item.Event) { e.Seconds = &huge }, item.OutOfRange, "more than the 86400"},
		"NaN":            {"", func(e *item.Event) { e.Value = &nan }, item.OutOfRange, "no number that could be measured"},
		"value":          {"  ranges: [{ match: request.value, atLeast: 0 }]", func(e *item.Event) { e.Value = &minus }, item.OutOfRange, "less than the 0"},
		"outcome":        {"", func(e *item.Event) { e.Outcome = "bad" }, item.UnknownForm, `the outcome is "bad"`},
		"kept":           {"", func(e *item.Event) { e.Kept = 1.5 }, item.OutOfRange, "share of 1.5; send one from 0.000001 to 1"},
		"least kept":     {"", func(e *item.Event) { e.Kept = item.LeastKept }, "", ""},
		"hardly kept":    {"", func(e *item.Event) { e.Kept = 1e-7 }, item.OutOfRange, "share of 1e-07, and one event would stand for more than 1000000; let it keep"},
		"count":          {"", func(e *item.Event) { e.Count = item.MaxCount + 1 }, item.OutOfRange, "1000001 events"},
		"long tag":       {"", func(e *item.Event) { e.Route = strings.Repeat("x", 257) }, item.TooLarge, "route has 257 bytes"},
		"many tags":      {"  limits: { tags: 1 }", func(e *item.Event) { e.Tags = map[string]string{"a": "1", "b": "2"} }, item.TooLarge, "2 tags"},
		"Latin-1":        {"", func(e *item.Event) { e.Tags = map[string]string{"a": "\xe9"} }, item.UnknownForm, "not UTF-8"},
		"control":        {"", func(e *item.Event) { e.Route = "a\u009b31mb" }, item.UnknownForm, "route has a control character"},
		"no control":     {"", func(e *item.Event) { e.Route = "a\u00a0é" }, "", ""},
		"tenant's label": {"", func(e *item.Event) { e.Tags = map[string]string{"tenant": "shop"} }, item.UnknownForm, "a label of Linnet's own"},
		"reserved":       {"", func(e *item.Event) { e.Tags = map[string]string{"le": "1"} }, item.UnknownForm, "a label of Linnet's own"},
	} {
		e := event()
		c.change(&e)
		got := of(t, c.rules).Event(&e)
		switch {
		case c.code == "" && got != nil:
			t.Errorf("%s: refused: %+v", name, *got)
		case c.code == "":
		case got == nil:
			t.Errorf("%s: taken", name)
		case got.Code != c.code || !strings.Contains(got.Text, c.text) || got.Place != "line 7" || string(got.Raw) != "raw":
			t.Errorf("%s: got %+v, want %s, %q", name, *got, c.code, c.text)
		}
	}
}

func TestTags(t *testing.T) {
	for name, c := range map[string]struct {
		rules        string
		tags, fields map[string]string
		want         map[string]string
	}{
		"as they are":       {"", map[string]string{"region": "eu"}, map[string]string{"plan": "gold"}, map[string]string{"region": "eu"}},
		"renamed":           {"  rename: { env: environment }", map[string]string{"env": "live"}, nil, map[string]string{"environment": "live"}},
		"the new one stays": {"  rename: { env: environment }", map[string]string{"env": "a", "environment": "b"}, nil, map[string]string{"environment": "b"}},
		"a field by name":   {"  fields: [plan]", nil, map[string]string{"plan": "gold", "x": "y"}, map[string]string{"plan": "gold"}},
		"a field renamed":   {"  rename: { p: plan }", nil, map[string]string{"p": "gold"}, map[string]string{"plan": "gold"}},
		"points":            {"", map[string]string{"k8s.pod-name": "a"}, nil, map[string]string{"k8s_pod_name": "a"}},
		"kept":              {"  keep: [region]", map[string]string{"region": "eu", "pod": "x"}, nil, map[string]string{"region": "eu"}},
		"dropped":           {"  drop: [pod]", map[string]string{"region": "eu", "pod": "x"}, nil, map[string]string{"region": "eu"}},
		"empty":             {"", map[string]string{"region": ""}, nil, map[string]string{}},
		"filled":            {"  fill: { region: eu }", nil, nil, map[string]string{"region": "eu"}},
		"its own place":     {"", map[string]string{"service": "other", "arm": "candidate"}, nil, map[string]string{}},
	} {
		e := event()
		e.Tags, e.Fields = maps.Clone(c.tags), c.fields
		if refused := of(t, c.rules).Event(&e); refused != nil {
			t.Errorf("%s: refused: %+v", name, *refused)
		}
		if !maps.Equal(e.Tags, c.want) || e.Service != "checkout" {
			t.Errorf("%s: got %v of %s, want %v", name, e.Tags, e.Service, c.want)
		}
		if name == "its own place" && e.Arm != "candidate" {
			t.Errorf("the tag arm is not the arm: %+v", e)
		}
	}
}

func TestDeclaredUnits(t *testing.T) {
	r := of(t, "  units: [{ match: request.duration, unit: ms }, { match: 'upload*.value', unit: KiB }]")
	e := event()
	bare := 250.0
	e.Seconds, e.BareSeconds = &bare, true
	if refused := r.Event(&e); refused != nil || *e.Seconds != 0.25 {
		t.Errorf("250 ms are %v s (%v)", *e.Seconds, refused)
	}
	e = event()
	if r.Event(&e); *e.Seconds != 0.25 {
		t.Errorf("a duration with a unit of its own became %v", *e.Seconds)
	}
	e.Name, e.Value, e.BareValue = "upload_cart", &bare, true
	if r.Event(&e); *e.Value != 256_000 {
		t.Errorf("250 KiB are %v bytes", *e.Value)
	}
}

func TestShareOfWhatIsKept(t *testing.T) {
	r := of(t, "  sampling: [{ service: checkout, route: '/pa*', keep: 10% }, { name: order, keep: 50%, keepErrors: false }]")
	fine, failed, cart, order := event(), event(), event(), event()
	failed.Outcome, cart.Route = item.Error, "/cart"
	order.Name, order.Route, order.Outcome = "order", "", item.Error
	for i, c := range []struct {
		e    item.Event
		want float64
	}{{fine, 0.1}, {failed, 1}, {cart, 1}, {order, 0.5}} {
		if got := r.Share(&c.e); got != c.want {
			t.Errorf("%d: %v are kept, want %v", i, got, c.want)
		}
	}
}

func TestSeries(t *testing.T) {
	for name, c := range map[string]struct {
		rules, in, want string
		v, becomes      float64
	}{
		"as it is":     {"", `{__name__="http_ms", pod="a"}`, `{__name__="http_ms", pod="a"}`, 5, 5},
		"by name":      {"  series: { unitsByName: true }", `{__name__="wait_milliseconds"}`, `{__name__="wait_seconds"}`, 5, 0.005},
		"a sum":        {"  series: { unitsByName: true }", `{__name__="wait_ms_sum"}`, `{__name__="wait_seconds_sum"}`, 5, 0.005},
		"a count":      {"  series: { unitsByName: true }", `{__name__="wait_ms_count"}`, `{__name__="wait_seconds_count"}`, 5, 5},
		"a bucket":     {"  series: { unitsByName: true }", `{__name__="wait_ms_bucket", le="5"}`, `{__name__="wait_seconds_bucket", le="0.005"}`, 7, 7},
		"the last":     {"  series: { unitsByName: true }", `{__name__="wait_ms_bucket", le="+Inf"}`, `{__name__="wait_seconds_bucket", le="+Inf"}`, 7, 7},
		"a counter":    {"  series: { unitsByName: true }", `{__name__="sent_KiB_total"}`, `{__name__="sent_bytes_total"}`, 2, 2048},
		"base already": {"  series: { unitsByName: true }", `{__name__="wait_seconds"}`, `{__name__="wait_seconds"}`, 5, 5},
		"declared":     {"  units: [{ match: cpu, unit: percent }]", `{__name__="cpu"}`, `{__name__="cpu"}`, 50, 0.5},
		"renamed":      {"  rename: { env: environment }", `{__name__="x", env="a"}`, `{__name__="x", environment="a"}`, 1, 1},
		"dropped":      {"  drop: [pod]", `{__name__="x", pod="a"}`, `{__name__="x"}`, 1, 1},
	} {
		s := item.Sample{Labels: parsed(c.in), T: noon.UnixMilli(), V: c.v}
		if refused := of(t, c.rules).Sample(&s); refused != nil {
			t.Errorf("%s: refused: %+v", name, *refused)
		}
		if s.Labels.String() != parsed(c.want).String() || s.V != c.becomes {
			t.Errorf("%s: got %s %v, want %s %v", name, s.Labels, s.V, c.want, c.becomes)
		}
	}
}

// parsed reads labels as Prometheus writes them.
func parsed(text string) labels.Labels {
	var ls []string
	for pair := range strings.SplitSeq(strings.Trim(text, "{}"), ", ") {
		name, value, _ := strings.Cut(pair, "=")
		ls = append(ls, name, strings.Trim(value, `"`))
	}
	return labels.FromStrings(ls...)
}

func TestSeriesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		rules, in string
		v         float64
		code      item.Code
	}{
		"no name":   {"", `{pod="a"}`, 1, item.UnknownForm},
		"missing":   {"  series: { require: [service] }", `{__name__="x"}`, 1, item.MissingTag},
		"range":     {"  ranges: [{ match: x, atMost: 1 }]", `{__name__="x"}`, 2, item.OutOfRange},
		"long":      {"", `{__name__="x", a="` + strings.Repeat("y", 300) + `"}`, 1, item.TooLarge},
		"many":      {"  limits: { tags: 1 }", `{__name__="x", a="1", b="2"}`, 1, item.TooLarge},
		"not UTF-8": {"", "{__name__=\"x\", a=\"\xe9\"}", 1, item.UnknownForm},
	} {
		s := item.Sample{Labels: parsed(c.in), T: noon.UnixMilli(), V: c.v}
		got := of(t, c.rules).Sample(&s)
		if got == nil || got.Code != c.code || !strings.Contains(string(got.Raw), item.SampleSchema) {
			t.Errorf("%s: got %+v, want %s", name, got, c.code)
		}
	}
	native := item.Sample{Labels: parsed(`{__name__="wait_ms"}`), T: noon.UnixMilli(), H: &histogram.Histogram{}}
	if refused := of(t, "  series: { unitsByName: true }").Sample(&native); refused != nil || native.Labels.Get("__name__") != "wait_ms" {
		t.Errorf("a native histogram became %+v (%v)", native, refused)
	}
	stale := item.Sample{Labels: parsed(`{__name__="x"}`), T: noon.UnixMilli(), V: math.NaN()}
	if refused := of(t, "  ranges: [{ match: x, atMost: 1 }]").Sample(&stale); refused != nil {
		t.Errorf("a mark that a series ended is refused: %+v", *refused)
	}
}

// FuzzPattern holds patterns against a slow and obvious version of themselves.
func FuzzPattern(f *testing.F) {
	f.Add("order.*", "order.value")
	f.Add("*a*b*", "xxaxxb")
	f.Add("ab*ba", "aba")
	f.Fuzz(func(t *testing.T, match, name string) {
		if len(match) > 20 || len(name) > 30 || strings.Count(match, "*") > 4 {
			return
		}
		if got := rules.Fits(match, name); got != slow(match, name) {
			t.Errorf("%q on %q: %v", match, name, got)
		}
	})
}

func slow(match, name string) bool {
	switch {
	case match == "":
		return name == ""
	case match[0] == '*':
		return slow(match[1:], name) || name != "" && slow(match, name[1:])
	}
	return name != "" && name[0] == match[0] && slow(match[1:], name[1:])
}

func TestALabelsNameHasNoControlCharacter(t *testing.T) {
	s := item.Sample{Labels: labels.FromStrings("__name__", "x", "a\x1b[2J", "1")}
	if refused := of(t, "").Sample(&s); refused == nil || refused.Code != item.UnknownForm || strings.Contains(refused.Text, "\x1b") {
		t.Errorf("got %+v", refused)
	}
}
