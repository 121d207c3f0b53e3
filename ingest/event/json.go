package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

// kind is what a value is.
type kind int

const (
	text kind = iota
	number
	boolean
	null
	object
	array
	// bare is a value of CSV: what it is depends on its column.
	bare
)

// String says it in a sentence.
func (k kind) String() string {
	return [...]string{"text", "a number", "true or false", "null", "an object", "an array", "a value"}[k]
}

// cell is one value. Texts are without quotes and escapes; numbers, objects and
// arrays as they are written.
type cell struct {
	kind  kind
	value []byte
}

// NDJSON reads a batch of one JSON object a line.
func NDJSON(b item.Batch) (item.Decoded, error) {
	body, err := plain(b.Body)
	if err != nil {
		return item.Decoded{}, err
	}
	if first := bytes.TrimLeft(body, " \t\r\n"); len(first) > 0 && first[0] == '[' {
		return item.Decoded{}, fmt.Errorf("the batch is a JSON array; send one object a line (jq -c '.[]'): %w", release.ErrInvalid)
	}
	r := newReader(b)
	r.out.Events = make([]item.Event, 0, len(body)/160+1)
	if err := r.lines(body, func(line []byte) {
		r.fields = r.fields[:0]
		s := scanner{text: line}
		err := s.object(func(name []byte, c cell) bool {
			r.fields = append(r.fields, field{r.word(name), c})
			return true
		})
		if err == nil && s.skipSpace() != 0 {
			err = s.fail("there is more after the object")
		}
		if err != nil {
			r.refuse(item.Unreadable, line, "%v; send one JSON object a line", err)
			return
		}
		r.add(line)
	}); err != nil {
		return item.Decoded{}, err
	}
	return r.out, nil
}

// sample makes a sample of a line that is one: what was refused of a sender that
// counts for itself comes back in this form.
func (r *reader) sample(raw []byte) {
	var in struct {
		Time      time.Time         `json:"time"`
		Labels    map[string]string `json:"labels"`
		Value     any               `json:"value"`
		Histogram string            `json:"histogram"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		r.refuse(item.UnknownForm, raw, "no sample: %v; send time, labels and value", err)
		return
	}
	v, ok := in.Value.(float64)
	if s, isText := in.Value.(string); isText {
		var err error
		v, err = strconv.ParseFloat(s, 64)
		ok = err == nil
	}
	switch {
	case in.Histogram != "":
		r.refuse(item.UnknownForm, raw, "a native histogram cannot be sent as JSON; let its sender send it again")
	case !ok:
		r.refuse(item.UnknownForm, raw, "the sample has no value; send a number as value")
	case len(in.Labels) > maxFields:
		r.refuse(item.TooLarge, raw, "the sample has %d labels, more than %d; send fewer", len(in.Labels), maxFields)
	default:
		if in.Time.IsZero() {
			in.Time = r.batch.At
		}
		r.out.Samples = append(r.out.Samples, item.Sample{Labels: labels.FromMap(in.Labels), T: in.Time.UnixMilli(), V: v})
	}
}

// scanner reads JSON as it is written, without building anything.
type scanner struct {
	text  []byte
	at    int
	depth int
}

// maxDepth bounds how deep values may be nested.
const maxDepth = 32

func (s *scanner) fail(problem string) error {
	return fmt.Errorf("not JSON: %s at column %d", problem, s.at+1)
}

// skipSpace goes to the next sign, and gives it; 0 at the end.
func (s *scanner) skipSpace() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// object reads an object and calls visit for each member, until it gives false.
func (s *scanner) object(visit func(name []byte, c cell) bool) error {
	if s.skipSpace() != '{' {
		return s.fail("an object is expected")
	}
	s.at++
	if s.skipSpace() == '}' {
		s.at++
		return nil
	}
	for {
		if s.skipSpace() != '"' {
			return s.fail("a name in quotes is expected")
		}
		name, err := s.string()
		if err != nil {
			return err
		}
		if s.skipSpace() != ':' {
			return s.fail("a colon is expected")
		}
		s.at++
		c, err := s.value()
		if err != nil {
			return err
		}
		if !visit(name, c) {
			return nil
		}
		switch s.skipSpace() {
		case ',':
			s.at++
		case '}':
			s.at++
			return nil
		default:
			return s.fail("a comma or } is expected")
		}
	}
}

func (s *scanner) value() (cell, error) {
	switch c := s.skipSpace(); {
	case c == '"':
		v, err := s.string()
		return cell{text, v}, err
	case c == '{' || c == '[':
		return s.nested(c)
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	for _, w := range words {
		if bytes.HasPrefix(s.text[s.at:], w.value) {
			s.at += len(w.value)
			return w, nil
		}
	}
	return cell{}, s.fail("a value is expected")
}

// words are the values that are words.
var words = []cell{{boolean, []byte("true")}, {boolean, []byte("false")}, {null, []byte("null")}}

// nested reads an object or array whole.
func (s *scanner) nested(open byte) (cell, error) {
	if s.depth++; s.depth > maxDepth {
		return cell{}, s.fail("nested too deep")
	}
	defer func() { s.depth-- }()
	from := s.at
	if open == '{' {
		err := s.object(func([]byte, cell) bool { return true })
		return cell{object, s.text[from:s.at]}, err
	}
	s.at++
	if s.skipSpace() == ']' {
		s.at++
		return cell{array, s.text[from:s.at]}, nil
	}
	for {
		if _, err := s.value(); err != nil {
			return cell{}, err
		}
		switch s.skipSpace() {
		case ',':
			s.at++
		case ']':
			s.at++
			return cell{array, s.text[from:s.at]}, nil
		default:
			return cell{}, s.fail("a comma or ] is expected")
		}
	}
}

// string reads a text in quotes, and gives it without them.
func (s *scanner) string() ([]byte, error) {
	from := s.at
	escaped := false
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			if !escaped {
				return s.text[from+1 : s.at-1], nil
			}
			var v string
			if json.Unmarshal(s.text[from:s.at], &v) != nil {
				return nil, s.fail("an escape that is none")
			}
			return []byte(v), nil
		case c == '\\':
			escaped = true
			s.at++
		case c < ' ':
			return nil, s.fail("a control character in a text")
		}
	}
	s.at = len(s.text)
	return nil, s.fail("a text without its closing quote")
}

func (s *scanner) number() (cell, error) {
	from := s.at
	digits := func() bool {
		first := s.at
		for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
			s.at++
		}
		return s.at > first
	}
	is := func(signs string) bool {
		if s.at < len(s.text) && bytes.IndexByte([]byte(signs), s.text[s.at]) >= 0 {
			s.at++
			return true
		}
		return false
	}
	is("-")
	if is("0") {
		if s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
			return cell{}, s.fail("a number that begins with 0")
		}
	} else if !digits() {
		return cell{}, s.fail("a digit is expected")
	}
	if is(".") && !digits() {
		return cell{}, s.fail("a digit is expected")
	}
	if is("eE") {
		is("+-")
		if !digits() {
			return cell{}, s.fail("a digit is expected")
		}
	}
	return cell{number, s.text[from:s.at]}, nil
}
