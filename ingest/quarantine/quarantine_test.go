package quarantine_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/quarantine"
	"github.com/linnet-project/linnet/release"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// clock is a clock that the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func open(t testing.TB, dir string, now func() time.Time, logger *slog.Logger) *quarantine.Quarantine {
	t.Helper()
	q, err := quarantine.Open(quarantine.Config{Dir: dir, For: time.Hour, Size: 1 << 20, Now: now, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() })
	return q
}

func all(t testing.TB, dir string, f quarantine.Filter) []quarantine.Entry {
	t.Helper()
	var out []quarantine.Entry
	damaged, err := quarantine.Each(dir, f, func(e quarantine.Entry) bool { out = append(out, e); return true })
	if err != nil || damaged != 0 {
		t.Fatal(damaged, err)
	}
	return out
}

func put(t testing.TB, q *quarantine.Quarantine, b item.Batch, refused ...item.Refusal) {
	t.Helper()
	if err := q.Put(t.Context(), b, refused); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsRefusedIsKeptListedAndDropped(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "quarantine")
	if len(all(t, dir, quarantine.Filter{})) != 0 {
		t.Fatal("a folder that is not there has entries")
	}
	c := &clock{now: noon}
	q := open(t, dir, c.Now, nil)
	csv := item.Batch{Seq: 7, ID: "b-1", Tenant: "shop", Sender: "http 10.0.0.7", Format: item.EventsCSV, At: noon, Body: []byte("service,version\r\na,1\r\nb\r\n")}
	put(t, q, csv, item.Refusal{Code: item.Unreadable, Text: "it has 1 cells", Place: "line 3", Raw: []byte("b")})
	otlp := item.Batch{Sender: "otlp/grpc 10.0.0.8", Format: item.OTLPTraces, At: noon.Add(time.Minute)}
	put(t, q, otlp, item.Refusal{Code: item.TooOld, Text: "old", Raw: []byte{0xff, 0x00}})

	entries := all(t, dir, quarantine.Filter{})
	if len(entries) != 2 {
		t.Fatalf("got %+v", entries)
	}
	first, second := entries[0], entries[1]
	want := quarantine.Entry{ID: first.ID, Time: noon, Sender: "http 10.0.0.7", Tenant: "shop", Format: item.EventsCSV, Batch: 7, BatchID: "b-1",
		Code: item.Unreadable, Text: "it has 1 cells", Place: "line 3", Head: "service,version", Raw: "b"}
	if fmt.Sprint(first) != fmt.Sprint(want) || string(first.Content()) != "service,version\nb" {
		t.Errorf("got\n%+v, want\n%+v; content %q", first, want, first.Content())
	}
	if !bytes.Equal(second.Content(), []byte{0xff, 0x00}) {
		t.Errorf("what is no text came back as %q", second.Content())
	}
	for name, f := range map[string]quarantine.Filter{
		"code": {Code: item.TooOld}, "sender": {Sender: "otlp"}, "since": {Since: noon.Add(time.Second)},
	} {
		if got := all(t, dir, f); len(got) != 1 || got[0].ID != second.ID {
			t.Errorf("by %s: %+v", name, got)
		}
	}
	if got := all(t, dir, quarantine.Filter{Tenant: "shop"}); len(got) != 1 || got[0].ID != first.ID {
		t.Errorf("by tenant: %+v", got)
	}
	if e, err := quarantine.Find(dir, first.ID[:8]); err != nil || e.ID != first.ID {
		t.Errorf("found %+v, %v", e, err)
	}
	if _, err := quarantine.Find(dir, "zz"); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("got %v", err)
	}

	if n, err := quarantine.Drop(dir, []string{first.ID, "0000000000000000"}); n != 1 || err != nil {
		t.Errorf("%d dropped, %v", n, err)
	}
	if n, err := quarantine.Drop(dir, []string{first.ID}); n != 0 || err != nil {
		t.Errorf("%d dropped again, %v", n, err)
	}
	if got := all(t, dir, quarantine.Filter{}); len(got) != 1 || got[0].ID != second.ID {
		t.Errorf("after the drop: %+v", got)
	}
	if _, err := quarantine.Find(dir, first.ID); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("what was dropped is found: %v", err)
	}
}

func TestTheSameRefusalsOfTheSameBatchAreKeptOnce(t *testing.T) {
	dir := t.TempDir()
	c := &clock{now: noon}
	b := item.Batch{Seq: 9, Format: item.EventsJSON, At: noon}
	refused := []item.Refusal{{Code: item.MissingTag, Place: "line 1", Raw: []byte("{}")}, {Code: item.MissingTag, Place: "line 2", Raw: []byte("{}")}}
	q := open(t, dir, c.Now, nil)
	put(t, q, b, refused...)
	put(t, q, b, refused...)
	dropped := all(t, dir, quarantine.Filter{})[0].ID
	if _, err := quarantine.Drop(dir, []string{dropped}); err != nil {
		t.Fatal(err)
	}
	_ = q.Close()
	put(t, open(t, dir, c.Now, nil), b, refused...)
	if got := all(t, dir, quarantine.Filter{}); len(got) != 1 {
		t.Errorf("got %d entries, want the one that was not dropped", len(got))
	}
	// What was never in the log has no number, and may really have come twice.
	b.Seq = 0
	q = open(t, dir, c.Now, nil)
	put(t, q, b, refused[0])
	b.At = noon.Add(time.Millisecond)
	put(t, q, b, refused[0])
	if got := all(t, dir, quarantine.Filter{}); len(got) != 3 {
		t.Errorf("got %d entries, want 3", len(got))
	}
}

func TestTheOldestGoAndThatIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		between time.Duration
		bytes   int
		why     string
	}{
		"by time": {10 * time.Minute, 100, "older than spec.quarantine.for"},
		"by size": {time.Second, 60_000, "more than spec.quarantine.size"},
	} {
		dir, told := t.TempDir(), &bytes.Buffer{}
		at := &clock{now: noon}
		q := open(t, dir, at.Now, slog.New(slog.NewTextHandler(told, nil)))
		for i := range 40 {
			put(t, q, item.Batch{Seq: uint64(i + 1), At: at.Now()}, item.Refusal{Code: item.OutOfRange, Raw: bytes.Repeat([]byte("x"), c.bytes)})
			at.add(c.between)
		}
		left := all(t, dir, quarantine.Filter{})
		if len(left) == 0 || len(left) > 20 || left[len(left)-1].Batch != 40 || left[0].Batch != uint64(41-len(left)) {
			t.Errorf("%s: %d are left", name, len(left))
		}
		if !strings.Contains(told.String(), c.why) {
			t.Errorf("%s: told %q", name, told)
		}
	}
}

func TestWhatIsTooOldGoesThoughNothingIsRefused(t *testing.T) {
	dir := t.TempDir()
	c := &clock{now: noon}
	q := open(t, dir, c.Now, nil)
	put(t, q, item.Batch{Seq: 1}, item.Refusal{Raw: []byte("x")})
	c.add(50 * time.Minute)
	if q.Tidy(); len(all(t, dir, quarantine.Filter{})) != 1 {
		t.Error("it is gone before its time")
	}
	c.add(20 * time.Minute)
	if q.Tidy(); len(all(t, dir, quarantine.Filter{})) != 0 {
		t.Error("it is there after its time")
	}
	put(t, q, item.Batch{Seq: 2}, item.Refusal{Raw: []byte("y")})
	if got := all(t, dir, quarantine.Filter{}); len(got) != 1 || got[0].Batch != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestOneBatchCannotFillIt(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, (&clock{now: noon}).Now, nil)
	b := item.Batch{Seq: 3, Format: item.EventsJSON}
	refused := make([]item.Refusal, 25_000)
	for i := range refused {
		refused[i] = item.Refusal{Code: item.Unreadable, Place: fmt.Sprintf("line %d", i+1), Raw: []byte("x")}
	}
	put(t, q, b, refused...)
	put(t, q, b, refused...)
	got := all(t, dir, quarantine.Filter{})
	if len(got) != 10_001 || !strings.HasPrefix(got[10_000].Text, "15000 more of the batch were refused") {
		t.Errorf("%d entries, the last is %+v", len(got), got[len(got)-1])
	}
}

// TestADoorWritesWhileOthersDrop: each entry is dropped once or left, and none is
// lost.
func TestADoorWritesWhileOthersDrop(t *testing.T) {
	dir := t.TempDir()
	c := &clock{now: noon}
	q := open(t, dir, c.Now, nil)
	const entries = 400
	var group sync.WaitGroup
	group.Go(func() {
		for i := range entries {
			c.add(time.Second) // several segments
			if err := q.Put(context.Background(), item.Batch{Seq: uint64(i + 1)}, []item.Refusal{{Raw: bytes.Repeat([]byte("x"), 200)}}); err != nil {
				t.Error(err)
			}
		}
	})
	dropped := make([]int, 3)
	for w := range dropped {
		group.Go(func() {
			for range 40 {
				var ids []string
				if _, err := quarantine.Each(dir, quarantine.Filter{}, func(e quarantine.Entry) bool {
					if int(e.Batch)%4 == w {
						ids = append(ids, e.ID)
					}
					return true
				}); err != nil {
					t.Error(err)
				}
				n, err := quarantine.Drop(dir, ids)
				if err != nil {
					t.Error(err)
				}
				dropped[w] += n
			}
		})
	}
	group.Wait()
	if got := len(all(t, dir, quarantine.Filter{})); got+dropped[0]+dropped[1]+dropped[2] != entries {
		t.Errorf("%d left and %v dropped of %d", got, dropped, entries)
	}
}

// TestKilled: whatever Put said it has kept is there after a SIGKILL.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	if os.Getenv("LINNET_QUARANTINE_DIR") != "" {
		writeForever(os.Getenv("LINNET_QUARANTINE_DIR"))
		return
	}
	for round := range 3 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKilled$")
		cmd.Env = append(os.Environ(), "LINNET_QUARANTINE_DIR="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kept := map[string]bool{}
		lines := bufio.NewScanner(out)
		for len(kept) < 50*(round+1) && lines.Scan() {
			kept[lines.Text()] = true
		}
		_ = cmd.Process.Kill()
		for lines.Scan() {
			kept[lines.Text()] = true
		}
		_ = cmd.Wait()
		there := map[string]bool{}
		for _, e := range all(t, dir, quarantine.Filter{}) {
			there[e.Raw] = true
		}
		for raw := range kept {
			if !there[raw] {
				t.Errorf("round %d: %s was kept and is not there", round, raw)
			}
		}
		if len(kept) < 50 {
			t.Errorf("round %d: only %d were kept", round, len(kept))
		}
	}
}

func writeForever(dir string) {
	q, err := quarantine.Open(quarantine.Config{Dir: dir, For: time.Hour, Size: 1 << 30, Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 1_000_000 {
		raw := fmt.Sprintf("%d-%d", os.Getpid(), i)
		if q.Put(context.Background(), item.Batch{At: time.Now()}, []item.Refusal{{Raw: []byte(raw)}}) != nil {
			return
		}
		if _, err := fmt.Println(raw); err != nil {
			return
		}
	}
}

func TestALineThatIsNotWholeIsPassedOver(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, (&clock{now: noon}).Now, nil)
	put(t, q, item.Batch{Seq: 1}, item.Refusal{Raw: []byte("a")})
	files, err := filepath.Glob(filepath.Join(dir, "*.ndjson"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[0], slices.Concat(text, []byte("{\"id\":\"no\n"), text[:20]), 0o600); err != nil {
		t.Fatal(err)
	}
	n := 0
	damaged, err := quarantine.Each(dir, quarantine.Filter{}, func(quarantine.Entry) bool { n++; return true })
	if n != 1 || damaged != 1 || err != nil {
		t.Errorf("%d entries, %d damaged, %v", n, damaged, err)
	}
	put(t, open(t, dir, (&clock{now: noon}).Now, nil), item.Batch{Seq: 2}, item.Refusal{Raw: []byte("b")})
	n = 0
	if _, err := quarantine.Each(dir, quarantine.Filter{}, func(quarantine.Entry) bool { n++; return true }); n != 2 || err != nil {
		t.Errorf("%d entries, %v", n, err)
	}
}

// However long the names are that a sender chose, what is refused of them can be
// listed, and the door opens again.
func TestRefusalsWithLongTexts(t *testing.T) {
	dir := t.TempDir()
	c := quarantine.Config{Dir: dir, For: time.Hour, Size: 1 << 30, Now: (&clock{now: noon}).Now}
	q, err := quarantine.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("\x01é", 1<<19)
	put(t, q, item.Batch{Seq: 1, Format: item.EventsCSV, Body: []byte(strings.Repeat("\x01", 4<<10) + "\n")}, item.Refusal{Code: item.UnknownForm, Text: long, Place: long, Raw: []byte(long)})
	put(t, q, item.Batch{Seq: 2}, item.Refusal{Text: "short", Raw: []byte("b")})
	if err := errors.Join(q.Sync(), q.Close(), q.Sync()); err != nil {
		t.Fatal(err)
	}
	if q, err = quarantine.Open(c); err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	put(t, q, item.Batch{Seq: 3}, item.Refusal{Raw: []byte("c")})
	entries := all(t, dir, quarantine.Filter{})
	if len(entries) != 3 || len(entries[0].Text) > 3<<10 || len(entries[0].Place) > 1<<10 || entries[1].Text != "short" {
		t.Errorf("%d entries", len(entries))
	}
}

func FuzzSegment(f *testing.F) {
	f.Add([]byte(`{"id":"0123456789abcdef","time":"2026-03-02T12:00:00Z","code":"range","raw":"x"}` + "\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "00000000000000000001.ndjson"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		lines := bytes.Count(text, []byte("\n"))
		n := 0
		damaged, err := quarantine.Each(dir, quarantine.Filter{}, func(quarantine.Entry) bool { n++; return true })
		if err == nil && n+damaged != lines {
			t.Errorf("%d lines became %d entries and %d damaged", lines, n, damaged)
		}
	})
}
