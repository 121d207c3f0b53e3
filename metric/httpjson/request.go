package httpjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/metric/template"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// numberPrefix is how a text of JSON asks for a number.
const numberPrefix = "number "

// filler puts values into the texts of a request, and keeps the first error.
type filler struct {
	values template.Values
	// texts may be anything: they are escaped where they go.
	texts map[string]string
	err   error
}

func (f *filler) text(text string) string {
	out, err := template.Insert(text, f.values, f.texts)
	if err != nil && f.err == nil {
		f.err = err
	}
	return out
}

// path fills a path, whose texts may not add to its parts.
func (f *filler) path(text string) string {
	escaped := &filler{values: f.values, texts: map[string]string{}}
	for name, t := range f.texts {
		escaped.texts[name] = url.PathEscape(t)
	}
	out := escaped.text(text)
	if f.err == nil {
		f.err = escaped.err
	}
	return out
}

func (f *filler) params(from map[string]string) url.Values {
	out := url.Values{}
	for name, text := range from {
		if filled := f.text(text); filled != "" {
			out.Set(name, filled)
		}
	}
	return out
}

// json fills the texts of a JSON value.
func (f *filler) json(v any) any {
	switch v := v.(type) {
	case string:
		inner, ok := strings.CutPrefix(v, "{{"+numberPrefix)
		name, end, closed := strings.Cut(inner, "}}")
		if !ok || !closed || end != "" {
			return f.text(v)
		}
		text := f.text("{{" + name + "}}")
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			if f.err == nil {
				f.err = fmt.Errorf("{{number %.40s}} is %.40q, which is no number: %w", name, text, release.ErrInvalid)
			}
			return nil
		}
		return json.Number(text)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = f.json(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			out[name] = f.json(item)
		}
		return out
	}
	return v
}

// bodyOf is a body that is a JSON object or list; nil for any other.
func bodyOf(text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.More() {
		return nil
	}
	switch v.(type) {
	case map[string]any, []any:
		return v
	}
	return nil
}

// request makes the first request of a question.
func (s *Source) request(asked string, values template.Values) (web.Question, error) {
	c := &s.config
	f := &filler{values: values, texts: map[string]string{question: asked}}
	for name, text := range c.Values {
		f.texts[name] = text
	}
	q := web.Question{
		Method: c.Method, Path: f.path(c.Path), Params: f.params(c.Params), Headers: map[string]string{},
		About: asked, Most: maxAnswer, Explain: s.read.explain,
	}
	if c.CSV {
		q.Accept = "text/csv, application/csv, */*"
	}
	switch {
	case len(c.Form) > 0:
		q.Headers["Content-Type"] = "application/x-www-form-urlencoded"
		q.Body = []byte(f.params(c.Form).Encode())
	case s.body != nil:
		q.Headers["Content-Type"] = "application/json"
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		body := f.json(s.body)
		if own, ok := bodyOf(asked).(map[string]any); ok {
			body = own
		}
		if err := e.Encode(body); err != nil {
			return q, fmt.Errorf("body: %w: %w", err, release.ErrInvalid)
		}
		q.Body = bytes.TrimSpace(b.Bytes())
	case c.Body != "":
		q.Headers["Content-Type"] = "text/plain; charset=utf-8"
		q.Body = []byte(f.text(c.Body))
	}
	return q, f.err
}

// next makes the request of the next page from what the last one said.
func (s *Source) next(q web.Question, said string) (web.Question, error) {
	if name := s.config.Next.Param; name != "" {
		params := url.Values{}
		if !s.config.Next.Alone {
			for k, v := range q.Params {
				params[k] = v
			}
		}
		params.Set(name, said)
		q.Params = params
		return q, nil
	}
	base, err := url.Parse(s.web.URL())
	if err != nil {
		return q, fmt.Errorf("%w: %w", err, release.ErrInvalid)
	}
	to, err := base.JoinPath(q.Path).Parse(said)
	if err != nil || to.Scheme != base.Scheme || to.Host != base.Host || to.User != nil {
		return q, fmt.Errorf("the next page is not on %s: %w", base.Host, release.ErrInvalid)
	}
	path, ok := strings.CutPrefix(to.EscapedPath(), base.EscapedPath())
	if !ok {
		return q, fmt.Errorf("the next page is not below %s: %w", base, release.ErrInvalid)
	}
	q.Path, q.Params = path, to.Query()
	return q, nil
}
