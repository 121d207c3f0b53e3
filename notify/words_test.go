package notify

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

func TestBuiltInWords(t *testing.T) {
	n := Sample(release.ToldRollback)
	m := Words{}.Put(release.Message{Notices: []release.Notice{n}, Escalated: true}, FieldsOf)
	if m.Title != "Nobody acknowledged: checkout-1.5.0 is rolled back" {
		t.Error(m.Title)
	}
	for _, want := range []string{n.Text, "Next: linnet release show checkout-1.5.0", "Runbook: Look", "dashboards: https://grafana"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("%q is not in\n%s", want, m.Text)
		}
	}
	other := Sample(release.ToldPromotion)
	other.Service = "cart"
	m = Words{}.Put(release.Message{Notices: []release.Notice{other, n}}, FieldsOf)
	if m.Title != "checkout-1.5.0 is rolled back (and 1 more of cart, checkout)" || !strings.Contains(m.Text, other.Text) || !strings.Contains(m.Text, n.Text) {
		t.Errorf("%s\n%s", m.Title, m.Text)
	}
	many := make([]release.Notice, 200)
	for i := range many {
		many[i] = other
	}
	m = Words{}.Put(release.Message{Notices: many, Digest: true}, FieldsOf)
	if m.Title != "Digest: 200 notices of cart" || len(m.Text) > maxText || !utf8.ValidString(m.Text) {
		t.Errorf("%s, %d bytes", m.Title, len(m.Text))
	}
}

func TestTemplates(t *testing.T) {
	w, err := Compile(spec.MessageTemplate{Name: "short", Title: `{{upper .Service}} {{if eq .Severity "page"}}!{{end}}`, Text: `{{short 10 .Text}}{{range .Links}} <{{.URL}}>{{end}} {{time .At}}`})
	if err != nil {
		t.Fatal(err)
	}
	m := w.Put(release.Message{Notices: []release.Notice{Sample(release.ToldRollback)}}, FieldsOf)
	if m.Title != "CHECKOUT !" || m.Text != "errors: 8.… <https://grafana.example.com/checkout> 2026-03-02 12:00:00Z" {
		t.Errorf("%q\n%q", m.Title, m.Text)
	}
	for text, want := range map[string]string{
		`{{.Nonsense}}`:                "Nonsense",
		`{{`:                           "unclosed action",
		`{{range 1000000000}}x{{end}}`: "only .Links",
		`{{printf "%1000000000d" 1}}`:  "calls printf",
		`{{define "a"}}{{end}}x`:       "defines another template",
		`{{block "a" .}}{{end}}`:       "defines another template",
		`{{range .Links}}{{range $.Links}}{{end}}{{end}}`: "within a range",
		`{{if true}}{{html .Text}}{{end}}`:                "calls html",
		`{{with .Text}}{{else}}{{js .}}{{end}}`:           "calls js",
		`{{index .Links 99}}`:                             "calls index",
		`{{(print 1) | len}}`:                             "calls print",
		`{{(print 1).X}}`:                                 "calls print",
		`{{$x := (call .At.UTC)}}`:                        "calls call",
	} {
		if _, err := Compile(spec.MessageTemplate{Name: "t", Text: text}); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, expected %q", text, err, want)
		}
	}
}

// A template that breaks on some notice falls back, and says so.
func TestABrokenTemplateLosesNoPage(t *testing.T) {
	w, err := Compile(spec.MessageTemplate{Name: "t", Text: `{{if .Over}}{{lt .Text 1}}{{end}}fine`})
	if err != nil {
		t.Fatal(err)
	}
	n := Sample(release.ToldRollback)
	if m := w.Put(release.Message{Notices: []release.Notice{n}}, FieldsOf); m.Text != "fine" {
		t.Error(m.Text)
	}
	n.Over = true
	m := w.Put(release.Message{Notices: []release.Notice{n}}, FieldsOf)
	if m.Title != n.Title || !strings.Contains(m.Text, n.Text) || !strings.Contains(m.Text, "the template is broken") {
		t.Errorf("%s\n%s", m.Title, m.Text)
	}
}

func TestRunbooks(t *testing.T) {
	r := Rules{Notices: spec.Notices{Runbooks: []spec.Runbook{
		{Services: []string{"cart"}, Text: "no"},
		{Services: []string{"check*"}, Text: "Call Anna.", Links: []release.Link{{Name: "wiki", URL: "https://wiki"}}},
	}}}
	n := r.WithRunbook(Sample(release.ToldRollback))
	if n.Runbook != "Look at the payment provider's status page first.\nCall Anna." || len(n.Links) != 2 {
		t.Errorf("%+v", n)
	}
}

// Whatever somebody writes, a template ends soon, and its message is bounded.
func FuzzTemplate(f *testing.F) {
	f.Add(builtInTitle, builtInText)
	f.Add(`{{short -1 .Text}}`, `{{range $i, $l := .Links}}{{$i}}{{$l.Name}}{{break}}{{end}}`)
	f.Add(`{{join "," .Team .Service}}`, `{{and .Over (not .Escalated)}}{{len .Text}}{{.At.Year}}`)
	f.Fuzz(func(t *testing.T, title, text string) {
		w, err := Compile(spec.MessageTemplate{Name: "t", Title: title, Text: text})
		if err != nil {
			return
		}
		m := w.Put(release.Message{Notices: []release.Notice{Sample(release.ToldRollback), Sample(release.ToldHold)}}, FieldsOf)
		if len(m.Title) > maxTitle || len(m.Text) > maxText || !utf8.ValidString(m.Title+m.Text) || strings.Contains(m.Title, "\n") {
			t.Fatalf("%q %q", m.Title, m.Text)
		}
	})
}
