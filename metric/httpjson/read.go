package httpjson

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// reader is a Mapping ready for use.
type reader struct {
	Mapping
	step                          time.Duration
	levels                        []level
	time, arm, tags, value, bound path
	labels                        map[string]path
	warningsAt, errorsAt          []path
	nextAt                        path
}

func readerOf(m Mapping, step time.Duration) (reader, error) {
	r := reader{Mapping: m, step: step, labels: map[string]path{}}
	if m.CSV && len(m.Rows) == 0 {
		m.Rows = []Level{{Each: "$[*]"}}
	}
	for i, l := range m.Rows {
		level, err := levelOf(l)
		if err != nil {
			return r, fmt.Errorf("rows[%d]: %w", i, err)
		}
		r.levels = append(r.levels, level)
	}
	if m.Time == "" {
		return r, fmt.Errorf("time is missing: %w", release.ErrInvalid)
	}
	for name, one := range map[string]struct {
		text string
		into *path
	}{
		"time": {m.Time, &r.time}, "arm": {m.Arm, &r.arm}, "tags": {m.Tags, &r.tags}, "value": {m.Value, &r.value},
		"bound": {m.Bound, &r.bound}, "next": {m.Next.Path, &r.nextAt},
	} {
		if name == "bound" && !isPath(one.text) {
			continue // a label
		}
		p, err := parsePath(one.text)
		if err != nil {
			return r, fmt.Errorf("%s: %w", name, err)
		}
		*one.into = p
	}
	for name, text := range m.Labels {
		p, err := parsePath(text)
		if err != nil {
			return r, fmt.Errorf("label %s: %w", name, err)
		}
		r.labels[name] = p
	}
	for name, list := range map[string]struct {
		texts []string
		into  *[]path
	}{"warnings": {m.Warnings, &r.warningsAt}, "errors": {m.Errors, &r.errorsAt}} {
		for _, text := range list.texts {
			p, err := parsePath(text)
			if err != nil {
				return r, fmt.Errorf("%s: %w", name, err)
			}
			*list.into = append(*list.into, p)
		}
	}
	return r, nil
}

// page is one page of an answer.
type page struct {
	root     any
	warnings []string
	next     string
}

// page reads a page; an error inside it is a web.Trouble.
func (r *reader) page(body io.Reader) (page, error) {
	var p page
	var err error
	if r.CSV {
		p.root, err = records(body)
	} else {
		p.root, err = decode(body)
	}
	if err != nil {
		return p, err
	}
	if t := r.trouble(p.root); t != (web.Trouble{}) {
		return p, t
	}
	root := []any{p.root}
	for _, at := range r.warningsAt {
		for _, node := range at.all(root) {
			if text := shown(node); text != "" {
				p.warnings = append(p.warnings, "the source says "+at.text+": "+web.Clip(text))
			}
		}
	}
	if node, ok := r.nextAt.first(root); ok {
		p.next = shown(node)
	}
	return p, nil
}

// decode reads one JSON value, and nothing after it.
func decode(body io.Reader) (root any, err error) {
	d := json.NewDecoder(body)
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the end of the JSON")
	}
	return root, nil
}

// explain takes the body of a refusal apart.
func (r *reader) explain(body []byte) web.Trouble {
	var root any
	if json.Unmarshal(body, &root) != nil {
		return web.Trouble{}
	}
	return r.trouble(root)
}

// trouble is the first error that an answer holds.
func (r *reader) trouble(root any) web.Trouble {
	for _, at := range r.errorsAt {
		for _, node := range at.all([]any{root}) {
			whole := shown(node)
			if whole == "" {
				continue
			}
			t := web.Trouble{Message: whole}
			if members, ok := node.(map[string]any); ok {
				for _, name := range []string{"reason", "message"} {
					if text, _ := members[name].(string); text != "" {
						t.Message = text
					}
				}
			}
			for _, word := range r.Busy {
				t.Down = t.Down || strings.Contains(strings.ToLower(whole), strings.ToLower(word))
			}
			return t
		}
	}
	return web.Trouble{}
}

// shown is a node as text; "" for what is false, zero, empty or null.
func shown(node any) string {
	switch v := node.(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	case bool:
		if !v {
			return ""
		}
	case json.Number:
		if f, err := v.Float64(); err == nil && f == 0 {
			return ""
		}
		return v.String()
	case float64:
		if v == 0 {
			return ""
		}
	case []any:
		if len(v) == 0 {
			return ""
		}
	case map[string]any:
		if len(v) == 0 {
			return ""
		}
	}
	text, err := json.Marshal(node)
	if err != nil {
		return ""
	}
	return string(text)
}

// records reads CSV: a list of objects. A gap between lines begins a table with
// a first line of its own.
func records(body io.Reader) (any, error) {
	r := csv.NewReader(body)
	r.Comment, r.FieldsPerRecord, r.ReuseRecord = '#', -1, true
	all := []any{}
	var names []string
	for expected := 1; ; {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		last := len(record) - 1
		end, _ := r.FieldPos(last)
		gap := line != expected
		expected = end + strings.Count(record[last], "\n") + 1
		if names == nil || gap {
			if names = append([]string(nil), record...); len(names) < 2 {
				return nil, fmt.Errorf("line %d is no first line of a table", line)
			}
			continue
		}
		if len(record) != len(names) {
			return nil, fmt.Errorf("line %d has %d fields, its first line %d", line, len(record), len(names))
		}
		if len(all) == rows.Most {
			return nil, fmt.Errorf("more than %d records; let it group them: %w", rows.Most, release.ErrInvalid)
		}
		row := make(map[string]any, len(names))
		for i, text := range record {
			row[names[i]] = strings.Clone(text)
		}
		all = append(all, row)
	}
}
