package spec

import (
	"reflect"
	"strings"
	"testing"
)

const someHooks = `apiVersion: linnet/v1
kind: Hooks
spec:
  in:
    - name: shop-images
      form: github
      secretFiles: [new, old]
      when: ['event == "release"', payload.action == "published"]
      values:
        - { name: version, from: payload.release.tag_name, match: 'v?(\d+\.\d+\.\d+)' }
      template: checkout.yaml
  out:
    - name: bus
      url: https://events.example.com/
      form: cdevents
      events: [promoted, rolled-back]
      services: [shop-*]
      signingFile: key
`

func FuzzParseHooks(f *testing.F) {
	f.Add([]byte(someHooks))
	f.Add([]byte("apiVersion: linnet/v1\nkind: Hooks\n"))
	f.Add([]byte("kind: Hooks\nspec: {in: [{name: A, secretFiles: []}]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := ParseHooks("f", text)
		if err != nil {
			if !reflect.DeepEqual(h, Hooks{}) {
				t.Fatal("half of the hooks came back with an error")
			}
			return
		}
		again, err := ParseHooks("f", FormatHooks(h))
		h.Text, h.Hash, again.Text, again.Hash = nil, "", nil, ""
		if err != nil || !reflect.DeepEqual(h, again) {
			t.Fatalf("%v; got\n%+v\nwant\n%+v", err, again, h)
		}
	})
}

func TestHooks(t *testing.T) {
	h, err := ParseHooks("h.yaml", []byte(someHooks))
	if err != nil || len(h.In) != 1 || len(h.Out) != 1 || h.In[0].PerMinute != 30 || h.Out[0].Mode != Structured || h.Out[0].GiveUp != day {
		t.Fatalf("%v: %+v", err, h)
	}
	for change, want := range map[string]string{
		"[new, old]=>[a, b, c]":                                    "names more than two files",
		`match: 'v?(\d+\.\d+\.\d+)'=>match: '('`:                   "is not a regular expression",
		"events: [promoted, rolled-back]=>events: [rolled-bak]":    "did you mean rolled-back?",
		"  out:\n=>  out:\n    - { name: bus, url: 'http://b' }\n": "is there already",
	} {
		from, to, _ := strings.Cut(change, "=>")
		if _, err := ParseHooks("h.yaml", []byte(strings.Replace(someHooks, from, to, 1))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", change, err)
		}
	}
}

const someTemplate = `apiVersion: linnet/v1
kind: Release
metadata: { name: "checkout-$(version)", labels: { team: payments, note: "$$(not me)" } }
spec:
  service: checkout # the shop's till
  baseline: { version: stable, labels: { version: stable } }
  candidate:
    version: $(version)
    commit: $(commit)
    labels: { version: canary }
  traffic: { proxy: { service: checkout } }
  steps: [ { weight: 1%, atLeast: 5m, atMost: 30m } ]
  analysis:
    source: { prometheus: { url: "http://localhost:9090" } }
    metrics:
      - name: errors
        ratio: { bad: 'http_requests_total{status=~"5.."}', of: http_requests_total }
        worse: higher
`

func TestTemplateIsFilled(t *testing.T) {
	tmpl, err := ParseTemplate("t.yaml", []byte(someTemplate))
	if err != nil || !reflect.DeepEqual(tmpl.Holes(), []string{"commit", "version"}) {
		t.Fatal(tmpl.Holes(), err)
	}
	text, err := tmpl.Fill(map[string]string{"version": "1.10", "commit": "abc"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse("made", text)
	if err != nil || f.Name != "checkout-1.10" || f.Candidate.Version != "1.10" || f.Candidate.Commit != "abc" || f.Labels["note"] != "$(not me)" {
		t.Errorf("%v\n%s", err, text)
	}
	for _, v := range []string{"a\nb", "\x00", "\u2028", "\xff", strings.Repeat("x", 1001)} {
		if _, err := tmpl.Fill(map[string]string{"version": v, "commit": "c"}); err == nil {
			t.Errorf("%q is taken", v)
		}
	}
	if _, err := tmpl.Fill(map[string]string{"version": "1"}); err == nil || !strings.Contains(err.Error(), "$(commit)") {
		t.Errorf("without a commit: %v", err)
	}
}

func TestTemplateErrors(t *testing.T) {
	for change, want := range map[string]string{
		"  service: checkout #=>  srvice: checkout #": `t.yaml:5:3: spec: unknown key "srvice"`,
		"weight: 1%=>weight: $(w":                     "a placeholder that is not $(name)",
		"team: payments=>$(team): x":                  "a placeholder in a key",
		"atLeast: 5m=>atLeast: 1h":                    "t.yaml:12",
	} {
		from, to, _ := strings.Cut(change, "=>")
		if _, err := ParseTemplate("t.yaml", []byte(strings.Replace(someTemplate, from, to, 1))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", change, err)
		}
	}
}

// Whatever a value holds, the file that is made has the template's structure.
func FuzzTemplate(f *testing.F) {
	f.Add(someTemplate, "1.2.3", "abc")
	f.Add(someTemplate, "1.2.3\nsteps: []", "x: y")
	f.Add(someTemplate, `"}, evil: {"`, "- a")
	f.Add("a: $(version)\nb: []\nc: {}\nd:\n", "true", "")
	f.Add("a: |\n  $(version)\n  two\nb: [$(commit), \"5\", 0x1F, 1e3, .inf, ~, *x]\n", "#c", "!t")
	f.Fuzz(func(t *testing.T, text, version, commit string) {
		tree, errs := readTree("f", []byte(text))
		if len(errs) > 0 || tree == nil {
			return
		}
		tmpl := Template{file: "f", tree: tree, holes: []string{"commit", "version"}}
		made, err := tmpl.Fill(map[string]string{"version": version, "commit": commit})
		if err != nil {
			return
		}
		again, errs := readTree("f", made)
		if len(errs) > 0 || !shaped(tree, again) {
			t.Fatalf("%v\n%s", errs, made)
		}
	})
}

// shaped tells whether two trees have the same keys and lists.
func shaped(a, b *node) bool {
	if a.kind != b.kind || len(a.entries) != len(b.entries) || len(a.items) != len(b.items) {
		return false
	}
	for i := range a.entries {
		if a.entries[i].key != b.entries[i].key || !shaped(a.entries[i].value, b.entries[i].value) {
			return false
		}
	}
	for i := range a.items {
		if !shaped(a.items[i], b.items[i]) {
			return false
		}
	}
	return true
}
