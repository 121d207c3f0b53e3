package event

import (
	"bytes"
	"cmp"
	"fmt"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

// CSV reads a batch whose first line names the columns, as fields of an event are
// named; tags are columns such as tags.region. A record is one line; quotes are
// as in RFC 4180. An empty cell is a field that is not there.
func CSV(b item.Batch) (item.Decoded, error) {
	body, err := plain(b.Body)
	if err != nil {
		return item.Decoded{}, err
	}
	r := newReader(b)
	r.out.Events = make([]item.Event, 0, len(body)/80+1)
	var columns []string
	var failed error
	many := r.lines(body, func(line []byte) {
		if failed != nil {
			return
		}
		cells, problem := split(line)
		switch {
		case columns != nil:
		case len(r.out.Refused) > 0:
			failed = unreadable(r.out.Refused[0].Text)
			return
		case line[0] == '{':
			failed = unreadable("it looks like JSON and not CSV; send it as NDJSON")
			return
		case problem != "":
			failed = unreadable(problem)
			return
		default:
			columns, failed = header(cells)
			return
		}
		if problem == "" && len(cells) != len(columns) {
			problem = fmt.Sprintf("it has %d cells, and the first line names %d columns", len(cells), len(columns))
		}
		if problem != "" {
			r.refuse(item.Unreadable, line, "%s; put the line right", problem)
			return
		}
		r.fields = r.fields[:0]
		for i, c := range cells {
			if len(c) > 0 {
				r.fields = append(r.fields, field{columns[i], cell{bare, c}})
			}
		}
		r.add(line)
	})
	switch {
	case failed != nil || many != nil:
		return item.Decoded{}, cmp.Or(failed, many)
	case columns == nil && len(r.out.Refused) > 0:
		return item.Decoded{}, unreadable(r.out.Refused[0].Text)
	case columns == nil:
		return item.Decoded{}, fmt.Errorf("the batch is empty; the first line of CSV names the columns: %w", release.ErrInvalid)
	}
	return r.out, nil
}

// Header is the first line of a batch of CSV, with its end: without it, none of
// its lines can be read.
func Header(body []byte) []byte {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	for line := range bytes.Lines(body) {
		if len(bytes.TrimSpace(line)) > 0 {
			return line
		}
	}
	return nil
}

func unreadable(problem string) error {
	return fmt.Errorf("the first line, which names the columns: %s: %w", problem, release.ErrInvalid)
}

// header reads the names of columns.
func header(cells [][]byte) ([]string, error) {
	var columns []string
	first := map[string]bool{}
	for i, c := range cells {
		name := string(bytes.TrimSpace(c))
		switch {
		case len(cells) == 1 && bytes.ContainsAny(c, ";\t"):
			return nil, fmt.Errorf("the columns are set apart by something else than commas; save the file with commas: %w", release.ErrInvalid)
		case name == "":
			return nil, fmt.Errorf("column %d has no name; the first line names the columns: %w", i+1, release.ErrInvalid)
		case first[name]:
			return nil, fmt.Errorf("the column %.64s is there twice; take one out: %w", name, release.ErrInvalid)
		case i >= maxFields:
			return nil, fmt.Errorf("there are more than %d columns; take some out: %w", maxFields, release.ErrInvalid)
		}
		first[name] = true
		columns = append(columns, name)
	}
	return columns, nil
}

// split takes a line of CSV apart, into cells.
func split(line []byte) (cells [][]byte, problem string) {
	for {
		if len(line) == 0 || line[0] != '"' {
			at := bytes.IndexByte(line, ',')
			c := line
			if at >= 0 {
				c = line[:at]
			}
			if bytes.IndexByte(c, '"') >= 0 {
				return nil, `a quote stands inside a cell; put the whole cell in quotes, and write "" for a quote`
			}
			cells = append(cells, c)
			if at < 0 {
				return cells, ""
			}
			line = line[at+1:]
			continue
		}
		c, rest, ok := quoted(line[1:])
		if !ok {
			return nil, "a quote is not closed on its line"
		}
		cells = append(cells, c)
		switch {
		case len(rest) == 0:
			return cells, ""
		case rest[0] != ',':
			return nil, "something follows a closing quote; a comma is expected"
		}
		line = rest[1:]
	}
}

// quoted reads a cell up to its closing quote.
func quoted(line []byte) (c, rest []byte, ok bool) {
	doubled := false
	for i := 0; i < len(line); i++ {
		if line[i] != '"' {
			continue
		}
		if i+1 < len(line) && line[i+1] == '"' {
			doubled = true
			i++
			continue
		}
		if c = line[:i]; doubled {
			c = bytes.ReplaceAll(c, []byte(`""`), []byte(`"`))
		}
		return c, line[i+1:], true
	}
	return nil, nil, false
}
