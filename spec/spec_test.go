package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/linnet-project/linnet/release"
)

var update = flag.Bool("update", false, "write the expected errors of testdata/bad anew")

func goodFiles(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no good examples: %v", err)
	}
	files := map[string][]byte{}
	for _, name := range append(names, "testdata/checkout.yaml") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = text
	}
	return files
}

func mustParse(t testing.TB, name string, text []byte) File {
	t.Helper()
	f, err := Parse(name, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return f
}

// with is the minimal good file with one piece of text in place of another.
func with(t testing.TB, old, new string) []byte {
	t.Helper()
	text := string(goodFiles(t)["testdata/good/minimal.yaml"])
	if !strings.Contains(text, old) {
		t.Fatalf("the minimal file does not hold %q", old)
	}
	return []byte(strings.Replace(text, old, new, 1))
}

func TestParseReadsEveryPartOfAFile(t *testing.T) {
	text := goodFiles(t)["testdata/checkout.yaml"]
	f := mustParse(t, "checkout.yaml", text)
	if !bytes.Equal(f.Text, text) || len(f.Hash) != 64 {
		t.Errorf("text or hash not kept: %d bytes, hash %q", len(f.Text), f.Hash)
	}
	if want := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC); !f.StartAt.Equal(want) {
		t.Errorf("startAt is %v, want %v", f.StartAt, want)
	}
	if f.Baseline.Name != release.Baseline || f.Candidate.Name != release.Candidate || f.Candidate.Labels["version"] != "canary" {
		t.Errorf("arms are %+v and %+v", f.Baseline, f.Candidate)
	}
	last := Step{Weight: 50_000, AtLeast: 10 * time.Minute, AtMost: time.Hour, Approval: release.Approval{From: "release-managers", Quorum: 1}, AtDeadline: "ask"}
	if len(f.Steps) != 3 || f.Steps[2] != last {
		t.Errorf("steps are %+v", f.Steps)
	}
	p := f.Traffic.Proxy
	if p == nil || p.Service != "checkout" || p.Listen != "127.0.0.1:8080" || p.StickyCookie != "session" || p.TesterHeader != "X-Linnet-Arm" || p.Lease != time.Minute {
		t.Errorf("proxy is %+v", p)
	}
	want := []release.Metric{
		{Name: "errors", Kind: release.Ratio, Events: `http_requests_total{status=~"5.."}`, Of: "http_requests_total",
			By: []string{"region"}, Tolerance: 0.1, Exclude: 3, Limit: &release.Limit{Value: 0.05}},
		{Name: "latency", Kind: release.Histogram, Events: "http_request_duration_seconds",
			Tolerance: 0.05, Limit: &release.Limit{Value: 0.8, Quantile: 0.99}},
		{Name: "restarts", Kind: release.Count, Events: "process_restarts_total", Tolerance: 0.05, ToleranceAbs: 1. / 3600},
		{Name: "retries", Kind: release.Count, Events: "http_retries_total", Of: "http_requests_total",
			Method: release.Deviation, Tolerance: 0.2, MinSamples: 100},
		{Name: "cpu", Kind: release.Gauge, Events: "process_cpu_cores", Tolerance: 0.2, Severity: release.Warning},
		{Name: "free-memory", Kind: release.Gauge, Events: "process_free_bytes", Worse: release.Lower,
			Tolerance: 0.1, Limit: &release.Limit{Value: 5e7}, LimitOnly: true},
	}
	for i := range want {
		w := &want[i]
		if w.Worse == "" {
			w.Worse = release.Higher
		}
		if w.Severity == "" {
			w.Severity = release.Guardrail
		}
		if w.Method == "" {
			w.Method = release.Sequential
		}
		if i < len(f.Analysis.Metrics) && !reflect.DeepEqual(f.Analysis.Metrics[i], *w) {
			t.Errorf("metric %d is\n%+v, want\n%+v", i, f.Analysis.Metrics[i], *w)
		}
	}
	if len(f.Analysis.Metrics) != len(want) {
		t.Errorf("%d metrics, want %d", len(f.Analysis.Metrics), len(want))
	}
}

func TestVersionsKeepTheirSpelling(t *testing.T) {
	f := mustParse(t, "f", goodFiles(t)["testdata/good/minimal.yaml"])
	if f.Baseline.Version != "1.10" {
		t.Errorf("version: 1.10 was read as %q", f.Baseline.Version)
	}
}

func TestPresets(t *testing.T) {
	type summary struct {
		steps         int
		first         release.Weight
		watch, warmUp time.Duration
		exclude       float64
		falseRollback float64
	}
	for preset, want := range map[string]summary{
		"balanced": {3, 1000, 30 * time.Minute, time.Minute, 0, 0.01},
		"cautious": {6, 500, time.Hour, 2 * time.Minute, 1.5, 0.01},
		"fast":     {2, 10_000, 15 * time.Minute, 30 * time.Second, 0, 0.01},
	} {
		f := mustParse(t, preset, with(t, "service: api", "preset: "+preset+"\n  service: api"))
		a := f.Analysis
		got := summary{len(f.Steps), f.Steps[0].Weight, f.Watch, a.WarmUp, a.Metrics[0].Exclude, a.FalseRollback}
		if got != want {
			t.Errorf("%s gives %+v, want %+v", preset, got, want)
		}
	}
	f := mustParse(t, "f", with(t, "service: api", "preset: cautious\n  watch: 5m\n  service: api"))
	if f.Watch != 5*time.Minute || f.Recovery != 20*time.Minute {
		t.Errorf("the file's own watch gives way to the preset, or the preset is lost: watch %v, recovery %v", f.Watch, f.Recovery)
	}
}

func TestDefaultsThatDependOnOtherKeys(t *testing.T) {
	files := goodFiles(t)
	slow := mustParse(t, "f", with(t, "  analysis:\n", "  analysis:\n    every: 30s\n"))
	if got := slow.Traffic.Proxy.Lease; got != 2*time.Minute {
		t.Errorf("lease with every: 30s is %v, want 2m", got)
	}
	cautious := mustParse(t, "f", files["testdata/good/cautious.yaml"])
	if e := cautious.Analysis.Source.Embedded; e.Interval != 10*time.Second || e.Retention != 15*24*time.Hour {
		t.Errorf("embedded source is %+v", e)
	}
	fine := mustParse(t, "f", files["testdata/good/fine-weights.yaml"])
	if got := fine.Analysis.Metrics[2].MinSamples; got != 30 {
		t.Errorf("deviation asks for %d samples by default, want 30", got)
	}
	if got := fine.Traffic.Proxy.Service; got != "pay-edge" {
		t.Errorf("the proxy's own service is %q", got)
	}
}

func TestBadFiles(t *testing.T) {
	names, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no bad examples: %v", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := Parse("release.yaml", text)
			if err == nil {
				t.Fatal("was taken for good")
			}
			var all Errors
			if !errors.As(err, &all) || !errors.Is(err, release.ErrInvalid) {
				t.Errorf("the error is a %T, want Errors that are release.ErrInvalid", err)
			}
			if !reflect.DeepEqual(f, File{}) {
				t.Error("half a file came back with the error")
			}
			golden := strings.TrimSuffix(name, ".yaml") + ".err"
			if *update {
				if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, _ := os.ReadFile(golden)
			if got := err.Error() + "\n"; got != string(want) {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func TestFilesThatAreNoReleaseFiles(t *testing.T) {
	many := strings.Repeat("a: b\n", 10_000)
	for name, c := range map[string]struct{ text, want string }{
		"empty":        {"", "f:1:1: the file is empty"},
		"comment":      {"# nothing\n", "f:1:1: the file is empty"},
		"BOM":          {"\xef\xbb\xbfkind: Release\n", "f:1:1: the file begins with a byte order mark; save it as UTF-8 without BOM"},
		"UTF-16":       {"\xff\xfek\x00", "f:1:1: the file is UTF-16"},
		"not UTF-8":    {"kind: é\xe9\n", "f:1:8: byte 0xe9 is not UTF-8"},
		"tab":          {"spec:\n\tservice: x\n", "f:2:1: a tab in the indentation; indent with spaces"},
		"NUL":          {"kind: \x00\n", "f:1:7: control character U+0000"},
		"too long":     {strings.Repeat("#", 1<<20+1), "f:1:1: the file has 1048577 bytes, more than 1 MiB"},
		"too many":     {many, "more than 20,000 words and signs"},
		"deep flow":    {strings.Repeat("[", 10_000), "f:1:33: nested deeper than a release file goes"},
		"deep dashes":  {strings.Repeat("- ", 5_000), "nested deeper than a release file goes"},
		"deep keys":    {deepKeys(), "nested deeper than a release file goes"},
		"scalar":       {"hello\n", "f:1:1: is text; write a mapping"},
		"list":         {"- a\n", "f:1:1: is a list; write a mapping"},
		"two docs":     {"a: 1\n---\nb: 1\n", "f:3:2: a second document"},
		"directive":    {"%YAML 1.2\n---\na: 1\n", "f:1:1: a YAML directive"},
		"syntax":       {"a: [1\n", "f:1:4: not YAML: sequence end token ']' not found"},
		"unclosed":     {"a: 'x\n", "f:1:4: not YAML: could not find end character of single-quoted text"},
		"anchor":       {"a: &x 1\n", "f:1:4: a YAML anchor (&)"},
		"alias":        {"a: *x\n", "f:1:4: a YAML alias (*)"},
		"merge":        {"<<: {a: 1}\n", "f:1:1: a merge key (<<)"},
		"tag":          {"a: !!str 1\n", "f:1:4: a YAML tag (!)"},
		"key of a key": {"? [a]\n: b\n", "f:2:1: not YAML"},
	} {
		_, err := Parse("f", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

func deepKeys() string {
	var b strings.Builder
	for i := range 200 {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestErrorsAreBounded(t *testing.T) {
	_, err := Parse("f", []byte(strings.Repeat("x: 1\n", 2_000)))
	var all Errors
	if !errors.As(err, &all) || len(all) != maxErrors || !strings.Contains(all[maxErrors-1].Problem, "more errors") {
		t.Errorf("got %d errors", len(all))
	}
}

func TestSecretsStayOutOfErrors(t *testing.T) {
	for _, text := range [][]byte{
		with(t, "https://prometheus", "https://me:hunter2@prometheus"),
		with(t, "https://prometheus", "ftp://me:hunter2@prometheus"),
		with(t, "url: https://prometheus.example.com", `url: http://p, headers: { X-Key: "hunter2\n" }`),
		with(t, "url: https://prometheus.example.com", `url: http://p, headers: { Authorization: Bearer hunter2 }`),
	} {
		_, err := Parse("f", text)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	}
}

// equal compares files without their text.
func equal(a, b File) bool {
	a.Text, a.Hash, b.Text, b.Hash = nil, "", nil, ""
	return reflect.DeepEqual(a, b)
}

func TestFormatReadsBackEqual(t *testing.T) {
	for name, text := range goodFiles(t) {
		f := mustParse(t, name, text)
		written := Format(f)
		again := mustParse(t, name, written)
		if !equal(f, again) {
			t.Errorf("%s: got\n%+v\nwant\n%+v", name, again, f)
		}
		if third := Format(again); !bytes.Equal(written, third) {
			t.Errorf("%s: Format is not stable", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range goodFiles(f) {
		f.Add(text)
	}
	bad, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range bad {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Parse("f", text)
		if err != nil {
			if !reflect.DeepEqual(file, File{}) {
				t.Fatal("half a file came back with an error")
			}
			return
		}
		written := Format(file)
		again, err := Parse("f", written)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if !equal(file, again) {
			t.Fatalf("got\n%+v\nwant\n%+v\nfrom\n%s", again, file, written)
		}
	})
}

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("release.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("release.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// valid tells what an editor would: YAML made JSON, held against the schema.
func valid(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	data, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

func TestSchemaTakesWhatParseTakes(t *testing.T) {
	s := schema(t)
	for name, text := range goodFiles(t) {
		if err := valid(t, s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := valid(t, s, Format(mustParse(t, name, text))); err != nil {
			t.Errorf("%s, formatted: %v", name, err)
		}
	}
}

func TestSchemaRefusesWhatParseRefuses(t *testing.T) {
	s := schema(t)
	for old, new := range map[string]string{
		"service: api":            "servce: api",
		"kind: Release":           "kind: Deployment",
		"name: api-2":             "name: API 2",
		"proxy:":                  "istio:",
		"admin:":                  "listen: ':80', admin:",
		"prometheus:":             "influx:",
		"    metrics:":            "    every: 15\n    metrics:",
		"name: errors,":           "",
		"name: errors":            "name: errors, gauge: x",
		"ratio":                   "ratios",
		"{ name: errors":          "{ name: errors, below: 1%, above: 1%",
		"{ name: errors, ":        "{ name: errors, tolerance: 0.1, ",
		"{ name: errors,  ratio:": "{ name: errors, severity: fatal, ratio:",
		"version: 2,":             "version: true,",
	} {
		text := goodFiles(t)["testdata/good/minimal.yaml"]
		text = bytes.Replace(text, []byte(strings.Join(strings.Fields(old), " ")), []byte(new), 1)
		if strings.HasPrefix(old, " ") {
			text = with(t, old, new)
		}
		_, err := Parse("f", text)
		if verr := valid(t, s, text); verr == nil || err == nil {
			t.Errorf("%s → %s: schema says %v, Parse says %v", old, new, verr, err)
		}
	}
}

func TestReferenceHasEveryKey(t *testing.T) {
	ref := Reference()
	var root map[string]any
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	var walk func(s map[string]any, path string)
	walk = func(s map[string]any, path string) {
		if path != "" && s["description"] == "" {
			t.Errorf("%s says nothing of its meaning", path)
		}
		if path != "" && !strings.Contains(ref, "| `"+path+"` |") {
			t.Errorf("the reference lacks %s", path)
		}
		if items, ok := s["items"].(map[string]any); ok && items["properties"] != nil {
			items["description"] = nil
			for name, p := range items["properties"].(map[string]any) {
				walk(p.(map[string]any), path+"[]."+name)
			}
		}
		if properties, ok := s["properties"].(map[string]any); ok {
			for name, p := range properties {
				walk(p.(map[string]any), strings.TrimPrefix(path+"."+name, "."))
			}
		}
	}
	walk(root, "")
}

func TestDefaultsOfTheTableCanBeRead(t *testing.T) {
	for preset, paths := range presets {
		for path, def := range paths {
			if _, errs := readTree("default", []byte(def)); len(errs) > 0 {
				t.Errorf("%s, %s: %v", preset, path, errs)
			}
			if !strings.Contains(Reference(), "| `"+path+"` |") {
				t.Errorf("preset %s names the unknown key %s", preset, path)
			}
		}
	}
	var check func(s map[string]any)
	check = func(s map[string]any) {
		if def, ok := s["default"].(string); ok && strings.HasPrefix(def, "[") {
			t.Errorf("default %q is text, not a list", def)
		}
		for _, p := range s {
			if m, ok := p.(map[string]any); ok {
				check(m)
			}
		}
	}
	check(fileKeys.schema())
}
