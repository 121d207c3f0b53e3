package log

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, dir string, said *bytes.Buffer) *Log {
	t.Helper()
	o := Options{Segment: 1 << 20}
	if said != nil {
		o.Logger = slog.New(slog.NewTextHandler(said, nil))
	}
	l, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func batch(i int) item.Batch {
	return item.Batch{
		ID: fmt.Sprint("id", i), Tenant: "shop", Sender: "test 127.0.0.1", Format: item.EventsJSON,
		At: start.Add(time.Duration(i) * time.Second), Body: []byte(strings.Repeat(fmt.Sprint("event ", i, " "), 20)),
	}
}

func write(t *testing.T, l *Log, batches ...int) {
	t.Helper()
	var packed []Packed
	for _, i := range batches {
		packed = append(packed, Pack(batch(i)))
	}
	if _, err := l.Write(packed); err != nil {
		t.Fatal(err)
	}
}

// read are the ids of all batches, and "tick" for each tick.
func read(t *testing.T, l *Log) (got []string) {
	t.Helper()
	last := uint64(0)
	if err := l.Read(t.Context(), 0, func(r Record) error {
		if r.Seq <= last {
			t.Errorf("record %d after %d", r.Seq, last)
		}
		last = r.Seq
		if r.Batch == nil {
			got = append(got, "tick")
			return nil
		}
		var i int
		if _, err := fmt.Sscanf(r.Batch.ID, "id%d", &i); err != nil {
			t.Error(err)
		}
		want := batch(i)
		if !bytes.Equal(r.Batch.Body, want.Body) || r.Batch.Tenant != want.Tenant || r.Batch.Sender != want.Sender ||
			r.Batch.Format != want.Format || !r.Batch.At.Equal(want.At) || r.Batch.Seq != r.Seq {
			t.Errorf("batch %d came back as %+v", i, r.Batch)
		}
		got = append(got, r.Batch.ID)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

func onlyFile(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	return names[0]
}

// A process killed after any byte of a write leaves what was whole, and a log that
// goes on.
func TestKilledAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, nil)
	write(t, l, 1, 2)
	if _, err := l.Tick(start); err != nil {
		t.Fatal(err)
	}
	write(t, l, 3)
	name := onlyFile(t, dir)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	ends := map[int]int{} // how many records are whole at a length
	l.scan(segment{}, whole, func([]byte) bool { return true })
	for at, n := 0, 0; at < len(whole); n++ {
		_, size, err := cut(whole[at:])
		if err != nil {
			t.Fatal(err)
		}
		at += size
		ends[at] = n + 1
	}
	all, records := []string{"id1", "id2", "tick", "id3"}, 0
	for n := range whole {
		records = max(records, ends[n])
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		l := open(t, dir, &said)
		if got := read(t, l); !slices.Equal(got, all[:records]) {
			t.Fatalf("cut at byte %d: %v", n, got)
		}
		if _, clean := ends[n]; (n > 0 && !clean) != strings.Contains(said.String(), "it was cut off") {
			t.Fatalf("cut at byte %d, and said: %s", n, &said)
		}
		write(t, l, 9)
		if got := read(t, l); !slices.Equal(got, append(slices.Clone(all[:records]), "id9")) {
			t.Fatalf("cut at byte %d, and gone on: %v", n, got)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A byte that the disk spoiled costs the record that it is in, which is told, and
// no other.
func TestSpoiledBytes(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, nil)
	write(t, l, 1, 2, 3)
	name := onlyFile(t, dir)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, first, _ := cut(whole)
	_, second, _ := cut(whole[first:])
	for n := first; n < first+second; n++ {
		spoiled := bytes.Clone(whole)
		spoiled[n] ^= 0x55
		if err := os.WriteFile(name, spoiled, 0o600); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		view, err := View(dir, slog.New(slog.NewTextHandler(&said, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, view); !slices.Equal(got, []string{"id1", "id3"}) {
			t.Fatalf("byte %d: %v", n, got)
		}
		if text := said.String(); !strings.Contains(text, name) || !strings.Contains(text, fmt.Sprintf("at=%d", first)) {
			t.Fatalf("byte %d, and said: %s", n, text)
		}
	}
}

// failing is a file whose operations fail from the nth on, for some time.
type failing struct {
	file
	left *int // operations until the first fails
	bad  *int // how many fail
}

var errDisk = errors.New("no space left on device")

func (f failing) fails() bool {
	if *f.left > 0 {
		*f.left--
		return false
	}
	if *f.bad > 0 {
		*f.bad--
		return true
	}
	return false
}

func (f failing) Write(b []byte) (int, error) {
	if f.fails() {
		n, _ := f.file.Write(b[:len(b)/2])
		return n, errDisk
	}
	return f.file.Write(b)
}

func (f failing) Sync() error {
	if f.fails() {
		return errDisk
	}
	return f.file.Sync()
}

func (f failing) Truncate(n int64) error {
	if f.fails() {
		return errDisk
	}
	return f.file.Truncate(n)
}

// Whatever operation fails, and however often: what was acknowledged is there, and
// what was not is not.
func TestAFullDisk(t *testing.T) {
	for left := range 8 {
		for bad := 1; bad < 5; bad++ {
			dir := t.TempDir()
			l := open(t, dir, nil)
			leftNow, badNow := left, bad
			l.create = func(path string) (file, error) {
				f, err := createFile(path)
				return failing{f, &leftNow, &badNow}, err
			}
			var want []string
			for i := range 12 {
				_, err := l.Write([]Packed{Pack(batch(i))})
				switch {
				case err == nil:
					want = append(want, fmt.Sprint("id", i))
				case !errors.Is(err, release.ErrUnavailable):
					t.Fatal(err)
				}
			}
			if len(want) < 7 {
				t.Fatalf("%d operations and then %d that fail: only %v were written", left, bad, want)
			}
			if got := read(t, l); !slices.Equal(got, want) {
				t.Fatalf("%d operations and then %d that fail: %v, want %v", left, bad, got, want)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if got := read(t, open(t, dir, nil)); !slices.Equal(got, want) {
				t.Fatalf("%d operations and then %d that fail, opened again: %v, want %v", left, bad, got, want)
			}
		}
	}
}

// What was cut off after a write that failed, and is there again after a loss of
// power, is not read beside what was written in its place.
func TestWhatComesBackAfterALossOfPower(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, nil)
	write(t, l, 0)
	left, bad := 1, 1 // the write works, its sync does not
	l.file = failing{l.file, &left, &bad}
	if _, err := l.Write([]Packed{Pack(batch(1))}); !errors.Is(err, release.ErrUnavailable) {
		t.Fatal(err)
	}
	first := onlyFile(t, dir)
	write(t, l, 2)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(first, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(appendBatch(nil, 2, Pack(batch(1))))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, nil)
	if got, want := read(t, l), []string{"id0", "id2"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	n := 0
	if err := l.ReadTimes(t.Context(), start, start.Add(time.Hour), func(Record) error { n++; return nil }); n != 2 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
}

func TestRetentionAndTimes(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, Options{Segment: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for i := 1; i <= 9; i++ {
		write(t, l, i) // each in a segment of its own
	}
	one := l.Size() / 9
	from := func(n int) (want []string) {
		for i := n; i <= 9; i++ {
			want = append(want, fmt.Sprint("id", i))
		}
		return want
	}
	for _, c := range []struct {
		before time.Time
		bytes  int64
		needed uint64
		want   []string
	}{
		{start, 1 << 30, 9, from(1)},
		{start.Add(3 * time.Second), 1 << 30, 9, from(3)},
		{start.Add(time.Hour), 1 << 30, 3, from(4)}, // the fourth is needed still
		{start, 3*one + 1, 9, from(7)},
		{start.Add(time.Hour), 0, 100, from(9)}, // the last is written to
	} {
		if err := l.Retain(c.before, c.bytes, c.needed); err != nil {
			t.Fatal(err)
		}
		if got := read(t, l); !slices.Equal(got, c.want) {
			t.Errorf("before %s, %d bytes, up to %d: %v, want %v", c.before, c.bytes, c.needed, got, c.want)
		}
	}
	for i := 10; i <= 12; i++ {
		write(t, l, i)
	}
	var got []string
	if err := l.ReadTimes(t.Context(), start.Add(10*time.Second), start.Add(11*time.Second), func(r Record) error {
		got = append(got, r.Batch.ID)
		return nil
	}); err != nil || !slices.Equal(got, []string{"id10", "id11"}) {
		t.Errorf("of two seconds: %v, %v", got, err)
	}
	if l.Next() != 13 {
		t.Errorf("the next is %d", l.Next())
	}
	if l.Forward(100); l.Next() != 100 {
		t.Errorf("after going forward the next is %d", l.Next())
	}
}

func TestALogThatIsNotThere(t *testing.T) {
	if _, err := View(filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, release.ErrNotFound) {
		t.Error(err)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add(appendBatch(appendTick(nil, 1, start), 2, Pack(batch(1))))
	f.Add(appendBatch(nil, 1, Packed{}))
	f.Add([]byte{0xf1, 'L', 'n', 0x1e, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		l := Log{options: Options{Logger: slog.New(slog.DiscardHandler)}}
		l.scan(segment{}, b, func(payload []byte) bool {
			r, err := decode(payload)
			if err != nil {
				return true
			}
			again := appendTick(nil, r.Seq, r.At)
			if r.Batch != nil {
				again = appendBatch(nil, r.Seq, Pack(*r.Batch))
			}
			payload, _, err = cut(again)
			if err != nil {
				t.Fatal(err)
			}
			if same, err := decode(payload); err != nil || same.Seq != r.Seq || !same.At.Equal(r.At) || (same.Batch == nil) != (r.Batch == nil) {
				t.Errorf("%+v came back as %+v, %v", r, same, err)
			}
			return true
		})
		_, _ = decode(b)
	})
}
