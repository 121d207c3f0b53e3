package spec

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// JSON is any API over HTTP that answers in JSON or CSV. What its texts may hold
// and what paths are, metric/httpjson says.
type JSON struct {
	Access
	Pace
	Method, Path string
	Params, Form map[string]string
	// Body is JSON where the file has a mapping.
	Body string
	Most int64

	Format             string
	Rows               []Level
	Time, TimeFormat   string
	Stamp              string
	Arm, Tags          string
	Labels             map[string]string
	Value, Bound       string
	Cumulative, Totals bool
	Lookback           time.Duration
	Warnings, Errors   []string
	Busy               []string
	Next               Next
}

// Level is how rows lie in what holds them: one of its fields is set.
type Level struct {
	Each, Entries  string
	Zip            map[string]string
	Columns, Cells string
}

// Next is how the next page of an answer is asked for.
type Next struct {
	Path, Param string
	Alone       bool
}

func (j *JSON) rules(c *checker, _ *File, path string) {
	certificateRules(c, j.TLS, path)
	if strings.Contains(j.Path, "?") && c.fine(path+".path") {
		c.fail(path+".path", "has parameters", "write them under params")
	}
	if j.Totals && j.Stamp == stampBegin {
		c.fail(path+".stamp", "is begin, but a running total is read at a moment", "take it out, or totals")
	}
}

const (
	stampBegin = "begin"
	stampEnd   = "end"
)

// jsonPath is a JSONPath, which is parsed where it is used, and by lint; ^ goes
// one level out.
var jsonPath = &kind[string]{noun: "a JSONPath", pattern: `^\^*\$`, format: same,
	parse: func(s string) (string, fault) {
		if !strings.HasPrefix(strings.TrimLeft(s, "^"), "$") {
			return "", fault{"does not begin with $", "write a JSONPath such as $.value"}
		}
		return parseText(s)
	}}

var jsonKeys = &object[JSON]{
	atMost: append([][]string{{"form", "body"}}, oneLogin...),
	keys: slices.Concat(
		[]key[JSON]{
			urlKey("Where the API is. Values of an arm belong into path, params, form or body.", "https://metrics.example.com/api/query", "write parameters under params, and take out what begins with #", func(j *JSON) *Access { return &j.Access }),
			{name: "method", doc: "How it is asked.", words: "GET; POST with a form or body",
				bind: at(func(j *JSON) *string { return &j.Method }, oneOf("GET", "POST"))},
			{name: "path", doc: "What is added to the URL; may hold {{question}} and other values.",
				bind: at(func(j *JSON) *string { return &j.Path }, urlPath)},
			{name: "params", doc: "Parameters of the URL; may hold {{question}} and other values. One that comes out empty is left out.",
				bind: at(func(j *JSON) *map[string]string { return &j.Params }, texts(openParam, selector, 0))},
			{name: "form", doc: "Fields of a form, in place of body; as params.",
				bind: at(func(j *JSON) *map[string]string { return &j.Form }, texts(openParam, selector, 0))},
			{name: "body", doc: "What is sent: keys and values, which are sent as JSON, or text. May hold {{question}} and other values; `{{number from}}` alone is sent as a number.",
				bind: at[JSON, string](func(j *JSON) *string { return &j.Body }, bodyShape{})},
			{name: "most", doc: "How many stretches one request may ask for.", words: "any number",
				bind: at(func(j *JSON) *int64 { return &j.Most }, between(wholes, 1, 100_000))},
		},
		loginKeys(func(j *JSON) *Access { return &j.Access }),
		reachKeys(func(j *JSON) *Access { return &j.Access }),
		paceKeys("1m", "1m", time.Second, func(j *JSON) *Pace { return &j.Pace }),
		mappingKeys,
	),
}

var mappingKeys = []key[JSON]{
	{name: "format", doc: "What it answers in; each record of CSV is read as an object.", def: "json",
		bind: at(func(j *JSON) *string { return &j.Format }, oneOf("json", "csv"))},
	{name: "rows", doc: "The way from the whole answer to its rows, each entry within what the one before found: a path, or how lists go together.", words: "the answer is one row; of CSV, each record is",
		bind: at(func(j *JSON) *[]Level { return &j.Rows }, &listOf[Level]{item: levelShape{levelKeys}, min: 1})},
	{name: "time", doc: "Where in a row its time is.", need: true, sample: "$.time",
		bind: at(func(j *JSON) *string { return &j.Time }, jsonPath)},
	{name: "timeFormat", doc: "How times are written: s, ms, us or ns since 1970, or a layout of Go's package time.", words: "RFC 3339",
		bind: at(func(j *JSON) *string { return &j.TimeFormat }, freeText)},
	{name: "stamp", doc: "Which end of its stretch a row's time is.", derive: stampOf, words: "begin; end of running totals",
		bind: at(func(j *JSON) *string { return &j.Stamp }, oneOf(stampBegin, stampEnd))},
	{name: "arm", doc: "Where in a row it says whose it is: an arm's name, version or label. Only where a question is asked for both arms at once.", words: "the arm's labels are looked for",
		bind: at(func(j *JSON) *string { return &j.Arm }, jsonPath)},
	{name: "tags", doc: "Where in a row all its labels are: names and values, or texts such as version:1.5.0.",
		bind: at(func(j *JSON) *string { return &j.Tags }, jsonPath)},
	{name: "labels", doc: "Where in a row single labels are.", words: "the row's own fields",
		bind: at(func(j *JSON) *map[string]string { return &j.Labels }, texts(labelName, jsonPath, 0))},
	{name: "value", doc: "Where in a row the number is. A metric's `query` names fields of the row instead.",
		bind: at(func(j *JSON) *string { return &j.Value }, jsonPath)},
	{name: "bound", doc: "Where in a row the upper bound of a histogram's bucket is; none is infinite.",
		bind: at(func(j *JSON) *string { return &j.Bound }, jsonPath)},
	{name: "cumulative", doc: "Whether a bucket counts what lies in lower ones, too.", words: "`false`",
		bind: at(func(j *JSON) *bool { return &j.Cumulative }, booleans)},
	{name: "totals", doc: "Whether numbers are running totals of counters, which begin anew when a process does. What they gained counts.", words: "`false`",
		bind: at(func(j *JSON) *bool { return &j.Totals }, booleans)},
	{name: "lookback", doc: "How long before a window the last total is looked for.", words: "10m",
		bind: at(func(j *JSON) *time.Duration { return &j.Lookback }, between(durations, time.Second, day))},
	{name: "warnings", doc: "Where in the whole answer it says that it is not whole: what is there, and not false, zero or empty, becomes a warning.",
		bind: at(func(j *JSON) *[]string { return &j.Warnings }, &listOf[string]{item: jsonPath})},
	{name: "errors", doc: "Where in the whole answer errors are.",
		bind: at(func(j *JSON) *[]string { return &j.Errors }, &listOf[string]{item: jsonPath})},
	{name: "busy", doc: "Words in such an error by which it may go right later. Any other is a mistake in the question.",
		bind: at(func(j *JSON) *[]string { return &j.Busy }, &listOf[string]{item: freeText})},
	{name: "next", doc: "How the next page is asked for.",
		bind: at(func(j *JSON) *Next { return &j.Next }, nextKeys)},
}

func stampOf(source *node) string {
	if t := source.get("totals"); t != nil && t.text == "true" {
		return stampEnd
	}
	return stampBegin
}

var nextKeys = &object[Next]{keys: []key[Next]{
	{name: "path", doc: "Where in the whole answer the next page's URL is, on the same host, or its token. Nothing there: the last page.", need: true, sample: "$.nextPageKey",
		bind: at(func(n *Next) *string { return &n.Path }, jsonPath)},
	{name: "param", doc: "The parameter that the token is sent as.", words: "it is a URL",
		bind: at(func(n *Next) *string { return &n.Param }, paramName)},
	{name: "alone", doc: "Whether the other parameters are left out then.", words: "`false`",
		bind: at(func(n *Next) *bool { return &n.Alone }, booleans)},
}}

var levelKeys = &object[Level]{exactly: []string{"entries", "zip", "columns"}, keys: []key[Level]{
	{name: "entries", doc: "An object, each entry of which is one row: {key, value}.",
		bind: at(func(l *Level) *string { return &l.Entries }, jsonPath)},
	{name: "zip", doc: "Paths to lists that go together, by the name that each one's item gets in the row.",
		bind: at(func(l *Level) *map[string]string { return &l.Zip }, texts(labelName, jsonPath, 1))},
	{name: "columns", doc: "The names of columns. Needs cells.",
		bind: at(func(l *Level) *string { return &l.Columns }, jsonPath)},
	{name: "cells", doc: "The rows of a table, each a list in the order of columns.",
		bind: at(func(l *Level) *string { return &l.Cells }, jsonPath)},
}}

// levelShape is a level written in full, or as the path of its rows.
type levelShape struct{ *object[Level] }

func (s levelShape) decode(c *checker, n *node, path string, into *Level) {
	if n.kind == scalar {
		jsonPath.decode(c, n, path, &into.Each)
		return
	}
	s.object.decode(c, n, path, into)
	if (into.Columns == "") != (into.Cells == "") && n.kind == mapping && c.fine(path) {
		c.fail(path, "has only one of columns and cells", "write both")
	}
}

func (s levelShape) encode(l Level) *node {
	if l.Each != "" {
		return jsonPath.encode(l.Each)
	}
	return s.object.encode(l)
}

func (s levelShape) schema() map[string]any {
	return map[string]any{"oneOf": []any{jsonPath.schema(), s.object.schema()}}
}

func (s levelShape) written() string { return jsonPath.written() + " or keys" }

// bodyText is a body that is no mapping.
var bodyText = &kind[string]{noun: "text", format: same, parse: func(s string) (string, fault) {
	switch {
	case strings.TrimSpace(s) == "":
		return "", fault{"is empty", "write some text, or take the key out"}
	case len(s) > maxSelector:
		return "", fault{"is longer than 10,000 bytes", "shorten it"}
	}
	return s, fault{}
}}

// bodyShape is a body: keys and values, which become JSON, or text.
type bodyShape struct{}

func (bodyShape) decode(c *checker, n *node, path string, into *string) {
	if n.kind == scalar {
		bodyText.decode(c, n, path, into)
		return
	}
	var b strings.Builder
	writeJSON(&b, n)
	if b.Len() > maxSelector {
		c.fail(path, "is longer than 10,000 bytes", "shorten it")
		return
	}
	*into = b.String()
}

func (bodyShape) encode(text string) *node { return bodyText.encode(text) }

func (bodyShape) schema() map[string]any {
	return map[string]any{"type": []string{"object", "array", "string"}}
}

func (bodyShape) written() string   { return "keys and values, or text" }
func (bodyShape) rows(string) []row { return nil }

// writeJSON writes a part of a file as JSON, in its order.
func writeJSON(b *strings.Builder, n *node) {
	switch {
	case n.kind == mapping:
		b.WriteByte('{')
		for i, e := range n.entries {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(quoted(e.key) + ": ")
			writeJSON(b, e.value)
		}
		b.WriteByte('}')
	case n.kind == list:
		b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				b.WriteString(", ")
			}
			writeJSON(b, item)
		}
		b.WriteByte(']')
	case n.class == empty:
		b.WriteString("null")
	case n.class != word && json.Valid([]byte(n.text)):
		b.WriteString(n.text)
	default:
		b.WriteString(quoted(n.text))
	}
}

func quoted(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return `""` // no text fails
	}
	return strings.TrimSpace(b.String())
}
