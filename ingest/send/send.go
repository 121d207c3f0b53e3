// Package send brings events to a front door: it cuts a file into batches, sends
// one after the other, waits where the door is full, and adds up the receipts.
package send

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/ingest/event"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

const (
	// batchSize is how large a batch gets before it is sent, mostOfLine how long
	// one line may be, in bytes.
	batchSize  = 1 << 20
	mostOfLine = 8 << 20
	// mostRefusals bounds the refusals that are kept for people.
	mostRefusals = 100
)

// File is what is to be sent.
type File struct {
	io.Reader
	// Name is what messages call it, by whose ending its format is told where
	// Format is "".
	Name   string
	Format item.Format
	// Tenant is whose data it is; "" for nobody's in particular.
	Tenant string
	// ID begins the ids of its batches. Where it is "" they are made of what the
	// batches hold, so that a file that is sent again counts once.
	ID string
}

// Sum is what became of a file.
type Sum struct {
	Accepted, Refused, Repeated int
	// Batches and Bytes were sent.
	Batches int
	Bytes   int64
	// Refusals are the first few of those refused.
	Refusals []Refusal
}

// Refusal is one thing that was refused.
type Refusal struct {
	Name string // of the file
	Line int    // 0 where none is known
	event.Refused
}

// String says it in one line: file:line: code: text.
func (r Refusal) String() string {
	at := r.Name
	if r.Line > 0 {
		at += ":" + strconv.Itoa(r.Line)
	}
	return fmt.Sprintf("%s: %s: %s", at, r.Code, r.Text)
}

// Send sends a file, packed with gzip or not, and calls progress after each
// batch; nil for nobody. The Sum holds what was sent before an error. An error
// wraps release.ErrInvalid where nothing of a batch can be read,
// release.ErrUnavailable where the door cannot be reached or stays full.
func (c *Client) Send(ctx context.Context, f File, progress func(Sum)) (Sum, error) {
	r := bufio.NewReaderSize(f.Reader, 64<<10)
	if magic, _ := r.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return Sum{}, fmt.Errorf("%s: %w: %w", f.Name, err, release.ErrInvalid)
		}
		r = bufio.NewReaderSize(z, 64<<10)
	}
	if f.Format == "" {
		f.Format = formatOf(f.Name, r)
	}
	s := sending{client: c, file: f, progress: progress}
	if s.progress == nil {
		s.progress = func(Sum) {}
	}
	err := s.all(ctx, r)
	return s.sum, err
}

// formatOf tells a file's format by its name, or else by how it begins.
func formatOf(name string, r *bufio.Reader) item.Format {
	name = strings.TrimSuffix(strings.ToLower(name), ".gz")
	switch {
	case strings.HasSuffix(name, ".csv"):
		return item.EventsCSV
	case strings.HasSuffix(name, ".statsd"):
		return item.StatsD
	case strings.HasSuffix(name, ".ndjson"), strings.HasSuffix(name, ".jsonl"), strings.HasSuffix(name, ".json"):
		return item.EventsJSON
	}
	begin, _ := r.Peek(512)
	begin = bytes.TrimLeft(bytes.TrimPrefix(begin, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(begin) > 0 && begin[0] != '{' && begin[0] != '[' {
		return item.EventsCSV
	}
	return item.EventsJSON
}

// sending is a file on its way.
type sending struct {
	client   *Client
	file     File
	progress func(Sum)
	sum      Sum

	batch  []byte
	header []byte // of CSV, at the head of each batch
	line   int    // the last one read
	first  int    // what the number of a line of the batch lacks
}

// all reads to the end and sends batch after batch.
func (s *sending) all(ctx context.Context, r *bufio.Reader) error {
	for {
		part, err := r.ReadSlice('\n')
		s.batch = append(s.batch, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if len(s.batch) > batchSize+mostOfLine {
				return fmt.Errorf("%s:%d: the line is longer than %d bytes; is this a file of events?: %w", s.file.Name, s.line+1, mostOfLine, release.ErrInvalid)
			}
			continue
		case err != nil && !errors.Is(err, io.EOF):
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%s cannot be read: %w: %w", s.file.Name, err, release.ErrInvalid)
		}
		if s.line++; s.file.Format == item.EventsCSV && s.header == nil && len(bytes.TrimSpace(part)) > 0 {
			s.header = bytes.Clone(s.batch)
		}
		if err != nil || len(s.batch) >= batchSize {
			if problem := s.flush(ctx); problem != nil || err != nil {
				return problem
			}
		}
	}
}

// flush sends the batch, and begins the next one.
func (s *sending) flush(ctx context.Context) error {
	if len(bytes.TrimSpace(s.batch)) == len(bytes.TrimSpace(s.header)) && s.sum.Batches > 0 {
		return nil
	}
	b := item.Batch{ID: s.id(), Tenant: s.file.Tenant, Format: s.file.Format, Body: s.batch}
	answer, err := s.client.Post(ctx, b)
	s.sum.Accepted += answer.Accepted
	s.sum.Refused += answer.Refused
	s.sum.Repeated += answer.Repeated
	s.sum.Batches++
	s.sum.Bytes += int64(len(s.batch))
	for _, one := range answer.Refusals {
		if len(s.sum.Refusals) < mostRefusals {
			s.sum.Refusals = append(s.sum.Refusals, Refusal{s.file.Name, s.lineOf(one.Place), one})
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.file.Name, err)
	}
	s.progress(s.sum)
	s.batch = append(s.batch[:0], s.header...)
	s.first = s.line - bytes.Count(s.header, []byte("\n"))
	return nil
}

// id is the batch's name. It holds the batch's place in the file: a file of nothing
// but the same line has batches that are the same, and each of them counts.
func (s *sending) id() string {
	if s.file.ID != "" {
		return s.file.ID + "-" + strconv.Itoa(s.sum.Batches+1)
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %d\n", s.file.Format, s.sum.Batches)
	h.Write(s.batch)
	return "sha256-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// lineOf is the line of the file that a place in the batch is.
func (s *sending) lineOf(place string) int {
	number, ok := strings.CutPrefix(place, "line ")
	n, err := strconv.Atoi(number)
	if !ok || err != nil {
		return 0
	}
	return s.first + n
}
