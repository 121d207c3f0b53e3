package quarantine

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"

	"github.com/linnet-project/linnet/ingest/event"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

// Entry is one thing that was refused.
type Entry struct {
	// ID tells it from all others: 16 hexadecimal digits.
	ID string `json:"id"`
	// Time is when its batch came in.
	Time   time.Time   `json:"time"`
	Sender string      `json:"sender,omitempty"`
	Tenant string      `json:"tenant,omitempty"`
	Format item.Format `json:"format"`
	// Batch is its batch's place in the log, BatchID the sender's own name for it.
	Batch   uint64    `json:"batch,omitempty"`
	BatchID string    `json:"batchId,omitempty"`
	Code    item.Code `json:"code"`
	Text    string    `json:"text"`
	Place   string    `json:"place,omitempty"`
	// Head is what has to stand before Raw for it to be read: the names of CSV's
	// columns.
	Head string `json:"head,omitempty"`
	// Raw is what was refused, as it came; Binary holds it where it is no text.
	Raw    string `json:"raw,omitempty"`
	Binary []byte `json:"binary,omitempty"`
}

// maxHead bounds Head.
const maxHead = 4 << 10

func entryOf(b item.Batch, one item.Refusal, i int, now time.Time) Entry {
	one = one.Bounded() // a line longer than maxEntry could not be read again
	e := Entry{
		Time: now.UTC(), Sender: b.Sender, Tenant: b.Tenant, Format: b.Format, Batch: b.Seq, BatchID: b.ID,
		Code: one.Code, Text: one.Text, Place: one.Place,
	}
	if !b.At.IsZero() {
		e.Time = b.At.UTC()
	}
	raw := one.Raw
	if utf8.Valid(raw) {
		e.Raw = string(raw)
	} else {
		e.Binary = raw
	}
	if b.Format == item.EventsCSV && one.Place != "" {
		if head := event.Header(b.Body); len(head) <= maxHead && utf8.Valid(head) {
			e.Head = strings.TrimRight(string(head), "\r\n")
		}
	}
	e.ID = nameOf(e, i, len(raw) == 0)
	return e
}

// nameOf is an id that comes out the same where the same batch of the log is
// refused the same thing again.
func nameOf(e Entry, i int, byIndex bool) string {
	h := xxhash.New()
	var n [8]byte
	add := func(v uint64) {
		binary.LittleEndian.PutUint64(n[:], v)
		_, _ = h.Write(n[:])
	}
	add(e.Batch)
	if e.Batch == 0 {
		add(uint64(e.Time.UnixNano()))
		byIndex = true
	}
	if byIndex {
		add(uint64(i))
	}
	for _, part := range []string{e.Tenant, e.Sender, string(e.Format), string(e.Code), e.Place, e.Raw, string(e.Binary)} {
		_, _ = h.WriteString(part)
		_, _ = h.Write([]byte{0xff})
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (e Entry) line() []byte {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	if err := out.Encode(e); err != nil {
		return nil
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Content is what was refused, with what has to stand before it.
func (e Entry) Content() []byte {
	raw := e.Binary
	if raw == nil {
		raw = []byte(e.Raw)
	}
	if e.Head != "" {
		return append([]byte(e.Head+"\n"), raw...)
	}
	return raw
}

// idOf reads an entry's id alone, which stands first.
func idOf(line []byte) string {
	const before = `{"id":"`
	if len(line) < len(before)+16 || !bytes.HasPrefix(line, []byte(before)) || line[len(line)-1] != '}' {
		return ""
	}
	return string(line[len(before) : len(before)+16])
}

// Filter picks entries; its zero value picks all.
type Filter struct {
	Code           item.Code
	Sender, Tenant string // Sender: part of it will do
	Since          time.Time
	Place          string
}

func (f Filter) fits(e Entry) bool {
	return (f.Code == "" || e.Code == f.Code) && strings.Contains(e.Sender, f.Sender) &&
		(f.Tenant == "" || e.Tenant == f.Tenant) && (f.Place == "" || e.Place == f.Place) && !e.Time.Before(f.Since)
}

// errStop ends a reading early.
var errStop = errors.New("stop")

// Each calls visit for the entries of a quarantine that fit, the oldest first,
// until it gives false. A folder that is not there has none. damaged is how many
// lines are not whole.
func Each(dir string, f Filter, visit func(Entry) bool) (damaged int, err error) {
	names, err := segmentsOf(dir)
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		gone, err := readGone(path)
		if err != nil {
			return damaged, err
		}
		err = eachLine(path, func(line []byte) error {
			var e Entry
			switch {
			case json.Unmarshal(line, &e) != nil || e.ID == "":
				damaged++
			case !gone[e.ID] && f.fits(e) && !visit(e):
				return errStop
			}
			return nil
		})
		if errors.Is(err, errStop) {
			return damaged, nil
		}
		if err != nil {
			return damaged, err
		}
	}
	return damaged, nil
}

// Find gives the entry of an id, of which the beginning will do where no other
// begins so. An error wraps release.ErrNotFound, or release.ErrConflict where
// several do.
func Find(dir, id string) (Entry, error) {
	var found []Entry
	_, err := Each(dir, Filter{}, func(e Entry) bool {
		if strings.HasPrefix(e.ID, id) && id != "" {
			found = append(found, e)
		}
		return len(found) < 2
	})
	switch {
	case err != nil:
		return Entry{}, err
	case len(found) == 0:
		return Entry{}, fmt.Errorf("the quarantine has no entry %q; linnet ingest quarantine list shows those that it has: %w", id, release.ErrNotFound)
	case len(found) > 1:
		return Entry{}, fmt.Errorf("several entries begin with %q, %s and %s among them; write more of the id: %w", id, found[0].ID, found[1].ID, release.ErrConflict)
	}
	return found[0], nil
}

// Drop takes entries out, by their whole ids, and says how many of them it found.
// A door may write at the same time.
func Drop(dir string, ids []string) (dropped int, err error) {
	wanted := map[string]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	names, err := segmentsOf(dir)
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		gone, err := readGone(path)
		if err != nil {
			return dropped, err
		}
		var lines []byte
		if err := eachLine(path, func(line []byte) error {
			if id := idOf(line); wanted[id] && !gone[id] {
				lines = append(append(lines, id...), '\n')
				gone[id] = true
			}
			return nil
		}); err != nil {
			return dropped, err
		}
		if len(lines) == 0 {
			continue
		}
		if err := appendTo(goneFile(path), lines); err != nil {
			return dropped, fmt.Errorf("quarantine: %w: %w", err, release.ErrUnavailable)
		}
		dropped += bytes.Count(lines, []byte("\n"))
	}
	return dropped, nil
}

// appendTo writes at the end of a file in one piece, so that two who do it at
// once do not mix.
func appendTo(path string, lines []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(lines)
	return errors.Join(err, f.Sync(), f.Close())
}

// segmentsOf lists the segments of a folder, the oldest first.
func segmentsOf(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("quarantine: %w: %w", err, release.ErrInvalid)
	}
	var names []string
	for _, f := range files {
		if strings.HasSuffix(f.Name(), segmentEnd) && !f.IsDir() {
			names = append(names, f.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// readGone reads which entries of a segment are gone.
func readGone(segment string) (map[string]bool, error) {
	gone := map[string]bool{}
	err := eachLine(goneFile(segment), func(line []byte) error {
		gone[string(line)] = true
		return nil
	})
	return gone, err
}

// maxEntry bounds a line of a segment: what was refused, escaped, and the rest.
const maxEntry = 8 * item.MaxRaw

// eachLine calls visit for each whole line of a file, without its end. A file
// that is not there, because it was too old, has none.
func eachLine(path string, visit func(line []byte) error) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("quarantine: %w: %w", err, release.ErrUnavailable)
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, maxEntry)
	for {
		line, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			// What has no end was being written, by a process that is at it still or
			// was killed.
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("quarantine: %s has a line of more than %d bytes; is it another's file?: %w", path, maxEntry, release.ErrInvalid)
		case err != nil:
			return fmt.Errorf("quarantine: %w: %w", err, release.ErrUnavailable)
		}
		if err := visit(line[:len(line)-1]); err != nil {
			return err
		}
	}
}
