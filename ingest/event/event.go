// Package event reads events: one JSON object a line, or CSV. Their schema has
// versions, and every version that ever was is read for ever: the corpus in
// testdata holds it to that. A line that cannot be read is refused with its
// number, and stops no other.
package event

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

// maxLine bounds one line, in bytes.
const maxLine = item.MaxRaw

// maxFields bounds how many fields an event may have, those of tags included.
const maxFields = 200

// draft is an event in the making.
type draft struct {
	item.Event
	// status is the HTTP status, 0 where there is none; judged says that the
	// outcome was told in its stead.
	status int
	judged bool
}

// version reads one field of a schema into a draft. It says what is wrong with
// it, "" for nothing; known is false for a field that the schema has not.
type version func(r *reader, e *draft, name string, c cell) (problem string, known bool)

// versions are all schemas of events, by name.
var versions = map[string]version{
	"linnet.event/0": zero,
	"linnet.event/1": one,
}

// reader makes events of the records of a batch.
type reader struct {
	batch item.Batch
	out   item.Decoded
	// words are the texts of the batch: most are there many times.
	words map[string]string
	// numbers is where Seconds and Value of events point.
	numbers []float64
	fields  []field
	line    int
}

// field is a field of the record at hand.
type field struct {
	name string
	cell cell
}

func newReader(b item.Batch) *reader {
	return &reader{batch: b, words: map[string]string{}}
}

// maxWords bounds what is remembered of a batch's texts.
const maxWords = 4096

// word is a text of the batch as a string.
func (r *reader) word(b []byte) string {
	if s, ok := r.words[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(s) <= 64 && len(r.words) < maxWords {
		r.words[s] = s
	}
	return s
}

// number gives a number a place that stays.
func (r *reader) number(v float64) *float64 {
	if len(r.numbers) == cap(r.numbers) {
		r.numbers = make([]float64, 0, 256)
	}
	r.numbers = append(r.numbers, v)
	return &r.numbers[len(r.numbers)-1]
}

func (r *reader) place() string { return "line " + strconv.Itoa(r.line) }

func (r *reader) refuse(code item.Code, raw []byte, format string, args ...any) {
	r.out.Refused = append(r.out.Refused, item.Refusal{
		Code: code, Text: fmt.Sprintf(format, args...), Place: r.place(), Raw: raw[:min(len(raw), item.MaxRaw)],
	})
}

// add makes an event of the fields at hand; raw is the record as it came.
func (r *reader) add(raw []byte) {
	if len(r.fields) > maxFields {
		r.refuse(item.TooLarge, raw, "it has %d fields, more than %d; send fewer", len(r.fields), maxFields)
		return
	}
	schema, ok := r.schema(raw)
	switch {
	case !ok:
		return
	case schema == item.SampleSchema:
		r.sample(raw)
		return
	}
	read, ok := versions[schema]
	if !ok {
		r.refuse(item.UnknownForm, raw, "schema %.64q is not known here; send linnet.event/0 or %s, or update Linnet", schema, item.EventSchema)
		return
	}
	e := draft{Event: item.Event{Time: r.batch.At, Name: "request", Outcome: item.OK, Raw: raw}}
	for i, f := range r.fields {
		if f.name == "schema" || f.cell.kind == null {
			continue
		}
		if r.twice(i) {
			r.refuse(item.UnknownForm, raw, "%.64s is there twice; send it once", f.name)
			return
		}
		problem, known := read(r, &e, f.name, f.cell)
		switch {
		case problem != "":
			r.refuse(item.UnknownForm, raw, "%.64s %s", f.name, problem)
			return
		case !known:
			r.unknown(&e, f)
		}
	}
	if e.status >= 500 && !e.judged {
		e.Outcome = item.Error
	}
	if e.status == 0 && !e.judged && e.Name == "request" {
		r.refuse(item.UnknownForm, raw, "a request says neither outcome nor status; send outcome: ok or error, or the HTTP status")
		return
	}
	e.Place = r.place()
	r.out.Events = append(r.out.Events, e.Event)
}

// schema finds the schema of the fields at hand.
func (r *reader) schema(raw []byte) (string, bool) {
	for _, f := range r.fields {
		if f.name != "schema" || f.cell.kind == null {
			continue
		}
		if f.cell.kind != text && f.cell.kind != bare {
			r.refuse(item.UnknownForm, raw, "schema is %s; send a text such as %s", f.cell.kind, item.EventSchema)
			return "", false
		}
		return r.word(f.cell.value), true
	}
	return item.EventSchema, true
}

// twice tells whether the field at i was there before.
func (r *reader) twice(i int) bool {
	for _, f := range r.fields[:i] {
		if f.name == r.fields[i].name {
			return true
		}
	}
	return false
}

// unknown keeps a field that the schema does not know, where it is a single
// value; whatever else it may be stays in the log.
func (r *reader) unknown(e *draft, f field) {
	switch f.cell.kind {
	case text, number, boolean, bare:
		if e.Fields == nil {
			e.Fields = map[string]string{}
		}
		e.Fields[f.name] = r.word(f.cell.value)
	}
}

// lines calls visit for each line of a batch that is not empty, with its end
// taken off, and refuses those that are too long or no UTF-8. An error is
// item.ErrMany.
func (r *reader) lines(body []byte, visit func(line []byte)) error {
	for len(body) > 0 {
		if r.out.Many() {
			return item.ErrMany
		}
		line := body
		if at := bytes.IndexByte(body, '\n'); at >= 0 {
			line, body = body[:at], body[at+1:]
		} else {
			body = nil
		}
		r.line++
		line = bytes.TrimSuffix(line, []byte("\r"))
		switch {
		case len(bytes.TrimSpace(line)) == 0:
		case len(line) > maxLine:
			r.refuse(item.TooLarge, line, "the line has %d bytes, more than %d; send one event a line", len(line), maxLine)
		case !utf8.Valid(line):
			r.refuse(item.Unreadable, line, "the line is not UTF-8; save or send it as UTF-8")
		default:
			visit(line)
		}
	}
	return nil
}

// plain is a body without byte order mark; what is another encoding than UTF-8 is
// an error.
func plain(body []byte) ([]byte, error) {
	for _, mark := range []string{"\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(body, []byte(mark)) {
			return nil, fmt.Errorf("the batch is UTF-16; send it as UTF-8: %w", release.ErrInvalid)
		}
	}
	if bytes.HasPrefix(body, []byte("\x1f\x8b")) {
		return nil, fmt.Errorf("the batch is packed with gzip; say so with Content-Encoding: gzip: %w", release.ErrInvalid)
	}
	return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), nil
}
