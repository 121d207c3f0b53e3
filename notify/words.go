package notify

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

const (
	// maxTitle and maxText bound a message, in bytes; mostTold how many of its
	// notices are put into words, the others are counted.
	maxTitle  = 250
	maxText   = 12_000
	mostTold  = 40
	maxNotice = 3_000 // of one notice among several
)

// Fields are what a template may use.
type Fields struct {
	// Title and Text are as the release told them.
	Title, Text string
	// Happening, Severity, Service, Team, Environment and Release are what it is
	// about. Over says that it is over.
	Happening, Severity, Service, Team, Environment, Release string
	Over                                                     bool
	Attempt, Step                                            int
	At                                                       time.Time
	// Next is the command that is useful now, Page the URL of the release's page,
	// Runbook what its file and the company's runbooks say to do.
	Next, Page, Runbook string
	Links               []release.Link
	// Escalated says that nobody acknowledged it.
	Escalated bool
}

const (
	builtInTitle = `{{if .Escalated}}Nobody acknowledged: {{end}}{{.Title}}`
	builtInText  = `{{.Text}}{{if not .Over}}{{with .Next}}
Next: {{.}}{{end}}{{with .Runbook}}
Runbook: {{.}}{{end}}{{end}}{{with .Page}}
{{.}}{{end}}{{range .Links}}
{{.Name}}: {{.URL}}{{end}}`
)

// Words puts messages into words. Its zero value is built in.
type Words struct{ title, text *template.Template }

// functions are what templates may call, besides fields.
var functions = template.FuncMap{
	"upper": strings.ToUpper,
	"lower": strings.ToLower,
	// short cuts a text down to so many characters.
	"short": func(most int, s string) string { return cut(s, 4*max(0, most), max(0, most)) },
	// time writes an instant in UTC.
	"time": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") },
	"join": func(by string, list ...string) string { return strings.Join(list, by) },
}

// allowed are the functions of text/template that a template may call. Those
// that could take all memory or time (printf with a width, say) are not.
var allowed = []string{"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "break", "continue"}

// Compile reads a template. Its errors are release.ErrInvalid and say where.
func Compile(t spec.MessageTemplate) (Words, error) {
	var w Words
	var errs []error
	for _, part := range []struct {
		into *(*template.Template)
		name string
		text string
	}{{&w.title, "title", t.Title}, {&w.text, "text", t.Text}} {
		if part.text == "" {
			continue
		}
		parsed, err := compile(t.Name+"."+part.name, part.text)
		if err == nil {
			*part.into = parsed
			continue
		}
		errs = append(errs, err)
	}
	return w, errors.Join(errs...)
}

func compile(name, text string) (*template.Template, error) {
	t, err := template.New(name).Funcs(functions).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, release.ErrInvalid)
	}
	if len(t.Templates()) > 1 {
		return nil, fmt.Errorf("template %s: defines another template; write one: %w", name, release.ErrInvalid)
	}
	if t.Tree == nil {
		return nil, nil // nothing but spaces
	}
	if err := harmless(t.Tree.Root); err != nil {
		return nil, fmt.Errorf("template %s: %w: %w", name, err, release.ErrInvalid)
	}
	var out bounded
	if err := t.Execute(&out, sampleFields()); err != nil && !errors.Is(err, errFull) {
		return nil, fmt.Errorf("%w: %w", err, release.ErrInvalid)
	}
	return t, nil
}

// harmless refuses what could run for long: ranges over anything but the links,
// templates that call templates, functions that are not allowed.
func harmless(n parse.Node) error {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		return each(n.Nodes)
	case *parse.ActionNode:
		return harmless(n.Pipe)
	case *parse.IfNode:
		return branch(n.BranchNode)
	case *parse.WithNode:
		return branch(n.BranchNode)
	case *parse.RangeNode:
		if over := n.Pipe.String(); !strings.HasSuffix(over, ".Links") {
			return fmt.Errorf("range over %s; only .Links can be ranged over", over)
		}
		if strings.Contains(n.List.String(), "{{range") {
			return errors.New("a range within a range")
		}
		return branch(n.BranchNode)
	case *parse.TemplateNode:
		return errors.New("calls another template")
	case *parse.PipeNode:
		if n == nil {
			return nil
		}
		for _, c := range n.Cmds {
			if err := each(c.Args); err != nil {
				return err
			}
		}
	case *parse.ChainNode:
		return harmless(n.Node)
	case *parse.IdentifierNode:
		if _, own := functions[n.Ident]; !own && !slices.Contains(allowed, n.Ident) {
			return fmt.Errorf("calls %s; known: %s, upper, lower, short, time, join", n.Ident, strings.Join(allowed, ", "))
		}
	}
	return nil
}

func each(nodes []parse.Node) error {
	for _, n := range nodes {
		if err := harmless(n); err != nil {
			return err
		}
	}
	return nil
}

func branch(n parse.BranchNode) error {
	if err := harmless(n.Pipe); err != nil {
		return err
	}
	if err := harmless(n.List); err != nil {
		return err
	}
	if n.ElseList == nil {
		return nil
	}
	return harmless(n.ElseList)
}

// Put puts a message into words: its Title and Text. A template that fails is
// told in the text, which is the one that is built in then: no page is lost over
// it.
func (w Words) Put(m release.Message, next func(release.Notice) Fields) release.Message {
	title, text, err := w.put(m, next)
	if err != nil {
		title, text, _ = Words{}.put(m, next)
		text += "\n(the template is broken, and this is the one that is built in: " + err.Error() + ")"
	}
	m.Title, m.Text = cut(oneLine(title), maxTitle, maxTitle), cut(strings.TrimSpace(text), maxText, maxText)
	return m
}

func (w Words) put(m release.Message, fields func(release.Notice) Fields) (title, text string, err error) {
	var texts []string
	for i, n := range m.Notices {
		if i == mostTold {
			texts = append(texts, fmt.Sprintf("… and %d more", len(m.Notices)-mostTold))
			break
		}
		f := fields(n)
		f.Escalated = m.Escalated
		head, err := execute(w.title, builtInTitle, f)
		if err != nil {
			return "", "", err
		}
		body, err := execute(w.text, builtInText, f)
		if err != nil {
			return "", "", err
		}
		if len(m.Notices) == 1 && !m.Digest {
			return head, body, nil
		}
		texts = append(texts, cut(oneLine(head)+"\n"+strings.TrimSpace(body), maxNotice, maxNotice))
	}
	about := services(m.Notices)
	title = fmt.Sprintf("%d notices of %s", len(m.Notices), about)
	if m.Digest {
		title = fmt.Sprintf("Digest: %d notices of %s", len(m.Notices), about)
	}
	for _, n := range m.Notices {
		if n.Urgency == release.Page {
			title = fmt.Sprintf("%s (and %d more of %s)", n.Title, len(m.Notices)-1, about)
			break
		}
	}
	return title, strings.Join(texts, "\n\n"), nil
}

// services names what notices are about.
func services(notices []release.Notice) string {
	var names []string
	for _, n := range notices {
		name := n.Service
		if name == "" {
			name = n.Release
		}
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d other services", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
}

func execute(t *template.Template, builtIn string, f Fields) (string, error) {
	if t == nil {
		var err error
		if t, err = template.New("built in").Parse(builtIn); err != nil {
			return "", err
		}
	}
	var out bounded
	if err := t.Execute(&out, f); err != nil && !errors.Is(err, errFull) {
		return "", err
	}
	return out.String(), nil
}

// bounded takes so much text and no more.
type bounded struct{ strings.Builder }

// errFull ends a template that writes too much; what it wrote stands.
var errFull = errors.New("the message is long enough")

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if left := maxText - b.Len(); len(p) > left {
		_, _ = b.Builder.Write(p[:left])
		return left, errFull
	}
	return b.Builder.Write(p)
}

// FieldsOf are the fields of a notice.
func FieldsOf(n release.Notice) Fields {
	return Fields{
		Title: n.Title, Text: n.Text, Happening: string(n.Happening), Severity: string(n.Urgency), Service: n.Service, Team: n.Team,
		Environment: n.Environment, Release: n.Release, Over: n.Over, Attempt: n.Attempt, Step: n.Step, At: n.At, Next: n.Next,
		Runbook: n.Runbook, Links: n.Links,
	}
}

// WithRunbook adds what the company's runbooks say of a notice's service.
func (r Rules) WithRunbook(n release.Notice) release.Notice {
	for _, b := range r.Runbooks {
		if !spec.Fits(b.Services, n.Service) {
			continue
		}
		if b.Text != "" {
			n.Runbook = strings.TrimSpace(n.Runbook + "\n" + b.Text)
		}
		n.Links = append(slices.Clone(n.Links), b.Links...)
		break
	}
	return n
}

func sampleFields() Fields {
	f := FieldsOf(Sample(release.ToldRollback))
	f.Page = "https://linnet.example.com/releases/checkout-1.5.0/1"
	return f
}

// Sample is a notice of a happening as a release might tell it, for previews and
// for trying a channel.
func Sample(h release.Happening) release.Notice {
	n := release.Notice{
		ID: "checkout-1.5.0/1/42/1", Release: "checkout-1.5.0", Attempt: 1, Urgency: release.Inform, Happening: h,
		Topic: "checkout-1.5.0/1/" + string(h), Service: "checkout", Team: "payments", Environment: "production", Step: 2,
		At: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), Next: "linnet release show checkout-1.5.0",
		Links:   []release.Link{{Name: "dashboards", URL: "https://grafana.example.com/checkout"}},
		Runbook: "Look at the payment provider's status page first.",
		Title:   "checkout-1.5.0: " + string(h), Text: "this is a sample of a notice of " + string(h),
	}
	switch h {
	case release.ToldRollback:
		n.Title, n.Text = "checkout-1.5.0 is rolled back", "errors: 8.18x the baseline's: 11 of 225 (4.89 %) against 111 of 22275 (0.498 %); evidence 9714 to 1, 150 to 1 is enough"
	case release.ToldApproval:
		n.Title, n.Text = "checkout-1.5.0 asks for approval", "step 3 (50 %) needs an approval from release-managers"
		n.Next = "linnet release approve checkout-1.5.0"
	case release.ToldPromotion:
		n.Title, n.Text = "checkout-1.5.0 is promoted", "after the last step all traffic goes to the candidate"
	}
	switch h {
	case release.ToldRollback, release.ToldBlind, release.ToldProvider, release.ToldLowered, release.ToldHarm, release.ToldWeight, release.ToldUnseen, release.ToldGlass:
		n.Urgency = release.Page
	}
	return n
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// cut shortens a text to so many bytes and characters.
func cut(s string, bytes, runes int) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	n := 0
	for i := range s {
		if n == runes || i > bytes-len("…") && len(s) > bytes {
			return strings.TrimRight(s[:i], " \n") + "…"
		}
		n++
	}
	return s
}
